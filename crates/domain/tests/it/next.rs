//! What follows an order that ended: how long it waits, what it is for, how much it buys.

use std::time::Duration;

use domain::{
    BestPrices, Intent, Level, Next, OrderKind, OrderState, OrderStatus, Purpose, Quantity, Side,
    first_intent, next_intent, owe, pause_before_next,
};

use crate::fixtures::{bot, dec, empty_level, pending, price, quantity};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(600);

fn end(level: &mut Level, status: OrderStatus, executed: &str) {
    let order = level.order.as_mut().unwrap();
    order.state = OrderState::Open;
    order.terminal = Some(status);
    order.executed = quantity(executed);
    order.highest_seen = quantity(executed);
}

/// The pauses, in seconds, after orders of one level that end so one after the other.
fn pauses(ends: &[(OrderStatus, &str)]) -> Vec<u64> {
    let bot = bot();
    let mut level = pending(&empty_level(&bot), Side::Sell, "10");
    let mut pauses = Vec::new();
    for (status, executed) in ends {
        end(&mut level, *status, executed);
        let ended = level.order.as_ref().unwrap();
        pauses.push(pause_before_next(ended, FIRST, LONGEST).map_or(0, |pause| pause.as_secs()));
        level = pending(&level, Side::Sell, "10");
    }
    pauses
}

#[test]
fn the_pause_after_expiries_ends_at_its_longest() {
    let expiries = [(OrderStatus::Expired, "0"); 14];
    let expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600, 600];
    assert_eq!(pauses(&expiries), expected);
}

#[test]
fn the_pause_starts_anew_after_an_execution() {
    let ends = [
        (OrderStatus::Expired, "0"),
        (OrderStatus::Expired, "0"),
        (OrderStatus::Expired, "1"),
        (OrderStatus::Canceled, "0"),
        (OrderStatus::Canceled, "0"),
        (OrderStatus::Filled, "10"),
        (OrderStatus::Expired, "0"),
    ];
    assert_eq!(pauses(&ends), [1, 2, 4, 1, 2, 0, 1]);
}

/// A fill of our own neighbouring order takes the cause away: nobody needs to be waited for long.
#[test]
fn the_pause_after_self_trade_prevention_stays_short() {
    let ends = [(OrderStatus::ExpiredInMatch, "0"); 7];
    assert_eq!(pauses(&ends), [1, 2, 4, 8, 10, 10, 10]);
}

fn prices(bid: &str, ask: &str) -> BestPrices {
    BestPrices {
        bid: price(bid),
        ask: price(ask),
    }
}

/// A level above the market whose purchase of its first inventory has ended.
fn first_purchase_ended(status: OrderStatus, executed: &str) -> Level {
    let bot = bot();
    let level = empty_level(&bot);
    let intent = placed(first_intent(&bot, &level, &prices("2.99", "3")));
    assert_eq!(
        (intent.purpose, intent.price),
        (Purpose::FirstInventory, price("3.015"))
    );
    let mut level = owe(&level, intent, OrderState::Open, true);
    end(&mut level, status, executed);
    level
}

fn placed(next: Next) -> Intent {
    let intent = match next {
        Next::Place(intent) => Some(intent),
        Next::Hold(..) | Next::Nothing => None,
    };
    intent.unwrap()
}

#[test]
fn a_first_purchase_that_executed_nothing_goes_on_as_one() {
    for status in [
        OrderStatus::Canceled,
        OrderStatus::Expired,
        OrderStatus::ExpiredInMatch,
    ] {
        let mut bot = bot();
        bot.plan.post_only = true;
        let level = first_purchase_ended(status, "0");
        // Without prices the record names the last limit; it is sent with a new one.
        let next = placed(next_intent(&bot, &level));
        assert_eq!(
            (next.purpose, next.price, next.kind, next.quantity),
            (
                Purpose::FirstInventory,
                price("3.015"),
                OrderKind::Limit,
                quantity("10")
            )
        );
        let waiting = owe(&level, next, OrderState::Open, true);
        let anew = placed(first_intent(&bot, &waiting, &prices("2.89", "2.9")));
        assert_eq!(
            (anew.purpose, anew.price, anew.kind),
            (Purpose::FirstInventory, price("2.9145"), OrderKind::Limit)
        );
        // The market has risen above the level: its BUY rests, and as the plan wants it.
        let rests = placed(first_intent(&bot, &waiting, &prices("3.19", "3.2")));
        assert_eq!(
            (rests.purpose, rests.price, rests.kind),
            (Purpose::Grid, price("3.1064"), OrderKind::PostOnly)
        );
    }
}

/// A fill of an order given up before may have been booked meanwhile.
#[test]
fn a_first_purchase_that_executed_nothing_does_not_keep_a_level_from_selling() {
    let bot = bot();
    let mut level = first_purchase_ended(OrderStatus::Canceled, "0");
    level.base = domain::BaseAmount::from(quantity("9.99"));
    let next = placed(next_intent(&bot, &level));
    assert_eq!(
        (next.side, next.purpose, next.price, next.quantity),
        (Side::Sell, Purpose::Grid, price("3.1537"), quantity("9.9"))
    );
}

#[test]
fn a_first_purchase_that_executed_something_is_followed_by_the_grids_orders() {
    let bot = bot();
    let mut level = first_purchase_ended(OrderStatus::Canceled, "1");
    level.base = domain::BaseAmount::from(quantity("0.9"));
    let next = placed(next_intent(&bot, &level));
    assert_eq!(
        (next.side, next.purpose, next.price, next.quantity),
        (Side::Buy, Purpose::Grid, price("3.1064"), quantity("9"))
    );
}

fn next_purchase(compounding: bool, earned: &str) -> Quantity {
    let mut bot = bot();
    bot.plan.compounding = compounding;
    let mut level = empty_level(&bot);
    level.realized_profit = domain::QuoteAmount::new(dec(earned));
    placed(next_intent(&bot, &level)).quantity
}

#[test]
fn compounding_buys_with_what_the_level_has_earned() {
    // 10, and what is earned buys at 3.1064, on the step of 0.1.
    for (earned, expected) in [
        ("0", "10"),
        ("0.3106", "10"),
        ("0.3107", "10.1"),
        ("1", "10.3"),
        ("31.064", "20"),
        ("-5", "10"),
        ("99999999", "9000"),
    ] {
        assert_eq!(next_purchase(true, earned), quantity(expected), "{earned}");
        assert_eq!(next_purchase(false, earned), quantity("10"), "{earned}");
    }
}
