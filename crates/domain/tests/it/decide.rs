//! What a report means, case by case.
//!
//! The level had a SELL, number 1, which executed 5 under the exchange's id 41. Its current order is a
//! BUY of 10, number 2, of which 4 are booked, under the exchange's id 42.

use std::time::Duration;

use domain::{
    CREATED_TOLERANCE, ExchangeOrderId, ExchangeTime, Execution, FillDecision, HoldReason, Lease,
    Level, LevelOrder, LocalTime, News, NotOurs, OrderNumber, OrderState, OrderStatus, Quantity,
    QuarantineReason, RefusalReason, Side, TradeId, decide_fill,
};

use crate::fixtures::{bot, empty_level, lease, pending, price, quantity, report, trade};

const OURS: ExchangeOrderId = ExchangeOrderId(42);

pub(crate) fn level() -> Level {
    let mut level = pending(&empty_level(&bot()), Side::Sell, "5");
    let first = level.order.as_mut().unwrap();
    first.exchange_order_id = Some(ExchangeOrderId(41));
    first.executed = quantity("5");
    first.terminal = Some(OrderStatus::Filled);
    let mut level = pending(&level, Side::Buy, "10");
    let order = level.order.as_mut().unwrap();
    order.enter(OrderState::Open);
    order.exchange_order_id = Some(OURS);
    order.executed = quantity("4");
    order.highest_seen = quantity("4");
    level
}

fn order(level: &mut Level) -> &mut LevelOrder {
    level.order.as_mut().unwrap()
}

/// A report that it has executed so much, with the last trades up to there.
pub(crate) fn told(level: &Level, z: &str, status: OrderStatus, trades: &[&str]) -> Execution {
    let trades = (1..).zip(trades);
    let trades = trades.map(|(id, amount)| trade(id, amount, "3.1064", None));
    report(&bot(), level, quantity(z), status, trades.collect())
}

fn news(z: &str, terminal: Option<OrderStatus>) -> News {
    News {
        exchange_order_id: OURS,
        cumulative: quantity(z),
        terminal,
    }
}

fn quarantined(decision: &FillDecision) -> Option<QuarantineReason> {
    match decision {
        FillDecision::Quarantine(why, _) => Some(*why),
        _ => None,
    }
}

#[test]
fn what_is_booked_tells_only_how_it_ended() {
    use OrderStatus::{Canceled, New, PartiallyFilled, Unrecognized};
    let noted = |z, terminal| FillDecision::Noted(news(z, terminal));
    let cases = [
        ("4", PartiallyFilled, FillDecision::Duplicate),
        ("3", PartiallyFilled, FillDecision::Duplicate),
        ("0", New, FillDecision::Duplicate),
        ("4", Unrecognized, FillDecision::Duplicate),
        ("4", Canceled, noted("4", Some(Canceled))),
    ];
    for (z, status, expected) in cases {
        let level = level();
        let decision = decide_fill(&bot(), &level, &told(&level, z, status, &[]));
        assert_eq!(decision, expected, "{z} {status:?}");
    }
    let mut ended = level();
    order(&mut ended).terminal = Some(Canceled);
    let again = told(&ended, "4", Canceled, &[]);
    assert_eq!(decide_fill(&bot(), &ended, &again), FillDecision::Duplicate);
}

#[test]
fn an_end_with_less_than_is_booked_contradicts_the_ledger() {
    let level = level();
    let less = told(&level, "3.9", OrderStatus::Canceled, &[]);
    assert_eq!(
        quarantined(&decide_fill(&bot(), &level, &less)),
        Some(QuarantineReason::TradesDisagree)
    );
}

#[test]
fn a_report_proves_that_the_order_was_accepted() {
    let waiting = |why, lease| OrderState::Held { why, lease };
    let states: [(OrderState, bool); 6] = [
        (
            OrderState::Pending {
                lease: lease(1_000),
            },
            true,
        ),
        (
            OrderState::Refused {
                why: RefusalReason::Overloaded,
                detail: String::new(),
                retry_at: LocalTime::from_millis(0),
                lease: None,
            },
            true,
        ),
        (waiting(HoldReason::Paused, None), true),
        (OrderState::Open, false),
        (
            OrderState::Quarantined {
                why: QuarantineReason::OrderVanished,
                evidence: String::new(),
            },
            false,
        ),
        (OrderState::Idle, false),
    ];
    for (state, proves) in states {
        let mut level = level();
        order(&mut level).state = state.clone();
        let known = told(&level, "4", OrderStatus::PartiallyFilled, &[]);
        let expected = if proves {
            FillDecision::Noted(news("4", None))
        } else {
            FillDecision::Duplicate
        };
        assert_eq!(decide_fill(&bot(), &level, &known), expected, "{state:?}");
        order(&mut level).exchange_order_id = None;
        let named = FillDecision::Noted(news("4", None));
        assert_eq!(decide_fill(&bot(), &level, &known), named, "{state:?}");
    }
}

