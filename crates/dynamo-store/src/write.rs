//! Conditional writes: one item whole, one item's attributes, or several items together.
//!
//! A lost condition is a result with the item as it was. A conflict with another transaction is
//! tried again a few times, because it says nothing about the condition.

use std::time::Duration;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use trading::StoreError;

use crate::DynamoStore;
use crate::error::{Failure, failure, unwritable};
use crate::expression::Expression;
use crate::item::{Attributes, PARTITION, Record, SORT, text};
use crate::key::Key;
use crate::store::PAUSES;

/// The most items of one transaction (`TransactWriteItems` in the API reference).
pub(crate) const TRANSACTION_ITEMS: usize = 100;

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
    /// Writes one whole item under a condition. One round trip.
    pub(crate) async fn put(
        &self,
        item: Attributes,
        condition: &Expression,
    ) -> Result<Write, StoreError> {
        if let Some(database) = &self.direct {
            return Ok(database.put(&self.table, item, condition).await?);
        }
        let mut pauses = PAUSES.iter();
        loop {
            match self.put_once(item.clone(), condition).await {
                Ok(write) => return Ok(write),
                Err(failure) => pause_after(failure, &mut pauses).await?,
            }
        }
    }

    async fn put_once(&self, item: Attributes, condition: &Expression) -> Result<Write, Failure> {
        let sent = self
            .client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(item.into_iter().collect()))
            .set_condition_expression(condition.condition())
            .set_expression_attribute_names(condition.names().map(|all| all.into_iter().collect()))
            .set_expression_attribute_values(
                condition.values().map(|all| all.into_iter().collect()),
            )
            .set_return_values_on_condition_check_failure(condition.on_refusal())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Write::Done),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(lost)) => {
                    Ok(Write::Refused(lost.item().cloned().map(Record::new)))
                }
                _ => Err(failure("PutItem", &error)),
            },
        }
    }

    /// Changes attributes of one item under a condition. One round trip.
    pub(crate) async fn update(&self, key: &Key, change: &Expression) -> Result<Write, StoreError> {
        let mut pauses = PAUSES.iter();
        loop {
            match self.update_once(key, change).await {
                Ok(write) => return Ok(write),
                Err(failure) => pause_after(failure, &mut pauses).await?,
            }
        }
    }

    async fn update_once(&self, key: &Key, change: &Expression) -> Result<Write, Failure> {
        if let Some(database) = &self.direct {
            return database.update(&self.table, key, change).await;
        }
        let sent = self
            .client
            .update_item()
            .table_name(&*self.table)
            .key(PARTITION, text(key.partition.clone()))
            .key(SORT, text(key.sort.clone()))
            .update_expression(change.change())
            .set_condition_expression(change.condition())
            .set_expression_attribute_names(change.names().map(|all| all.into_iter().collect()))
            .set_expression_attribute_values(change.values().map(|all| all.into_iter().collect()))
            .set_return_values_on_condition_check_failure(change.on_refusal())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Write::Done),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(lost)) => {
                    Ok(Write::Refused(lost.item().cloned().map(Record::new)))
                }
                _ => Err(failure("UpdateItem", &error)),
            },
        }
    }

    /// Writes several items, all or none. One round trip.
    pub(crate) async fn transact(
        &self,
        parts: Vec<TransactWriteItem>,
    ) -> Result<Transaction, StoreError> {
        // One process writes one transaction at a time: they never conflict.
        if let Some(database) = &self.direct {
            return Ok(database.transact(parts).await?);
        }
        let mut pauses = PAUSES.iter();
        loop {
            match self.transact_once(parts.clone()).await {
                Ok(transaction) => return Ok(transaction),
                Err(failure) => pause_after(failure, &mut pauses).await?,
            }
        }
    }

    async fn transact_once(&self, parts: Vec<TransactWriteItem>) -> Result<Transaction, Failure> {
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(parts))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Transaction::Done),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    cancellation(cancelled.cancellation_reasons()).map(Transaction::Refused)
                }
                _ => Err(failure("TransactWriteItems", &error)),
            },
        }
    }

    /// Makes a part of a transaction from what the SDK's builder returned.
    pub(crate) fn part(
        built: Result<TransactWriteItem, BuildError>,
    ) -> Result<TransactWriteItem, StoreError> {
        built.map_err(|error| unwritable("a transaction", &error))
    }
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

/// Reads why a transaction was cancelled: one reason for each part, in their order. A lost
/// condition is a fact whatever else went wrong, so it comes first.
pub(crate) fn cancellation(
    reasons: &[CancellationReason],
) -> Result<Vec<(usize, Option<Record>)>, Failure> {
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
