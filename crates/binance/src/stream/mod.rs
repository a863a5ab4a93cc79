//! The user-data stream over the WebSocket API: one socket, the subscriptions of many accounts.
//!
//! Where to start:
//! * [`Connection`] is one socket: open it, subscribe accounts, take one [`StreamEvent`] after another.
//! * [`Subscriptions`] is its memory without a socket: which subscription id is whose account.
//! * [`Report`] is one `executionReport`, and says what it means as a [`domain::Execution`].
//!
//! Subscribes with `userDataStream.subscribe.signature`, the only way to hold several accounts on
//! one socket (web-socket-api.md, "User Data Stream requests"); listen keys no longer exist. Never
//! decides whether a report is ours, never reconnects by itself, never asks for an order.

mod connection;
mod frame;
mod report;
mod subscriptions;

use trading::Environment;

pub use connection::{Connection, ConnectionConfig, StreamError};
pub use frame::{
    Event, Frame, FrameError, MAX_FRAME_BYTES, Reply, ReplyError, SubscriptionId, WeightCount,
};
pub use report::{ExecutionKind, Report, ReportError};
pub use subscriptions::{Refusal, StreamEvent, Subscriptions};

/// The WebSocket API's address of an environment (web-socket-api.md, testnet and demo-mode
/// general-info.md). A simulated exchange has none of its own: its address must be given.
#[must_use]
pub const fn endpoint(environment: Environment) -> Option<&'static str> {
    match environment {
        Environment::Production => Some("wss://ws-api.binance.com:443/ws-api/v3"),
        Environment::Testnet => Some("wss://ws-api.testnet.binance.vision/ws-api/v3"),
        Environment::Demo => Some("wss://demo-ws-api.binance.com/ws-api/v3"),
        Environment::Simulated => None,
    }
}
