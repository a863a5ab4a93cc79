//! What requests to the table cost, by their bodies and by the items that they touch.
//!
//! Start at [`read_half_units`] and [`writes`]. The rules: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and
//! formats" and "DynamoDB on-demand capacity mode": a write unit for each KB of an item, twice that in a
//! transaction; a read unit for each 4 KB read consistently, half of it else.

use serde::Serialize;
use serde_json::Value;

use crate::wire::Wire;

/// One written item.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Written {
    /// `UpdateItem`, or what a transaction did to it: `Put`, `Update`, `ConditionCheck`.
    pub how: String,
    /// What it is, by the first word of its sort key: `LEVEL`, `FILL`.
    pub what: String,
    /// Its size afterwards.
    pub bytes: u64,
    /// What writing it takes.
    pub write_units: u64,
}

/// Half read units of a `BatchGetItem` that reads items of at most 4 KB; any other request reads none.
pub(super) fn read_half_units(operation: &str, body: &Value) -> u64 {
    if operation != "BatchGetItem" {
        return 0;
    }
    let tables = body["RequestItems"].as_object().into_iter().flatten();
    let of_each = tables.map(|(_, asked)| {
        let keys = asked["Keys"].as_array().map_or(0, Vec::len) as u64;
        keys * if asked["ConsistentRead"] == true {
            2
        } else {
            1
        }
    });
    of_each.sum()
}

/// What a request wrote, with the sizes that the items have now.
pub(super) async fn writes(
    wire: &Wire,
    operation: &str,
    body: &Value,
) -> anyhow::Result<Vec<Written>> {
    let mut written = Vec::new();
    for (how, key) in touched(operation, body) {
        let with = serde_json::json!({ "TableName": crate::deploy::STACK, "Key": key });
        let found = wire.table("GetItem", with).await?;
        let bytes = item_bytes(&found["Item"]);
        let factor = if operation == "TransactWriteItems" {
            2
        } else {
            1
        };
        let name = key["sk"]["S"].as_str().unwrap_or_default();
        written.push(Written {
            how,
            what: name.split('#').next().unwrap_or_default().to_owned(),
            bytes,
            write_units: bytes.div_ceil(1_024).max(1) * factor,
        });
    }
    Ok(written)
}

/// The keys that a request writes to, or checks in a transaction, which takes as much; and how.
fn touched(operation: &str, body: &Value) -> Vec<(String, Value)> {
    let key = |of: &Value| serde_json::json!({ "pk": of["pk"], "sk": of["sk"] });
    match operation {
        "UpdateItem" | "DeleteItem" => vec![(operation.to_owned(), key(&body["Key"]))],
        "PutItem" => vec![(operation.to_owned(), key(&body["Item"]))],
        "TransactWriteItems" => {
            let parts = body["TransactItems"].as_array().into_iter().flatten();
            let parts = parts.filter_map(Value::as_object).flatten();
            let part = |(how, part): (&String, &Value)| {
                let name = if how == "Put" { "Item" } else { "Key" };
                (how.clone(), key(&part[name]))
            };
            parts.map(part).collect()
        }
        _ => Vec::new(),
    }
}

/// The size of an item in DynamoDB's JSON.
fn item_bytes(item: &Value) -> u64 {
    let fields = item.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| name.len() as u64 + value_bytes(value))
        .sum()
}

fn value_bytes(value: &Value) -> u64 {
    let typed = value.as_object().and_then(|typed| typed.iter().next());
    match typed.map(|(kind, value)| (kind.as_str(), value)) {
        Some(("S", Value::String(text))) => text.len() as u64,
        Some(("N", Value::String(digits))) => {
            let sign = u64::from(digits.starts_with('-'));
            let digits = digits.bytes().filter(u8::is_ascii_digit).count() as u64;
            digits.div_ceil(2) + 1 + sign
        }
        Some(("M", Value::Object(fields))) => {
            let each = fields.iter();
            let each = each.map(|(name, value)| name.len() as u64 + value_bytes(value) + 1);
            3 + each.sum::<u64>()
        }
        Some(("L", Value::Array(values))) => {
            3 + values
                .iter()
                .map(|value| value_bytes(value) + 1)
                .sum::<u64>()
        }
        // Binary is four characters for three bytes, which makes it too large here; a word of truth, or none, is a byte.
        Some(("B", Value::String(text))) => text.len() as u64,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_item_is_as_large_as_dynamodb_counts_it() {
        for (item, bytes) in [
            (json!({}), 0),
            (json!({"pk": {"S": "BOT#a"}}), 7),
            (json!({"n": {"N": "12345"}}), 5),
            (json!({"n": {"N": "-1.5"}}), 4),
            (json!({"b": {"BOOL": true}, "z": {"NULL": true}}), 4),
            (json!({"m": {"M": {"ab": {"S": "cd"}}}}), 9),
            (json!({"l": {"L": [{"S": "cd"}, {"N": "1"}]}}), 10),
        ] {
            assert_eq!(item_bytes(&item), bytes, "{item}");
        }
    }

    #[test]
    fn a_transaction_touches_all_that_it_names() {
        let key = json!({"pk": {"S": "p"}, "sk": {"S": "s"}});
        let body = json!({"TransactItems": [
            {"Put": {"Item": {"pk": {"S": "p"}, "sk": {"S": "s"}, "more": {"S": "x"}}}},
            {"ConditionCheck": {"Key": key}},
        ]});
        let touched = touched("TransactWriteItems", &body);
        let expected = [
            ("Put".to_owned(), key.clone()),
            ("ConditionCheck".to_owned(), key),
        ];
        assert_eq!(touched, expected);
    }

    #[test]
    fn what_is_read_consistently_takes_twice_as_much() {
        let body = json!({"RequestItems": {
            "t": {"ConsistentRead": true, "Keys": [{}, {}]}, "u": {"Keys": [{}]},
        }});
        assert_eq!(read_half_units("BatchGetItem", &body), 5);
        assert_eq!(read_half_units("UpdateItem", &body), 0);
    }
}
