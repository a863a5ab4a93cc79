//! Items as they lie in the table: their attributes, their format version, and the strict reading
//! of them.
//!
//! Every item carries the version of its format. What cannot be read is an error that names the
//! item; there is no default for a missing or broken attribute anywhere.

use std::collections::BTreeMap;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use trading::{StoreError, excerpt};

use crate::error::unwritable;
use crate::key::Key;

/// The attributes of an item by name.
pub(crate) type Attributes = BTreeMap<String, AttributeValue>;

/// The version of the format this program reads and writes.
pub(crate) const FORMAT: u32 = 1;

/// The attribute that holds an item's format version.
pub(crate) const FORMAT_ATTRIBUTE: &str = "fv";
/// The attribute that holds the partition key.
pub(crate) const PARTITION: &str = "pk";
/// The attribute that holds the sort key.
pub(crate) const SORT: &str = "sk";

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The attributes of an item with its keys and the format version set.
pub(crate) fn keyed(key: &Key, mut attributes: Attributes) -> Attributes {
    attributes.insert(PARTITION.to_owned(), text(key.partition.clone()));
    attributes.insert(SORT.to_owned(), text(key.sort.clone()));
    attributes.insert(FORMAT_ATTRIBUTE.to_owned(), number(FORMAT));
    attributes
}

/// A whole record as an item, one attribute for each field.
pub(crate) fn record_item<T: Serialize>(key: &Key, record: &T) -> Result<Attributes, StoreError> {
    let AttributeValue::M(fields) = to_attribute(key, record)? else {
        return Err(unwritable(&key.to_string(), &"it is no record with fields"));
    };
    Ok(keyed(key, fields.into_iter().collect()))
}

/// One value as one attribute.
pub(crate) fn to_attribute<T: Serialize>(
    key: &Key,
    value: &T,
) -> Result<AttributeValue, StoreError> {
    let what = || key.to_string();
    let value = serde_json::to_value(value).map_err(|error| unwritable(&what(), &error))?;
    from_json(value).map_err(|error| unwritable(&what(), &error))
}

fn from_json(value: Value) -> Result<AttributeValue, String> {
    Ok(match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(flag) => AttributeValue::Bool(flag),
        Value::Number(number) if number.is_i64() || number.is_u64() => {
            AttributeValue::N(number.to_string())
        }
        Value::Number(number) => return Err(format!("{number} is no integer")),
        Value::String(text) => AttributeValue::S(text),
        Value::Array(values) => AttributeValue::L(
            values
                .into_iter()
                .map(from_json)
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(fields) => AttributeValue::M(
            fields
                .into_iter()
                .map(|(name, value)| Ok::<_, String>((name, from_json(value)?)))
                .collect::<Result<_, _>>()?,
        ),
    })
}

fn to_json(value: &AttributeValue) -> Result<Value, String> {
    if let AttributeValue::S(text) = value {
        Ok(Value::String(text.clone()))
    } else if let AttributeValue::N(digits) = value {
        integer(digits)
    } else if let AttributeValue::Bool(flag) = value {
        Ok(Value::Bool(*flag))
    } else if let AttributeValue::M(fields) = value {
        let fields = fields
            .iter()
            .map(|(name, value)| Ok::<_, String>((name.clone(), to_json(value)?)));
        Ok(Value::Object(fields.collect::<Result<_, _>>()?))
    } else if let AttributeValue::L(values) = value {
        Ok(Value::Array(
            values.iter().map(to_json).collect::<Result<_, _>>()?,
        ))
    } else if let AttributeValue::Null(_) = value {
        Ok(Value::Null)
    } else {
        Err("an attribute is of a kind this program never writes".to_owned())
    }
}

fn integer(digits: &str) -> Result<Value, String> {
    let signed = digits.parse::<i64>().map(Value::from);
    let unsigned = |_| digits.parse::<u64>().map(Value::from);
    signed
        .or_else(unsigned)
        .map_err(|error| format!("the number {digits} is no integer: {error}"))
}

/// An item as read from the table.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Where it lies.
    pub(crate) key: Key,
    attributes: Attributes,
}

impl Record {
    /// Takes an item as the service returned it. An item without text keys cannot come from a
    /// table of ours; its key then shows as `?`.
    pub(crate) fn new(item: impl IntoIterator<Item = (String, AttributeValue)>) -> Self {
        let attributes: Attributes = item.into_iter().collect();
        let part = |name: &str| match attributes.get(name) {
            Some(AttributeValue::S(text)) => text.clone(),
            _ => "?".to_owned(),
        };
        Self {
            key: Key::new(part(PARTITION), part(SORT)),
            attributes,
        }
    }

    /// An error that names this item and says what to do about it.
    pub(crate) fn corrupt(&self, detail: impl std::fmt::Display) -> StoreError {
        StoreError::Corrupt {
            key: excerpt(&self.key.to_string()),
            detail: format!(
                "{}; nothing was changed. Restore the item from a backup or dump",
                excerpt(&detail.to_string())
            ),
        }
    }

