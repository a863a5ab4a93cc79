//! The templates as JSON: what a function of CloudFormation stands for is written as text.
//!
//! `!Ref A` is `${A}`, `!GetAtt A.B` is `${A.B}`, and what `!Sub` takes stands as it is. Other functions are objects
//! with one key, as in `{"If": ["InSubnets", ..]}`.

use std::sync::LazyLock;

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// `template.yaml`.
pub(super) static MAIN: LazyLock<Value> =
    LazyLock::new(|| read(include_str!("../../../../template.yaml")));

/// `infra/bridge.yaml`.
pub(super) static BRIDGE: LazyLock<Value> =
    LazyLock::new(|| read(include_str!("../../../../infra/bridge.yaml")));

/// `infra/kept.yaml`.
pub(super) static KEPT: LazyLock<Value> =
    LazyLock::new(|| read(include_str!("../../../../infra/kept.yaml")));

fn read(text: &str) -> Value {
    let documents = Yaml::load_from_str(text).unwrap();
    assert_eq!(documents.len(), 1);
    json_of(&documents[0])
}

fn json_of(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(json_of).collect(),
        Yaml::Mapping(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let key = key.as_str().expect("keys are text");
                (key.to_owned(), json_of(value))
            });
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Yaml::Tagged(tag, inner) => function(&tag.suffix, json_of(inner)),
        other @ (Yaml::Representation(..)
        | Yaml::Value(Scalar::FloatingPoint(_))
        | Yaml::Alias(_)
        | Yaml::BadValue) => panic!("what is {other:?}?"),
    }
}

fn function(name: &str, argument: Value) -> Value {
    match (name, &argument) {
        ("Ref" | "GetAtt", Value::String(of)) => json!(format!("${{{of}}}")),
        ("Sub", Value::String(_)) => argument,
        _ => json!({ name: argument }),
    }
}

/// What stands at a path such as `Resources/Table/Properties/TableName`.
pub(super) fn at<'a>(template: &'a Value, path: &str) -> &'a Value {
    path.split('/').fold(template, |value, part| {
        let place = part.parse::<usize>().ok();
        let found = value
            .get(part)
            .or_else(|| place.and_then(|place| value.get(place)));
        found.unwrap_or_else(|| panic!("{path}: there is no {part}"))
    })
}

/// A property of a resource of `template.yaml`.
pub(super) fn property(resource: &str, property: &str) -> &'static Value {
    at(
        &MAIN,
        &format!("Resources/{resource}/Properties/{property}"),
    )
}

/// The names and resources of these types, in the order of their names.
pub(super) fn of_type<'a>(
    template: &'a Value,
    types: &'a [&'a str],
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let resources = at(template, "Resources").as_object().unwrap();
    let of_type = resources.iter().filter(|(_, resource)| {
        let kind = resource["Type"].as_str().unwrap();
        types.contains(&kind)
    });
    of_type.map(|(name, resource)| (name.as_str(), resource))
}

/// A text, or a list of texts, as a list.
pub(super) fn texts(value: &Value) -> Vec<&str> {
    if let Some(items) = value.as_array() {
        return items.iter().map(|item| item.as_str().unwrap()).collect();
    }
    vec![value.as_str().unwrap()]
}
