//! The calls of the ordinary road, answered by the database in this process: no request is written
//! to be read again, as a call through the SDK's client would have it.
//!
//! They mean what the same calls of the SDK mean, errors included: the contract tests run both ways.

use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use dynoxide::DynoxideError;
use dynoxide::actions::batch_get_item::{BatchGetItemRequest, KeysAndAttributes};
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::query::QueryRequest;
use dynoxide::actions::transact_write_items::{
    TransactConditionCheck, TransactDelete, TransactPut, TransactUpdate,
    TransactWriteItem as EmbeddedPart, TransactWriteItemsRequest,
};
use dynoxide::actions::update_item::UpdateItemRequest;
use trading::StoreError;

use super::EmbeddedDynamo;
use super::value::{EmbeddedItem, item_inward, item_outward};
use crate::error::{Failure, by_code};
use crate::expression::Expression;
use crate::item::{Attributes, PARTITION, Record, SORT, text};
use crate::key::Key;
use crate::known::{Place, Touched};
use crate::range::{PageKey, Range};
use crate::write::{Transaction, Write, cancellation};

impl EmbeddedDynamo {
    /// Reads up to 100 items by their keys, all at one moment unless they are more than the database
    /// returns at once (16 MiB).
    pub(crate) async fn batch_get(
        &self,
        table: &str,
        keys: &[Key],
    ) -> Result<Vec<Record>, StoreError> {
        let mut asked: Vec<EmbeddedItem> =
            keys.iter().map(embedded_key).collect::<Result<_, _>>()?;
        let mut records = Vec::with_capacity(keys.len());
        while !asked.is_empty() {
            let before = asked.len();
            let keys = KeysAndAttributes {
                keys: asked,
                consistent_read: Some(true),
                ..KeysAndAttributes::default()
            };
            let request = BatchGetItemRequest {
                request_items: [(table.to_owned(), keys)].into(),
                ..BatchGetItemRequest::default()
            };
            let reply = self
                .look(move |database| database.batch_get_item(request))
                .await?
                .map_err(|error| final_error("BatchGetItem", &error))?;
            let items = reply.responses.into_values().flatten();
            records.extend(items.map(|item| Record::new(item_outward::<Vec<_>>(item))));
            asked = left_over(reply.unprocessed_keys)?;
            if asked.len() >= before {
                let text = format!("BatchGetItem left all of {before} keys over");
                return Err(StoreError::Unavailable(text));
            }
        }
        Ok(records)
    }

    /// Reads one item.
    pub(crate) async fn get(&self, table: &str, key: &Key) -> Result<Option<Record>, StoreError> {
        let request = GetItemRequest {
            table_name: table.to_owned(),
            key: embedded_key(key)?,
            consistent_read: Some(true),
            ..GetItemRequest::default()
        };
        let reply = self
            .look(move |database| database.get_item(request))
            .await?
            .map_err(|error| final_error("GetItem", &error))?;
        Ok(reply
            .item
            .map(|item| Record::new(item_outward::<Vec<_>>(item))))
    }

    /// Reads one page of a range, and says where the next one begins, if there is one.
    pub(crate) async fn query(
        &self,
        table: &str,
        range: Range<'_>,
        start: Option<PageKey>,
        limit: Option<i32>,
    ) -> Result<(Vec<Record>, Option<PageKey>), StoreError> {
        let request = QueryRequest {
            table_name: table.to_owned(),
            key_condition_expression: Some(range.condition().to_owned()),
            expression_attribute_names: Some(range.names()),
            expression_attribute_values: Some(item_inward(range.values::<Vec<_>>())?),
            exclusive_start_key: start.map(item_inward).transpose()?,
            limit: limit.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
            scan_index_forward: true,
            consistent_read: Some(true),
            ..QueryRequest::default()
        };
        let page = self
            .look(move |database| database.query(request))
            .await?
            .map_err(|error| final_error("Query", &error))?;
        let items = page.items.into_iter().flatten();
        let records = items.map(|item| Record::new(item_outward::<Vec<_>>(item)));
        let next = page.last_evaluated_key.filter(|key| !key.is_empty());
        Ok((records.collect(), next.map(item_outward)))
    }

