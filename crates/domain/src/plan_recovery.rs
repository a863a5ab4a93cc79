//! What is missing when a level is compared with what the exchange shows: pure, one action a level.
//!
//! Recovery has no road of its own. Every action here ends in the same handling of a report or the
//! same placing of an intent as a live fill, or in a cancel whose result is fed as a report.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rust_decimal::Decimal;

use crate::{
    BestPrices, Bot, DesiredStatus, ExchangeOrderId, ExchangeTime, HoldReason, Level, LevelIndex,
    LevelOrder, LocalTime, OrderState, Price, Purpose, Quantity, Side, is_sellable,
};

/// One open order as the exchange lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedOrder {
    /// The side.
    pub side: Side,
    /// The limit price; `None` for an order without one.
    pub price: Option<Price>,
    /// The client order id it carries now.
    pub client_order_id: String,
    /// The base quantity executed so far.
    pub executed: Quantity,
    /// The quantity it asks for now.
    pub quantity: Quantity,
}

impl ListedOrder {
    /// Whether it can be a level's current order, under whose exchange id it is listed.
    #[must_use]
    pub fn may_be_of(&self, level: &Level) -> bool {
        level.may_own(self.side, self.price, &self.client_order_id)
    }
}

/// What recovery sees of the world beside the level.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// The bot.
    pub bot: &'a Bot,
    /// The time here.
    pub now: LocalTime,
    /// The exchange's own time, asked in this run.
    pub exchange_now: ExchangeTime,
    /// The account's open orders on the symbol, listed in this run.
    pub open: &'a BTreeMap<ExchangeOrderId, ListedOrder>,
    /// The best prices, if the symbol has any.
    pub prices: Option<BestPrices>,
    /// The levels that may have an order by band and by count of orders.
    pub room: &'a Room,
    /// Whether the account may send orders.
    pub account_admits: bool,
    /// How long ago a level must have changed before the listing is believed over it.
    pub settle: Duration,
}

/// What is to be done about one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecoveryAction {
    /// It holds what it should hold.
    Leave,
    /// It changed within the last moments, the listing may be older.
    LeaveRecent,
    /// Somebody else is placing its order.
    LeaveLeased(ExchangeTime),
    /// It is refused or held, and the time or the reason has not passed.
    Wait,
    /// Its order is not in the listing, or shows more than is booked: ask and feed the answer.
    Query(ExchangeOrderId),
    /// It has owed nothing yet: lay its first order.
    Lay,
    /// Its order is owed and may be sent, or its fate must be found out.
    Place,
    /// Find out the fate of its order, but send nothing.
    FindOut,
    /// Its owed order is on purpose not placed.
    Hold(HoldReason),
    /// Its order is to be cancelled.
    Cancel(ExchangeOrderId),
    /// It shall hold nothing and owe nothing.
    Rest,
    /// It is stopped and holds base that is to be sold.
    Liquidate,
    /// Our records and the exchange disagreed: look again.
    Reexamine,
    /// Our records and the exchange disagreed and the bot stops: take its order down, and let it rest.
    LayDown,
}

/// Which levels may have an order at the exchange now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Room {
    /// Levels whose price lies outside the exchange's band.
    pub outside_band: BTreeSet<LevelIndex>,
    /// Levels for which the symbol has no room, the farthest from the market.
    pub crowded_out: BTreeSet<LevelIndex>,
}

/// Ranks levels by their distance from the market and finds those without room.
///
/// `foreign` is how many open orders on the symbol belong to nobody in `levels`.
#[must_use]
pub fn find_room(bot: &Bot, levels: &[Level], prices: Option<BestPrices>, foreign: usize) -> Room {
    let Some(middle) = prices.and_then(middle_price) else {
        return Room::default();
    };
    let mut room = Room::default();
    let mut ranked: Vec<(Decimal, LevelIndex)> = Vec::new();
    for level in levels {
        let (side, price) = resting_place(level);
        if bot.rules.price_in_band(side, price, middle) {
            let distance = price
                .decimal()
                .checked_sub(middle.decimal())
                .unwrap_or(Decimal::MAX);
            ranked.push((distance.abs(), level.index));
        } else {
            room.outside_band.insert(level.index);
        }
    }
    ranked.sort_unstable();
    let most = bot.rules.max_open_orders.map_or(usize::MAX, |most| {
        usize::try_from(most).unwrap_or(usize::MAX)
    });
    // What rests outside the band is not taken down: it keeps its place.
    let beyond = levels
        .iter()
        .filter(|level| room.outside_band.contains(&level.index) && may_rest(level))
        .count();
    let places = most.saturating_sub(foreign).saturating_sub(beyond);
    room.crowded_out
        .extend(ranked.into_iter().skip(places).map(|(_, index)| index));
    room
}

/// Where a level's order rests, or will. First inventory is bought near the market wherever its level
/// lies: ranked by that price it would take the place of levels that are nearer.
fn resting_place(level: &Level) -> (Side, Price) {
    match &level.order {
        Some(order) if order.intent.purpose != Purpose::FirstInventory => {
            (order.intent.side, order.intent.price)
        }
        Some(_) | None => (Side::Buy, level.buy_price),
    }
}

/// Whether the level may have an order at the exchange.
fn may_rest(level: &Level) -> bool {
    level.order.as_ref().is_some_and(LevelOrder::may_be_live)
}

fn middle_price(prices: BestPrices) -> Option<Price> {
    let sum = prices.bid.decimal().checked_add(prices.ask.decimal())?;
    Price::new(sum.checked_div(Decimal::TWO)?.round_dp(18)).ok()
}

