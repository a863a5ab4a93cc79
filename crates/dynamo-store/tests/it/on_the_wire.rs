//! How often the store calls DynamoDB, and what it makes of refusals, throttling and silence.

use domain::{ExchangeOrderId, LevelIndex, OrderNumber, OrderState};
use dynamo_store::{DynamoStore, EmbeddedDynamo};
use serde_json::json;
use trading::{
    AccountStore, BotStore, CommitOutcome, FillCommit, LevelStore, SettleOutcome, Settlement,
    StoreError,
};

use crate::fixture::{
    TABLE, account, account_id, at, bot, bot_id, create, fill, levels, next, pending, store,
};
use crate::wire::{Act, Wire, cancelled, error};

async fn tapped() -> (Wire, DynamoStore) {
    let wire = Wire::default();
    let database = EmbeddedDynamo::memory().unwrap();
    (wire.clone(), store(wire.tap(&database.client())).await)
}

/// The hot path: at most two round trips before an order leaves, and one after.
#[tokio::test]
async fn load_commit_and_settle_are_one_round_trip_each() {
    let (wire, store) = tapped().await;
    let (_, levels) = create(&store, 1).await;

    wire.next([]);
    store
        .load(&account_id(), &bot_id(), LevelIndex(0))
        .await
        .unwrap();
    assert_eq!(wire.seen(), ["BatchGetItem"]);

    let level = next(&levels[0], 1, pending(1));
    wire.next([]);
    let commit = FillCommit {
        expected_version: 0,
        fills: vec![fill(&level, 1, 1), fill(&level, 1, 2)],
        level,
    };
    store.commit_fill(&commit).await.unwrap();
    assert_eq!(wire.seen(), ["TransactWriteItems"]);

    wire.next([]);
    let accepted = Settlement::Accepted {
        exchange_order_id: ExchangeOrderId(1),
    };
    let settled = store
        .settle_intent(&bot_id(), LevelIndex(0), OrderNumber(1), &accepted, at(1))
        .await
        .unwrap();
    assert_eq!(settled, SettleOutcome::Settled);
    assert_eq!(wire.seen(), ["UpdateItem"]);

    wire.next([]);
    let again = store.commit_fill(&commit).await.unwrap();
    assert_eq!(again, CommitOutcome::LevelChanged);
    assert_eq!(
        wire.seen(),
        ["TransactWriteItems"],
        "a lost condition asks nothing more"
    );
}

/// How many parts the list of due bots has.
const DUE_LISTS: usize = 4;

/// Whoever looks for due bots does so often: each part of the list is asked for once while it has fewer than wanted.
#[tokio::test]
async fn a_look_at_what_is_due_asks_for_each_part_of_the_list_once() {
    let (wire, store) = tapped().await;
    create(&store, 1).await;
    for at_most in [100, 1] {
        wire.next([]);
        let due = store.due_bots(at(0), at_most).await.unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!(wire.seen(), ["Query"; DUE_LISTS], "{at_most}");
    }
}

#[tokio::test]
async fn a_level_beyond_the_last_key_is_refused_by_name() {
    let (_, store) = tapped().await;
    let (_, levels) = create(&store, 1).await;
    let mut level = next(&levels[0], 1, pending(1));
    for (index, is_beyond) in [(9_999, false), (10_000, true)] {
        level.index = LevelIndex(index);
        let error = store.claim_intent(0, &level).await.unwrap_err().to_string();
        let expected = if is_beyond {
            "is beyond 9999"
        } else {
            "there is no level"
        };
        assert!(error.contains(expected), "{index}: {error}");
    }
}

#[tokio::test]
async fn a_bot_without_its_account_says_which_is_missing() {
    let (_, store) = tapped().await;
    let bot = bot(&bot_id(), 1);
    let refused = store.create_bot(&bot, &levels(&bot.id, 1)).await;
    let error = refused.unwrap_err();
    assert!(
        error.to_string().contains("there is no account main"),
        "{error}"
    );
}

