//! Amounts, names and choices as operators, the exchange and records write them.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use domain::{
    AccountId, Asset, BaseAmount, BotId, ClientOrderId, FirstInventory, Price, Quantity,
    QuoteAmount, Rate, Sizing, Spacing, Symbol,
};
use exchange_simulator::Speed;
use serde_json::Value;

use super::text;
use crate::examine::Seen;

/// One word, read as everything that a word can be.
pub(super) fn words(input: &[u8]) -> Seen {
    let text = match text(input) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let mut read = Vec::new();
    let mut note = |what, ok| {
        if ok {
            read.push(what);
        }
    };
    note("price", amount::<Price>(text));
    note("quantity", amount::<Quantity>(text));
    note("quote", amount::<QuoteAmount>(text));
    note("base", amount::<BaseAmount>(text));
    note("rate", rate(text));
    note("account", name::<AccountId>(text));
    note("bot", name::<BotId>(text));
    note("symbol", name::<Symbol>(text));
    note("asset", name::<Asset>(text));
    note("order", name::<ClientOrderId>(text));
    note("spacing", choice::<Spacing>(text));
    note("sizing", choice::<Sizing>(text));
    note("inventory", choice::<FirstInventory>(text));
    note("speed", text.parse::<Speed>().is_ok());
    if read.is_empty() {
        Seen::Refused(shape(text))
    } else {
        Seen::Accepted(format!("{}\n{}", read.join("\n"), shape(text)))
    }
}

/// What a short word looks like: its kinds of letters in their order.
fn shape(text: &str) -> String {
    let kinds = text.chars().take(24).map(|letter| match letter {
        '0'..='9' => "digits",
        'a'..='z' => "small",
        'A'..='Z' => "large",
        '.' => "point",
        '-' | '+' => "sign",
        '%' => "percent",
        ':' => "colon",
        _ if letter.is_ascii() => "other",
        _ => "foreign",
    });
    let mut shape: Vec<&str> = kinds.collect();
    shape.dedup();
    shape.truncate(5);
    shape.join(" ")
}

/// An amount that is read is the number that was written, exactly, and reads back from its own text.
fn amount<T>(text: &str) -> bool
where
    T: FromStr<Err: Display>
        + Display
        + Debug
        + PartialEq
        + serde::Serialize
        + serde::de::DeserializeOwned,
{
    let amount: T = match text.parse() {
        Ok(amount) => amount,
        Err(error) => return refusal(&error),
    };
    let shown = amount.to_string();
    assert_eq!(shown, plain(text), "{text:?} is read as another number");
    assert_eq!(shown.parse().ok(), Some(amount), "{shown:?} reads back");
    let json = Value::String(shown);
    let again: T = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), json);
    true
}

/// A number in its one spelling: no zeros that say nothing, no sign of zero.
fn plain(text: &str) -> String {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    match (whole, fraction) {
        ("0", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    }
}

/// A rate is read as the percentage that was written, exactly.
fn rate(text: &str) -> bool {
    let rate: Rate = match text.parse() {
        Ok(rate) => rate,
        Err(error) => return refusal(&error),
    };
    let written = text.trim_end_matches('%').trim_end_matches(' ');
    assert_eq!(
        rate.to_string(),
        format!("{}%", plain(written)),
        "{text:?} is read as another rate"
    );
    assert_eq!(rate.to_string().parse::<Rate>().ok(), Some(rate));
    let json = serde_json::to_value(rate).unwrap();
    assert_eq!(serde_json::from_value::<Rate>(json).unwrap(), rate);
    true
}

/// A name that is read is written as it was.
fn name<T>(text: &str) -> bool
where
    T: FromStr<Err: Display> + Display + serde::Serialize + serde::de::DeserializeOwned,
{
    let name: T = match text.parse() {
        Ok(name) => name,
        Err(error) => return refusal(&error),
    };
    assert_eq!(name.to_string(), text);
    let json = serde_json::to_value(&name).unwrap();
    assert_eq!(json, Value::String(text.to_owned()));
    let again: T = serde_json::from_value(json).unwrap();
    assert_eq!(again.to_string(), text);
    true
}

/// A choice that is read means the same once it is written.
fn choice<T>(text: &str) -> bool
where
    T: FromStr<Err: Display> + Display + Debug + PartialEq,
{
    let choice: T = match text.parse() {
        Ok(choice) => choice,
        Err(error) => return refusal(&error),
    };
    assert_eq!(choice.to_string().parse().ok(), Some(choice));
    true
}

/// What refuses a word must neither repeat all of it nor obey it.
fn refusal(error: &impl Display) -> bool {
    let told = error.to_string();
    assert!(told.len() < 1_024, "{} bytes", told.len());
    assert!(!told.contains('\u{1b}'), "{told:?}");
    false
}
