//! What an operator should know of a plan that is carried out nevertheless.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Entry, GridPlan};
use crate::{BestPrices, Price, Rung, Side, SymbolRules};

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
        /// How many levels.
        levels: u32,
        /// The lowest BUY the exchange takes now, in quote.
        lowest_buy: Decimal,
        /// The highest SELL the exchange takes now, in quote.
        highest_sell: Decimal,
    },
    /// First purchases that may not reach the ask, as their level would lose money: they rest.
    FirstBuysRest {
        /// How many levels.
        levels: u32,
        /// The best ask.
        ask: Price,
    },
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
                "levels outside the exchange's price band ({lowest_buy} to {highest_sell} now): \
                 {levels}; they wait until the market comes nearer"
            ),
            Self::FirstBuysRest { levels, ask } => write!(
                f,
                "levels whose first BUY must stay below the ask {ask} to earn anything: {levels}; \
                 it rests until the market falls"
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
        let Some(prices) = prices else {
            warnings.push(PlanWarning::MarketUnknown);
            return warnings;
        };
        warnings.extend(beside_the_market(rungs, prices));
        warnings.extend(outside_band(rungs, entries, rules, prices));
        let resting = entries
            .iter()
            .filter(|entry| matches!(entry, Entry::MarketBuy { price } if *price < prices.ask));
        let levels = u32::try_from(resting.count()).unwrap_or(u32::MAX);
        if levels > 0 {
            warnings.push(PlanWarning::FirstBuysRest {
                levels,
                ask: prices.ask,
            });
        }
        warnings
    }
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

/// Counts the levels whose first grid order the exchange would refuse for its price now.
fn outside_band(
    rungs: &[Rung],
    entries: &[Entry],
    rules: &SymbolRules,
    prices: BestPrices,
) -> Option<PlanWarning> {
    let (lowest_buy, _) = rules.band(Side::Buy, prices.ask)?;
    let (_, highest_sell) = rules.band(Side::Sell, prices.bid)?;
    let outside = rungs
        .iter()
        .zip(entries)
        .filter(|(rung, entry)| match entry {
            Entry::RestingBuy => !rules.price_in_band(Side::Buy, rung.buy_price, prices.ask),
            Entry::MarketBuy { .. } | Entry::FromBalance { .. } => {
                !rules.price_in_band(Side::Sell, rung.sell_price, prices.bid)
            }
        });
    let levels = u32::try_from(outside.count()).unwrap_or(u32::MAX);
    (levels > 0).then_some(PlanWarning::OutsideBand {
        levels,
        lowest_buy,
        highest_sell,
    })
}
