//! Amounts of money as types that cannot be mixed up: prices, quantities, quote amounts, fees.
//!
//! Every amount is an exact decimal written as text. Arithmetic is checked and rounding is named;
//! there is no conversion from or to a float anywhere.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Asset;

mod rate;
#[cfg(test)]
mod tests;

pub use rate::Rate;

/// Why a text or a number is not a valid amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The text is not a plain decimal number.
    #[error(
        "{0:?} is not a decimal number; write it with digits and at most one point, like 0.0015"
    )]
    NotADecimal(String),
    /// The text is not a percentage.
    #[error("{0:?} is not a percentage; write it with its sign, like 0.1% or 1.5%")]
    NotAPercentage(String),
    /// The value is outside what this kind of amount allows.
    #[error("{value} is not a valid {kind}: it must be {rule}")]
    OutOfRange {
        /// The value refused.
        value: Decimal,
        /// The kind of amount, such as `price`.
        kind: &'static str,
        /// What the value must be.
        rule: &'static str,
    },
}

/// The largest magnitude any amount may have; with at most [`MAX_SCALE`] decimals a product of two
/// realistic amounts still fits into the 28 digits of a decimal.
const MAX_MAGNITUDE: i64 = 1_000_000_000_000_000;

/// Binance quotes at most 8 decimals; anything far beyond is a malformed number, not a finer one.
const MAX_SCALE: u32 = 18;

/// Longest text read as an amount; longer input is refused before it is parsed.
const MAX_TEXT: usize = 48;

/// Reads digits, optionally followed by a point and more digits: the one spelling the exchange
/// itself accepts. The decimal crate would also read `+5`, `1_000` and `.5`.
fn parse_decimal(text: &str) -> Result<Decimal, AmountError> {
    let not_a_decimal = || AmountError::NotADecimal(text.chars().take(MAX_TEXT).collect());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    if text.len() > MAX_TEXT || !is_digits(whole) || !is_digits(fraction) {
        return Err(not_a_decimal());
    }
    Decimal::from_str_exact(text)
        .map(|value| value.normalize())
        .map_err(|_inexact| not_a_decimal())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn within_bounds(value: Decimal) -> bool {
    value.abs() <= Decimal::from(MAX_MAGNITUDE) && value.normalize().scale() <= MAX_SCALE
}

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, |$value:ident| $accept:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Decimal);

        impl $name {
            /// Checks a decimal and takes it as this kind of amount.
            ///
            /// # Errors
            /// [`AmountError::OutOfRange`] when the value is not one this kind allows.
            pub fn new(value: Decimal) -> Result<Self, AmountError> {
                let $value = value;
                if within_bounds(value) && $accept {
                    Ok(Self(value.normalize()))
                } else {
                    Err(AmountError::OutOfRange { value, kind: $kind, rule: $rule })
                }
            }

            /// The exact decimal value.
            #[must_use]
            pub const fn decimal(self) -> Decimal {
                self.0
            }

            /// Whether the amount is zero.
            #[must_use]
            pub fn is_zero(self) -> bool {
                self.0.is_zero()
            }
        }

        impl FromStr for $name {
            type Err = AmountError;

            fn from_str(text: &str) -> Result<Self, AmountError> {
                Self::new(parse_decimal(text)?)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

amount! {
    /// The price of one unit of the base asset, in the quote asset. Always positive.
    Price, "price", "above zero, at most 10^15, with at most 18 decimals", |value| value > Decimal::ZERO
}
amount! {
    /// A quantity of the base asset. Never negative.
    Quantity, "quantity", "zero or more, at most 10^15, with at most 18 decimals", |value| value >= Decimal::ZERO
}

macro_rules! signed_amount {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(Decimal);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(Decimal::ZERO);

            /// Takes a decimal as this kind of amount.
            #[must_use]
            pub fn new(value: Decimal) -> Self {
                Self(value.normalize())
            }

            /// The exact decimal value.
            #[must_use]
            pub const fn decimal(self) -> Decimal {
                self.0
            }

            /// Whether the amount is zero.
            #[must_use]
            pub fn is_zero(self) -> bool {
                self.0.is_zero()
            }

            /// The sum, or `None` beyond the range of an exact decimal.
            #[must_use]
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self::new)
            }

            /// The difference, or `None` beyond the range of an exact decimal.
            #[must_use]
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self::new)
            }
        }

        impl FromStr for $name {
            type Err = AmountError;

            fn from_str(text: &str) -> Result<Self, AmountError> {
                parse_decimal(text).map(Self::new)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

signed_amount! {
    /// An amount of the quote asset: a cost, proceeds or a profit. May be negative.
    QuoteAmount
}
signed_amount! {
    /// What a level holds of the base asset. Negative when a fee in base came on top of a sale of
    /// everything held, which the next purchase makes good.
    BaseAmount
}

impl Price {
    /// The line nearest to this price on the grid of `tick`; exactly between two lines, the lower.
    #[must_use]
    pub fn round_to_tick(self, tick: Decimal) -> Option<Self> {
        round_to_tick(self.0, tick).and_then(|value| Self::new(value).ok())
    }

    /// The highest price on the grid of `tick` that is not above this one.
    #[must_use]
    pub fn floor_to_tick(self, tick: Decimal) -> Option<Self> {
        floor_to_step(self.0, tick).and_then(|value| Self::new(value).ok())
    }

    /// The lowest price on the grid of `tick` that is not below this one.
    #[must_use]
    pub fn ceil_to_tick(self, tick: Decimal) -> Option<Self> {
        ceil_to_step(self.0, tick).and_then(|value| Self::new(value).ok())
    }

    /// Price times quantity, or `None` when the product needs more digits than an exact decimal
    /// has (28); it is never rounded.
    #[must_use]
    pub fn times(self, quantity: Quantity) -> Option<QuoteAmount> {
        exact_product(self.0, quantity.0).map(QuoteAmount::new)
    }
}

impl Quantity {
    /// No quantity.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The largest quantity there is, 10^15: more than any account holds or any order may ask for.
    pub const MAX: Self = Self(Decimal::from_parts(0xA4C6_8000, 0x0003_8D7E, 0, false, 0));

    /// The largest quantity on the grid of `step` that is not above this one.
    #[must_use]
    pub fn floor_to_step(self, step: Decimal) -> Option<Self> {
        floor_to_step(self.0, step).and_then(|value| Self::new(value).ok())
    }

    /// The smallest quantity on the grid of `step` that is not below this one.
    #[must_use]
    pub fn ceil_to_step(self, step: Decimal) -> Option<Self> {
        ceil_to_step(self.0, step).and_then(|value| Self::new(value).ok())
    }

    /// The sum, or `None` when it is no valid quantity.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        exact_sum(self.0, other.0).and_then(|value| Self::new(value).ok())
    }

    /// The difference, or `None` when it would be negative.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        exact_difference(self.0, other.0).and_then(|value| Self::new(value).ok())
    }

    /// The difference, zero when it would be negative.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        self.checked_sub(other).unwrap_or(Self::ZERO)
    }
}

