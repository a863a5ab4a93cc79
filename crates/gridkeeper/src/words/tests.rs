use domain::{
    DesiredStatus, ExchangeTime, FirstInventory, GridPlan, Intent, Lease, ObservedStatus,
    OrderKind, OrderNumber, Quantity, QuarantineReason, QuoteAmount, Rate, Side, Sizing, Spacing,
    SymbolRules, SymbolStatus,
};

use super::*;

pub(crate) const NOW: LocalTime = LocalTime::from_millis(1_790_000_000_000);

pub(crate) fn bot() -> Bot {
    let rules = SymbolRules {
        symbol: "XRPETH".parse().unwrap(),
        base: "XRP".parse().unwrap(),
        quote: "ETH".parse().unwrap(),
        status: SymbolStatus::Trading,
        price: None,
        lot: None,
        notional: None,
        band: None,
        max_open_orders: None,
        post_only_allowed: true,
        expire_taker_allowed: true,
    };
    let plan = GridPlan {
        lower: "1".parse().unwrap(),
        upper: "2".parse().unwrap(),
        spacing: Spacing::Geometric { levels: 2 },
        sizing: Sizing::BasePerLevel {
            quantity: Quantity::ZERO,
        },
        compounding: false,
        post_only: false,
        first_inventory: FirstInventory::Buy,
        maker_fee: Rate::ZERO,
        taker_fee: Rate::ZERO,
    };
    Bot {
        id: "wordsbot".parse().unwrap(),
        account: "main".parse().unwrap(),
        plan,
        rules,
        rules_read_at: None,
        rules_doubted: false,
        levels: 2,
        desired: DesiredStatus::Running,
        observed: ObservedStatus::Running,
        created_at: NOW,
        recovered_at: None,
        version: 0,
    }
}

pub(crate) fn order(state: OrderState) -> LevelOrder {
    LevelOrder {
        no: OrderNumber::FIRST,
        intent: Intent {
            side: Side::Buy,
            price: "1".parse().unwrap(),
            quantity: Quantity::ZERO,
            kind: OrderKind::Limit,
            purpose: Purpose::Grid,
        },
        state,
        exchange_order_id: None,
        executed: Quantity::ZERO,
        executed_quote: QuoteAmount::ZERO,
        highest_seen: Quantity::ZERO,
        terminal: None,
        owed: Quantity::ZERO,
        executed_before: Quantity::ZERO,
        fruitless: 0,
        by_recovery: false,
    }
}

fn words(state: OrderState) -> StateWords {
    state_words(&bot(), &order(state), NOW)
}

#[test]
fn a_held_order_says_why_and_what_comes_next() {
    let missing: QuoteAmount = "0.004".parse().unwrap();
    let value: QuoteAmount = "0.001".parse().unwrap();
    for (why, says, remedy) in [
        (
            HoldReason::Paused,
            "paused",
            Some("gridkeeper bot resume wordsbot"),
        ),
        (
            HoldReason::Stopped,
            "stopped",
            Some("gridkeeper bot start wordsbot"),
        ),
        (HoldReason::OutsideBand, "too far from the market", None),
        (
            HoldReason::TooManyOrders,
            "MAX_NUM_ORDERS",
            Some("fewer levels"),
        ),
        (
            HoldReason::AccountStopped,
            "may not send",
            Some("gridkeeper account check main"),
        ),
        (HoldReason::MarketClosed, "does not trade", None),
        (
            HoldReason::BelowMinimum { value, missing },
            "0.004 ETH less",
            None,
        ),
        (HoldReason::Unsizable, "cannot be calculated", Some("story")),
    ] {
        let words = words(OrderState::Held { why, lease: None });
        assert!(words.owed && words.why.contains(says), "{words:?}");
        assert!(!words.next.is_empty(), "{words:?}");
        match remedy {
            Some(remedy) => assert!(words.remedy.unwrap().contains(remedy)),
            None => assert_eq!(words.remedy, None),
        }
    }
}

#[test]
fn a_refused_order_says_when_it_is_tried_again() {
    let words = words(OrderState::Refused {
        why: RefusalReason::InsufficientBalance,
        detail: "HTTP 400, -2010".to_owned(),
        retry_at: NOW.after(std::time::Duration::from_secs(15)),
        lease: None,
    });
    assert!(
        words.why.contains("balance is too small (HTTP 400, -2010)"),
        "{words:?}"
    );
    assert!(
        words.next.contains("in 15 s (2026-09-21 14:13:35 UTC)"),
        "{words:?}"
    );
    assert!(
        words
            .remedy
            .unwrap()
            .contains("are free, or cancel orders of your own")
    );
}

#[test]
fn a_quarantined_order_shows_its_evidence_and_a_remedy() {
    for why in [
        QuarantineReason::NumberAhead,
        QuarantineReason::ForeignOrder,
        QuarantineReason::TradesDisagree,
        QuarantineReason::OrderVanished,
    ] {
        let evidence = "order 77".to_owned();
        let words = words(OrderState::Quarantined { why, evidence });
        assert!(words.owed && words.why.ends_with(": order 77"), "{words:?}");
        assert!(words.next.starts_with("nothing is sent"), "{words:?}");
        let remedy = words.remedy.unwrap();
        assert!(remedy.contains("gridkeeper bot release wordsbot LEVEL"));
    }
    let why = QuarantineReason::Released;
    let evidence = "order 77".to_owned();
    let words = words(OrderState::Quarantined { why, evidence });
    assert!(words.next.ends_with("under a new number"), "{words:?}");
    assert_eq!(words.remedy, None);
}

#[test]
fn an_order_on_its_way_says_until_when_it_is_nobody_elses() {
    let start = ExchangeTime::from_millis(NOW.as_millis());
    let lease = Lease {
        attempt: 2,
        first_start: start,
        start,
        until: start.after(std::time::Duration::from_secs(30)),
        unknown: true,
    };
    let words = words(OrderState::Pending { lease });
    assert!(words.why.contains("attempt 2") && words.owed, "{words:?}");
    assert!(words.next.contains("2026-09-21 14:13:50 UTC"), "{words:?}");
    assert!(!super::tests::words(OrderState::Open).owed);
    assert!(!super::tests::words(OrderState::Idle).owed);
}
