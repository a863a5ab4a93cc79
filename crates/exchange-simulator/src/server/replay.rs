//! Prices over time: pacing, waiting in step, the end of a run.
//!
//! Entry point: [`run`], one task. With `Speed::Max` the next print waits until what the last completed orders ask for has
//! been answered, so that a run repeats. Waits are for events, never polls.

use std::pin::pin;
use std::time::Duration;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use tokio::time::Instant;

use super::config::{PriceSource, Speed, StartWhen};
use super::core::{Core, RunPhase, Shared};
use crate::faults::MarketFault;
use crate::model::SymbolRules;
use crate::tape::{Print, Tape, TapeError};
use crate::walk::Walk;

/// Prints of a walk that has no end of its own but runs at full speed.
const WALK_AT_MAX: u64 = 10_000;

type Prints = Box<dyn Iterator<Item = Result<Print, TapeError>> + Send>;

/// Opens a price source; none if prices come by hand.
pub(crate) fn prints(
    source: &PriceSource,
    speed: Speed,
    rules: &SymbolRules,
) -> Result<Option<Prints>, TapeError> {
    match source {
        PriceSource::Manual { .. } => Ok(None),
        PriceSource::Tape(path) => Ok(Some(Box::new(Tape::open(path)?))),
        PriceSource::Walk {
            seed,
            start_price,
            interval_ms,
            prints,
        } => {
            let walk = Walk::new(*seed, rules, *start_price, *interval_ms).map(Ok);
            let at_max = if speed == Speed::Max {
                Some(WALK_AT_MAX)
            } else {
                None
            };
            Ok(Some(match prints.or(at_max) {
                Some(prints) => Box::new(walk.take(usize::try_from(prints).unwrap_or(usize::MAX))),
                None => Box::new(walk),
            }))
        }
    }
}

/// Replays until the end, then lets the system come to rest.
pub(crate) async fn run(shared: Shared, prints: Option<Prints>) {
    tokio::select! {
        () = shared.stop.cancelled() => {}
        () = replay(&shared, prints) => {}
    }
}

async fn replay(shared: &Shared, prints: Option<Prints>) {
    wait_for_start(shared).await;
    shared.change(|core| core.phase = RunPhase::Running);
    let Some(prints) = prints else {
        // Prices come by hand: the run ends when `finish` is called.
        finish_asked(shared).await;
        shared.change(|core| core.phase = RunPhase::Draining);
        return drain(shared).await;
    };
    let mut first: Option<(Instant, i64)> = None;
    for print in prints {
        let print = match print {
            Ok(print) => print,
            Err(error) => {
                tracing::error!(%error, "the tape cannot be read on");
                shared.change(|core| core.phase = RunPhase::Failed(error.to_string()));
                return;
            }
        };
        match shared.config.speed {
            Speed::Max => in_step(shared).await,
            Speed::Times(factor) => {
                let (start, start_ms) = *first.get_or_insert((Instant::now(), print.time_ms));
                let due = start + paced(print.time_ms.saturating_sub(start_ms), factor);
                tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = finish_asked(shared) => {}
                }
            }
        }
        if shared.look().finish_asked {
            break;
        }
        shared.change(|core| apply(core, print));
        // At full speed nothing else here would ever give way.
        tokio::task::yield_now().await;
    }
    shared.change(|core| core.phase = RunPhase::Draining);
    drain(shared).await;
}

/// Waits until somebody ends the run.
async fn finish_asked(shared: &Shared) {
    wait(shared, |core| core.finish_asked.then_some(())).await;
}

fn paced(elapsed_ms: i64, factor: Decimal) -> Duration {
    let us = Decimal::from(elapsed_ms.max(0)).checked_mul(Decimal::from(1000));
    let us = us
        .and_then(|us| us.checked_div(factor))
        .and_then(|us| us.to_u64());
    Duration::from_micros(us.unwrap_or(0))
}

