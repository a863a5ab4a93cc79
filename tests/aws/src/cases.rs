//! Named cases on the local AWS: each makes one thing happen at a moment of its own choosing, where a drive leaves that to
//! chance.
//!
//! Start at [`cases`]. One grid lives through all of them, one after the other, and both audits judge it in the end.

pub(crate) mod grid;
mod letters;
mod life;
pub(crate) mod road;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use chaos::process::Running;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use tokio::time::Instant;

use self::grid::Grid;
use crate::gate::Gate;
use crate::scene::Scene;
use crate::wire::Wire;
use crate::{Places, deploy, region, say};

/// How long anything may take. The schedule runs once a minute, a message of a killed function comes back after 75 s,
/// and the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// The account that the grid trades on.
const ACCOUNT: &str = "main";

/// What the cases have shown.
#[derive(Debug, Default, Serialize)]
pub struct CasesReport {
    /// How long each took, in milliseconds.
    pub cases: BTreeMap<&'static str, u64>,
    /// What the function of reports asked of AWS for one fill and its opposite order.
    pub calls_of_a_fill: BTreeMap<String, u64>,
    /// From the exchange writing a fill to its stream until the opposite order, in microseconds, the median of the fills
    /// that met nothing in their way.
    pub fill_to_order_us: u64,
    /// The same for the same grid in one process on this machine, over the embedded store.
    pub fill_to_order_on_one_machine_us: u64,
    /// Trades of the bot's orders, by the exchange.
    pub fills: u64,
    /// Orders that were completed.
    pub completed_orders: u64,
}

/// What a case may use.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    pub(crate) places: &'a Places,
    pub(crate) region: &'a region::Region,
    pub(crate) gate: &'a Gate,
    pub(crate) wire: Wire,
}

/// Lives through all cases on a local AWS of its own, which is gone in the end.
///
/// # Errors
/// With what was not as it should be, and in which case.
pub async fn cases(places: &Places) -> anyhow::Result<CasesReport> {
    region::with_gate(places, async |region, gate| {
        live(places, region, gate).await
    })
    .await
}

async fn live(
    places: &Places,
    region: &region::Region,
    gate: &Gate,
) -> anyhow::Result<CasesReport> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    // Prices are moved by hand, once the tape has come to its end at once.
    let setting = (Duration::ZERO, "none", 1);
    let mut scene = Scene::set(places, region, setting, &mut random).await?;
    let outcome = perform(places, region, gate, &scene).await;
    match outcome {
        Ok(report) => {
            scene.close().await?;
            Ok(report)
        }
        outcome => {
            say(&format!("its logs are kept in {}", scene.keep()));
            outcome
        }
    }
}

impl CasesReport {
    /// Carries a case out; says which it is, and how long it took.
    async fn case<T>(
        &mut self,
        name: &'static str,
        case: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        let outcome = case.await;
        let took = begun.elapsed();
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        say(&format!("   {name}: {word}, {:.1} s", took.as_secs_f64()));
        let took_ms = u64::try_from(took.as_millis())?;
        self.cases.insert(name, took_ms);
        outcome.context(name)
    }
}

async fn perform(
    places: &Places,
    region: &region::Region,
    gate: &Gate,
    scene: &Scene,
) -> anyhow::Result<CasesReport> {
    let mut report = CasesReport::default();
    deploy(places, region, &scene.base).await?;
    let stage = Stage {
        places,
        region,
        gate,
        wire: Wire::of(region)?,
    };
    let laid = Grid::laid(scene, &scene.operator, (ACCOUNT, &scene.key));
    let grid = report
        .case("a bot's first orders are laid without a bridge", laid)
        .await?;
    grid.still().await?;
    let bridges = on_the_road(&stage, &grid, &mut report).await?;
    without_help(&stage, &grid, bridges, &mut report).await?;
    let judged = report.case("both audits find nothing", grid.judge());
    (report.fills, report.completed_orders) = judged.await?;
    let stopped = life::stop(&grid);
    report
        .case("a stopped bot leaves no order", stopped)
        .await?;
    let alone = road::on_one_machine(scene);
    let alone = report.case("the same grid on one machine", alone);
    report.fill_to_order_on_one_machine_us = alone.await?;
    let deleted = life::delete(&stage, &grid);
    report
        .case("the stack is deleted and the ledger stays", deleted)
        .await?;
    ensure!(report.fills > 0, "nothing was traded");
    Ok(report)
}

/// What may happen to a report while bridges run; the bridges.
async fn on_the_road(
    stage: &Stage<'_>,
    grid: &Grid<'_>,
    report: &mut CasesReport,
) -> anyhow::Result<[Running; 2]> {
    let first = grid.scene.named_bridge("first").await?;
    grid.until_streams(1).await?;
    let there_and_back = road::there_and_back(stage, grid);
    let told = report.case(
        "a fill goes from the bridge to its opposite order",
        there_and_back,
    );
    (report.calls_of_a_fill, report.fill_to_order_us) = told.await?;
    let throttled = road::throttled(stage, grid);
    report.case("the table throttles", throttled).await?;
    let poison = letters::poison(stage, grid);
    report
        .case("what cannot be read dies alone", poison)
        .await?;
    let known = letters::known(stage, grid);
    report
        .case("a report sent back weeks later changes nothing", known)
        .await?;
    let second = grid.scene.named_bridge("second").await?;
    Ok([first, second])
}

/// What may die.
async fn without_help(
    stage: &Stage<'_>,
    grid: &Grid<'_>,
    [first, second]: [Running; 2],
    report: &mut CasesReport,
) -> anyhow::Result<()> {
    let one_of_two = road::one_of_two(grid, first);
    report
        .case("a bridge is killed and the other forwards", one_of_two)
        .await?;
    let accounts = life::accounts(grid);
    report
        .case(
            "an account is added and removed while the bridge runs",
            accounts,
        )
        .await?;
    let killed = road::killed(stage, grid);
    report
        .case("a function is killed between order and record", killed)
        .await?;
    let alone = road::schedule_alone(stage, grid, second);
    report
        .case("the queue is purged and no bridge runs", alone)
        .await?;
    let founding_case = road::founding_case(grid);
    report
        .case("recovery's own order fills at once", founding_case)
        .await
}
