//! The store itself: one table behind an SDK client, and the few ways in which it is called.
//!
//! Everything the ports need goes through five calls: read some items, read a partition's range,
//! put an item, update an item, write a transaction. Each of the last three has a condition, and a
//! lost condition is a result with the item as it was, never an error.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, KeysAndAttributes, TransactWriteItem,
};
use trading::StoreError;

use crate::error::{Failure, failure, store_error, unwritable};
use crate::expression::Expression;
use crate::item::{Attributes, PARTITION, Record, SORT, text};
use crate::key::Key;
use crate::mark::Marks;

/// Pauses before a write that met another transaction on the same item is sent again. DynamoDB
/// refuses such a write at once instead of queueing it (developer guide, "transaction conflict
/// handling").
const CONFLICT_PAUSES: [Duration; 4] = [
    Duration::from_millis(10),
    Duration::from_millis(30),
    Duration::from_millis(90),
    Duration::from_millis(270),
];

/// How often the keys a batch read left over are asked for again.
const BATCH_TRIES: usize = 6;

/// The most keys of one batch read (`BatchGetItem` in the API reference).
const BATCH_KEYS: usize = 100;

/// The most items of one transaction (`TransactWriteItems` in the API reference).
pub(crate) const TRANSACTION_ITEMS: usize = 100;

/// The table of all records. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct DynamoStore {
    pub(crate) client: Client,
    pub(crate) table: Arc<str>,
    pub(crate) marks: Arc<Marks>,
}

/// What became of a conditional write of one item.
#[derive(Debug)]
pub(crate) enum Write {
    Done,
    /// The condition was not met; the item as it was, if there is one.
    Refused(Option<Record>),
}

/// What became of a transaction.
#[derive(Debug)]
pub(crate) enum Transaction {
    Done,
    /// These parts, counted from 0, did not meet their conditions; with each the item as it was.
    Refused(Vec<(usize, Option<Record>)>),
}

/// Tells an item that refused because it is newer than this program from one that had changed.
pub(crate) fn check_formats(refused: &[(usize, Option<Record>)]) -> Result<(), StoreError> {
    refused
        .iter()
        .filter_map(|(_, old)| old.as_ref())
        .try_for_each(Record::check_format)
}

impl DynamoStore {
    /// The store in this table. Opens nothing: the first call does.
    #[must_use]
    pub fn new(client: Client, table: impl Into<Arc<str>>) -> Self {
        Self {
            client,
            table: table.into(),
            marks: Arc::new(Marks::random()),
        }
    }

    /// The same store with marks of writes that repeat from run to run, for simulations. Two stores
    /// that write to one table at the same time need different seeds.
    #[must_use]
    pub fn with_mark_seed(self, seed: u64) -> Self {
        Self {
            marks: Arc::new(Marks::seeded(seed)),
            ..self
        }
    }

