//! A burst of commits on a file: all are written, and the runtime goes on meanwhile.

use std::time::Duration;

use domain::OrderState;
use dynamo_store::{Durability, EmbeddedDynamo};
use tokio::task::JoinSet;
use tokio::time::Instant;
use trading::{CommitOutcome, FillCommit, LevelStore};

use crate::fixture::{bot_id, create, fill, next, store};

const BURST: u16 = 500;

/// One thread for everything: a call that blocked it would stop the clock beside it for the whole
/// burst.
#[tokio::test]
async fn a_burst_of_commits_leaves_the_runtime_free() {
    let folder = tempfile::tempdir().unwrap();
    let database = EmbeddedDynamo::open(folder.path(), Durability::PowerLoss).unwrap();
    let store = store(database.client()).await;
    let (_, levels) = create(&store, BURST).await;
    let mut burst = JoinSet::new();
    for level in levels {
        let store = store.clone();
        burst.spawn(async move {
            let after = next(&level, 1, OrderState::Open);
            let commit = FillCommit {
                expected_version: 0,
                fills: vec![fill(&after, 1, 1)],
                level: after,
            };
            store.commit_fill(&commit).await.unwrap()
        });
    }
    let started = Instant::now();
    let mut ticks = 0_u32;
    let mut clock = tokio::time::interval(Duration::from_millis(1));
    let mut committed = 0;
    while committed < BURST {
        tokio::select! {
            outcome = burst.join_next() => {
                assert_eq!(outcome.unwrap().unwrap(), CommitOutcome::Committed);
                committed += 1;
            }
            _ = clock.tick() => ticks += 1,
        }
    }
    println!(
        "{BURST} commits in {:?}, {ticks} ticks of 1 ms beside",
        started.elapsed()
    );
    assert_eq!(
        store.fills(&bot_id(), None).await.unwrap().len(),
        usize::from(BURST)
    );
    assert!(ticks > 10, "the runtime stood still: {ticks} ticks");
}
