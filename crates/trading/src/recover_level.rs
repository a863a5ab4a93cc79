//! Carrying out what recovery has planned for one level.

use std::collections::BTreeMap;

use domain::{
    Bot, ClientOrderId, DesiredStatus, ExchangeOrderId, ExchangeTime, HoldReason, Level,
    LevelOrder, ListedOrder, OrderState, OrderStatus, Quantity, QuarantineReason, RecoveryAction,
};

use crate::advance::rest;
use crate::handle_fill::{Case, handle_case};
use crate::place_intent::claim;
use crate::reexamine::{lay_down, reexamine};
use crate::send::as_execution;
use crate::story::{executed_words, tell};
use crate::{
    CancelOutcome, Clock, EventKind, Exchange, ExchangeError, Exchanges, FoundOrder,
    HandleFillError, LEASE, OrderView, Outcome, Outside, PlaceMode, Placing, StoreError,
    place_intent,
};

/// What one run works with.
pub(crate) struct Run<'a, O: Outside> {
    pub(crate) outside: O,
    pub(crate) connection: &'a <O::Exchanges as Exchanges>::Connection,
    pub(crate) bot: &'a Bot,
    /// The account's open orders on the symbol, listed in this run.
    pub(crate) open: &'a BTreeMap<ExchangeOrderId, ListedOrder>,
    /// The exchange's own time, from a reply received in this run.
    pub(crate) exchange_now: ExchangeTime,
}

impl<O: Outside> Clone for Run<'_, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O: Outside> Copy for Run<'_, O> {}

/// What one level's action led to.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Whether fills were booked that had been missed.
    pub(crate) booked: bool,
    /// Whether trades are known to be missing that the exchange does not show yet.
    pub(crate) waits: bool,
    /// When the exchange last changed the order they were booked for.
    pub(crate) booked_of: Option<ExchangeTime>,
    /// What the operator should know.
    pub(crate) problem: Option<String>,
}

/// Why one level could not be mended now. The others go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LevelError {
    #[error("level {level}: {error}")]
    Store {
        level: domain::LevelIndex,
        error: StoreError,
    },
    #[error("level {level}: {error}")]
    Exchange {
        level: domain::LevelIndex,
        error: ExchangeError,
    },
    #[error("level {level}: {error}")]
    Report {
        level: domain::LevelIndex,
        error: HandleFillError,
    },
}

/// Carries one planned action out.
pub(crate) async fn carry_out<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    action: RecoveryAction,
) -> Result<Done, LevelError> {
    let in_store = |error| LevelError::Store {
        level: level.index,
        error,
    };
    match action {
        RecoveryAction::Leave
        | RecoveryAction::LeaveRecent
        | RecoveryAction::LeaveLeased(_)
        | RecoveryAction::Wait => Ok(Done::default()),
        RecoveryAction::Query(id) => query(run, level, id).await,
        RecoveryAction::Cancel(id) => cancel(run, level, id).await,
        RecoveryAction::Lay | RecoveryAction::Place | RecoveryAction::Liquidate => {
            place(run, level, PlaceMode::Send).await.map_err(in_store)
        }
        RecoveryAction::FindOut => place(run, level, PlaceMode::FindOut)
            .await
            .map_err(in_store),
        RecoveryAction::Hold(why) => hold(run, level, why).await.map_err(in_store),
        RecoveryAction::Rest => {
            claim(run.outside, level, rest(level))
                .await
                .map_err(in_store)?;
            Ok(Done::default())
        }
        RecoveryAction::Reexamine => reexamine(run, level).await,
        RecoveryAction::LayDown => lay_down(run, level).await,
    }
}

async fn place<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    mode: PlaceMode,
) -> Result<Done, StoreError> {
    let bot = run.bot;
    let placing = place_intent(run.outside, &bot.account, &bot.id, level.index, mode).await?;
    let problem = match placing {
        Placing::Refused(why) => Some(format!("level {}: not placed: {why}", level.index)),
        Placing::AccountStopped => Some(format!("account {} is stopped", bot.account)),
        Placing::Quarantined => Some(format!("level {}: quarantined", level.index)),
        Placing::Accepted
        | Placing::Unknown(_)
        | Placing::Held
        | Placing::Leased(_)
        | Placing::MovedOn
        | Placing::NothingOwed
        | Placing::NoAnswer => None,
    };
    Ok(Done {
        problem,
        ..Done::default()
    })
}

