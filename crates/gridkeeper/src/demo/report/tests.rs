use domain::{
    ExchangeOrderId, ExchangeTime, Fee, LevelIndex, LocalTime, OrderNumber, Side, Source, Trade,
    TradeId,
};
use trading::BookedAs;

use super::*;

#[test]
fn percentiles_are_of_the_sorted_times() {
    let mut micros: Vec<u64> = (1..=100).map(|at| at * 1_000).collect();
    micros.reverse();
    let latency = Latency::of(&micros);
    assert_eq!(latency.p50.as_deref(), Some("50.000"));
    assert_eq!(latency.p99.as_deref(), Some("99.000"));
    assert_eq!(latency.max.as_deref(), Some("100.000"));
    assert_eq!(Latency::of(&[1_234]).p50.as_deref(), Some("1.234"));
    assert_eq!(Latency::of(&[]), Latency::default());
}

fn clean() -> Report {
    Report {
        fills: 12,
        completed_orders: 10,
        opposite_orders: 10,
        missing: 0,
        duplicates: 0,
        round_trips: 5,
        realized_profit: "1.5".to_owned(),
        quote_asset: "USDT".to_owned(),
        fees: BTreeMap::new(),
        ledger_equals_exchange: true,
        levels: 8,
        levels_with_order: 6,
        levels_with_reason: 2,
        faults: BTreeMap::new(),
        fill_to_order_ms: Latency::default(),
        seed: 1,
        node: Tally::default(),
        violations: Vec::new(),
    }
}

#[test]
fn a_run_is_clean_only_if_every_part_of_the_promise_held() {
    assert!(clean().is_clean());
    let broken: [fn(&mut Report); 6] = [
        |report| report.missing = 1,
        |report| report.duplicates = 1,
        |report| report.violations.push("an order too many".to_owned()),
        |report| report.ledger_equals_exchange = false,
        // A level that has neither an order nor a reason, and one that is counted twice.
        |report| report.levels_with_order = 5,
        |report| report.levels_with_reason = 3,
    ];
    for (at, spoil) in broken.iter().enumerate() {
        let mut report = clean();
        spoil(&mut report);
        assert!(!report.is_clean(), "{at}");
    }
}

#[test]
fn what_was_broken_is_said_in_the_text() {
    let mut report = clean();
    assert!(report.text().contains("ledger equals the exchange"));
    report.ledger_equals_exchange = false;
    report.violations.push("an order too many".to_owned());
    report.node.dead_letters.push("order gk-a-1-2".to_owned());
    let text = report.text();
    for words in [
        "ledger DIFFERS FROM the exchange",
        "violation: an order too many",
        "dead letters: 1",
        "could not be handled: order gk-a-1-2",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
}

fn traded(trade_id: u64, commission: &str) -> Entry {
    let fact = Fact::Traded {
        symbol: "BTCUSDT".to_owned(),
        order_id: 7,
        trade_id,
        quantity: "0.0010".parse().unwrap(),
        quote: "60.00".parse().unwrap(),
        commission: commission.parse().unwrap(),
        commission_asset: "USDT".to_owned(),
    };
    exchange_entry(&fact).unwrap()
}

fn booked(trade_id: i64, fee: Option<&str>) -> Entry {
    let fee = fee.map(|amount| Fee {
        asset: "USDT".parse().unwrap(),
        amount: amount.parse().unwrap(),
    });
    ledger_entry(&FillRecord {
        bot: "reportbot".parse().unwrap(),
        level: LevelIndex(0),
        no: OrderNumber::FIRST,
        side: Side::Buy,
        exchange_order_id: ExchangeOrderId(7),
        trade: Trade {
            id: TradeId(trade_id),
            price: "60000".parse().unwrap(),
            quantity: "0.001".parse().unwrap(),
            quote: "60".parse().unwrap(),
            fee,
            maker: true,
            time: ExchangeTime::from_millis(1),
        },
        by_recovery: false,
        source: Source::Stream,
        booked_as: BookedAs::Next,
        caused: None,
        caused_order: None,
        received_at: LocalTime::from_millis(1),
        committed_at: LocalTime::from_millis(2),
    })
}

#[test]
fn the_ledger_is_compared_trade_by_trade_and_to_the_last_fee() {
    let theirs = || vec![traded(1, "0.060"), traded(2, "0")];
    let fee = Some("0.06");
    assert!(same_entries(
        theirs(),
        vec![booked(2, None), booked(1, fee)]
    ));
    for (what, ours) in [
        ("one is missing", vec![booked(1, fee)]),
        (
            "one is booked twice",
            vec![booked(1, fee), booked(2, None), booked(2, None)],
        ),
        ("another trade", vec![booked(1, fee), booked(3, None)]),
        (
            "another fee",
            vec![booked(1, Some("0.07")), booked(2, None)],
        ),
        ("a fee too many", vec![booked(1, fee), booked(2, fee)]),
    ] {
        assert!(!same_entries(theirs(), ours), "{what}");
    }
}
