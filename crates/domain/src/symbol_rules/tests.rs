//! Each rule at its bound, just beyond it, and absent.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a sum of a test that overflows fails the test, as it should"
)]

use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::{
    BandRule, LotRule, NotionalRule, Price, PriceRule, Quantity, RuleBreach, Side, SymbolRules,
    SymbolStatus,
};

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

/// Price 0.01 to 1000 by 0.01, quantity 0.1 to 500 by 0.1, value 5 to 10000.
fn rules() -> SymbolRules {
    SymbolRules {
        symbol: "XRPETH".parse().unwrap(),
        base: "XRP".parse().unwrap(),
        quote: "ETH".parse().unwrap(),
        status: SymbolStatus::Trading,
        price: Some(PriceRule {
            min: decimal("0.01"),
            max: decimal("1000"),
            tick: decimal("0.01"),
        }),
        lot: Some(LotRule {
            min: quantity("0.1"),
            max: quantity("500"),
            step: decimal("0.1"),
        }),
        notional: Some(NotionalRule {
            min: "5".parse().unwrap(),
            max: Some("10000".parse().unwrap()),
        }),
        band: Some(BandRule {
            bid_up: decimal("1.2"),
            bid_down: decimal("0.2"),
            ask_up: decimal("5"),
            ask_down: decimal("0.8"),
        }),
        max_open_orders: Some(200),
        post_only_allowed: true,
        expire_taker_allowed: true,
    }
}

fn lawless() -> SymbolRules {
    SymbolRules {
        price: None,
        lot: None,
        notional: None,
        band: None,
        max_open_orders: None,
        ..rules()
    }
}

fn check(rules: &SymbolRules, at: &str, of: &str) -> Vec<String> {
    let buy = rules.check_order(Side::Buy, price(at), quantity(of));
    let sell = rules.check_order(Side::Sell, price(at), quantity(of));
    assert_eq!(buy, sell, "both sides obey the same rules");
    buy.iter().map(ToString::to_string).collect()
}

/// The decimal crate would read all of these, and on a long one with underscores it would use up the
/// stack.
#[test]
fn numbers_of_a_recorded_rule_have_one_spelling() {
    let written = serde_json::to_string(&rules()).unwrap();
    let read = |text: &str| serde_json::from_str::<SymbolRules>(text);
    assert_eq!(read(&written).unwrap(), rules());
    let long = format!("\"9.5{}\"", "_".repeat(5_000));
    for number in [
        "1", "1.5", "\"1_0\"", "\"+1\"", "\"1e3\"", "\"-1\"", "null", &long,
    ] {
        for (field, value) in [("tick", "0.01"), ("step", "0.1"), ("ask_up", "5")] {
            let bad = written.replace(
                &format!("\"{field}\":\"{value}\""),
                &format!("\"{field}\":{number}"),
            );
            assert_ne!(bad, written, "{field}");
            assert!(read(&bad).is_err(), "{field}: {number}");
        }
    }
}

#[test]
fn each_rule_passes_at_its_bound_and_breaks_beyond_it() {
    for (at, of, expected) in [
        ("10", "0.5", vec![]),
        ("1000", "10", vec![]),
        ("0.01", "500", vec![]),
        ("20", "500", vec![]),
        (
            "1000.01",
            "5",
            vec!["the price 1000.01 is above the symbol's highest, 1000 (PRICE_FILTER): lower it"],
        ),
        (
            "10.005",
            "1",
            vec![
                "the price 10.005 is no multiple of the tick 0.01 (PRICE_FILTER): use 10 or 10.01",
            ],
        ),
        (
            "0.005",
            "500",
            vec![
                "the price 0.005 is below the symbol's lowest, 0.01 (PRICE_FILTER): raise it",
                "the price 0.005 is no multiple of the tick 0.01 (PRICE_FILTER): use 0.01",
                "the order is worth 2.5, less than the smallest value, 5 (NOTIONAL): \
             use a quantity of at least 1000",
            ],
        ),
        ("10", "0", vec!["the quantity is 0: ask for more"]),
        (
            "100",
            "0.05",
            vec![
                "the quantity 0.05 is below the symbol's smallest, 0.1 (LOT_SIZE): raise it",
                "the quantity 0.05 is no multiple of the step 0.1 (LOT_SIZE): use 0.1",
            ],
        ),
        (
            "10",
            "0.55",
            vec!["the quantity 0.55 is no multiple of the step 0.1 (LOT_SIZE): use 0.5 or 0.6"],
        ),
        (
            "10",
            "500.1",
            vec!["the quantity 500.1 is above the symbol's largest, 500 (LOT_SIZE): lower it"],
        ),
        (
            "10",
            "0.4",
            vec![
                "the order is worth 4, less than the smallest value, 5 (NOTIONAL): \
             use a quantity of at least 0.5",
            ],
        ),
        (
            "20.01",
            "500",
            vec![
                "the order is worth 10005, more than the largest value, 10000 (NOTIONAL): \
             use a smaller quantity",
            ],
        ),
    ] {
        // A value of 5 at 0.01 takes the largest quantity of all.
        assert_eq!(check(&rules(), at, of), expected, "{of} at {at}");
    }
}

#[test]
fn an_absent_rule_forbids_nothing() {
    for (at, of) in [
        ("0.00000001", "0.00000001"),
        ("123456789.12345", "98765.4321"),
    ] {
        assert_eq!(check(&lawless(), at, of), Vec::<String>::new());
    }
    assert_eq!(
        check(&lawless(), "1", "0"),
        ["the quantity is 0: ask for more"]
    );
}

