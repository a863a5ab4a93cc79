use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use domain::{AccountId, LocalTime};
use dynamo_store::EmbeddedDynamo;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use trading::{
    AccountRecord, AccountStore as _, Breaker, Environment, Exchanges as _, SealedKey, StreamState,
    TradeKeyStore as _,
};

use super::*;
use crate::keys::{KeyFile, Purpose};

struct Set {
    _dir: tempfile::TempDir,
    store: DynamoStore,
    keys: KeyFile,
    exchanges: LocalExchanges,
    now_ms: Arc<AtomicI64>,
}

/// Nobody listens on this port: nothing that is asked there needs an answer.
const NOBODY: &str = "http://127.0.0.1:9";

async fn set() -> Set {
    set_at(NOBODY.to_owned()).await
}

async fn set_at(rest: String) -> Set {
    let dir = tempfile::tempdir().unwrap();
    let store = DynamoStore::new(EmbeddedDynamo::memory().unwrap().client(), "connections");
    store.create_table().await.unwrap();
    let keys = KeyFile::open_or_create(dir.path()).unwrap();
    let environs = Environs {
        rest: Some(rest),
        web_socket: Some("ws://127.0.0.1:9/ws-api/v3".to_owned()),
        ..Environs::default()
    };
    let now_ms = Arc::new(AtomicI64::new(1_790_000_000_000));
    let clock = Arc::clone(&now_ms);
    let now: binance::Now = Arc::new(move || LocalTime::from_millis(clock.load(Ordering::SeqCst)));
    let exchanges = with_time(store.clone(), Vault::File(keys.clone()), environs, now);
    Set {
        _dir: dir,
        store,
        keys,
        exchanges,
        now_ms,
    }
}

impl Set {
    async fn put_key(&self, api_key: &str) {
        let key = self.seal(Purpose::Trade, api_key);
        self.store.put_trade_key(&main(), &key).await.unwrap();
    }

    fn seal(&self, purpose: Purpose, api_key: &str) -> SealedKey {
        let secret = SecretString::from("secret".to_owned());
        self.keys
            .seal(&main(), purpose, api_key, "hmac", &secret)
            .unwrap()
    }

    async fn put_account(&self, environment: Environment, created_at: i64) -> AccountRecord {
        let record = AccountRecord {
            id: main(),
            environment,
            stream_key: self.seal(Purpose::Stream, "stream"),
            breaker: Breaker::Closed,
            stream: StreamState::Never,
            stream_wanted_since: None,
            created_at: LocalTime::from_millis(created_at),
            version: 0,
        };
        self.store.create_account(&record).await.unwrap();
        record
    }

    /// An account with a key, and what its record says.
    async fn with_account() -> (Self, AccountRecord) {
        let set = set().await;
        let account = set.put_account(Environment::Simulated, 1).await;
        set.put_key("first").await;
        (set, account)
    }

    async fn remove_account(&self) {
        self.store.remove_account(&main()).await.unwrap();
        self.store.remove_trade_key(&main()).await.unwrap();
    }
}

fn main() -> AccountId {
    "main".parse().unwrap()
}

#[tokio::test]
async fn an_account_without_a_trade_key_is_stopped_with_a_remedy() {
    let set = set().await;
    let account = set.put_account(Environment::Simulated, 1).await;
    let error = set.exchanges.connect(&account).await.unwrap_err();
    assert!(error.to_string().contains("account rotate main"), "{error}");
}

#[tokio::test]
async fn the_same_key_is_not_tried_twice() {
    let (set, account) = Set::with_account().await;
    let first = set.exchanges.connect(&account).await.unwrap();
    assert!(set.exchanges.reconnect(&main(), &first).await.is_err());
    set.put_key("second").await;
    let second = set.exchanges.reconnect(&main(), &first).await.unwrap();
    assert!(set.exchanges.reconnect(&main(), &second).await.is_err());
}

