//! After the storm: everything is whole again, `up` runs undisturbed, and in the end nothing is owed.
//!
//! Start at [`heal`] and [`come_to_rest`].

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

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

/// The states of a level that say why it has no order.
const REASONS: [&str; 3] = [r#""refused""#, r#""held""#, r#""quarantined""#];

/// Faults end, the network is whole, the clock is right, the disk has room; `up` runs and every bot is to trade.
pub(crate) async fn heal(stage: &Stage, bots: &[String]) -> anyhow::Result<Running> {
    stage
        .exchange
        .control(json!({ "do": "stopFaults" }))
        .await?;
    let clock = json!({ "do": "clock", "offsetMs": 0 });
    stage.exchange.control(clock).await?;
    stage.network.heal();
    let mut up = stage.up(None).await?;
    up.line_with("up:").await?;
    for bot in bots {
        stage.yes(&["bot", "resume", bot]).await?;
    }
    Ok(up)
}

/// Waits until every level has its order, and sees that recovery finds nothing more to do then. Gives the levels that
/// have none, with the word for why.
pub(crate) async fn come_to_rest(
    stage: &Stage,
    bots: &[String],
    up: &mut Running,
) -> anyhow::Result<BTreeMap<String, String>> {
    let deadline = Instant::now() + PATIENCE;
    tokio::select! {
        ended = up.ended() => anyhow::bail!("`up` ended by itself in the calm: {}", ended?),
        quiet = quiet(stage, bots, deadline) => quiet?,
    };
    for _ in 0..RUNS {
        for bot in bots {
            look_again(stage, bot).await?;
        }
    }
    let without = without_order(stage, bots).await?;
    for (level, state) in &without {
        let reason = REASONS.iter().any(|reason| state.contains(reason));
        ensure!(reason, "{level} has no order and no reason: {state}");
    }
    let stats = stage.exchange.stats().await?;
    let owing = stats["owing"]
        .as_array()
        .context("no list of what is owed")?;
    let unexplained: Vec<&Value> = owing
        .iter()
        .filter(|slot| slot.as_str().is_none_or(|slot| !without.contains_key(slot)))
        .collect();
    ensure!(
        unexplained.is_empty(),
        "the exchange waits for orders of {unexplained:?}, and their levels do not say why"
    );
    Ok(without)
}

/// Waits until every level has its order and the exchange waits for none, or time is up.
async fn quiet(stage: &Stage, bots: &[String], deadline: Instant) -> anyhow::Result<()> {
    loop {
        let without = without_order(stage, bots).await?;
        let stats = stage.exchange.stats().await?;
        if without.is_empty() && stats["owing"] == json!([]) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            // What each level says decides.
            return Ok(());
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// The levels without an open order, as the exchange calls them, and in which state they are instead. A bot that does
/// not run yet counts as one.
async fn without_order(stage: &Stage, bots: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut without = BTreeMap::new();
    for bot in bots {
        let shown = stage.json(&["bot", "show", bot]).await?;
        let observed = shown["bot"]["observed"].as_str().unwrap_or_default();
        if observed != "running" {
            without.insert(bot.clone(), observed.to_owned());
        }
        for level in shown["levels"].as_array().context("a bot without levels")? {
            let state = &level["order"]["state"];
            if state["state"] != "open" {
                without.insert(format!("gk-{bot}-{}", level["index"]), state.to_string());
            }
        }
    }
    Ok(without)
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
