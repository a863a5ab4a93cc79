//! How a running bridge can be looked at.

use std::collections::BTreeMap;

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
}

/// A look at a running bridge, refreshed with each of its ticks.
#[derive(Debug, Clone)]
pub struct BridgeHandle {
    status: watch::Receiver<BridgeStatus>,
}

impl BridgeHandle {
    pub(crate) const fn new(status: watch::Receiver<BridgeStatus>) -> Self {
        Self { status }
    }

    /// How the bridge stands.
    #[must_use]
    pub fn status(&self) -> BridgeStatus {
        self.status.borrow().clone()
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