/// Records why a level's order is not placed: the one it owes, or the one it would owe now.
async fn hold<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    why: HoldReason,
) -> Result<Done, StoreError> {
    let mut after = level.clone();
    let Some(order) = after
        .order
        .as_mut()
        .filter(|order| order.state != OrderState::Idle)
    else {
        return place(run, level, PlaceMode::Hold(why)).await;
    };
    let text = why.to_string();
    order.state = OrderState::Held {
        why,
        lease: order.last_lease().copied(),
    };
    rewrite(run, level, after, EventKind::Held, text).await?;
    Ok(Done::default())
}

/// Writes a level, if nobody changed it since, and tells its story why.
async fn rewrite<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    after: Level,
    kind: EventKind,
    text: String,
) -> Result<(), StoreError> {
    let no = after.order.as_ref().map(|order| order.no);
    if claim(run.outside, level, after).await?.is_some() {
        tell(run.outside, &level.bot, Some(level.index), no, kind, text).await;
    }
    Ok(())
}

/// Asks for one order and feeds the answer as a report.
async fn query<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    id: ExchangeOrderId,
) -> Result<Done, LevelError> {
    let found = match known_order(run, level, id).await {
        Ok(found) => found,
        Err(ExchangeError::UnknownSymbol(_)) if stops(run.bot) => {
            return lose_sight(run, level, id).await;
        }
        Err(error) => {
            let level = level.index;
            return Err(LevelError::Exchange { level, error });
        }
    };
    match found {
        Some(view) => {
            note_amend(run, level, &view).await?;
            feed(run, level, &view).await
        }
        None => vanished(run, level, id).await,
    }
}

const fn stops(bot: &Bot) -> bool {
    match bot.desired {
        DesiredStatus::Stopped | DesiredStatus::StoppedAndSold => true,
        DesiredStatus::Ready | DesiredStatus::Running | DesiredStatus::Paused => false,
    }
}

/// Lets a level rest whose order nobody can be asked about any more: its symbol is gone.
async fn lose_sight<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    id: ExchangeOrderId,
) -> Result<Done, LevelError> {
    let text = format!(
        "{} is no longer listed, so nobody can tell what became of exchange order {id}; the level rests",
        run.bot.rules.symbol
    );
    let problem = Some(format!("level {}: {text}", level.index));
    rewrite(run, level, rest(level), EventKind::Ended, text)
        .await
        .map_err(|error| LevelError::Store {
            level: level.index,
            error,
        })?;
    Ok(Done {
        problem,
        ..Done::default()
    })
}

/// The order that a level knows by the exchange's id, unless somebody else's stands under it now. One that ended unfilled so long ago that the
/// exchange tells no more of it is shown as the level knows it, expired.
pub(crate) async fn known_order<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    id: ExchangeOrderId,
) -> Result<Option<OrderView>, ExchangeError> {
    match run.connection.order(&run.bot.rules.symbol, id).await? {
        FoundOrder::Shown(view) => {
            let may_own = level.may_own(view.side, view.price, &view.client_order_id);
            Ok(may_own.then_some(view))
        }
        FoundOrder::Archived => Ok(archived(run, level, id)),
        FoundOrder::NotFound => Ok(None),
    }
}

/// An order that ended long ago with nothing executed, if it is the level's current one. Neither of
/// its times is told any more.
fn archived<O: Outside>(run: Run<'_, O>, level: &Level, id: ExchangeOrderId) -> Option<OrderView> {
    let order = level.order.as_ref()?;
    let now = run.connection.estimated_time();
    (order.exchange_order_id == Some(id)).then(|| OrderView {
        symbol: run.bot.rules.symbol.clone(),
        exchange_order_id: id,
        client_order_id: level.client_order_id(order.no).to_string(),
        side: order.intent.side,
        price: Some(order.intent.price),
        quantity: order.intent.quantity,
        executed: Quantity::ZERO,
        status: OrderStatus::Expired,
        created_at: now,
        updated_at: now,
    })
}

