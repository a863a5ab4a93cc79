//! From a level whose order has ended to the order it owes next, with the lease to send it.

use domain::{
    Bot, ExchangeTime, HoldReason, Lease, Level, LevelOrder, LocalTime, Next, OrderState, Quantity,
    RefusalReason, Side, is_sellable, next_intent, owe, pause_before_next, waiting_state,
};

use crate::{AccountRecord, Admission, BACKOFF_FIRST, BACKOFF_LONGEST, LEASE, REFUSAL_PAUSE};

/// What decides, beside the level, whether its next order can be sent now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conditions<'a> {
    /// The bot.
    pub(crate) bot: &'a Bot,
    /// Its account.
    pub(crate) account: &'a AccountRecord,
    /// Whether the limits known here admit an order now; `None` without a connection.
    pub(crate) admission: Option<Admission>,
    /// The exchange's time as estimated here: the start of a lease.
    pub(crate) exchange_now: ExchangeTime,
    /// The time here.
    pub(crate) now: LocalTime,
    /// Whether recovery is at work.
    pub(crate) by_recovery: bool,
}

/// A first lease on an intent.
pub(crate) fn first_lease(start: ExchangeTime) -> Lease {
    Lease {
        attempt: 1,
        first_start: start,
        start,
        until: start.after(LEASE),
        unknown: false,
    }
}

/// The lease of the next attempt at the same number.
///
/// An attempt signed ahead of time is refused for it: an order of the next one, signed by a clock
/// set right meanwhile, is older than the first start and ours all the same.
pub(crate) fn next_lease(last: &Lease, start: ExchangeTime, unknown: bool) -> Lease {
    Lease {
        attempt: last.attempt.saturating_add(1),
        first_start: last.first_start.min(start),
        start,
        until: start.after(LEASE),
        unknown: last.unknown || unknown,
    }
}

/// Puts the order a level owes next in place of its ended one. A level whose order has not ended,
/// or that is quarantined, stays as it is.
pub(crate) fn advance(level: Level, conditions: &Conditions<'_>) -> Level {
    let Some(ended) = level.order.clone().filter(has_ended) else {
        return level;
    };
    let mut after = match next_intent(conditions.bot, &level) {
        Next::Place(intent) => {
            let state = opening_state(Some(&ended), conditions);
            owe(&level, intent, state, conditions.by_recovery)
        }
        Next::Hold(intent, why) => {
            let state = OrderState::Held { why, lease: None };
            owe(&level, intent, state, conditions.by_recovery)
        }
        Next::Nothing => rest(&level),
    };
    if completes_round_trip(conditions.bot, &ended, &after) {
        after.round_trips = after.round_trips.saturating_add(1);
    }
    after
}

/// The level with an order that is over and that nothing follows.
pub(crate) fn rest(level: &Level) -> Level {
    let mut after = level.clone();
    after.given_up = level.last_given_up();
    if let Some(order) = &mut after.order {
        order.enter(OrderState::Idle);
    }
    after
}

/// Whether an order may be sent now, and if so under which lease.
pub(crate) fn opening_state(ended: Option<&LevelOrder>, conditions: &Conditions<'_>) -> OrderState {
    if !conditions.account.breaker.admits(conditions.now) {
        return OrderState::Held {
            why: HoldReason::AccountStopped,
            lease: None,
        };
    }
    let pause = ended.and_then(|ended| pause_before_next(ended, BACKOFF_FIRST, BACKOFF_LONGEST));
    if let (Some(ended), Some(pause)) = (ended, pause) {
        return waiting_state(ended, conditions.now.after(pause));
    }
    match conditions.admission {
        Some(Admission::Now) => OrderState::Pending {
            lease: first_lease(conditions.exchange_now),
        },
        None => OrderState::Refused {
            why: RefusalReason::AccountStopped,
            detail: "no connection could be opened with the account's trade key".to_owned(),
            retry_at: conditions.now.after(REFUSAL_PAUSE),
            lease: None,
        },
        Some(Admission::NotBefore(at)) => OrderState::Refused {
            why: RefusalReason::RateLimited,
            detail: "the limits known here leave no room for an order now".to_owned(),
            retry_at: at,
            lease: None,
        },
    }
}

fn has_ended(order: &LevelOrder) -> bool {
    match order.state {
        OrderState::Open => order.is_complete(),
        OrderState::Pending { .. }
        | OrderState::Refused { .. }
        | OrderState::Held { .. }
        | OrderState::Quarantined { .. }
        | OrderState::Idle => false,
    }
}

/// Whether a sale was the last of what its level had bought. A sale that a stop cut short was not: what is
/// left is sold later, and then the round trip is whole.
fn completes_round_trip(bot: &Bot, ended: &LevelOrder, after: &Level) -> bool {
    let sold = ended
        .executed_before
        .checked_add(ended.executed)
        .unwrap_or(Quantity::ZERO);
    let sells_on = after
        .order
        .as_ref()
        .is_some_and(|order| order.no != ended.no && order.intent.side == Side::Sell);
    ended.intent.side == Side::Sell
        && !sold.is_zero()
        && !sells_on
        && !is_sellable(bot, after, None)
}
