//! What an order is: side, kind, status, and the intent behind it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Price, Quantity};

/// Buy or sell the base asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Side {
    /// Buy the base asset.
    Buy,
    /// Sell the base asset.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        })
    }
}

/// How an order behaves when it would trade at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// `LIMIT`, good till cancelled: takes what crosses, rests with the remainder.
    Limit,
    /// `LIMIT_MAKER`: refused by the exchange if it would trade at once.
    PostOnly,
}

/// Why an order is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The grid's ordinary buy or sell.
    Grid,
    /// The first purchase of a level that starts above the market.
    FirstInventory,
    /// The sale of what a stopped bot still holds.
    Liquidation,
}

/// An order that a level owes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Buy or sell.
    pub side: Side,
    /// Limit price, on the symbol's tick.
    pub price: Price,
    /// Base quantity, on the symbol's step.
    pub quantity: Quantity,
    /// Plain limit or post-only.
    pub kind: OrderKind,
    /// Why it is owed.
    pub purpose: Purpose,
}

/// The status of an order at the exchange (enums.md). Unknown words are kept apart, because a
/// status nobody knows must neither end an order nor stop the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    /// Accepted and resting.
    New,
    /// Accepted, waiting for another order of its list.
    PendingNew,
    /// Partly executed.
    PartiallyFilled,
    /// Executed to the end; under self-trade prevention that may be less than was asked.
    Filled,
    /// Cancelled by its owner.
    Canceled,
    /// Never entered the book.
    Rejected,
    /// Ended by the order's rules or by the exchange.
    Expired,
    /// Ended by self-trade prevention.
    ExpiredInMatch,
    /// Any other word.
    Unrecognized,
}

impl OrderStatus {
    /// Whether nothing more will happen to the order. A terminal order may have executed any part
    /// of its quantity.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Filled
            | Self::Canceled
            | Self::Rejected
            | Self::Expired
            | Self::ExpiredInMatch => true,
            Self::New | Self::PendingNew | Self::PartiallyFilled | Self::Unrecognized => false,
        }
    }

    /// What became of an order of this status, as the end of a sentence about it: `was cancelled`.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::New | Self::PendingNew => "is open",
            Self::PartiallyFilled => "is partly filled",
            Self::Filled => "was filled whole",
            Self::Canceled => "was cancelled",
            Self::Rejected => "was rejected",
            Self::Expired => "expired",
            Self::ExpiredInMatch => "was ended by self-trade prevention",
            Self::Unrecognized => "has a status that is not known here",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_an_order_ends_a_sentence() {
        for (status, words) in [
            (OrderStatus::New, "is open"),
            (OrderStatus::PartiallyFilled, "is partly filled"),
            (OrderStatus::Filled, "was filled whole"),
            (OrderStatus::Canceled, "was cancelled"),
            (OrderStatus::Expired, "expired"),
            (
                OrderStatus::ExpiredInMatch,
                "was ended by self-trade prevention",
            ),
        ] {
            assert_eq!(status.in_words(), words);
        }
    }
}
