//! Making a bot's observed status true: paused and stopped are promises about what is not sent.

use domain::{
    BestPrices, Bot, DesiredStatus, Level, LocalTime, ObservedStatus, OrderState, Room, is_sellable,
};
use futures_util::StreamExt;

use crate::place_intent::claim;
use crate::recover_bot::{RecoverError, Recovered, write_bot};
use crate::story::tell;
use crate::{BotStore, EventKind, LEVELS_AT_ONCE, LevelStore, Outside, StoreError};

/// What the run has seen of the market.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) room: &'a Room,
    pub(crate) prices: Option<&'a BestPrices>,
    /// When it looked: everything before this is in what it has seen.
    pub(crate) at: LocalTime,
}

/// Compares what was wanted with what is, and writes the bot's observed status; counts what is left in trouble.
pub(crate) async fn observe<O: Outside>(
    outside: O,
    bot: &Bot,
    seen: Seen<'_>,
    recovered: &mut Recovered,
) -> Result<ObservedStatus, RecoverError> {
    let listed = outside.store().list_levels(&bot.id).await?;
    // What a level holds that cannot be read, nobody knows: it may have an order at the exchange.
    let whole = listed.unreadable.is_empty();
    let levels = listed.readable;
    recovered.troubled.left(&levels);
    let Some(current) = outside.store().bot(&bot.id).await? else {
        return Ok(bot.observed);
    };
    // The operator may have changed their mind during this run; then the next run decides.
    let wanted = if current.desired == bot.desired {
        bot.desired
    } else {
        return Ok(bot.observed);
    };
    let mut observed = match wanted {
        DesiredStatus::Ready => ObservedStatus::Ready,
        DesiredStatus::Running => ObservedStatus::Running,
        DesiredStatus::Paused if whole && levels.iter().all(is_stamped) => ObservedStatus::Paused,
        DesiredStatus::Paused => current.observed,
        DesiredStatus::Stopped if whole && levels.iter().all(at_rest) => ObservedStatus::Stopped,
        DesiredStatus::StoppedAndSold
            if whole
                && levels
                    .iter()
                    .all(|level| at_rest(level) && !is_sellable(&current, level, seen.prices)) =>
        {
            ObservedStatus::Stopped
        }
        DesiredStatus::Stopped | DesiredStatus::StoppedAndSold => ObservedStatus::Stopping,
    };
    let comes_to_rest = matches!(observed, ObservedStatus::Paused | ObservedStatus::Stopped)
        && current.observed != observed;
    let current = if comes_to_rest && wanted == DesiredStatus::StoppedAndSold {
        let Some(current) = end_sales(outside, current).await? else {
            return Ok(bot.observed);
        };
        current
    } else {
        current
    };
    if comes_to_rest && !stamp_all(outside, &levels).await? {
        observed = current.observed;
    }
    let doubted = levels.iter().any(doubts_rules) || !seen.room.outside_band.is_empty();
    if (wanted, observed) == (DesiredStatus::StoppedAndSold, ObservedStatus::Stopped) {
        let is_new = current.observed != observed;
        tell_unsold(
            outside,
            &current,
            &levels,
            seen.prices,
            is_new,
            &mut recovered.problems,
        )
        .await;
    }
    let mut after = current.clone();
    after.observed = observed;
    after.rules_doubted = current.rules_doubted || doubted;
    after.recovered_at = Some(seen.at);
    Ok(write_bot(outside, &current, after).await?.observed)
}

/// Writes that no sale begins any more, before the levels are written once more: whoever finds later that
/// something can be sold takes that back, and with it this run's right to call the bot stopped. `None`
/// when somebody else has changed the bot.
async fn end_sales<O: Outside>(outside: O, current: Bot) -> Result<Option<Bot>, RecoverError> {
    if current.sold_out {
        return Ok(Some(current));
    }
    let mut after = current.clone();
    after.sold_out = true;
    let written = write_bot(outside, &current, after).await?;
    Ok((written.sold_out && written.desired == current.desired).then_some(written))
}

/// Tells what a stopped bot keeps of the base because it is too little to sell.
async fn tell_unsold<O: Outside>(
    outside: O,
    bot: &Bot,
    levels: &[Level],
    prices: Option<&BestPrices>,
    is_new: bool,
    problems: &mut Vec<String>,
) {
    let rules = &bot.rules;
    for level in levels.iter().filter(|level| !level.base.held().is_zero()) {
        let value = prices.and_then(|prices| prices.bid.times(level.base.held()));
        let why = value.map_or_else(
            || format!("the symbol is {}", rules.status),
            |value| {
                format!(
                    "worth {value} {}, too little for the symbol's rules",
                    rules.quote
                )
            },
        );
        let text = format!("{} {} stays unsold: {why}", level.base, rules.base);
        if is_new {
            let (at, kind) = (Some(level.index), EventKind::Held);
            tell(outside, &bot.id, at, None, kind, text.clone()).await;
        }
        problems.push(format!("level {}: {text}", level.index));
    }
}

fn at_rest(level: &Level) -> bool {
    level
        .order
        .as_ref()
        .is_none_or(|order| order.state == OrderState::Idle)
}

fn is_stamped(level: &Level) -> bool {
    level.order.as_ref().is_none_or(|order| match order.state {
        OrderState::Pending { .. } | OrderState::Refused { .. } => false,
        OrderState::Open
        | OrderState::Held { .. }
        | OrderState::Quarantined { .. }
        | OrderState::Idle => true,
    })
}

/// Writes every level once more as it is. Whoever has read one before the bot was to pause or stop
/// loses their write now, reads the bot again and sends nothing. `false` when a level has changed
/// meanwhile; the next run tries again.
async fn stamp_all<O: Outside>(outside: O, levels: &[Level]) -> Result<bool, StoreError> {
    // Owned, for a future that borrows from a closure's argument cannot be sent to another thread.
    let stamps = levels
        .iter()
        .cloned()
        .map(|level| async move { claim(outside, &level, level.clone()).await });
    let stamped = futures_util::stream::iter(stamps)
        .buffer_unordered(LEVELS_AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    for stamp in stamped {
        if stamp?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an order of the level was refused for a rule of the symbol.
fn doubts_rules(level: &Level) -> bool {
    level.order.as_ref().is_some_and(|order| {
        matches!(
            &order.state,
            OrderState::Refused {
                why: domain::RefusalReason::Filter | domain::RefusalReason::MarketClosed,
                ..
            }
        )
    })
}
