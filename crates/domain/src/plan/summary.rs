//! What a ladder costs and what it earns, as figures for the operator to judge before it is real.
//!
//! Forecasts, not accounts: they expect the plan's fee rates, taken from what each order receives
//! (a BUY's from the base, a SELL's from the quote). What a floor to step leaves unsold is carried
//! to the level's next sale, so it counts as sold at the sell price.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;

use super::{Entry, GridPlan, PlanWarning};
use crate::{BestPrices, LevelIndex, Quantity, QuoteAmount, Rung, SymbolRules};

/// Decimals of a forecast amount; finer than any amount the exchange keeps.
const FORECAST_SCALE: u32 = 12;

/// Decimals of a forecast percentage.
const PERCENT_SCALE: u32 = 4;

/// One level, and what one round trip of it comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LevelFigures {
    /// Its position.
    pub index: LevelIndex,
    /// Its prices and quantity.
    pub rung: Rung,
    /// How it starts.
    pub entry: Entry,
    /// What a purchase at its buy price is worth.
    pub buy_value: QuoteAmount,
    /// What a round trip brings before fees.
    pub gross_profit: QuoteAmount,
    /// The fees of both its orders, valued in quote.
    pub fees: QuoteAmount,
    /// What a round trip brings after fees, rounded down.
    pub net_profit: QuoteAmount,
    /// The same in percent of the value bought, rounded down.
    pub net_percent: Decimal,
}

/// What a ladder costs and earns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanSummary {
    /// Each level, lowest first.
    pub levels: Vec<LevelFigures>,
    /// Quote needed for purchases that rest.
    pub resting_buys: QuoteAmount,
    /// Quote needed at most for first purchases.
    pub first_inventory: QuoteAmount,
    /// Quote needed in all: both together.
    pub capital: QuoteAmount,
    /// Base needed from the account's balance, minus nothing: what other bots claim comes on top.
    pub base_needed: Quantity,
    /// What that base is worth now.
    pub base_value: QuoteAmount,
    /// What one round trip of every level brings after fees.
    pub net_profit: QuoteAmount,
    /// The level that earns the smallest percentage.
    pub worst: LevelIndex,
    /// The level that earns the largest percentage.
    pub best: LevelIndex,
    /// What to know before starting.
    pub warnings: Vec<PlanWarning>,
}

impl GridPlan {
    /// The figures of a ladder; `None` when they do not fit into exact decimals.
    pub(super) fn summarize(
        &self,
        rungs: &[Rung],
        entries: &[Entry],
        rules: &SymbolRules,
        prices: Option<BestPrices>,
    ) -> Option<PlanSummary> {
        let levels = rungs
            .iter()
            .zip(entries)
            .zip(0..)
            .map(|((rung, entry), index)| self.figures(LevelIndex(index), rung, *entry))
            .collect::<Option<Vec<_>>>()?;
        // Percentages are rounded: amounts tell apart what they do not.
        let earns = |level: &&LevelFigures| (level.net_percent, level.net_profit);
        let worst = levels.iter().min_by_key(earns)?.index;
        let best = levels.iter().rev().max_by_key(earns)?.index;
        let mut summary = PlanSummary {
            levels: Vec::new(),
            resting_buys: QuoteAmount::ZERO,
            first_inventory: QuoteAmount::ZERO,
            capital: QuoteAmount::ZERO,
            base_needed: Quantity::ZERO,
            base_value: QuoteAmount::ZERO,
            net_profit: QuoteAmount::ZERO,
            worst,
            best,
            warnings: self.warnings(rungs, entries, rules, prices),
        };
        for level in &levels {
            summary.add(level)?;
        }
        summary.capital = summary.resting_buys.checked_add(summary.first_inventory)?;
        summary.levels = levels;
        Some(summary)
    }

    fn figures(&self, index: LevelIndex, rung: &Rung, entry: Entry) -> Option<LevelFigures> {
        let buy_value = rung.buy_price.times(rung.quantity)?;
        let sell_value = rung.sell_price.times(rung.quantity)?;
        let gross_profit = sell_value.checked_sub(buy_value)?;
        let net_per_unit = self.net_per_unit(rung)?;
        let net = net_per_unit.checked_mul(rung.quantity.decimal())?;
        let net_profit = QuoteAmount::new(round_down(net, FORECAST_SCALE));
        Some(LevelFigures {
            index,
            rung: *rung,
            entry,
            buy_value,
            gross_profit,
            fees: gross_profit.checked_sub(net_profit)?,
            net_profit,
            net_percent: self.net_percent(rung)?,
        })
    }

    /// What a round trip brings after fees in percent of the value bought, rounded down.
    pub(super) fn net_percent(&self, rung: &Rung) -> Option<Decimal> {
        let net_per_unit = self.net_per_unit(rung)?;
        let share = net_per_unit.checked_div(rung.buy_price.decimal())?;
        let percent = share.checked_mul(Decimal::ONE_HUNDRED)?;
        Some(round_down(percent, PERCENT_SCALE))
    }
}

impl PlanSummary {
    fn add(&mut self, level: &LevelFigures) -> Option<()> {
        let quantity = level.rung.quantity;
        match level.entry {
            Entry::RestingBuy => {
                self.resting_buys = self.resting_buys.checked_add(level.buy_value)?;
            }
            Entry::MarketBuy { price } => {
                self.first_inventory = self.first_inventory.checked_add(price.times(quantity)?)?;
            }
            Entry::FromBalance { price } => {
                self.base_needed = self.base_needed.checked_add(quantity)?;
                self.base_value = self.base_value.checked_add(price.times(quantity)?)?;
            }
        }
        self.net_profit = self.net_profit.checked_add(level.net_profit)?;
        Some(())
    }
}

fn round_down(value: Decimal, scale: u32) -> Decimal {
    value
        .round_dp_with_strategy(scale, RoundingStrategy::ToNegativeInfinity)
        .normalize()
}
