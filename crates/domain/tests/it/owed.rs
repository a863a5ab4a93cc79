//! What a level owes, by what its bot is to do and by what it holds.

use domain::{
    BaseAmount, BestPrices, Bot, DesiredStatus, FirstInventory, HoldReason, Intent, Level, Next,
    ObservedStatus, OrderKind, OrderState, OrderStatus, Purpose, Quantity, QuoteAmount, Side,
    SymbolStatus, first_intent, is_sellable, liquidation_intent, next_intent, owe,
};

use crate::fixtures::{bot, dec, empty_level, pending, price, quantity};

fn prices(bid: &str, ask: &str) -> BestPrices {
    BestPrices {
        bid: price(bid),
        ask: price(ask),
    }
}

fn holding(base: &str) -> Level {
    let mut level = empty_level(&bot());
    level.base = BaseAmount::from(quantity(base));
    level
}

fn grid(side: Side, amount: &str) -> Intent {
    Intent {
        side,
        price: empty_level(&bot()).price(side),
        quantity: quantity(amount),
        kind: OrderKind::Limit,
        purpose: Purpose::Grid,
    }
}

/// The level after an order of this side that ended like this.
fn ended(level: &Level, side: Side, asked: &str, executed: &str) -> Level {
    let mut level = pending(level, side, asked);
    let order = level.order.as_mut().unwrap();
    order.state = OrderState::Open;
    order.executed = quantity(executed);
    order.highest_seen = order.executed;
    let whole = order.executed == order.intent.quantity;
    order.terminal = Some(if whole {
        OrderStatus::Filled
    } else {
        OrderStatus::Canceled
    });
    level
}

#[test]
fn only_a_running_bot_observed_as_running_sends() {
    use DesiredStatus as Wish;
    let buy = grid(Side::Buy, "10");
    let held = Next::Hold(buy.clone(), HoldReason::Paused);
    let cases = [
        (Wish::Running, ObservedStatus::Running, Next::Place(buy)),
        (Wish::Running, ObservedStatus::Ready, held.clone()),
        (Wish::Running, ObservedStatus::Paused, held.clone()),
        (Wish::Running, ObservedStatus::Stopping, held.clone()),
        (Wish::Running, ObservedStatus::Stopped, held.clone()),
        (Wish::Paused, ObservedStatus::Running, held.clone()),
        (Wish::Ready, ObservedStatus::Running, held),
        (Wish::Stopped, ObservedStatus::Running, Next::Nothing),
        (Wish::StoppedAndSold, ObservedStatus::Running, Next::Nothing),
    ];
    for (desired, observed, expected) in cases {
        let mut bot = bot();
        (bot.desired, bot.observed) = (desired, observed);
        let next = next_intent(&bot, &empty_level(&bot));
        assert_eq!(next, expected, "{desired:?} {observed:?}");
    }
}

#[test]
fn what_was_bought_is_sold_and_what_was_sold_is_bought() {
    let bot = bot();
    let none = empty_level(&bot);
    let cases = [
        ("never anything", none.clone(), Some((Side::Buy, "10"))),
        (
            "all bought",
            with(&ended(&none, Side::Buy, "10", "10"), "9.99"),
            Some((Side::Sell, "9.9")),
        ),
        (
            "half bought",
            with(&ended(&none, Side::Buy, "10", "5"), "4.995"),
            Some((Side::Sell, "4.9")),
        ),
        // Too little to be sold: first the rest is bought.
        (
            "little bought",
            with(&ended(&none, Side::Buy, "10", "1"), "0.999"),
            Some((Side::Buy, "9")),
        ),
        (
            "nothing bought",
            ended(&none, Side::Buy, "10", "0"),
            Some((Side::Buy, "10")),
        ),
        (
            "all sold",
            with(&ended(&none, Side::Sell, "9.9", "9.9"), "0.09"),
            Some((Side::Buy, "10")),
        ),
        (
            "half sold",
            with(&ended(&none, Side::Sell, "9.9", "4.9"), "5.09"),
            Some((Side::Sell, "5")),
        ),
        // Too little is left to be sold: it stays until the next sale.
        (
            "most sold",
            with(&ended(&none, Side::Sell, "9.9", "9.5"), "0.49"),
            Some((Side::Buy, "10")),
        ),
    ];
    for (name, level, expected) in cases {
        let expected = expected.map(|(side, amount)| Next::Place(grid(side, amount)));
        assert_eq!(Some(next_intent(&bot, &level)), expected, "{name}");
    }
}

fn with(level: &Level, base: &str) -> Level {
    Level {
        base: BaseAmount::from(quantity(base)),
        ..level.clone()
    }
}

#[test]
fn what_was_bought_and_cannot_be_sold_waits_with_what_is_missing() {
    let mut bot = bot();
    // 1.5 at 3.1537 are worth 4.73.
    let level = with(&ended(&empty_level(&bot), Side::Buy, "1.5", "1.5"), "1.5");
    let sell = grid(Side::Sell, "1.5");
    let below = HoldReason::BelowMinimum {
        value: QuoteAmount::new(dec("4.73055")),
        missing: QuoteAmount::new(dec("0.26945")),
    };
    assert_eq!(next_intent(&bot, &level), Next::Hold(sell, below));
    // So does an unsold rest of a sale that executed nothing.
    let level = with(&ended(&empty_level(&bot), Side::Sell, "1.5", "0"), "1.5");
    let sell = grid(Side::Sell, "1.5");
    assert_eq!(next_intent(&bot, &level), Next::Hold(sell.clone(), below));
    let level = with(&level, "9");
    bot.rules.status = SymbolStatus::Halted;
    let sell = Intent {
        quantity: quantity("9"),
        ..sell
    };
    assert_eq!(
        next_intent(&bot, &level),
        Next::Hold(sell, HoldReason::MarketClosed)
    );
}

