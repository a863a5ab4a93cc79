//! What is kept beside levels and bots: accounts, the ledger of fills, the story of events.

use std::fmt;

use domain::{
    AccountId, BotId, ExchangeOrderId, Intent, LevelIndex, LocalTime, OrderNumber, Price, Quantity,
    Side, Source, Trade,
};
use serde::{Deserialize, Serialize};

use crate::AccountStop;

/// Which exchange endpoints an account trades on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Real money.
    Production,
    /// Binance's test network.
    Testnet,
    /// Binance's demo mode.
    Demo,
    /// A simulated exchange.
    Simulated,
}

/// What a key is for. A secret sealed for the one does not open for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyPurpose {
    /// Reading the user-data stream: the bridge's.
    Stream,
    /// Placing orders.
    Trade,
}

impl KeyPurpose {
    /// The word that what is sealed is bound to.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Trade => "trade",
        }
    }
}

impl fmt::Display for KeyPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A secret sealed for one account and one purpose; only its sealer can open it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKey {
    /// The API key, which is no secret.
    pub api_key: String,
    /// How the secret signs: `hmac` or `ed25519`.
    pub kind: String,
    /// The sealed secret, in base64.
    pub sealed: String,
}

/// Whether an account may send orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Breaker {
    /// It may.
    Closed,
    /// It is stopped.
    Stopped {
        /// The cause.
        cause: AccountStop,
        /// The exchange's own words.
        detail: String,
        /// Since when.
        since: LocalTime,
        /// When it is tried again; `None` when only the operator can mend it.
        until: Option<LocalTime>,
    },
}

impl Breaker {
    /// Whether orders may be sent at `now`.
    #[must_use]
    pub fn admits(&self, now: LocalTime) -> bool {
        match self {
            Self::Closed => true,
            Self::Stopped { until, .. } => until.is_some_and(|until| now >= until),
        }
    }
}

/// What is known of an account's user-data stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum StreamState {
    /// No bridge has subscribed it yet.
    Never,
    /// Subscribed.
    Subscribed {
        /// Since when.
        since: LocalTime,
        /// By which bridge.
        bridge: String,
    },
    /// Not subscribed now.
    Down {
        /// Since when.
        since: LocalTime,
        /// Why.
        why: String,
    },
}

/// One account: what the bridge and the handlers need to know of it. The trade key is kept apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// The operator's name of it.
    pub id: AccountId,
    /// Where it trades.
    pub environment: Environment,
    /// The sealed read-only key of the stream.
    pub stream_key: SealedKey,
    /// Whether it may send orders.
    pub breaker: Breaker,
    /// What is known of its stream.
    pub stream: StreamState,
    /// Whether the stream was asked for by recovery because it is missing.
    pub stream_wanted_since: Option<LocalTime>,
    /// When it was added.
    pub created_at: LocalTime,
    /// Grows by one with each change of keys or breaker.
    pub version: u64,
}

/// A sign of life of one bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The bridge.
    pub bridge: String,
    /// When.
    pub at: LocalTime,
    /// Its open connections.
    pub connections: u32,
    /// The accounts it holds.
    pub accounts: Vec<AccountId>,
}

impl Heartbeat {
    /// Whether its bridge was heard of lately.
    #[must_use]
    pub fn is_fresh(&self, now: LocalTime) -> bool {
        now.since(self.at) < crate::HEARTBEAT_LASTS
    }
}

/// How a fill came to be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookedAs {
    /// It was the next one of the current order.
    Next,
    /// A report showed that it was missing, and it was fetched.
    Fetched,
    /// It belongs to an order that had already been passed.
    Late,
    /// It belongs to a second exchange order under one of our ids.
    SecondOrder,
}

/// One fill: the key that makes it count once, and the ledger's entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillRecord {
    /// The bot.
    pub bot: BotId,
    /// The level.
    pub level: LevelIndex,
    /// The order's number.
    pub no: OrderNumber,
    /// The order's side.
    pub side: Side,
    /// The exchange's id of the order.
    pub exchange_order_id: ExchangeOrderId,
    /// The trade, fee included.
    pub trade: Trade,
    /// Where it was learnt from.
    pub source: Source,
    /// How it came to be booked.
    pub booked_as: BookedAs,
    /// Whether its order was placed by recovery, in answer to something that had been missed or
    /// waited. A bot's first orders are not; of an order that is neither the level's current one nor
    /// the one before, this is not known any more and `false`.
    pub by_recovery: bool,
    /// The number of the intent that this fill brought about, if it completed its order.
    pub caused: Option<OrderNumber>,
    /// What that intent asks for, as the level keeps it only until its next order. Absent from
    /// records written before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_order: Option<OrderSummary>,
    /// When this system first saw it.
    pub received_at: LocalTime,
    /// When it was committed.
    pub committed_at: LocalTime,
}

/// What happened to a level off the hot path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The first order of the level was laid.
    Laid,
    /// A placement was refused.
    Refused,
    /// The fate of a placement is not known.
    Unknown,
    /// Another attempt took an intent over.
    Claimed,
    /// A request missed its time window and was signed anew.
    WindowExpired,
    /// An order found at the exchange was taken as the level's.
    Adopted,
    /// Recovery fed something that had been missed.
    Recovered,
    /// An order was cancelled by us.
    Cancelled,
    /// An order was ended before it was filled, as a report told.
    Ended,
    /// An order was changed at the exchange by hand.
    Amended,
    /// An owed order is on purpose not placed.
    Held,
    /// A held order is owed again.
    Released,
    /// A fill of an order already passed.
    LateFill,
    /// A second exchange order under one id.
    SecondOrder,
    /// Records and exchange disagree.
    Quarantined,
    /// The operator asked for something.
    Operator,
}

/// One line of a level's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// The bot.
    pub bot: BotId,
    /// The level, or the whole bot.
    pub level: Option<LevelIndex>,
    /// The order number concerned.
    pub no: Option<OrderNumber>,
    /// What that order asks for, where the event is about its placement. Absent from records written
    /// before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderSummary>,
    /// When.
    pub at: LocalTime,
    /// What.
    pub kind: EventKind,
    /// In words, with the evidence.
    pub text: String,
}

/// What an order asks for, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSummary {
    /// Side.
    pub side: Side,
    /// Limit price, in quote.
    pub price: Price,
    /// Quantity, in base.
    pub quantity: Quantity,
}

impl From<&Intent> for OrderSummary {
    fn from(intent: &Intent) -> Self {
        Self {
            side: intent.side,
            price: intent.price,
            quantity: intent.quantity,
        }
    }
}