/// Up to where a report reaches, its trades, and the ids of those that are booked, if any can be.
type Shown = (
    &'static str,
    OrderStatus,
    &'static [&'static str],
    Option<&'static [i64]>,
);

#[test]
fn trades_are_booked_where_they_begin_at_what_is_booked() {
    use OrderStatus::{Filled, PartiallyFilled};
    let cases: [Shown; 12] = [
        ("6", PartiallyFilled, &["2"], Some(&[1])),
        ("10", Filled, &["6"], Some(&[1])),
        ("6", PartiallyFilled, &["1", "1"], Some(&[1, 2])),
        ("6", PartiallyFilled, &["2", "2"], Some(&[2])),
        ("6", PartiallyFilled, &["4", "1", "1"], Some(&[2, 3])),
        ("6", PartiallyFilled, &["3", "1", "1", "1"], Some(&[3, 4])),
        // A trade before these is missing.
        ("6", PartiallyFilled, &["1"], None),
        ("6", PartiallyFilled, &["0.5", "0.5"], None),
        // One of them lies across what is booked.
        ("6", PartiallyFilled, &["3", "3"], None),
        ("6", PartiallyFilled, &["4"], None),
        // It shows none, or more than it has executed.
        ("6", PartiallyFilled, &[], None),
        ("6", PartiallyFilled, &["7"], None),
    ];
    for (z, status, trades, booked) in cases {
        let level = level();
        let decision = decide_fill(&bot(), &level, &told(&level, z, status, trades));
        let news = news(z, status.is_terminal().then_some(status));
        match booked {
            None => assert_eq!(decision, FillDecision::Missing(news), "{z} {trades:?}"),
            Some(ids) => {
                let FillDecision::Book {
                    trades: next,
                    news: told,
                } = decision
                else {
                    panic!("{z} {trades:?}: {decision:?}");
                };
                let next: Vec<TradeId> = next.iter().map(|trade| trade.id).collect();
                let ids: Vec<TradeId> = ids.iter().map(|id| TradeId(*id)).collect();
                assert_eq!((next, told), (ids, news), "{z} {trades:?}");
            }
        }
    }
}

type Change = fn(&mut Execution);

#[test]
fn a_report_of_something_else_is_not_ours() {
    let cases: [(Change, Option<NotOurs>); 13] = [
        (|_| (), None),
        (
            |report| report.account = "other".parse().unwrap(),
            Some(NotOurs::OtherAccount),
        ),
        (
            |report| report.symbol = "ABCBTC".parse().unwrap(),
            Some(NotOurs::OtherSymbol),
        ),
        (
            |report| report.client_order_id = "by hand".to_owned(),
            Some(NotOurs::OtherId),
        ),
        (
            |report| report.client_order_id = "gk-testbot02-7-2".to_owned(),
            Some(NotOurs::OtherId),
        ),
        (
            |report| report.client_order_id = "gk-testbot01-6-2".to_owned(),
            Some(NotOurs::OtherId),
        ),
        (|report| report.side = Side::Sell, Some(NotOurs::OtherPrice)),
        (
            |report| report.order_price = Some(price("3.1065")),
            Some(NotOurs::OtherPrice),
        ),
        (
            |report| report.order_price = None,
            Some(NotOurs::OtherPrice),
        ),
        (
            |report| report.order_quantity = quantity("10.1"),
            Some(NotOurs::OtherQuantity),
        ),
        (|report| report.order_quantity = quantity("9.9"), None),
        (
            |report| report.created_at = Some(too_old()),
            Some(NotOurs::TooOld),
        ),
        (|report| report.created_at = None, None),
    ];
    for (at, (change, why)) in cases.into_iter().enumerate() {
        let mut level = level();
        order(&mut level).exchange_order_id = None;
        order(&mut level).state = OrderState::Pending {
            lease: lease(1_000),
        };
        let mut report = told(&level, "4", OrderStatus::PartiallyFilled, &[]);
        change(&mut report);
        let expected = match why {
            Some(why) => FillDecision::NotOurs(why),
            None => FillDecision::Noted(news("4", None)),
        };
        assert_eq!(decide_fill(&bot(), &level, &report), expected, "case {at}");
    }
}

/// Just before the first attempt, as far as the exchange's clocks may differ among themselves.
fn too_old() -> ExchangeTime {
    let oldest = ExchangeTime::from_millis(1_000).before(CREATED_TOLERANCE);
    oldest.before(Duration::from_millis(1))
}

