//! The glossary's formulas with exact figures: average cost, realized and floating profit.

use domain::{BaseAmount, Level, QuoteAmount, Side, book_trade, floating_profit};

use crate::fixtures::{assets, bot, dec, empty_level, price, trade};

/// Side, quantity, price, and the fee with its asset.
type Deal = (
    Side,
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
);

fn booked(deals: &[Deal]) -> Level {
    let bot = bot();
    let mut level = empty_level(&bot);
    for (id, (side, amount, at, fee)) in (1..).zip(deals) {
        let trade = trade(id, amount, at, *fee);
        level = book_trade(&level, *side, &trade, assets(&bot)).unwrap();
    }
    level
}

fn assert_holds(level: &Level, base: &str, cost: &str, profit: &str) {
    let expected = (
        BaseAmount::new(dec(base)),
        QuoteAmount::new(dec(cost)),
        QuoteAmount::new(dec(profit)),
    );
    assert_eq!((level.base, level.cost, level.realized_profit), expected);
}

fn paid(level: &Level) -> Vec<(String, String)> {
    let fees = level.fees.iter();
    fees.map(|(asset, fee)| (asset.to_string(), fee.to_string()))
        .collect()
}

#[test]
fn a_partial_sale_takes_its_share_of_the_average_cost() {
    // 10 for 30 and 10 for 34: 64 for 20, 3.2 each.
    let bought = [(Side::Buy, "10", "3", None), (Side::Buy, "10", "3.4", None)];
    let level = booked(&bought);
    assert_holds(&level, "20", "64", "0");
    // 5 for 17.5, of a cost of 16.
    let level = booked(&[&bought[..], &[(Side::Sell, "5", "3.5", None)]].concat());
    assert_holds(&level, "15", "48", "1.5");
    // The rest at a loss: 15 for 45, of a cost of 48.
    let sold = [
        (Side::Sell, "5", "3.5", None),
        (Side::Sell, "15", "3", None),
    ];
    let level = booked(&[&bought[..], &sold].concat());
    assert_holds(&level, "0", "0", "-1.5");
}

#[test]
fn fees_in_quote_are_a_part_of_cost_and_proceeds() {
    let level = booked(&[
        (Side::Buy, "10", "3", Some(("0.03", "USDT"))),
        (Side::Sell, "4", "3.5", Some(("0.014", "USDT"))),
    ]);
    // Cost 30.03, of which 12.012 for 4; 14 less 0.014 less 12.012.
    assert_holds(&level, "6", "18.018", "1.974");
    assert_eq!(paid(&level), [("USDT".to_owned(), "0.044".to_owned())]);
}

#[test]
fn fees_in_base_reduce_what_is_held() {
    let level = booked(&[
        (Side::Buy, "10", "3", Some(("2", "ABC"))),
        (Side::Sell, "4", "5", Some(("0.5", "ABC"))),
    ]);
    // 8 held for 30: 4 of them cost 15. A fee in base of a sale makes the rest dearer.
    assert_holds(&level, "3.5", "15", "5");
    assert_eq!(paid(&level), [("ABC".to_owned(), "2.5".to_owned())]);
}

#[test]
fn fees_in_a_third_asset_are_only_counted() {
    let level = booked(&[
        (Side::Buy, "10", "3", Some(("0.001", "BNB"))),
        (Side::Sell, "10", "3.5", Some(("0.002", "BNB"))),
    ]);
    assert_holds(&level, "0", "0", "5");
    assert_eq!(paid(&level), [("BNB".to_owned(), "0.003".to_owned())]);
}

#[test]
fn what_is_sold_beyond_what_was_held_costs_what_was_held() {
    let level = booked(&[
        (Side::Buy, "1", "3", Some(("0.001", "ABC"))),
        (Side::Sell, "1", "3.5", None),
    ]);
    assert_holds(&level, "-0.001", "0", "0.5");
}

#[test]
fn the_floating_profit_is_the_value_less_the_cost() {
    let level = booked(&[(Side::Buy, "10", "3", Some(("0.01", "ABC")))]);
    for (at, expected) in [("3.5", "4.965"), ("3", "-0.03"), ("2", "-10.02")] {
        let floating = floating_profit(&level, price(at)).unwrap();
        assert_eq!(floating, QuoteAmount::new(dec(expected)), "{at}");
    }
    let sold_out = booked(&[]);
    let floating = floating_profit(&sold_out, price("3")).unwrap();
    assert_eq!(floating, QuoteAmount::ZERO);
}