    /// Writes one whole item under a condition.
    pub(crate) async fn put(
        &self,
        table: &str,
        item: Attributes,
        condition: &Expression,
    ) -> Result<Write, Failure> {
        let touched = Touched::Items(vec![place(table, key_of(&item))]);
        let request = PutItemRequest {
            table_name: table.to_owned(),
            item: item_inward(item)?,
            condition_expression: condition.condition(),
            expression_attribute_names: condition.names().map(|all| all.into_iter().collect()),
            expression_attribute_values: condition.values().map(item_inward).transpose()?,
            return_values_on_condition_check_failure: on_refusal(condition.on_refusal()),
            ..PutItemRequest::default()
        };
        let sent = self.write(&touched, move |database| database.put_item(request));
        written("PutItem", sent.await?.map(drop))
    }

    /// Changes attributes of one item under a condition.
    pub(crate) async fn update(
        &self,
        table: &str,
        key: &Key,
        change: &Expression,
    ) -> Result<Write, Failure> {
        let request = UpdateItemRequest {
            table_name: table.to_owned(),
            key: embedded_key(key)?,
            update_expression: Some(change.change()),
            condition_expression: change.condition(),
            expression_attribute_names: change.names().map(|all| all.into_iter().collect()),
            expression_attribute_values: change.values().map(item_inward).transpose()?,
            return_values_on_condition_check_failure: on_refusal(change.on_refusal()),
            ..UpdateItemRequest::default()
        };
        let touched = Touched::Items(vec![place(table, key.clone())]);
        let sent = self.write(&touched, move |database| database.update_item(request));
        written("UpdateItem", sent.await?.map(drop))
    }

    /// Writes several items, all or none.
    pub(crate) async fn transact(
        &self,
        parts: Vec<TransactWriteItem>,
    ) -> Result<Transaction, Failure> {
        let touched = Touched::Items(parts.iter().flat_map(touched).collect());
        let request = TransactWriteItemsRequest {
            transact_items: parts.into_iter().map(part).collect::<Result<_, _>>()?,
            ..TransactWriteItemsRequest::default()
        };
        let sent = self.write(&touched, move |database| {
            database.transact_write_items(request)
        });
        match sent.await? {
            Ok(_) => Ok(Transaction::Done),
            Err(DynoxideError::TransactionCanceledException(_, reasons)) => {
                let reasons: Vec<CancellationReason> = reasons.into_iter().map(reason).collect();
                cancellation(&reasons).map(Transaction::Refused)
            }
            Err(error) => Err(failure("TransactWriteItems", &error)),
        }
    }
}

fn place(table: &str, key: Key) -> Place {
    (table.into(), key)
}

fn key_of<'a>(item: impl IntoIterator<Item = (&'a String, &'a AttributeValue)>) -> Key {
    let mut key = Key::new("", "");
    for (name, value) in item {
        let AttributeValue::S(part) = value else {
            continue;
        };
        if name == PARTITION {
            key.partition.clone_from(part);
        } else if name == SORT {
            key.sort.clone_from(part);
        }
    }
    key
}

/// What a part of a transaction writes.
fn touched(part: &TransactWriteItem) -> Option<Place> {
    if let Some(put) = &part.put {
        return Some(place(&put.table_name, key_of(&put.item)));
    }
    if let Some(update) = &part.update {
        return Some(place(&update.table_name, key_of(&update.key)));
    }
    let delete = part.delete.as_ref()?;
    Some(place(&delete.table_name, key_of(&delete.key)))
}

/// The keys that a batch read did not get to.
fn left_over(
    keys: impl IntoIterator<Item = (String, serde_json::Value)>,
) -> Result<Vec<EmbeddedItem>, StoreError> {
    let mut all = Vec::new();
    for (_, asked) in keys {
        let asked: KeysAndAttributes = serde_json::from_value(asked).map_err(|error| {
            StoreError::Unavailable(format!("BatchGetItem: keys left over: {error}"))
        })?;
        all.extend(asked.keys);
    }
    Ok(all)
}

fn embedded_key(key: &Key) -> Result<EmbeddedItem, StoreError> {
    item_inward([
        (PARTITION.to_owned(), text(key.partition.clone())),
        (SORT.to_owned(), text(key.sort.clone())),
    ])
}

fn on_refusal(wanted: Option<ReturnValuesOnConditionCheckFailure>) -> Option<String> {
    wanted.map(|wanted| wanted.as_str().to_owned())
}

