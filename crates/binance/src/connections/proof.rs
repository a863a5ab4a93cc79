//! The proof that an address answers after it was idle.
//!
//! Start at [`Proof::prove`]. Never says whether it succeeded: whoever sends next finds a connection
//! that works, or opens one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::RestAddress;

/// How long an order waits for the proof. An exchange that takes longer to say what time it is will
/// not take the order sooner, and what a fill means is not to wait for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Proves one address, once for everybody who waits for it.
#[derive(Debug, Default)]
pub(super) struct Proof {
    turn: Mutex<()>,
    ended: AtomicU64,
}

impl Proof {
    /// Asks the exchange for its time if nothing was heard from it for a while, and returns at once
    /// otherwise. Where somebody asks already, waits for their answer.
    pub(super) async fn prove(&self, address: &RestAddress) {
        let ended = self.ended.load(Ordering::Acquire);
        let _turn = self.turn.lock().await;
        if self.ended.load(Ordering::Acquire) != ended {
            return;
        }
        match tokio::time::timeout(PATIENCE, address.keep_warm()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "exchange not reached yet"),
            Err(_elapsed) => tracing::warn!("the exchange takes long to answer"),
        }
        self.ended.fetch_add(1, Ordering::Release);
    }
}
