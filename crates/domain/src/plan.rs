//! The grid an operator asks for, and the ladder of levels it becomes.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Price, Quantity, QuoteAmount, Rate};

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

#[expect(dead_code, reason = "replaced when the ladder is built")]
const fn unused(_: Decimal) {}
