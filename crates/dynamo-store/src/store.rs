//! The store itself: one table behind an SDK client, and the few ways in which it is read.
//!
//! Every read is strongly consistent, by keys or by a range of one partition; nothing scans.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use trading::StoreError;

use crate::embedded::EmbeddedDynamo;
use crate::error::{store_error, unwritable};
use crate::item::{PARTITION, Record, SORT, text};
use crate::key::Key;
use crate::mark::Marks;

/// Pauses before a request that DynamoDB turned away is sent again: a write that met another
/// transaction on the same item, which is refused at once instead of being queued (developer guide,
/// "transaction conflict handling"), and keys that a batch read left over.
pub(crate) const PAUSES: [Duration; 4] = [
    Duration::from_millis(10),
    Duration::from_millis(30),
    Duration::from_millis(90),
    Duration::from_millis(270),
];

/// How often the keys a batch read left over are asked for again.
const BATCH_TRIES: usize = 6;

/// The most keys of one batch read (`BatchGetItem` in the API reference).
const BATCH_KEYS: usize = 100;

/// The table of all records. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct DynamoStore {
    pub(crate) client: Client,
    /// The database in this process, where it is one: the client reaches the same.
    pub(crate) direct: Option<EmbeddedDynamo>,
    pub(crate) table: Arc<str>,
    pub(crate) marks: Arc<Marks>,
    /// The network address that others use too, by the name they agreed on.
    pub(crate) address: Option<Arc<str>>,
}

impl DynamoStore {
    /// The store in this table. Opens nothing: the first call does.
    #[must_use]
    pub fn new(client: Client, table: impl Into<Arc<str>>) -> Self {
        Self {
            client,
            direct: None,
            table: table.into(),
            marks: Arc::new(Marks::random()),
            address: None,
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
            if let Some(database) = &self.direct {
                records.extend(database.batch_get(&self.table, chunk).await?);
                continue;
            }
            let mut asked = Some(keys_and_attributes(chunk)?);
            let mut pauses = PAUSES.iter();
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
        if let Some(database) = &self.direct {
            return database.get(&self.table, key).await;
        }
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