#[test]
fn a_sale_takes_no_more_than_one_order_may() {
    let bot = bot();
    let level = with(&ended(&empty_level(&bot), Side::Buy, "10", "10"), "10000");
    assert_eq!(
        next_intent(&bot, &level),
        Next::Place(grid(Side::Sell, "9000"))
    );
}

#[test]
fn a_level_that_holds_something_buys_no_first_inventory() {
    let bot = bot();
    let below = prices("2.99", "3");
    let first = first_intent(&bot, &empty_level(&bot), &below);
    assert!(
        matches!(&first, Next::Place(intent) if intent.purpose == Purpose::FirstInventory),
        "{first:?}"
    );
    assert_eq!(
        first_intent(&bot, &holding("10"), &below),
        Next::Place(grid(Side::Sell, "10"))
    );
    // Below the market it rests, and from the balance nothing is bought.
    assert_eq!(
        first_intent(&bot, &empty_level(&bot), &prices("3.2", "3.21")),
        Next::Place(grid(Side::Buy, "10"))
    );
    let mut from_balance = bot.clone();
    from_balance.plan.first_inventory = FirstInventory::FromBalance;
    assert_eq!(
        first_intent(&from_balance, &empty_level(&bot), &below),
        Next::Place(grid(Side::Buy, "10"))
    );
}

#[test]
fn first_inventory_is_bought_only_by_a_bot_that_runs() {
    let below = prices("2.99", "3");
    for (desired, observed) in [
        (DesiredStatus::Running, ObservedStatus::Ready),
        (DesiredStatus::Paused, ObservedStatus::Running),
        (DesiredStatus::Stopped, ObservedStatus::Running),
    ] {
        let mut bot = bot();
        (bot.desired, bot.observed) = (desired, observed);
        let next = first_intent(&bot, &empty_level(&bot), &below);
        assert_eq!(next, Next::Nothing, "{desired:?} {observed:?}");
    }
}

#[test]
fn what_a_stopped_level_holds_is_sold_at_a_price_that_trades_at_once() {
    let bot = bot();
    let now = prices("3.0001", "3.01");
    let sold = liquidation_intent(&bot, &holding("9.99"), &now).unwrap();
    assert_eq!(
        sold,
        Intent {
            side: Side::Sell,
            // 0.5 % below the bid is 2.9850995.
            price: price("2.9851"),
            quantity: quantity("9.9"),
            kind: OrderKind::Limit,
            purpose: Purpose::Liquidation,
        }
    );
    for too_little in ["0", "0.09", "1.6"] {
        assert_eq!(
            liquidation_intent(&bot, &holding(too_little), &now),
            None,
            "{too_little}"
        );
    }
    let more = liquidation_intent(&bot, &holding("9001"), &now).unwrap();
    assert_eq!(more.quantity, quantity("9000"));
}

#[test]
fn what_is_held_is_sellable_by_the_prices_or_else_by_the_levels_own() {
    let sellable = |bot: &Bot, base: &str, prices: Option<BestPrices>| {
        is_sellable(bot, &holding(base), prices.as_ref())
    };
    let bot = bot();
    // 1.6 at 3.1537 are worth 5.05, at 3 less than 5.
    assert!(sellable(&bot, "1.6", None));
    assert!(!sellable(&bot, "1.6", Some(prices("3", "3.01"))));
    assert!(sellable(&bot, "1.7", Some(prices("3", "3.01"))));
    assert!(!sellable(&bot, "1.5", None));
    assert!(!sellable(&bot, "0", None));
    let mut gone = bot.clone();
    gone.rules.status = SymbolStatus::Delisted;
    assert!(!sellable(&gone, "10", None));
    assert!(!sellable(&gone, "0", None));
    let mut halted = bot;
    halted.rules.status = SymbolStatus::Halted;
    assert!(sellable(&halted, "10", None));
}

#[test]
fn a_chain_owes_what_its_first_order_owed() {
    let bot = bot();
    let first = ended(&empty_level(&bot), Side::Buy, "10", "3");
    let chain = |level: &Level| {
        let order = level.order.clone().unwrap();
        (
            order.no.0,
            order.owed,
            order.executed_before,
            order.fruitless,
        )
    };
    let after = |level: &Level, side, amount| {
        let next = owe(level, grid(side, amount), OrderState::Open, false);
        chain(&next)
    };
    let (ten, three) = (quantity("10"), quantity("3"));
    assert_eq!(chain(&first), (1, ten, Quantity::ZERO, 0));
    assert_eq!(after(&first, Side::Buy, "7"), (2, ten, three, 0));
    // More than was left: the chain owes more.
    assert_eq!(after(&first, Side::Buy, "8"), (2, quantity("11"), three, 0));
    // The other side begins a chain of its own.
    assert_eq!(
        after(&first, Side::Sell, "3"),
        (2, three, Quantity::ZERO, 0)
    );
    let second = ended(&first, Side::Buy, "7", "0");
    assert_eq!(chain(&second), (2, ten, three, 0));
    assert_eq!(after(&second, Side::Buy, "7"), (3, ten, three, 1));
    // A chain that is filled is over; one whose order was lowered by hand is not.
    let filled = ended(&empty_level(&bot), Side::Buy, "10", "10");
    assert_eq!(after(&filled, Side::Buy, "10"), (2, ten, Quantity::ZERO, 0));
    let mut lowered = ended(&empty_level(&bot), Side::Buy, "10", "6");
    lowered.order.as_mut().unwrap().terminal = Some(OrderStatus::Filled);
    assert_eq!(after(&lowered, Side::Buy, "4"), (2, ten, quantity("6"), 0));
}
