//! Writes whose reply is lost. The SDK sends them again; the second sending must not look as if
//! somebody else had been first, nor hide that somebody was.

use domain::{ExchangeOrderId, LevelIndex, OrderNumber, OrderState};
use dynamo_store::{DynamoStore, EmbeddedDynamo};
use trading::{
    AccountStore, BotStore, Claim, CommitOutcome, FillCommit, LevelStore, SettleOutcome,
    Settlement, StoreError,
};

use crate::fixture::{
    TABLE, account, account_id, at, bot, bot_id, create, event, fill, levels, next, pending, store,
};
use crate::wire::{Act, Wire};

/// A tapped store and one beside it that writes to the same table untapped.
async fn pair(wire: &Wire) -> (DynamoStore, DynamoStore) {
    let client = EmbeddedDynamo::memory().unwrap().client();
    let tapped = store(wire.tap(&client)).await;
    (tapped, DynamoStore::new(client, TABLE))
}

/// With the token by which DynamoDB knows a repeated transaction for 10 minutes, and without it, as
/// when the process that serves the table was started anew in between.
fn wires() -> [Wire; 2] {
    [Wire::default(), Wire::forgetting_tokens()]
}

#[tokio::test]
async fn a_commit_whose_reply_is_lost_is_committed() {
    for wire in wires() {
        let (store, _) = pair(&wire).await;
        let (_, levels) = create(&store, 1).await;
        let level = next(&levels[0], 1, pending(1));
        let commit = FillCommit {
            expected_version: 0,
            fills: vec![fill(&level, 1, 1)],
            level,
        };
        wire.next([Act::LoseReply]);
        let outcome = store.commit_fill(&commit).await.unwrap();
        assert_eq!(outcome, CommitOutcome::Committed);
        assert_eq!(wire.seen().len(), 2);
        assert_eq!(store.fills(&bot_id(), None).await.unwrap(), commit.fills);
    }
}

#[tokio::test]
async fn a_claim_whose_reply_is_lost_is_won() {
    for wire in wires() {
        let (store, _) = pair(&wire).await;
        let (_, levels) = create(&store, 1).await;
        wire.next([Act::LoseReply]);
        let level = next(&levels[0], 1, pending(1));
        assert_eq!(store.claim_intent(0, &level).await.unwrap(), Claim::Won);
        assert_eq!(wire.seen().len(), 2);
    }
}

/// The same bytes from another writer are another writer's: both would send the order.
#[tokio::test]
async fn a_claim_that_never_arrived_loses_to_an_identical_one() {
    let wire = Wire::default();
    let (store, other) = pair(&wire).await;
    let (_, levels) = create(&store, 1).await;
    let level = next(&levels[0], 1, pending(1));
    let same = level.clone();
    wire.next([Act::LoseRequestAnd(Box::pin(async move {
        assert_eq!(other.claim_intent(0, &same).await.unwrap(), Claim::Won);
    }))]);
    assert_eq!(store.claim_intent(0, &level).await.unwrap(), Claim::Lost);
}

#[tokio::test]
async fn a_commit_that_never_arrived_loses_to_an_identical_one() {
    let wire = Wire::default();
    let (store, other) = pair(&wire).await;
    let (_, levels) = create(&store, 1).await;
    let level = next(&levels[0], 1, pending(1));
    let commit = FillCommit {
        expected_version: 0,
        fills: vec![fill(&level, 1, 1)],
        level,
    };
    let same = commit.clone();
    wire.next([Act::LoseRequestAnd(Box::pin(async move {
        let outcome = other.commit_fill(&same).await.unwrap();
        assert_eq!(outcome, CommitOutcome::Committed);
    }))]);
    let outcome = store.commit_fill(&commit).await.unwrap();
    assert_eq!(outcome, CommitOutcome::LevelChanged);
}

#[tokio::test]
async fn a_settlement_whose_reply_is_lost_is_settled() {
    let wire = Wire::default();
    let (store, _) = pair(&wire).await;
    let (_, levels) = create(&store, 1).await;
    let level = next(&levels[0], 1, pending(1));
    store.claim_intent(0, &level).await.unwrap();
    let accepted = Settlement::Accepted {
        exchange_order_id: ExchangeOrderId(4),
    };
    wire.next([Act::LoseReply]);
    let outcome = store
        .settle_intent(&bot_id(), LevelIndex(0), OrderNumber(1), &accepted, at(2))
        .await
        .unwrap();
    assert_eq!(outcome, SettleOutcome::Settled);
    let settled = store.levels(&bot_id()).await.unwrap().remove(0);
    assert_eq!(settled.version, level.version + 1, "settled once");
}

#[tokio::test]
async fn a_bot_whose_creation_lost_its_replies_is_created_once() {
    for wire in wires() {
        let (store, _) = pair(&wire).await;
        let account = account(&account_id());
        store.create_account(&account).await.unwrap();
        let mut bot = bot(&bot_id(), 150);
        let levels = levels(&bot.id, 150);
        wire.next([
            Act::LoseReply,
            Act::Pass,
            Act::LoseReply,
            Act::Pass,
            Act::LoseReply,
        ]);
        store.create_bot(&bot, &levels).await.unwrap();
        assert_eq!(wire.seen().len(), 6);
        assert_eq!(store.levels(&bot.id).await.unwrap(), levels);

        bot.version = 1;
        bot.desired = domain::DesiredStatus::Stopped;
        bot.observed = domain::ObservedStatus::Stopped;
        wire.next([Act::LoseReply]);
        assert_eq!(store.update_bot(0, &bot).await.unwrap(), Claim::Won);
        // The account counted the bot once, or it could not be removed now.
        store.remove_bot(&bot.id).await.unwrap();
        store.remove_account(&account.id).await.unwrap();
    }
}

#[tokio::test]
async fn an_event_whose_reply_is_lost_is_told_once() {
    let wire = Wire::default();
    let (store, _) = pair(&wire).await;
    wire.next([Act::LoseReply]);
    let event = event(Some(0), 1, "refused");
    store.add_event(&event).await.unwrap();
    assert_eq!(store.events(&bot_id(), None).await.unwrap(), [event]);
}

/// Two writers of one seed draw the same keys; both events stay.
#[tokio::test]
async fn events_under_one_key_are_both_kept() {
    let client = EmbeddedDynamo::memory().unwrap().client();
    let first = store(client.clone()).await.with_mark_seed(9);
    let second = DynamoStore::new(client, TABLE).with_mark_seed(9);
    first.add_event(&event(None, 1, "first")).await.unwrap();
    second.add_event(&event(None, 1, "second")).await.unwrap();
    let events = first.events(&bot_id(), None).await.unwrap();
    let texts: Vec<&str> = events.iter().map(|event| event.text.as_str()).collect();
    assert_eq!(texts, ["first", "second"]);
}

#[tokio::test]
async fn a_reply_lost_every_time_is_no_answer() {
    let wire = Wire::default();
    let (store, _) = pair(&wire).await;
    let (_, levels) = create(&store, 1).await;
    wire.next((0..3).map(|_| Act::LoseReply));
    let level = next(&levels[0], 1, OrderState::Idle);
    let outcome = store.claim_intent(0, &level).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))));
}
