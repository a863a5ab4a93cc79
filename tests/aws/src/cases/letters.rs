//! Dead letters, as an operator meets them.

use anyhow::{Context as _, ensure};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::grid::{Grid, LEVEL, REST};
use super::road::{by_its_report, until_waiting};
use super::{PATIENCE, Stage};
use crate::drive::LOOK_AGAIN;

/// What no version has ever written.
const POISON: &str = r#"{"v":1,"type":"sell everything"}"#;

/// A message that cannot be read lies in one batch with a report: it ends among the dead letters, the report is handled.
pub(super) async fn poison(stage: &Stage<'_>, grid: &Grid<'_>) -> anyhow::Result<()> {
    by_its_report(async || poisoned(stage, grid).await).await
}

async fn poisoned(stage: &Stage<'_>, grid: &Grid<'_>) -> anyhow::Result<Vec<String>> {
    let before = grid.order(LEVEL).await?;
    stage.wire.feed(false).await?;
    grid.down().await?;
    until_waiting(stage, 1).await?;
    let sent = stage.wire.send("fills", &[POISON]).await?;
    stage.wire.feed(true).await?;
    let after = grid.until(LEVEL, before.no + 1).await?;
    ensure!(after.no == before.no + 1, "{after:?}");
    let told = grid.told_by(LEVEL, before.no).await?;

    let id = one_dead(grid).await?;
    ensure!(sent == [id.as_str()], "it keeps its id: {sent:?} {id}");
    let shown = grid.operator.json(&["dead-letters", "show", &id]).await?;
    ensure!(shown["body"] == POISON, "it is shown as it is: {shown}");
    let skipped = grid
        .operator
        .json(&["dead-letters", "redrive", "--all"])
        .await?;
    ensure!(
        skipped["done"] == json!([]) && skipped["skipped"][0]["id"] == json!(id),
        "it would only come back: {skipped}"
    );
    let asked = grid.operator.run(&["dead-letters", "drop", &id]).await?;
    ensure!(asked.0 == Some(2), "nothing is dropped unasked: {asked:?}");
    grid.operator
        .yes(&["dead-letters", "drop", &id, "--yes"])
        .await?;
    ensure!(dead(grid).await?.is_empty(), "it is gone");
    grid.one_more(false).await?;
    grid.print(REST).await?;
    Ok(told)
}

/// A report whose order has long been followed comes back from the dead letters.
pub(super) async fn known(stage: &Stage<'_>, grid: &Grid<'_>) -> anyhow::Result<()> {
    let before = grid.order(LEVEL).await?;
    stage.wire.feed(false).await?;
    grid.down().await?;
    let report = until_waiting(stage, 1).await?.remove(0);
    stage.wire.feed(true).await?;
    grid.until(LEVEL, before.no + 1).await?;
    grid.one_more(false).await?;
    grid.print(REST).await?;

    let (ledger, orders) = (grid.fills().await?, grid.shown().await?["levels"].take());
    let placed = grid.placed().await?;
    let sent = stage.wire.send("fills-dead", &[&report]).await?;
    let id = one_dead(grid).await?;
    ensure!(sent == [id.as_str()], "{sent:?} {id}");
    let shown = grid.operator.json(&["dead-letters", "show", &id]).await?;
    ensure!(
        shown["known"] == "duplicate",
        "the records know it: {shown}"
    );
    let done = grid
        .operator
        .json(&["dead-letters", "redrive", "--all"])
        .await?;
    ensure!(done["done"] == json!([id]), "{done}");
    until_empty(stage).await?;
    ensure!(dead(grid).await?.is_empty(), "it was handled");
    ensure!(grid.fills().await? == ledger, "the ledger is as it was");
    let after = grid.shown().await?["levels"].take();
    ensure!(after == orders, "the levels are as they were: {after}");
    ensure!(grid.placed().await? == placed, "no order was sent");
    Ok(())
}

/// The ids of the letters there are.
async fn dead(grid: &Grid<'_>) -> anyhow::Result<Vec<String>> {
    let queues = grid.operator.json(&["dead-letters", "list"]).await?;
    let queues = queues.as_array().context("a list of queues")?;
    ensure!(queues.len() == 3, "{queues:?}");
    let letters = queues.iter().flat_map(|queue| queue["listed"].as_array());
    let ids = letters.flatten().filter_map(|letter| letter["id"].as_str());
    Ok(ids.map(str::to_owned).collect())
}

/// Waits until just one letter is there; its id.
async fn one_dead(grid: &Grid<'_>) -> anyhow::Result<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let letters = dead(grid).await?;
        if let [only] = letters.as_slice() {
            return Ok(only.clone());
        }
        ensure!(
            letters.is_empty() && Instant::now() < deadline,
            "one dead letter was to come: {letters:?}"
        );
        sleep(LOOK_AGAIN).await;
    }
}

/// Waits until the queue of reports has nothing on it, being handled included.
async fn until_empty(stage: &Stage<'_>) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while stage.wire.depth("fills").await? > 0 {
        ensure!(Instant::now() < deadline, "the queue is not emptied");
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_poison_is_json_of_the_current_version() {
        let poison: Value = serde_json::from_str(POISON).unwrap();
        assert_eq!(poison["v"], 1, "it must fail for what it says");
    }
}
