//! Any shuffle, duplication, split, or loss-then-recovery of an order's reports ends in the same
//! level.

use std::collections::BTreeSet;

use domain::{
    ExchangeOrderId, ExchangeTime, FillDecision, HoldReason, Level, Next, NotOurs, OrderNumber,
    OrderState, OrderStatus, Quantity, Side, Trade, TradeId, decide_fill, next_intent, owe,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::fixtures::{bot, deliver, empty_level, lease, pending, price, quantity, report, trade};

/// An order's life at the exchange: its trades and how it ended.
#[derive(Debug, Clone)]
struct Life {
    side: Side,
    trades: Vec<Trade>,
    end: OrderStatus,
}

impl Life {
    fn total(&self) -> Quantity {
        self.trades.iter().fold(Quantity::ZERO, |sum, trade| {
            sum.checked_add(trade.quantity).unwrap()
        })
    }
}

fn fee_of(kind: u8, at: usize) -> Option<(&'static str, &'static str)> {
    match (kind.wrapping_add(u8::try_from(at % 4).unwrap())) % 4 {
        0 => None,
        1 => Some(("0.0003", "ABC")),
        2 => Some(("0.0007", "USDT")),
        _ => Some(("0.00001", "BNB")),
    }
}

prop_compose! {
    fn life()(
        side in prop_oneof![Just(Side::Buy), Just(Side::Sell)],
        tenths in prop::collection::vec(1_u32..30, 1..8),
        fees in any::<u8>(),
        end in prop_oneof![
            Just(OrderStatus::Filled), Just(OrderStatus::Canceled),
            Just(OrderStatus::Expired), Just(OrderStatus::ExpiredInMatch),
        ],
    ) -> Life {
        let at = if side == Side::Buy { "3.1064" } else { "3.1537" };
        let trades = tenths.iter().enumerate().map(|(index, tenth)| {
            let amount = Decimal::new(i64::from(*tenth), 1).to_string();
            trade(100 + i64::try_from(index).unwrap(), &amount, at, fee_of(fees, index))
        }).collect();
        Life { side, trades, end }
    }
}

/// The level before the order's first report: it owes the order, and for a sale holds the base.
fn start(life: &Life) -> Level {
    let bot = bot();
    let mut level = empty_level(&bot);
    if life.side == Side::Sell {
        level.base = domain::BaseAmount::from(quantity("40"));
        level.cost = price("3.1064").times(quantity("40")).unwrap();
    }
    pending(&level, life.side, "30")
}

/// What the stream says of the order, in order.
fn stream(level: &Level, life: &Life) -> Vec<domain::Execution> {
    let bot = bot();
    let mut z = Quantity::ZERO;
    let mut reports = Vec::new();
    for (at, trade) in life.trades.iter().enumerate() {
        z = z.checked_add(trade.quantity).unwrap();
        let last = at + 1 == life.trades.len();
        let status = if last && life.end == OrderStatus::Filled {
            OrderStatus::Filled
        } else {
            OrderStatus::PartiallyFilled
        };
        reports.push(report(&bot, level, z, status, vec![trade.clone()]));
    }
    if life.end != OrderStatus::Filled {
        reports.push(report(&bot, level, z, life.end, Vec::new()));
    }
    reports
}

fn run(level: Level, reports: &[domain::Execution], life: &Life) -> (Level, BTreeSet<TradeId>) {
    let bot = bot();
    let mut ledger = BTreeSet::new();
    let level = reports.iter().fold(level, |level, execution| {
        deliver(&bot, level, execution, &life.trades, &mut ledger).0
    });
    (level, ledger)
}

proptest! {
    #[test]
    fn any_delivery_ends_in_the_same_level(
        life in life(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        recovery_at in any::<prop::sample::Index>(),
    ) {
        let level = start(&life);
        let told = stream(&level, &life);
        let (expected, all) = run(level.clone(), &told, &life);
        prop_assert!(expected.order.as_ref().unwrap().is_complete());
        prop_assert_eq!(all.len(), life.trades.len());

        // Reports picked at random: lost, repeated, reordered. Recovery asks once, at any moment.
        let mut delivered: Vec<_> = order.iter().map(|pick| pick.get(&told).clone()).collect();
        let asked = report(&bot(), &level, life.total(), life.end, Vec::new());
        delivered.insert(recovery_at.index(delivered.len() + 1), asked);
        let (level, ledger) = run(level, &delivered, &life);
        prop_assert_eq!(level, expected);
        prop_assert_eq!(ledger, all);
    }

    #[test]
    fn reports_of_several_trades_end_in_the_same_level(life in life(), cut in any::<prop::sample::Index>()) {
        let level = start(&life);
        let told = stream(&level, &life);
        let (expected, _) = run(level.clone(), &told, &life);
        let cut = cut.index(life.trades.len() + 1);
        let (head, tail) = life.trades.split_at(cut);
        let z = head.iter().fold(Quantity::ZERO, |sum, trade| sum.checked_add(trade.quantity).unwrap());
        let first = report(&bot(), &level, z, OrderStatus::PartiallyFilled, head.to_vec());
        let second = report(&bot(), &level, life.total(), life.end, tail.to_vec());
        let whole = report(&bot(), &level, life.total(), life.end, life.trades.clone());
        for reports in [vec![first.clone(), second.clone()], vec![second, first], vec![whole]] {
            prop_assert_eq!(&run(level.clone(), &reports, &life).0, &expected);
        }
    }

    #[test]
    fn what_is_booked_adds_up(life in life()) {
        let level = start(&life);
        let (after, _) = run(level.clone(), &stream(&level, &life), &life);
        let base_fees: Decimal = life.trades.iter()
            .filter_map(|trade| trade.fee.as_ref())
            .filter(|fee| fee.asset.as_str() == "ABC")
            .map(|fee| fee.amount.decimal())
            .sum();
        let moved = life.total().decimal() * if life.side == Side::Buy { Decimal::ONE } else { -Decimal::ONE };
        prop_assert_eq!(after.base.decimal(), level.base.decimal() + moved - base_fees);
        let paid: Decimal = life.trades.iter().map(|trade| trade.quote.decimal()).sum();
        let quote_fees: Decimal = life.trades.iter()
            .filter_map(|trade| trade.fee.as_ref())
            .filter(|fee| fee.asset.as_str() == "USDT")
            .map(|fee| fee.amount.decimal())
            .sum();
        let worth = |level: &Level| level.realized_profit.decimal() - level.cost.decimal();
        let change = worth(&after) - worth(&level);
        let expected = if life.side == Side::Buy { -paid - quote_fees } else { paid - quote_fees };
        // Average cost divides, so the two sides agree to the last of 28 digits, not beyond.
        prop_assert!((change - expected).abs() < Decimal::new(1, 18), "{change} {expected}");
    }
}

#[test]
fn a_level_answers_a_sale_with_its_own_buy_price() {
    let bot = bot();
    let mut level = empty_level(&bot);
    level.base = domain::BaseAmount::from(quantity("10"));
    let level = pending(&level, Side::Sell, "10");
    let sold = trade(1, "10", "3.1537", None);
    let execution = report(
        &bot,
        &level,
        quantity("10"),
        OrderStatus::Filled,
        vec![sold.clone()],
    );
    let (level, _) = deliver(&bot, level, &execution, &[sold], &mut BTreeSet::new());
    let Next::Place(intent) = next_intent(&bot, &level) else {
        panic!("nothing to place")
    };
    assert_eq!((intent.side, intent.price), (Side::Buy, price("3.1064")));
}

/// What follows an order that ended with `executed` of 10, on `side`, a fee of 0.1 % in base.
fn follows(side: Side, executed: &str, status: OrderStatus) -> Next {
    let bot = bot();
    let mut level = empty_level(&bot);
    if side == Side::Sell {
        level.base = domain::BaseAmount::from(quantity("10"));
        level.cost = price("3.1064").times(quantity("10")).unwrap();
    }
    let level = pending(&level, side, "10");
    let at = if side == Side::Buy {
        "3.1064"
    } else {
        "3.1537"
    };
    let trades = if executed == "0" {
        Vec::new()
    } else {
        let fee = (side == Side::Buy).then_some(("0.001", "ABC"));
        vec![trade(1, executed, at, fee)]
    };
    let execution = report(&bot, &level, quantity(executed), status, trades.clone());
    let (level, _) = deliver(&bot, level, &execution, &trades, &mut BTreeSet::new());
    assert!(level.order.as_ref().unwrap().is_complete());
    next_intent(&bot, &level)
}

#[test]
fn one_intent_follows_every_end() {
    // side, executed of 10, end -> what follows; the minimum is worth 5 USDT, 1.7 ABC on step.
    let table = [
        (Side::Buy, "10", OrderStatus::Filled, "SELL 9.9 place"),
        (Side::Buy, "4", OrderStatus::Canceled, "SELL 3.9 place"),
        (Side::Buy, "1", OrderStatus::Canceled, "BUY 9 place"),
        (Side::Buy, "0", OrderStatus::Expired, "BUY 10 place"),
        (
            Side::Buy,
            "9",
            OrderStatus::ExpiredInMatch,
            "SELL 8.9 place",
        ),
        (Side::Sell, "10", OrderStatus::Filled, "BUY 10 place"),
        (Side::Sell, "4", OrderStatus::Canceled, "SELL 6 place"),
        (Side::Sell, "9", OrderStatus::Canceled, "BUY 10 place"),
        (Side::Sell, "0", OrderStatus::Expired, "SELL 10 place"),
    ];
    for (side, executed, end, expected) in table {
        let seen = match follows(side, executed, end) {
            Next::Place(intent) => format!("{} {} place", intent.side, intent.quantity),
            Next::Hold(intent, why) => format!("{} {} {why:?}", intent.side, intent.quantity),
            Next::Nothing => "nothing".to_owned(),
        };
        assert_eq!(seen, expected, "{side} {executed} {end:?}");
    }
}

#[test]
fn what_is_too_small_to_sell_is_held_with_the_amount_missing() {
    let mut bot = bot();
    let level = pending(&empty_level(&bot), Side::Buy, "10");
    let bought = trade(1, "10", "3.1064", None);
    let execution = report(
        &bot,
        &level,
        quantity("10"),
        OrderStatus::Filled,
        vec![bought.clone()],
    );
    bot.rules.notional = Some(domain::NotionalRule {
        min: "40".parse().unwrap(),
        max: None,
    });
    let (level, _) = deliver(&bot, level, &execution, &[bought], &mut BTreeSet::new());
    let Next::Hold(intent, HoldReason::BelowMinimum { value, missing }) = next_intent(&bot, &level)
    else {
        panic!("{:?}", next_intent(&bot, &level));
    };
    assert_eq!(intent.side, Side::Sell);
    assert_eq!(
        (value.to_string(), missing.to_string()),
        ("31.537".into(), "8.463".into())
    );
}

#[test]
fn a_chain_of_replacements_never_owes_more_than_its_first_order() {
    let bot = bot();
    let mut level = pending(&empty_level(&bot), Side::Buy, "10");
    let mut bought = Decimal::ZERO;
    for (id, executed) in [(1, "0.5"), (2, "0.4"), (3, "0.3")] {
        let part = trade(id, executed, "3.1064", None);
        let execution = report(
            &bot,
            &level,
            quantity(executed),
            OrderStatus::Canceled,
            vec![part.clone()],
        );
        (level, _) = deliver(&bot, level, &execution, &[part], &mut BTreeSet::new());
        bought += quantity(executed).decimal();
        let Next::Place(intent) = next_intent(&bot, &level) else {
            panic!("nothing follows")
        };
        assert_eq!(intent.side, Side::Buy);
        assert_eq!(intent.quantity.decimal() + bought, quantity("10").decimal());
        level = owe(
            &level,
            intent,
            OrderState::Pending {
                lease: lease(1_000),
            },
            false,
        );
        assert_eq!(level.order.as_ref().unwrap().owed, quantity("10"));
    }
}

#[test]
fn an_order_lowered_by_hand_leaves_its_rest_to_the_next_of_its_chain() {
    let bot = bot();
    let mut level = empty_level(&bot);
    level.base = domain::BaseAmount::from(quantity("10"));
    level.cost = price("3.1064").times(quantity("10")).unwrap();
    let level = pending(&level, Side::Sell, "10");
    let sold = trade(1, "4", "3.1537", None);
    let filled = report(
        &bot,
        &level,
        quantity("4"),
        OrderStatus::Filled,
        vec![sold.clone()],
    );
    let (level, _) = deliver(&bot, level, &filled, &[sold], &mut BTreeSet::new());
    let Next::Place(intent) = next_intent(&bot, &level) else {
        panic!("nothing follows")
    };
    assert_eq!((intent.side, intent.quantity), (Side::Sell, quantity("6")));
    let level = owe(
        &level,
        intent,
        OrderState::Pending {
            lease: lease(1_000),
        },
        false,
    );
    let order = level.order.unwrap();
    assert_eq!(
        (order.owed, order.executed_before),
        (quantity("10"), quantity("4"))
    );
}

#[test]
fn reports_of_others_are_not_ours() {
    let bot = bot();
    let level = pending(&empty_level(&bot), Side::Buy, "10");
    let ours = report(
        &bot,
        &level,
        quantity("1"),
        OrderStatus::PartiallyFilled,
        Vec::new(),
    );
    let with = |change: &dyn Fn(&mut domain::Execution)| {
        let mut execution = ours.clone();
        change(&mut execution);
        decide_fill(&bot, &level, &execution)
    };
    let cases = [
        (
            with(&|e| e.account = "other".parse().unwrap()),
            NotOurs::OtherAccount,
        ),
        (
            with(&|e| e.symbol = "XYZUSDT".parse().unwrap()),
            NotOurs::OtherSymbol,
        ),
        (
            with(&|e| e.client_order_id = "web_abc".to_owned()),
            NotOurs::OtherId,
        ),
        (
            with(&|e| e.client_order_id = "gk-otherbot-7-1".to_owned()),
            NotOurs::OtherId,
        ),
        (with(&|e| e.side = Side::Sell), NotOurs::OtherPrice),
        (
            with(&|e| e.order_price = Some(price("3.2"))),
            NotOurs::OtherPrice,
        ),
        (
            with(&|e| e.order_quantity = quantity("10.1")),
            NotOurs::OtherQuantity,
        ),
        (
            with(&|e| e.created_at = Some(ExchangeTime::from_millis(-1))),
            NotOurs::TooOld,
        ),
    ];
    for (decision, why) in cases {
        assert_eq!(decision, FillDecision::NotOurs(why));
    }
    assert!(matches!(
        decide_fill(&bot, &level, &ours),
        FillDecision::Missing(_)
    ));
}

#[test]
fn a_report_proves_acceptance_in_every_state() {
    let bot = bot();
    let mut level = pending(&empty_level(&bot), Side::Buy, "10");
    let states = [
        OrderState::Pending {
            lease: lease(1_000),
        },
        OrderState::Held {
            why: HoldReason::Paused,
            lease: None,
        },
        OrderState::Refused {
            why: domain::RefusalReason::InsufficientBalance,
            detail: String::new(),
            retry_at: domain::LocalTime::from_millis(0),
            lease: None,
        },
    ];
    let part = trade(1, "1", "3.1064", None);
    for state in states {
        level.order.as_mut().unwrap().state = state;
        let execution = report(
            &bot,
            &level,
            quantity("1"),
            OrderStatus::PartiallyFilled,
            vec![part.clone()],
        );
        let trades = std::slice::from_ref(&part);
        let (after, _) = deliver(
            &bot,
            level.clone(),
            &execution,
            trades,
            &mut BTreeSet::new(),
        );
        let order = after.order.unwrap();
        assert_eq!(order.state, OrderState::Open);
        assert_eq!(order.exchange_order_id, Some(ExchangeOrderId(42)));
    }
}

#[test]
fn a_late_fill_of_a_passed_order_is_booked_and_sold_with_the_next() {
    let bot = bot();
    let level = pending(&empty_level(&bot), Side::Buy, "10");
    let first = trade(1, "10", "3.1064", None);
    let late = trade(2, "3", "3.1064", None);
    let mut ledger = BTreeSet::new();
    let done = report(
        &bot,
        &level,
        quantity("10"),
        OrderStatus::Filled,
        vec![first.clone()],
    );
    let beyond = report(
        &bot,
        &level,
        quantity("13"),
        OrderStatus::Filled,
        vec![late.clone()],
    );
    let (level, _) = deliver(
        &bot,
        level,
        &done,
        std::slice::from_ref(&first),
        &mut ledger,
    );
    let level = pending(&level, Side::Sell, "10");
    let (level, decision) = deliver(&bot, level, &beyond, &[first, late], &mut ledger);
    assert!(matches!(
        decision,
        FillDecision::BookAside {
            no: OrderNumber(1),
            second_order: false,
            ..
        }
    ));
    assert_eq!(level.base.to_string(), "13");
    let (level, decision) = deliver(&bot, level, &beyond, &[], &mut ledger);
    assert_eq!(decision, FillDecision::Duplicate);
    assert_eq!(level.base.to_string(), "13");
}

#[test]
fn a_second_order_under_one_id_is_booked_beside() {
    let bot = bot();
    let level = pending(&empty_level(&bot), Side::Buy, "10");
    let mut ledger = BTreeSet::new();
    let accepted = report(&bot, &level, Quantity::ZERO, OrderStatus::New, Vec::new());
    let (level, _) = deliver(&bot, level, &accepted, &[], &mut ledger);
    let twin = trade(9, "10", "3.1064", None);
    let mut second = report(
        &bot,
        &level,
        quantity("10"),
        OrderStatus::Filled,
        vec![twin.clone()],
    );
    second.exchange_order_id = ExchangeOrderId(43);
    let (level, decision) = deliver(&bot, level, &second, &[twin], &mut ledger);
    assert!(matches!(
        decision,
        FillDecision::BookAside {
            second_order: true,
            ..
        }
    ));
    assert_eq!(level.base.to_string(), "10");
    assert!(level.order.as_ref().unwrap().executed.is_zero());
}

#[test]
fn a_number_ahead_is_quarantined() {
    let bot = bot();
    let level = pending(&empty_level(&bot), Side::Buy, "10");
    let mut ahead = report(
        &bot,
        &level,
        quantity("1"),
        OrderStatus::PartiallyFilled,
        Vec::new(),
    );
    ahead.client_order_id = level.client_order_id(OrderNumber(5)).to_string();
    assert!(matches!(
        decide_fill(&bot, &level, &ahead),
        FillDecision::Quarantine(domain::QuarantineReason::NumberAhead, _)
    ));
}

#[test]
fn a_pause_says_in_words_how_the_order_before_ended() {
    let bot = bot();
    let level = pending(&empty_level(&bot), Side::Buy, "10");
    let expired = report(
        &bot,
        &level,
        Quantity::ZERO,
        OrderStatus::ExpiredInMatch,
        Vec::new(),
    );
    let (level, _) = deliver(&bot, level, &expired, &[], &mut BTreeSet::new());
    let ended = level.order.unwrap();
    let state = domain::waiting_state(&ended, domain::LocalTime::from_millis(5));
    let OrderState::Refused { detail, .. } = state else {
        panic!("{state:?}")
    };
    assert_eq!(detail, "self-trade prevention ended number 1, 0 executed");
}
