//! The adapter to Binance Spot: signing, the REST client, the meaning of replies, the user stream.
//!
//! Where to start:
//! * [`stream`] holds user-data subscriptions of many accounts on one WebSocket connection.
//!
//! Decides nothing about money: it says what the exchange said.

pub mod stream;
