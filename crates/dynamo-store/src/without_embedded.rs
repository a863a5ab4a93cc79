//! What stands for the embedded database where the program is built without it: a type without a value, so
//! that the store is written once and every branch that would reach the database is gone.

use aws_sdk_dynamodb::types::TransactWriteItem;
use trading::StoreError;

use crate::error::Failure;
use crate::expression::Expression;
use crate::item::{Attributes, Record};
use crate::key::Key;
use crate::known::Known;
use crate::range::{PageKey, Range};
use crate::write::{Transaction, Write};

/// There is none.
#[derive(Debug, Clone)]
pub(crate) enum EmbeddedDynamo {}

#[expect(
    clippy::unused_async,
    reason = "the same calls as where there is a database"
)]
impl EmbeddedDynamo {
    pub(crate) const fn known(&self) -> &Known {
        match *self {}
    }

    pub(crate) async fn batch_get(&self, _: &str, _: &[Key]) -> Result<Vec<Record>, StoreError> {
        match *self {}
    }

    pub(crate) async fn get(&self, _: &str, _: &Key) -> Result<Option<Record>, StoreError> {
        match *self {}
    }

    pub(crate) async fn query(
        &self,
        _: &str,
        _: Range<'_>,
        _: Option<PageKey>,
        _: Option<i32>,
    ) -> Result<(Vec<Record>, Option<PageKey>), StoreError> {
        match *self {}
    }

    pub(crate) async fn put(
        &self,
        _: &str,
        _: Attributes,
        _: &Expression,
    ) -> Result<Write, Failure> {
        match *self {}
    }

    pub(crate) async fn update(&self, _: &str, _: &Key, _: &Expression) -> Result<Write, Failure> {
        match *self {}
    }

    pub(crate) async fn transact(&self, _: Vec<TransactWriteItem>) -> Result<Transaction, Failure> {
        match *self {}
    }
}
