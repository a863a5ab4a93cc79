use domain::{ExchangeOrderId, Fee, LevelIndex, OrderState, Price, Side, Trade, TradeId};

use super::*;
use crate::words::tests::{NOW, bot, level, order};

fn at(seconds: u64) -> LocalTime {
    NOW.after(Duration::from_secs(seconds))
}

fn number<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

/// A purchase of so much at so much, told at once.
fn fill(no: u32, trade: i64, quantity: &str, price: &str, seconds: u64) -> FillRecord {
    let (price, quantity): (Price, Quantity) = (number(price), number(quantity));
    FillRecord {
        bot: bot().id,
        level: LevelIndex(7),
        no: OrderNumber(no),
        side: Side::Buy,
        exchange_order_id: ExchangeOrderId(55),
        trade: Trade {
            id: TradeId(trade),
            price,
            quantity,
            quote: price.times(quantity).unwrap(),
            fee: Some(Fee {
                amount: number("0.01"),
                asset: number("XRP"),
            }),
            maker: true,
            time: domain::ExchangeTime::from_millis(at(seconds).as_millis()),
        },
        source: Source::Stream,
        booked_as: BookedAs::Next,
        by_recovery: false,
        caused: None,
        caused_order: None,
        received_at: at(seconds),
        committed_at: at(seconds),
    }
}

fn event(no: u32, kind: EventKind, text: &str, seconds: u64) -> EventRecord {
    EventRecord {
        bot: bot().id,
        level: Some(LevelIndex(7)),
        no: Some(OrderNumber(no)),
        order: None,
        at: at(seconds),
        kind,
        text: text.to_owned(),
    }
}

/// The level with an open order of that number, sent at that second.
fn open(no: u32, quantity: &str, sent: u64) -> Level {
    let mut order = order(OrderState::Open);
    order.no = OrderNumber(no);
    order.intent.quantity = number(quantity);
    order.exchange_order_id = Some(ExchangeOrderId(55));
    let sent = domain::ExchangeTime::from_millis(at(sent).as_millis());
    order.sent_until = Some(sent.after(LEASE));
    Level {
        order: Some(order),
        ..level()
    }
}

fn told(level: &Level, fills: &[FillRecord], events: &[EventRecord]) -> Vec<String> {
    let lines = story(&bot(), Some(level), fills, events);
    assert!(lines.is_sorted_by_key(|line| line.at), "{lines:?}");
    lines.into_iter().map(|line| line.text).collect()
}

#[test]
fn trades_of_one_order_with_nothing_between_them_are_one_line() {
    let mut last = fill(1, 4, "2", "1.3", 8);
    last.caused = Some(OrderNumber(2));
    last.caused_order = Some(OrderSummary {
        side: Side::Sell,
        price: number("1.5"),
        quantity: number("9.9"),
    });
    let fills = [
        fill(1, 1, "2", "1", 1),
        fill(1, 2, "4", "1", 2),
        fill(1, 3, "2", "1.3", 7),
        last,
        fill(2, 5, "1", "1.5", 9),
    ];
    let between = event(1, EventKind::Recovered, "missed", 5);
    let told = told(&level(), &fills, std::slice::from_ref(&between));
    assert_eq!(
        told[0],
        "number 1: bought 6 XRP at 1 ETH, fee 0.02 XRP (2 trades since 2026-09-21 14:13:21 UTC, at that price on \
         average, all listed by `gridkeeper fills`, told by the stream)"
    );
    assert_eq!(told[1], "number 1: found by recovery: missed");
    assert!(
        told[2].starts_with("number 1: bought 4 XRP at 1.3 ETH, fee 0.02 XRP (2 trades since ")
            && told[2].ends_with("; led to order number 2, SELL 9.9 XRP at 1.5 ETH"),
        "{told:?}"
    );
    assert_eq!(
        told[3],
        "number 2: bought 1 XRP at 1.5 ETH, fee 0.01 XRP (trade 5, told by the stream)"
    );
    assert_eq!(told.len(), 4);
}

#[test]
fn a_placement_is_told_after_what_led_to_it_and_before_its_fills() {
    let events = [
        event(1, EventKind::Unknown, "lost", 2),
        event(1, EventKind::Claimed, "attempt 2", 3),
        event(1, EventKind::Amended, "changed", 3),
    ];
    let level = open(1, "5", 3);
    let told = told(&level, &[fill(1, 1, "2", "1", 3)], &events);
    let starts = [
        "number 1: no clear answer",
        "number 1: begun anew",
        "number 1: BUY at 1 ETH is placed, as exchange order 55",
        "number 1: bought 2 XRP",
        "number 1: changed by hand",
    ];
    for (line, start) in told.iter().zip(starts) {
        assert!(line.starts_with(start), "{told:?}");
    }
    assert_eq!(told.len(), starts.len());
}

