//! Sealed trade keys, in partitions of their own that the bridge's role cannot reach.

use domain::AccountId;
use trading::{SealedKey, StoreError, TradeKeyStore};

use crate::DynamoStore;
use crate::expression::Expression;
use crate::item::{Record, record_item};
use crate::key::Key;
use crate::write::{Transaction, check_formats};

impl TradeKeyStore for DynamoStore {
    async fn trade_key(&self, account: &AccountId) -> Result<Option<SealedKey>, StoreError> {
        let record = self.read_one(&Key::trade_key(account)).await?;
        record.as_ref().map(Record::decode).transpose()
    }

    async fn put_trade_key(&self, account: &AccountId, key: &SealedKey) -> Result<(), StoreError> {
        let item = record_item(&Key::trade_key(account), key)?;
        self.replace(item).await
    }

    /// Removing a key that is not there changes nothing.
    async fn remove_trade_key(&self, account: &AccountId) -> Result<(), StoreError> {
        let known = Expression::absent_or_known();
        let part = Self::part(known.delete(&self.table, &Key::trade_key(account)))?;
        match self.transact(vec![part]).await? {
            Transaction::Done => Ok(()),
            Transaction::Refused(refused) => {
                check_formats(&refused)?;
                Err(StoreError::Unavailable(
                    "a write was refused without a reason".to_owned(),
                ))
            }
        }
    }
}
