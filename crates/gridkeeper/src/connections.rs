//! The trading connections of this process: those of [`binance::Connections`], with this machine's clock,
//! the addresses its environment names, and the vault of its keys.

use std::sync::Arc;

use binance::{Connections, Now, RestBase};
use dynamo_store::DynamoStore;
use trading::Clock as _;

use crate::clock::SystemClock;
use crate::environs::Environs;
use crate::vault::Vault;

/// The trading connections of one store. Cheap to clone; clones share everything.
pub type LocalExchanges = Connections<DynamoStore, Vault>;

/// The connections of a store whose trade keys `vault` opens. Nothing is sent.
#[must_use]
pub fn connections(store: DynamoStore, vault: Vault, environs: Environs) -> LocalExchanges {
    with_time(store, vault, environs, Arc::new(|| SystemClock.now()))
}

fn with_time(store: DynamoStore, vault: Vault, environs: Environs, now: Now) -> LocalExchanges {
    let rest_base: RestBase = Arc::new(move |environment| {
        let endpoints = environs.endpoints(environment);
        endpoints
            .map(|endpoints| endpoints.rest)
            .map_err(|failure| failure.what)
    });
    Connections::new(store, vault, rest_base, now)
}

#[cfg(test)]
mod tests;
