//! The trading connections of all accounts of one store.
//!
//! Start at [`Connections`], which implements [`trading::Exchanges`]. Each account has one
//! connection, opened with its trade key; accounts at one address share its request weight, its
//! pauses, the estimate of the exchange's clock and the proof that it answers. Opens stream keys for
//! nobody, and never keeps a secret beyond the connection that signs with it.

mod proof;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{AccountId, LocalTime};
use trading::{
    AccountRecord, AccountStop, AccountStore, Environment, ExchangeError, Exchanges, SealedKey,
    StoreError, TradeKeyStore,
};

use self::proof::Proof;
use crate::{AddressConfig, Credentials, Now, RestAddress, RestClient};

/// Opens the sealed trade keys. The process decides how: a local key file, a key service.
pub trait OpenTradeKeys: Send + Sync {
    /// The credentials that an account's orders are signed with.
    ///
    /// # Errors
    /// Why the key cannot be used, in words for the operator and without any part of the secret.
    fn open_trade_key(
        &self,
        account: &AccountId,
        key: &SealedKey,
    ) -> impl Future<Output = Result<Credentials, String>> + Send;
}

/// The REST base of an environment, such as `https://api.binance.com`, or in words why there is none.
pub type RestBase = Arc<dyn Fn(Environment) -> Result<String, String> + Send + Sync>;

/// The trading connections of one store's accounts. Cheap to clone; clones share everything.
pub struct Connections<S, K> {
    inner: Arc<Inner<S, K>>,
}

impl<S, K> Clone for Connections<S, K> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<S, K> fmt::Debug for Connections<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("addresses", &lock(&self.inner.addresses).keys())
            .finish_non_exhaustive()
    }
}

struct Inner<S, K> {
    store: S,
    keys: K,
    rest_base: RestBase,
    now: Now,
    addresses: Mutex<BTreeMap<String, Arc<Address>>>,
    open: Mutex<BTreeMap<AccountId, Open>>,
}

/// A base URL of the exchange, and the proof that it answers.
#[derive(Debug)]
struct Address {
    rest: Arc<RestAddress>,
    proof: Proof,
}

impl Address {
    async fn prove(&self) {
        self.proof.prove(&self.rest).await;
    }
}

/// An account's connection and what it was opened with.
#[derive(Debug, Clone)]
struct Open {
    environment: Environment,
    created_at: LocalTime,
    version: u64,
    key: SealedKey,
    address: Arc<Address>,
    client: RestClient,
}

impl Open {
    /// Whether it was opened for the account that a record is of, and not for one that had its name
    /// before.
    fn belongs_to(&self, account: &AccountRecord) -> bool {
        self.environment == account.environment && self.created_at == account.created_at
    }

    /// What an order needs of it.
    fn parts(&self) -> (Arc<Address>, RestClient) {
        (Arc::clone(&self.address), self.client.clone())
    }

    /// Whether it was opened as the other one was, so that either serves.
    fn is_like(&self, other: &Self) -> bool {
        self.environment == other.environment
            && self.created_at == other.created_at
            && self.key == other.key
    }
}

impl<S, K> Connections<S, K> {
    /// The connections of a store whose trade keys `keys` opens. Nothing is sent.
    #[must_use]
    pub fn new(store: S, keys: K, rest_base: RestBase, now: Now) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                keys,
                rest_base,
                now,
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
        Ok(Arc::clone(&self.address_of(environment)?.rest))
    }

    fn address_of(&self, environment: Environment) -> Result<Arc<Address>, ExchangeError> {
        let base = (self.inner.rest_base)(environment).map_err(ExchangeError::Refused)?;
        let mut addresses = lock(&self.inner.addresses);
        if let Some(address) = addresses.get(&base) {
            return Ok(Arc::clone(address));
        }
        let rest = RestAddress::open(
            AddressConfig::beside_bridge(&base),
            Arc::clone(&self.inner.now),
        )
        .map_err(|error| ExchangeError::Refused(error.to_string()))?;
        let proof = Proof::default();
        let address = Arc::new(Address { rest, proof });
        addresses.insert(base, Arc::clone(&address));
        Ok(address)
    }

    /// Connects to where accounts of an environment trade, so that the first order finds a connection.
    ///
    /// # Errors
    /// [`ExchangeError::Refused`] when the environment has no usable address.
    pub async fn warm(&self, environment: Environment) -> Result<(), ExchangeError> {
        self.address_of(environment)?.prove().await;
        Ok(())
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

    /// Proves an account's connection if it was idle, so that an order does not have to find out that
    /// it died meanwhile. To be run beside the load of what the order needs; connecting waits for it.
    pub async fn prove(&self, account: &AccountId) {
        let address = lock(&self.inner.open)
            .get(account)
            .map(|open| Arc::clone(&open.address));
        if let Some(address) = address {
            address.prove().await;
        }
    }

    /// How long nothing may be sent to one of the exchanges in use; `None` if it may to all.
    #[must_use]
    pub fn pause_left(&self) -> Option<Duration> {
        let addresses = lock(&self.inner.addresses);
        let pauses = addresses
            .values()
            .filter_map(|address| address.rest.pause_left());
        pauses.max()
    }

    /// How many accounts have a connection.
    #[must_use]
    pub fn open_count(&self) -> usize {
        lock(&self.inner.open).len()
    }

    /// Keeps a connection. One with the same key stays instead, so that clones of one connection and
    /// no others sign with one key.
    fn keep(&self, account: &AccountId, mut open: Open) -> Open {
        let mut kept = lock(&self.inner.open);
        if let Some(known) = kept.get(account).filter(|known| known.is_like(&open)) {
            open.client = known.client.clone();
        }
        kept.insert(account.clone(), open.clone());
        open
    }
}