#[test]
fn an_order_changed_by_hand_is_told_as_it_was_placed() {
    let mut bought = fill(1, 1, "10", "1", 1);
    bought.caused = Some(OrderNumber(2));
    bought.caused_order = Some(OrderSummary {
        side: Side::Buy,
        price: number("1"),
        quantity: number("10"),
    });
    let changed = event(2, EventKind::Amended, "from 10 to 5", 4);
    let told = told(&open(2, "5", 2), &[bought], std::slice::from_ref(&changed));
    assert_eq!(
        told[1..],
        [
            "number 2: BUY 10 XRP at 1 ETH is placed, as exchange order 55",
            "number 2: changed by hand: from 10 to 5"
        ]
    );
}

#[test]
fn an_order_that_was_never_placed_is_told_with_what_it_asked_for() {
    let mut refused = event(2, EventKind::Refused, "too small", 1);
    refused.order = Some(OrderSummary {
        side: Side::Buy,
        price: number("1.4"),
        quantity: number("300"),
    });
    let mut bought = fill(1, 1, "1", "1", 0);
    bought.caused = Some(OrderNumber(2));
    let told = told(&level(), &[bought], &[refused]);
    assert!(
        told[0].ends_with("led to order number 2, BUY 300 XRP at 1.4 ETH"),
        "{told:?}"
    );
    assert_eq!(
        told[1],
        "number 2: not placed, BUY 300 XRP at 1.4 ETH: too small"
    );
}

#[test]
fn an_order_is_told_after_the_end_of_the_one_before_it() {
    let events = [
        event(1, EventKind::Laid, "BUY", 1),
        event(1, EventKind::Ended, "expired", 4),
        event(2, EventKind::Ended, "expired again", 9),
    ];
    let told = told(&open(2, "5", 6), &[fill(1, 1, "2", "1", 2)], &events);
    assert_eq!(
        told[3],
        "number 2: BUY 5 XRP at 1 ETH is placed, as exchange order 55"
    );
    assert_eq!(told.len(), 5);
}

#[test]
fn what_we_cancelled_ourselves_is_not_told_as_ended_by_others() {
    let by_us = event(
        1,
        EventKind::Cancelled,
        "exchange order 55 was cancelled",
        4,
    );
    let ended = |no| event(no, EventKind::Ended, "was cancelled at the exchange", 4);
    let told = told(&level(), &[], &[by_us, ended(1), ended(2)]);
    assert_eq!(
        told,
        [
            "number 1: cancelled by us: exchange order 55 was cancelled",
            "number 2: ended early: was cancelled at the exchange"
        ]
    );
}

/// The same level after its bot was stopped: when its order was sent is no longer kept.
fn at_rest(no: u32) -> Level {
    let mut level = open(no, "5", 0);
    level.changed_at = at(50);
    let order = level.order.as_mut().unwrap();
    order.sent_until = None;
    order.state = OrderState::Idle;
    level
}

#[test]
fn a_placement_keeps_its_place_and_time_once_its_lease_is_no_longer_kept() {
    let mut bought = fill(1, 1, "10", "1", 1);
    bought.caused = Some(OrderNumber(2));
    let events = [
        event(2, EventKind::Quarantined, "can no longer be found", 20),
        event(2, EventKind::Released, "the level rests", 50),
    ];
    let lines = story(&bot(), Some(&at_rest(2)), &[bought], &events);
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let starts = [
        "number 1: bought",
        "number 2: BUY 5 XRP at 1 ETH is placed, as exchange order 55",
        "number 2: records and exchange disagree",
        "number 2: quarantine ended",
    ];
    for (text, start) in texts.iter().zip(starts) {
        assert!(text.starts_with(start), "{texts:?}");
    }
    assert_eq!(lines[1].at, at(1));
    assert!(lines.is_sorted_by_key(|line| line.at), "{lines:?}");
}

#[test]
fn a_placement_nothing_led_to_is_told_before_what_was_heard_of_it() {
    let events = [
        event(1, EventKind::Quarantined, "can no longer be found", 20),
        event(1, EventKind::Released, "the level rests", 50),
    ];
    let lines = story(&bot(), Some(&at_rest(1)), &[], &events);
    assert!(lines[0].text.contains("is placed"), "{lines:?}");
    assert_eq!(lines[0].at, at(20));
}

#[test]
fn orders_of_one_moment_are_told_in_the_order_in_which_they_led_to_each_other() {
    let mut third = fill(3, 1, "10", "1", 9);
    third.caused = Some(OrderNumber(4));
    let mut fourth = fill(4, 2, "10", "1", 9);
    fourth.caused = Some(OrderNumber(5));
    let told = told(&open(5, "5", 9), &[third, fourth], &[]);
    assert!(told[0].starts_with("number 3: bought"), "{told:?}");
    assert!(told[1].starts_with("number 4: bought"), "{told:?}");
    assert!(told[2].starts_with("number 5: BUY"), "{told:?}");
}