/// Decides what is to be done about one level.
#[must_use]
pub fn plan_recovery(level: &Level, view: &View<'_>) -> RecoveryAction {
    let Some(order) = &level.order else {
        return plan_fresh(level, view);
    };
    match &order.state {
        OrderState::Open => plan_open(level, order, view),
        OrderState::Pending { lease } if lease.until > view.exchange_now => {
            RecoveryAction::LeaveLeased(lease.until)
        }
        OrderState::Pending { .. } => match view.bot.desired {
            DesiredStatus::Running => RecoveryAction::Place,
            DesiredStatus::Ready
            | DesiredStatus::Paused
            | DesiredStatus::Stopped
            | DesiredStatus::StoppedAndSold => RecoveryAction::FindOut,
        },
        OrderState::Quarantined { .. } => match view.bot.desired {
            DesiredStatus::Stopped | DesiredStatus::StoppedAndSold => RecoveryAction::LayDown,
            DesiredStatus::Running | DesiredStatus::Ready | DesiredStatus::Paused => {
                RecoveryAction::Reexamine
            }
        },
        OrderState::Refused { retry_at, .. } => plan_owed(level, Some(*retry_at), None, view),
        OrderState::Held { why, .. } => plan_owed(level, None, Some(why), view),
        OrderState::Idle => plan_idle(level, view),
    }
}

fn plan_fresh(level: &Level, view: &View<'_>) -> RecoveryAction {
    match view.bot.desired {
        DesiredStatus::Running => lay(level, view),
        DesiredStatus::Ready
        | DesiredStatus::Paused
        | DesiredStatus::Stopped
        | DesiredStatus::StoppedAndSold => RecoveryAction::Leave,
    }
}

/// A level lays its first order, or records why it must not yet.
fn lay(level: &Level, view: &View<'_>) -> RecoveryAction {
    reason_to_hold(level, view).map_or(RecoveryAction::Lay, RecoveryAction::Hold)
}

fn plan_idle(level: &Level, view: &View<'_>) -> RecoveryAction {
    match view.bot.desired {
        DesiredStatus::Running => lay(level, view),
        DesiredStatus::StoppedAndSold if is_sellable(view.bot, level, view.prices.as_ref()) => {
            RecoveryAction::Liquidate
        }
        DesiredStatus::StoppedAndSold
        | DesiredStatus::Stopped
        | DesiredStatus::Ready
        | DesiredStatus::Paused => RecoveryAction::Leave,
    }
}

fn plan_open(level: &Level, order: &LevelOrder, view: &View<'_>) -> RecoveryAction {
    let Some(id) = order.exchange_order_id else {
        return RecoveryAction::Reexamine;
    };
    if order.highest_seen > order.executed || order.terminal.is_some() {
        return RecoveryAction::Query(id);
    }
    let listed = view.open.get(&id);
    match listed.filter(|listed| listed.may_be_of(level)) {
        Some(listed) if listed.executed > order.executed => RecoveryAction::Query(id),
        Some(listed) if listed.quantity != order.intent.quantity => RecoveryAction::Query(id),
        Some(_) if must_leave(level, order, view) => RecoveryAction::Cancel(id),
        Some(_) => RecoveryAction::Leave,
        None if view.now.since(level.changed_at) < view.settle => RecoveryAction::LeaveRecent,
        None => RecoveryAction::Query(id),
    }
}

/// Whether an open order has to be taken from the exchange: the bot stops, or nearer levels need
/// its place.
fn must_leave(level: &Level, order: &LevelOrder, view: &View<'_>) -> bool {
    match view.bot.desired {
        DesiredStatus::Stopped => true,
        DesiredStatus::StoppedAndSold => match order.intent.purpose {
            Purpose::Grid | Purpose::FirstInventory => true,
            // A liquidation that the market ran away from is priced anew.
            Purpose::Liquidation => view.now.since(level.changed_at) >= view.settle,
        },
        DesiredStatus::Running => {
            order.intent.purpose == Purpose::Liquidation
                || view.room.crowded_out.contains(&level.index)
        }
        DesiredStatus::Ready | DesiredStatus::Paused => false,
    }
}

fn plan_owed(
    level: &Level,
    retry_at: Option<LocalTime>,
    held: Option<&HoldReason>,
    view: &View<'_>,
) -> RecoveryAction {
    let reason = match view.bot.desired {
        DesiredStatus::Stopped | DesiredStatus::StoppedAndSold => return RecoveryAction::Rest,
        DesiredStatus::Paused | DesiredStatus::Ready => Some(HoldReason::Paused),
        DesiredStatus::Running => reason_to_hold(level, view),
    };
    match (reason, held) {
        (Some(reason), Some(held)) if reason == *held => RecoveryAction::Wait,
        (Some(reason), _) => RecoveryAction::Hold(reason),
        // Without prices nobody can tell whether there is room now.
        (None, Some(HoldReason::TooManyOrders | HoldReason::OutsideBand))
            if view.prices.is_none() =>
        {
            RecoveryAction::Wait
        }
        (None, _) if retry_at.is_some_and(|at| at > view.now) => RecoveryAction::Wait,
        (None, _) => RecoveryAction::Place,
    }
}

fn reason_to_hold(level: &Level, view: &View<'_>) -> Option<HoldReason> {
    if !view.account_admits {
        Some(HoldReason::AccountStopped)
    } else if !view.bot.rules.trades() {
        Some(HoldReason::MarketClosed)
    } else if view.room.outside_band.contains(&level.index) {
        Some(HoldReason::OutsideBand)
    } else if view.room.crowded_out.contains(&level.index) {
        Some(HoldReason::TooManyOrders)
    } else {
        None
    }
}
