//! The road of a fill, and what may happen on it.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use chaos::process::Running;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::grid::{BELOW, FARTHER_DOWN, Grid, LEVEL, REST};
use super::{PATIENCE, Stage};
use crate::drive::LOOK_AGAIN;
use crate::gate::Obstacle;
use crate::region;
use crate::scene::Scene;

/// How many fills are looked at, of both sides.
const FILLS: usize = 20;

/// More requests of one kind than a single call sends again and again.
const MANY: u64 = 3;

/// How often a report may be overtaken by a run of the schedule, which comes once a minute.
const CHANCES: usize = 3;

/// Round trips with nothing in the way: what the function of reports asked of AWS for one fill, and the median of the
/// times from fill to order, in microseconds.
pub(crate) async fn there_and_back(
    stage: &Stage<'_>,
    grid: &Grid<'_>,
) -> anyhow::Result<(BTreeMap<String, u64>, u64)> {
    // The first call finds nothing in memory.
    grid.one_more(true).await?;
    grid.one_more(false).await?;
    let mut least: Option<BTreeMap<String, u64>> = None;
    let median = median_reaction(grid, async || {
        stage.gate.count().await;
        let after = grid.one_more(grid.order(LEVEL).await?.buys).await?;
        let told = grid.told_by(LEVEL, after.no - 1).await?;
        ensure!(told.iter().all(|who| who == "stream"), "{told:?}");
        let calls = stage.gate.count().await;
        // Recovery runs beside it now and then, and asks for more.
        let sum = |calls: &BTreeMap<String, u64>| calls.values().sum::<u64>();
        if least.as_ref().is_none_or(|least| sum(&calls) < sum(least)) {
            least = Some(calls);
        }
        Ok(())
    })
    .await?;
    let calls = least.context("no round trip")?;
    let of = |names: &[&str]| -> u64 { names.iter().filter_map(|name| calls.get(*name)).sum() };
    ensure!(
        of(&["BatchGetItem", "TransactWriteItems"]) == 2 && of(&["UpdateItem"]) == 1,
        "two calls of the table before the order and one after: {calls:?}"
    );
    Ok((calls, median))
}

/// The same grid in one process on this machine, on another account of the same exchange: the median of its times.
pub(crate) async fn on_one_machine(scene: &Scene) -> anyhow::Result<u64> {
    let (up, operator) = scene.one_machine().await?;
    let key = scene.open_account("alone").await?;
    let grid = Grid::laid(scene, &operator, ("alone", &key)).await?;
    grid.one_more(true).await?;
    grid.one_more(false).await?;
    let median = median_reaction(&grid, async || {
        grid.one_more(grid.order(LEVEL).await?.buys).await.map(drop)
    })
    .await?;
    operator.yes(&["bot", "stop", &grid.bot]).await?;
    let none = |stats: &Value| stats["openOrders"] == 0;
    scene.exchange.until("end of it", PATIENCE, none).await?;
    let ended = up.end().await?;
    ensure!(ended.success(), "it was asked to end: {ended}");
    Ok(median)
}

/// Has level 3 trade again and again; the median of the times from fill to order as the exchange saw them, in
/// microseconds.
async fn median_reaction(
    grid: &Grid<'_>,
    mut trade: impl AsyncFnMut() -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let seen = reactions(&grid.scene.exchange.stats().await?).len();
    for _ in 0..FILLS {
        trade().await?;
    }
    grid.print(REST).await?;
    let mut reactions = reactions(&grid.scene.exchange.stats().await?).split_off(seen);
    ensure!(reactions.len() == FILLS, "{FILLS} fills: {reactions:?}");
    reactions.sort_unstable();
    reactions.get(FILLS / 2).copied().context("no fill")
}

/// Times from fill to order, microseconds.
fn reactions(stats: &Value) -> Vec<u64> {
    let times = stats["reactionUs"].as_array().into_iter().flatten();
    times.filter_map(Value::as_u64).collect()
}

/// The table refuses everything for a while: the report waits, and is booked once.
pub(crate) async fn throttled(stage: &Stage<'_>, grid: &Grid<'_>) -> anyhow::Result<()> {
    by_its_report(async || throttled_once(stage, grid).await).await
}

async fn throttled_once(stage: &Stage<'_>, grid: &Grid<'_>) -> anyhow::Result<Vec<String>> {
    let before = grid.order(LEVEL).await?;
    let stopped = stage.gate.stopped();
    for operation in ["BatchGetItem", "TransactWriteItems", "UpdateItem"] {
        stage.gate.obstruct(operation, Obstacle::Throttled).await;
    }
    grid.down().await?;
    stage.gate.until_stopped(stopped + MANY).await?;
    let during = grid.order(LEVEL).await?;
    ensure!(during == before, "nothing could be written: {during:?}");
    stage.gate.clear().await;
    let after = grid.until(LEVEL, before.no + 1).await?;
    ensure!(after.no == before.no + 1, "{after:?}");
    let told = grid.told_by(LEVEL, before.no).await?;
    grid.one_more(false).await?;
    grid.print(REST).await?;
    Ok(told)
}

