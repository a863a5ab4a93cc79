//! What the owner of a database keeps of bots and accounts is never older than what was written,
//! whoever wrote it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use domain::{DesiredStatus, LevelIndex, ObservedStatus, OrderState};
use dynamo_store::{Durability, DynamoStore, EmbeddedDynamo};
use tokio::task::JoinSet;
use trading::{
    AccountStop, AccountStore, BotStore, Breaker, Claim, LevelStore, Loaded, StreamState,
};

use crate::fixture::{TABLE, account_id, at, bot_id, create, direct, key, next, pending};

const ROUNDS: u32 = 300;

async fn load(store: &DynamoStore) -> Loaded {
    store
        .load(&account_id(), &bot_id(), LevelIndex(0))
        .await
        .unwrap()
}

/// Writes through the database's own calls, and through a client as another process does.
fn writers(database: &EmbeddedDynamo) -> [DynamoStore; 2] {
    [
        database.store(TABLE),
        DynamoStore::new(database.client(), TABLE),
    ]
}

#[tokio::test]
async fn every_write_of_a_bot_is_seen_by_the_next_load() {
    let database = EmbeddedDynamo::memory().unwrap();
    let store = direct(&database).await;
    let (mut bot, _) = create(&store, 1).await;
    for writer in writers(&database) {
        for desired in [DesiredStatus::Paused, DesiredStatus::Running] {
            assert_eq!(load(&store).await.bot.unwrap(), bot);
            let before = bot.version;
            bot.version += 1;
            bot.desired = desired;
            let claim = writer.update_bot(before, &bot).await.unwrap();
            assert_eq!(claim, Claim::Won);
            assert_eq!(load(&store).await.bot.unwrap(), bot);
        }
    }
}

#[tokio::test]
async fn every_write_of_an_account_is_seen_by_the_next_load() {
    let database = EmbeddedDynamo::memory().unwrap();
    let store = direct(&database).await;
    create(&store, 1).await;
    let id = account_id();
    for (round, writer) in (0..).zip(writers(&database)) {
        let down = StreamState::Down {
            since: at(round),
            why: "test".to_owned(),
        };
        load(&store).await;
        writer.set_stream(&id, &down).await.unwrap();
        assert_eq!(load(&store).await.account.unwrap().stream, down);
        let stopped = Breaker::Stopped {
            cause: AccountStop::Key,
            detail: "test".to_owned(),
            since: at(round),
            until: None,
        };
        writer.set_breaker(&id, &stopped).await.unwrap();
        assert_eq!(load(&store).await.account.unwrap().breaker, stopped);
        let rotated = key(&format!("rotated-{round}"));
        writer.set_stream_key(&id, &rotated).await.unwrap();
        assert_eq!(load(&store).await.account.unwrap().stream_key, rotated);
        writer.want_stream(&id, Some(at(round))).await.unwrap();
        let wanted = load(&store).await.account.unwrap().stream_wanted_since;
        assert_eq!(wanted, Some(at(round)));
    }
}

#[tokio::test]
async fn an_account_that_is_removed_is_gone_for_the_next_load() {
    for nth in 0..2 {
        let database = EmbeddedDynamo::memory().unwrap();
        let store = direct(&database).await;
        let writer = &writers(&database)[nth];
        let (mut bot, _) = create(&store, 1).await;
        bot.version += 1;
        bot.desired = DesiredStatus::Stopped;
        bot.observed = ObservedStatus::Stopped;
        store.update_bot(0, &bot).await.unwrap();
        writer.remove_bot(&bot_id()).await.unwrap();
        assert!(load(&store).await.account.is_some());
        writer.remove_account(&account_id()).await.unwrap();
        assert!(load(&store).await.account.is_none());
    }
}

/// A writer changes the bot and then, knowing that it is written, the level; readers load all the
/// time. Nobody may see the level as it was written after a bot that is older than that.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bot_and_level_are_always_of_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    for database in [
        EmbeddedDynamo::memory().unwrap(),
        // Writes on threads of their own, so that readers run in the middle of them.
        EmbeddedDynamo::open(folder.path(), Durability::PowerLoss).unwrap(),
    ] {
        let store = direct(&database).await;
        create(&store, 1).await;
        let written = Arc::new(AtomicI64::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let mut readers = JoinSet::new();
        for _ in 0..3 {
            let (store, written, over) = (store.clone(), Arc::clone(&written), Arc::clone(&over));
            readers.spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    let acknowledged = written.load(Ordering::SeqCst);
                    let loaded = load(&store).await;
                    let bot = i64::try_from(loaded.bot.unwrap().version).unwrap();
                    let level = i64::try_from(loaded.level.unwrap().version).unwrap();
                    assert!(
                        bot >= acknowledged,
                        "bot {bot} is older than {acknowledged}"
                    );
                    assert!(bot >= level, "level {level} came after bot {bot}");
                    tokio::task::yield_now().await;
                }
            });
        }
        write_both(&database, &written).await;
        over.store(true, Ordering::SeqCst);
        readers.join_all().await;
    }
}

async fn write_both(database: &EmbeddedDynamo, written: &AtomicI64) {
    let store = database.store(TABLE);
    let mut bot = store.bot(&bot_id()).await.unwrap().unwrap();
    let mut level = store.levels(&bot_id()).await.unwrap().remove(0);
    let writers = writers(database);
    for round in 1..=ROUNDS {
        let writer = &writers[usize::try_from(round % 2).unwrap()];
        bot.version += 1;
        let claim = writer.update_bot(bot.version - 1, &bot).await.unwrap();
        assert_eq!(claim, Claim::Won);
        written.store(i64::from(round), Ordering::SeqCst);
        let state = if round % 2 == 0 {
            OrderState::Idle
        } else {
            pending(1)
        };
        let after = next(&level, round, state);
        let claim = writer.claim_intent(level.version, &after).await.unwrap();
        assert_eq!(claim, Claim::Won);
        level = after;
    }
}
