//! What a deployment takes: sizes, times, calls and units of the functions, measured on a local AWS.
//!
//! Start at [`measure`]. First a grid trades over the whole road, as in the named cases, and once more in one process.
//! Then the queue is no longer taken from by the local AWS: [`runtime`] starts functions as Lambda does, and gives them
//! the reports that wait there, so that all they ask, write and say is seen, and nothing else is timed.

mod runtime;
mod written;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde_json::Value;

use self::runtime::Environment;
pub use self::written::Written;
use crate::cases::grid::{Grid, LEVEL, REST};
use crate::cases::{Stage, road};
use crate::gate::{Gate, Request};
use crate::scene::Scene;
use crate::wire::Wire;
use crate::{Places, deploy, region};

/// How often a function is started.
const STARTS: usize = 10;

/// How many reports each of them handles.
const REPORTS: usize = 4;

/// The account that the grid trades on.
const ACCOUNT: &str = "main";

/// The functions, by their programs: the name of each in the stack.
const FUNCTIONS: [(&str, &str); 2] = [("handle_fill", "handle-fill"), ("recover", "recover")];

/// Several times or sizes of one kind.
#[derive(Debug, Default, Serialize)]
pub struct Spread {
    /// How many.
    pub count: usize,
    /// The least.
    pub least: u64,
    /// The middle one.
    pub median: u64,
    /// The largest.
    pub most: u64,
}

impl Spread {
    fn of(mut values: Vec<u64>) -> anyhow::Result<Self> {
        values.sort_unstable();
        let count = values.len();
        let at = |nth: usize| values.get(nth).copied().context("nothing was measured");
        Ok(Self {
            count,
            least: at(0)?,
            median: at(count / 2)?,
            most: at(count.saturating_sub(1))?,
        })
    }
}

/// What was measured. Times are in microseconds.
#[derive(Debug, Default, Serialize)]
pub struct Measured {
    /// Bytes of each function's package.
    pub package_bytes: BTreeMap<&'static str, u64>,
    /// From a function's start until it asks for its first event, both hosts connected.
    pub start_us: BTreeMap<&'static str, Spread>,
    /// The first report of an environment, from event to answer.
    pub first_report_us: Spread,
    /// Each further one.
    pub further_report_us: Spread,
    /// The most memory of an environment, KiB.
    pub memory_kib: u64,
    /// Bytes that a report adds to the log.
    pub log_bytes_of_a_report: Spread,
    /// What was asked of AWS for one report.
    pub calls_of_a_report: Vec<String>,
    /// Half read units of one report.
    pub read_half_units_of_a_report: u64,
    /// What was written for one report.
    pub written_for_a_report: Vec<Written>,
    /// The write units of that.
    pub write_units_of_a_report: u64,
    /// From the exchange writing a fill to its stream until the opposite order, the median, over the whole road.
    pub fill_to_order_us: u64,
    /// The same in one process on this machine.
    pub fill_to_order_on_one_machine_us: u64,
}

/// Measures on a local AWS of its own, which is gone in the end.
///
/// # Errors
/// With what could not be measured, or was not as it should be.
pub async fn measure(places: &Places) -> anyhow::Result<Measured> {
    region::with_gate(places, async |region, gate| {
        live(places, region, gate).await
    })
    .await
}

async fn live(places: &Places, region: &region::Region, gate: &Gate) -> anyhow::Result<Measured> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    // Prices are moved by hand, once the tape has come to its end at once.
    let setting = (Duration::ZERO, "none", 1);
    let scene = Scene::set(places, region, setting, &mut random).await?;
    deploy(places, region, &scene.base).await?;
    let stage = Stage {
        places,
        region,
        gate,
        wire: Wire::of(region)?,
    };
    let grid = Grid::laid(&scene, &scene.operator, (ACCOUNT, &scene.key)).await?;
    grid.still().await?;
    let bridge = scene.named_bridge("first").await?;
    grid.until_streams(1).await?;
    let mut measured = Measured::default();
    (_, measured.fill_to_order_us) = road::there_and_back(&stage, &grid).await?;
    functions(&stage, &mut measured).await?;
    reports(&stage, &grid, &mut measured).await?;
    grid.print(REST).await?;
    grid.judge().await?;
    grid.operator.yes(&["bot", "stop", &grid.bot]).await?;
    measured.fill_to_order_on_one_machine_us = road::on_one_machine(&scene).await?;
    ensure!(bridge.end().await?.success(), "the bridge was asked to end");
    scene.close().await?;
    Ok(measured)
}