#[test]
fn an_order_is_as_old_as_its_first_attempt() {
    let mut level = level();
    let order = order(&mut level);
    order.exchange_order_id = None;
    order.state = OrderState::Pending {
        lease: Lease {
            attempt: 2,
            start: ExchangeTime::from_millis(90_000),
            ..lease(1_000)
        },
    };
    let mut oldest = told(&level, "4", OrderStatus::PartiallyFilled, &[]);
    oldest.created_at = Some(ExchangeTime::from_millis(1_000).before(CREATED_TOLERANCE));
    let decision = decide_fill(&bot(), &level, &oldest);
    assert_eq!(decision, FillDecision::Noted(news("4", None)));
}

#[test]
fn an_order_whose_client_id_was_amended_goes_by_the_exchanges_id() {
    let level = level();
    let mut amended = told(&level, "4", OrderStatus::Canceled, &[]);
    amended.client_order_id = "x-amended".to_owned();
    amended.order_quantity = quantity("6");
    amended.order_price = Some(price("3.0"));
    assert_eq!(
        decide_fill(&bot(), &level, &amended),
        FillDecision::Noted(news("4", Some(OrderStatus::Canceled)))
    );
}

#[test]
fn a_second_order_under_the_current_id_is_told_from_somebody_elses() {
    let level = level();
    let mut second = told(&level, "10", OrderStatus::Filled, &["10"]);
    second.exchange_order_id = ExchangeOrderId(43);
    assert_eq!(
        decide_fill(&bot(), &level, &second),
        FillDecision::SecondOrder(OrderNumber(2))
    );
    second.order_price = Some(price("3.2"));
    assert_eq!(
        decide_fill(&bot(), &level, &second),
        FillDecision::NotOurs(NotOurs::OtherPrice)
    );
}

#[test]
fn a_number_ahead_is_no_order_that_was_given_out() {
    let level = level();
    let mut ahead = told(&level, "10", OrderStatus::Filled, &["10"]);
    ahead.client_order_id = level.client_order_id(OrderNumber(3)).to_string();
    ahead.exchange_order_id = ExchangeOrderId(43);
    let decision = decide_fill(&bot(), &level, &ahead);
    assert_eq!(quarantined(&decision), Some(QuarantineReason::NumberAhead));
    assert_eq!(
        quarantined(&decide_fill(&bot(), &empty_level(&bot()), &ahead)),
        quarantined(&decision)
    );
    for other in [None, Some(price("3.1537"))] {
        ahead.order_price = other;
        assert_eq!(
            decide_fill(&bot(), &level, &ahead),
            FillDecision::NotOurs(NotOurs::OtherPrice)
        );
    }
}

#[test]
fn a_passed_order_tells_nothing_new_up_to_what_it_had_executed() {
    let passed = FillDecision::Passed(OrderNumber(1));
    let cases = [
        ("5", 41, FillDecision::Duplicate),
        ("4", 41, FillDecision::Duplicate),
        ("6", 41, passed.clone()),
        ("5", 40, passed.clone()),
        ("0", 40, FillDecision::Duplicate),
    ];
    for (z, id, expected) in cases {
        let level = level();
        let mut report = told(&level, z, OrderStatus::Filled, &[]);
        report.client_order_id = level.client_order_id(OrderNumber(1)).to_string();
        report.exchange_order_id = ExchangeOrderId(id);
        assert_eq!(decide_fill(&bot(), &level, &report), expected, "{z} {id}");
    }
    // The order before that one: nothing of it is kept.
    let level = pending(&level(), Side::Sell, "10");
    let mut report = told(&level, "5", OrderStatus::Filled, &[]);
    report.client_order_id = level.client_order_id(OrderNumber(1)).to_string();
    report.exchange_order_id = ExchangeOrderId(41);
    assert_eq!(decide_fill(&bot(), &level, &report), passed);
}

#[test]
fn a_rejection_is_the_end_of_an_order_only_once_it_was_adopted() {
    let rejected = |z| move |level: &Level| told(level, z, OrderStatus::Rejected, &[]);
    let mut level = level();
    order(&mut level).executed = Quantity::ZERO;
    let none = rejected("0")(&level);
    let ended = FillDecision::Noted(news("0", Some(OrderStatus::Rejected)));
    assert_eq!(decide_fill(&bot(), &level, &none), ended);
    order(&mut level).exchange_order_id = None;
    assert_eq!(decide_fill(&bot(), &level, &none), FillDecision::Duplicate);
    // One that has executed was accepted, whatever its status says.
    let some = rejected("1")(&level);
    let missing = FillDecision::Missing(news("1", Some(OrderStatus::Rejected)));
    assert_eq!(decide_fill(&bot(), &level, &some), missing);
    // And any other end is an end.
    let expired = told(&level, "0", OrderStatus::Expired, &[]);
    let ended = FillDecision::Noted(news("0", Some(OrderStatus::Expired)));
    assert_eq!(decide_fill(&bot(), &level, &expired), ended);
}
