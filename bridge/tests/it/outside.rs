//! What a bridge runs on in these tests: a store and keys in memory, the real queue and clock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use binance::Credentials;
use bridge::{
    Bridge, BridgeError, BridgeHandle, BridgeStatus, Config, LocalQueue, OpenKeys, Ports,
};
use domain::{AccountId, LocalTime};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trading::{
    AccountRecord, AccountStore, Breaker, Clock, Environment, Heartbeat, Listing, Message,
    SealedKey, StoreError, StreamState,
};

use crate::exchange::soon;

/// The sample secret published in rest-api.md.
pub(crate) const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

pub(crate) fn id(name: &str) -> AccountId {
    name.parse().unwrap()
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    accounts: Mutex<BTreeMap<AccountId, AccountRecord>>,
    heartbeats: Mutex<BTreeMap<String, Heartbeat>>,
}

impl Store {
    pub(crate) fn add(&self, name: &str) {
        let record = AccountRecord {
            id: id(name),
            environment: Environment::Simulated,
            stream_key: sealed(name),
            breaker: Breaker::Closed,
            stream: StreamState::Never,
            stream_wanted_since: None,
            created_at: LocalTime::from_millis(0),
            version: 1,
        };
        self.accounts.lock().unwrap().insert(id(name), record);
    }

    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut AccountRecord)) {
        change(self.accounts.lock().unwrap().get_mut(&id(name)).unwrap());
    }

    pub(crate) fn stream(&self, name: &str) -> StreamState {
        self.accounts.lock().unwrap()[&id(name)].stream.clone()
    }

    fn with(
        &self,
        id: &AccountId,
        change: impl FnOnce(&mut AccountRecord),
    ) -> Result<(), StoreError> {
        let mut accounts = self.accounts.lock().unwrap();
        let record = accounts
            .get_mut(id)
            .ok_or_else(|| StoreError::Invalid(format!("no account {id}")))?;
        change(record);
        Ok(())
    }
}

/// A key whose API key is `name`.
pub(crate) fn sealed(name: &str) -> SealedKey {
    SealedKey {
        api_key: name.to_owned(),
        kind: "hmac".to_owned(),
        sealed: SECRET.to_owned(),
    }
}

impl AccountStore for Store {
    async fn create_account(&self, account: &AccountRecord) -> Result<(), StoreError> {
        let mut accounts = self.accounts.lock().unwrap();
        accounts.insert(account.id.clone(), account.clone());
        Ok(())
    }

    async fn account(&self, id: &AccountId) -> Result<Option<AccountRecord>, StoreError> {
        Ok(self.accounts.lock().unwrap().get(id).cloned())
    }

    async fn list_accounts(&self) -> Result<Listing<AccountRecord>, StoreError> {
        let accounts = self.accounts.lock().unwrap();
        Ok(accounts.values().cloned().map(Ok).collect())
    }

    async fn set_stream_key(&self, id: &AccountId, key: &SealedKey) -> Result<(), StoreError> {
        self.with(id, |record| record.stream_key = key.clone())
    }

    async fn set_stream(&self, id: &AccountId, state: &StreamState) -> Result<(), StoreError> {
        self.with(id, |record| record.stream = state.clone())
    }

    async fn want_stream(
        &self,
        id: &AccountId,
        since: Option<LocalTime>,
    ) -> Result<(), StoreError> {
        self.with(id, |record| record.stream_wanted_since = since)
    }

    async fn set_breaker(&self, id: &AccountId, breaker: &Breaker) -> Result<(), StoreError> {
        self.with(id, |record| record.breaker = breaker.clone())
    }

    async fn remove_account(&self, id: &AccountId) -> Result<(), StoreError> {
        self.accounts.lock().unwrap().remove(id);
        Ok(())
    }

    async fn put_heartbeat(&self, heartbeat: &Heartbeat) -> Result<(), StoreError> {
        let mut heartbeats = self.heartbeats.lock().unwrap();
        heartbeats.insert(heartbeat.bridge.clone(), heartbeat.clone());
        Ok(())
    }

    async fn heartbeats(&self) -> Result<Vec<Heartbeat>, StoreError> {
        Ok(self.heartbeats.lock().unwrap().values().cloned().collect())
    }
}