fn part(part: TransactWriteItem) -> Result<EmbeddedPart, StoreError> {
    let mut into = EmbeddedPart::default();
    if let Some(put) = part.put {
        into.put = Some(TransactPut {
            table_name: put.table_name,
            item: item_inward(put.item)?,
            condition_expression: put.condition_expression,
            expression_attribute_names: put.expression_attribute_names,
            expression_attribute_values: values(put.expression_attribute_values)?,
            return_values_on_condition_check_failure: on_refusal(
                put.return_values_on_condition_check_failure,
            ),
        });
    }
    if let Some(update) = part.update {
        into.update = Some(TransactUpdate {
            table_name: update.table_name,
            key: item_inward(update.key)?,
            update_expression: update.update_expression,
            condition_expression: update.condition_expression,
            expression_attribute_names: update.expression_attribute_names,
            expression_attribute_values: values(update.expression_attribute_values)?,
            return_values_on_condition_check_failure: on_refusal(
                update.return_values_on_condition_check_failure,
            ),
        });
    }
    if let Some(delete) = part.delete {
        into.delete = Some(TransactDelete {
            table_name: delete.table_name,
            key: item_inward(delete.key)?,
            condition_expression: delete.condition_expression,
            expression_attribute_names: delete.expression_attribute_names,
            expression_attribute_values: values(delete.expression_attribute_values)?,
            return_values_on_condition_check_failure: on_refusal(
                delete.return_values_on_condition_check_failure,
            ),
        });
    }
    if let Some(check) = part.condition_check {
        into.condition_check = Some(TransactConditionCheck {
            table_name: check.table_name,
            key: item_inward(check.key)?,
            condition_expression: check.condition_expression,
            expression_attribute_names: check.expression_attribute_names,
            expression_attribute_values: values(check.expression_attribute_values)?,
            return_values_on_condition_check_failure: on_refusal(
                check.return_values_on_condition_check_failure,
            ),
        });
    }
    Ok(into)
}

fn values(
    values: Option<impl IntoIterator<Item = (String, AttributeValue)>>,
) -> Result<Option<EmbeddedItem>, StoreError> {
    values.map(item_inward).transpose()
}

fn reason(reason: dynoxide::errors::CancellationReason) -> CancellationReason {
    CancellationReason::builder()
        .code(reason.code)
        .set_message(reason.message)
        .set_item(reason.item.map(item_outward))
        .build()
}

/// What became of the write of one item.
fn written(operation: &str, sent: Result<(), DynoxideError>) -> Result<Write, Failure> {
    match sent {
        Ok(()) => Ok(Write::Done),
        Err(DynoxideError::ConditionalCheckFailedException(_, old)) => {
            let old = old.filter(|old| !old.is_empty());
            Ok(Write::Refused(
                old.map(|old| Record::new(item_outward::<Vec<_>>(old))),
            ))
        }
        Err(error) => Err(failure(operation, &error)),
    }
}

fn failure(operation: &str, error: &DynoxideError) -> Failure {
    // "com.amazonaws.dynamodb.v20120810#ValidationException", as it goes over a wire.
    let kind = error.error_type();
    let code = kind.rsplit_once('#').map_or(kind, |(_, code)| code);
    by_code(operation, code, &error.to_string())
}

fn final_error(operation: &str, error: &DynoxideError) -> StoreError {
    failure(operation, error).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::Durability;
    use crate::item::keyed;

    const TABLE: &str = "records";

    /// 60 items of 350 KB are more than the 16 MiB that one batch read returns (`BatchGetItem` in
    /// the API reference).
    #[tokio::test]
    async fn a_batch_read_asks_again_for_what_was_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let database = EmbeddedDynamo::open(folder.path(), Durability::Process).unwrap();
        database.store(TABLE).create_table().await.unwrap();
        let keys: Vec<Key> = (0..60).map(|at| Key::new(format!("P{at}"), "S")).collect();
        for key in &keys {
            let mut item = Attributes::new();
            item.insert("text".to_owned(), text("x".repeat(350_000)));
            let item = keyed(key, item);
            let absent = Expression::absent();
            database.put(TABLE, item, &absent).await.unwrap();
        }
        let records = database.batch_get(TABLE, &keys).await.unwrap();
        let mut found: Vec<Key> = records.into_iter().map(|record| record.key).collect();
        found.sort();
        let mut keys = keys;
        keys.sort();
        assert_eq!(found, keys);
    }
}
