//! Amounts as text, as JSON, and rounded.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a sum of a test that overflows fails the test, as it should"
)]

use proptest::prelude::*;

use super::*;

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

#[test]
fn garbage_is_no_amount_of_any_kind() {
    let long = "1".repeat(100);
    let padded = format!("{}1", "0".repeat(60));
    let garbage = [
        "",
        " ",
        "-",
        "+",
        ".",
        "-.",
        "1.",
        ".5",
        "-.5",
        "+5",
        "1_000",
        "1,5",
        "1.2.3",
        "1e5",
        "1E-5",
        "0x10",
        "NaN",
        "nan",
        "inf",
        "Infinity",
        "--1",
        "1-",
        " 1",
        "1 ",
        "1\n",
        "1\0",
        "١٢٣",
        "１２",
        "1\u{200b}",
        "½",
        "null",
        long.as_str(),
        padded.as_str(),
        "0.00000000000000000000000000001",
        "99999999999999999999999999999999",
    ];
    for text in garbage {
        assert!(text.parse::<Price>().is_err(), "price {text:?}");
        assert!(text.parse::<Quantity>().is_err(), "quantity {text:?}");
        assert!(text.parse::<QuoteAmount>().is_err(), "quote {text:?}");
        assert!(text.parse::<BaseAmount>().is_err(), "base {text:?}");
        let json = serde_json::to_string(text).unwrap();
        assert!(
            serde_json::from_str::<Price>(&json).is_err(),
            "price {json}"
        );
        assert!(
            serde_json::from_str::<QuoteAmount>(&json).is_err(),
            "quote {json}"
        );
        assert!(serde_json::from_str::<Rate>(&json).is_err(), "rate {json}");
    }
}

#[test]
fn a_json_number_is_no_amount() {
    for json in ["1", "1.5", "1e3", "null", "[]", "{}", "true"] {
        assert!(serde_json::from_str::<Price>(json).is_err(), "{json}");
        assert!(serde_json::from_str::<QuoteAmount>(json).is_err(), "{json}");
        assert!(serde_json::from_str::<Rate>(json).is_err(), "{json}");
    }
}

#[test]
fn each_kind_has_its_range() {
    for text in ["0", "-1", "0.0000000000000000001", "1000000000000000.1"] {
        assert!(text.parse::<Price>().is_err(), "price {text}");
    }
    for text in [
        "-1",
        "-0.000000000000000001",
        "0.0000000000000000001",
        "1000000000000001",
    ] {
        assert!(text.parse::<Quantity>().is_err(), "quantity {text}");
    }
    assert_eq!(quantity("1000000000000000"), Quantity::MAX);
    assert_eq!(quantity("0"), Quantity::ZERO);
    assert_eq!(
        "-12.5".parse::<QuoteAmount>().unwrap().decimal(),
        decimal("-12.5")
    );
}

#[test]
fn one_value_has_one_spelling() {
    for (read, written) in [
        ("1", "1"),
        ("1.50000000", "1.5"),
        ("007.10", "7.1"),
        ("100", "100"),
        ("0.00000001", "0.00000001"),
    ] {
        assert_eq!(price(read).to_string(), written);
        assert_eq!(
            serde_json::to_string(&price(read)).unwrap(),
            format!("\"{written}\"")
        );
    }
    for zero in ["0", "-0", "0.000", "-0.00"] {
        assert_eq!(zero.parse::<QuoteAmount>().unwrap().to_string(), "0");
        assert_eq!(zero.parse::<QuoteAmount>().unwrap(), QuoteAmount::ZERO);
    }
}

#[test]
fn the_error_shows_what_was_read_without_obeying_it() {
    let error = "\u{1b}[2J".parse::<Price>().unwrap_err().to_string();
    assert!(!error.contains('\u{1b}'), "{error:?}");
    let error = "7".repeat(500).parse::<Price>().unwrap_err().to_string();
    assert!(error.len() < 200, "{error}");
}

#[test]
fn prices_round_to_the_tick_as_named() {
    // (price, tick, nearest, floor, ceil)
    for (from, tick, nearest, floor, ceil) in [
        ("3.10639450", "0.0001", "3.1064", "3.1063", "3.1064"),
        ("3.10635", "0.0001", "3.1063", "3.1063", "3.1064"),
        (
            "3.106350000000000001",
            "0.0001",
            "3.1064",
            "3.1063",
            "3.1064",
        ),
        ("3.1063", "0.0001", "3.1063", "3.1063", "3.1063"),
        ("7.5", "5", "5", "5", "10"),
        ("7.6", "5", "10", "5", "10"),
        ("1.0", "0.3", "0.9", "0.9", "1.2"),
        ("1.05", "0.3", "0.9", "0.9", "1.2"),
        ("1.06", "0.3", "1.2", "0.9", "1.2"),
        ("1.23456", "0", "1.23456", "1.23456", "1.23456"),
    ] {
        let (from, tick) = (price(from), decimal(tick));
        assert_eq!(
            from.round_to_tick(tick),
            Some(price(nearest)),
            "nearest {from} {tick}"
        );
        assert_eq!(
            from.floor_to_tick(tick),
            Some(price(floor)),
            "floor {from} {tick}"
        );
        assert_eq!(
            from.ceil_to_tick(tick),
            Some(price(ceil)),
            "ceil {from} {tick}"
        );
    }
}

