//! Why a plan is refused: each reason with its figures and the way to mend it.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Spacing;
use crate::{LevelIndex, Price, Quantity, QuoteAmount, Rate, RuleBreach, SymbolStatus};

/// Which of a level's orders breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum PlannedOrder {
    /// The grid's BUY.
    Buy {
        /// Its limit.
        price: Price,
    },
    /// The first purchase of a level above the market.
    FirstBuy {
        /// Its limit.
        price: Price,
    },
    /// The SELL of what a purchase leaves after its fee in base, floored to step.
    Sell {
        /// Its limit.
        price: Price,
        /// What was bought.
        bought: Quantity,
        /// The fee that was taken from it.
        fee: Rate,
    },
}

/// One thing that forbids a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "problem")]
pub enum PlanProblem {
    /// The symbol takes no orders now.
    NotTrading {
        /// What it does instead.
        status: SymbolStatus,
    },
    /// The plan is post-only, but the symbol has no such orders.
    PostOnlyNotAllowed,
    /// The lowest line breaks a rule.
    Lower {
        /// Which.
        breach: RuleBreach,
    },
    /// The highest line breaks a rule.
    Upper {
        /// Which.
        breach: RuleBreach,
    },
    /// The highest line is not above the lowest.
    UpperNotAboveLower {
        /// The lowest line.
        lower: Price,
        /// The highest line.
        upper: Price,
    },
    /// Too few levels for a grid.
    TooFewLevels {
        /// How many there are.
        levels: u32,
        /// How many there have to be.
        min: u32,
    },
    /// More levels than one bot can look after.
    TooManyLevels {
        /// How many there are, where they were counted at all.
        levels: Option<u32>,
        /// How many there may be.
        max: u32,
    },
    /// The percent step is zero.
    StepZero,
    /// Two neighbouring lines fall on one tick.
    StepFinerThanTick {
        /// Where.
        price: Price,
        /// The tick, in quote.
        tick: Decimal,
        /// The finest spacing of the same kind that surely works here.
        fits: Option<Spacing>,
    },
    /// The quantity of each level breaks a rule.
    Quantity {
        /// Which.
        breach: RuleBreach,
    },
    /// The order of a level breaks a rule.
    Order {
        /// The level where it is worst.
        level: LevelIndex,
        /// Which of its orders.
        order: PlannedOrder,
        /// Which rule.
        breach: RuleBreach,
        /// How many other levels have the same problem.
        others: u32,
    },
    /// A round trip of a level earns nothing, or loses money, after fees.
    LosesMoney {
        /// The level that loses most.
        level: LevelIndex,
        /// Where it buys.
        buy_price: Price,
        /// Where it sells.
        sell_price: Price,
        /// The fee of each of the two orders.
        fee: Rate,
        /// What one unit of base earns after both fees: zero or less, in quote.
        net: QuoteAmount,
        /// The lowest sell price that would earn something.
        earns_from: Price,
        /// How many other levels earn nothing either.
        others: u32,
    },
    /// The investment is zero or less.
    InvestmentNotPositive {
        /// The investment.
        total: QuoteAmount,
    },
    /// The investment does not reach the smallest quantity at every level.
    InvestmentTooSmall {
        /// The investment.
        total: QuoteAmount,
        /// What the grid needs at least.
        needed: QuoteAmount,
        /// The smallest quantity that does at every level.
        quantity: Quantity,
        /// How many levels share the investment.
        levels: u32,
    },
    /// The figures do not fit into exact decimals.
    Incalculable,
}

impl PlanProblem {
    /// Whether lines drawn in spite of it would mean nothing.
    pub(super) const fn spoils_lines(&self) -> bool {
        match self {
            Self::Lower { .. }
            | Self::Upper { .. }
            | Self::UpperNotAboveLower { .. }
            | Self::TooFewLevels { .. }
            | Self::TooManyLevels { .. }
            | Self::StepZero
            | Self::StepFinerThanTick { .. }
            | Self::Incalculable => true,
            Self::NotTrading { .. }
            | Self::PostOnlyNotAllowed
            | Self::Quantity { .. }
            | Self::Order { .. }
            | Self::LosesMoney { .. }
            | Self::InvestmentNotPositive { .. }
            | Self::InvestmentTooSmall { .. } => false,
        }
    }

    /// Whether it says that the investment does not reach.
    pub(super) const fn is_about_investment(&self) -> bool {
        matches!(
            self,
            Self::InvestmentNotPositive { .. } | Self::InvestmentTooSmall { .. }
        )
    }

