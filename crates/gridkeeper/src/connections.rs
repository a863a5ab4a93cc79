//! The trading connections of all accounts of one data folder.
//!
//! Start at [`LocalExchanges`], which implements [`trading::Exchanges`]. Each account has one
//! connection, opened with its trade key; accounts at one address share its request weight, its
//! pauses and the estimate of the exchange's clock. Opens stream keys for nobody, and never keeps a
//! secret beyond the connection that signs with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use binance::{AddressConfig, Credentials, RestAddress, RestClient};
use domain::AccountId;
use dynamo_store::DynamoStore;
use trading::{
    AccountStop, AccountStore as _, Clock as _, Environment, ExchangeError, Exchanges, SealedKey,
    TradeKeyStore as _,
};

use crate::clock::SystemClock;
use crate::environs::{Endpoints, Environs};
use crate::keys::{KeyFile, Purpose};

/// The trading connections of one data folder. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct LocalExchanges {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: DynamoStore,
    keys: KeyFile,
    environs: Environs,
    addresses: Mutex<BTreeMap<String, Arc<RestAddress>>>,
    open: Mutex<BTreeMap<AccountId, Open>>,
}

/// An account's connection and what it was opened with.
#[derive(Debug, Clone)]
struct Open {
    environment: Environment,
    key: SealedKey,
    client: RestClient,
}

impl LocalExchanges {
    /// The connections of a store whose trade keys `keys` opens. Nothing is sent.
    #[must_use]
    pub fn new(store: DynamoStore, keys: KeyFile, environs: Environs) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                keys,
                environs,
                addresses: Mutex::default(),
                open: Mutex::default(),
            }),
        }
    }

    /// Where accounts of an environment trade from here, shared by all of them.
    ///
    /// # Errors
    /// [`ExchangeError::Refused`] when the environment has no usable address.
    pub fn address(&self, environment: Environment) -> Result<Arc<RestAddress>, ExchangeError> {
        let endpoints = self
            .inner
            .environs
            .endpoints(environment)
            .map_err(|failure| ExchangeError::Refused(failure.what))?;
        self.address_at(&endpoints)
    }

    fn address_at(&self, endpoints: &Endpoints) -> Result<Arc<RestAddress>, ExchangeError> {
        let mut addresses = lock(&self.inner.addresses);
        if let Some(address) = addresses.get(&endpoints.rest) {
            return Ok(Arc::clone(address));
        }
        let now: binance::Now = Arc::new(|| SystemClock.now());
        let address = RestAddress::open(AddressConfig::new(&endpoints.rest), now)
            .map_err(|error| ExchangeError::Refused(error.to_string()))?;
        addresses.insert(endpoints.rest.clone(), Arc::clone(&address));
        Ok(address)
    }

    /// A connection for a key that is not, or not yet, in the store: to try it.
    ///
    /// # Errors
    /// [`ExchangeError::Refused`] when the environment has no usable address.
    pub fn with_key(
        &self,
        account: &AccountId,
        environment: Environment,
        credentials: Credentials,
    ) -> Result<RestClient, ExchangeError> {
        let address = self.address(environment)?;
        Ok(RestClient::new(&address, account.clone(), credentials))
    }

    /// Closes the connections whose account has another key or environment now, or is gone. To be
    /// called now and then, off the way of orders: an account may be removed and added anew under
    /// its old name while this process runs.
    pub async fn refresh(&self) {
        let open: Vec<(AccountId, Open)> = lock(&self.inner.open)
            .iter()
            .map(|(account, open)| (account.clone(), open.clone()))
            .collect();
        for (account, known) in open {
            // A store that does not answer says nothing about the key.
            let Ok(recorded) = self.recorded(&account).await else {
                continue;
            };
            let same = recorded.is_some_and(|(environment, key)| {
                environment == known.environment && key == known.key
            });
            if !same {
                tracing::info!(%account, "trading connection closed: its key or account has changed");
                lock(&self.inner.open).remove(&account);
            }
        }
    }

    /// The environment and sealed trade key of an account, if it has both.
    async fn recorded(
        &self,
        account: &AccountId,
    ) -> Result<Option<(Environment, SealedKey)>, ExchangeError> {
        let unanswered = |error: trading::StoreError| ExchangeError::Unavailable(error.to_string());
        let store = &self.inner.store;
        let record = store.account(account).await.map_err(unanswered)?;
        let key = store.trade_key(account).await.map_err(unanswered)?;
        Ok(record.map(|record| record.environment).zip(key))
    }

    async fn open(&self, account: &AccountId) -> Result<Open, ExchangeError> {
        let Some((environment, key)) = self.recorded(account).await? else {
            return Err(unusable(format!(
                "account {account} has no trade key; give one with `gridkeeper account rotate {account}`"
            )));
        };
        let credentials = self
            .inner
            .keys
            .open(account, Purpose::Trade, &key)
            .map_err(|error| unusable(error.to_string()))?;
        let client = self.with_key(account, environment, credentials)?;
        Ok(Open {
            environment,
            key,
            client,
        })
    }

    fn keep(&self, account: &AccountId, open: Open) -> RestClient {
        let client = open.client.clone();
        lock(&self.inner.open).insert(account.clone(), open);
        client
    }
}

