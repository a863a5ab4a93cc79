//! The grid an operator asks for, and the ladder of levels it becomes.
//!
//! Entry points: [`GridPlan::ladder`] refuses a plan with every reason at once, or returns its
//! levels and what they will cost and earn; [`GridPlan::draft`] shows both for a plan that may be
//! bad; [`first_inventory_price`] prices the first purchase of a level above the market.
//!
//! Never knows balances, open orders or the clock, and writes nothing.

use serde::{Deserialize, Serialize};

use crate::{BestPrices, Price, Quantity, QuoteAmount, Rate, Rung, SymbolRules};

mod check;
mod first_inventory;
mod lines;
mod problem;
mod problem_text;
mod sizing;
mod summary;
#[cfg(test)]
mod tests;
mod text;
mod warning;

pub use first_inventory::{Entry, FIRST_BUY_SLACK, first_inventory_price};
pub use problem::{LevelLoss, PlanError, PlanProblem, PlannedOrder};
pub use summary::{LevelFigures, PlanSummary};
pub use text::PlanTextError;
pub use warning::{LevelNames, PlanWarning};

/// The fewest levels of a grid: a single one is not a grid but one pair of orders.
pub const MIN_LEVELS: u32 = 2;

/// The most levels of a grid. One recovery run has to be able to look at all of them.
pub const MAX_LEVELS: u32 = 5_000;

/// How the lines between the lowest and the highest price are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Spacing {
    /// The same distance in quote between neighbouring lines.
    Arithmetic {
        /// How many levels, one between each two lines.
        levels: u32,
    },
    /// The same ratio between neighbouring lines.
    Geometric {
        /// How many levels, one between each two lines.
        levels: u32,
    },
    /// Each level's buy price is its sell price less this share; each level's sell price is the
    /// buy price of the one above.
    PercentStep {
        /// The share, such as 0.015 for 1.5 %.
        step: Rate,
    },
}

/// How much each level buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Sizing {
    /// This base quantity at each level.
    BasePerLevel {
        /// The quantity.
        quantity: Quantity,
    },
    /// This quote amount for the whole grid, the same base quantity at each level.
    Investment {
        /// The total, in quote.
        total: QuoteAmount,
    },
}

/// Where levels above the market get what they are to sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstInventory {
    /// Each buys its own with a marketable limit order.
    Buy,
    /// From the account's balance, booked at the price of that moment.
    FromBalance,
}

/// A grid as the operator asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridPlan {
    /// The lowest line.
    pub lower: Price,
    /// The highest line.
    pub upper: Price,
    /// How lines are spaced.
    pub spacing: Spacing,
    /// How much each level buys.
    pub sizing: Sizing,
    /// Whether profit is reinvested in the level that earned it.
    pub compounding: bool,
    /// Whether grid orders are post-only.
    pub post_only: bool,
    /// Where levels above the market get their first inventory.
    pub first_inventory: FirstInventory,
    /// The fee rate a resting order is expected to pay.
    pub maker_fee: Rate,
    /// The fee rate an order that trades at once is expected to pay.
    pub taker_fee: Rate,
}

/// The levels of a plan, and what they cost and earn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ladder {
    /// The levels, lowest first: a level's place here is its index.
    pub rungs: Vec<Rung>,
    /// What they cost and earn.
    pub summary: PlanSummary,
}

/// What a plan comes to, whether or not it may be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// The ladder, as far as one can be drawn at all.
    pub ladder: Option<Ladder>,
    /// Everything that forbids the plan; empty for a good one.
    pub problems: Vec<PlanProblem>,
}

impl GridPlan {
    /// The plan's ladder under a symbol's rules.
    ///
    /// `prices` says which levels start above the market; without them all are planned as resting
    /// purchases, and a warning says so.
    ///
    /// # Errors
    /// [`PlanError`] with every problem of the plan, each with its figures and a remedy.
    pub fn ladder(
        &self,
        rules: &SymbolRules,
        prices: Option<BestPrices>,
    ) -> Result<Ladder, PlanError> {
        let Draft {
            ladder,
            mut problems,
        } = self.draft(rules, prices);
        match ladder {
            Some(ladder) if problems.is_empty() => Ok(ladder),
            Some(_) => Err(PlanError { problems }),
            None => {
                if problems.is_empty() {
                    problems.push(PlanProblem::Incalculable);
                }
                Err(PlanError { problems })
            }
        }
    }

    /// The plan's ladder beside everything that forbids it, to be looked at before it is mended.
    #[must_use]
    pub fn draft(&self, rules: &SymbolRules, prices: Option<BestPrices>) -> Draft {
        let mut problems = self.check_wishes(rules);
        let bounds_hold = !problems.iter().any(PlanProblem::spoils_lines);
        let lines = if bounds_hold {
            self.lines(rules)
                .map_err(|problem| problems.push(*problem))
                .ok()
        } else {
            None
        };
        let Some(lines) = lines else {
            problems.extend(self.check_sizing_alone(rules));
            return Draft {
                ladder: None,
                problems,
            };
        };
        let (rungs, entries) = self.size(&lines, rules, prices, &mut problems);
        let too_little_is_known = problems.iter().any(PlanProblem::is_about_investment);
        problems.extend(self.check_rungs(&rungs, &entries, rules, too_little_is_known));
        let ladder = self
            .summarize(&rungs, &entries, rules, prices)
            .map(|summary| Ladder { rungs, summary });
        if ladder.is_none() && problems.is_empty() {
            problems.push(PlanProblem::Incalculable);
        }
        Draft { ladder, problems }
    }
}