    /// How many other levels have the same problem.
    pub(super) const fn others(&self) -> u32 {
        match self {
            Self::Order { others, .. } | Self::LosesMoney { others, .. } => *others,
            _ => 0,
        }
    }

    pub(super) const fn set_others(&mut self, count: u32) {
        if let Self::Order { others, .. } | Self::LosesMoney { others, .. } = self {
            *others = count;
        }
    }
}

/// Every reason why a plan is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PlanError {
    /// The reasons; never empty.
    pub problems: Vec<PlanProblem>,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the plan cannot be carried out:")?;
        for problem in &self.problems {
            write!(f, "\n- {problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PlannedOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Buy { price } => write!(f, "the BUY at {price}"),
            Self::FirstBuy { price } => write!(f, "the first BUY at {price}"),
            Self::Sell { price, bought, fee } => {
                write!(
                    f,
                    "the SELL at {price} of what a fee of {fee} leaves of {bought}"
                )
            }
        }
    }
}

impl fmt::Display for PlanProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTrading { status } => {
                write!(
                    f,
                    "the symbol takes no orders now, it is {status}: wait until it trades"
                )
            }
            Self::PostOnlyNotAllowed => {
                f.write_str("the symbol has no post-only orders (LIMIT_MAKER): plan without them")
            }
            Self::Lower { breach } => write!(f, "lowest line: {breach}"),
            Self::Upper { breach } => write!(f, "highest line: {breach}"),
            Self::UpperNotAboveLower { lower, upper } => write!(
                f,
                "the highest line {upper} is not above the lowest line {lower}: \
                 raise the one or lower the other"
            ),
            Self::TooFewLevels { levels, min } => write!(
                f,
                "levels: {levels}, but a grid has {min} or more: \
                 ask for more levels, a smaller step or a wider range"
            ),
            Self::TooManyLevels { levels, max } => match levels {
                Some(levels) => write!(
                    f,
                    "levels: {levels}, but a bot has at most {max}: ask for fewer"
                ),
                None => write!(
                    f,
                    "the step makes more than {max} levels, the most a bot has: \
                     use a larger step or a narrower range"
                ),
            },
            Self::StepZero => f.write_str("the step is 0%: use a step such as 1.5%"),
            Self::StepFinerThanTick { price, tick, fits } => {
                write!(
                    f,
                    "two neighbouring lines fall on {price}, as the step there is finer than the tick {tick}: "
                )?;
                finer_than_tick_remedy(f, *fits)
            }
            Self::Quantity { breach } => write!(f, "each level: {breach}"),
            Self::Order {
                level,
                order,
                breach,
                others,
            } => {
                write!(f, "level {level}{}, {order}: {breach}", Others(*others))
            }
            Self::LosesMoney { .. }
            | Self::InvestmentNotPositive { .. }
            | Self::InvestmentTooSmall { .. } => self.fmt_money(f),
            Self::Incalculable => f.write_str(
                "the figures are too large or too fine to calculate exactly: use fewer digits",
            ),
        }
    }
}

impl PlanProblem {
    fn fmt_money(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LosesMoney {
                level,
                buy_price,
                sell_price,
                fee,
                net,
                earns_from,
                others,
            } => write!(
                f,
                "level {level}{} earns nothing: bought at {buy_price} and sold at {sell_price}, \
                 with a fee of {fee} each time, a unit brings {net}; \
                 it would have to sell at {earns_from} or more: use a larger step",
                Others(*others)
            ),
            Self::InvestmentNotPositive { total } => {
                write!(f, "the investment is {total}: invest more than 0")
            }
            Self::InvestmentTooSmall {
                total,
                needed,
                quantity,
                levels,
            } => write!(
                f,
                "the investment of {total} is too small: {levels} levels of the smallest possible \
                 quantity, {quantity}, need {needed}: invest more or ask for fewer levels"
            ),
            _ => Ok(()),
        }
    }
}

fn finer_than_tick_remedy(f: &mut fmt::Formatter<'_>, fits: Option<Spacing>) -> fmt::Result {
    match fits {
        Some(Spacing::Arithmetic { levels } | Spacing::Geometric { levels }) => {
            write!(f, "use at most {levels} levels, or a wider range")
        }
        Some(Spacing::PercentStep { step }) => write!(f, "use a step of {step} or more"),
        None => f.write_str("use a wider range"),
    }
}

/// ` and 4 others`, or nothing.
struct Others(u32);

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => f.write_str(" (and 1 other)"),
            others => write!(f, " (and {others} others)"),
        }
    }
}
