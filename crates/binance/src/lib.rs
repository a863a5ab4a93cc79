//! The adapter to Binance Spot: signing, the REST client, the meaning of replies, the user stream.
//!
//! Where to start:
//! * [`Credentials`] and [`signed_query`]/[`ws_signature`] sign for REST and the WebSocket API.
//! * [`RestClient`] is one account's trading connection, on a [`RestAddress`] shared by all;
//!   [`Connections`] keeps those of all accounts of a store.
//! * [`classify`] says what a reply means.
//! * [`stream`] holds user-data subscriptions of many accounts on one WebSocket connection.
//!
//! Decides nothing about money: it says what the exchange said.

mod classify;
mod connections;
mod credentials;
mod endpoints;
#[cfg(feature = "readers")]
pub mod readers;
mod rest;
mod sign;
pub mod stream;

pub use classify::{Meaning, ReplyHead, Verdict, classify, classify_code};
pub use connections::{Connections, OpenTradeKeys, RestBase};
pub use credentials::{Credentials, CredentialsError};
pub use endpoints::rest_endpoint;
pub use rest::{
    AddressConfig, AddressError, KeyPermissions, Now, RestAddress, RestClient, WeightUse,
    read_placed,
};
pub use sign::{query, signed_query, ws_signature};
