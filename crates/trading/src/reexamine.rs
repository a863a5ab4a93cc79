//! Looking again at levels whose records and the exchange disagreed.

use domain::{
    Bot, Level, LevelOrder, OrderNumber, OrderState, OrderStatus, QuarantineReason, RefusalReason,
};

use crate::advance::{Conditions, advance, rest};
use crate::place_intent::claim;
use crate::recover_level::{Done, LevelError, Run, feed, known_order, would_be_shown};
use crate::send::{Owned, send};
use crate::story::{executed_words, tell};
use crate::{
    CancelOutcome, Clock, EventKind, Exchange, ExchangeError, LOOKUP_LAG, LevelStore, OrderView,
    Outside,
};

/// How the detail of an order that waits ends when the one before it was not to be found.
pub const NOT_FOUND: &str = "was not to be found at the exchange";

/// Looks again at a level whose records and the exchange disagreed.
pub(crate) async fn reexamine<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
) -> Result<Done, LevelError> {
    let at = level.index;
    let Some(order) = &level.order else {
        return Ok(Done::default());
    };
    let OrderState::Quarantined { why, evidence } = &order.state else {
        return Ok(Done::default());
    };
    let problem = Some(format!("level {at}: quarantined: {evidence}"));
    let told = Done {
        problem,
        ..Done::default()
    };
    if *why == QuarantineReason::Released {
        return accept(run, level, order).await;
    }
    // Only the operator can say whose order that is; it is not booked as the level's own.
    if *why == QuarantineReason::ForeignOrder {
        return Ok(told);
    }
    let Some(view) = find_again(run, level, order)
        .await
        .map_err(|error| LevelError::Exchange { level: at, error })?
    else {
        return Ok(told);
    };
    let fed = feed(run, level, &view).await?;
    match why {
        // Found again, and everything it shows is booked: the level goes on.
        QuarantineReason::OrderVanished | QuarantineReason::TradesDisagree => {
            release(run, level, &view).await?;
            Ok(fed)
        }
        QuarantineReason::ForeignOrder
        | QuarantineReason::NumberAhead
        | QuarantineReason::Released => Ok(Done {
            problem: told.problem,
            ..fed
        }),
    }
}

async fn find_again<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    order: &LevelOrder,
) -> Result<Option<OrderView>, ExchangeError> {
    let symbol = &run.bot.rules.symbol;
    match order.exchange_order_id {
        Some(id) => known_order(run, level, id).await,
        None => {
            run.connection
                .find_order(symbol, &level.client_order_id(order.no))
                .await
        }
    }
}

/// Ends a quarantine once what is booked equals what the exchange shows.
async fn release<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    view: &OrderView,
) -> Result<(), LevelError> {
    let id = view.exchange_order_id;
    let text = format!("exchange order {id} was found again, the level goes on");
    go_on(run, level, text, Ending::Shown, |order| {
        order.exchange_order_id == Some(id) && order.executed == view.executed
    })
    .await
}

/// Ends a quarantine that the operator has released: the level's order is taken down, what it executed
/// is booked as far as the exchange shows it, and the level owes its next order under a new number.
async fn accept<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    order: &LevelOrder,
) -> Result<Done, LevelError> {
    let at = level.index;
    if may_still_arrive(run, level, order) {
        return Ok(Done::default());
    }
    let taken = take_down(run, level, order)
        .await
        .map_err(|error| LevelError::Exchange { level: at, error })?;
    if !is_final(run, level, order, taken.as_ref()) {
        return Ok(Done::default());
    }
    let fed = match &taken {
        Some(view) => feed(run, level, view).await?,
        None => Done::default(),
    };
    if fed.waits {
        return Ok(fed);
    }
    let shown = shown(run.bot, taken.as_ref());
    let text = format!("released by the operator: {shown}; the level goes on under a new number");
    let ending = if taken.is_some() {
        Ending::Shown
    } else {
        Ending::Unseen
    };
    go_on(run, level, text, ending, |order| {
        let own = taken.filter(|view| order.exchange_order_id == Some(view.exchange_order_id));
        // The operator's word ends every disagreement, but no trade is lost for having been asked
        // for too early.
        let lacks = own
            .as_ref()
            .is_some_and(|view| order.executed < view.executed && lags(run, view));
        if lacks {
            return false;
        }
        let ended = own.map(|view| view.status);
        let ended = ended.filter(|status| status.is_terminal());
        order.terminal = order.terminal.or(ended).or(Some(OrderStatus::Expired));
        order.highest_seen = order.executed;
        true
    })
    .await?;
    Ok(fed)
}

