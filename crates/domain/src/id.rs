//! Names of things: accounts, bots, levels, orders, trades.
//!
//! A [`ClientOrderId`] is a function of bot, level and order number, so a report finds its level
//! without an index, and an id names one intent for ever.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// Why a text is not a valid name or id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {kind}: {rule}")]
pub struct IdError {
    /// The text refused, cut to a readable length.
    pub text: String,
    /// The kind of id, such as `account name`.
    pub kind: &'static str,
    /// What it must look like.
    pub rule: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, |$text:ident| $accept:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text of the id.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str($text: &str) -> Result<Self, IdError> {
                if $accept {
                    Ok(Self($text.to_owned()))
                } else {
                    Err(IdError { text: $text.chars().take(64).collect(), kind: $kind, rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_name(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

text_id! {
    /// The operator's name of one exchange account.
    AccountId, "account name", "use 1 to 32 of a-z, 0-9 and -", |text| is_name(text, 32)
}
text_id! {
    /// The random token of one bot, drawn when the bot is created. It contains no `-`, so it can be
    /// read back from a client order id.
    BotId, "bot id", "use 4 to 12 of a-z and 0-9",
    |text| (4..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
text_id! {
    /// A trading symbol as the exchange spells it, such as `XRPETH`. May be any UTF-8 since
    /// December 2025 (Binance CHANGELOG.md).
    Symbol, "symbol", "use 1 to 40 bytes without spaces or #",
    |text| (1..=40).contains(&text.len()) && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '#')
}
text_id! {
    /// An asset as the exchange spells it, such as `ETH`.
    Asset, "asset", "use 1 to 40 bytes without spaces or #",
    |text| (1..=40).contains(&text.len()) && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '#')
}

/// The position of a level in its grid, from 0 at the lowest prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LevelIndex(pub u16);

impl fmt::Display for LevelIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The number of an intent within its level. Grows by one with each intent and is never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderNumber(pub u32);

impl OrderNumber {
    /// The first number of a level.
    pub const FIRST: Self = Self(1);

    /// The number after this one. Saturates: a level that used up four billion intents would
    /// repeat its last number, which the exchange's own duplicate rule then refuses.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The exchange's id of an order, unique per symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExchangeOrderId(pub i64);

impl fmt::Display for ExchangeOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The exchange's id of a trade, unique per symbol and growing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TradeId(pub i64);

impl fmt::Display for TradeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The id under which an intent is sent: `gk-{bot}-{level}-{no}`.
///
/// Binance allows 1 to 36 of `[a-zA-Z0-9-_]` and keeps an id unique only among *open* orders
/// (rest-api.md), so the id alone never protects from a second order; the lease does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientOrderId {
    /// The bot that owes the order.
    pub bot: BotId,
    /// The level of that bot.
    pub level: LevelIndex,
    /// Which of the level's intents.
    pub no: OrderNumber,
}

impl ClientOrderId {
    /// What every id of ours starts with.
    pub const PREFIX: &'static str = "gk-";

    /// Whether a text is an id of this shape. Anyone can type such an id by hand, so this alone
    /// does not make a report ours.
    #[must_use]
    pub fn looks_like_ours(text: &str) -> bool {
        text.parse::<Self>().is_ok()
    }
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}-{}-{}", Self::PREFIX, self.bot, self.level, self.no)
    }
}

impl FromStr for ClientOrderId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parse = || {
            let mut parts = text.strip_prefix(Self::PREFIX)?.split('-');
            let bot = parts.next()?.parse().ok()?;
            let level = LevelIndex(canonical_number(parts.next()?)?.try_into().ok()?);
            let no = OrderNumber(canonical_number(parts.next()?)?);
            (parts.next().is_none() && no.0 > 0).then_some(Self { bot, level, no })
        };
        parse().ok_or_else(|| IdError {
            text: text.chars().take(64).collect(),
            kind: "client order id of a level",
            rule: "it reads gk-BOT-LEVEL-NUMBER",
        })
    }
}

/// Reads a number written the one way this crate writes it, so that no second spelling of an id
/// (`007`, `+7`) names the same level.
fn canonical_number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl TryFrom<String> for ClientOrderId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<ClientOrderId> for String {
    fn from(id: ClientOrderId) -> Self {
        id.to_string()
    }
}
