//! After the storm: everything is whole again, `up` runs undisturbed, and in the end nothing is owed.
//!
//! Start at [`heal`] and [`come_to_rest`].

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::bots::Fleet;
use crate::exchange::LOOK_AGAIN;
use crate::process::Running;
use crate::stage::Stage;

/// How long the system may take to come to rest. A level whose order the exchange expired again and again waits up to
/// ten minutes before it tries once more.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// How long one run of recovery may take, with the exchange whole.
const ONE_RUN: Duration = Duration::from_secs(120);

/// How many runs of recovery may not find anything more to do.
const RUNS: u32 = 2;

/// How often recovery is asked to look again, where it is.
const ASKS_EVERY: Duration = Duration::from_secs(2);

/// How the word begins for a level whose bot is stopped.
pub(crate) const STOPPED: &str = "stopped: ";

/// Whether anybody helps a system that comes to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Haste {
    /// It finds its way by itself.
    No,
    /// An operator types `gridkeeper recover` until all is quiet. Attempts that a kill cut off are waited for all the
    /// same: nobody may try again before their lease has run out.
    Asks,
}

/// The states of a level that say why it has no order, of a bot that trades.
const REASONS: [&str; 3] = ["refused", "held", "quarantined"];

/// Faults end, the network is whole, the clock is right, the disk has room; `up` runs, those bots are to trade and every
/// other one to be stopped.
pub(crate) async fn heal(stage: &Stage, bots: &[String]) -> anyhow::Result<(Running, Fleet)> {
    stage
        .exchange
        .control(json!({ "do": "stopFaults" }))
        .await?;
    let clock = json!({ "do": "clock", "offsetMs": 0 });
    stage.exchange.control(clock).await?;
    stage.network.heal();
    let mut up = stage.up(None).await?;
    up.line_with("up:").await?;
    let fleet = Fleet::listed(stage, bots).await?;
    for bot in &fleet.trading {
        stage.yes(&["bot", "start", bot]).await?;
    }
    for bot in &fleet.stopped {
        // One that is to be sold off stays so.
        let shown = stage.json(&["bot", "show", bot]).await?;
        if shown["bot"]["desired"] != "stopped_and_sold" {
            stage.yes(&["bot", "stop", bot]).await?;
        }
    }
    Ok((up, fleet))
}

/// The levels without an open order, as the exchange calls them.
pub(crate) type Without = BTreeMap<String, String>;

/// Waits until every level has its order, or its bot is stopped as it is to be, and sees that recovery finds nothing
/// more to do then. Gives the levels that have none, with the word for why.
pub(crate) async fn come_to_rest(
    stage: &Stage,
    fleet: &Fleet,
    up: &mut Running,
    haste: Haste,
) -> anyhow::Result<Without> {
    let deadline = Instant::now() + PATIENCE;
    tokio::select! {
        ended = up.ended() => anyhow::bail!("`up` ended by itself in the calm: {}", ended?),
        quiet = quiet(stage, fleet, deadline, haste) => quiet?,
    };
    for _ in 0..RUNS {
        for bot in &fleet.trading {
            look_again(stage, bot).await?;
        }
    }
    let rest = Rest::of(stage, fleet).await?;
    ensure!(rest.busy.is_empty(), "not at rest: {:?}", rest.busy);
    for (level, state) in &rest.without {
        let reason = REASONS
            .iter()
            .any(|reason| state.contains(&format!(r#""state":"{reason}""#)));
        ensure!(reason, "{level} has no order and no reason: {state}");
    }
    let mut without = rest.without;
    without.extend(rest.stopped);
    let stats = stage.exchange.stats().await?;
    let unexplained: Vec<&str> = owing(&stats)?
        .filter(|slot| !without.contains_key(*slot))
        .collect();
    ensure!(
        unexplained.is_empty(),
        "the exchange waits for orders of {unexplained:?}, and their levels do not say why"
    );
    Ok(without)
}

/// The levels for whose order the exchange waits.
fn owing(stats: &Value) -> anyhow::Result<impl Iterator<Item = &str>> {
    let owing = stats["owing"]
        .as_array()
        .context("no list of what is owed")?;
    Ok(owing.iter().map(|slot| slot.as_str().unwrap_or_default()))
}

/// Waits until all is at rest, or time is up.
async fn quiet(
    stage: &Stage,
    fleet: &Fleet,
    deadline: Instant,
    haste: Haste,
) -> anyhow::Result<()> {
    let mut asked = Instant::now();
    loop {
        if haste == Haste::Asks && asked.elapsed() >= ASKS_EVERY {
            stage.yes(&["recover"]).await?;
            asked = Instant::now();
        }
        let rest = Rest::of(stage, fleet).await?;
        let stats = stage.exchange.stats().await?;
        let owes = owing(&stats)?.any(|slot| !rest.stopped.contains_key(slot));
        if rest.busy.is_empty() && rest.without.is_empty() && !owes {
            return Ok(());
        }
        if Instant::now() >= deadline {
            // What each level says decides.
            return Ok(());
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// What is not open, and why.
#[derive(Debug, Default)]
struct Rest {
    /// Levels without an order, of bots that trade.
    without: Without,
    /// Levels without an order, of bots that are stopped.
    stopped: Without,
    /// What still has to become as it is to be: bots, and levels of stopped bots that have an order.
    busy: Vec<String>,
}

impl Rest {
    async fn of(stage: &Stage, fleet: &Fleet) -> anyhow::Result<Self> {
        let mut rest = Self::default();
        for (bots, wanted) in [(&fleet.trading, "running"), (&fleet.stopped, "stopped")] {
            for bot in bots {
                let shown = stage.json(&["bot", "show", bot]).await?;
                let observed = shown["bot"]["observed"].as_str().unwrap_or_default();
                if observed != wanted {
                    rest.busy.push(format!("bot {bot} is {observed}"));
                }
                for level in shown["levels"].as_array().context("a bot without levels")? {
                    let slot = format!("gk-{bot}-{}", level["index"]);
                    rest.add(slot, &level["order"]["state"], wanted);
                }
            }
        }
        Ok(rest)
    }

    fn add(&mut self, slot: String, state: &Value, wanted: &str) {
        match (state["state"] == "open", wanted == "stopped") {
            (true, false) => {}
            (true, true) => self.busy.push(format!("{slot} of a stopped bot is open")),
            (false, false) => drop(self.without.insert(slot, state.to_string())),
            (false, true) => drop(self.stopped.insert(slot, format!("{STOPPED}{state}"))),
        }
    }
}

/// Waits until recovery has looked at a bot once more.
async fn look_again(stage: &Stage, bot: &str) -> anyhow::Result<()> {
    let show = ["bot", "show", bot];
    let recovered = |shown: &Value| shown["bot"]["recovered_at"].as_i64();
    let before = recovered(&stage.json(&show).await?);
    stage.yes(&["recover", bot]).await?;
    let deadline = Instant::now() + ONE_RUN;
    while recovered(&stage.json(&show).await?) <= before {
        ensure!(
            Instant::now() < deadline,
            "recovery does not look at bot {bot}"
        );
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}
