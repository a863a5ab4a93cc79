//! What an operator should know of a plan that is carried out nevertheless.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::sizing::after_fee;
use super::{Entry, GridPlan};
use crate::{BestPrices, LevelIndex, Price, Quantity, Rung, Side, SymbolRules};

/// One thing to know of a plan before it is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "warning")]
pub enum PlanWarning {
    /// The market's prices were not known: every level is planned as a resting purchase.
    MarketUnknown,
    /// The market is below the whole grid: every level starts above it.
    MarketBelowGrid {
        /// The best ask.
        ask: Price,
        /// The lowest line.
        lowest: Price,
    },
    /// The market is above the whole grid: it only buys once the market falls.
    MarketAboveGrid {
        /// The best bid.
        bid: Price,
        /// The highest line.
        highest: Price,
    },
    /// More levels than orders the symbol allows: the nearest to the market are placed first.
    MoreLevelsThanOrders {
        /// How many levels.
        levels: u32,
        /// `MAX_NUM_ORDERS` of the symbol.
        max_open_orders: u32,
    },
    /// Levels outside the exchange's price band are held until the market comes nearer.
    OutsideBand {
        /// The levels.
        levels: Vec<LevelIndex>,
        /// The lowest BUY the exchange takes now, in quote.
        lowest_buy: Decimal,
        /// The highest SELL the exchange takes now, in quote.
        highest_sell: Decimal,
    },
    /// First purchases that may not reach the ask, as their level would lose money: they rest.
    FirstBuysRest {
        /// The levels.
        levels: Vec<LevelIndex>,
        /// The best ask.
        ask: Price,
    },
    /// What the fee leaves of a purchase is no whole number of steps, and the exchange takes only
    /// those: a level's first sales book less than the plan says, the rest is sold with later ones.
    SalesInWholeSteps {
        /// What a level buys.
        bought: Quantity,
        /// What the fee in base leaves of it.
        kept: Quantity,
        /// What of that can be sold at once.
        sold: Quantity,
        /// The step of the symbol's quantities, in base.
        step: Decimal,
    },
}

/// Levels by number, a run of neighbours as `3 to 7`.
struct Named<'a>(&'a [LevelIndex]);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut levels = self.0.iter().map(|level| level.0).peekable();
        f.write_str(if self.0.len() == 1 {
            "level "
        } else {
            "levels "
        })?;
        let mut separator = "";
        while let Some(first) = levels.next() {
            let mut last = first;
            while let Some(next) = levels.next_if(|next| Some(*next) == last.checked_add(1)) {
                last = next;
            }
            match last.saturating_sub(first) {
                0 => write!(f, "{separator}{first}")?,
                1 => write!(f, "{separator}{first}, {last}")?,
                _ => write!(f, "{separator}{first} to {last}")?,
            }
            separator = ", ";
        }
        Ok(())
    }
}

impl fmt::Display for PlanWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MarketUnknown => f.write_str(
                "the market's prices are not known: every level is counted as a resting BUY",
            ),
            Self::MarketBelowGrid { ask, lowest } => write!(
                f,
                "the market ({ask}) is below the lowest line {lowest}: \
                 every level starts with inventory and none rests as a BUY"
            ),
            Self::MarketAboveGrid { bid, highest } => write!(
                f,
                "the market ({bid}) is above the highest line {highest}: \
                 the grid only buys once the market falls"
            ),
            Self::MoreLevelsThanOrders {
                levels,
                max_open_orders,
            } => write!(
                f,
                "{levels} levels, but the symbol allows {max_open_orders} open orders \
                 (MAX_NUM_ORDERS): the nearest to the market are placed first, the others wait"
            ),
            Self::OutsideBand {
                levels,
                lowest_buy,
                highest_sell,
            } => write!(
                f,
                "{}: outside the exchange's price band ({lowest_buy} to {highest_sell} now), \
                 so the order waits until the market comes nearer",
                Named(levels)
            ),
            Self::FirstBuysRest { levels, ask } => write!(
                f,
                "{}: a first BUY at the ask {ask} would earn nothing, so it stays below and rests \
                 until the market falls",
                Named(levels)
            ),
            Self::SalesInWholeSteps {
                bought,
                kept,
                sold,
                step,
            } => write!(
                f,
                "of {bought} bought, the fee leaves {kept}, and {sold} of it can be sold, in whole steps \
                 of {step}: the rest stays with its level until it makes a step, so that some round \
                 trips book less profit than shown and others more"
            ),
        }
    }
}