/// Does it until the trade was told by its own report. A run of the schedule may be first by chance, but not every time:
/// then the report is lost, and the schedule has healed that.
pub(crate) async fn by_its_report(
    mut once: impl AsyncFnMut() -> anyhow::Result<Vec<String>>,
) -> anyhow::Result<()> {
    let mut told = Vec::new();
    for _ in 0..CHANCES {
        told = once().await?;
        if told.iter().all(|who| who == "stream") {
            return Ok(());
        }
    }
    bail!("{CHANCES} times the trade was told by others than its report: {told:?}")
}

/// Of two bridges one is killed. The other tells of what trades then.
pub(crate) async fn one_of_two(grid: &Grid<'_>, killed: Running) -> anyhow::Result<()> {
    grid.until_streams(2).await?;
    grid.one_more(true).await?;
    killed.kill().await?;
    let after = grid.one_more(false).await?;
    let told = grid.told_by(LEVEL, after.no - 1).await?;
    ensure!(told.iter().all(|who| who == "stream"), "{told:?}");
    grid.print(REST).await
}

/// A function dies in the middle of a batch of two levels: it has sent an order, and cannot write that down. Whoever
/// comes next finds the order instead of sending another.
pub(crate) async fn killed(stage: &Stage<'_>, grid: &Grid<'_>) -> anyhow::Result<()> {
    let orders = (grid.order(LEVEL).await?, grid.order(BELOW).await?);
    stage.wire.feed(false).await?;
    grid.print(FARTHER_DOWN).await?;
    until_waiting(stage, 2).await?;
    let (stopped, placed) = (stage.gate.stopped(), grid.placed().await?);
    stage.gate.obstruct("UpdateItem", Obstacle::Silence).await;
    stage.wire.feed(true).await?;
    let is_placed = |stats: &Value| stats["counts"]["placed"].as_u64() > Some(placed);
    let exchange = &grid.scene.exchange;
    exchange.until("order", PATIENCE, is_placed).await?;
    stage.gate.until_stopped(stopped + 1).await?;
    let functions = stage.region.functions()?;
    ensure!(!functions.is_empty(), "no function runs");
    for function in functions {
        region::end(function, "KILL")?;
    }
    stage.gate.clear().await;
    for (level, before) in [(LEVEL, orders.0), (BELOW, orders.1)] {
        let after = grid.until(level, before.no + 1).await?;
        ensure!(after.no == before.no + 1 && !after.buys, "{after:?}");
    }
    grid.up().await?;
    for (level, before) in [(LEVEL, orders.0), (BELOW, orders.1)] {
        let after = grid.until(level, before.no + 2).await?;
        ensure!(after.no == before.no + 2 && after.buys, "{after:?}");
    }
    grid.print(REST).await
}

/// A report is lost with its queue, the bridge is killed, and nobody asks for anything: the schedule finds out.
pub(crate) async fn schedule_alone(
    stage: &Stage<'_>,
    grid: &Grid<'_>,
    bridge: Running,
) -> anyhow::Result<()> {
    let before = grid.order(LEVEL).await?;
    stage.wire.feed(false).await?;
    grid.down().await?;
    until_waiting(stage, 1).await?;
    bridge.kill().await?;
    stage.wire.purge("fills").await?;
    ensure!(stage.wire.depth("fills").await? == 0, "it was not purged");
    stage.wire.feed(true).await?;
    let after = grid.until(LEVEL, before.no + 1).await?;
    ensure!(after.no == before.no + 1, "{after:?}");
    let told = grid.told_by(LEVEL, before.no).await?;
    ensure!(told.iter().all(|who| who == "recovery"), "{told:?}");
    Ok(())
}

/// The case that this project was founded for: recovery places a SELL, which fills at once, and there is no stream to
/// say so. Its reply does, and the BUY is placed.
pub(crate) async fn founding_case(grid: &Grid<'_>) -> anyhow::Result<()> {
    grid.up().await?;
    let before = grid.order(LEVEL).await?;
    let before = grid.until_recovered(LEVEL, before.no + 1).await?;
    ensure!(before.buys, "{before:?}");
    // It buys while nobody hears, and the market is above its SELL when recovery finds that out.
    grid.down().await?;
    grid.up().await?;
    let after = grid.until_recovered(LEVEL, before.no + 2).await?;
    ensure!(after.no == before.no + 2 && after.buys, "{after:?}");
    let told = grid.told_by(LEVEL, before.no + 1).await?;
    ensure!(told.iter().all(|who| who == "reply"), "{told:?}");
    grid.print(REST).await
}

/// Waits until so many reports lie on the queue, whose function does not take them.
pub(crate) async fn until_waiting(stage: &Stage<'_>, wanted: usize) -> anyhow::Result<Vec<String>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let waiting = stage.wire.look("fills").await?;
        if waiting.len() == wanted {
            return Ok(waiting);
        }
        ensure!(
            waiting.len() < wanted && Instant::now() < deadline,
            "{wanted} reports were to wait: {waiting:?}"
        );
        sleep(LOOK_AGAIN).await;
    }
}
