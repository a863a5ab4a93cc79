//! What is booked once all of an order's trades are at hand.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{
    CREATED_TOLERANCE, ExchangeOrderId, ExchangeTime, Execution, FillDecision, GivenUp, Level,
    LevelOrder, NotOurs, OrderNumber, OrderState, OrderStatus, Quantity, QuarantineReason, Side,
    Trade, TradeId, apply_aside, apply_news, pass_order, resolve_fill,
};

use crate::decide::{level, told};
use crate::fixtures::{assets, bot, price, quantity, trade};

fn at(id: i64, amount: &str) -> Trade {
    trade(id, amount, "3.1064", None)
}

fn ids(of: &[i64]) -> BTreeSet<TradeId> {
    of.iter().copied().map(TradeId).collect()
}

/// Four trades of 2 and 1, of which the first two are the 4 that are booked.
fn all() -> Vec<Trade> {
    vec![
        at(14, "1"),
        at(11, "2"),
        at(13, "2"),
        at(12, "2"),
        at(13, "2"),
    ]
}

#[test]
fn what_the_ledger_lacks_is_booked_once_and_in_order() {
    let level = level();
    let report = told(&level, "6", OrderStatus::PartiallyFilled, &[]);
    let decision = resolve_fill(&bot(), &level, &report, &all(), &ids(&[11, 12]));
    let FillDecision::Book { trades, news } = decision else {
        panic!("{decision:?}");
    };
    assert_eq!(trades, [at(13, "2"), at(14, "1")]);
    // More was shown by now than the report told.
    assert_eq!(news.cumulative, quantity("7"));
}

#[test]
fn trades_that_are_not_shown_yet_leave_the_report_as_news() {
    let level = level();
    let report = told(&level, "6", OrderStatus::PartiallyFilled, &[]);
    let shown = [at(11, "2"), at(12, "2")];
    let decision = resolve_fill(&bot(), &level, &report, &shown, &ids(&[11, 12]));
    let FillDecision::Noted(news) = decision else {
        panic!("{decision:?}");
    };
    assert_eq!(news.cumulative, quantity("6"));
}

#[test]
fn an_end_must_cover_the_trades() {
    let level = level();
    let cases = [("6.9", false), ("7", true), ("7.1", true)];
    for (z, covered) in cases {
        let report = told(&level, z, OrderStatus::Canceled, &[]);
        let decision = resolve_fill(&bot(), &level, &report, &all(), &ids(&[11, 12]));
        let booked = matches!(decision, FillDecision::Book { .. });
        let disagree = matches!(
            decision,
            FillDecision::Quarantine(QuarantineReason::TradesDisagree, _)
        );
        assert_eq!((booked, disagree), (covered, !covered), "{z}: {decision:?}");
    }
}

#[test]
fn a_second_order_is_booked_beside_the_first() {
    let level = level();
    let mut second = told(&level, "2", OrderStatus::Filled, &["2"]);
    second.exchange_order_id = ExchangeOrderId(43);
    let decide =
        |recorded: &[i64]| resolve_fill(&bot(), &level, &second, &[at(21, "2")], &ids(recorded));
    assert_eq!(
        decide(&[11, 12]),
        FillDecision::BookAside {
            no: OrderNumber(2),
            trades: vec![at(21, "2")],
            second_order: true,
        }
    );
    assert_eq!(decide(&[11, 12, 21]), FillDecision::Duplicate);
}

/// A late fill of a passed order, at a price of its own.
fn late(level: &Level, no: u32, side: Side, at: Option<&str>) -> Execution {
    let mut late = told(level, "6", OrderStatus::Filled, &["6"]);
    late.client_order_id = level.client_order_id(OrderNumber(no)).to_string();
    late.exchange_order_id = ExchangeOrderId(40);
    late.side = side;
    late.order_price = at.map(price);
    late
}

#[test]
fn a_passed_order_is_ours_by_its_id_or_by_its_side_and_price() {
    let level = level();
    let booked = |report: &Execution, recorded: &[i64]| match resolve_fill(
        &bot(),
        &level,
        report,
        &[at(1, "6")],
        &ids(recorded),
    ) {
        FillDecision::BookAside {
            no: OrderNumber(1),
            second_order: false,
            ..
        } => true,
        FillDecision::NotOurs(NotOurs::OtherPrice) => false,
        other => panic!("{other:?}"),
    };
    let cases = [
        (Side::Sell, Some("3.1537"), true),
        (Side::Sell, None, false),
        (Side::Sell, Some("3.1538"), false),
        (Side::Buy, Some("3.1537"), false),
        (Side::Buy, None, false),
    ];
    for (side, price, ours) in cases {
        let mut report = late(&level, 1, side, price);
        assert_eq!(booked(&report, &[]), ours, "{side} {price:?}");
        // Whose trades the ledger knows is ours, and so is who carries the id.
        assert!(booked(&report, &[77]), "{side} {price:?}");
        report.exchange_order_id = ExchangeOrderId(41);
        assert!(booked(&report, &[]), "{side} {price:?}");
    }
}

