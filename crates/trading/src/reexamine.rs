//! Looking again at levels whose records and the exchange disagreed.

use domain::{Level, LevelOrder, OrderState, QuarantineReason};

use crate::advance::{Conditions, advance};
use crate::place_intent::claim;
use crate::recover_level::{Done, LevelError, Run, feed};
use crate::send::{Owned, send};
use crate::story::tell;
use crate::{Clock, EventKind, Exchange, ExchangeError, LevelStore, OrderView, Outside};

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
    let Some(view) = find_again(run, level, order)
        .await
        .map_err(|error| LevelError::Exchange { level: at, error })?
    else {
        return Ok(Done {
            booked: false,
            problem,
        });
    };
    let fed = feed(run, level, &view).await?;
    match why {
        // Found again, and everything it shows is booked: the level goes on.
        QuarantineReason::OrderVanished | QuarantineReason::TradesDisagree => {
            release(run, level, &view).await?;
            Ok(fed)
        }
        // Only the operator can say whose order that is.
        QuarantineReason::ForeignOrder | QuarantineReason::NumberAhead => {
            Ok(Done { problem, ..fed })
        }
    }
}

async fn find_again<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    order: &LevelOrder,
) -> Result<Option<OrderView>, ExchangeError> {
    let symbol = &run.bot.rules.symbol;
    match order.exchange_order_id {
        Some(id) => run.connection.order(symbol, id).await,
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
    let mut after = current.clone();
    let Some(order) = &mut after.order else {
        return Ok(());
    };
    let same = order.exchange_order_id == Some(view.exchange_order_id);
    if !same || order.executed != view.executed {
        return Ok(());
    }
    let no = order.no;
    order.state = OrderState::Open;
    let conditions = Conditions {
        bot: &bot,
        account: &account,
        admission: Some(run.connection.admission()),
        exchange_now: run.connection.estimated_time(),
        now: outside.clock().now(),
        by_recovery: true,
    };
    let after = advance(after, &conditions);
    let Some(claimed) = claim(outside, &current, after).await.map_err(in_store)? else {
        return Ok(());
    };
    let text = format!(
        "order {} was found again, the level goes on",
        view.exchange_order_id
    );
    tell(
        outside,
        &level.bot,
        Some(level.index),
        Some(no),
        EventKind::Released,
        text,
    )
    .await;
    if let Some(owned) = Owned::of(&bot, &claimed) {
        send(outside, run.connection, owned)
            .await
            .map_err(in_store)?;
    }
    Ok(())
}
