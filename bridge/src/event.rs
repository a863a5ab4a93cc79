//! Everything that can happen to a bridge, and everything it can do.

use std::fmt;
use std::time::Duration;

use binance::stream::StreamEvent;
use domain::{AccountId, LocalTime};
use trading::{AccountRecord, Heartbeat, QueueError, SealedKey, StreamState};

use crate::Outgoing;

/// One attempt at one connection. Never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}", self.0)
    }
}

/// When something happened, and the dice thrown for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// This machine's clock, for records and messages. May jump.
    pub wall: LocalTime,
    /// The time since the bridge started, for everything that is waited for. Never jumps.
    pub elapsed: Duration,
    /// A random number, for the random part of pauses.
    pub jitter: u32,
}

/// The list of accounts as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountsRead {
    /// Those that can be read.
    pub readable: Vec<AccountRecord>,
    /// Why the others cannot; each names its record.
    pub unreadable: Vec<String>,
    /// The heartbeats of all bridges, read after the accounts: a bridge writes its first one before it
    /// claims an account. Empty where the accounts are not shared; else why they cannot be read.
    pub heartbeats: Result<Vec<Heartbeat>, String>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Time went by.
    Tick,
    /// A connection is open.
    Opened {
        /// Which.
        connection: ConnectionId,
    },
    /// A connection could not be opened, or was lost.
    Lost {
        /// Which.
        connection: ConnectionId,
        /// Why.
        why: String,
        /// How long the exchange says to wait.
        retry_after: Option<Duration>,
    },
    /// A connection has something to say.
    Stream {
        /// Which.
        connection: ConnectionId,
        /// What.
        event: StreamEvent,
    },
    /// An account's key could not be opened.
    KeyUnusable {
        /// The connection it was meant for.
        connection: ConnectionId,
        /// The account.
        account: AccountId,
        /// Why.
        why: String,
    },
    /// The list of accounts was read, or why not.
    Accounts(Result<AccountsRead, String>),
    /// A batch was sent: one outcome for each message, in order.
    Sent(Vec<Result<(), QueueError>>),
    /// A stream state was written, or why not.
    StreamWritten {
        /// The account.
        account: AccountId,
        /// What was written.
        state: StreamState,
        /// How it went.
        outcome: Result<(), String>,
    },
    /// A heartbeat was written, or why not.
    HeartbeatWritten(Result<(), String>),
    /// The bridge is asked to stop.
    Stop,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Open a connection.
    Open {
        /// Under which name.
        connection: ConnectionId,
        /// Where.
        url: String,
    },
    /// Close a connection. Nothing more is expected of it.
    Close {
        /// Which.
        connection: ConnectionId,
    },
    /// Subscribe an account.
    Subscribe {
        /// On which connection.
        connection: ConnectionId,
        /// Which account.
        account: AccountId,
        /// With which key.
        key: SealedKey,
    },
    /// Give a subscription up.
    Unsubscribe {
        /// On which connection.
        connection: ConnectionId,
        /// Which account's.
        account: AccountId,
    },
    /// Ask which subscriptions the exchange still serves.
    Check {
        /// On which connection.
        connection: ConnectionId,
    },
    /// Send messages, and tell how each went.
    Send(Vec<Outgoing>),
    /// Write what is known of an account's stream.
    WriteStream {
        /// The account.
        account: AccountId,
        /// What is known.
        state: StreamState,
    },
    /// Clear the note that an account's stream is missing.
    ClearWant {
        /// The account.
        account: AccountId,
    },
    /// Write a sign of life.
    WriteHeartbeat(Heartbeat),
    /// Read the list of accounts and, where they are shared, the heartbeats after it.
    ListAccounts,
    /// Tell the operator what went right.
    Inform(String),
    /// Tell the operator what went wrong.
    Warn(String),
}
