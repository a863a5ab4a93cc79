//! What an operator should know of a plan that is carried out nevertheless.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::sizing::after_fee;
use super::{Entry, GridPlan};
use crate::{Asset, BestPrices, LevelIndex, Price, Quantity, QuoteAmount, Rung, Side, SymbolRules};

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
        /// The lowest sell price: where the first level can earn something.
        first_sell: Price,
    },
    /// The market is above the whole grid: it only buys once the market falls.
    MarketAboveGrid {
        /// The best bid.
        bid: Price,
        /// The highest line.
        highest: Price,
        /// The highest buy price: where the first level can buy.
        first_buy: Price,
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
        /// Those that begin with a BUY, which is too low.
        buys: Vec<LevelIndex>,
        /// Those that begin with inventory, and whose SELL is too high.
        sells: Vec<LevelIndex>,
        /// Those that would begin with inventory, but whose lower line is too high even for a BUY.
        waiting: Vec<LevelIndex>,
        /// The lowest BUY the exchange takes now, in quote.
        lowest_buy: Decimal,
        /// The highest BUY the exchange takes now, in quote.
        highest_buy: Decimal,
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
    /// Little is left of a round trip after its fees.
    ThinMargin {
        /// The level that keeps least.
        level: LevelIndex,
        /// What it keeps, in percent of what it buys.
        net_percent: Decimal,
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
        /// What a first round trip brings of the profit planned, in percent, rounded down.
        first_share: Decimal,
        /// What the rests of all levels can cost at most, beside the capital planned, in quote.
        binds: QuoteAmount,
        /// The base asset.
        base: Asset,
        /// The quote asset.
        quote: Asset,
    },
}

/// A round trip that keeps less of what it buys, in percent, is called thin: 0.1 %, which one order
/// at another fee rate than expected takes.
const THIN: Decimal = Decimal::from_parts(1, 0, 0, false, 1);

/// Levels by number, lowest first, a run of neighbours as `levels 3 to 7`.
#[derive(Debug, Clone, Copy)]
pub struct LevelNames<'a>(pub &'a [LevelIndex]);

impl fmt::Display for LevelNames<'_> {
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
            Self::MarketBelowGrid {
                ask,
                lowest,
                first_sell,
            } => write!(
                f,
                "the market ({ask}) is below the lowest line {lowest}: every level starts with \
                 inventory, none rests as a BUY, and nothing is sold before the market reaches {first_sell}"
            ),
            Self::MarketAboveGrid {
                bid,
                highest,
                first_buy,
            } => write!(
                f,
                "the market ({bid}) is above the highest line {highest}: no order is near it, and \
                 nothing is bought before the market falls to {first_buy}"
            ),
            Self::MoreLevelsThanOrders {
                levels,
                max_open_orders,
            } => write!(
                f,
                "{levels} levels, but the symbol allows {max_open_orders} open orders \
                 (MAX_NUM_ORDERS): the nearest to the market are placed first, the others wait"
            ),
            Self::OutsideBand { .. } => self.write_outside(f),
            Self::FirstBuysRest { levels, ask } => write!(
                f,
                "{}: a first BUY at the ask {ask} would earn nothing, so it stays below and rests \
                 until the market falls",
                LevelNames(levels)
            ),
            Self::ThinMargin { level, net_percent } => {
                f.write_str("a round trip brings ")?;
                if net_percent.is_zero() {
                    f.write_str("less than 0.0001 %")?;
                } else {
                    write!(f, "only {net_percent} %")?;
                }
                write!(
                    f,
                    " after fees (level {level}, the least): one order at a higher fee than planned makes it a \
                     loss; a larger step leaves more"
                )
            }
            Self::SalesInWholeSteps {
                bought,
                kept,
                sold,
                step,
                first_share,
                binds,
                base,
                quote,
            } => write!(
                f,
                "the fee leaves {kept} of {bought} {base} bought. Orders come in steps of {step} {base}, so {sold} \
                 {base} is sold. The rest stays with its level and is sold later, once it makes a step: a level's \
                 first round trip brings {first_share} % of the profit said above, and the rests of all levels can \
                 bind up to {} {quote} beside the capital",
                binds.decimal().normalize()
            ),
        }
    }
}