    /// Reads items by their keys, strongly consistent, in no particular order. Keys without an item
    /// are left out. One round trip for up to 100 keys, unless the service leaves some over.
    pub(crate) async fn read(&self, keys: &[Key]) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(BATCH_KEYS) {
            let mut asked = Some(keys_and_attributes(chunk)?);
            let mut pauses = CONFLICT_PAUSES.iter();
            for _ in 0..BATCH_TRIES {
                let Some(keys) = asked.take() else { break };
                let reply = self
                    .client
                    .batch_get_item()
                    .request_items(&*self.table, keys)
                    .send()
                    .await
                    .map_err(|error| store_error("BatchGetItem", &error))?;
                let found = reply.responses.into_iter().flatten();
                records.extend(found.flat_map(|(_, items)| items).map(Record::new));
                asked = reply
                    .unprocessed_keys
                    .into_iter()
                    .flatten()
                    .map(|(_, keys)| keys)
                    .next();
                if asked.is_some()
                    && let Some(pause) = pauses.next()
                {
                    tokio::time::sleep(*pause).await;
                }
            }
            if asked.is_some() {
                return Err(StoreError::Throttled(format!(
                    "BatchGetItem left keys over {BATCH_TRIES} times"
                )));
            }
        }
        Ok(records)
    }

    /// Reads one item, strongly consistent.
    pub(crate) async fn read_one(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        let reply = self
            .client
            .get_item()
            .table_name(&*self.table)
            .key(PARTITION, text(key.partition.clone()))
            .key(SORT, text(key.sort.clone()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| store_error("GetItem", &error))?;
        Ok(reply.item.map(Record::new))
    }

    /// Reads all items of a partition whose sort keys start with a text, in their order, all pages,
    /// strongly consistent.
    pub(crate) async fn read_range(
        &self,
        partition: &str,
        prefix: &str,
    ) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        let mut start = None;
        loop {
            let mut query = self
                .client
                .query()
                .table_name(&*self.table)
                .consistent_read(true)
                .expression_attribute_names("#pk", PARTITION)
                .expression_attribute_values(":pk", text(partition))
                .set_exclusive_start_key(start);
            query = if prefix.is_empty() {
                query.key_condition_expression("#pk = :pk")
            } else {
                query
                    .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
                    .expression_attribute_names("#sk", SORT)
                    .expression_attribute_values(":prefix", text(prefix))
            };
            let page = query
                .send()
                .await
                .map_err(|error| store_error("Query", &error))?;
            records.extend(page.items.into_iter().flatten().map(Record::new));
            start = page.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(records);
            }
        }
    }

    /// Reads the first items of a partition up to and including a sort key.
    pub(crate) async fn read_until(
        &self,
        partition: &str,
        until: &str,
        limit: i32,
    ) -> Result<Vec<Record>, StoreError> {
        let page = self
            .client
            .query()
            .table_name(&*self.table)
            .consistent_read(true)
            .key_condition_expression("#pk = :pk AND #sk <= :until")
            .expression_attribute_names("#pk", PARTITION)
            .expression_attribute_names("#sk", SORT)
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":until", text(until))
            .limit(limit)
            .send()
            .await
            .map_err(|error| store_error("Query", &error))?;
        Ok(page.items.into_iter().flatten().map(Record::new).collect())
    }

    /// Writes one whole item under a condition. One round trip.
    pub(crate) async fn put(
        &self,
        item: Attributes,
        condition: &Expression,
    ) -> Result<Write, StoreError> {
        let mut pauses = CONFLICT_PAUSES.iter();
        loop {
            let sent = self
                .client
                .put_item()
                .table_name(&*self.table)
                .set_item(Some(item.clone().into_iter().collect()))
                .set_condition_expression(condition.condition())
                .set_expression_attribute_names(
                    condition.names().map(|all| all.into_iter().collect()),
                )
                .set_expression_attribute_values(
                    condition.values().map(|all| all.into_iter().collect()),
                )
                .set_return_values_on_condition_check_failure(condition.on_refusal())
                .send()
                .await;
            let Err(error) = sent else {
                return Ok(Write::Done);
            };
            if let Some(lost) = error
                .as_service_error()
                .filter(|error| error.is_conditional_check_failed_exception())
            {
                return Ok(Write::Refused(old_item(lost)));
            }
            pause_after(failure("PutItem", &error), &mut pauses).await?;
        }
    }

    /// Changes attributes of one item under a condition. One round trip.
    pub(crate) async fn update(&self, key: &Key, change: &Expression) -> Result<Write, StoreError> {
        let mut pauses = CONFLICT_PAUSES.iter();
        loop {
            let sent = self
                .client
                .update_item()
                .table_name(&*self.table)
                .key(PARTITION, text(key.partition.clone()))
                .key(SORT, text(key.sort.clone()))
                .update_expression(change.change())
                .set_condition_expression(change.condition())
                .set_expression_attribute_names(change.names().map(|all| all.into_iter().collect()))
                .set_expression_attribute_values(
                    change.values().map(|all| all.into_iter().collect()),
                )
                .set_return_values_on_condition_check_failure(change.on_refusal())
                .send()
                .await;
            let Err(error) = sent else {
                return Ok(Write::Done);
            };
            if let Some(lost) = error
                .as_service_error()
                .filter(|error| error.is_conditional_check_failed_exception())
            {
                return Ok(Write::Refused(old_item(lost)));
            }
            pause_after(failure("UpdateItem", &error), &mut pauses).await?;
        }
    }

    /// Writes several items, all or none. One round trip.
    pub(crate) async fn transact(
        &self,
        parts: &[TransactWriteItem],
    ) -> Result<Transaction, StoreError> {
        let mut pauses = CONFLICT_PAUSES.iter();
        loop {
            let sent = self
                .client
                .transact_write_items()
                .set_transact_items(Some(parts.to_vec()))
                .send()
                .await;
            let Err(error) = sent else {
                return Ok(Transaction::Done);
            };
            let failure = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    match cancellation(cancelled.cancellation_reasons()) {
                        Ok(refused) => return Ok(Transaction::Refused(refused)),
                        Err(failure) => failure,
                    }
                }
                _ => failure("TransactWriteItems", &error),
            };
            pause_after(failure, &mut pauses).await?;
        }
    }

    /// Makes a part of a transaction from what the SDK's builder returned.
    pub(crate) fn part(
        built: Result<TransactWriteItem, BuildError>,
    ) -> Result<TransactWriteItem, StoreError> {
        built.map_err(|error| unwritable("a transaction", &error))
    }
}

