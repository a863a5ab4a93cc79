//! Several writers at once: of each race exactly one wins, and the records show it.

use domain::{ExchangeOrderId, LevelIndex, OrderNumber, OrderState};
use dynamo_store::{DynamoStore, EmbeddedDynamo};
use tokio::task::JoinSet;
use trading::{
    AccountStore, BotStore, Claim, CommitOutcome, FillCommit, LevelStore, SettleOutcome, Settlement,
};

use crate::fixture::{
    TABLE, account, account_id, at, bot, bot_id, create, direct, fill, levels, next, pending,
};

const ROUNDS: u32 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_commits_of_one_fill_one_is_written() {
    {
        let database = EmbeddedDynamo::memory().unwrap();
        let store = direct(&database).await;
        let (_, levels) = create(&store, 1).await;
        let mut level = levels[0].clone();
        for round in 1..=ROUNDS {
            let mut racers = JoinSet::new();
            for racer in 0..2 {
                let after = next(&level, round, pending(racer + 1));
                let commit = FillCommit {
                    expected_version: level.version,
                    fills: vec![fill(&after, round, i64::from(round))],
                    level: after,
                };
                let store = DynamoStore::new(database.client(), TABLE);
                racers.spawn(async move { (store.commit_fill(&commit).await, commit) });
            }
            let outcomes = racers.join_all().await;
            let won: Vec<_> = outcomes
                .iter()
                .filter(|(outcome, _)| *outcome.as_ref().unwrap() == CommitOutcome::Committed)
                .collect();
            assert_eq!(won.len(), 1, "{outcomes:?}");
            level = store.levels(&bot_id()).await.unwrap().remove(0);
            assert_eq!(level, won[0].1.level);
        }
        let fills = store.fills(&bot_id(), None).await.unwrap();
        assert_eq!(fills.len(), usize::try_from(ROUNDS).unwrap());
    }
}

/// A claim, a fill and a settlement meet on one level: what is written is never a mixture, and the
/// version counts every write that was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_claim_a_commit_and_a_settlement_never_mix() {
    let database = EmbeddedDynamo::memory().unwrap();
    let store = direct(&database).await;
    let (_, levels) = create(&store, 1).await;
    let mut level = levels[0].clone();
    for round in 1..=ROUNDS {
        let owed = next(&level, round, pending(1));
        store.claim_intent(level.version, &owed).await.unwrap();
        let claimed = next(&owed, round, pending(2));
        let filled = next(&owed, round + 1, OrderState::Idle);
        let commit = FillCommit {
            expected_version: owed.version,
            fills: vec![fill(&filled, round, i64::from(round))],
            level: filled,
        };
        let accepted = Settlement::Accepted {
            exchange_order_id: ExchangeOrderId(i64::from(round)),
        };
        let (version, no) = (owed.version, OrderNumber(round));
        let other = DynamoStore::new(database.client(), TABLE);
        let third = DynamoStore::new(database.client(), TABLE);
        let id = bot_id();
        let (claim, committed, settled) = tokio::join!(
            other.claim_intent(version, &claimed),
            store.commit_fill(&commit),
            third.settle_intent(&id, LevelIndex(0), no, &accepted, at(1)),
        );
        let claimed = claim.unwrap() == Claim::Won;
        let committed = committed.unwrap() == CommitOutcome::Committed;
        let settled = settled.unwrap() == SettleOutcome::Settled;
        assert!(!(claimed && committed), "both read the same version");
        level = store.levels(&bot_id()).await.unwrap().remove(0);
        let writes = [claimed, committed, settled];
        let count = writes.iter().filter(|written| **written).count();
        assert_eq!(level.version, owed.version + u64::try_from(count).unwrap());
        let fills = store.fills_of_order(&bot_id(), LevelIndex(0), no).await;
        assert_eq!(fills.unwrap().len(), usize::from(committed));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_claims_of_a_due_bot_one_is_won() {
    let database = EmbeddedDynamo::memory().unwrap();
    let store = direct(&database).await;
    create(&store, 1).await;
    for round in 1..=10 {
        let due = store.due_bots(at(round * 1_000), 10).await.unwrap();
        assert_eq!(due.len(), 1, "listed once");
        let mut racers = JoinSet::new();
        for racer in 0..8 {
            let (due, store) = (due[0].clone(), store.clone());
            racers.spawn(async move {
                store
                    .claim_due(&due, at(round * 1_000 + racer))
                    .await
                    .unwrap()
            });
            let store = DynamoStore::new(database.client(), TABLE);
            racers.spawn(async move {
                store.make_due(&bot_id(), at(round * 1_000)).await.unwrap();
                Claim::Lost
            });
        }
        let won = racers.join_all().await;
        let won = won.iter().filter(|claim| **claim == Claim::Won).count();
        assert_eq!(won, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_creations_of_one_id_one_is_seen_whole() {
    for _ in 0..5 {
        let database = EmbeddedDynamo::memory().unwrap();
        let store = direct(&database).await;
        store.create_account(&account(&account_id())).await.unwrap();
        let mut racers = JoinSet::new();
        for racer in 0..2_u16 {
            let mut bot = bot(&bot_id(), 250);
            bot.created_at = at(i64::from(racer));
            let mut levels = levels(&bot.id, 250);
            for level in &mut levels {
                level.changed_at = bot.created_at;
            }
            let store = DynamoStore::new(database.client(), TABLE);
            racers.spawn(async move { (store.create_bot(&bot, &levels).await, bot, levels) });
        }
        let outcomes = racers.join_all().await;
        let won: Vec<_> = outcomes
            .iter()
            .filter(|(outcome, _, _)| outcome.is_ok())
            .collect();
        assert!(won.len() <= 1, "two creations of one id");
        // Both may have begun, and then neither may end; what is seen is whole.
        let seen = store.bots(None).await.unwrap();
        assert_eq!(seen.len(), won.len());
        if let Some((_, bot, levels)) = won.first() {
            assert_eq!(seen.first(), Some(bot));
            assert_eq!(store.levels(&bot.id).await.unwrap(), *levels);
        }
    }
}
