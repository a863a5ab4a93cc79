//! The bot: one grid on one symbol of one account, what the operator wants of it and what is so.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AccountId, BotId, GridPlan, LocalTime, OrderKind, SymbolRules};

/// What the operator wants of a bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DesiredStatus {
    /// Created, not to trade yet.
    Ready,
    /// Trade.
    Running,
    /// Keep resting orders and book their fills, but send nothing new.
    Paused,
    /// Cancel all orders and keep what is held.
    Stopped,
    /// Cancel all orders, then sell what is held.
    StoppedAndSold,
}

/// What recovery has made true of a bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservedStatus {
    /// Created; no level has owed anything yet.
    Ready,
    /// Trading.
    Running,
    /// Every level is stamped and no lease is live.
    Paused,
    /// Orders are being taken down, or what is held is being sold.
    Stopping,
    /// No order is live and nothing is owed.
    Stopped,
}

impl fmt::Display for DesiredStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::StoppedAndSold => "stopped and sold",
        })
    }
}

impl fmt::Display for ObservedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        })
    }
}

/// One grid on one symbol of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bot {
    /// Its random token, part of every client order id.
    pub id: BotId,
    /// The account it trades on.
    pub account: AccountId,
    /// The grid as the operator asked for it.
    pub plan: GridPlan,
    /// The symbol's rules as last read from the exchange.
    pub rules: SymbolRules,
    /// When those rules were read.
    pub rules_read_at: Option<LocalTime>,
    /// Whether an order was refused in a way that suggests the rules have changed.
    pub rules_doubted: bool,
    /// How many levels it has.
    pub levels: u16,
    /// What the operator wants.
    pub desired: DesiredStatus,
    /// What recovery has made true.
    pub observed: ObservedStatus,
    /// Whether nothing more is to be sold of a bot that is stopped and sold, because nothing more can be:
    /// no sale begins while it is so.
    // Left out while false: a record of before reads the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sold_out: bool,
    /// When it was created.
    pub created_at: LocalTime,
    /// When the exchange was last asked how it stands, by a run of recovery that came to its end.
    pub recovered_at: Option<LocalTime>,
    /// Grows by one with each change of the record.
    pub version: u64,
}

impl Bot {
    /// The kind of the grid's ordinary orders.
    #[must_use]
    pub const fn order_kind(&self) -> OrderKind {
        if self.plan.post_only {
            OrderKind::PostOnly
        } else {
            OrderKind::Limit
        }
    }
}
