//! The rules of one symbol, as far as a grid must obey them.
//!
//! Here is what the rules are; `check` measures orders against them and `breach` names what they
//! would break. Filters this crate does not know are the exchange's to enforce: it never guesses.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Asset, Price, Quantity, QuoteAmount, Symbol};

mod breach;
mod check;
#[cfg(test)]
mod tests;

pub use breach::RuleBreach;

/// Whether a symbol trades (enums.md, `status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SymbolStatus {
    /// Orders are accepted and match.
    Trading,
    /// Only cancels and amends are accepted.
    CancelOnly,
    /// Halted, in a break or after the end of day; may trade again.
    Halted,
    /// The exchange no longer lists it.
    Delisted,
    /// A word this version does not know: nothing is sent until it is a known one again.
    Unrecognized,
}

impl fmt::Display for SymbolStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trading => "trading",
            Self::CancelOnly => "open to cancels only",
            Self::Halted => "halted",
            Self::Delisted => "delisted",
            Self::Unrecognized => "in a state this version does not know",
        })
    }
}

/// Reads a number of a rule as a record writes it: like a quantity, and in no other spelling that the
/// decimal crate would take.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    Quantity::deserialize(deserializer).map(Quantity::decimal)
}

/// `PRICE_FILTER`: a zero disables that part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceRule {
    /// Lowest price, 0 for none.
    #[serde(deserialize_with = "number")]
    pub min: Decimal,
    /// Highest price, 0 for none.
    #[serde(deserialize_with = "number")]
    pub max: Decimal,
    /// Prices are multiples of this, counted from zero; 0 for any.
    #[serde(deserialize_with = "number")]
    pub tick: Decimal,
}

/// `LOT_SIZE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotRule {
    /// Smallest quantity.
    pub min: Quantity,
    /// Largest quantity.
    pub max: Quantity,
    /// Quantities are multiples of this, counted from zero; 0 for any.
    #[serde(deserialize_with = "number")]
    pub step: Decimal,
}

/// `NOTIONAL` or `MIN_NOTIONAL`: price times quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotionalRule {
    /// Smallest value in quote.
    pub min: QuoteAmount,
    /// Largest value in quote, if any.
    pub max: Option<QuoteAmount>,
}

/// `PERCENT_PRICE_BY_SIDE` (or `PERCENT_PRICE`, the same for both sides): multiples of the
/// reference price between which a limit price must lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BandRule {
    /// Highest multiple for a BUY.
    #[serde(deserialize_with = "number")]
    pub bid_up: Decimal,
    /// Lowest multiple for a BUY.
    #[serde(deserialize_with = "number")]
    pub bid_down: Decimal,
    /// Highest multiple for a SELL.
    #[serde(deserialize_with = "number")]
    pub ask_up: Decimal,
    /// Lowest multiple for a SELL.
    #[serde(deserialize_with = "number")]
    pub ask_down: Decimal,
}

/// What an order on one symbol must obey. Filters of other kinds are the exchange's to enforce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolRules {
    /// The symbol.
    pub symbol: Symbol,
    /// What is bought and sold.
    pub base: Asset,
    /// What it is paid with.
    pub quote: Asset,
    /// Whether it trades.
    pub status: SymbolStatus,
    /// Price range and tick, if the symbol has that filter.
    pub price: Option<PriceRule>,
    /// Quantity range and step, if the symbol has that filter.
    pub lot: Option<LotRule>,
    /// Value range, if the symbol has that filter.
    pub notional: Option<NotionalRule>,
    /// Price band around the market, if the symbol has that filter.
    pub band: Option<BandRule>,
    /// How many orders one account may have open, if the symbol has that filter.
    pub max_open_orders: Option<u32>,
    /// Whether `LIMIT_MAKER` is allowed.
    pub post_only_allowed: bool,
    /// Whether self-trade prevention may be set to `EXPIRE_TAKER`.
    pub expire_taker_allowed: bool,
}

/// The best prices of a symbol now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BestPrices {
    /// Highest price somebody buys at.
    pub bid: Price,
    /// Lowest price somebody sells at.
    pub ask: Price,
}
