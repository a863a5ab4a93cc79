//! Conditions that only show when somebody writes at the worst moment, and those that keep a write
//! off a record it does not know.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{DesiredStatus, LevelIndex, ObservedStatus};
use dynamo_store::{DynamoStore, EmbeddedDynamo};
use trading::{AccountStore, BotStore, Claim, LevelStore, StoreError};

use crate::fixture::{
    TABLE, account, account_id, at, bot, bot_id, create, levels, next, pending, store,
};
use crate::wire::{Act, Wire};

async fn pair(wire: &Wire) -> (DynamoStore, DynamoStore, aws_sdk_dynamodb::Client) {
    let client = EmbeddedDynamo::memory().unwrap().client();
    let tapped = store(wire.tap(&client)).await;
    (tapped, DynamoStore::new(client.clone(), TABLE), client)
}

#[tokio::test]
async fn a_bot_that_starts_again_while_it_is_removed_stays() {
    let wire = Wire::default();
    let (store, other, _) = pair(&wire).await;
    let (mut bot, _) = create(&store, 1).await;
    bot.version = 1;
    bot.desired = DesiredStatus::Stopped;
    bot.observed = ObservedStatus::Stopped;
    store.update_bot(0, &bot).await.unwrap();
    let mut running = bot.clone();
    running.version = 2;
    running.observed = ObservedStatus::Running;
    let restart = running.clone();
    // The bot and its due time are read before the transaction that removes it.
    wire.next([
        Act::Pass,
        Act::Pass,
        Act::After(Box::pin(async move {
            other.update_bot(1, &restart).await.unwrap();
        })),
    ]);
    let removed = store.remove_bot(&bot.id).await;
    assert!(
        matches!(removed, Err(StoreError::Invalid(_))),
        "{removed:?}"
    );
    assert_eq!(store.bots(None).await.unwrap(), [running]);
}

#[tokio::test]
async fn a_bot_that_moves_in_the_due_list_while_it_is_removed_leaves_nothing_there() {
    let wire = Wire::default();
    let (store, other, _) = pair(&wire).await;
    let (mut bot, _) = create(&store, 1).await;
    bot.version = 1;
    bot.desired = DesiredStatus::Stopped;
    bot.observed = ObservedStatus::Stopped;
    store.update_bot(0, &bot).await.unwrap();
    let id = bot.id.clone();
    wire.next([
        Act::Pass,
        Act::Pass,
        Act::After(Box::pin(async move {
            other.make_due(&id, at(-5_000)).await.unwrap();
        })),
    ]);
    store.remove_bot(&bot.id).await.unwrap();
    assert_eq!(store.due_bots(at(60_000), 10).await.unwrap(), []);
    assert_eq!(store.bots(None).await.unwrap(), []);
}

#[tokio::test]
async fn a_bot_claimed_while_it_is_made_due_is_listed_once() {
    let wire = Wire::default();
    let (store, other, _) = pair(&wire).await;
    let (bot, _) = create(&store, 1).await;
    let due = store.due_bots(at(0), 1).await.unwrap().remove(0);
    wire.next([
        Act::Pass,
        Act::After(Box::pin(async move {
            let claim = other.claim_due(&due, at(10_000)).await.unwrap();
            assert_eq!(claim, Claim::Won);
        })),
    ]);
    store.make_due(&bot.id, at(-1)).await.unwrap();
    let listed = store.due_bots(at(60_000), 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].due_at, at(-1));
}

#[tokio::test]
async fn an_account_that_gains_a_bot_while_it_is_removed_stays() {
    let wire = Wire::default();
    let (store, other, _) = pair(&wire).await;
    let account = account(&account_id());
    store.create_account(&account).await.unwrap();
    wire.next([Act::After(Box::pin(async move {
        let bot = bot(&bot_id(), 1);
        other.create_bot(&bot, &levels(&bot.id, 1)).await.unwrap();
    }))]);
    let removed = store.remove_account(&account.id).await;
    assert!(
        matches!(removed, Err(StoreError::Invalid(_))),
        "{removed:?}"
    );
    assert_eq!(store.account(&account.id).await.unwrap(), Some(account));
}

