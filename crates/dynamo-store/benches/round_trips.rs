//! How long each round trip of the ordinary road takes on the embedded database: one read, one
//! transaction, one settling write.
//!
//! Run with `cargo bench -p dynamo-store`. It prints what it measured and never fails for a slow
//! machine.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a bench may stop at what it did not expect, measures time, and prints what it found"
)]
#![allow(
    dead_code,
    reason = "the fixture serves the tests, which use all of it"
)]

#[path = "../tests/it/fixture.rs"]
mod fixture;

use std::time::{Duration, Instant};

use domain::{ExchangeOrderId, Level, OrderNumber};
use dynamo_store::{Durability, DynamoStore, EmbeddedDynamo};
use trading::{FillCommit, LevelStore as _, Settlement};

use fixture::{account_id, at, bot_id, create, direct, fill, next, pending};

const ROUNDS: u32 = 2_000;

#[tokio::main]
async fn main() {
    measure("in memory", &EmbeddedDynamo::memory().unwrap()).await;
    for (name, durability) in [
        ("safe from kill -9", Durability::Process),
        ("safe from power loss", Durability::PowerLoss),
    ] {
        // On the disk, not in a temporary file system that a sync does not reach.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let database = EmbeddedDynamo::open(folder.path(), durability).unwrap();
        measure(name, &database).await;
    }
}

async fn measure(name: &str, database: &EmbeddedDynamo) {
    let store = direct(database).await;
    let (_, levels) = create(&store, 50).await;
    let mut level = levels.first().unwrap().clone();
    let mut spent = [Duration::ZERO; 3];
    for round in 0..ROUNDS {
        one_fill(&store, &mut level, round, &mut spent).await;
    }
    let [load, commit, settle] = spent.map(|all| all.as_micros() / u128::from(ROUNDS));
    println!("{name:<22} read {load:>5} us   transaction {commit:>5} us   settle {settle:>5} us");
}

async fn one_fill(store: &DynamoStore, level: &mut Level, round: u32, spent: &mut [Duration; 3]) {
    let no = round + 1;
    let after = next(level, no, pending(1));
    let began = Instant::now();
    let loaded = store
        .load(&account_id(), &bot_id(), level.index)
        .await
        .unwrap();
    spent[0] += began.elapsed();
    assert_eq!(loaded.level.unwrap().version, level.version);
    let commit = FillCommit {
        expected_version: level.version,
        fills: vec![fill(level, no, i64::from(no))],
        level: after,
    };
    let began = Instant::now();
    store.commit_fill(&commit).await.unwrap();
    spent[1] += began.elapsed();
    let accepted = Settlement::Accepted {
        exchange_order_id: ExchangeOrderId(i64::from(no)),
    };
    let began = Instant::now();
    let bot = bot_id();
    let settled = store.settle_intent(&bot, level.index, OrderNumber(no), &accepted, at(0));
    settled.await.unwrap();
    spent[2] += began.elapsed();
    *level = store
        .load(&account_id(), &bot_id(), level.index)
        .await
        .unwrap()
        .level
        .unwrap();
}