fn keys_and_attributes(keys: &[Key]) -> Result<KeysAndAttributes, StoreError> {
    keys.iter()
        .fold(
            KeysAndAttributes::builder().consistent_read(true),
            |all, key| {
                let parts = [(PARTITION, &key.partition), (SORT, &key.sort)];
                all.keys(
                    parts
                        .into_iter()
                        .map(|(name, part)| (name.to_owned(), text(part.clone())))
                        .collect(),
                )
            },
        )
        .build()
        .map_err(|error| unwritable("a batch of keys", &error))
}

/// Waits before the next sending, or gives up.
async fn pause_after(
    failure: Failure,
    pauses: &mut std::slice::Iter<'_, Duration>,
) -> Result<(), StoreError> {
    match (failure, pauses.next()) {
        (Failure::Conflict(_), Some(pause)) => {
            tokio::time::sleep(*pause).await;
            Ok(())
        }
        (failure, _) => Err(failure.into()),
    }
}

/// The item that refused a single write, as the service returns it with the refusal.
fn old_item<E: HasOldItem>(error: &E) -> Option<Record> {
    error.old_item().map(Record::new)
}

trait HasOldItem {
    fn old_item(&self) -> Option<Vec<(String, AttributeValue)>>;
}

macro_rules! has_old_item {
    ($error:ty, $variant:path) => {
        impl HasOldItem for $error {
            fn old_item(&self) -> Option<Vec<(String, AttributeValue)>> {
                let $variant(refused) = self else { return None };
                let item = refused.item()?.iter();
                Some(
                    item.map(|(name, value)| (name.clone(), value.clone()))
                        .collect(),
                )
            }
        }
    };
}

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
has_old_item!(PutItemError, PutItemError::ConditionalCheckFailedException);
has_old_item!(
    UpdateItemError,
    UpdateItemError::ConditionalCheckFailedException
);

/// Reads why a transaction was cancelled: one reason for each part, in their order. A lost
/// condition is a fact whatever else went wrong, so it comes first.
fn cancellation(reasons: &[CancellationReason]) -> Result<Vec<(usize, Option<Record>)>, Failure> {
    let code = |reason: &CancellationReason| reason.code().unwrap_or("None").to_owned();
    let refused: Vec<_> = reasons
        .iter()
        .enumerate()
        .filter(|(_, reason)| code(reason) == "ConditionalCheckFailed")
        .map(|(at, reason)| {
            let old = reason.item().filter(|item| !item.is_empty());
            (at, old.cloned().map(Record::new))
        })
        .collect();
    if !refused.is_empty() {
        return Ok(refused);
    }
    let other = reasons.iter().find(|reason| code(reason) != "None");
    let text = other.map_or_else(
        || "TransactWriteItems: cancelled without a reason".to_owned(),
        |reason| {
            let words = reason.message().unwrap_or("no message");
            format!("TransactWriteItems: {}: {words}", code(reason))
        },
    );
    Err(match other.and_then(CancellationReason::code) {
        Some("TransactionConflict") => Failure::Conflict(text),
        Some("ProvisionedThroughputExceeded" | "ThrottlingError") => {
            Failure::Final(StoreError::Throttled(text))
        }
        Some("ValidationError" | "ItemCollectionSizeLimitExceeded") => {
            Failure::Final(StoreError::Invalid(text))
        }
        _ => Failure::Final(StoreError::Unavailable(text)),
    })
}
