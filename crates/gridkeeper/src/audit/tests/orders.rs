//! Orders that are missing, doubled, at odds with the records or with the rules, and how it reads.

use super::*;

#[test]
fn a_completed_order_that_nothing_follows_is_missing_its_opposite() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    let audit = story.breaks(&[2]);
    assert_eq!((audit.missing, audit.doubled), (1, 0));
    assert_eq!(audit.levels[0].verdict, Verdict::Broken);
}

#[test]
fn a_recorded_reason_stands_for_the_opposite_order() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    let held = OrderState::Held {
        why: HoldReason::OutsideBand,
        lease: None,
    };
    story.current(2, Side::Sell, "10", held);
    let audit = story.breaks(&[]);
    assert_eq!(audit.levels[0].verdict, Verdict::Owing);
    assert!(
        audit.levels[0]
            .why
            .as_ref()
            .unwrap()
            .contains("too far from the market")
    );
}

#[test]
fn another_buy_after_a_filled_buy_is_no_opposite() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    story.order(2, Side::Buy, "10", &[], LIVE);
    assert!(story.breaks(&[2]).doubled >= 1);

    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    let held = OrderState::Held {
        why: HoldReason::Paused,
        lease: None,
    };
    story.current(2, Side::Buy, "10", held);
    assert_eq!(story.breaks(&[2]).missing, 1);
}

#[test]
fn two_orders_under_one_number_are_doubled() {
    let mut story = round_trip();
    story.order(3, Side::Buy, "10", &[], OrderStatus::Canceled);
    // The records know the first of the two.
    story.level().order.as_mut().unwrap().exchange_order_id = Some(ExchangeOrderId(102));
    let audit = story.audit();
    assert!(audit.doubled >= 1, "{:#?}", audit.violations);
    assert!(
        audit
            .violations
            .iter()
            .any(|violation| violation.text.contains("both carry number 3"))
    );
}

#[test]
fn an_order_ended_early_is_replaced_by_the_rest_only() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    story.order(2, Side::Sell, "10", &["4"], OrderStatus::Canceled);
    story.order(3, Side::Sell, "6", &["6"], FILLED);
    story.order(4, Side::Buy, "10", &[], LIVE);
    let audit = story.breaks(&[]);
    assert_eq!(audit.levels[0].completed_orders, 2);

    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    story.order(2, Side::Sell, "10", &["4"], OrderStatus::Canceled);
    story.order(3, Side::Sell, "10", &[], LIVE);
    assert_eq!(story.breaks(&[2]).doubled, 1);
}

#[test]
fn buying_anew_while_holding_is_found() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["6"], OrderStatus::Canceled);
    story.order(2, Side::Buy, "10", &[], LIVE);
    assert_eq!(story.breaks(&[2]).doubled, 1);
}

#[test]
fn two_live_orders_at_once_are_found() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    story.order(2, Side::Sell, "10", &["4"], OrderStatus::Canceled);
    story.order(3, Side::Sell, "6", &[], LIVE);
    story.breaks(&[]);
    // The cancel came after the replacement was created.
    story.evidence.orders[1].updated_at = story.evidence.orders[2]
        .created_at
        .after(std::time::Duration::from_millis(1));
    story.breaks(&[3]);
}

#[test]
fn a_replaced_order_that_is_still_live_is_found() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    story.order(2, Side::Sell, "10", &["4"], OrderStatus::PartiallyFilled);
    story.order(3, Side::Sell, "6", &[], LIVE);
    story.breaks(&[3]);
}

#[test]
fn fees_that_the_exchange_did_not_take_are_found() {
    let mut story = round_trip();
    let fees = &mut story.level().fees;
    fees.insert("BNB".parse().unwrap(), quantity("0.5"));
    let audit = story.breaks(&[4]);
    assert!(
        audit.violations[0].text.contains("0.5 BNB"),
        "{:?}",
        audit.violations
    );
}

#[test]
fn an_order_off_the_rules_is_found_unless_the_rules_are_younger() {
    for (price, asked) in [("3.005", "10"), ("3", "10.05"), ("3", "0.1")] {
        let mut story = Story::begin();
        story.order(1, Side::Buy, asked, &[], LIVE);
        story.evidence.orders[0].price = Some(price.parse().unwrap());
        story.level().buy_price = price.parse().unwrap();
        story.breaks(&[5]);
        story.evidence.bot.rules_read_at = Some(LocalTime::from_millis(NOW));
        let audit = story.breaks(&[]);
        assert_eq!(audit.notes.len(), 1, "{:?}", audit.notes);
    }
}

