//! Accounts that come and go, a bot that is stopped, and the end of the stack.

use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::grid::Grid;
use super::{PATIENCE, Stage};
use crate::deploy::STACK;
use crate::drive::{LOOK_AGAIN, levels_of};
use crate::tools::{Tool, finish};

/// The bridge follows the list of accounts without being started again.
pub(super) async fn accounts(grid: &Grid<'_>) -> anyhow::Result<()> {
    grid.until_streams(1).await?;
    let key = grid.scene.open_account("other").await?;
    grid.operator.add_account("other", &key).await?;
    grid.until_streams(2).await?;
    grid.operator.yes(&["account", "remove", "other"]).await?;
    grid.until_streams(1).await
}

/// Every order of a stopped bot is taken down, and its record says so.
pub(super) async fn stop(grid: &Grid<'_>) -> anyhow::Result<()> {
    let open = |stats: &Value| stats["openOrders"].as_u64();
    let before = open(&grid.scene.exchange.stats().await?);
    ensure!(before == Some(8), "each level has its order: {before:?}");
    grid.operator.yes(&["bot", "stop", &grid.bot]).await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let shown = grid.shown().await?;
        if shown["bot"]["observed"] == "stopped" {
            let mut levels = levels_of(&shown);
            ensure!(
                levels.all(|level| level["order"]["state"]["state"] != "open"),
                "a level still has an order: {shown}"
            );
            break;
        }
        ensure!(Instant::now() < deadline, "not stopped: {shown}");
        sleep(LOOK_AGAIN).await;
    }
    let after = open(&grid.scene.exchange.stats().await?);
    ensure!(after == Some(0), "the exchange still has orders: {after:?}");
    Ok(())
}

/// SAM deletes the stack. Functions and queues are gone; the table is still there, and is still read.
pub(super) async fn delete(stage: &Stage<'_>, grid: &Grid<'_>) -> anyhow::Result<()> {
    let ledger = grid.fills().await?;
    let programs = Tool::Sam.installed(stage.places)?;
    let mut sam = Command::new(programs.join("sam"));
    sam.envs(stage.region.environment())
        .args(["delete", "--no-prompts", "--stack-name", STACK])
        .args(["--region", "eu-west-1"]);
    finish(&mut sam)?;
    let gone = stage.wire.depth("fills").await.err();
    let gone = gone.context("the queue of reports is still there")?;
    ensure!(gone.to_string().contains("does not exist"), "{gone:#}");
    ensure!(stage.wire.feed(true).await.is_err(), "a function is fed");
    let after = grid.fills().await?;
    ensure!(after == ledger, "the ledger is as it was");
    Ok(())
}
