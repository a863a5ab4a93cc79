//! Everything the table holds of one bot, for audits and for whoever mends a record by hand.

use domain::BotId;
use serde_json::{Value, json};
use trading::StoreError;

use crate::DynamoStore;
use crate::item::Record;
use crate::key;
use crate::level_record::{from_record, index_of};

impl DynamoStore {
    /// All items of a bot as lines of JSON, in the order of their keys: its record, due time,
    /// events, fills and levels. Levels appear with the long names of their fields. An item that
    /// cannot be read appears as it is, with `unreadable` saying why; it never ends the dump.
    ///
    /// # Errors
    /// [`StoreError`] when the table does not answer.
    pub async fn dump(&self, bot: &BotId) -> Result<Vec<String>, StoreError> {
        let records = self.read_range(&key::bot_partition(bot), "").await?;
        Ok(records
            .iter()
            .map(|record| line(record, bot).to_string())
            .collect())
    }
}

fn line(record: &Record, bot: &BotId) -> Value {
    let key = json!({"pk": record.key.partition, "sk": record.key.sort});
    let content = if record.key.sort.starts_with(key::LEVEL) {
        level(record, bot)
    } else {
        record.check_format().and_then(|()| record.json())
    };
    let content = content.unwrap_or_else(|error| {
        json!({
            "unreadable": error.to_string(),
            "raw": record.json().unwrap_or_else(|_| Value::String(format!("{record:?}"))),
        })
    });
    merge(content, key)
}

fn level(record: &Record, bot: &BotId) -> Result<Value, StoreError> {
    let level = from_record(record, bot, index_of(record)?)?;
    serde_json::to_value(level).map_err(|error| record.corrupt(error))
}

fn merge(content: Value, key: Value) -> Value {
    match (content, key) {
        (Value::Object(mut content), Value::Object(key)) => {
            content.extend(key);
            Value::Object(content)
        }
        (content, _) => content,
    }
}
