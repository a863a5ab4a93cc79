//! The bridge: holds the user-data streams of all accounts and puts what matters on the queue.
//!
//! Where to start:
//! * [`apply_event`] is the whole bridge as one synchronous function: something happened, what is
//!   to be done. It decides everything; it can be run with any clock and any dice.
//! * [`Bridge::run`] performs what it says: sockets, store, queue. It decides nothing.
//! * [`LocalQueue`] is the queue of one machine; that of AWS is in the crate `cloud`.
//! * With the feature `metrics` there is what it has done as text for Prometheus.
//! * With the feature `aws` there is the process `gridkeeper-bridge` as well (`main.rs`): the same
//!   bridge over the table, the queue and the key service of AWS.
//!
//! The queue is a fast path and recovery the complete one, so the bridge's one duty besides speed
//! is honesty: whenever something may have been missed, it says so with a `Reconcile`.
//!
//! Never places, cancels or queries an order, never decides whether a report is true, never sees a
//! trade key, keeps nothing on disk.

#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::wildcard_enum_match_arm,
        reason = "an overflow fails a test, and a test that looks for one effect may skip the others"
    )
)]

mod account;
mod apply;
mod backoff;
mod budget;
mod config;
mod connections;
mod counters;
mod delays;
mod event;
mod forward;
mod link;
mod listing;
mod local_queue;
#[cfg(feature = "metrics")]
pub mod metrics;
mod outbox;
mod ports;
mod run;
mod sharing;
mod state;
mod status;
mod streams;
mod upkeep;

pub use apply::apply_event;
pub use config::Config;
pub use counters::{Counters, Reconnect};
pub use delays::Delays;
pub use event::{AccountsRead, ConnectionId, Effect, Input, Moment};
pub use local_queue::{DeadLetter, LocalQueue, Receipt, Received};
pub use ports::OpenKeys;
pub use run::{Bridge, BridgeError, Ports};
pub use state::BridgeState;
pub use status::{AccountStatus, BridgeHandle, BridgeStatus, Listing};
pub use trading::{BatchQueue, MAX_BATCH, Outgoing};
