//! How an operator writes a plan's choices, and reads them back: `geometric:20`, `percent:1.5%`,
//! `base:0.5`, `investment:1000`, `buy`, `balance`.

use std::fmt;
use std::str::FromStr;

use super::{FirstInventory, Sizing, Spacing};

/// Why a text is no choice of a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {kind}: {rule}")]
pub struct PlanTextError {
    /// The text refused, cut to a readable length.
    pub text: String,
    /// What was to be read, such as `spacing`.
    pub kind: &'static str,
    /// How it is written.
    pub rule: String,
}

impl PlanTextError {
    fn new(text: &str, kind: &'static str, rule: impl Into<String>) -> Self {
        Self {
            text: text.chars().take(64).collect(),
            kind,
            rule: rule.into(),
        }
    }
}

impl fmt::Display for Spacing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arithmetic { levels } => write!(f, "arithmetic:{levels}"),
            Self::Geometric { levels } => write!(f, "geometric:{levels}"),
            Self::PercentStep { step } => write!(f, "percent:{step}"),
        }
    }
}

impl FromStr for Spacing {
    type Err = PlanTextError;

    fn from_str(text: &str) -> Result<Self, PlanTextError> {
        const RULE: &str = "write arithmetic:LEVELS, geometric:LEVELS or percent:STEP%, \
                            such as geometric:20 or percent:1.5%";
        let levels = |number: &str| {
            number
                .parse()
                .map_err(|_no_number: std::num::ParseIntError| {
                    let rule = "the number of levels is a whole number, such as geometric:20";
                    PlanTextError::new(text, "spacing", rule)
                })
        };
        match text.split_once(':') {
            Some(("arithmetic", number)) => Ok(Self::Arithmetic {
                levels: levels(number)?,
            }),
            Some(("geometric", number)) => Ok(Self::Geometric {
                levels: levels(number)?,
            }),
            Some(("percent", step)) => step
                .parse()
                .map(|step| Self::PercentStep { step })
                .map_err(|cause| PlanTextError::new(text, "spacing", cause.to_string())),
            _ => Err(PlanTextError::new(text, "spacing", RULE)),
        }
    }
}

impl fmt::Display for Sizing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BasePerLevel { quantity } => write!(f, "base:{quantity}"),
            Self::Investment { total } => write!(f, "investment:{total}"),
        }
    }
}

impl FromStr for Sizing {
    type Err = PlanTextError;

    fn from_str(text: &str) -> Result<Self, PlanTextError> {
        const RULE: &str = "write base:QUANTITY for each level or investment:QUOTE for all, \
                            such as base:0.5 or investment:1000";
        let amount =
            |cause: crate::AmountError| PlanTextError::new(text, "sizing", cause.to_string());
        match text.split_once(':') {
            Some(("base", quantity)) => Ok(Self::BasePerLevel {
                quantity: quantity.parse().map_err(amount)?,
            }),
            Some(("investment", total)) => Ok(Self::Investment {
                total: total.parse().map_err(amount)?,
            }),
            _ => Err(PlanTextError::new(text, "sizing", RULE)),
        }
    }
}

impl fmt::Display for FirstInventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Buy => "buy",
            Self::FromBalance => "balance",
        })
    }
}

impl FromStr for FirstInventory {
    type Err = PlanTextError;

    fn from_str(text: &str) -> Result<Self, PlanTextError> {
        match text {
            "buy" => Ok(Self::Buy),
            "balance" => Ok(Self::FromBalance),
            _ => Err(PlanTextError::new(
                text,
                "first inventory",
                "write buy or balance",
            )),
        }
    }
}