#[tokio::test]
async fn an_account_that_goes_while_a_bot_is_created_leaves_no_bot() {
    let wire = Wire::default();
    let (store, other, _) = pair(&wire).await;
    store.create_account(&account(&account_id())).await.unwrap();
    let bot = bot(&bot_id(), 1);
    wire.next([
        Act::Pass,
        Act::After(Box::pin(async move {
            other.remove_account(&account_id()).await.unwrap();
        })),
    ]);
    let created = store.create_bot(&bot, &levels(&bot.id, 1)).await;
    assert!(
        matches!(created, Err(StoreError::Invalid(_))),
        "{created:?}"
    );
    assert_eq!(store.bots(None).await.unwrap(), []);
    assert_eq!(store.bot(&bot.id).await.unwrap(), None);
    assert_eq!(store.levels(&bot.id).await.unwrap(), []);
    assert_eq!(store.account(&account_id()).await.unwrap(), None);
}

/// What a creation left behind half done is invisible, and its id is not used a second time.
#[tokio::test]
async fn a_creation_that_dies_half_way_is_invisible() {
    let wire = Wire::default();
    let (store, other, _) = pair(&wire).await;
    store.create_account(&account(&account_id())).await.unwrap();
    let bot = bot(&bot_id(), 150);
    let levels = levels(&bot.id, 150);
    wire.next([
        Act::Pass,
        Act::LoseRequest,
        Act::LoseRequest,
        Act::LoseRequest,
    ]);
    let created = store.create_bot(&bot, &levels).await;
    assert!(
        matches!(created, Err(StoreError::Unavailable(_))),
        "{created:?}"
    );
    assert_eq!(other.bots(None).await.unwrap(), []);
    assert_eq!(other.levels(&bot.id).await.unwrap(), []);
    assert_eq!(other.due_bots(at(1_000), 10).await.unwrap(), []);
    let loaded = other
        .load(&account_id(), &bot.id, LevelIndex(0))
        .await
        .unwrap();
    assert_eq!(loaded.level, None);
    let again = other.create_bot(&bot, &levels).await;
    assert!(matches!(again, Err(StoreError::Invalid(_))), "{again:?}");
    other.remove_account(&account_id()).await.unwrap();
}

/// A bot's record alone, without levels, is not overwritten either.
#[tokio::test]
async fn a_bots_record_is_never_overwritten_by_a_creation() {
    let wire = Wire::default();
    let (store, _, client) = pair(&wire).await;
    let (bot, _) = create(&store, 1).await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    client
        .delete_item()
        .table_name(TABLE)
        .key("pk", text(&format!("BOT#{}", bot.id)))
        .key("sk", text("LEVEL#0000"))
        .send()
        .await
        .unwrap();
    let mut other = bot.clone();
    other.levels = 1;
    other.created_at = at(99);
    let again = store.create_bot(&other, &levels(&bot.id, 1)).await;
    assert!(matches!(again, Err(StoreError::Invalid(_))), "{again:?}");
    assert_eq!(store.bot(&bot.id).await.unwrap(), Some(bot));
}

#[tokio::test]
async fn two_claims_of_one_level_by_turns_never_undo_each_other() {
    let wire = Wire::default();
    let (store, other, _) = pair(&wire).await;
    let (_, levels) = create(&store, 1).await;
    let first = next(&levels[0], 1, pending(1));
    let theirs = next(&first, 1, pending(2));
    let expected = theirs.clone();
    let mine = first.clone();
    wire.next([Act::After(Box::pin(async move {
        other.claim_intent(0, &mine).await.unwrap();
        other.claim_intent(1, &theirs).await.unwrap();
    }))]);
    assert_eq!(store.claim_intent(0, &first).await.unwrap(), Claim::Lost);
    assert_eq!(store.levels(&bot_id()).await.unwrap(), [expected]);
}
