//! Attribute values as the SDK and as the embedded database spell them.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynoxide::AttributeValue as Embedded;
use trading::StoreError;

use crate::error::unwritable;

/// An item as the embedded database takes it.
pub(crate) type EmbeddedItem = dynoxide::Item;

/// An item on its way in.
pub(crate) fn item_inward(
    item: impl IntoIterator<Item = (String, AttributeValue)>,
) -> Result<EmbeddedItem, StoreError> {
    item.into_iter()
        .map(|(name, value)| Ok((name, inward(value)?)))
        .collect()
}

/// An item on its way out.
pub(crate) fn item_outward<C>(item: EmbeddedItem) -> C
where
    C: FromIterator<(String, AttributeValue)>,
{
    item.into_iter()
        .map(|(name, value)| (name, outward(value)))
        .collect()
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the SDK's enum may grow, and its own variant for that is private"
)]
fn inward(value: AttributeValue) -> Result<Embedded, StoreError> {
    Ok(match value {
        AttributeValue::S(text) => Embedded::S(text),
        AttributeValue::N(digits) => Embedded::N(digits),
        AttributeValue::Bool(flag) => Embedded::BOOL(flag),
        AttributeValue::Null(null) => Embedded::NULL(null),
        AttributeValue::M(fields) => Embedded::M(item_inward(fields)?),
        AttributeValue::L(values) => {
            Embedded::L(values.into_iter().map(inward).collect::<Result<_, _>>()?)
        }
        AttributeValue::B(bytes) => Embedded::B(bytes.into_inner()),
        AttributeValue::Ss(texts) => Embedded::SS(texts),
        AttributeValue::Ns(numbers) => Embedded::NS(numbers),
        AttributeValue::Bs(all) => Embedded::BS(all.into_iter().map(Blob::into_inner).collect()),
        unknown => {
            let kind = format!("{unknown:?} is of a kind the embedded database does not know");
            return Err(unwritable("an attribute", &kind));
        }
    })
}

fn outward(value: Embedded) -> AttributeValue {
    match value {
        Embedded::S(text) => AttributeValue::S(text),
        Embedded::N(digits) => AttributeValue::N(digits),
        Embedded::BOOL(flag) => AttributeValue::Bool(flag),
        Embedded::NULL(null) => AttributeValue::Null(null),
        Embedded::M(fields) => AttributeValue::M(item_outward(fields)),
        Embedded::L(values) => AttributeValue::L(values.into_iter().map(outward).collect()),
        Embedded::B(bytes) => AttributeValue::B(Blob::new(bytes)),
        Embedded::SS(texts) => AttributeValue::Ss(texts),
        Embedded::NS(numbers) => AttributeValue::Ns(numbers),
        Embedded::BS(all) => AttributeValue::Bs(all.into_iter().map(Blob::new).collect()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = AttributeValue> {
        let leaf = prop_oneof![
            "[a-z]{0,8}".prop_map(AttributeValue::S),
            any::<i64>().prop_map(|number| AttributeValue::N(number.to_string())),
            any::<bool>().prop_map(AttributeValue::Bool),
            Just(AttributeValue::Null(true)),
            prop::collection::vec(any::<u8>(), 0..8)
                .prop_map(|bytes| AttributeValue::B(Blob::new(bytes))),
            prop::collection::vec("[a-z]{1,4}", 1..4).prop_map(AttributeValue::Ss),
            prop::collection::vec("[1-9]{1,4}", 1..4).prop_map(AttributeValue::Ns),
            prop::collection::vec(any::<u8>(), 0..4)
                .prop_map(|bytes| AttributeValue::Bs(vec![Blob::new(bytes)])),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(AttributeValue::L),
                prop::collection::hash_map("[a-z]{1,4}", inner, 0..4).prop_map(AttributeValue::M),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_comes_back_as_it_went(value in values()) {
            prop_assert_eq!(outward(inward(value.clone()).unwrap()), value);
        }
    }
}
