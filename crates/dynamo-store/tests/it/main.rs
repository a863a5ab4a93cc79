//! Tests of the store from outside: the ports' contract on every kind of database, each condition
//! of each write, damaged records, lost replies, killed processes and data folders.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test stops where something is not as it should be"
)]

mod apart;
mod busy;
mod conditions;
mod contract;
mod corrupt;
mod fixture;
mod folder;
mod full_disk;
mod itself;
mod killed;
mod known;
mod lives;
mod lost_replies;
mod on_the_wire;
mod race;
mod round_trip;
mod shared_address;
mod unix_socket;
mod wire;

use dynamo_store::{Durability, DynamoStore, EmbeddedDynamo, bind_unix, connect_unix, serve_unix};

/// A store with its table, and what must outlive it.
struct Opened {
    store: DynamoStore,
    _folder: Option<tempfile::TempDir>,
    _server: Option<tokio::task::JoinSet<()>>,
}

async fn in_memory() -> Opened {
    let database = EmbeddedDynamo::memory().unwrap();
    Opened {
        store: fixture::store(database.client()).await,
        _folder: None,
        _server: None,
    }
}

async fn on_file() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let database = EmbeddedDynamo::open(folder.path(), Durability::Process).unwrap();
    Opened {
        store: fixture::store(database.client()).await,
        _folder: Some(folder),
        _server: None,
    }
}

/// Without the SDK's client in between, as the owner of a data folder uses it.
async fn direct() -> Opened {
    Opened {
        store: fixture::direct(&EmbeddedDynamo::memory().unwrap()).await,
        _folder: None,
        _server: None,
    }
}

/// The same on a file, on threads that may wait for the disk.
async fn direct_on_file() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let database = EmbeddedDynamo::open(folder.path(), Durability::PowerLoss).unwrap();
    Opened {
        store: fixture::direct(&database).await,
        _folder: Some(folder),
        _server: None,
    }
}

async fn over_socket() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = bind_unix(&socket).await.unwrap();
    let database = EmbeddedDynamo::memory().unwrap();
    let mut server = tokio::task::JoinSet::new();
    server.spawn(serve_unix(listener, database, std::future::pending()));
    Opened {
        store: fixture::store(connect_unix(&socket)).await,
        _folder: Some(folder),
        _server: Some(server),
    }
}

/// The store that the seeded simulation runs on.
struct Simulated {
    store: simulation::MemoryStore,
}

async fn simulated() -> Simulated {
    Simulated {
        store: simulation::MemoryStore::open(),
    }
}

contract::tests!(memory, crate::in_memory());
contract::tests!(file, crate::on_file());
contract::tests!(socket, crate::over_socket());
contract::tests!(direct, crate::direct());
contract::tests!(direct_on_file, crate::direct_on_file());
contract::tests!(simulated, crate::simulated());
