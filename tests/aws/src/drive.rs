//! A grid that trades through bridge, queues, functions and table, while bridge and functions are killed.
//!
//! Start at [`drive`].

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use chaos::market::SYMBOL;
use chaos::process::Running;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::scene::Scene;
use crate::{Places, Region, deploy, region, say, up};

/// The account, and the grids on it: lower and upper line, spacing, size. No line is where the market comes to rest.
const ACCOUNT: &str = "main";
const GRIDS: [[&str; 4]; 2] = [
    ["58000", "62000", "arithmetic:20", "base:0.001"],
    ["57000", "63000", "geometric:16", "base:0.0007"],
];

/// From one kill to the next, ms.
const BETWEEN_KILLS: std::ops::Range<u64> = 800..3_000;

/// How long a bridge stays away, ms.
const AWAY: std::ops::Range<u64> = 0..700;

/// How long the system may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// How often an operator asks recovery to look again, where the system comes to rest.
pub(crate) const ASKS_EVERY: Duration = Duration::from_secs(5);

pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What a drive is to be.
#[derive(Debug, Clone)]
pub struct Drive {
    /// How long everything goes wrong.
    pub length: Duration,
    /// Which faults the exchange makes by itself: `none`, `some` or `harsh`.
    pub faults: String,
    /// Repeats every choice.
    pub seed: u64,
}

/// What a drive has shown.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// How often a bridge was killed.
    pub bridge_kills: u64,
    /// How often a function was killed.
    pub function_kills: u64,
    /// Faults of the exchange by kind.
    pub faults: BTreeMap<String, u64>,
    /// Trades of the bots' orders, by the exchange.
    pub fills: u64,
    /// Orders that were completed.
    pub completed_orders: u64,
    /// Completed orders that nothing followed.
    pub missing: u64,
    /// Orders too many.
    pub duplicates: u64,
    /// Levels.
    pub levels: u64,
    /// Levels with an open order.
    pub levels_with_order: u64,
    /// How long it took to come to rest, in milliseconds.
    pub rest_ms: u64,
    /// What was wrong; nothing in a good drive.
    pub findings: Vec<String>,
}

impl Report {
    /// Whether both audits are clean, every level has its order, and the parts were killed at all.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.has_nothing_wrong() && self.bridge_kills > 0 && self.function_kills > 0
    }

    /// Whether both audits are clean, something was traded, and every level has its order.
    pub(crate) fn has_nothing_wrong(&self) -> bool {
        self.findings.is_empty()
            && self.missing == 0
            && self.duplicates == 0
            && self.levels_with_order == self.levels
            && self.fills > 0
    }
}

/// Lives through one drive on a local AWS of its own, which is gone in the end.
///
/// # Errors
/// When it could not be carried out; what the audits found is in the report.
pub async fn drive(places: &Places, drive: &Drive) -> anyhow::Result<Report> {
    region::down(places).await?;
    let region = up(places).await?;
    let outcome = live(places, &region, drive).await;
    region::down(places).await?;
    outcome
}

async fn live(places: &Places, region: &Region, drive: &Drive) -> anyhow::Result<Report> {
    let mut random = ChaCha8Rng::seed_from_u64(drive.seed);
    let setting = (drive.length, drive.faults.as_str(), drive.seed);
    let mut scene = Scene::set(places, region, setting, &mut random).await?;
    let outcome = perform(places, region, drive, &scene, &mut random).await;
    match outcome {
        Ok(report) if report.is_clean() => {
            scene.close().await?;
            Ok(report)
        }
        outcome => {
            say(&format!("its logs are kept in {}", scene.keep()));
            outcome
        }
    }
}

async fn perform(
    places: &Places,
    region: &Region,
    drive: &Drive,
    scene: &Scene,
    random: &mut ChaCha8Rng,
) -> anyhow::Result<Report> {
    let mut report = Report {
        seed: drive.seed,
        ..Report::default()
    };
    deploy(places, region, &scene.base).await?;
    scene.operator.add_account(ACCOUNT, &scene.key).await?;
    let mut bots = Vec::new();
    for grid in GRIDS {
        bots.push(scene.operator.bot(ACCOUNT, grid).await?);
    }
    scene.start_market().await?;
    rage(scene, region, drive.length, random, &mut report).await?;
    let stats = scene.exchange.stats().await?;
    for (kind, times) in stats["faults"].as_object().into_iter().flatten() {
        let times = times.as_u64().unwrap_or_default();
        report.faults.insert(kind.clone(), times);
    }
    let heal = json!({ "do": "stopFaults" });
    scene.exchange.control(heal).await?;
    let bridge = scene.bridge(report.bridge_kills).await?;
    let begin = Instant::now();
    let shown = come_to_rest(scene, &bots).await?;
    report.rest_ms = u64::try_from(begin.elapsed().as_millis())?;
    judge(scene, &shown, &mut report).await?;
    let ended = bridge.end().await?;
    ensure!(ended.success(), "the bridge was asked to end: {ended}");
    Ok(report)
}