impl<S: AccountStore + TradeKeyStore, K: OpenTradeKeys> Connections<S, K> {
    /// Closes the connections whose account has another key or environment now, or is gone. To be
    /// called now and then, off the way of orders, so that nothing stays open that nobody uses:
    /// whoever connects is given nothing outdated in between.
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
            let same =
                recorded.is_some_and(|(record, key)| known.belongs_to(&record) && key == known.key);
            if !same {
                tracing::info!(%account, "trading connection closed: its key or account has changed");
                lock(&self.inner.open).remove(&account);
            }
        }
    }

    /// The record and sealed trade key of an account, if it has both.
    async fn recorded(
        &self,
        account: &AccountId,
    ) -> Result<Option<(AccountRecord, SealedKey)>, ExchangeError> {
        let unanswered = |error: StoreError| ExchangeError::Unavailable(error.to_string());
        let store = &self.inner.store;
        let record = store.account(account).await.map_err(unanswered)?;
        let key = store.trade_key(account).await.map_err(unanswered)?;
        Ok(record.zip(key))
    }

    async fn open(&self, account: &AccountId) -> Result<Open, ExchangeError> {
        let Some((record, key)) = self.recorded(account).await? else {
            return Err(unusable(format!(
                "account {account} has no trade key; give one with `gridkeeper account rotate {account}`"
            )));
        };
        let credentials = self
            .inner
            .keys
            .open_trade_key(account, &key)
            .await
            .map_err(unusable)?;
        let address = self.address_of(record.environment)?;
        Ok(Open {
            environment: record.environment,
            created_at: record.created_at,
            version: record.version,
            key,
            client: RestClient::new(&address.rest, account.clone(), credentials),
            address,
        })
    }
}

impl<S, K> Exchanges for Connections<S, K>
where
    S: AccountStore + TradeKeyStore,
    K: OpenTradeKeys,
{
    type Connection = RestClient;

    async fn connect(&self, account: &AccountRecord) -> Result<RestClient, ExchangeError> {
        let current = lock(&self.inner.open)
            .get(&account.id)
            // Another version may mean another key, which is worth a look.
            .filter(|open| open.belongs_to(account) && open.version == account.version)
            .map(Open::parts);
        let (address, client) = match current {
            Some(parts) => parts,
            None => {
                let open = self.open(&account.id).await?;
                if !open.belongs_to(account) {
                    return Err(ExchangeError::Unavailable(format!(
                        "account {} has been removed and added anew meanwhile",
                        account.id
                    )));
                }
                self.keep(&account.id, open).parts()
            }
        };
        // The order is not the one to find out how far the clocks are apart, or that nobody is there.
        address.prove().await;
        Ok(client)
    }

    async fn reconnect(
        &self,
        account: &AccountId,
        refused: &RestClient,
    ) -> Result<RestClient, ExchangeError> {
        let open = self.keep(account, self.open(account).await?);
        if open.client.shares_key_with(refused) {
            return Err(unusable(format!(
                "the trade key of account {account} is still the one that was refused"
            )));
        }
        Ok(open.client)
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
    use super::*;

    fn opened(connections: &Connections<(), ()>, api_key: &str) -> Open {
        let address = connections.address_of(Environment::Simulated).unwrap();
        let account: AccountId = "main".parse().unwrap();
        let credentials = Credentials::hmac(api_key, "secret").unwrap();
        Open {
            environment: Environment::Simulated,
            created_at: LocalTime::from_millis(1),
            version: 1,
            key: SealedKey {
                api_key: api_key.to_owned(),
                kind: "hmac".to_owned(),
                sealed: String::new(),
            },
            client: RestClient::new(&address.rest, account, credentials),
            address,
        }
    }

    #[test]
    fn of_several_opened_with_one_key_at_once_the_first_stays() {
        let rest_base: RestBase = Arc::new(|_| Ok("http://127.0.0.1:9".to_owned()));
        let now: Now = Arc::new(|| LocalTime::from_millis(1));
        let connections = Connections::new((), (), rest_base, now);
        let main: AccountId = "main".parse().unwrap();
        let one = connections.keep(&main, opened(&connections, "first"));
        let other = connections.keep(&main, opened(&connections, "first"));
        assert!(one.client.shares_key_with(&other.client));
        let newer = connections.keep(&main, opened(&connections, "second"));
        assert!(!newer.client.shares_key_with(&one.client));
        assert_eq!(connections.open_count(), 1);
    }
}
