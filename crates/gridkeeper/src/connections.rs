//! The trading connections of this process: those of [`binance::Connections`], with this machine's clock,
//! the addresses its environment names, and the keys of its data folder.

use std::sync::Arc;

use binance::{Connections, Now, RestBase};
use dynamo_store::DynamoStore;
use trading::Clock as _;

use crate::clock::SystemClock;
use crate::environs::Environs;
use crate::keys::KeyFile;

/// The trading connections of one store. Cheap to clone; clones share everything.
pub type LocalExchanges = Connections<DynamoStore, KeyFile>;

/// The connections of a store whose trade keys `keys` opens. Nothing is sent.
#[must_use]
pub fn connections(store: DynamoStore, keys: KeyFile, environs: Environs) -> LocalExchanges {
    with_time(store, keys, environs, Arc::new(|| SystemClock.now()))
}

fn with_time(store: DynamoStore, keys: KeyFile, environs: Environs, now: Now) -> LocalExchanges {
    let rest_base: RestBase = Arc::new(move |environment| {
        let endpoints = environs.endpoints(environment);
        endpoints
            .map(|endpoints| endpoints.rest)
            .map_err(|failure| failure.what)
    });
    Connections::new(store, keys, rest_base, now)
}

#[cfg(test)]
mod tests;
