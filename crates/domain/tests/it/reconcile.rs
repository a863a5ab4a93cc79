//! What recovery does about single facts: how old, how full, how near, whose money.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{
    BaseAmount, BestPrices, Bot, DesiredStatus, ExchangeOrderId, ExchangeTime, HoldReason, Level,
    LevelIndex, LevelOrder, ListedOrder, LocalTime, OrderState, OrderStatus, Purpose,
    RecoveryAction, Room, Side, SymbolStatus, View, find_room, plan_recovery,
};

use crate::fixtures::{bot, empty_level, pending, price, quantity};

const NOW: i64 = 100_000;
const SETTLE: Duration = Duration::from_secs(3);
const ID: ExchangeOrderId = ExchangeOrderId(42);

/// What recovery sees; a test changes what it is about.
struct Seen {
    bot: Bot,
    open: BTreeMap<ExchangeOrderId, ListedOrder>,
    prices: Option<BestPrices>,
    room: Room,
    account_admits: bool,
}

fn seen(desired: DesiredStatus) -> Seen {
    let mut bot = bot();
    bot.desired = desired;
    let listed = ListedOrder {
        side: Side::Buy,
        price: Some(price("3.1064")),
        client_order_id: String::new(),
        executed: quantity("0"),
        quantity: quantity("10"),
    };
    Seen {
        bot,
        open: BTreeMap::from([(ID, listed)]),
        prices: Some(prices("3.1", "3.11")),
        room: Room::default(),
        account_admits: true,
    }
}

fn prices(bid: &str, ask: &str) -> BestPrices {
    BestPrices {
        bid: price(bid),
        ask: price(ask),
    }
}

fn plan(level: &Level, seen: &Seen) -> RecoveryAction {
    plan_recovery(
        level,
        &View {
            bot: &seen.bot,
            now: LocalTime::from_millis(NOW),
            exchange_now: ExchangeTime::from_millis(NOW),
            open: &seen.open,
            prices: seen.prices,
            room: &seen.room,
            account_admits: seen.account_admits,
            settle: SETTLE,
        },
    )
}

fn in_state(state: OrderState) -> Level {
    let mut level = pending(&empty_level(&bot()), Side::Buy, "10");
    level.order.as_mut().unwrap().state = state;
    level
}

fn open() -> Level {
    let mut level = in_state(OrderState::Open);
    level.order.as_mut().unwrap().exchange_order_id = Some(ID);
    level
}

fn order(level: &mut Level) -> &mut LevelOrder {
    level.order.as_mut().unwrap()
}

fn held(why: HoldReason) -> Level {
    in_state(OrderState::Held { why, lease: None })
}

#[test]
fn what_was_seen_and_is_not_booked_is_asked_for() {
    let mut more_seen = open();
    order(&mut more_seen).highest_seen = quantity("3");
    let mut ended = open();
    order(&mut ended).terminal = Some(OrderStatus::Canceled);
    let mut all_booked = open();
    order(&mut all_booked).highest_seen = quantity("3");
    order(&mut all_booked).executed = quantity("3");
    let cases = [
        (open(), RecoveryAction::Leave),
        (more_seen, RecoveryAction::Query(ID)),
        (ended, RecoveryAction::Query(ID)),
        (all_booked, RecoveryAction::Leave),
    ];
    for (level, expected) in cases {
        assert_eq!(
            plan(&level, &seen(DesiredStatus::Running)),
            expected,
            "{level:?}"
        );
    }
}

#[test]
fn a_listed_order_of_another_quantity_was_amended() {
    let mut seen = seen(DesiredStatus::Running);
    seen.open.get_mut(&ID).unwrap().quantity = quantity("9");
    assert_eq!(plan(&open(), &seen), RecoveryAction::Query(ID));
}

#[test]
fn an_order_without_an_id_of_the_exchange_is_examined() {
    let level = in_state(OrderState::Open);
    assert_eq!(
        plan(&level, &seen(DesiredStatus::Running)),
        RecoveryAction::Reexamine
    );
}

#[test]
fn the_listing_is_believed_once_the_level_has_settled() {
    let mut seen = seen(DesiredStatus::Running);
    seen.open.clear();
    for (before, expected) in [
        (2_999, RecoveryAction::LeaveRecent),
        (3_000, RecoveryAction::Query(ID)),
        (3_001, RecoveryAction::Query(ID)),
    ] {
        let mut level = open();
        level.changed_at = LocalTime::from_millis(NOW - before);
        assert_eq!(plan(&level, &seen), expected, "{before} ms");
    }
}

#[test]
fn a_liquidation_is_priced_anew_once_the_market_ran_away() {
    let liquidating = |before| {
        let mut level = open();
        order(&mut level).intent.purpose = Purpose::Liquidation;
        level.changed_at = LocalTime::from_millis(NOW - before);
        level
    };
    let sold = seen(DesiredStatus::StoppedAndSold);
    assert_eq!(plan(&liquidating(2_999), &sold), RecoveryAction::Leave);
    assert_eq!(plan(&liquidating(3_000), &sold), RecoveryAction::Cancel(ID));
    // A bot that runs again, or stops without selling, has no use for it.
    for desired in [DesiredStatus::Running, DesiredStatus::Stopped] {
        assert_eq!(
            plan(&liquidating(0), &seen(desired)),
            RecoveryAction::Cancel(ID)
        );
    }
    assert_eq!(
        plan(&liquidating(0), &seen(DesiredStatus::Paused)),
        RecoveryAction::Leave
    );
}