impl PlanWarning {
    /// Which levels wait for the market, and for what the exchange takes now.
    fn write_outside(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::OutsideBand {
            buys,
            sells,
            waiting,
            lowest_buy,
            highest_buy,
            highest_sell,
        } = self
        else {
            return Ok(());
        };
        let parts = [
            (
                buys,
                "a BUY at the lower line lies below the",
                lowest_buy,
                "the exchange takes now",
            ),
            (
                sells,
                "a SELL at the upper line lies above the",
                highest_sell,
                "the exchange takes now",
            ),
            (
                waiting,
                "the lower line lies above the",
                highest_buy,
                "the exchange takes for a BUY now, so that not even its inventory is bought",
            ),
        ];
        let mut separator = "";
        for (levels, line, bound, taken) in parts.iter().filter(|part| !part.0.is_empty()) {
            let (levels, bound) = (LevelNames(levels), bound.normalize());
            write!(f, "{separator}{levels}: {line} {bound} {taken}")?;
            separator = "; ";
        }
        f.write_str(" (PERCENT_PRICE): that waits until the market comes nearer")
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
        warnings.extend(self.thin_margin(rungs));
        warnings
    }

    fn thin_margin(&self, rungs: &[Rung]) -> Option<PlanWarning> {
        let shares = (0..).map(LevelIndex).zip(rungs);
        let (level, net_percent) = shares
            .filter_map(|(level, rung)| Some((level, self.net_percent(rung)?)))
            .min_by_key(|(_, net_percent)| *net_percent)?;
        // What loses money is refused, not warned of. The percentage of what brings next to nothing is 0.
        let loses = |rung: &Rung| {
            self.net_per_unit(rung)
                .is_none_or(|net| net <= Decimal::ZERO)
        };
        let thin = net_percent < THIN && !rungs.iter().any(loses);
        thin.then_some(PlanWarning::ThinMargin { level, net_percent })
    }

    fn sales_in_whole_steps(&self, rungs: &[Rung], rules: &SymbolRules) -> Option<PlanWarning> {
        let bought = rungs.first()?.quantity;
        let kept = bought.decimal().checked_mul(self.maker_fee.rest())?;
        let sold = after_fee(bought, self.maker_fee, rules)?;
        // That nothing at all can be sold is a problem, not a warning.
        if sold.is_zero() || sold.decimal() >= kept {
            return None;
        }
        let step = rules.working_step();
        let share = sold.decimal().checked_div(kept)?;
        let share = share.checked_mul(Decimal::ONE_HUNDRED)?;
        // A rest is less than a step, whatever the level has bought it for.
        let binds = rungs.iter().try_fold(Decimal::ZERO, |sum, rung| {
            sum.checked_add(rung.buy_price.decimal().checked_mul(step)?)
        })?;
        Some(PlanWarning::SalesInWholeSteps {
            bought,
            kept: Quantity::new(kept.normalize()).ok()?,
            sold,
            step,
            first_share: share
                .round_dp_with_strategy(1, RoundingStrategy::ToZero)
                .normalize(),
            binds: QuoteAmount::new(binds),
            base: rules.base.clone(),
            quote: rules.quote.clone(),
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
            first_sell: rungs.first()?.sell_price,
        })
    } else if prices.bid >= highest {
        Some(PlanWarning::MarketAboveGrid {
            bid: prices.bid,
            highest,
            first_buy: rungs.last()?.buy_price,
        })
    } else {
        None
    }
}

/// How a level whose lines lie outside the band begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outside {
    /// Its BUY is too low.
    Buy,
    /// Its SELL is too high.
    Sell,
    /// Recovery judges a level without an order by its lower line: its inventory is not bought.
    Waits,
}

/// Names the levels whose first grid order the exchange would refuse for its price now.
fn outside_band(
    rungs: &[Rung],
    entries: &[Entry],
    rules: &SymbolRules,
    prices: BestPrices,
) -> Option<PlanWarning> {
    let (lowest_buy, highest_buy) = rules.band(Side::Buy, prices.ask)?;
    let (_, highest_sell) = rules.band(Side::Sell, prices.bid)?;
    let outside = |(rung, entry): (&Rung, &Entry)| {
        let buy = rules.price_in_band(Side::Buy, rung.buy_price, prices.ask);
        let sell = rules.price_in_band(Side::Sell, rung.sell_price, prices.bid);
        match entry {
            Entry::RestingBuy if !buy => Some(Outside::Buy),
            Entry::RestingBuy => None,
            Entry::MarketBuy { .. } | Entry::FromBalance { .. } if !buy => Some(Outside::Waits),
            Entry::MarketBuy { .. } | Entry::FromBalance { .. } => (!sell).then_some(Outside::Sell),
        }
    };
    let outside: Vec<_> = rungs.iter().zip(entries).map(outside).collect();
    let of = |kind| numbered(outside.iter().map(move |found| *found == Some(kind)));
    outside
        .iter()
        .any(Option::is_some)
        .then(|| PlanWarning::OutsideBand {
            buys: of(Outside::Buy),
            sells: of(Outside::Sell),
            waiting: of(Outside::Waits),
            lowest_buy,
            highest_buy,
            highest_sell,
        })
}
