//! The grid that the cases are about, and the prices that move it.
//!
//! Lines lie 250 apart from 59,050 to 61,050. At rest the market is at [`REST`]: levels 0 to 3 wait to buy below it, 4 to
//! 7 to sell above it. [`Grid::down`] has level 3 buy, [`Grid::up`] has it sell again.

use anyhow::{Context as _, ensure};
use chaos::market::SYMBOL;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::PATIENCE;
use crate::drive::{ASKS_EVERY, LOOK_AGAIN, judge_ladder, levels_of};
use crate::operator::Operator;
use crate::scene::Scene;

/// Lower and upper line, spacing, size.
const LINES: [&str; 4] = ["59050", "61050", "arithmetic:8", "base:0.001"];

/// The level that trades most.
pub(crate) const LEVEL: u64 = 3;

/// The one below it.
pub(crate) const BELOW: u64 = 2;

/// Between level 3's two lines, and on no line: where the market is while nothing trades.
pub(crate) const REST: &str = "60000.00";

/// Just below the line at which level 3 buys.
const DOWN: &str = "59790.00";

/// Just below the line at which level 2 buys.
pub(crate) const FARTHER_DOWN: &str = "59540.00";

/// Just above the line at which level 3 sells.
const UP: &str = "60060.00";

/// An order of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    /// Its number.
    pub(crate) no: u64,
    /// Whether it rests at the exchange, as far as the records know.
    pub(crate) is_open: bool,
    /// Whether it buys.
    pub(crate) buys: bool,
}

/// The grid.
#[derive(Debug)]
pub(crate) struct Grid<'a> {
    pub(crate) scene: &'a Scene,
    pub(crate) operator: Operator,
    pub(crate) bot: String,
}

impl<'a> Grid<'a> {
    /// Adds an account and creates the bot, and waits until each level has its order.
    pub(crate) async fn laid(
        scene: &'a Scene,
        operator: &Operator,
        (account, key): (&str, &str),
    ) -> anyhow::Result<Self> {
        operator.add_account(account, key).await?;
        let bot = operator.bot(account, LINES).await?;
        let grid = Self {
            scene,
            operator: operator.clone(),
            bot,
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = grid.shown().await?;
            let mut levels = levels_of(&shown);
            if levels.all(|level| level["order"]["state"]["state"] == "open") {
                return Ok(grid);
            }
            ensure!(Instant::now() < deadline, "not laid: {shown}");
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until no price comes but by hand.
    pub(crate) async fn still(&self) -> anyhow::Result<()> {
        self.scene.start_market().await?;
        let prints = self.scene.prints;
        let over = |stats: &Value| stats["prints"].as_u64() >= Some(prints);
        let exchange = &self.scene.exchange;
        exchange.until("end of the tape", PATIENCE, over).await?;
        self.print(REST).await
    }

    /// The bot as its command shows it.
    pub(crate) async fn shown(&self) -> anyhow::Result<Value> {
        self.operator.json(&["bot", "show", &self.bot]).await
    }

    /// The current order of a level.
    pub(crate) async fn order(&self, level: u64) -> anyhow::Result<Order> {
        let shown = self.shown().await?;
        let mut levels = levels_of(&shown);
        let level = levels.find(|shown| shown["index"] == level);
        let order = &level.context("a level that is not shown")?["order"];
        Ok(Order {
            no: order["no"].as_u64().context("an order without a number")?,
            is_open: order["state"]["state"] == "open",
            buys: order["intent"]["side"] == "BUY",
        })
    }

    /// A trade of others at this price, large enough to fill whatever it crosses.
    pub(crate) async fn print(&self, price: &str) -> anyhow::Result<()> {
        let print = json!({ "do": "print", "symbol": SYMBOL, "price": price, "quantity": "10" });
        self.scene.exchange.post("market", &print).await.map(drop)
    }

    /// Level 3 buys.
    pub(crate) async fn down(&self) -> anyhow::Result<()> {
        self.print(DOWN).await
    }

    /// Level 3 sells, and what is below it.
    pub(crate) async fn up(&self) -> anyhow::Result<()> {
        self.print(UP).await
    }

    /// Waits until the order of this number rests, or a later one: the number it has then.
    pub(crate) async fn until(&self, level: u64, no: u64) -> anyhow::Result<Order> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let order = self.order(level).await?;
            if order.no >= no && order.is_open {
                return Ok(order);
            }
            ensure!(
                Instant::now() < deadline,
                "level {level} was to have order {no}: {order:?}"
            );
            sleep(LOOK_AGAIN).await;
        }
    }

    /// The same while an operator asks recovery to look, again and again: it leaves alone what has just changed.
    pub(crate) async fn until_recovered(&self, level: u64, no: u64) -> anyhow::Result<Order> {
        let waited = self.until(level, no);
        let asked = async {
            loop {
                self.operator.yes(&["recover"]).await?;
                sleep(ASKS_EVERY).await;
            }
        };
        tokio::select! {
            order = waited => order,
            failed = asked => failed,
        }
    }

    /// How many orders the exchange has accepted.
    pub(crate) async fn placed(&self) -> anyhow::Result<u64> {
        let stats = self.scene.exchange.stats().await?;
        stats["counts"]["placed"]
            .as_u64()
            .context("no count of orders")
    }

    /// Moves the market, and waits for just one further order of level 3.
    pub(crate) async fn one_more(&self, buys: bool) -> anyhow::Result<Order> {
        let before = self.order(LEVEL).await?;
        ensure!(
            before.is_open && before.buys == buys,
            "level {LEVEL} was to wait for that: {before:?}"
        );
        if buys {
            self.down().await?;
        } else {
            self.up().await?;
        }
        let after = self.until(LEVEL, before.no + 1).await?;
        ensure!(
            after.no == before.no + 1 && after.buys != buys,
            "one opposite order was to follow {before:?}: {after:?}"
        );
        Ok(after)
    }

    /// Who told of the trades of an order: `stream`, `reply` or `recovery`.
    pub(crate) async fn told_by(&self, level: u64, no: u64) -> anyhow::Result<Vec<String>> {
        let fills = self.fills().await?;
        let fills = fills.as_array().into_iter().flatten();
        let of = fills.filter(|fill| fill["level"] == level && fill["no"] == no);
        let told = of.filter_map(|fill| fill["source"].as_str().map(str::to_owned));
        let told: Vec<String> = told.collect();
        ensure!(!told.is_empty(), "level {level}'s order {no} has no trade");
        Ok(told)
    }

    /// The bot's ledger.
    pub(crate) async fn fills(&self) -> anyhow::Result<Value> {
        self.operator.json(&["fills", &self.bot]).await
    }

    /// Waits until the exchange has so many streams open for accounts.
    pub(crate) async fn until_streams(&self, wanted: u64) -> anyhow::Result<()> {
        let has = |stats: &Value| stats["subscriptions"] == wanted;
        let what = format!("{wanted} streams");
        let stats = self.scene.exchange.until(&what, PATIENCE, has).await;
        stats.map(drop)
    }

    /// The audit of the exchange, and that of the ledger, find nothing, and each level has its order: fills, and completed
    /// orders.
    pub(crate) async fn judge(&self) -> anyhow::Result<(u64, u64)> {
        let report = judge_ladder(self.scene, &[self.shown().await?]).await?;
        ensure!(
            report.has_nothing_wrong(),
            "the audits: {}",
            serde_json::to_string(&report)?
        );
        Ok((report.fills, report.completed_orders))
    }
}
