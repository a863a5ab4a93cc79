//! The table: one partition key, one sort key, paid by request.

use std::time::Duration;

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    TableDescription,
};
use trading::StoreError;

use crate::DynamoStore;
use crate::error::{store_error, unwritable};
use crate::item::{PARTITION, SORT};

/// How long a new table may take to become usable.
const CREATION: Duration = Duration::from_secs(120);

impl DynamoStore {
    /// Creates the table unless it exists, and returns once it can be used. Repeating it changes
    /// nothing.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when a table of that name has other keys; otherwise as every call.
    pub async fn create_table(&self) -> Result<(), StoreError> {
        let created = self
            .client
            .create_table()
            .table_name(&*self.table)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute(PARTITION)?)
            .attribute_definitions(attribute(SORT)?)
            .key_schema(key(PARTITION, KeyType::Hash)?)
            .key_schema(key(SORT, KeyType::Range)?)
            .send()
            .await;
        if let Err(error) = created {
            let exists = error
                .as_service_error()
                .is_some_and(|error| error.is_resource_in_use_exception());
            if !exists {
                return Err(store_error("CreateTable", &error));
            }
        }
        self.client
            .wait_until_table_exists()
            .table_name(&*self.table)
            .wait(CREATION)
            .await
            .map_err(|error| {
                StoreError::Unavailable(format!(
                    "the table {} did not become usable: {error}",
                    self.table
                ))
            })?;
        self.check_table().await
    }

    /// Checks that the table exists and has the keys this store writes.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when it has other keys; otherwise as every call.
    pub async fn check_table(&self) -> Result<(), StoreError> {
        let reply = self
            .client
            .describe_table()
            .table_name(&*self.table)
            .send()
            .await
            .map_err(|error| store_error("DescribeTable", &error))?;
        if reply.table().is_some_and(has_our_keys) {
            return Ok(());
        }
        Err(StoreError::Invalid(format!(
            "the table {} belongs to something else: its keys are not {PARTITION} and {SORT}. \
             Choose another table name",
            self.table
        )))
    }
}

fn has_our_keys(table: &TableDescription) -> bool {
    let keys: Vec<_> = table
        .key_schema()
        .iter()
        .map(|key| (key.attribute_name(), key.key_type()))
        .collect();
    keys == [(PARTITION, &KeyType::Hash), (SORT, &KeyType::Range)]
}

fn attribute(name: &str) -> Result<AttributeDefinition, StoreError> {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S)
        .build()
        .map_err(|error| unwritable("the table", &error))
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, StoreError> {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind)
        .build()
        .map_err(|error| unwritable("the table", &error))
}