#[test]
fn what_nobody_else_remembers_waits_until_the_exchange_shows_all_of_it() {
    let level = level();
    let passed = late(&level, 1, Side::Sell, Some("3.1537"));
    let mut second = told(&level, "6", OrderStatus::Filled, &["6"]);
    second.exchange_order_id = ExchangeOrderId(43);
    let foreign = late(&level, 1, Side::Buy, None);
    let decide = |report: &Execution, shown: &[Trade], recorded: &[i64]| {
        resolve_fill(&bot(), &level, report, shown, &ids(recorded))
    };
    // The same trade twice is one.
    for shown in [vec![], vec![at(1, "4")], vec![at(1, "4"), at(1, "4")]] {
        for recorded in [&[][..], &[1]] {
            assert_eq!(
                decide(&passed, &shown, recorded),
                FillDecision::Passed(OrderNumber(1)),
                "{shown:?}"
            );
            assert_eq!(
                decide(&second, &shown, recorded),
                FillDecision::SecondOrder(OrderNumber(2)),
                "{shown:?}"
            );
        }
        assert_eq!(
            decide(&foreign, &shown, &[]),
            FillDecision::NotOurs(NotOurs::OtherPrice)
        );
    }
    // More may have executed since.
    for last in ["2", "3"] {
        let shown = [at(1, "4"), at(2, last)];
        for (report, second_order, no) in [(&passed, false, 1), (&second, true, 2)] {
            assert_eq!(
                decide(report, &shown, &[1]),
                FillDecision::BookAside {
                    no: OrderNumber(no),
                    trades: vec![at(2, last)],
                    second_order,
                }
            );
        }
    }
}

#[test]
fn an_order_older_than_the_passed_one_is_not_ours() {
    let start = ExchangeTime::from_millis(10_000);
    let oldest = start.before(CREATED_TOLERANCE);
    let older = oldest.before(Duration::from_millis(1));
    let cases = [
        (Some(start), Some(oldest), true),
        (Some(start), Some(older), false),
        (Some(start), None, true),
        (None, Some(older), true),
    ];
    for (first_start, created, ours) in cases {
        let mut level = level();
        let passed = level.previous.as_mut().unwrap();
        passed.exchange_order_id = None;
        passed.first_start = first_start;
        let mut report = late(&level, 1, Side::Sell, Some("3.1537"));
        report.created_at = created;
        let decision = resolve_fill(&bot(), &level, &report, &[at(1, "6")], &ids(&[]));
        let booked = matches!(decision, FillDecision::BookAside { .. });
        assert_eq!(booked, ours, "{first_start:?} {created:?}");
    }
}

#[test]
fn an_order_before_the_previous_one_is_ours_at_the_levels_lines() {
    let mut level = level();
    level.previous = None;
    for (side, at_price, ours) in [
        (Side::Sell, "3.1537", true),
        (Side::Buy, "3.1064", true),
        (Side::Sell, "3.1064", false),
    ] {
        let report = late(&level, 1, side, Some(at_price));
        let decision = resolve_fill(&bot(), &level, &report, &[at(1, "6")], &ids(&[]));
        let booked = matches!(decision, FillDecision::BookAside { .. });
        assert_eq!(booked, ours, "{side} {at_price}: {decision:?}");
    }
}