#[test]
fn a_price_never_rounds_to_nothing() {
    let low = price("0.00004");
    assert_eq!(low.round_to_tick(decimal("0.0001")), None);
    assert_eq!(low.floor_to_tick(decimal("0.0001")), None);
    assert_eq!(low.ceil_to_tick(decimal("0.0001")), Some(price("0.0001")));
    assert_eq!(low.floor_to_tick(decimal("-0.0001")), None);
}

#[test]
fn a_quotient_rounded_up_is_not_floored_too_high() {
    // 8.99.../3 needs more digits than a decimal has, so its quotient would read 3 exactly.
    let almost = quantity("8.999999999999999999");
    assert_eq!(almost.floor_to_step(decimal("3")), Some(quantity("6")));
    assert_eq!(almost.ceil_to_step(decimal("3")), Some(quantity("9")));
    let most = quantity("999999999999999.9999999999999");
    assert_eq!(
        most.floor_to_step(decimal("7")),
        Some(quantity("999999999999994"))
    );
}

#[test]
fn quantities_add_and_subtract_or_say_they_cannot() {
    assert_eq!(
        quantity("1").checked_add(quantity("0.5")),
        Some(quantity("1.5"))
    );
    assert_eq!(quantity("1").checked_sub(quantity("1.5")), None);
    assert_eq!(
        quantity("1").saturating_sub(quantity("1.5")),
        Quantity::ZERO
    );
    assert_eq!(
        quantity("1.5").checked_sub(quantity("1.5")),
        Some(Quantity::ZERO)
    );
    assert_eq!(Quantity::MAX.checked_add(quantity("1")), None);
    // 33 digits do not fit: the sum must not quietly lose the last of them.
    assert_eq!(
        quantity("900000000000000").checked_add(quantity("0.000000000000000001")),
        None
    );
}

#[test]
fn a_value_is_exact_or_none() {
    assert_eq!(
        price("3.1537").times(quantity("12.5")).unwrap().to_string(),
        "39.42125"
    );
    assert_eq!(
        price("0.000000000000000001").times(quantity("0.00000000001")),
        None
    );
    assert_eq!(price("1000000000000000").times(Quantity::MAX), None);
    assert_eq!(price("1").times(Quantity::ZERO), Some(QuoteAmount::ZERO));
}

#[test]
fn rates_are_read_and_written_as_percentages() {
    for (text, fraction, written) in [
        ("1.5%", "0.015", "1.5%"),
        ("0.1 %", "0.001", "0.1%"),
        ("0%", "0", "0%"),
        ("0.075%", "0.00075", "0.075%"),
        ("99.99%", "0.9999", "99.99%"),
    ] {
        let rate: Rate = text.parse().unwrap();
        assert_eq!(rate.decimal(), decimal(fraction), "{text}");
        assert_eq!(rate.to_string(), written);
        assert_eq!(rate.rest(), Decimal::ONE - decimal(fraction));
        assert_eq!(
            serde_json::to_string(&rate).unwrap(),
            format!("\"{fraction}\"")
        );
    }
    // A hundredth of the last two has more decimals than fit, and would be read as another rate.
    for text in [
        "1.5",
        "0.015",
        "",
        "%",
        "-1%",
        "100%",
        "1e1%",
        "1.5%%",
        "٣%",
        "0.0000000000000000000000000001%",
        "1.0000000000000000000000000015%",
    ] {
        assert!(text.parse::<Rate>().is_err(), "{text:?}");
    }
}

#[test]
fn a_stored_rate_is_checked_when_read() {
    for json in ["\"1\"", "\"7\"", "\"-0.001\"", "\"1.5%\""] {
        assert!(serde_json::from_str::<Rate>(json).is_err(), "{json}");
    }
    assert_eq!(
        serde_json::from_str::<Rate>("\"0.001\"")
            .unwrap()
            .to_string(),
        "0.1%"
    );
}

fn any_amount() -> impl Strategy<Value = Decimal> {
    (1_i64..=999_999_999_999_999, 0_u32..=18)
        .prop_map(|(digits, scale)| Decimal::new(digits, scale))
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(value in any_amount()) {
        let price = Price::new(value).unwrap();
        prop_assert_eq!(price.to_string().parse::<Price>().unwrap(), price);
        let json = serde_json::to_string(&price).unwrap();
        prop_assert_eq!(serde_json::from_str::<Price>(&json).unwrap(), price);
        let loss = QuoteAmount::new(-value);
        let json = serde_json::to_string(&loss).unwrap();
        prop_assert_eq!(serde_json::from_str::<QuoteAmount>(&json).unwrap(), loss);
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,60}") {
        if let Ok(price) = text.parse::<Price>() {
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
            prop_assert!(price.decimal() > Decimal::ZERO);
        }
    }

    #[test]
    fn rounding_stays_on_the_grid_and_next_to_the_value(
        value in any_amount(),
        tick in (1_i64..=5_000, 0_u32..=8).prop_map(|(digits, scale)| Decimal::new(digits, scale)),
    ) {
        let price = Price::new(value).unwrap();
        let floor = price.floor_to_tick(tick).map_or(Decimal::ZERO, Price::decimal);
        let ceil = price.ceil_to_tick(tick).unwrap().decimal();
        prop_assert!((floor % tick).is_zero() && (ceil % tick).is_zero());
        prop_assert!(floor <= value && value <= ceil && ceil - floor <= tick);
        let nearest = price.round_to_tick(tick).map_or(Decimal::ZERO, Price::decimal);
        let expected = if value - floor <= ceil - value { floor } else { ceil };
        prop_assert_eq!(nearest, expected);
    }
}
