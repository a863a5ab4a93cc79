//! What an order would break, with the figures and the way to mend it.
//!
//! Never decides anything: [`SymbolRules::check_order`](super::SymbolRules::check_order) finds the
//! breaches, this file names them.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{Price, Quantity, QuoteAmount};

/// One rule of a symbol that an order would break (filters.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rule")]
pub enum RuleBreach {
    /// `PRICE_FILTER`: cheaper than the lowest price.
    PriceTooLow {
        /// The price refused.
        price: Price,
        /// The lowest price allowed, in quote.
        min: Decimal,
    },
    /// `PRICE_FILTER`: dearer than the highest price.
    PriceTooHigh {
        /// The price refused.
        price: Price,
        /// The highest price allowed, in quote.
        max: Decimal,
    },
    /// `PRICE_FILTER`: not a multiple of the tick.
    PriceOffTick {
        /// The price refused.
        price: Price,
        /// What prices are multiples of, in quote.
        tick: Decimal,
        /// The nearest valid price below, if there is one.
        below: Option<Price>,
        /// The nearest valid price above, if there is one.
        above: Option<Price>,
    },
    /// The quantity is zero; no exchange takes an order of nothing.
    QuantityZero,
    /// `LOT_SIZE`: less than the smallest quantity.
    QuantityTooSmall {
        /// The quantity refused.
        quantity: Quantity,
        /// The smallest quantity allowed.
        min: Quantity,
    },
    /// `LOT_SIZE`: more than the largest quantity.
    QuantityTooLarge {
        /// The quantity refused.
        quantity: Quantity,
        /// The largest quantity allowed.
        max: Quantity,
    },
    /// `LOT_SIZE`: not a multiple of the step.
    QuantityOffStep {
        /// The quantity refused.
        quantity: Quantity,
        /// What quantities are multiples of, in base.
        step: Decimal,
        /// The nearest valid quantity below, if there is one.
        below: Option<Quantity>,
        /// The nearest valid quantity above, if there is one.
        above: Option<Quantity>,
    },
    /// `NOTIONAL` or `MIN_NOTIONAL`: price times quantity is too little.
    ValueTooSmall {
        /// The order's value, in quote.
        value: QuoteAmount,
        /// The smallest value allowed.
        min: QuoteAmount,
        /// The smallest quantity that would do at this price.
        enough: Quantity,
    },
    /// `NOTIONAL`: price times quantity is too much.
    ValueTooLarge {
        /// The order's value, in quote.
        value: QuoteAmount,
        /// The largest value allowed.
        max: QuoteAmount,
    },
    /// Price times quantity cannot be calculated exactly, so no rule about it can be checked.
    Incalculable {
        /// The price.
        price: Price,
        /// The quantity.
        quantity: Quantity,
    },
}

impl fmt::Display for RuleBreach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PriceTooLow { price, min } => write!(
                f,
                "the price {price} is below the symbol's lowest, {min} (PRICE_FILTER): raise it"
            ),
            Self::PriceTooHigh { price, max } => write!(
                f,
                "the price {price} is above the symbol's highest, {max} (PRICE_FILTER): lower it"
            ),
            Self::PriceOffTick {
                price,
                tick,
                below,
                above,
            } => {
                write!(
                    f,
                    "the price {price} is no multiple of the tick {tick} (PRICE_FILTER): "
                )?;
                nearest(f, below.as_ref(), above.as_ref())
            }
            Self::QuantityZero => f.write_str("the quantity is 0: ask for more"),
            Self::QuantityTooSmall { quantity, min } => write!(
                f,
                "the quantity {quantity} is below the symbol's smallest, {min} (LOT_SIZE): raise it"
            ),
            Self::QuantityTooLarge { quantity, max } => write!(
                f,
                "the quantity {quantity} is above the symbol's largest, {max} (LOT_SIZE): lower it"
            ),
            Self::QuantityOffStep {
                quantity,
                step,
                below,
                above,
            } => {
                write!(
                    f,
                    "the quantity {quantity} is no multiple of the step {step} (LOT_SIZE): "
                )?;
                nearest(f, below.as_ref(), above.as_ref())
            }
            Self::ValueTooSmall { value, min, enough } => write!(
                f,
                "the order is worth {value}, less than the smallest value, {min} (NOTIONAL): \
                 use a quantity of at least {enough}"
            ),
            Self::ValueTooLarge { value, max } => write!(
                f,
                "the order is worth {value}, more than the largest value, {max} (NOTIONAL): \
                 use a smaller quantity"
            ),
            Self::Incalculable { price, quantity } => write!(
                f,
                "{price} times {quantity} cannot be calculated exactly: use fewer digits"
            ),
        }
    }
}

fn nearest<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    below: Option<&T>,
    above: Option<&T>,
) -> fmt::Result {
    match (below, above) {
        (Some(below), Some(above)) => write!(f, "use {below} or {above}"),
        (Some(one), None) | (None, Some(one)) => write!(f, "use {one}"),
        (None, None) => f.write_str("no valid one is near"),
    }
}
