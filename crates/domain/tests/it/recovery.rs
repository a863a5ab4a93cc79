//! What recovery does about one level in each state, for each wish of the operator.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{
    BestPrices, DesiredStatus, ExchangeOrderId, ExchangeTime, HoldReason, Level, LevelIndex,
    ListedOrder, LocalTime, OrderState, QuarantineReason, RecoveryAction, RefusalReason, Room,
    Side, View, find_room, plan_recovery,
};

use crate::fixtures::{bot, dec, empty_level, lease, pending, price, quantity};

const NOW: i64 = 100_000;

fn plan(
    level: &Level,
    desired: DesiredStatus,
    open: &[(i64, &str)],
    room: &Room,
) -> RecoveryAction {
    let mut bot = bot();
    bot.desired = desired;
    let open: BTreeMap<_, _> = open
        .iter()
        .map(|(id, executed)| {
            let order = ListedOrder {
                side: Side::Buy,
                price: Some(price("3.1064")),
                client_order_id: String::new(),
                executed: quantity(executed),
                quantity: quantity("10"),
            };
            (ExchangeOrderId(*id), order)
        })
        .collect();
    plan_recovery(
        level,
        &View {
            bot: &bot,
            now: LocalTime::from_millis(NOW),
            exchange_now: ExchangeTime::from_millis(NOW),
            open: &open,
            prices: None,
            room,
            account_admits: true,
            settle: Duration::from_secs(3),
        },
    )
}

fn in_state(state: OrderState) -> Level {
    let mut level = pending(&empty_level(&bot()), Side::Buy, "10");
    let order = level.order.as_mut().unwrap();
    order.exchange_order_id = (state == OrderState::Open).then_some(ExchangeOrderId(42));
    order.state = state;
    level
}

fn refused(retry_at: i64) -> OrderState {
    OrderState::Refused {
        why: RefusalReason::InsufficientBalance,
        detail: String::new(),
        retry_at: LocalTime::from_millis(retry_at),
        lease: None,
    }
}

fn held(why: HoldReason) -> OrderState {
    OrderState::Held { why, lease: None }
}

fn quarantined() -> OrderState {
    OrderState::Quarantined {
        why: QuarantineReason::OrderVanished,
        evidence: String::new(),
    }
}

/// The level's state, the operator's wish, the exchange's open orders, and what is to be done.
type Row = (
    OrderState,
    DesiredStatus,
    &'static [(i64, &'static str)],
    RecoveryAction,
);

#[test]
fn each_state_has_its_action() {
    use DesiredStatus::{Paused, Running, Stopped, StoppedAndSold};
    let live = OrderState::Pending {
        lease: lease(NOW - 1_000),
    };
    let over = OrderState::Pending {
        lease: lease(NOW - 30_000),
    };
    let until = ExchangeTime::from_millis(NOW + 29_000);
    let id = ExchangeOrderId(42);
    let here: &'static [(i64, &'static str)] = &[(42, "0")];
    let traded: &'static [(i64, &'static str)] = &[(42, "3")];
    let table: Vec<Row> = vec![
        (OrderState::Open, Running, here, RecoveryAction::Leave),
        (OrderState::Open, Running, traded, RecoveryAction::Query(id)),
        (OrderState::Open, Running, &[], RecoveryAction::Query(id)),
        (OrderState::Open, Paused, here, RecoveryAction::Leave),
        (OrderState::Open, Paused, &[], RecoveryAction::Query(id)),
        (OrderState::Open, Stopped, here, RecoveryAction::Cancel(id)),
        (
            OrderState::Open,
            StoppedAndSold,
            here,
            RecoveryAction::Cancel(id),
        ),
        (
            live.clone(),
            Running,
            &[],
            RecoveryAction::LeaveLeased(until),
        ),
        (live, Stopped, &[], RecoveryAction::LeaveLeased(until)),
        (over.clone(), Running, &[], RecoveryAction::Place),
        (over.clone(), Paused, &[], RecoveryAction::FindOut),
        (over, Stopped, &[], RecoveryAction::FindOut),
        (refused(NOW), Running, &[], RecoveryAction::Place),
        (refused(NOW + 1), Running, &[], RecoveryAction::Wait),
        (
            refused(NOW),
            Paused,
            &[],
            RecoveryAction::Hold(HoldReason::Paused),
        ),
        (refused(NOW), Stopped, &[], RecoveryAction::Rest),
        (
            held(HoldReason::Paused),
            Running,
            &[],
            RecoveryAction::Place,
        ),
        (held(HoldReason::Paused), Paused, &[], RecoveryAction::Wait),
        (
            held(HoldReason::OutsideBand),
            Stopped,
            &[],
            RecoveryAction::Rest,
        ),
        (OrderState::Idle, Stopped, &[], RecoveryAction::Leave),
        (OrderState::Idle, Running, &[], RecoveryAction::Lay),
    ];
    for (state, desired, open, expected) in table {
        let level = in_state(state.clone());
        assert_eq!(
            plan(&level, desired, open, &Room::default()),
            expected,
            "{state:?} {desired:?}"
        );
    }
}

