//! What a level knows of its own order and numbers.

use domain::{
    ExchangeOrderId, ExchangeTime, GivenUp, HoldReason, Lease, Level, LevelOrder, LocalTime,
    OrderNumber, OrderState, OrderStatus, QuarantineReason, RefusalReason, Side,
};

use crate::fixtures::{bot, empty_level, lease, pending, quantity};

fn order_in(state: OrderState) -> LevelOrder {
    let level = pending(&empty_level(&bot()), Side::Buy, "10");
    LevelOrder {
        state,
        ..level.order.unwrap()
    }
}

fn refused(lease: Option<Lease>) -> OrderState {
    OrderState::Refused {
        why: RefusalReason::Overloaded,
        detail: String::new(),
        retry_at: LocalTime::from_millis(0),
        lease,
    }
}

fn held(lease: Option<Lease>) -> OrderState {
    OrderState::Held {
        why: HoldReason::Paused,
        lease,
    }
}

fn quarantined() -> OrderState {
    OrderState::Quarantined {
        why: QuarantineReason::OrderVanished,
        evidence: String::new(),
    }
}

#[test]
fn when_the_order_was_sent_stays_known_until_there_is_another_lease() {
    let until = Some(lease(1).until);
    let since = Some(lease(1).first_start);
    for state in [
        OrderState::Pending { lease: lease(1) },
        refused(Some(lease(1))),
        held(Some(lease(1))),
    ] {
        let mut order = order_in(state);
        assert_eq!(order.shown_by(), until);
        for without in [
            OrderState::Open,
            quarantined(),
            OrderState::Open,
            OrderState::Idle,
        ] {
            order.enter(without);
            assert_eq!((order.shown_by(), order.sent_until), (until, until));
            assert_eq!((order.first_start(), order.sent_since), (since, since));
        }
        let mut later = lease(2);
        later.until = later.until.after(std::time::Duration::from_secs(1));
        order.enter(OrderState::Pending { lease: later });
        assert_eq!(
            (order.shown_by(), order.sent_until),
            (Some(later.until), None)
        );
        let start = Some(later.first_start);
        assert_eq!((order.first_start(), order.sent_since), (start, None));
        order.enter(OrderState::Open);
        assert_eq!(order.shown_by(), Some(later.until));
    }
    let mut order = order_in(held(None));
    assert_eq!(order.shown_by(), None, "never sent");
    order.enter(OrderState::Idle);
    assert_eq!(order.shown_by(), None);
}

#[test]
fn an_order_is_complete_once_it_ended_and_all_of_it_is_booked() {
    let cases = [
        (None, "0", "0", false),
        (None, "4", "4", false),
        (Some(OrderStatus::Canceled), "4", "5", false),
        (Some(OrderStatus::Canceled), "5", "5", true),
        (Some(OrderStatus::Filled), "10", "10", true),
    ];
    for (terminal, executed, seen, complete) in cases {
        let order = LevelOrder {
            terminal,
            executed: quantity(executed),
            highest_seen: quantity(seen),
            ..order_in(OrderState::Open)
        };
        assert_eq!(
            order.is_complete(),
            complete,
            "{terminal:?} {executed} {seen}"
        );
    }
}

#[test]
fn an_order_may_be_live_unless_it_surely_is_not() {
    let cases = [
        (OrderState::Pending { lease: lease(0) }, true),
        (OrderState::Open, true),
        (quarantined(), true),
        (refused(None), false),
        (held(None), false),
        (OrderState::Idle, false),
    ];
    for (state, live) in cases {
        assert_eq!(order_in(state.clone()).may_be_live(), live, "{state:?}");
    }
}

#[test]
fn only_an_unknown_fate_is_given_up() {
    let known = lease(1_000);
    let unknown = Lease {
        unknown: true,
        ..known
    };
    let cases = [
        (OrderState::Pending { lease: unknown }, true),
        (refused(Some(unknown)), true),
        (held(Some(unknown)), true),
        (OrderState::Pending { lease: known }, false),
        (refused(Some(known)), false),
        (held(None), false),
        (OrderState::Open, false),
        (quarantined(), false),
        (OrderState::Idle, false),
    ];
    let given_up = GivenUp {
        no: OrderNumber(1),
        side: Side::Buy,
        first_start: ExchangeTime::from_millis(1_000),
        until: ExchangeTime::from_millis(31_000),
    };
    for (state, unknown) in cases {
        let mut order = order_in(state.clone());
        let expected = unknown.then_some(given_up);
        assert_eq!(order.given_up(), expected, "{state:?}");
        order.exchange_order_id = Some(ExchangeOrderId(42));
        assert_eq!(order.given_up(), None, "{state:?}");
    }
}

#[test]
fn the_current_order_is_given_up_before_an_earlier_one() {
    let unknown = |start| Lease {
        unknown: true,
        ..lease(start)
    };
    let earlier = GivenUp {
        no: OrderNumber(7),
        side: Side::Sell,
        first_start: ExchangeTime::from_millis(5),
        until: ExchangeTime::from_millis(6),
    };
    let mut level = empty_level(&bot());
    assert_eq!(level.last_given_up(), None);
    level.given_up = Some(earlier);
    assert_eq!(level.last_given_up(), Some(earlier));
    level.order = Some(order_in(OrderState::Open));
    assert_eq!(level.last_given_up(), Some(earlier));
    level.order = Some(order_in(held(Some(unknown(9_000)))));
    let current = level.last_given_up().unwrap();
    assert_eq!(
        (current.no, current.first_start),
        (OrderNumber(1), ExchangeTime::from_millis(9_000))
    );
    // Once it is passed, it is the earlier one.
    let after = pending(&level, Side::Buy, "10");
    assert_eq!(after.given_up, Some(current));
}

#[test]
fn a_number_that_was_seen_is_never_given_out() {
    let numbered = |no: Option<u32>, seen: Option<u32>| {
        let mut level: Level = empty_level(&bot());
        level.order = no.map(|no| LevelOrder {
            no: OrderNumber(no),
            ..order_in(OrderState::Open)
        });
        level.seen_no = seen.map(OrderNumber);
        (level.next_no().0, level.number_ahead().map(|no| no.0))
    };
    assert_eq!(numbered(None, None), (1, None));
    assert_eq!(numbered(Some(3), None), (4, None));
    assert_eq!(numbered(None, Some(2)), (3, Some(2)));
    assert_eq!(numbered(Some(3), Some(2)), (4, None));
    assert_eq!(numbered(Some(3), Some(3)), (4, None));
    assert_eq!(numbered(Some(3), Some(5)), (6, Some(5)));
}