/// Whether the exchange has shown how the order of a quarantined level stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Shown,
    /// It knows of no such order, so that nobody may say that it expired.
    Unseen,
}

/// Ends a quarantine, if its order may go on as it is then: open, or followed by what it leads to.
async fn go_on<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    text: String,
    ending: Ending,
    may: impl FnOnce(&mut LevelOrder) -> bool,
) -> Result<(), LevelError> {
    let in_store = |error| LevelError::Store {
        level: level.index,
        error,
    };
    let outside = run.outside;
    let loaded = outside
        .store()
        .load(&run.bot.account, &run.bot.id, level.index)
        .await
        .map_err(in_store)?;
    // What the bot is to do counts as of now: it may have been paused since this run began.
    let (Some(bot), Some(current), Some(account)) = (loaded.bot, loaded.level, loaded.account)
    else {
        return Ok(());
    };
    if !is_quarantined(&current) {
        return Ok(());
    }
    let mut after = current.clone();
    let Some(order) = &mut after.order else {
        return Ok(());
    };
    if !may(order) {
        return Ok(());
    }
    let no = order.no;
    order.enter(OrderState::Open);
    let conditions = Conditions {
        bot: &bot,
        account: &account,
        admission: Some(run.connection.admission()),
        exchange_now: run.connection.estimated_time(),
        now: outside.clock().now(),
        by_recovery: true,
    };
    let mut after = advance(after, &conditions);
    if ending == Ending::Unseen {
        tell_vanished(&mut after, no);
    }
    let Some(claimed) = claim(outside, &current, after).await.map_err(in_store)? else {
        return Ok(());
    };
    let (at, kind) = (Some(level.index), EventKind::Released);
    tell(outside, &level.bot, at, Some(no), kind, text).await;
    if let Some(owned) = Owned::of(&bot, &claimed) {
        send(outside, run.connection, owned)
            .await
            .map_err(in_store)?;
    }
    Ok(())
}

/// An order that waits after one nobody could find says so: that one did not end before our eyes.
fn tell_vanished(level: &mut Level, no: OrderNumber) {
    let state = level.order.as_mut().map(|order| &mut order.state);
    if let Some(OrderState::Refused {
        why: RefusalReason::Backoff,
        detail,
        ..
    }) = state
    {
        *detail = format!("order number {no} {NOT_FOUND}");
    }
}

