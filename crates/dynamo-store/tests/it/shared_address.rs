//! A pause that the exchange asked of one process counts for all behind its network address.

use domain::LevelIndex;
use dynamo_store::{DynamoStore, EmbeddedDynamo};
use trading::{AccountStop, AccountStore, Breaker, LevelStore};

use crate::fixture::{TABLE, account_id, at, bot_id, create, store};

/// The breaker as a report's handler and as a comparison see it, which must not differ.
async fn breaker(store: &DynamoStore) -> Breaker {
    let (account, bot) = (account_id(), bot_id());
    let loaded = store.load(&account, &bot, LevelIndex(0)).await.unwrap();
    let loaded = loaded.account.unwrap().breaker;
    let account = store.account(&account).await.unwrap().unwrap();
    assert_eq!(loaded, account.breaker);
    loaded
}

fn until(breaker: &Breaker) -> Option<domain::LocalTime> {
    match breaker {
        Breaker::Closed => None,
        Breaker::Stopped { cause, until, .. } => {
            assert_eq!(*cause, AccountStop::Banned);
            *until
        }
    }
}

#[tokio::test]
async fn a_pause_is_seen_by_all_behind_the_address_and_by_nobody_else() {
    let database = EmbeddedDynamo::memory().unwrap();
    let elsewhere = store(database.client()).await;
    create(&elsewhere, 1).await;
    let behind = |name: &str| DynamoStore::new(database.client(), TABLE).behind_address(name);
    let (one, other, second) = (behind("nat"), behind("nat"), behind("second"));
    assert_eq!(breaker(&other).await, Breaker::Closed);
    one.pause_address(at(10), at(70)).await.unwrap();
    let seen = breaker(&other).await;
    assert_eq!(until(&seen), Some(at(70)));
    assert!(!seen.admits(at(69)) && seen.admits(at(70)));
    assert_eq!(breaker(&second).await, Breaker::Closed);
    assert_eq!(breaker(&elsewhere).await, Breaker::Closed);

    other.pause_address(at(20), at(40)).await.unwrap();
    assert_eq!(
        until(&breaker(&one).await),
        Some(at(70)),
        "the longer one stays"
    );
    other.pause_address(at(30), at(90)).await.unwrap();
    assert_eq!(until(&breaker(&one).await), Some(at(90)));

    elsewhere.pause_address(at(30), at(500)).await.unwrap();
    assert_eq!(
        until(&breaker(&one).await),
        Some(at(90)),
        "it has no address to speak for"
    );
}

#[tokio::test]
async fn an_account_that_is_stopped_for_longer_stays_so() {
    let database = EmbeddedDynamo::memory().unwrap();
    let plain = store(database.client()).await;
    create(&plain, 1).await;
    let shared = DynamoStore::new(database.client(), TABLE).behind_address("nat");
    shared.pause_address(at(10), at(70)).await.unwrap();
    let stopped_until = |until| Breaker::Stopped {
        cause: AccountStop::Key,
        detail: "the key is gone".to_owned(),
        since: at(1),
        until,
    };
    for own in [None, Some(at(80)), Some(at(70))] {
        let stopped = stopped_until(own);
        plain.set_breaker(&account_id(), &stopped).await.unwrap();
        assert_eq!(breaker(&shared).await, stopped);
    }
    let shorter = stopped_until(Some(at(60)));
    plain.set_breaker(&account_id(), &shorter).await.unwrap();
    assert_eq!(until(&breaker(&shared).await), Some(at(70)));
}