impl Exchanges for LocalExchanges {
    type Connection = RestClient;

    async fn connect(&self, account: &AccountId) -> Result<RestClient, ExchangeError> {
        if let Some(open) = lock(&self.inner.open).get(account) {
            return Ok(open.client.clone());
        }
        let open = self.open(account).await?;
        // The first order is not the one to find out how far the clocks are apart.
        if let Err(error) = open.client.address().keep_warm().await {
            tracing::warn!(%error, %account, "exchange not reached yet");
        }
        Ok(self.keep(account, open))
    }

    async fn reconnect(&self, account: &AccountId) -> Result<RestClient, ExchangeError> {
        let known = lock(&self.inner.open).get(account).cloned();
        let open = self.open(account).await?;
        match known {
            Some(known) if known.key == open.key => Err(unusable(format!(
                "the trade key of account {account} is still the one that was refused"
            ))),
            Some(_) | None => Ok(self.keep(account, open)),
        }
    }
}

fn unusable(detail: String) -> ExchangeError {
    ExchangeError::Stopped {
        stop: AccountStop::Key,
        detail,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use domain::LocalTime;
    use dynamo_store::EmbeddedDynamo;
    use secrecy::SecretString;
    use trading::{AccountRecord, Breaker, Environment, StreamState};

    use super::*;

    struct Set {
        _dir: tempfile::TempDir,
        store: DynamoStore,
        keys: KeyFile,
        exchanges: LocalExchanges,
    }

    async fn set() -> Set {
        let dir = tempfile::tempdir().unwrap();
        let store = DynamoStore::new(EmbeddedDynamo::memory().unwrap().client(), "connections");
        store.create_table().await.unwrap();
        let keys = KeyFile::open_or_create(dir.path()).unwrap();
        let environs = Environs {
            // Nobody listens on this port: nothing here needs an answer.
            rest: Some("http://127.0.0.1:9".to_owned()),
            web_socket: Some("ws://127.0.0.1:9/ws-api/v3".to_owned()),
            ..Environs::default()
        };
        let exchanges = LocalExchanges::new(store.clone(), keys.clone(), environs);
        Set {
            _dir: dir,
            store,
            keys,
            exchanges,
        }
    }

    async fn put_key(set: &Set, account: &AccountId, api_key: &str) {
        let secret = SecretString::from("secret".to_owned());
        let key = set
            .keys
            .seal(account, Purpose::Trade, api_key, "hmac", &secret)
            .unwrap();
        set.store.put_trade_key(account, &key).await.unwrap();
    }

    async fn put_account(set: &Set, account: &AccountId) {
        let secret = SecretString::from("secret".to_owned());
        let stream_key = set
            .keys
            .seal(account, Purpose::Stream, "stream", "hmac", &secret)
            .unwrap();
        let record = AccountRecord {
            id: account.clone(),
            environment: Environment::Simulated,
            stream_key,
            breaker: Breaker::Closed,
            stream: StreamState::Never,
            stream_wanted_since: None,
            created_at: LocalTime::from_millis(1),
            version: 0,
        };
        set.store.create_account(&record).await.unwrap();
    }

    #[tokio::test]
    async fn an_account_without_a_trade_key_is_stopped_with_a_remedy() {
        let set = set().await;
        let main: AccountId = "main".parse().unwrap();
        put_account(&set, &main).await;
        let error = set.exchanges.connect(&main).await.unwrap_err();
        assert!(error.to_string().contains("account rotate main"), "{error}");
    }

    #[tokio::test]
    async fn the_same_key_is_not_tried_twice() {
        let set = set().await;
        let main: AccountId = "main".parse().unwrap();
        put_account(&set, &main).await;
        put_key(&set, &main, "first").await;
        set.exchanges.connect(&main).await.unwrap();
        assert!(set.exchanges.reconnect(&main).await.is_err());
        put_key(&set, &main, "second").await;
        assert!(set.exchanges.reconnect(&main).await.is_ok());
        assert!(set.exchanges.reconnect(&main).await.is_err());
    }

    #[tokio::test]
    async fn a_changed_key_closes_the_connection_at_the_next_refresh() {
        let set = set().await;
        let main: AccountId = "main".parse().unwrap();
        put_account(&set, &main).await;
        put_key(&set, &main, "first").await;
        set.exchanges.connect(&main).await.unwrap();
        set.exchanges.refresh().await;
        assert_eq!(lock(&set.exchanges.inner.open).len(), 1);
        put_key(&set, &main, "second").await;
        set.exchanges.refresh().await;
        assert_eq!(lock(&set.exchanges.inner.open).len(), 0);
    }

    #[tokio::test]
    async fn a_stream_key_never_trades() {
        let set = set().await;
        let main: AccountId = "main".parse().unwrap();
        put_account(&set, &main).await;
        let stream_key = set.store.account(&main).await.unwrap().unwrap().stream_key;
        set.store.put_trade_key(&main, &stream_key).await.unwrap();
        let error = set.exchanges.connect(&main).await.unwrap_err();
        assert!(error.to_string().contains("does not open"), "{error}");
    }
}