#[test]
fn a_zero_disables_its_part_of_the_price_filter() {
    let mut rules = lawless();
    let rule = PriceRule {
        min: Decimal::ZERO,
        max: Decimal::ZERO,
        tick: Decimal::ZERO,
    };
    rules.price = Some(rule);
    assert_eq!(check(&rules, "123456.123456", "1"), Vec::<String>::new());
    rules.price = Some(PriceRule {
        max: decimal("10"),
        ..rule
    });
    assert_eq!(check(&rules, "10.5", "1").len(), 1);
    rules.price = Some(PriceRule {
        min: decimal("10"),
        ..rule
    });
    assert_eq!(check(&rules, "9.5", "1").len(), 1);
    rules.price = Some(PriceRule {
        tick: decimal("0.05"),
        ..rule
    });
    assert_eq!(check(&rules, "9.51", "1").len(), 1);
}

#[test]
fn what_cannot_be_calculated_is_a_breach() {
    let breaches = lawless().check_order(
        Side::Buy,
        price("1000000000000000"),
        quantity("1000000000000000"),
    );
    assert!(
        matches!(breaches.as_slice(), [RuleBreach::Incalculable { .. }]),
        "{breaches:?}"
    );
}

#[test]
fn the_smallest_quantity_obeys_lot_size_and_value() {
    for (at, least) in [
        ("1000", "0.1"),
        ("50", "0.1"),
        ("49.99", "0.2"),
        ("10", "0.5"),
        ("3", "1.7"),
        ("0.01", "500"),
    ] {
        assert_eq!(
            rules().min_quantity(Side::Buy, price(at)),
            quantity(least),
            "at {at}"
        );
        assert_eq!(
            rules().min_quantity(Side::Sell, price(at)),
            quantity(least),
            "at {at}"
        );
    }
    assert_eq!(
        lawless().min_quantity(Side::Buy, price("3")),
        quantity("0.00000001")
    );
    let mut rules = lawless();
    rules.lot = Some(LotRule {
        min: quantity("0.25"),
        max: quantity("9"),
        step: decimal("0.1"),
    });
    assert_eq!(rules.min_quantity(Side::Buy, price("3")), quantity("0.3"));
    // The quotient is too fine for a quantity, and its excess still takes one step more.
    rules.notional = Some(NotionalRule {
        min: "2000.000000000000000001".parse().unwrap(),
        max: None,
    });
    assert_eq!(
        rules.min_quantity(Side::Buy, price("1000")),
        quantity("2.1")
    );
    rules.notional = Some(NotionalRule {
        min: "1000000000000000".parse().unwrap(),
        max: None,
    });
    let none = rules.min_quantity(Side::Buy, price("0.000000000000000001"));
    assert_eq!(none, Quantity::MAX);
}

#[test]
fn missing_value_is_named_and_no_more() {
    let missing = |at, of| {
        rules()
            .missing_notional(price(at), quantity(of))
            .map(|amount| amount.to_string())
    };
    assert_eq!(missing("10", "0.4"), Some("1".to_owned()));
    assert_eq!(missing("10", "0"), Some("5".to_owned()));
    assert_eq!(missing("10", "0.5"), None);
    assert_eq!(missing("10", "0.6"), None);
    assert_eq!(
        lawless().missing_notional(price("10"), Quantity::ZERO),
        None
    );
}

#[test]
fn the_band_depends_on_the_side() {
    let reference = price("100");
    let rules = rules();
    assert_eq!(
        rules.band(Side::Buy, reference),
        Some((decimal("20"), decimal("120")))
    );
    assert_eq!(
        rules.band(Side::Sell, reference),
        Some((decimal("80"), decimal("500")))
    );
    for (side, at, inside) in [
        (Side::Buy, "19.99", false),
        (Side::Buy, "20", true),
        (Side::Buy, "120", true),
        (Side::Buy, "120.01", false),
        (Side::Sell, "79.99", false),
        (Side::Sell, "80", true),
        (Side::Sell, "500", true),
        (Side::Sell, "500.01", false),
    ] {
        assert_eq!(
            rules.price_in_band(side, price(at), reference),
            inside,
            "{side} {at}"
        );
    }
    assert!(lawless().price_in_band(Side::Buy, price("0.00000001"), price("99999999")));
    assert_eq!(lawless().band(Side::Buy, reference), None);
}

#[test]
fn only_a_trading_symbol_trades() {
    for (status, trades) in [
        (SymbolStatus::Trading, true),
        (SymbolStatus::CancelOnly, false),
        (SymbolStatus::Halted, false),
        (SymbolStatus::Delisted, false),
        (SymbolStatus::Unrecognized, false),
    ] {
        assert_eq!(
            SymbolRules { status, ..rules() }.trades(),
            trades,
            "{status}"
        );
    }
}

proptest! {
    #[test]
    fn the_smallest_quantity_passes_and_one_step_less_does_not(
        cents in 1_i64..=100_000,
        step_scale in 0_u32..=8,
        step_digits in 1_i64..=50,
        min in 0_i64..=100,
        notional in 0_i64..=50,
    ) {
        let step = Decimal::new(step_digits, step_scale);
        let mut rules = lawless();
        rules.lot = Some(LotRule {
            min: Quantity::new(step * Decimal::from(min)).unwrap(),
            max: Quantity::MAX,
            step,
        });
        rules.notional = Some(NotionalRule {
            min: notional.to_string().parse().unwrap(),
            max: None,
        });
        let at = Price::new(Decimal::new(cents, 2)).unwrap();
        let least = rules.min_quantity(Side::Sell, at);
        prop_assert_eq!(rules.check_order(Side::Sell, at, least), vec![]);
        prop_assert_eq!(rules.missing_notional(at, least), None);
        let less = least.checked_sub(Quantity::new(step).unwrap()).unwrap();
        prop_assert!(!rules.check_order(Side::Sell, at, less).is_empty());
    }
}
