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
        sold_out: false,
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
        sent_since: None,
        sent_until: None,
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

pub(crate) fn level() -> Level {
    let rung = domain::Rung {
        buy_price: "1".parse().unwrap(),
        sell_price: "1.5".parse().unwrap(),
        quantity: "10".parse().unwrap(),
    };
    Level::new(bot().id, domain::LevelIndex(7), &rung, NOW)
}

fn words(state: OrderState) -> StateWords {
    state_words(&bot(), &level(), &order(state), NOW)
}

#[test]
fn a_sell_for_less_than_its_level_holds_is_followed_by_another() {
    for (held, executed, next) in [
        ("10", "0", "a BUY at 1"),
        ("6", "4", "a BUY at 1"),
        ("4", "0", "a BUY at 1"),
        ("20", "0", "a SELL of what is left then, 10 XRP"),
        ("20", "4", "a SELL of what is left then, 14 XRP"),
    ] {
        let mut level = level();
        level.base = held.parse().unwrap();
        let mut order = order(OrderState::Open);
        order.intent.side = Side::Sell;
        order.intent.quantity = "10".parse().unwrap();
        order.executed = executed.parse().unwrap();
        let mut bot = bot();
        bot.desired = domain::DesiredStatus::Running;
        let words = state_words(&bot, &level, &order, NOW);
        assert!(words.next.contains(next), "{held} {executed}: {words:?}");
        assert_eq!(
            words.why.contains("for less than it holds"),
            next.contains("left then"),
            "{words:?}"
        );
    }
}

#[test]
fn a_buy_beside_a_rest_says_that_the_rest_is_too_little_to_sell() {
    let mut bot = bot();
    bot.rules.lot = Some(domain::LotRule {
        min: "5".parse().unwrap(),
        max: "1000".parse().unwrap(),
        step: "0.1".parse().unwrap(),
    });
    for (base, executed, says) in [
        ("0", "0", "holds nothing to sell"),
        (
            "0.06",
            "0",
            "0.06 XRP it holds are less than one step (0.1 XRP)",
        ),
        (
            "0.6",
            "0",
            "0.6 XRP it holds are less than the smallest order (5 XRP)",
        ),
        ("0.6", "0.6", "0.6 of 10 XRP are bought already"),
    ] {
        let mut level = level();
        level.base = base.parse::<Quantity>().unwrap().into();
        let mut order = order(OrderState::Open);
        order.intent.quantity = "10".parse().unwrap();
        order.executed = executed.parse().unwrap();
        let words = state_words(&bot, &level, &order, NOW);
        assert!(words.why.contains(says), "{words:?}");
    }
}

#[test]
fn an_order_that_was_at_the_exchange_is_not_called_never_sent() {
    let mut order = order(OrderState::Idle);
    assert_eq!(state_in_short(&order), "over: never placed");
    order.exchange_order_id = Some(domain::ExchangeOrderId(7));
    assert_eq!(
        state_in_short(&order),
        "over: gone from the exchange, its end unknown"
    );
}

#[test]
fn a_try_that_is_due_is_made_with_the_next_look() {
    let words = words(OrderState::Refused {
        why: RefusalReason::RateLimited,
        detail: String::new(),
        retry_at: NOW.before(std::time::Duration::from_secs(5)),
        lease: None,
    });
    assert_eq!(
        words.next,
        "its wait is over: it is tried again with the next look at the exchange"
    );
    assert_eq!(words.why, "it was not placed: a rate limit was reached");
}

#[test]
fn a_refusal_that_was_cut_to_fit_ends_with_a_whole_word() {
    let full = "HTTP 400, code -2010: Account has insufficient balance for requested action.";
    for (kept, says) in [
        (&full[..60], "insufficient balance for ..."),
        (&full[..58], "insufficient balance ..."),
        ("HTTP 400, code -2010: Account has", "Account has"),
        (full, full),
    ] {
        let whole = whole_words(kept, KEPT_OF_DETAIL);
        assert!(whole.ends_with(says), "{whole}");
    }
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
        assert!(words.why.contains(says), "{words:?}");
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
        words
            .next
            .contains("after 2026-09-21 14:13:35 UTC (in 15 s)"),
        "{words:?}"
    );
    assert!(
        words
            .remedy
            .unwrap()
            .contains("or cancel orders of your own that hold it: this order needs 0 ETH in all")
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
        assert!(words.why.ends_with(": order 77"), "{words:?}");
        assert!(words.next.starts_with("nothing is sent"), "{words:?}");
        let remedy = words.remedy.unwrap();
        assert!(remedy.contains("gridkeeper bot release wordsbot 7"));
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
    assert!(words.why.contains("attempt 2"), "{words:?}");
    assert!(words.next.contains("2026-09-21 14:13:50 UTC"), "{words:?}");
}

#[test]
fn a_level_that_waits_for_the_band_names_the_line_that_is_outside() {
    let held = OrderState::Held {
        why: HoldReason::OutsideBand,
        lease: None,
    };
    let factor = |text: &str| text.parse().unwrap();
    let mut bot = bot();
    bot.rules.band = Some(domain::BandRule {
        bid_up: factor("5"),
        bid_down: factor("0.20"),
        ask_up: factor("6"),
        ask_down: factor("0.3"),
    });
    bot.rules.price = Some(domain::PriceRule {
        min: "0.01".parse().unwrap(),
        max: "100".parse().unwrap(),
        tick: factor("0.01"),
    });
    let mut waits = order(held);
    waits.intent.price = "1.4".parse().unwrap();
    waits.intent.side = Side::Sell;
    let words = state_words(&bot, &level(), &waits, NOW);
    assert!(
        words
            .why
            .starts_with("its line, SELL at 1.4 ETH, is too far")
            && words.why.contains("a SELL from 0.3 to 6 times"),
        "{words:?}"
    );
    assert!(
        words.next.ends_with("market has risen to 0.24 ETH"),
        "{words:?}"
    );
    assert_eq!(state_in_short(&waits), "held: too far from the market");

    // What is bought near the market waits for the line of its level.
    waits.intent.side = Side::Buy;
    waits.intent.purpose = Purpose::FirstInventory;
    let words = state_words(&bot, &level(), &waits, NOW);
    assert!(
        words
            .why
            .starts_with("the level's own line, BUY at 1 ETH, is too far")
            && words.why.contains("a BUY from 0.2 to 5 times"),
        "{words:?}"
    );
    assert!(
        words.next.ends_with("market has risen to 0.2 ETH"),
        "{words:?}"
    );
    assert_eq!(
        state_in_short(&waits),
        "held: the level's lines are too far from the market"
    );

    // A BUY that is to rest is too low.
    waits.intent.purpose = Purpose::Grid;
    let words = state_words(&bot, &level(), &waits, NOW);
    assert!(
        words.next.ends_with("market has fallen to 7 ETH"),
        "{words:?}"
    );
}

#[test]
fn what_an_order_has_executed_is_told_with_its_state() {
    let mut order = order(OrderState::Open);
    order.executed = "0.6".parse().unwrap();
    assert_eq!(state_in_short(&order), "open, 0.6 of it bought");
    order.executed_quote = "0.9".parse().unwrap();
    order.terminal = Some(OrderStatus::Filled);
    order.state = OrderState::Idle;
    order.intent.side = Side::Sell;
    assert_eq!(
        state_in_short(&order),
        "over: filled, 0.6 of it sold at 1.5"
    );
    order.intent.purpose = Purpose::Liquidation;
    assert_eq!(
        in_short::asks_in_short(&order.intent),
        "SELL 0 at 1 or more"
    );
}
