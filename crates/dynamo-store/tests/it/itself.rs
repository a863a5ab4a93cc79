//! What the table says of itself, and what DynamoDB says of it.

use dynamo_store::{DynamoStore, EmbeddedDynamo, Identity, TableFacts};
use serde_json::{Value, json};
use trading::StoreError;

use crate::fixture::{TABLE, store};
use crate::wire::{Act, Wire};

async fn tapped() -> (Wire, DynamoStore) {
    let wire = Wire::default();
    let database = EmbeddedDynamo::memory().unwrap();
    (wire.clone(), store(wire.tap(&database.client())).await)
}

#[tokio::test]
async fn a_table_says_where_it_was_first_until_that_is_renewed() {
    let (_, store) = tapped().await;
    let proved = async |place| store.prove_identity(place).await.unwrap();
    for _ in 0..2 {
        assert_eq!(proved("here").await, Identity::Original);
    }
    assert_eq!(proved("there").await, Identity::Copy);
    store.renew_identity("there").await.unwrap();
    assert_eq!(proved("there").await, Identity::Original);
    assert_eq!(proved("here").await, Identity::Copy);
}

#[tokio::test]
async fn the_id_of_a_table_is_the_one_dynamodb_tells() {
    let (wire, store) = tapped().await;
    let table = |table: Value| [Act::Answer(200, json!({ "Table": table }))];
    wire.next(table(json!({ "TableName": TABLE, "TableId": "5e6f" })));
    assert_eq!(store.table_id().await.unwrap(), "5e6f");
    wire.next(table(json!({ "TableName": TABLE })));
    let error = store.table_id().await.unwrap_err();
    assert!(matches!(error, StoreError::Invalid(_)), "{error:?}");
    assert!(error.to_string().contains(TABLE), "{error}");
}

/// Answers to the three questions: of the table, its backups, and the end of its items.
fn told(table: &Value, backups: (&str, &str), ending: &str) -> [Act; 3] {
    let (kept, restorable) = backups;
    let point = json!({ "PointInTimeRecoveryStatus": restorable });
    let backups = json!({
        "ContinuousBackupsStatus": kept,
        "PointInTimeRecoveryDescription": point,
    });
    let ending = json!({ "TimeToLiveStatus": ending });
    [
        Act::Answer(200, json!({ "Table": table })),
        Act::Answer(200, json!({ "ContinuousBackupsDescription": backups })),
        Act::Answer(200, json!({ "TimeToLiveDescription": ending })),
    ]
}

#[tokio::test]
async fn what_dynamodb_says_of_a_table_is_told_as_it_is() {
    let (wire, store) = tapped().await;
    let all = json!({
        "TableStatus": "ACTIVE",
        "DeletionProtectionEnabled": true,
        "SSEDescription": { "KMSMasterKeyArn": "arn:aws:kms:eu-central-1:1:key/2" },
    });
    wire.next(told(&all, ("ENABLED", "ENABLED"), "ENABLED"));
    let facts = store.facts().await.unwrap();
    let expected = TableFacts {
        status: "ACTIVE".to_owned(),
        protected: true,
        sealed: true,
        restorable: true,
        expires: true,
    };
    assert_eq!(facts, expected);
    assert!(facts.is_active());

    let none = json!({ "TableStatus": "CREATING", "DeletionProtectionEnabled": false });
    wire.next(told(&none, ("DISABLED", "DISABLED"), "DISABLED"));
    let facts = store.facts().await.unwrap();
    let expected = TableFacts {
        status: "CREATING".to_owned(),
        protected: false,
        sealed: false,
        restorable: false,
        expires: false,
    };
    assert_eq!(facts, expected);
    assert!(!facts.is_active());

    // Backups that are kept but cannot be restored to a point, and the other way round.
    for backups in [("ENABLED", "DISABLED"), ("DISABLED", "ENABLED")] {
        wire.next(told(&all, backups, "DISABLED"));
        let facts = store.facts().await.unwrap();
        assert!(!facts.restorable, "{backups:?}");
        assert!(facts.protected && facts.sealed, "{facts:?}");
    }
}