#[test]
fn an_order_that_was_given_up_is_ours_by_side_age_and_highest_price() {
    let given_up = |side| GivenUp {
        no: OrderNumber(1),
        side,
        first_start: ExchangeTime::from_millis(10_000),
        until: ExchangeTime::from_millis(40_000),
    };
    let oldest = ExchangeTime::from_millis(10_000).before(CREATED_TOLERANCE);
    let older = oldest.before(Duration::from_millis(1));
    let cases = [
        (Side::Buy, Side::Buy, Some("3.1064"), Some(oldest), true),
        (Side::Buy, Side::Buy, Some("3.0001"), Some(oldest), true),
        (Side::Buy, Side::Buy, Some("3.1065"), Some(oldest), false),
        (Side::Buy, Side::Buy, None, Some(oldest), false),
        (Side::Buy, Side::Buy, Some("3.1064"), Some(older), false),
        (Side::Buy, Side::Buy, Some("3.1064"), None, true),
        (Side::Buy, Side::Sell, Some("3.1537"), Some(oldest), false),
        (Side::Sell, Side::Sell, Some("2.0"), Some(oldest), true),
        (Side::Sell, Side::Sell, Some("4.0"), Some(oldest), true),
        (Side::Sell, Side::Sell, None, Some(oldest), false),
        (Side::Sell, Side::Buy, Some("3.1064"), Some(oldest), false),
    ];
    for (at_case, (given, side, at_price, created, ours)) in cases.into_iter().enumerate() {
        let mut level = level();
        level.previous = None;
        level.given_up = Some(given_up(given));
        let mut report = late(&level, 1, side, at_price);
        report.created_at = created;
        let decision = resolve_fill(&bot(), &level, &report, &[at(1, "6")], &ids(&[]));
        let booked = matches!(decision, FillDecision::BookAside { .. });
        assert_eq!(booked, ours, "case {at_case}: {decision:?}");
    }
}

#[test]
fn news_are_kept_and_never_taken_back() {
    let mut before = level();
    let order = before.order.as_mut().unwrap();
    order.exchange_order_id = None;
    order.state = OrderState::Held {
        why: domain::HoldReason::Paused,
        lease: None,
    };
    let report = told(&before, "9", OrderStatus::PartiallyFilled, &["5"]);
    let FillDecision::Book { trades, news } =
        resolve_fill(&bot(), &before, &report, &[at(13, "5")], &ids(&[]))
    else {
        panic!("not booked");
    };
    let after = apply_news(&before, &news, &trades, assets(&bot())).unwrap();
    let order = after.order.as_ref().unwrap();
    assert_eq!(order.state, OrderState::Open);
    assert_eq!(order.exchange_order_id, Some(ExchangeOrderId(42)));
    assert_eq!(order.executed, quantity("9"));
    assert_eq!(order.executed_quote, at(13, "5").quote);
    assert_eq!(order.highest_seen, quantity("9"));
    assert_eq!(order.terminal, None);
    let mut ended = news;
    ended.terminal = Some(OrderStatus::Canceled);
    ended.cumulative = Quantity::ZERO;
    ended.exchange_order_id = ExchangeOrderId(99);
    let after = apply_news(&after, &ended, &[], assets(&bot())).unwrap();
    ended.terminal = Some(OrderStatus::Expired);
    let after = apply_news(&after, &ended, &[], assets(&bot())).unwrap();
    let order = after.order.as_ref().unwrap();
    assert_eq!(order.terminal, Some(OrderStatus::Canceled));
    assert_eq!(order.highest_seen, quantity("9"));
    assert_eq!(order.exchange_order_id, Some(ExchangeOrderId(42)));
}

#[test]
fn what_is_booked_beside_counts_for_the_passed_order_alone() {
    let mut before = level();
    let passed = before.previous.as_mut().unwrap();
    passed.first_start = Some(ExchangeTime::from_millis(10_000));
    let late = [at(1, "1"), at(2, "2")];
    let booked = |no: u32| {
        let order = (OrderNumber(no), ExchangeOrderId(40));
        apply_aside(&before, order, Side::Buy, &late, assets(&bot())).unwrap()
    };
    let after = booked(1);
    assert_eq!(after.order, before.order);
    assert_eq!(
        after.base.decimal(),
        before.base.decimal() + quantity("3").decimal()
    );
    let passed = after.previous.unwrap();
    assert_eq!(passed.first_start, None);
    assert_eq!(passed.executed, quantity("8"));
    assert_eq!(passed.exchange_order_id, Some(ExchangeOrderId(41)));
    let other = booked(2);
    assert_eq!(other.previous, before.previous);
    assert_eq!(other.base, after.base);
}

#[test]
fn a_passed_order_keeps_what_its_repeated_reports_need() {
    let level = level();
    let order = level.order.as_ref().unwrap();
    let passed = pass_order(order);
    assert_eq!(passed.no, OrderNumber(2));
    assert_eq!(passed.exchange_order_id, Some(ExchangeOrderId(42)));
    assert_eq!(passed.side, Side::Buy);
    assert_eq!(passed.price, price("3.1064"));
    assert_eq!(passed.executed, quantity("4"));
    assert_eq!(passed.first_start, None, "its id tells it from others");
    let unknown = LevelOrder {
        exchange_order_id: None,
        ..order.clone()
    };
    let start = pass_order(&unknown).first_start;
    assert_eq!(start, order.first_start());
    assert!(start.is_some());
}