/// Lets a quarantined level of a bot that stops come to rest: its order is cancelled, and what it
/// executed is booked as far as the exchange shows it.
pub(crate) async fn lay_down<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
) -> Result<Done, LevelError> {
    let at = level.index;
    let Some(order) = &level.order else {
        return Ok(Done::default());
    };
    let OrderState::Quarantined { why, evidence } = &order.state else {
        return Ok(Done::default());
    };
    if may_still_arrive(run, level, order) {
        return Ok(Done::default());
    }
    let taken = take_down(run, level, order)
        .await
        .map_err(|error| LevelError::Exchange { level: at, error })?;
    if !is_final(run, level, order, taken.as_ref()) {
        return Ok(Done::default());
    }
    let is_own = *why != QuarantineReason::ForeignOrder;
    let fed = match &taken {
        // An order that was judged not to be the level's own is not booked as such.
        Some(view) if is_own => feed(run, level, view).await?,
        Some(_) | None => Done::default(),
    };
    // Trades that do not add up never will; others are shown in a while, and booked before the level rests.
    let shows_no_more = *why == QuarantineReason::TradesDisagree
        && taken.as_ref().is_none_or(|view| !lags(run, view));
    if fed.waits && !shows_no_more {
        return Ok(fed);
    }
    let in_store = |error| LevelError::Store { level: at, error };
    let (account, bot) = (&run.bot.account, &run.bot.id);
    let loaded = run.outside.store().load(account, bot, at);
    let current = loaded.await.map_err(in_store)?.level;
    let Some(current) = current.filter(is_quarantined) else {
        return Ok(fed);
    };
    let lacks = current
        .order
        .as_ref()
        .zip(taken.as_ref().filter(|_| is_own));
    let lacks = lacks.is_some_and(|(order, view)| order.executed < view.executed);
    if lacks && !shows_no_more {
        return Ok(fed);
    }
    let rested = claim(run.outside, &current, rest(&current));
    if rested.await.map_err(in_store)?.is_none() {
        return Ok(fed);
    }
    let shown = shown(run.bot, taken.as_ref());
    let text =
        format!("the level rests, as the bot stops; {shown}; it was quarantined: {evidence}");
    let no = Some(order.no);
    tell(run.outside, bot, Some(at), no, EventKind::Released, text).await;
    Ok(fed)
}

/// Whether a request for the level's order may still be on its way.
fn may_still_arrive<O: Outside>(run: Run<'_, O>, level: &Level, order: &LevelOrder) -> bool {
    order.exchange_order_id.is_none() && !would_be_shown(run, level, order)
}

/// Whether what was found of an order that was taken down is how it ended. Look-ups lag: they may not show
/// it yet, or show it as it was.
fn is_final<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    order: &LevelOrder,
    taken: Option<&OrderView>,
) -> bool {
    match taken {
        Some(view) => view.status.is_terminal(),
        None => would_be_shown(run, level, order),
    }
}

/// Whether an order changed so lately that a look-up may not show all of its trades yet.
fn lags<O: Outside>(run: Run<'_, O>, view: &OrderView) -> bool {
    run.exchange_now < view.updated_at.after(LOOKUP_LAG)
}

/// What the exchange shows of an order that was taken down, in words.
fn shown(bot: &Bot, taken: Option<&OrderView>) -> String {
    taken.map_or_else(
        || "its order is not to be found".to_owned(),
        |view| executed_words(bot, view),
    )
}

fn is_quarantined(level: &Level) -> bool {
    let state = level.order.as_ref().map(|order| &order.state);
    matches!(state, Some(OrderState::Quarantined { .. }))
}

/// Cancels the order of a quarantined level, or the one that stands under its id: the order as it is
/// then, or `None` when the exchange knows of none, or no longer of the symbol.
async fn take_down<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    order: &LevelOrder,
) -> Result<Option<OrderView>, ExchangeError> {
    match cancel_or_ask(run, level, order).await {
        Err(ExchangeError::UnknownSymbol(_)) => Ok(None),
        taken => taken,
    }
}

async fn cancel_or_ask<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    order: &LevelOrder,
) -> Result<Option<OrderView>, ExchangeError> {
    let is_anothers = |id| {
        let listed = run.open.get(&id);
        listed.is_some_and(|listed| !listed.may_be_of(level))
    };
    let (id, created_at) = match order.exchange_order_id {
        Some(id) if is_anothers(id) => return Ok(None),
        Some(id) => (id, None),
        None => match find_again(run, level, order).await? {
            Some(view) if !view.status.is_terminal() => {
                (view.exchange_order_id, Some(view.created_at))
            }
            ended => return Ok(ended),
        },
    };
    let symbol = &run.bot.rules.symbol;
    match run.connection.cancel(symbol, id).await? {
        // Whether it is older than the level's intent is judged by when it was created, which the reply to
        // a cancel does not say.
        CancelOutcome::Canceled(view) => Ok(Some(OrderView {
            created_at: created_at.unwrap_or(view.created_at),
            ..view
        })),
        // Filled or ended meanwhile: a query tells which.
        CancelOutcome::NotOpen => known_order(run, level, id).await,
    }
}
