//! Why a plan is refused: each reason with its figures. `problem_text` says how to mend it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Spacing;
use crate::{Asset, LevelIndex, Price, Quantity, QuoteAmount, Rate, RuleBreach, SymbolStatus};

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

/// A level that earns nothing, or loses money, after fees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelLoss {
    /// The level that loses most.
    pub level: LevelIndex,
    /// Where it buys.
    pub buy_price: Price,
    /// Where it sells.
    pub sell_price: Price,
    /// The fee of each of the two orders.
    pub fee: Rate,
    /// What one unit of base earns after both fees: zero or less, in quote.
    pub net: QuoteAmount,
    /// The lowest sell price that would earn something.
    pub earns_from: Price,
    /// How many other levels earn nothing either.
    pub others: u32,
    /// How many levels the grid has.
    pub levels: u32,
    /// What is bought and sold.
    pub base: Asset,
    /// What it is paid with.
    pub quote: Asset,
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
    /// Not two steps fit between the lowest and the highest line.
    StepTooLarge {
        /// The step.
        step: Rate,
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
    LosesMoney(LevelLoss),
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
    /// The balance holds less base than the levels above the market are to start with.
    InventoryMissing {
        /// The base asset.
        asset: Asset,
        /// How much those levels need.
        needed: Quantity,
        /// How much is free and held by no bot.
        free: Quantity,
        /// The difference.
        missing: Quantity,
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
            | Self::StepTooLarge { .. }
            | Self::TooFewLevels { .. }
            | Self::TooManyLevels { .. }
            | Self::StepZero
            | Self::StepFinerThanTick { .. }
            | Self::Incalculable => true,
            Self::NotTrading { .. }
            | Self::PostOnlyNotAllowed
            | Self::Quantity { .. }
            | Self::Order { .. }
            | Self::LosesMoney(_)
            | Self::InvestmentNotPositive { .. }
            | Self::InvestmentTooSmall { .. }
            | Self::InventoryMissing { .. } => false,
        }
    }

    /// Whether it already says why the investment buys too little.
    pub(super) const fn is_about_investment(&self) -> bool {
        matches!(
            self,
            Self::InvestmentNotPositive { .. }
                | Self::InvestmentTooSmall { .. }
                | Self::Incalculable
        )
    }
}

/// Every reason why a plan is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PlanError {
    /// The reasons; never empty.
    pub problems: Vec<PlanProblem>,
}
