//! Shares of an amount: fee rates and the step of a grid. Never a float, never 1 or more.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{AmountError, parse_decimal};

/// A share of an amount, such as a fee rate of `0.001`, held as a fraction of one.
///
/// People read and write it as a percentage with its sign (`0.1%`); records hold the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Rate(Decimal);

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

    /// What is left of one after this share is taken: 0.999 for 0.1 %. Always above zero.
    #[must_use]
    pub fn rest(self) -> Decimal {
        Decimal::ONE.saturating_sub(self.0)
    }
}

/// Prints a percentage, such as `1.5%`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0.saturating_mul(Decimal::ONE_HUNDRED).normalize();
        write!(f, "{percent}%")
    }
}

/// Reads a percentage with its sign. A bare number is refused: whether `0.1` means a tenth or a
/// tenth of a percent is not to be guessed where money depends on it.
impl FromStr for Rate {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let percent = text
            .strip_suffix('%')
            .ok_or_else(|| AmountError::NotAPercentage(text.chars().take(48).collect()))?;
        let value = parse_decimal(percent.trim_end_matches(' '))?;
        let fraction = value
            .checked_div(Decimal::ONE_HUNDRED)
            .filter(|fraction| fraction.checked_mul(Decimal::ONE_HUNDRED) == Some(value))
            .ok_or(AmountError::OutOfRange {
                value,
                kind: "percentage",
                rule: "below 100%, with at most 26 decimals",
            })?;
        Self::new(fraction)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let value = parse_decimal(&text).map_err(de::Error::custom)?;
        Self::new(value).map_err(de::Error::custom)
    }
}