/// Kills bridge and functions until time is up and the market stands still. No bridge runs then.
async fn rage(
    scene: &Scene,
    region: &Region,
    length: Duration,
    random: &mut ChaCha8Rng,
    report: &mut Report,
) -> anyhow::Result<()> {
    let end = Instant::now() + length;
    let mut bridge: Option<Running> = None;
    while Instant::now() < end {
        let running = match bridge.take() {
            Some(running) => running,
            None => scene.bridge(report.bridge_kills).await?,
        };
        sleep(Duration::from_millis(random.random_range(BETWEEN_KILLS))).await;
        let victims = region.functions()?;
        match victims.choose(random) {
            Some(function) if random.random_bool(0.6) => {
                region::end(*function, "KILL")?;
                report.function_kills += 1;
                bridge = Some(running);
            }
            _ => {
                running.kill().await?;
                report.bridge_kills += 1;
                sleep(Duration::from_millis(random.random_range(AWAY))).await;
            }
        }
    }
    if let Some(running) = bridge {
        running.kill().await?;
        report.bridge_kills += 1;
    }
    let prints = scene.prints;
    let over = |stats: &Value| stats["prints"].as_u64() >= Some(prints);
    let patience = length + PATIENCE;
    scene
        .exchange
        .until("end of the market's moves", patience, over)
        .await
        .map(drop)
}

/// Waits until every level has its order and the exchange waits for none; the bots as they are then.
async fn come_to_rest(scene: &Scene, bots: &[String]) -> anyhow::Result<Vec<Value>> {
    let deadline = Instant::now() + PATIENCE;
    let mut asked: Option<Instant> = None;
    loop {
        if asked.is_none_or(|asked| asked.elapsed() >= ASKS_EVERY) {
            scene.operator.yes(&["recover"]).await?;
            asked = Some(Instant::now());
        }
        let mut shown = Vec::new();
        for bot in bots {
            shown.push(scene.operator.json(&["bot", "show", bot]).await?);
        }
        let quiet = shown
            .iter()
            .flat_map(levels_of)
            .all(|level| level["order"]["state"]["state"] == "open");
        let stats = scene.exchange.stats().await?;
        let owing = stats["owing"]
            .as_array()
            .is_none_or(|owing| !owing.is_empty());
        if (quiet && !owing) || Instant::now() >= deadline {
            return Ok(shown);
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// The levels of a bot as its command shows it.
pub(crate) fn levels_of(bot: &Value) -> impl Iterator<Item = &Value> {
    bot["levels"].as_array().into_iter().flatten()
}

/// What both audits say of these bots.
pub(crate) async fn judge_ladder(scene: &Scene, shown: &[Value]) -> anyhow::Result<Report> {
    let mut report = Report::default();
    judge(scene, shown, &mut report).await?;
    Ok(report)
}

/// Asks both audits.
async fn judge(scene: &Scene, shown: &[Value], report: &mut Report) -> anyhow::Result<()> {
    let mut ladder = Vec::new();
    for bot in shown {
        for level in levels_of(bot) {
            report.levels += 1;
            let slot = format!("gk-{}-{}", word(&bot["bot"]["id"])?, level["index"]);
            let state = &level["order"]["state"];
            let mut entry = json!({
                "slot": slot,
                "symbol": SYMBOL,
                "buyPrice": level["buy_price"],
                "sellPrice": level["sell_price"],
                "quantity": level["quantity"],
            });
            if state["state"] == "open" {
                report.levels_with_order += 1;
            } else {
                entry["heldReason"] = json!(state.to_string());
                report.findings.push(format!("{slot}: no order: {state}"));
            }
            ladder.push(entry);
        }
    }
    let audit = scene.exchange.post("audit", &ladder.into()).await?;
    let number = |name: &str| {
        let number = audit[name].as_u64();
        number.with_context(|| format!("the exchange's audit has no {name}"))
    };
    report.fills = number("fills")?;
    report.completed_orders = number("completedOrders")?;
    report.missing = number("missing")?;
    report.duplicates = number("duplicates")?;
    for name in ["violations", "unknownSlots"] {
        for found in audit[name].as_array().into_iter().flatten() {
            report
                .findings
                .push(format!("the exchange: {name}: {found}"));
        }
    }
    let (code, text, errors) = scene.operator.run(&["audit", "--json"]).await?;
    let audits: Value = serde_json::from_str(&text)
        .with_context(|| format!("gridkeeper audit: {code:?} {text} {errors}"))?;
    for audit in audits.as_array().context("an audit that is no list")? {
        if audit["clean"] != true {
            let found = format!(
                "gridkeeper audit: {}: {}",
                audit["bot"], audit["violations"]
            );
            report.findings.push(found);
        }
    }
    Ok(())
}

fn word(value: &Value) -> anyhow::Result<&str> {
    value.as_str().context("a bot without an id")
}
