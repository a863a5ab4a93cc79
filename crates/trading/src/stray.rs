//! Open orders under our ids that no level counts on: second orders, orders of passed numbers, and
//! orders that were taken for never placed. They are cancelled, what they executed is booked, and
//! the operator is told.

use domain::{ClientOrderId, ExchangeOrderId, Level, OrderState};

use crate::recover_bot::Recovered;
use crate::recover_level::{Run, feed_as};
use crate::story::{executed_words, tell};
use crate::{
    CancelOutcome, EventKind, Exchange, FoundOrder, LevelStore, OrderView, Outside, StoreError,
};

/// Cancels stray orders of the bot and books what they executed.
pub(crate) async fn take_in_strays<O: Outside>(
    run: Run<'_, O>,
    levels: &[Level],
    listing: &[OrderView],
    recovered: &mut Recovered,
) {
    for view in listing {
        let Ok(id) = view.client_order_id.parse::<ClientOrderId>() else {
            continue;
        };
        let Some(level) = levels
            .iter()
            .find(|level| level.bot == id.bot && level.index == id.level)
        else {
            continue;
        };
        if is_news_ahead(level, &id) {
            // It is nobody's to cancel yet: the report says so to the level, once.
            let told = feed_as(run, level, view, &id).await;
            recovered
                .problems
                .extend(told.err().map(|error| error.to_string()));
        }
        if !is_stray(level, &id, view.exchange_order_id) {
            continue;
        }
        // The levels were read before the listing: only what is a stray still is taken in.
        let current = reload(run, level).await;
        if let Ok(Some(current)) = &current
            && !is_stray(current, &id, view.exchange_order_id)
        {
            continue;
        }
        let taken = match current {
            Ok(Some(current)) => take_in(run, &current, &id, view).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error.to_string()),
        };
        match taken {
            Ok(None) => {}
            Ok(Some(told)) | Err(told) => recovered
                .problems
                .push(format!("level {}: {told}", level.index)),
        }
    }
}

async fn reload<O: Outside>(run: Run<'_, O>, level: &Level) -> Result<Option<Level>, StoreError> {
    let (account, bot) = (&run.bot.account, &run.bot.id);
    let loaded = run.outside.store().load(account, bot, level.index).await?;
    Ok(loaded.level)
}

fn is_stray(level: &Level, id: &ClientOrderId, exchange_order_id: ExchangeOrderId) -> bool {
    let Some(order) = &level.order else {
        return false;
    };
    if id.no < order.no {
        return true;
    }
    // A number ahead, or one still pending, is judged where intents are placed and reports read; an
    // order under a quarantined number is the operator's to judge, unless the level's own is known.
    id.no == order.no
        && match (&order.state, order.exchange_order_id) {
            (OrderState::Pending { .. }, _) => false,
            // A level at rest has no order, even if a trade of it told its exchange's id.
            (OrderState::Idle, _) => true,
            (_, Some(known)) => known != exchange_order_id,
            (OrderState::Refused { .. } | OrderState::Held { .. }, None) => true,
            (OrderState::Open | OrderState::Quarantined { .. }, None) => false,
        }
}

/// Whether an order carries a number above all that its level has given out or seen.
fn is_news_ahead(level: &Level, id: &ClientOrderId) -> bool {
    id.no >= level.next_no()
}

/// Cancels one order and books what it executed; tells what there was to do. A listing may be old:
/// an order that has ended meanwhile and whose trades are booked is nothing to tell.
async fn take_in<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    id: &ClientOrderId,
    view: &OrderView,
) -> Result<Option<String>, String> {
    let symbol = &run.bot.rules.symbol;
    let cancelled = run.connection.cancel(symbol, view.exchange_order_id).await;
    let (ended, was_open) = match cancelled.map_err(|error| error.to_string())? {
        // Whether the order is older than the level's intent is judged by when it was created, and
        // only the listing says that.
        CancelOutcome::Canceled(ended) => {
            let created_at = view.created_at;
            (
                Some(OrderView {
                    created_at,
                    ..ended
                }),
                true,
            )
        }
        CancelOutcome::NotOpen => {
            let found = run.connection.order(symbol, view.exchange_order_id).await;
            let ended = match found.map_err(|error| error.to_string())? {
                FoundOrder::Shown(view) => Some(view),
                FoundOrder::Archived | FoundOrder::NotFound => None,
            };
            (ended, false)
        }
    };
    let Some(ended) = ended else { return Ok(None) };
    let mut booked = false;
    // How an order of the current number ended decides what follows, whatever it executed.
    let current = level.order.as_ref().is_some_and(|order| order.no == id.no);
    if current || !ended.executed.is_zero() {
        let fed = feed_as(run, level, &ended, id).await;
        booked = fed.map_err(|error| error.to_string())?.booked;
    }
    if !was_open && !booked {
        return Ok(None);
    }
    let text = format!(
        "an order ({id}) was open beside the level's own: {}",
        executed_words(run.bot, &ended)
    );
    let (at, no) = (Some(level.index), Some(id.no));
    let kind = EventKind::SecondOrder;
    tell(run.outside, &level.bot, at, no, kind, text.clone()).await;
    Ok(Some(text))
}