/// One print and what somebody else does beside it.
fn apply(core: &mut Core, print: Print) {
    let now_ms = core.engine_now_ms();
    let symbol = core.symbol.clone();
    core.prints += 1;
    if core
        .exchange
        .print(now_ms, &symbol, (print.price, print.quantity))
        .is_err()
    {
        tracing::debug!(%symbol, "a print for a symbol that is not listed any more");
    }
    let open = core.exchange.open_order_ids(&symbol);
    // Without an order there is nothing to befall, and nothing to count.
    if open.is_empty() {
        return;
    }
    let Some(fault) = core.faults.on_print() else {
        return;
    };
    let chosen = |share: u32| {
        let index = open
            .len()
            .saturating_mul(usize::try_from(share).unwrap_or(0))
            / 1_000_000;
        open.get(index).copied()
    };
    let keep_id = core.faults.plan().settings.amend_keeps_id;
    let done = match fault {
        MarketFault::Clock(offset_ms) => {
            core.clock_offset_ms = offset_ms;
            return;
        }
        MarketFault::Cancel(share) => {
            chosen(share).map(|id| core.exchange.cancel_from_outside(now_ms, &symbol, id))
        }
        MarketFault::Expire(share) => {
            chosen(share).map(|id| core.exchange.expire(now_ms, &symbol, id))
        }
        MarketFault::Amend(share) => {
            chosen(share).map(|id| halve(core, (&symbol, id), keep_id, now_ms))
        }
    };
    if let Some(Err(reject)) = done {
        tracing::debug!(%reject, "a fault from outside found nothing to do");
    }
}

/// Lowers an order's quantity to about half, if that is still more than it has executed.
fn halve(
    core: &mut Core,
    (symbol, order_id): (&str, u64),
    keep_id: bool,
    now_ms: i64,
) -> Result<(), crate::model::Reject> {
    let Some(rules) = core.exchange.rules_of(symbol) else {
        return Ok(());
    };
    let step = rules.step_size;
    let Some(state) = core.exchange.order_state(symbol, order_id) else {
        return Ok(());
    };
    let half = state.quantity / Decimal::TWO;
    let half = half - half % step;
    let id = state.client_order_id.clone();
    core.exchange
        .amend(now_ms, (symbol, order_id), half, keep_id.then_some(&*id))
        .map(|_| ())
}

async fn wait_for_start(shared: &Shared) {
    let quiet_us = shared.config.timing.start_quiet_ms.saturating_mul(1000);
    loop {
        let notified = shared.changed.notified();
        let mut notified = pin!(notified);
        notified.as_mut().enable();
        let (asked, placements, last_us) = {
            let core = shared.look();
            (
                core.start_asked,
                core.slots.placements(),
                core.slots.last_activity_us(),
            )
        };
        let until_us = last_us.saturating_add(quiet_us);
        let laid = shared.config.start == StartWhen::AfterFirstOrders && placements > 0;
        let now_us = shared.now_us();
        if asked || shared.config.start == StartWhen::Immediately || (laid && until_us <= now_us) {
            return;
        }
        if laid {
            let quiet = tokio::time::sleep(Duration::from_micros(until_us.saturating_sub(now_us)));
            tokio::select! {
                () = quiet => {}
                () = notified => {}
            }
        } else {
            notified.await;
        }
    }
}

/// Waits until nothing is owed, or what is owed is overdue.
async fn in_step(shared: &Shared) {
    let wait_us = shared.config.timing.step_wait_ms.saturating_mul(1000);
    loop {
        let notified = shared.changed.notified();
        let mut notified = pin!(notified);
        notified.as_mut().enable();
        let now_us = shared.now_us();
        let Some(until_us) = shared.look().slots.waits_until(now_us, wait_us) else {
            return;
        };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_micros(until_us.saturating_sub(now_us))) => {}
            () = notified => {}
        }
    }
}

/// Waits until the state gives an answer.
pub(crate) async fn wait<T>(shared: &Shared, mut until: impl FnMut(&mut Core) -> Option<T>) -> T {
    loop {
        let notified = shared.changed.notified();
        let mut notified = pin!(notified);
        notified.as_mut().enable();
        let found = until(&mut shared.look());
        if let Some(found) = found {
            return found;
        }
        notified.await;
    }
}

/// Faults stop; the run is finished once the system is quiet.
async fn drain(shared: &Shared) {
    let timing = shared.config.timing;
    let since_us = shared.now_us();
    shared.change(|core| core.faults.stop());
    loop {
        let notified = shared.changed.notified();
        let mut notified = pin!(notified);
        notified.as_mut().enable();
        let now_us = shared.now_us();
        let (owes, last_us) = {
            let core = shared.look();
            (
                !core.slots.owing().is_empty(),
                core.slots.last_activity_us(),
            )
        };
        let quiet_ms = if owes {
            timing.drain_limit_ms
        } else {
            timing.drain_quiet_ms
        };
        let until_us = last_us
            .max(since_us)
            .saturating_add(quiet_ms.saturating_mul(1000));
        if until_us <= now_us {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_micros(until_us.saturating_sub(now_us))) => {}
            () = notified => {}
        }
    }
    shared.change(|core| core.phase = RunPhase::Finished);
}