impl From<Quantity> for BaseAmount {
    fn from(quantity: Quantity) -> Self {
        Self(quantity.0)
    }
}

impl BaseAmount {
    /// The amount as a quantity, zero when negative.
    #[must_use]
    pub fn held(self) -> Quantity {
        Quantity::new(self.0).unwrap_or(Quantity::ZERO)
    }
}

/// The highest multiple of `step`, counted from zero as Binance counts it (filters.md), that is not
/// above `value`. A step of zero means "any value", also Binance's rule; a negative one is no step.
///
/// Works by remainder, which is exact; a quotient would be rounded before it could be floored.
pub(crate) fn floor_to_step(value: Decimal, step: Decimal) -> Option<Decimal> {
    if step.is_zero() {
        return Some(value);
    }
    if step.is_sign_negative() {
        return None;
    }
    value.checked_sub(value.checked_rem(step)?)
}

/// The lowest multiple of `step` that is not below `value`.
pub(crate) fn ceil_to_step(value: Decimal, step: Decimal) -> Option<Decimal> {
    let floor = floor_to_step(value, step)?;
    if floor == value {
        Some(value)
    } else {
        floor.checked_add(step)
    }
}

/// The multiple of `tick` nearest to `value`; exactly between two, the lower.
pub(crate) fn round_to_tick(value: Decimal, tick: Decimal) -> Option<Decimal> {
    let floor = floor_to_step(value, tick)?;
    let over = value.checked_sub(floor)?;
    if over.checked_add(over)? > tick && over > Decimal::ZERO {
        floor.checked_add(tick)
    } else {
        Some(floor)
    }
}

/// The product, or `None` when it does not fit: the decimal crate would quietly round it.
pub(crate) fn exact_product(left: Decimal, right: Decimal) -> Option<Decimal> {
    let (left, right) = (left.normalize(), right.normalize());
    let product = left.checked_mul(right)?;
    let scale = left.scale().checked_add(right.scale())?;
    (product.scale() == scale || left.is_zero() || right.is_zero()).then_some(product)
}

/// The sum, or `None` when it does not fit: the decimal crate would quietly round it.
fn exact_sum(left: Decimal, right: Decimal) -> Option<Decimal> {
    let sum = left.checked_add(right)?;
    keeps_decimals(sum, left, right).then_some(sum)
}

fn exact_difference(left: Decimal, right: Decimal) -> Option<Decimal> {
    let difference = left.checked_sub(right)?;
    keeps_decimals(difference, left, right).then_some(difference)
}

fn keeps_decimals(result: Decimal, left: Decimal, right: Decimal) -> bool {
    left.is_zero() || right.is_zero() || result.scale() >= left.scale().max(right.scale())
}

/// A fee of one trade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// How much was taken; zero or more.
    pub amount: Quantity,
    /// The asset it was taken in: base, quote, or a third one such as BNB.
    pub asset: Asset,
}
