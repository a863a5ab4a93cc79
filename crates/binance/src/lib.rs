//! The adapter to Binance Spot: signing, the REST client, the meaning of replies, the user stream.
//!
//! Where to start:
//! * [`Credentials`] and [`signed_query`]/[`ws_signature`] sign for REST and the WebSocket API.
//! * [`stream`] holds user-data subscriptions of many accounts on one WebSocket connection.
//!
//! Decides nothing about money: it says what the exchange said.

mod classify;
mod credentials;
mod sign;
pub mod stream;

pub use classify::{Meaning, ReplyHead, Verdict, classify, classify_code};
pub use credentials::{Credentials, CredentialsError};
pub use sign::{query, signed_query, ws_signature};