/// A page ends after 1 MB, or sooner: only a page that names no last key is the last one.
#[tokio::test]
async fn a_page_that_names_its_last_key_is_followed_by_the_next() {
    let (wire, store) = tapped().await;
    let (bot, levels) = create(&store, 3).await;
    let last = json!({"pk": {"S": format!("BOT#{}", bot.id)}, "sk": {"S": "LEVEL#0000"}});
    let page = json!({"Items": [], "LastEvaluatedKey": last});
    wire.next([Act::Pass, Act::Answer(200, page)]);
    assert_eq!(store.levels(&bot.id).await.unwrap(), levels[1..]);
    assert_eq!(wire.seen(), ["GetItem", "Query", "Query"]);

    let page = json!({"LastEvaluatedKey": {}});
    wire.next([Act::Pass, Act::Answer(200, page)]);
    assert_eq!(store.levels(&bot.id).await.unwrap(), []);
    assert_eq!(wire.seen(), ["GetItem", "Query"]);
}

#[tokio::test]
async fn keys_left_over_are_asked_for_again() {
    let (wire, store) = tapped().await;
    let (bot, levels) = create(&store, 1).await;
    wire.next([Act::LeaveOver, Act::LeaveOver]);
    let loaded = store
        .load(&account_id(), &bot.id, LevelIndex(0))
        .await
        .unwrap();
    assert_eq!(loaded.bot, Some(bot));
    assert_eq!(loaded.level.as_ref(), levels.first());
    assert_eq!(wire.seen().len(), 3);

    wire.next((0..20).map(|_| Act::LeaveOver));
    let loaded = store.load(&account_id(), &bot_id(), LevelIndex(0)).await;
    assert!(matches!(loaded, Err(StoreError::Throttled(_))));
}

#[tokio::test]
async fn a_conflict_with_another_transaction_is_tried_again() {
    let (wire, store) = tapped().await;
    let (_, levels) = create(&store, 1).await;
    let mut level = next(&levels[0], 1, OrderState::Open);
    let commit = |level: &domain::Level, trade| FillCommit {
        expected_version: level.version - 1,
        fills: vec![fill(level, 1, trade)],
        level: level.clone(),
    };
    wire.next([
        cancelled(&["TransactionConflict", "None"]),
        cancelled(&["None", "TransactionConflict"]),
    ]);
    let outcome = store.commit_fill(&commit(&level, 1)).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Committed);
    assert_eq!(wire.seen().len(), 3);

    level = next(&level, 1, pending(1));
    wire.next((0..20).map(|_| cancelled(&["TransactionConflict", "None"])));
    let outcome = store.commit_fill(&commit(&level, 2)).await;
    assert!(matches!(outcome, Err(StoreError::Throttled(_))));
    assert!(wire.seen().len() < 20, "tried {} times", wire.seen().len());

    wire.next([error(400, "TransactionConflictException")]);
    let claim = store.claim_intent(1, &level).await.unwrap();
    assert_eq!(claim, trading::Claim::Won);
}

/// A condition that is lost is lost, whatever else happened to the other parts.
#[tokio::test]
async fn a_lost_condition_outweighs_a_conflict() {
    let (wire, store) = tapped().await;
    let (_, levels) = create(&store, 1).await;
    let level = next(&levels[0], 1, OrderState::Open);
    let commit = FillCommit {
        expected_version: 0,
        fills: vec![fill(&level, 1, 1), fill(&level, 1, 2)],
        level,
    };
    wire.next([cancelled(&[
        "TransactionConflict",
        "None",
        "ConditionalCheckFailed",
    ])]);
    let outcome = store.commit_fill(&commit).await.unwrap();
    assert_eq!(
        outcome,
        CommitOutcome::AlreadyRecorded(vec![domain::TradeId(2)])
    );
}

