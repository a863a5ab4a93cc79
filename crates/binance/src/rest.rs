//! The REST client: one account's trading connection over HTTP.
//!
//! * [`RestAddress`] is what all accounts that talk to one base URL share: connections, the
//!   estimate of the exchange's clock, the request weight and every pause the exchange imposed.
//! * [`RestClient`] is one account on such an address: it signs, sends and reads, and implements
//!   [`trading::Exchange`].
//!
//! A placement leaves this machine once: redirects and retries are off, and a connection that
//! breaks gives an unknown outcome. Starts no task and reads no clock of its own.

pub(crate) mod address;
mod client;
mod clock_offset;
pub(crate) mod headers;
mod order_pacing;
mod placement;
mod queries;
mod question;
mod rules_cache;
mod transport;
mod weight_budget;
pub(crate) mod wire;

pub use address::{AddressConfig, AddressError, Now, RestAddress};
pub use client::RestClient;
pub use weight_budget::WeightUse;
pub use wire::account::KeyPermissions;
pub use wire::order::read_placed;
