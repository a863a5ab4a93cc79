//! Amounts of money as types that cannot be mixed up: prices, quantities, quote amounts, fees.
//!
//! Every amount is an exact decimal written as text. Arithmetic is checked and rounding is named;
//! there is no conversion from or to a float anywhere.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Asset;

/// Why a text or a number is not a valid amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The text is not a plain decimal number.
    #[error(
        "\"{0}\" is not a decimal number; write it with digits and at most one point, like 0.0015"
    )]
    NotADecimal(String),
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
    /// The result does not fit in an exact decimal.
    #[error("the amount is too large to calculate with exactly")]
    Overflow,
}

/// The largest magnitude any amount may have; with at most [`MAX_SCALE`] decimals a product of two
/// realistic amounts still fits into the 28 digits of a decimal.
const MAX_MAGNITUDE: i64 = 1_000_000_000_000_000;

/// Binance quotes at most 8 decimals; anything far beyond is a malformed number, not a finer one.
const MAX_SCALE: u32 = 18;

/// Longest text read as an amount; longer input is refused before it is parsed.
const MAX_TEXT: usize = 48;

fn parse_decimal(text: &str) -> Result<Decimal, AmountError> {
    let plain = !text.is_empty()
        && text.len() <= MAX_TEXT
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| byte.is_ascii_digit() || byte == b'.' || (at == 0 && byte == b'-'));
    let not_a_decimal = || AmountError::NotADecimal(text.chars().take(MAX_TEXT).collect());
    if !plain {
        return Err(not_a_decimal());
    }
    let value = Decimal::from_str_exact(text).map_err(|_inexact| not_a_decimal())?;
    Ok(value.normalize())
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
                Decimal::from_str_exact(&text)
                    .map(Self::new)
                    .map_err(|_inexact| de::Error::custom(AmountError::NotADecimal(text.into_owned())))
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
        self.to_step(tick, RoundingStrategy::MidpointTowardZero)
    }

    /// The highest price on the grid of `tick` that is not above this one.
    #[must_use]
    pub fn floor_to_tick(self, tick: Decimal) -> Option<Self> {
        self.to_step(tick, RoundingStrategy::ToZero)
    }

    /// The lowest price on the grid of `tick` that is not below this one.
    #[must_use]
    pub fn ceil_to_tick(self, tick: Decimal) -> Option<Self> {
        self.to_step(tick, RoundingStrategy::AwayFromZero)
    }

    /// Price times quantity, or `None` beyond the range of an exact decimal.
    #[must_use]
    pub fn times(self, quantity: Quantity) -> Option<QuoteAmount> {
        self.0.checked_mul(quantity.0).map(QuoteAmount::new)
    }

    fn to_step(self, step: Decimal, strategy: RoundingStrategy) -> Option<Self> {
        round_to_step(self.0, step, strategy).and_then(|value| Self::new(value).ok())
    }
}

impl Quantity {
    /// No quantity.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The largest quantity on the grid of `step` that is not above this one.
    #[must_use]
    pub fn floor_to_step(self, step: Decimal) -> Option<Self> {
        self.to_step(step, RoundingStrategy::ToZero)
    }

    /// The smallest quantity on the grid of `step` that is not below this one.
    #[must_use]
    pub fn ceil_to_step(self, step: Decimal) -> Option<Self> {
        self.to_step(step, RoundingStrategy::AwayFromZero)
    }

    /// The sum, or `None` when it is no valid quantity.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0
            .checked_add(other.0)
            .and_then(|value| Self::new(value).ok())
    }

    /// The difference, or `None` when it would be negative.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0
            .checked_sub(other.0)
            .and_then(|value| Self::new(value).ok())
    }

    /// The difference, zero when it would be negative.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        self.checked_sub(other).unwrap_or(Self::ZERO)
    }

    fn to_step(self, step: Decimal, strategy: RoundingStrategy) -> Option<Self> {
        round_to_step(self.0, step, strategy).and_then(|value| Self::new(value).ok())
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

/// Rounds to a multiple of `step` counted from zero, as Binance checks it (filters.md: "mod = 0").
/// A step of zero means "any value", also Binance's rule.
fn round_to_step(value: Decimal, step: Decimal, strategy: RoundingStrategy) -> Option<Decimal> {
    if step.is_zero() {
        return Some(value);
    }
    let steps = value.checked_div(step)?.round_dp_with_strategy(0, strategy);
    steps.checked_mul(step)
}

/// A fee of one trade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// How much was taken; zero or more.
    pub amount: Quantity,
    /// The asset it was taken in: base, quote, or a third one such as BNB.
    pub asset: Asset,
}

/// A share of an amount, such as a fee rate of `0.001`, written as a fraction of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub struct Rate(#[serde(with = "rust_decimal::serde::str")] Decimal);

impl Rate {
    /// No share at all.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Takes a fraction of one as a rate.
    ///
    /// # Errors
    /// [`AmountError::OutOfRange`] when the value is not from 0 up to, but not including, 1.
    pub fn new(value: Decimal) -> Result<Self, AmountError> {
        if value >= Decimal::ZERO && value < Decimal::ONE {
            Ok(Self(value.normalize()))
        } else {
            Err(AmountError::OutOfRange {
                value,
                kind: "rate",
                rule: "at least 0 and below 1",
            })
        }
    }

    /// The fraction of one.
    #[must_use]
    pub const fn decimal(self) -> Decimal {
        self.0
    }
}