#[test]
fn a_quarantined_level_is_looked_at_again_until_its_bot_stops() {
    for (desired, expected) in [
        (DesiredStatus::Running, RecoveryAction::Reexamine),
        (DesiredStatus::Paused, RecoveryAction::Reexamine),
        (DesiredStatus::Stopped, RecoveryAction::LayDown),
        (DesiredStatus::StoppedAndSold, RecoveryAction::LayDown),
    ] {
        let level = in_state(quarantined());
        let planned = plan(&level, desired, &[(42, "0")], &Room::default());
        assert_eq!(planned, expected, "{desired:?}");
    }
}

#[test]
fn a_level_that_has_just_changed_is_left_alone() {
    let mut level = in_state(OrderState::Open);
    level.changed_at = LocalTime::from_millis(NOW - 100);
    assert_eq!(
        plan(&level, DesiredStatus::Running, &[], &Room::default()),
        RecoveryAction::LeaveRecent
    );
}

#[test]
fn base_of_a_stopped_bot_is_sold_only_when_asked() {
    let mut level = in_state(OrderState::Idle);
    level.base = domain::BaseAmount::from(quantity("10"));
    let room = Room::default();
    assert_eq!(
        plan(&level, DesiredStatus::StoppedAndSold, &[], &room),
        RecoveryAction::Liquidate
    );
    assert_eq!(
        plan(&level, DesiredStatus::Stopped, &[], &room),
        RecoveryAction::Leave
    );
}

#[test]
fn the_nearest_levels_get_the_places() {
    let mut bot = bot();
    bot.rules.max_open_orders = Some(3);
    let levels: Vec<Level> = (0..5_u16)
        .map(|index| {
            let mut level = empty_level(&bot);
            level.index = LevelIndex(index);
            level.buy_price = price(&format!("{}", 10 + index));
            level
        })
        .collect();
    let prices = Some(BestPrices {
        bid: price("13.9"),
        ask: price("14.1"),
    });
    let room = find_room(&bot, &levels, prices, 1);
    let out: Vec<u16> = room.crowded_out.iter().map(|index| index.0).collect();
    assert_eq!(out, [0, 1, 2]);
    let held = in_state(refused(0));
    let mut crowded = Room::default();
    crowded.crowded_out.insert(held.index);
    assert_eq!(
        plan(&held, DesiredStatus::Running, &[], &crowded),
        RecoveryAction::Hold(HoldReason::TooManyOrders)
    );
    let open = in_state(OrderState::Open);
    let listed: &[(i64, &str)] = &[(42, "0")];
    assert_eq!(
        plan(&open, DesiredStatus::Running, listed, &crowded),
        RecoveryAction::Cancel(ExchangeOrderId(42))
    );
    for waiting in [empty_level(&bot), in_state(OrderState::Idle)] {
        assert_eq!(
            plan(&waiting, DesiredStatus::Running, &[], &crowded),
            RecoveryAction::Hold(HoldReason::TooManyOrders)
        );
    }
}

/// Best prices are missing for a moment: whether there is room for what waits for it is not known.
#[test]
fn without_prices_what_waits_for_room_goes_on_waiting() {
    for why in [HoldReason::TooManyOrders, HoldReason::OutsideBand] {
        let room = find_room(&bot(), &[in_state(held(why))], None, 0);
        assert_eq!(
            plan(&in_state(held(why)), DesiredStatus::Running, &[], &room),
            RecoveryAction::Wait
        );
    }
}

/// Orders that rest beyond the band are not taken from the exchange, so they keep their places.
#[test]
fn orders_outside_the_band_take_places_too() {
    let mut bot = bot();
    bot.rules.max_open_orders = Some(3);
    bot.rules.band = Some(domain::BandRule {
        bid_up: dec("1.05"),
        bid_down: dec("0.95"),
        ask_up: dec("1.05"),
        ask_down: dec("0.95"),
    });
    let level = |index: u16, buy: &str, state: Option<OrderState>| {
        let mut level = empty_level(&bot);
        level.index = LevelIndex(index);
        level.buy_price = price(buy);
        if let Some(state) = state {
            level = pending(&level, Side::Buy, "10");
            level.order.as_mut().unwrap().state = state;
        }
        level
    };
    let waits = held(HoldReason::OutsideBand);
    let levels = [
        level(0, "10", Some(OrderState::Open)),
        level(1, "11", Some(waits)),
        level(2, "19.6", None),
        level(3, "19.7", None),
        level(4, "19.8", None),
    ];
    let prices = Some(BestPrices {
        bid: price("19.9"),
        ask: price("20.1"),
    });
    let room = find_room(&bot, &levels, prices, 0);
    let of = |indices: &std::collections::BTreeSet<LevelIndex>| -> Vec<u16> {
        indices.iter().map(|index| index.0).collect()
    };
    assert_eq!(of(&room.outside_band), [0, 1]);
    assert_eq!(of(&room.crowded_out), [2]);
}
