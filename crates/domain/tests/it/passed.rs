//! Reports of orders that were given up, passed or never accepted.

use std::collections::BTreeSet;

use domain::{
    ExchangeOrderId, FillDecision, Intent, Level, LocalTime, NotOurs, OrderKind, OrderNumber,
    OrderState, OrderStatus, Purpose, Quantity, RefusalReason, Side, decide_fill, owe,
};

use crate::fixtures::{bot, deliver, empty_level, lease, pending, price, quantity, report, trade};

/// A level whose order at a price of its own was passed before anybody knew that it was accepted.
fn passed(side: Side, purpose: Purpose, at: &str) -> Level {
    let mut level = empty_level(&bot());
    level.base = domain::BaseAmount::from(quantity("20"));
    let intent = Intent {
        side,
        price: price(at),
        quantity: quantity("10"),
        kind: OrderKind::Limit,
        purpose,
    };
    let state = OrderState::Pending {
        lease: lease(1_000),
    };
    owe(&level, intent, state, true)
}

#[test]
fn a_fill_of_a_passed_order_at_its_own_price_is_booked() {
    for (side, purpose) in [
        (Side::Buy, Purpose::FirstInventory),
        (Side::Sell, Purpose::Liquidation),
    ] {
        let bot = bot();
        let level = passed(side, purpose, "3.0071");
        let fill = trade(1, "10", "3.0071", None);
        let filled = report(
            &bot,
            &level,
            quantity("10"),
            OrderStatus::Filled,
            vec![fill.clone()],
        );
        let level = pending(&level, Side::Buy, "10");
        let mut ledger = BTreeSet::new();
        let (after, decision) = deliver(
            &bot,
            level.clone(),
            &filled,
            std::slice::from_ref(&fill),
            &mut ledger,
        );
        assert!(
            matches!(
                decision,
                FillDecision::BookAside {
                    no: OrderNumber(1),
                    second_order: false,
                    ..
                }
            ),
            "{decision:?}"
        );
        let previous = after.previous.unwrap();
        assert_eq!(previous.exchange_order_id, Some(ExchangeOrderId(42)));
        assert_eq!(previous.executed, quantity("10"));
        assert_eq!(decide_fill(&bot, &after, &filled), FillDecision::Duplicate);
        // At another price, or on the other side, it is somebody else's.
        let mut other = filled.clone();
        other.order_price = Some(price("3.0072"));
        let trades = std::slice::from_ref(&fill);
        let (_, decision) = deliver(&bot, level.clone(), &other, trades, &mut BTreeSet::new());
        assert_eq!(decision, FillDecision::NotOurs(NotOurs::OtherPrice));
        let mut other = filled;
        other.side = side.opposite();
        let (_, decision) = deliver(&bot, level, &other, trades, &mut BTreeSet::new());
        assert_eq!(decision, FillDecision::NotOurs(NotOurs::OtherPrice));
    }
}

#[test]
fn an_order_rejected_after_it_was_taken_for_ours_has_ended() {
    let bot = bot();
    let mut level = pending(&empty_level(&bot), Side::Buy, "10");
    let rejected = report(
        &bot,
        &level,
        Quantity::ZERO,
        OrderStatus::Rejected,
        Vec::new(),
    );
    // While nothing is known of it, the reply to its placement says what to do about it.
    assert_eq!(
        decide_fill(&bot, &level, &rejected),
        FillDecision::Duplicate
    );
    let order = level.order.as_mut().unwrap();
    order.state = OrderState::Open;
    order.exchange_order_id = Some(ExchangeOrderId(42));
    let (after, decision) = deliver(&bot, level, &rejected, &[], &mut BTreeSet::new());
    assert!(matches!(decision, FillDecision::Noted(_)), "{decision:?}");
    let ended = after.order.unwrap();
    assert!(ended.is_complete());
    let waits = domain::waiting_state(&ended, LocalTime::from_millis(0));
    assert!(matches!(
        waits,
        OrderState::Refused {
            why: RefusalReason::Backoff,
            ..
        }
    ));
}