impl GridPlan {
    /// What to know of the ladder, with the market at `prices`.
    pub(super) fn warnings(
        &self,
        rungs: &[Rung],
        entries: &[Entry],
        rules: &SymbolRules,
        prices: Option<BestPrices>,
    ) -> Vec<PlanWarning> {
        let mut warnings = Vec::new();
        let levels = u32::try_from(rungs.len()).unwrap_or(u32::MAX);
        if let Some(max_open_orders) = rules.max_open_orders.filter(|most| levels > *most) {
            warnings.push(PlanWarning::MoreLevelsThanOrders {
                levels,
                max_open_orders,
            });
        }
        match prices {
            Some(prices) => warnings.extend(at_the_market(rungs, entries, rules, prices)),
            None => warnings.push(PlanWarning::MarketUnknown),
        }
        warnings.extend(self.sales_in_whole_steps(rungs, rules));
        warnings
    }

    fn sales_in_whole_steps(&self, rungs: &[Rung], rules: &SymbolRules) -> Option<PlanWarning> {
        let bought = rungs.first()?.quantity;
        let kept = bought.decimal().checked_mul(self.maker_fee.rest())?;
        let sold = after_fee(bought, self.maker_fee, rules)?;
        (sold.decimal() < kept).then_some(PlanWarning::SalesInWholeSteps {
            bought,
            kept: Quantity::new(kept.normalize()).ok()?,
            sold,
            step: rules.working_step(),
        })
    }
}

fn at_the_market(
    rungs: &[Rung],
    entries: &[Entry],
    rules: &SymbolRules,
    prices: BestPrices,
) -> Vec<PlanWarning> {
    let mut warnings = Vec::from_iter(beside_the_market(rungs, prices));
    warnings.extend(outside_band(rungs, entries, rules, prices));
    let levels = numbered(
        entries
            .iter()
            .map(|entry| matches!(entry, Entry::MarketBuy { price } if *price < prices.ask)),
    );
    if !levels.is_empty() {
        warnings.push(PlanWarning::FirstBuysRest {
            levels,
            ask: prices.ask,
        });
    }
    warnings
}

/// The numbers of the levels for which something holds.
fn numbered(holds: impl Iterator<Item = bool>) -> Vec<LevelIndex> {
    (0..)
        .map(LevelIndex)
        .zip(holds)
        .filter_map(|(level, holds)| holds.then_some(level))
        .collect()
}

fn beside_the_market(rungs: &[Rung], prices: BestPrices) -> Option<PlanWarning> {
    let (lowest, highest) = (rungs.first()?.buy_price, rungs.last()?.sell_price);
    if prices.ask <= lowest {
        Some(PlanWarning::MarketBelowGrid {
            ask: prices.ask,
            lowest,
        })
    } else if prices.bid >= highest {
        Some(PlanWarning::MarketAboveGrid {
            bid: prices.bid,
            highest,
        })
    } else {
        None
    }
}

/// Names the levels whose first grid order the exchange would refuse for its price now.
fn outside_band(
    rungs: &[Rung],
    entries: &[Entry],
    rules: &SymbolRules,
    prices: BestPrices,
) -> Option<PlanWarning> {
    let (lowest_buy, _) = rules.band(Side::Buy, prices.ask)?;
    let (_, highest_sell) = rules.band(Side::Sell, prices.bid)?;
    let outside = rungs.iter().zip(entries).map(|(rung, entry)| match entry {
        Entry::RestingBuy => !rules.price_in_band(Side::Buy, rung.buy_price, prices.ask),
        Entry::MarketBuy { .. } | Entry::FromBalance { .. } => {
            !rules.price_in_band(Side::Sell, rung.sell_price, prices.bid)
        }
    });
    let levels = numbered(outside);
    (!levels.is_empty()).then_some(PlanWarning::OutsideBand {
        levels,
        lowest_buy,
        highest_sell,
    })
}
