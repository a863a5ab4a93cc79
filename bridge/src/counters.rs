//! What a bridge has seen and done since it started, by kind.

use std::collections::BTreeMap;

use crate::Delays;

/// Why a connection had to be made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reconnect {
    /// It could not be opened.
    NotOpened,
    /// It was lost.
    Lost,
    /// A subscription on it was never answered.
    Unanswered,
    /// It had reached its age.
    Age,
    /// Its server was about to shut down.
    ServerShutdown,
    /// It took no more subscriptions.
    Refused,
}

impl Reconnect {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NotOpened,
        Self::Lost,
        Self::Unanswered,
        Self::Age,
        Self::ServerShutdown,
        Self::Refused,
    ];
}

/// Counts since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Reports put on the queue.
    pub forwarded: u64,
    /// Reports of orders that do not carry an id of ours.
    pub not_ours: u64,
    /// Reports of our orders that neither traded nor ended them, such as an acceptance.
    pub no_news: u64,
    /// Events of accounts that are no reports.
    pub other_events: u64,
    /// Frames and reports that could not be read.
    pub unreadable: u64,
    /// Well-formed frames that nothing here knows.
    pub ignored: u64,
    /// Requests to compare with the exchange.
    pub reconciles: u64,
    /// Times an account's stream went down unplanned.
    pub gaps: u64,
    /// Subscriptions confirmed.
    pub subscribed: u64,
    /// Subscriptions refused, or impossible for want of a usable key.
    pub refused: u64,
    /// Streams that ended while their socket stayed open.
    pub ended: u64,
    /// Other requests that failed.
    pub failed_requests: u64,
    /// Connections opened.
    pub opened: u64,
    /// Connections that could not be opened or were lost.
    pub lost: u64,
    /// Connections closed as planned: replaced by others, or without accounts.
    pub closed: u64,
    /// Accounts given up because other bridges hold them.
    pub handed_over: u64,
    /// Messages the queue took.
    pub sent: u64,
    /// Messages the queue did not take at some try.
    pub send_failures: u64,
    /// Reports that did not fit into the buffer; a comparison was asked for instead.
    pub overflowed: u64,
    /// Reads and writes of the store that failed.
    pub store_failures: u64,
    /// Connections that had to be made anew, by the cause. One that is lost while it is being replaced
    /// counts once.
    pub reconnects: BTreeMap<Reconnect, u64>,
    /// How long the reports that the queue took had waited since they arrived.
    pub delays: Delays,
}

impl Counters {
    pub(crate) fn reconnect(&mut self, cause: Reconnect) {
        count(self.reconnects.entry(cause).or_default());
    }
}

/// Adds one.
pub(crate) fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