    /// Checks the format version.
    pub(crate) fn check_format(&self) -> Result<(), StoreError> {
        let found: u32 = self.number(FORMAT_ATTRIBUTE)?;
        if found == FORMAT {
            return Ok(());
        }
        let detail = if found > FORMAT {
            format!(
                "its format {found} is newer than {FORMAT}, the newest this program knows; nothing \
                 was changed. Use the version of Gridkeeper that wrote it, or a later one"
            )
        } else {
            format!("its format {found} was never written by any version; nothing was changed")
        };
        Err(StoreError::Corrupt {
            key: excerpt(&self.key.to_string()),
            detail,
        })
    }

    /// An attribute that may be absent.
    pub(crate) fn get(&self, name: &str) -> Option<&AttributeValue> {
        self.attributes.get(name)
    }

    fn require(&self, name: &str) -> Result<&AttributeValue, StoreError> {
        self.get(name)
            .ok_or_else(|| self.corrupt(format_args!("its attribute \"{name}\" is missing")))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, StoreError> {
        let text = self.require(name)?.as_s();
        text.map(String::as_str)
            .map_err(|_other| self.corrupt(format_args!("its attribute \"{name}\" is no text")))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, StoreError> {
        self.require(name)?.as_bool().copied().map_err(|_other| {
            self.corrupt(format_args!(
                "its attribute \"{name}\" is neither true nor false"
            ))
        })
    }

    pub(crate) fn number<T>(&self, name: &str) -> Result<T, StoreError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let digits = self.require(name)?.as_n().map_err(|_other| {
            self.corrupt(format_args!("its attribute \"{name}\" is no number"))
        })?;
        digits.parse().map_err(|error| {
            self.corrupt(format_args!(
                "its attribute \"{name}\" is {digits}: {error}"
            ))
        })
    }

    /// A text attribute read as something that has a text form, such as an amount.
    pub(crate) fn parsed<T>(&self, name: &str) -> Result<T, StoreError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        self.text(name)?
            .parse()
            .map_err(|error| self.corrupt(format_args!("its attribute \"{name}\": {error}")))
    }

    /// One attribute read by the type's own description.
    pub(crate) fn decoded<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        let value = to_json(self.require(name)?).map_err(|error| self.corrupt(error))?;
        serde_json::from_value(value)
            .map_err(|error| self.corrupt(format_args!("its attribute \"{name}\": {error}")))
    }

    /// The whole item read by the type's own description. A field that is absent is an error even
    /// where the type would take its absence for "none".
    pub(crate) fn decode<T: Serialize + DeserializeOwned>(&self) -> Result<T, StoreError> {
        self.check_format()?;
        let record: T =
            serde_json::from_value(self.json()?).map_err(|error| self.corrupt(error))?;
        let fields = serde_json::to_value(&record).map_err(|error| self.corrupt(error))?;
        for name in fields.as_object().into_iter().flat_map(|all| all.keys()) {
            self.require(name)?;
        }
        Ok(record)
    }

    /// The whole item as JSON, keys and format version included.
    pub(crate) fn json(&self) -> Result<Value, StoreError> {
        let fields = self
            .attributes
            .iter()
            .map(|(name, value)| Ok::<_, String>((name.clone(), to_json(value)?)))
            .collect::<Result<_, _>>()
            .map_err(|error| self.corrupt(error))?;
        Ok(Value::Object(fields))
    }

    /// Checks that a record lies under the key that its content calls for.
    pub(crate) fn check_key(&self, expected: &Key) -> Result<(), StoreError> {
        if self.key == *expected {
            Ok(())
        } else {
            Err(self.corrupt(format_args!("its content belongs under {expected}")))
        }
    }
}

/// A text cut to at most `bytes`, at the border of a character.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = (0..=bytes)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_ends_at_a_character() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut("aäö", 3), "aä");
        assert_eq!(cut("aäö", 2), "a");
        assert_eq!(cut("ä", 1), "");
    }

    #[test]
    fn an_error_repeats_little_of_an_item() {
        let long = || text("x".repeat(100_000));
        let record = Record::new([("bp", long()), ("fe", long())].map(|(n, v)| (n.to_owned(), v)));
        for error in [
            record.parsed::<domain::Price>("bp").unwrap_err(),
            record.decoded::<BTreeMap<String, u8>>("fe").unwrap_err(),
            record.decoded::<u8>("bp").unwrap_err(),
        ] {
            let told = error.to_string();
            assert!(
                told.len() < 600 && told.contains("nothing was changed"),
                "{told}"
            );
        }
    }

    #[test]
    fn a_fraction_never_becomes_a_number_attribute() {
        assert!(from_json(serde_json::json!({"price": 1.5})).is_err());
        assert!(to_json(&AttributeValue::N("1.5".to_owned())).is_err());
        let largest = from_json(Value::from(u64::MAX)).unwrap();
        assert_eq!(to_json(&largest), Ok(Value::from(u64::MAX)));
    }
}