/// Feeds an order as a query shows it through the same handling as a live report.
pub(crate) async fn feed<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    view: &OrderView,
) -> Result<Done, LevelError> {
    // Known by the exchange's id, whatever client id an amend has given it.
    let id = level.order.as_ref().map_or_else(
        || level.client_order_id(level.next_no()),
        |order| level.client_order_id(order.no),
    );
    feed_as(run, level, view, &id).await
}

pub(crate) async fn feed_as<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    view: &OrderView,
    id: &ClientOrderId,
) -> Result<Done, LevelError> {
    let execution = as_execution(run.bot, view, id);
    let received_at = run.outside.clock().now();
    let case = Case {
        execution: &execution,
        received_at,
        by_recovery: true,
    };
    let handled = handle_case(run.outside, case)
        .await
        .map_err(|error| LevelError::Report {
            level: level.index,
            error,
        })?;
    let booked = matches!(handled.outcome, Outcome::Booked | Outcome::BookedAside);
    if booked || handled.outcome == Outcome::Noted {
        let text = executed_words(run.bot, view);
        let no = Some(id.no);
        tell(
            run.outside,
            &level.bot,
            Some(level.index),
            no,
            EventKind::Recovered,
            text,
        )
        .await;
    }
    Ok(Done {
        booked,
        waits: handled.outcome == Outcome::Waiting,
        booked_of: booked.then_some(view.updated_at),
        problem: None,
    })
}

/// Takes note of a quantity that was changed at the exchange by hand.
async fn note_amend<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    view: &OrderView,
) -> Result<(), LevelError> {
    let mut after = level.clone();
    let Some(order) = &mut after.order else {
        return Ok(());
    };
    if order.intent.quantity == view.quantity || view.status.is_terminal() {
        return Ok(());
    }
    let text = format!(
        "exchange order {} was changed there from {} to {}",
        view.exchange_order_id, order.intent.quantity, view.quantity
    );
    order.intent.quantity = view.quantity;
    rewrite(run, level, after, EventKind::Amended, text)
        .await
        .map_err(|error| LevelError::Store {
            level: level.index,
            error,
        })
}

/// Whether a look-up that shows nothing proves that the exchange has no order of the level's current
/// number. Our own clock may have been set, so it is asked only where nothing else is known.
pub(crate) fn would_be_shown<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    order: &LevelOrder,
) -> bool {
    order.shown_by().map_or_else(
        || run.outside.clock().now().since(level.changed_at) >= LEASE,
        |at| run.exchange_now >= at,
    )
}

/// An order the level knows cannot be found. Look-ups lag, so this counts only after a while.
async fn vanished<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    id: ExchangeOrderId,
) -> Result<Done, LevelError> {
    let mut after = level.clone();
    let Some(order) = &mut after.order else {
        return Ok(Done::default());
    };
    if !would_be_shown(run, level, order) {
        return Ok(Done::default());
    }
    let evidence = format!("exchange order {id} can no longer be found");
    order.enter(OrderState::Quarantined {
        why: QuarantineReason::OrderVanished,
        evidence: evidence.clone(),
    });
    let problem = Some(format!("level {}: {evidence}", level.index));
    rewrite(run, level, after, EventKind::Quarantined, evidence)
        .await
        .map_err(|error| LevelError::Store {
            level: level.index,
            error,
        })?;
    Ok(Done {
        problem,
        ..Done::default()
    })
}

async fn cancel<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    id: ExchangeOrderId,
) -> Result<Done, LevelError> {
    let cancelled = run
        .connection
        .cancel(&run.bot.rules.symbol, id)
        .await
        .map_err(|error| LevelError::Exchange {
            level: level.index,
            error,
        })?;
    match cancelled {
        CancelOutcome::Canceled(view) => {
            let no = level.order.as_ref().map(|order| order.no);
            let text = format!(
                "exchange order {id} was cancelled with {} executed",
                view.executed
            );
            tell(
                run.outside,
                &level.bot,
                Some(level.index),
                no,
                EventKind::Cancelled,
                text,
            )
            .await;
            feed(run, level, &view).await
        }
        // Filled or ended meanwhile: a query tells which.
        CancelOutcome::NotOpen => query(run, level, id).await,
    }
}