/// Sizes of the packages, and how long each function takes to start.
async fn functions(stage: &Stage<'_>, measured: &mut Measured) -> anyhow::Result<()> {
    for (program, name) in FUNCTIONS {
        let told = stage.wire.function(name).await?;
        let size = told["CodeSize"].as_u64().context("a package of no size")?;
        measured.package_bytes.insert(program, size);
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let (environment, took) = start(stage, program, &told).await?;
            times.push(micros(took)?);
            environment.end().await?;
        }
        measured.start_us.insert(program, Spread::of(times)?);
    }
    Ok(())
}

/// Has new environments handle reports that wait on the queue.
async fn reports(
    stage: &Stage<'_>,
    grid: &Grid<'_>,
    measured: &mut Measured,
) -> anyhow::Result<()> {
    let (program, name) = FUNCTIONS[0];
    let told = stage.wire.function(name).await?;
    stage.wire.feed(false).await?;
    let (mut first, mut further, mut logged) = (Vec::new(), Vec::new(), Vec::new());
    let mut least: Option<Vec<Request>> = None;
    for _ in 0..STARTS {
        let (mut environment, _) = start(stage, program, &told).await?;
        for nth in 0..REPORTS {
            let said = environment.logged()?;
            stage.gate.listen().await;
            let took = one(stage, grid, &mut environment).await?;
            let heard = stage.gate.heard().await;
            if nth == 0 {
                first.push(micros(took)?);
                continue;
            }
            further.push(micros(took)?);
            logged.push(environment.logged()? - said);
            // Recovery runs beside it now and then, and asks for more.
            if least.as_ref().is_none_or(|least| heard.len() < least.len()) {
                charge(stage, &heard, measured).await?;
                least = Some(heard);
            }
        }
        let memory = environment.most_memory()?;
        measured.memory_kib = measured.memory_kib.max(memory);
        environment.end().await?;
    }
    measured.first_report_us = Spread::of(first)?;
    measured.further_report_us = Spread::of(further)?;
    measured.log_bytes_of_a_report = Spread::of(logged)?;
    stage.wire.feed(true).await
}

/// Level 3 trades, and this environment is given the report; how long it took.
async fn one(
    stage: &Stage<'_>,
    grid: &Grid<'_>,
    environment: &mut Environment,
) -> anyhow::Result<Duration> {
    let before = grid.order(LEVEL).await?;
    if before.buys {
        grid.down().await?;
    } else {
        grid.up().await?;
    }
    let waiting = road::until_waiting(stage, 1).await?;
    let took = environment.handle(&waiting).await?;
    let after = grid.order(LEVEL).await?;
    ensure!(
        after.no == before.no + 1 && after.is_open && after.buys != before.buys,
        "one opposite order was to follow {before:?}: {after:?}"
    );
    stage.wire.purge("fills").await?;
    Ok(took)
}

/// What these requests take.
async fn charge(
    stage: &Stage<'_>,
    heard: &[Request],
    measured: &mut Measured,
) -> anyhow::Result<()> {
    measured.calls_of_a_report = heard.iter().map(|(name, _)| name.clone()).collect();
    measured.written_for_a_report.clear();
    measured.read_half_units_of_a_report = 0;
    for (operation, body) in heard {
        let body: Value = serde_json::from_slice(body)?;
        measured.read_half_units_of_a_report += written::read_half_units(operation, &body);
        let written = written::writes(&stage.wire, operation, &body).await?;
        measured.written_for_a_report.extend(written);
    }
    let units = measured.written_for_a_report.iter();
    measured.write_units_of_a_report = units.map(|written| written.write_units).sum();
    Ok(())
}

/// Starts a function with the environment that the stack gives it.
async fn start(
    stage: &Stage<'_>,
    program: &str,
    told: &Value,
) -> anyhow::Result<(Environment, Duration)> {
    let work = &stage.places.work;
    let path = work.join("stage/target/lambda").join(program);
    let set = told["Environment"]["Variables"].as_object();
    let set = set.context("a function without an environment")?;
    let set = set.iter().map(|(name, value)| {
        let value = value.as_str().unwrap_or_default();
        (name.clone(), value.to_owned())
    });
    let of_aws = stage.region.environment().into_iter();
    let mut variables: Vec<(String, String)> = of_aws
        .map(|(name, value)| (name.to_owned(), value))
        .chain(set)
        .collect();
    variables.push(("AWS_ENDPOINT_URL".to_owned(), stage.gate.url().to_owned()));
    let log: PathBuf = work.join(format!("{program}.log"));
    Environment::start(&path.join("bootstrap"), &variables, log).await
}

fn micros(time: Duration) -> anyhow::Result<u64> {
    Ok(u64::try_from(time.as_micros())?)
}