#[tokio::test]
async fn whoever_is_second_to_be_refused_gets_the_new_key_too() {
    let (set, account) = Set::with_account().await;
    let one = set.exchanges.connect(&account).await.unwrap();
    let other = set.exchanges.connect(&account).await.unwrap();
    set.put_key("second").await;
    let new = set.exchanges.reconnect(&main(), &one).await.unwrap();
    let same = set.exchanges.reconnect(&main(), &other).await.unwrap();
    assert!(same.shares_key_with(&new));
}

#[tokio::test]
async fn an_account_added_anew_under_its_old_name_gets_a_connection_of_its_own() {
    let (set, before) = Set::with_account().await;
    let old = set.exchanges.connect(&before).await.unwrap();
    set.remove_account().await;
    let after = set.put_account(Environment::Testnet, 2).await;
    set.put_key("second").await;
    let new = set.exchanges.connect(&after).await.unwrap();
    assert!(!new.shares_key_with(&old));
    // Whoever holds the record of the account that was removed sends nothing to the new one.
    let error = set.exchanges.connect(&before).await.unwrap_err();
    assert!(error.to_string().contains("added anew"), "{error}");
}

#[tokio::test]
async fn another_version_is_a_reason_to_look_at_the_key() {
    let (set, account) = Set::with_account().await;
    let first = set.exchanges.connect(&account).await.unwrap();
    let newer = |version| AccountRecord {
        version,
        ..account.clone()
    };
    let same = set.exchanges.connect(&newer(1)).await.unwrap();
    assert!(same.shares_key_with(&first));
    set.put_key("second").await;
    let other = set.exchanges.connect(&newer(2)).await.unwrap();
    assert!(!other.shares_key_with(&first));
}

#[tokio::test]
async fn a_changed_key_closes_the_connection_at_the_next_refresh() {
    let (set, account) = Set::with_account().await;
    set.exchanges.connect(&account).await.unwrap();
    set.exchanges.refresh().await;
    assert_eq!(set.exchanges.open_count(), 1);
    set.put_key("second").await;
    set.exchanges.refresh().await;
    assert_eq!(set.exchanges.open_count(), 0);
}

#[tokio::test]
async fn a_stream_key_never_trades() {
    let set = set().await;
    let account = set.put_account(Environment::Simulated, 1).await;
    set.store
        .put_trade_key(&main(), &account.stream_key)
        .await
        .unwrap();
    let error = set.exchanges.connect(&account).await.unwrap_err();
    assert!(error.to_string().contains("does not open"), "{error}");
}

/// Says what time it is, and counts how often it was asked.
async fn telling_the_time() -> (String, Arc<AtomicU32>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    #[expect(clippy::disallowed_methods, reason = "it lives as long as the test")]
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            while connection
                .read(&mut request)
                .await
                .is_ok_and(|read| read > 0)
            {
                count.fetch_add(1, Ordering::SeqCst);
                let body = r#"{"serverTime":1790000000000}"#;
                let reply = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                connection.write_all(reply.as_bytes()).await.unwrap();
            }
        }
    });
    (format!("http://{address}"), asked)
}

#[tokio::test]
async fn a_connection_is_proven_before_it_is_used_after_it_was_idle() {
    let (url, asked) = telling_the_time().await;
    let set = set_at(url).await;
    let account = set.put_account(Environment::Simulated, 1).await;
    set.put_key("first").await;
    let asked = || asked.load(Ordering::SeqCst);
    set.exchanges.prove(&main()).await;
    assert_eq!(asked(), 0, "nothing is open yet");
    set.exchanges.connect(&account).await.unwrap();
    assert_eq!(asked(), 1);
    set.now_ms.fetch_add(10_000, Ordering::SeqCst);
    set.exchanges.connect(&account).await.unwrap();
    assert_eq!(asked(), 1, "used just now");
    set.now_ms.fetch_add(1, Ordering::SeqCst);
    let name = main();
    let connect = || set.exchanges.connect(&account);
    let ((), one, other) = tokio::join!(set.exchanges.prove(&name), connect(), connect());
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(asked(), 2, "once for all who wait for it");
}
