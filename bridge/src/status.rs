//! How a running bridge can be looked at.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::AccountId;
use tokio::sync::watch;
use trading::StreamState;

use crate::{ConnectionId, Counters};

/// How one account's stream stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStatus {
    /// As it is, or is about to be, written to the store.
    pub stream: StreamState,
    /// The connections it is subscribed on, or has asked to be.
    pub connections: Vec<ConnectionId>,
    /// Whether it is down because its key cannot be opened or the exchange does not accept it, which a bridge
    /// cannot mend.
    pub key_refused: bool,
}

/// How the list of accounts was last read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Listing {
    /// Not yet since the start.
    #[default]
    NotYet,
    /// Well.
    Whole,
    /// Well, but for records that cannot be read, as this says.
    Partly(String),
    /// Not at all, for this reason.
    Failed(String),
}

/// How a bridge stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BridgeStatus {
    /// What it has seen and done.
    pub counters: Counters,
    /// Its open connections.
    pub connections: usize,
    /// Its accounts.
    pub accounts: BTreeMap<AccountId, AccountStatus>,
    /// Messages that wait to be sent.
    pub buffered: usize,
    /// How the list of accounts was last read.
    pub listing: Listing,
    /// Why the queue did not take something of the last batch; `None` when it took all, or nothing was sent.
    pub queue_error: Option<String>,
    /// How long ago a heartbeat was written; `None` when none was.
    pub heartbeat_age: Option<Duration>,
}

/// A look at a running bridge, refreshed with each of its ticks.
#[derive(Debug, Clone)]
pub struct BridgeHandle {
    status: watch::Receiver<BridgeStatus>,
}

impl BridgeHandle {
    /// A look at whatever refreshes this: a running bridge, for which [`crate::Bridge::handle`] makes it, or a test.
    #[must_use]
    pub const fn new(status: watch::Receiver<BridgeStatus>) -> Self {
        Self { status }
    }

    /// How the bridge stands.
    #[must_use]
    pub fn status(&self) -> BridgeStatus {
        self.status.borrow().clone()
    }

    /// Waits until the bridge's loop has turned again and says how it stands. `None` when it ended before.
    pub async fn refreshed(&mut self) -> Option<BridgeStatus> {
        self.status.changed().await.ok()?;
        Some(self.status.borrow_and_update().clone())
    }

    /// Waits until the bridge stands as wanted. `None` when it ended before.
    pub async fn wait_for(
        &mut self,
        wanted: impl FnMut(&BridgeStatus) -> bool,
    ) -> Option<BridgeStatus> {
        let status = self.status.wait_for(wanted).await.ok()?;
        Some(status.clone())
    }
}
