//! Many calls at once, and who waits for the disk.

use domain::OrderState;
use dynamo_store::{Durability, EmbeddedDynamo};
use tokio::task::JoinSet;
use trading::{Claim, CommitOutcome, FillCommit, LevelStore};

use crate::fixture::{bot_id, create, direct, fill, next, store};
use crate::wire::Wire;

const BURST: u16 = 500;

#[tokio::test]
async fn a_burst_of_commits_is_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let database = EmbeddedDynamo::open(folder.path(), Durability::Process).unwrap();
    let store = direct(&database).await;
    let (_, levels) = create(&store, BURST).await;
    let mut burst = JoinSet::new();
    let mut expected = Vec::new();
    for level in levels {
        let after = next(&level, 1, OrderState::Open);
        expected.push(after.clone());
        let store = store.clone();
        burst.spawn(async move {
            let commit = FillCommit {
                expected_version: 0,
                fills: vec![fill(&after, 1, 1)],
                level: after,
            };
            store.commit_fill(&commit).await.unwrap()
        });
    }
    for outcome in burst.join_all().await {
        assert_eq!(outcome, CommitOutcome::Committed);
    }
    assert_eq!(store.levels(&bot_id()).await.unwrap(), expected);
    let fills = store.fills(&bot_id(), None).await.unwrap();
    assert_eq!(fills.len(), usize::from(BURST));
}

/// A disk may take its time: the thread that asked goes on with other work meanwhile. Here the
/// other work is what ends the wait, so on one thread the write is answered the first time it is
/// asked for only if it waits elsewhere.
#[tokio::test]
async fn a_write_that_waits_for_the_disk_leaves_the_thread_free() {
    let folder = tempfile::tempdir().unwrap();
    let database = EmbeddedDynamo::open(folder.path(), Durability::PowerLoss).unwrap();
    let wire = Wire::default();
    let store = store(wire.tap(&database.client())).await;
    let (_, levels) = create(&store, 1).await;
    let level = next(&levels[0], 1, OrderState::Idle);
    let lock = rusqlite::Connection::open(folder.path().join("gridkeeper.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    wire.next([]);
    let (claim, ()) = tokio::join!(store.claim_intent(0, &level), async {
        tokio::task::yield_now().await;
        lock.execute_batch("COMMIT").unwrap();
    });
    assert_eq!(claim.unwrap(), Claim::Won);
    assert_eq!(wire.seen(), ["PutItem"]);
}