#[test]
fn an_order_at_a_price_that_is_not_the_levels_is_found() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &[], LIVE);
    story.evidence.orders[0].price = Some("3.01".parse().unwrap());
    story.breaks(&[2]);
    // A first inventory bought cheaper is as planned.
    story.evidence.orders[0].price = Some("2.9".parse().unwrap());
    story.breaks(&[]);
}

#[test]
fn nothing_is_sent_for_a_bot_at_rest() {
    let mut story = round_trip();
    story.evidence.bot.observed = ObservedStatus::Paused;
    story.breaks(&[]);
    story.evidence.bot.recovered_at = Some(LocalTime::from_millis(1));
    story.evidence.orders[2].created_at = ExchangeTime::from_millis(NOW - 1_000);
    story.evidence.orders[2].updated_at = ExchangeTime::from_millis(NOW - 1_000);
    story.breaks(&[6]);
}

#[test]
fn an_intent_that_stays_pending_is_forgotten() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    let pending = |until: i64| {
        let start = ExchangeTime::from_millis(until - 30_000);
        OrderState::Pending {
            lease: Lease {
                attempt: 1,
                first_start: start,
                start,
                until: ExchangeTime::from_millis(until),
                unknown: false,
            },
        }
    };
    story.current(2, Side::Sell, "10", pending(NOW - 60_000));
    story.breaks(&[7]);
    story.current(2, Side::Sell, "10", pending(NOW + 5_000));
    let audit = story.breaks(&[]);
    assert_eq!(audit.levels[0].verdict, Verdict::UnderWay);
}

#[test]
fn an_order_the_exchange_does_not_list_is_missing() {
    let mut story = round_trip();
    story.evidence.orders.pop();
    story.breaks(&[2]);
}

#[test]
fn an_order_ahead_of_the_records_is_doubled_unless_quarantined() {
    let mut story = round_trip();
    story.order(4, Side::Buy, "10", &[], OrderStatus::Canceled);
    story.evidence.orders[2].status = OrderStatus::Canceled;
    story.current(3, Side::Buy, "10", OrderState::Open);
    story.breaks(&[2]);
    let quarantined = OrderState::Quarantined {
        why: domain::QuarantineReason::NumberAhead,
        evidence: "number 4".to_owned(),
    };
    story.current(3, Side::Buy, "10", quarantined);
    let audit = story.breaks(&[]);
    assert_eq!(audit.levels[0].verdict, Verdict::Owing);
}

#[test]
fn an_account_with_less_base_than_its_levels_hold_is_found() {
    let mut story = round_trip();
    story.evidence.base_of_all_bots = Some(quantity("1001"));
    let audit = story.breaks(&[4]);
    assert!(
        audit.violations[0].text.contains("missing"),
        "{:?}",
        audit.violations
    );
    story.evidence.base_of_all_bots = Some(quantity("1000"));
    story.breaks(&[]);
}

#[test]
fn a_balance_that_cannot_be_compared_is_only_noted() {
    let mut story = round_trip();
    story.evidence.base_of_all_bots = None;
    assert_eq!(story.breaks(&[]).notes.len(), 1);
}

#[test]
fn an_audit_reads_well() {
    let mut story = Story::begin();
    story.order(1, Side::Buy, "10", &["10"], FILLED);
    let mut text = Vec::new();
    story.audit().write(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.starts_with("bot auditbot on XRPETH: NOT CLEAN"),
        "{text}"
    );
    assert!(
        text.contains(
            "  BROKEN, 1 time: each completed order has exactly one opposite order or a reason (promise 2)\n    \
             level 0: "
        ),
        "{text}"
    );
    assert_eq!(Invariant::OneOpposite.number(), 2);
}

#[test]
fn an_exchange_that_forgot_everything_is_concluded_and_not_listed_trade_by_trade() {
    let mut story = round_trip();
    assert_eq!(story.audit().conclusion, None);
    story.evidence.orders.clear();
    story.evidence.trades.clear();
    let audit = story.audit();
    let mut text = Vec::new();
    audit.write(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let second = text.lines().nth(1).unwrap();
    assert!(
        second.contains("shows none of this bot's orders and trades")
            && second.contains("know of 3 orders and 3 trades"),
        "{text}"
    );
    assert!(text.contains("  BROKEN, 3 times: each fill has"), "{text}");
    assert!(!text.contains("is booked, but"), "{text}");
    assert!(audit.violations.len() > 3 && !audit.clean);
}
