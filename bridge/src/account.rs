//! What a bridge knows of one account: where it is subscribed, since when its stream is down.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::LocalTime;
use trading::{AccountRecord, Environment, SealedKey, StreamState};

use crate::backoff::Backoff;
use crate::{Config, ConnectionId, Moment};

/// A subscription of one account on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subscription {
    /// Asked for, not answered yet.
    Asked {
        /// Since when.
        since: Duration,
    },
    /// Confirmed.
    Active {
        /// Since when.
        since: Duration,
    },
}

/// Why and since when an account's stream is down.
#[derive(Debug, Clone)]
pub(crate) struct Gap {
    /// Since when, by the wall.
    pub(crate) since: LocalTime,
    /// The latest reason.
    pub(crate) why: String,
    /// Whether that is its key alone.
    pub(crate) key_refused: bool,
    /// When the account is next compared with the exchange.
    pub(crate) poll_at: Duration,
}

/// What the store holds of an account's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// This.
    Known(StreamState),
    /// A write is under way.
    Writing,
    /// A write failed; it may have happened.
    Unknown,
}

/// One account.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) environment: Environment,
    pub(crate) key: SealedKey,
    /// The connection it belongs on. It may be subscribed on an older one too, while that is
    /// being replaced.
    pub(crate) home: Option<ConnectionId>,
    pub(crate) subscriptions: BTreeMap<ConnectionId, Subscription>,
    /// When subscribing may be tried again.
    pub(crate) retry: Backoff,
    /// `None` while the stream is up.
    pub(crate) gap: Option<Gap>,
    /// Since when the stream is up, by the wall.
    pub(crate) up_since: LocalTime,
    /// When the account was last heard from.
    pub(crate) heard: Duration,
    /// When it was last compared for having been silent.
    pub(crate) silence_told: Duration,
    /// When it may next be compared for something that may repeat fast.
    pub(crate) compare_at: Duration,
    /// A comparison that waits for that time.
    pub(crate) compare: Option<String>,
    pub(crate) recorded: Recorded,
    /// When a stream state may be written again.
    pub(crate) write: Backoff,
}

impl Account {
    pub(crate) fn new(record: &AccountRecord, now: Moment, config: &Config) -> Self {
        Self {
            environment: record.environment,
            key: record.stream_key.clone(),
            home: None,
            subscriptions: BTreeMap::new(),
            retry: Backoff::default(),
            gap: Some(Gap {
                since: now.wall,
                why: "not subscribed yet".to_owned(),
                key_refused: false,
                poll_at: now.elapsed.saturating_add(config.poll_every),
            }),
            up_since: now.wall,
            heard: now.elapsed,
            silence_told: now.elapsed,
            compare_at: now.elapsed,
            compare: None,
            recorded: Recorded::Known(record.stream.clone()),
            write: Backoff::default(),
        }
    }

    /// Whether some connection brings its events.
    pub(crate) fn is_up(&self) -> bool {
        self.gap.is_none()
    }

    /// Whether its events arrive over this connection.
    pub(crate) fn active_on(&self, connection: ConnectionId) -> bool {
        matches!(
            self.subscriptions.get(&connection),
            Some(Subscription::Active { .. })
        )
    }

    /// Whether its events arrive over a connection other than this one.
    pub(crate) fn active_beside(&self, connection: ConnectionId) -> bool {
        self.subscriptions.iter().any(|(id, subscription)| {
            *id != connection && matches!(subscription, Subscription::Active { .. })
        })
    }

    /// Takes a subscription away. Tells whether no other brings the account's events.
    pub(crate) fn drop_subscription(&mut self, connection: ConnectionId) -> bool {
        self.subscriptions.remove(&connection);
        !self.active_beside(connection)
    }

    /// What the store should hold of the stream.
    pub(crate) fn stream(&self, bridge: &str) -> StreamState {
        match &self.gap {
            None => StreamState::Subscribed {
                since: self.up_since,
                bridge: bridge.to_owned(),
            },
            Some(gap) => StreamState::Down {
                since: gap.since,
                why: gap.why.clone(),
            },
        }
    }
}
