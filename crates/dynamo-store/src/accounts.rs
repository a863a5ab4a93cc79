//! Accounts as the bridge sees them, and the bridges' signs of life.
//!
//! Each method changes its own attributes of an account and nothing else, so that bridge, functions
//! and operator never undo each other's writes.

use domain::{AccountId, LocalTime};
use trading::{
    AccountRecord, AccountStore, Breaker, Heartbeat, Listing, SealedKey, StoreError, StreamState,
};

use crate::DynamoStore;
use crate::account_item::{BOTS_OF_ACCOUNT, from_records, to_item};
use crate::expression::Expression;
use crate::item::{Attributes, Record, keyed, number, record_item, text, to_attribute};
use crate::key::{self, Key};
use crate::pause;
use crate::write::{Transaction, Write};

const VERSION: &str = "version";

impl AccountStore for DynamoStore {
    async fn create_account(&self, account: &AccountRecord) -> Result<(), StoreError> {
        let listing = Key::account_listing(&account.id);
        let entry = Attributes::from([("account".to_owned(), text(account.id.as_str()))]);
        let parts = [
            Self::part(Expression::absent().put(&self.table, to_item(account)?))?,
            Self::part(Expression::new().put(&self.table, keyed(&listing, entry)))?,
        ];
        match self.transact(parts.into()).await? {
            Transaction::Done => Ok(()),
            Transaction::Refused(_) => Err(StoreError::Invalid(format!(
                "an account {} exists already",
                account.id
            ))),
        }
    }

    async fn account(&self, id: &AccountId) -> Result<Option<AccountRecord>, StoreError> {
        let Some(pause) = self.address_key() else {
            let record = self.read_one(&Key::account(id)).await?;
            return record.as_ref().map(Record::decode).transpose();
        };
        let (mut account, mut paused) = (None, None);
        for record in self.read(&[Key::account(id), pause]).await? {
            if record.key.is_account() {
                account = Some(record.decode()?);
            } else {
                paused = Some(record);
            }
        }
        if let (Some(pause), Some(account)) = (&paused, &mut account) {
            pause::show(pause, account)?;
        }
        Ok(account)
    }

    async fn list_accounts(&self) -> Result<Listing<AccountRecord>, StoreError> {
        let listing = self.read_range(key::ACCOUNTS, "").await?;
        let keys: Listing<Key> = listing
            .iter()
            .map(|entry| Ok(Key::account(&entry.parsed("account")?)))
            .collect();
        let mut accounts = from_records(&self.read(&keys.readable).await?);
        accounts.unreadable.extend(keys.unreadable);
        Ok(accounts)
    }

    async fn set_stream_key(&self, id: &AccountId, key: &SealedKey) -> Result<(), StoreError> {
        let value = to_attribute(&Key::account(id), key)?;
        let change = Expression::present().set("stream_key", value);
        self.change_account(id, change.add(VERSION, 1)).await
    }

    async fn set_stream(&self, id: &AccountId, state: &StreamState) -> Result<(), StoreError> {
        let value = to_attribute(&Key::account(id), state)?;
        let change = Expression::present().set("stream", value);
        self.change_account(id, change).await
    }

    async fn want_stream(
        &self,
        id: &AccountId,
        since: Option<LocalTime>,
    ) -> Result<(), StoreError> {
        let value = to_attribute(&Key::account(id), &since)?;
        let change = Expression::present().set("stream_wanted_since", value);
        self.change_account(id, change).await
    }

    async fn set_breaker(&self, id: &AccountId, breaker: &Breaker) -> Result<(), StoreError> {
        let value = to_attribute(&Key::account(id), breaker)?;
        let change = Expression::present().set("breaker", value);
        self.change_account(id, change.add(VERSION, 1)).await
    }

    async fn remove_account(&self, id: &AccountId) -> Result<(), StoreError> {
        let without_bots = Expression::present().require(BOTS_OF_ACCOUNT, number(0));
        let listed = Expression::new();
        let parts = [
            Self::part(without_bots.delete(&self.table, &Key::account(id)))?,
            Self::part(listed.delete(&self.table, &Key::account_listing(id)))?,
        ];
        let Transaction::Refused(refused) = self.transact(parts.into()).await? else {
            return Ok(());
        };
        match refused.into_iter().find_map(|(_, old)| old) {
            None => Err(no_account(id)),
            Some(account) => {
                account.check_format()?;
                let bots: u64 = account.number(BOTS_OF_ACCOUNT)?;
                Err(StoreError::Invalid(format!(
                    "account {id} still has {bots} bots; stop and remove them first"
                )))
            }
        }
    }

    async fn put_heartbeat(&self, heartbeat: &Heartbeat) -> Result<(), StoreError> {
        let item = record_item(&Key::heartbeat(&heartbeat.bridge), heartbeat)?;
        self.replace(item).await
    }

    async fn heartbeats(&self) -> Result<Vec<Heartbeat>, StoreError> {
        let records = self.read_range(key::BRIDGES, "").await?;
        records.iter().map(Record::decode).collect()
    }
}

impl DynamoStore {
    async fn change_account(&self, id: &AccountId, change: Expression) -> Result<(), StoreError> {
        match self.update(&Key::account(id), &change).await? {
            Write::Done => Ok(()),
            Write::Refused(None) => Err(no_account(id)),
            Write::Refused(Some(old)) => {
                old.check_format()?;
                Err(old.corrupt("it refused a change without a reason"))
            }
        }
    }

    /// Writes an item whatever was there before, unless that is of a format not known here.
    pub(crate) async fn replace(&self, item: Attributes) -> Result<(), StoreError> {
        match self.put(item, &Expression::absent_or_known()).await? {
            Write::Done => Ok(()),
            Write::Refused(old) => match old {
                Some(old) => {
                    old.check_format()?;
                    Err(old.corrupt("it refused a change without a reason"))
                }
                None => Err(StoreError::Unavailable(
                    "a write was refused without a reason".to_owned(),
                )),
            },
        }
    }
}

fn no_account(id: &AccountId) -> StoreError {
    StoreError::Invalid(format!("there is no account {id}"))
}
