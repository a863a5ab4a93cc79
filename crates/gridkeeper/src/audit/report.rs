//! What an audit found: a verdict per level, violations by the number of their invariant.

use std::fmt;

use domain::{BotId, ExchangeOrderId, ExchangeTime, LevelIndex, Symbol};
use serde::Serialize;

/// The invariants that an audit can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// 1: each fill of ours has exactly one ledger entry.
    LedgerComplete,
    /// 2: each completed order has exactly one opposite order, or one recorded reason.
    OneOpposite,
    /// 3: a level never has two live orders.
    OneLiveOrder,
    /// 4: base and quote in the ledger equal the exchange's, fees included.
    AmountsEqual,
    /// 5: every order obeys the symbol's rules.
    RulesObeyed,
    /// 6: nothing is sent for a bot that is observed paused or stopped.
    RestKept,
    /// 7: no intent stays pending and no fill unseen.
    NothingForgotten,
}

impl Invariant {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::LedgerComplete => 1,
            Self::OneOpposite => 2,
            Self::OneLiveOrder => 3,
            Self::AmountsEqual => 4,
            Self::RulesObeyed => 5,
            Self::RestKept => 6,
            Self::NothingForgotten => 7,
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LedgerComplete => "each fill has exactly one ledger entry",
            Self::OneOpposite => "each completed order has exactly one opposite order or a reason",
            Self::OneLiveOrder => "a level never has two live orders",
            Self::AmountsEqual => "base, quote and fees equal the exchange's",
            Self::RulesObeyed => "every order obeys the symbol's rules",
            Self::RestKept => "nothing is sent for a paused or stopped bot",
            Self::NothingForgotten => "nothing stays pending or unseen",
        })
    }
}

impl Serialize for Invariant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

/// One broken promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// The level concerned, or the whole bot.
    pub level: Option<LevelIndex>,
    /// What was seen.
    pub text: String,
}

/// How a level stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything is as it should be.
    Kept,
    /// Something is under way and young enough to be.
    UnderWay,
    /// An order is owed and not placed, for a recorded reason.
    Owing,
    /// A promise is broken.
    Broken,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kept => "kept",
            Self::UnderWay => "under way",
            Self::Owing => "owing",
            Self::Broken => "BROKEN",
        })
    }
}

/// How one level stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LevelAudit {
    /// The level.
    pub level: LevelIndex,
    /// How it stands.
    pub verdict: Verdict,
    /// What is under way or owed, and why.
    pub why: Option<String>,
    /// Orders that were filled.
    pub completed_orders: u32,
    /// Orders that followed a completed one on the other side.
    pub opposite_orders: u32,
    /// Buys whose base was sold again.
    pub round_trips: u32,
    /// Trades at the exchange.
    pub trades: u32,
    /// The order that is live at the exchange now.
    pub live_order: Option<ExchangeOrderId>,
}

/// How one bot stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BotAudit {
    /// The bot.
    pub bot: BotId,
    /// Its symbol.
    pub symbol: Symbol,
    /// The exchange's time when it was read.
    pub read_at: ExchangeTime,
    /// Whether no promise is broken and every record could be read.
    pub clean: bool,
    /// What explains everything below at once, where something does.
    pub conclusion: Option<String>,
    /// Whether the bot needs a `gridkeeper up` and none runs. Only whoever opened the data folder knows.
    pub unattended: bool,
    /// How many orders of the bot the exchange has or had.
    pub orders: u32,
    /// How many trades of them.
    pub trades: u32,
    /// Completed orders without an opposite order and without a reason.
    pub missing: u32,
    /// Orders that nobody owed.
    pub doubled: u32,
    /// Broken promises.
    pub violations: Vec<Violation>,
    /// Records that cannot be read: their levels and ledger entries are not judged.
    pub unreadable: Vec<String>,
    /// What to know beside them.
    pub notes: Vec<String>,
    /// Each level, lowest first.
    pub levels: Vec<LevelAudit>,
}