/// Where no condition was lost, the reason of the first part that has one decides.
#[tokio::test]
async fn a_cancelled_transaction_says_whether_trying_again_helps() {
    let (wire, store) = tapped().await;
    let (_, levels) = create(&store, 1).await;
    let level = next(&levels[0], 1, OrderState::Open);
    let commit = FillCommit {
        expected_version: 0,
        fills: vec![fill(&level, 1, 1)],
        level,
    };
    type Kind = fn(String) -> StoreError;
    let cases: [(&str, Kind); 6] = [
        ("ProvisionedThroughputExceeded", StoreError::Throttled),
        ("ThrottlingError", StoreError::Throttled),
        ("ValidationError", StoreError::Invalid),
        ("ItemCollectionSizeLimitExceeded", StoreError::Invalid),
        ("AccessDenied", StoreError::Unavailable),
        ("None", StoreError::Unavailable),
    ];
    for (code, kind) in cases {
        wire.next([cancelled(&["None", code])]);
        let told = match code {
            "None" => "TransactWriteItems: cancelled without a reason".to_owned(),
            _ => format!("TransactWriteItems: {code}: told by the test"),
        };
        let found = store.commit_fill(&commit).await.unwrap_err();
        assert_eq!(format!("{found:?}"), format!("{:?}", kind(told)));
    }
    let outcome = store.commit_fill(&commit).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Committed);
}

#[tokio::test]
async fn errors_say_whether_trying_again_helps() {
    let (wire, store) = tapped().await;
    let throttled = |error: &StoreError| matches!(error, StoreError::Throttled(_));
    let unavailable = |error: &StoreError| matches!(error, StoreError::Unavailable(_));
    let invalid = |error: &StoreError| matches!(error, StoreError::Invalid(_));
    type Check<'a> = &'a dyn Fn(&StoreError) -> bool;
    let cases: [(u16, &str, Check<'_>); 7] = [
        (400, "ProvisionedThroughputExceededException", &throttled),
        (400, "ThrottlingException", &throttled),
        (400, "RequestLimitExceeded", &throttled),
        (500, "InternalServerError", &unavailable),
        (400, "AccessDeniedException", &unavailable),
        (400, "ResourceNotFoundException", &unavailable),
        (400, "ValidationException", &invalid),
    ];
    for (status, name, check) in cases {
        wire.next((0..3).map(|_| error(status, name)));
        let found = store.account(&account_id()).await.unwrap_err();
        assert!(check(&found), "{name}: {found:?}");
        assert!(found.to_string().contains(name), "{found}");
    }
    wire.next((0..3).map(|_| Act::LoseRequest));
    let found = store.account(&account_id()).await.unwrap_err();
    assert!(unavailable(&found), "{found:?}");
}

#[tokio::test]
async fn a_missing_table_is_named() {
    let database = EmbeddedDynamo::memory().unwrap();
    let store = DynamoStore::new(database.client(), "elsewhere");
    let found = store.create_account(&account(&account_id())).await;
    let error = found.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let found = store.check_table().await.unwrap_err();
    assert!(found.to_string().contains("does not exist"), "{found}");
}

#[tokio::test]
async fn creating_the_table_again_keeps_what_is_in_it() {
    let (_, store) = tapped().await;
    let (bot, levels) = create(&store, 2).await;
    store.create_table().await.unwrap();
    assert_eq!(store.levels(&bot.id).await.unwrap(), levels);
}

#[tokio::test]
async fn a_table_of_something_else_is_refused() {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    };
    let client = EmbeddedDynamo::memory().unwrap().client();
    let attribute = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S)
        .build()
        .unwrap();
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash)
        .build()
        .unwrap();
    client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute)
        .key_schema(key)
        .send()
        .await
        .unwrap();
    let refused = DynamoStore::new(client, TABLE).create_table().await;
    let error = refused.unwrap_err();
    assert!(matches!(&error, StoreError::Invalid(_)), "{error:?}");
    assert!(error.to_string().contains(TABLE), "{error}");
}
