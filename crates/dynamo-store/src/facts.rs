//! What DynamoDB says of the table itself, for whoever checks a deployment.

use aws_sdk_dynamodb::types::{
    ContinuousBackupsStatus, PointInTimeRecoveryStatus, TableStatus, TimeToLiveStatus,
};
use trading::StoreError;

use crate::DynamoStore;
use crate::error::store_error;

/// What DynamoDB says of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFacts {
    /// Its status, such as `ACTIVE`.
    pub status: String,
    /// Whether it refuses to be deleted.
    pub protected: bool,
    /// Whether its items are encrypted with a key of KMS's that was named.
    pub sealed: bool,
    /// Whether it can be restored to any second of the last weeks.
    pub restorable: bool,
    /// Whether DynamoDB deletes items by itself after some time.
    pub expires: bool,
}

impl TableFacts {
    /// Whether it can be worked with.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == TableStatus::Active.as_str()
    }
}

impl DynamoStore {
    /// What DynamoDB says of the table.
    ///
    /// # Errors
    /// [`StoreError`], also where one of the three questions is not allowed.
    pub async fn facts(&self) -> Result<TableFacts, StoreError> {
        let name = &*self.table;
        let told = self.client.describe_table().table_name(name).send().await;
        let told = told.map_err(|error| store_error("DescribeTable", &error))?;
        let table = told.table();
        let backups = self.client.describe_continuous_backups().table_name(name);
        let backups = backups.send().await;
        let backups = backups.map_err(|error| store_error("DescribeContinuousBackups", &error))?;
        let backups = backups.continuous_backups_description();
        let on = PointInTimeRecoveryStatus::Enabled;
        let restorable = backups.is_some_and(|told| {
            let described = told.point_in_time_recovery_description();
            *told.continuous_backups_status() == ContinuousBackupsStatus::Enabled
                && described.and_then(|all| all.point_in_time_recovery_status()) == Some(&on)
        });
        let ending = self.client.describe_time_to_live().table_name(name);
        let ending = ending.send().await;
        let ending = ending.map_err(|error| store_error("DescribeTimeToLive", &error))?;
        let ending = ending.time_to_live_description();
        let ending = ending.and_then(|told| told.time_to_live_status());
        let status = table.and_then(|table| table.table_status());
        Ok(TableFacts {
            status: status.map_or_else(String::new, |status| status.as_str().to_owned()),
            protected: table.and_then(|table| table.deletion_protection_enabled()) == Some(true),
            sealed: table
                .and_then(|table| table.sse_description())
                .is_some_and(|told| told.kms_master_key_arn().is_some()),
            restorable,
            expires: matches!(
                ending,
                Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
            ),
        })
    }
}