/// "Seals" by doing nothing; a secret that is empty cannot be opened.
#[derive(Debug)]
struct Keys;

impl OpenKeys for Keys {
    async fn open(&self, _account: &AccountId, key: &SealedKey) -> Result<Credentials, String> {
        Credentials::hmac(&key.api_key, &key.sealed).map_err(|error| error.to_string())
    }
}

#[derive(Debug)]
struct WallClock;

impl Clock for WallClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the process under test owns its clock, and this is that process"
    )]
    fn now(&self) -> LocalTime {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        LocalTime::from_millis(i64::try_from(since.as_millis()).unwrap())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A running bridge with everything around it.
pub(crate) struct Running {
    pub(crate) store: Arc<Store>,
    pub(crate) queue: Arc<LocalQueue>,
    pub(crate) handle: BridgeHandle,
    stop: CancellationToken,
    task: JoinHandle<Result<(), BridgeError>>,
}

/// Starts a bridge that holds these accounts and is quick about everything.
pub(crate) fn start(url: &str, accounts: &[&str], set: impl FnOnce(&mut Config)) -> Running {
    let mut config = Config::new("bridge-1", 1).with_address(url);
    config.tick = Duration::from_millis(5);
    config.accounts_every = Duration::from_millis(20);
    config.heartbeat_every = Duration::from_millis(50);
    config.read_out = Duration::from_millis(50);
    config.backoff_first = Duration::from_millis(20);
    config.backoff_longest = Duration::from_millis(200);
    set(&mut config);
    let store = Arc::new(Store::default());
    for name in accounts {
        store.add(name);
    }
    let queue = Arc::new(LocalQueue::new(10_000, Duration::from_secs(60)));
    let ports = Ports {
        store: Arc::clone(&store),
        queue: Arc::clone(&queue),
        keys: Arc::new(Keys),
        clock: Arc::new(WallClock),
    };
    let bridge = Bridge::new(config, ports);
    let handle = bridge.handle();
    let stop = CancellationToken::new();
    let running = bridge.run(stop.clone());
    #[expect(
        clippy::disallowed_methods,
        reason = "the test is the process that starts the bridge"
    )]
    let task = tokio::spawn(running);
    Running {
        store,
        queue,
        handle,
        stop,
        task,
    }
}

impl Running {
    /// The next message that can be received now or soon.
    pub(crate) async fn message(&self) -> Message {
        let received = soon("a message", self.queue.receive()).await;
        assert!(self.queue.delete(received.receipt));
        received.message
    }

    /// The trade of the next execution; comparisons in between are skipped.
    pub(crate) async fn trade(&self) -> (AccountId, i64) {
        loop {
            if let Message::Execution { execution, .. } = self.message().await {
                return (execution.account, execution.trades[0].id.0);
            }
        }
    }

    /// The account and the reason of the next comparison, which must be the next message.
    pub(crate) async fn comparison(&self) -> (AccountId, String) {
        match self.message().await {
            Message::Reconcile { account, why, .. } => (account, why),
            Message::Execution { execution, .. } => panic!("{execution:?}"),
        }
    }

    pub(crate) async fn until(
        &mut self,
        what: &str,
        wanted: impl FnMut(&BridgeStatus) -> bool,
    ) -> BridgeStatus {
        soon(what, self.handle.wait_for(wanted)).await.unwrap()
    }

    /// Waits until these accounts' streams are up, and no others.
    pub(crate) async fn until_up(&mut self, accounts: &[&str]) {
        let expected: Vec<AccountId> = accounts.iter().map(|name| id(name)).collect();
        self.until("the streams", |status| up(status) == expected)
            .await;
    }

    pub(crate) async fn stop(self) -> Arc<Store> {
        self.stop.cancel();
        soon("the bridge to stop", self.task)
            .await
            .unwrap()
            .unwrap();
        self.store
    }
}

pub(crate) fn up(status: &BridgeStatus) -> Vec<AccountId> {
    status
        .accounts
        .iter()
        .filter(|(_, account)| matches!(account.stream, StreamState::Subscribed { .. }))
        .map(|(id, _)| id.clone())
        .collect()
}
