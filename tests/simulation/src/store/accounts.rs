//! Accounts and the bridges' signs of life.

use domain::{AccountId, LocalTime};
use trading::{
    AccountRecord, AccountStore, Breaker, Heartbeat, Listing, SealedKey, StoreError, StreamState,
};

use super::{MemoryStore, Operation, Tables};

impl AccountStore for MemoryStore {
    async fn create_account(&self, account: &AccountRecord) -> Result<(), StoreError> {
        self.call("create_account", |tables| {
            if tables.accounts.contains_key(&account.id) {
                return Err(StoreError::Invalid(format!(
                    "account {} exists",
                    account.id
                )));
            }
            let key = account.id.clone();
            tables.accounts.insert(key, account.clone());
            tables.log(|| Operation::CreateAccount(account.clone()));
            Ok(())
        })
        .await
    }

    async fn account(&self, id: &AccountId) -> Result<Option<AccountRecord>, StoreError> {
        self.call("account", |tables| Ok(tables.accounts.get(id).cloned()))
            .await
    }

    async fn list_accounts(&self) -> Result<Listing<AccountRecord>, StoreError> {
        self.call("list_accounts", |tables| {
            Ok(tables.accounts.values().cloned().map(Ok).collect())
        })
        .await
    }

    async fn set_stream_key(&self, id: &AccountId, key: &SealedKey) -> Result<(), StoreError> {
        self.call("set_stream_key", |tables| {
            let account = find(tables, id)?;
            account.stream_key = key.clone();
            account.version += 1;
            Ok(())
        })
        .await
    }

    async fn set_stream(&self, id: &AccountId, state: &StreamState) -> Result<(), StoreError> {
        self.call("set_stream", |tables| {
            find(tables, id)?.stream = state.clone();
            tables.log(|| Operation::SetStream(id.clone(), state.clone()));
            Ok(())
        })
        .await
    }

    async fn want_stream(
        &self,
        id: &AccountId,
        since: Option<LocalTime>,
    ) -> Result<(), StoreError> {
        self.call("want_stream", |tables| {
            find(tables, id)?.stream_wanted_since = since;
            tables.log(|| Operation::WantStream(id.clone(), since));
            Ok(())
        })
        .await
    }

    async fn set_breaker(&self, id: &AccountId, breaker: &Breaker) -> Result<(), StoreError> {
        self.call("set_breaker", |tables| {
            let account = find(tables, id)?;
            account.breaker = breaker.clone();
            account.version += 1;
            tables.log(|| Operation::SetBreaker(id.clone(), breaker.clone()));
            Ok(())
        })
        .await
    }

    async fn remove_account(&self, id: &AccountId) -> Result<(), StoreError> {
        self.call("remove_account", |tables| {
            let used = tables
                .listed
                .keys()
                .any(|bot| tables.bots.get(bot).is_some_and(|bot| bot.account == *id));
            if used {
                return Err(StoreError::Invalid(format!("account {id} has bots")));
            }
            tables.accounts.remove(id);
            Ok(())
        })
        .await
    }

    async fn put_heartbeat(&self, heartbeat: &Heartbeat) -> Result<(), StoreError> {
        self.call("put_heartbeat", |tables| {
            let key = heartbeat.bridge.clone();
            tables.heartbeats.insert(key, heartbeat.clone());
            Ok(())
        })
        .await
    }

    async fn heartbeats(&self) -> Result<Vec<Heartbeat>, StoreError> {
        self.call("heartbeats", |tables| {
            Ok(tables.heartbeats.values().cloned().collect())
        })
        .await
    }
}

fn find<'a>(tables: &'a mut Tables, id: &AccountId) -> Result<&'a mut AccountRecord, StoreError> {
    tables
        .accounts
        .get_mut(id)
        .ok_or_else(|| StoreError::Invalid(format!("there is no account {id}")))
}
