//! What the schedule's last run saw from where the functions run: one item, written over by each run.
//!
//! It lies beside the table's own place, where the functions may write anyway. No decision depends on it: an operator
//! reads it to see that the schedule runs, and whether the exchange lets the functions in.

use domain::LocalTime;
use serde::{Deserialize, Serialize};
use trading::{Environment, StoreError};

use crate::DynamoStore;
use crate::item::record_item;
use crate::key::Key;

/// How an exchange answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum ExchangeAnswer {
    /// It told its time.
    LetIn {
        /// How long that took.
        millis: u64,
    },
    /// It lets nobody in from this region (HTTP 451).
    RegionRefused {
        /// In its words.
        detail: String,
    },
    /// It lets this network address ask nothing now: banned, or its request weight used up.
    AddressRefused {
        /// In its words.
        detail: String,
    },
    /// It did not answer, or with something else.
    Unreached {
        /// Why.
        detail: String,
    },
}

/// One run of the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleRun {
    /// When it ended.
    pub at: LocalTime,
    /// The version that ran.
    pub version: String,
    /// Where it ran, as AWS calls it.
    pub region: Option<String>,
    /// What the functions of its network address call that; `None` where each call may leave through another one.
    pub address: Option<String>,
    /// The exchange it asked: that where most accounts trade.
    pub exchange: Environment,
    /// How that answered.
    pub answered: ExchangeAnswer,
    /// Why due bots could not all be sent on; `None` when they were.
    pub failed: Option<String>,
}

impl DynamoStore {
    /// Writes down what a run saw, over what the one before saw.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_schedule_run(&self, run: &ScheduleRun) -> Result<(), StoreError> {
        self.replace(record_item(&Key::schedule_run(), run)?).await
    }

    /// What the last run saw; `None` when there was none yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn schedule_run(&self) -> Result<Option<ScheduleRun>, StoreError> {
        let found = self.read_one(&Key::schedule_run()).await?;
        found.map(|record| record.decode()).transpose()
    }
}

#[cfg(all(test, feature = "embedded"))]
mod tests {
    use super::*;
    use crate::EmbeddedDynamo;

    fn run(at: i64, answered: ExchangeAnswer) -> ScheduleRun {
        ScheduleRun {
            at: LocalTime::from_millis(at),
            version: "0.1.0".to_owned(),
            region: Some("eu-west-1".to_owned()),
            address: None,
            exchange: Environment::Testnet,
            answered,
            failed: None,
        }
    }

    #[tokio::test]
    async fn the_last_run_counts_and_tells_what_it_saw() {
        let store = EmbeddedDynamo::memory().unwrap().store("runs");
        store.create_table().await.unwrap();
        assert_eq!(store.schedule_run().await.unwrap(), None);
        let detail = || "in words".to_owned();
        for (at, answered) in [
            ExchangeAnswer::LetIn { millis: 12 },
            ExchangeAnswer::RegionRefused { detail: detail() },
            ExchangeAnswer::AddressRefused { detail: detail() },
            ExchangeAnswer::Unreached { detail: detail() },
        ]
        .into_iter()
        .enumerate()
        {
            let mut run = run(i64::try_from(at).unwrap(), answered);
            run.failed = (at > 2).then(detail);
            run.address = (at > 2).then(detail);
            store.put_schedule_run(&run).await.unwrap();
            assert_eq!(store.schedule_run().await.unwrap(), Some(run));
        }
        // It lies beside the table's place, and leaves that as it is.
        store.prove_identity("here").await.unwrap();
        store
            .put_schedule_run(&run(9, ExchangeAnswer::LetIn { millis: 1 }))
            .await
            .unwrap();
        let place = store.prove_identity("elsewhere").await.unwrap();
        assert_eq!(place, crate::Identity::Copy);
    }
}