#[test]
fn nothing_is_sold_where_nothing_can_be() {
    let sold = seen(DesiredStatus::StoppedAndSold);
    let mut level = in_state(OrderState::Idle);
    assert_eq!(plan(&level, &sold), RecoveryAction::Leave);
    level.base = BaseAmount::from(quantity("1.5"));
    assert_eq!(plan(&level, &sold), RecoveryAction::Leave);
    level.base = BaseAmount::from(quantity("1.7"));
    assert_eq!(plan(&level, &sold), RecoveryAction::Liquidate);
}

type Change = fn(&mut Seen);

/// Why nothing may be sent, the strongest reason first.
fn reasons() -> [(HoldReason, Change); 4] {
    [
        (HoldReason::AccountStopped, |seen| {
            seen.account_admits = false
        }),
        (HoldReason::MarketClosed, |seen| {
            seen.bot.rules.status = SymbolStatus::Halted;
        }),
        (HoldReason::OutsideBand, |seen| {
            seen.room.outside_band = BTreeSet::from([LevelIndex(7)]);
        }),
        (HoldReason::TooManyOrders, |seen| {
            seen.room.crowded_out = BTreeSet::from([LevelIndex(7)]);
        }),
    ]
}

#[test]
fn a_level_waits_for_its_reason_to_pass_and_learns_of_another() {
    for (why, change) in reasons() {
        let mut blocked = seen(DesiredStatus::Running);
        change(&mut blocked);
        assert_eq!(plan(&held(why), &blocked), RecoveryAction::Wait, "{why:?}");
        assert_eq!(
            plan(&held(why), &seen(DesiredStatus::Running)),
            RecoveryAction::Place
        );
        let other = plan(&held(HoldReason::Paused), &blocked);
        assert_eq!(other, RecoveryAction::Hold(why));
        assert_eq!(
            plan(&empty_level(&bot()), &blocked),
            RecoveryAction::Hold(why)
        );
    }
    let [strongest, rest @ ..] = reasons();
    for (_, change) in rest {
        let mut blocked = seen(DesiredStatus::Running);
        (strongest.1)(&mut blocked);
        change(&mut blocked);
        assert_eq!(
            plan(&empty_level(&bot()), &blocked),
            RecoveryAction::Hold(strongest.0)
        );
    }
}

#[test]
fn places_go_by_where_orders_rest_and_not_by_a_first_purchase() {
    let bot = {
        let mut bot = bot();
        bot.rules.max_open_orders = Some(1);
        bot
    };
    let level = |index: u16, buy: &str, sell: &str| {
        let mut level = empty_level(&bot);
        level.index = LevelIndex(index);
        (level.buy_price, level.sell_price) = (price(buy), price(sell));
        level
    };
    let with = |level: &Level, side, purpose, at: &str| {
        let mut level = pending(level, side, "10");
        order(&mut level).intent.purpose = purpose;
        order(&mut level).intent.price = price(at);
        level
    };
    let crowded_out = |levels: &[Level]| -> Vec<u16> {
        let room = find_room(&bot, levels, Some(prices("2.99", "3.01")), 0);
        room.crowded_out.iter().map(|index| index.0).collect()
    };
    let near = level(0, "3.05", "3.1");
    let far = level(1, "3.5", "3.6");
    assert_eq!(crowded_out(&[near.clone(), far.clone()]), [1]);
    // Its first purchase is at the market, its orders will not be.
    let first = with(&far, Side::Buy, Purpose::FirstInventory, "3.0");
    assert_eq!(crowded_out(&[near.clone(), first]), [1]);
    // What rests is where it rests, on either side.
    let sells = with(&near, Side::Sell, Purpose::Grid, "3.1");
    let nearer = level(1, "3.06", "3.2");
    assert_eq!(crowded_out(&[sells, nearer.clone()]), [0]);
    let sold_off = with(&near, Side::Sell, Purpose::Liquidation, "2.98");
    assert_eq!(crowded_out(&[sold_off, nearer]), [1]);
}

#[test]
fn an_order_of_somebody_else_under_a_known_id_is_asked_for_like_one_that_is_not_listed() {
    let level = open();
    let own = level.client_order_id(level.order.as_ref().unwrap().no);
    for (side, at, client_id, action) in [
        (
            Side::Buy,
            Some("3.1064"),
            own.to_string(),
            RecoveryAction::Leave,
        ),
        // Amended by hand: another id, but none of ours.
        (
            Side::Buy,
            Some("3.1064"),
            "by-hand".to_owned(),
            RecoveryAction::Leave,
        ),
        (
            Side::Buy,
            Some("3.1064"),
            "gk-other-7-1".to_owned(),
            RecoveryAction::Query(ID),
        ),
        (
            Side::Sell,
            Some("3.1064"),
            own.to_string(),
            RecoveryAction::Query(ID),
        ),
        (
            Side::Buy,
            Some("3.1065"),
            own.to_string(),
            RecoveryAction::Query(ID),
        ),
        (Side::Buy, None, own.to_string(), RecoveryAction::Query(ID)),
    ] {
        let mut seen = seen(DesiredStatus::Running);
        let listed = seen.open.get_mut(&ID).unwrap();
        listed.side = side;
        listed.price = at.map(price);
        listed.client_order_id = client_id.clone();
        assert_eq!(plan(&level, &seen), action, "{side:?} {at:?} {client_id}");
    }
}
