//! Comparing one bot with the exchange, and feeding what is missing through the ordinary road.
//!
//! Recovery also lays a new bot's first orders, holds and releases, and takes a stopped bot down:
//! the operator writes what is wanted, recovery makes it so. It has no other way to send an order
//! than [`place_intent`](crate::place_intent), and no other way to book a fill than
//! [`handle_fill`](crate::handle_fill).

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    BestPrices, Bot, BotId, ClientOrderId, DesiredStatus, ExchangeOrderId, ExchangeTime, Level,
    LevelIndex, ListedOrder, LocalTime, ObservedStatus, RecoveryAction, View, find_room,
    is_sellable, plan_recovery,
};
use futures_util::StreamExt;

use crate::late::take_in_late_orders;
use crate::observe::{Seen, observe};
use crate::recover_level::{Done, Run, carry_out};
use crate::stray::take_in_strays;
use crate::{
    AccountRecord, AccountStore, BotStore, Clock, Exchange, ExchangeError, Exchanges,
    LEVELS_AT_ONCE, LevelStore, MAX_COMMIT_TRIES, MISSED_AFTER, OrderView, Outside, RECENT,
    RECOVERY_RUN, RULES_LAST, StoreError, StreamState, Troubled,
};

/// What one run of recovery found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The bot's status after the run.
    pub observed: ObservedStatus,
    /// How many levels called for which action.
    pub actions: BTreeMap<&'static str, u32>,
    /// At how many levels fills were booked that had been missed.
    pub levels_caught_up: u32,
    /// How many levels somebody should know of.
    pub troubled: Troubled,
    /// What the operator should know.
    pub problems: Vec<String>,
}

/// Why a bot could not be compared with the exchange. What is owed stays owed.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// There is no such bot, or its account has no record.
    #[error("there is no bot {0} with an account")]
    NoBot(BotId),
    /// The store did not answer or a record cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The exchange did not answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

/// Compares a bot with the exchange and mends what differs.
///
/// # Errors
/// [`RecoverError`] when the comparison itself is not possible; one bad level is no error.
pub async fn recover_bot<O: Outside>(outside: O, id: &BotId) -> Result<Recovered, RecoverError> {
    let bot = outside
        .store()
        .bot(id)
        .await?
        .ok_or_else(|| RecoverError::NoBot(id.clone()))?;
    let account = outside.store().account(&bot.account).await?;
    let account = account.ok_or_else(|| RecoverError::NoBot(id.clone()))?;
    let connection = outside.exchanges().connect(&account).await?;
    let mut problems = Vec::new();
    let bot = refresh_rules(outside, &connection, bot, &mut problems).await?;
    want_stream(outside, &account, &mut problems).await?;

    let exchange_now = connection.server_time().await?;
    let prices = connection.best_prices(&bot.rules.symbol).await.ok();
    // One that cannot be read keeps none of the others from being worked on.
    let listed_levels = outside.store().list_levels(id).await?;
    problems.extend(listed_levels.unreadable.iter().map(ToString::to_string));
    let levels = listed_levels.readable;
    let bot = open_up(outside, bot, &levels, prices.as_ref()).await?;
    let (connection, listing) = list_open(outside, connection, &bot).await?;
    let open: BTreeMap<ExchangeOrderId, ListedOrder> = listing.iter().map(listed).collect();
    let room = find_room(&bot, &levels, prices, foreign(&bot, &levels, &listing));
    let now = outside.clock().now();
    let view = View {
        bot: &bot,
        now,
        exchange_now,
        open: &open,
        prices,
        room: &room,
        account_admits: account.breaker.admits(now),
        settle: RECENT,
    };
    let run = Run {
        outside,
        connection: &connection,
        bot: &bot,
        open: &open,
        exchange_now,
    };
    let mut recovered = Recovered {
        observed: bot.observed,
        actions: BTreeMap::new(),
        levels_caught_up: 0,
        troubled: Troubled::found(&levels, exchange_now),
        problems,
    };
    let late = take_in_late_orders(run, &levels, exchange_now, &mut recovered).await;
    let levels = if late {
        outside.store().list_levels(id).await?.readable
    } else {
        levels
    };
    let missed = work(run, &levels, &view, &mut recovered).await;
    take_in_strays(run, &levels, &listing, &mut recovered).await;
    recovered
        .problems
        .extend(levels.iter().filter_map(number_ahead));
    if let Some(missed) = missed {
        let missed = now.before(exchange_now.since(missed));
        doubt_stream(outside, &account, missed, &mut recovered.problems).await?;
    }
    let seen = Seen {
        room: &room,
        prices: prices.as_ref(),
        at: now,
    };
    recovered.observed = observe(outside, &bot, seen, &mut recovered).await?;
    Ok(recovered)
}

/// Lists the open orders of the bot's symbol, with the account's key read anew if it was refused.
///
/// Of a symbol that is not listed any more, no order is open.
async fn list_open<O: Outside>(
    outside: O,
    connection: <O::Exchanges as Exchanges>::Connection,
    bot: &Bot,
) -> Result<(<O::Exchanges as Exchanges>::Connection, Vec<OrderView>), ExchangeError> {
    let symbol = &bot.rules.symbol;
    let mut connection = connection;
    let mut listing = connection.open_orders(symbol).await;
    if listing.as_ref().is_err_and(ExchangeError::is_about_key) {
        connection = outside
            .exchanges()
            .reconnect(&bot.account, &connection)
            .await?;
        listing = connection.open_orders(symbol).await;
    }
    match listing {
        Ok(listing) => Ok((connection, listing)),
        Err(ExchangeError::UnknownSymbol(_)) => Ok((connection, Vec::new())),
        Err(error) => Err(error),
    }
}

/// What is to be told of a level of which the exchange has shown a number it has not given out.
fn number_ahead(level: &Level) -> Option<String> {
    let seen = level.number_ahead()?;
    Some(format!(
        "level {}: the exchange has shown an order of it with number {seen}, which it has not given \
         out; its next order goes above that",
        level.index
    ))
}

fn listed(view: &OrderView) -> (ExchangeOrderId, ListedOrder) {
    (
        view.exchange_order_id,
        ListedOrder {
            side: view.side,
            price: view.price,
            client_order_id: view.client_order_id.clone(),
            executed: view.executed,
            quantity: view.quantity,
        },
    )
}

/// How many open orders on the symbol belong to none of the levels. Those of a level that cannot be
/// read take their places too.
fn foreign(bot: &Bot, levels: &[Level], listing: &[OrderView]) -> usize {
    let ours: BTreeSet<ExchangeOrderId> = levels
        .iter()
        .filter_map(|level| {
            level
                .order
                .as_ref()
                .and_then(|order| order.exchange_order_id)
        })
        .collect();
    let readable: BTreeSet<LevelIndex> = levels.iter().map(|level| level.index).collect();
    let known = |id: &ClientOrderId| id.bot == bot.id && readable.contains(&id.level);
    listing
        .iter()
        .filter(|view| {
            let id = view.client_order_id.parse::<ClientOrderId>().ok();
            !ours.contains(&view.exchange_order_id) && !id.as_ref().is_some_and(known)
        })
        .count()
}

/// Works through the levels, nearest to the market first, a few at once. Tells when the latest fill
/// was that the stream should have brought by now.
async fn work<O: Outside>(
    run: Run<'_, O>,
    levels: &[Level],
    view: &View<'_>,
    recovered: &mut Recovered,
) -> Option<ExchangeTime> {
    let mut planned: Vec<(Level, RecoveryAction)> = levels
        .iter()
        .map(|level| (level.clone(), plan_recovery(level, view)))
        .collect();
    if let Some(prices) = view.prices {
        planned.sort_by_key(|(level, _)| distance(level, prices));
    }
    let until = view.now.after(RECOVERY_RUN);
    let done = futures_util::stream::iter(planned.into_iter().map(|(level, action)| async move {
        if run.outside.clock().now() >= until {
            return (LEFT_FOR_THE_NEXT, Ok(Done::default()));
        }
        let name = action_name(&action);
        (name, carry_out(run, &level, action).await)
    }))
    .buffer_unordered(LEVELS_AT_ONCE)
    .collect::<Vec<_>>()
    .await;
    let owed_before = view.exchange_now.before(MISSED_AFTER);
    let mut missed = None;
    for (name, outcome) in done {
        let count = recovered.actions.entry(name).or_insert(0);
        *count = count.saturating_add(1);
        match outcome {
            Ok(done) => {
                recovered.levels_caught_up = recovered
                    .levels_caught_up
                    .saturating_add(u32::from(done.booked));
                recovered.problems.extend(done.problem);
                missed = missed.max(done.booked_of.filter(|at| *at <= owed_before));
            }
            Err(error) => recovered.problems.push(error.to_string()),
        }
    }
    if let Some(left) = recovered.actions.get(LEFT_FOR_THE_NEXT) {
        recovered.problems.push(format!(
            "this look took longer than {} s, so {left} of its levels are left for the next",
            RECOVERY_RUN.as_secs()
        ));
    }
    missed
}

/// What counts for a level that a run did not come to.
const LEFT_FOR_THE_NEXT: &str = "left_for_the_next";

fn distance(level: &Level, prices: BestPrices) -> rust_decimal::Decimal {
    let price = level
        .order
        .as_ref()
        .map_or(level.buy_price, |order| order.intent.price);
    price
        .decimal()
        .checked_sub(prices.bid.decimal())
        .map_or(rust_decimal::Decimal::MAX, |distance| distance.abs())
}

const fn action_name(action: &RecoveryAction) -> &'static str {
    match action {
        RecoveryAction::Leave => "leave",
        RecoveryAction::LeaveRecent => "leave_recent",
        RecoveryAction::LeaveLeased(_) => "leave_leased",
        RecoveryAction::Wait => "wait",
        RecoveryAction::Query(_) => "query",
        RecoveryAction::Lay => "lay",
        RecoveryAction::Place => "place",
        RecoveryAction::FindOut => "find_out",
        RecoveryAction::Hold(_) => "hold",
        RecoveryAction::Cancel(_) => "cancel",
        RecoveryAction::Rest => "rest",
        RecoveryAction::Liquidate => "liquidate",
        RecoveryAction::Reexamine => "reexamine",
        RecoveryAction::LayDown => "lay_down",
    }
}

/// Writes that a bot is at work before anything is sent for it: nothing is ever sent for a bot that
/// is observed paused or stopped, and nothing sold of one that counts as sold out. Whoever changes the
/// bot meanwhile may want something else, so what they wrote is looked at again.
async fn open_up<O: Outside>(
    outside: O,
    mut bot: Bot,
    levels: &[Level],
    prices: Option<&BestPrices>,
) -> Result<Bot, StoreError> {
    for _ in 0..MAX_COMMIT_TRIES {
        let sellable = |level| is_sellable(&bot, level, prices);
        let observed = match bot.desired {
            DesiredStatus::Running => ObservedStatus::Running,
            DesiredStatus::StoppedAndSold if levels.iter().any(sellable) => {
                ObservedStatus::Stopping
            }
            DesiredStatus::StoppedAndSold
            | DesiredStatus::Stopped
            | DesiredStatus::Paused
            | DesiredStatus::Ready => return Ok(bot),
        };
        if bot.observed == observed && !bot.sold_out {
            return Ok(bot);
        }
        let mut after = bot.clone();
        after.observed = observed;
        after.sold_out = false;
        bot = write_bot(outside, &bot, after).await?;
    }
    Err(StoreError::Throttled(format!(
        "others kept changing bot {}",
        bot.id
    )))
}

/// Reads the symbol's rules anew when they are old, an order was refused for one of them, or this
/// process does not know the limits that come with them.
async fn refresh_rules<O: Outside>(
    outside: O,
    connection: &<O::Exchanges as Exchanges>::Connection,
    bot: Bot,
    problems: &mut Vec<String>,
) -> Result<Bot, RecoverError> {
    let now = outside.clock().now();
    let fresh = bot
        .rules_read_at
        .is_some_and(|at| now.since(at) < RULES_LAST);
    if fresh && bot.rules.trades() && !bot.rules_doubted && connection.limits_known() {
        return Ok(bot);
    }
    let mut rules = bot.rules.clone();
    match connection.rules(&bot.rules.symbol).await {
        Ok(read) => rules = read,
        Err(ExchangeError::UnknownSymbol(symbol)) => {
            rules.status = domain::SymbolStatus::Delisted;
            problems.push(format!("{symbol} is no longer listed; its levels are held"));
        }
        Err(error) => {
            problems.push(format!(
                "the rules of {} could not be read: {error}",
                rules.symbol
            ));
            return Ok(bot);
        }
    }
    let mut after = bot.clone();
    after.rules = rules;
    after.rules_read_at = Some(now);
    after.rules_doubted = false;
    Ok(write_bot(outside, &bot, after).await?)
}

/// Writes a bot if nobody changed it meanwhile; otherwise returns what is there now.
pub(crate) async fn write_bot<O: Outside>(
    outside: O,
    before: &Bot,
    mut after: Bot,
) -> Result<Bot, StoreError> {
    after.version = before.version.saturating_add(1);
    match outside.store().update_bot(before.version, &after).await? {
        crate::Claim::Won => Ok(after),
        crate::Claim::Lost => Ok(outside
            .store()
            .bot(&before.id)
            .await?
            .unwrap_or_else(|| before.clone())),
    }
}

/// Asks for the account's stream where no bridge holds it.
async fn want_stream<O: Outside>(
    outside: O,
    account: &AccountRecord,
    problems: &mut Vec<String>,
) -> Result<(), StoreError> {
    match &account.stream {
        StreamState::Subscribed { .. } => Ok(()),
        StreamState::Never | StreamState::Down { .. } => {
            problems.push(format!(
                "account {} has no user-data stream now; until it has, only looks like this one find fills",
                account.id
            ));
            if account.stream_wanted_since.is_some() {
                return Ok(());
            }
            outside
                .store()
                .want_stream(&account.id, Some(outside.clock().now()))
                .await
        }
    }
}

/// Notes which fill a stream that is recorded as subscribed did not bring. Its bridge subscribes it
/// anew, unless it has heard of the account since: then only that fill was late or lost.
async fn doubt_stream<O: Outside>(
    outside: O,
    account: &AccountRecord,
    missed: LocalTime,
    problems: &mut Vec<String>,
) -> Result<(), StoreError> {
    let StreamState::Subscribed { since, .. } = &account.stream else {
        return Ok(());
    };
    if missed <= *since || account.stream_wanted_since.is_some() {
        return Ok(());
    }
    problems.push(format!(
        "the stream of account {} was subscribed but did not bring a fill of {}; its bridge, if one \
         runs, sees whether the stream still works",
        account.id,
        missed.in_words()
    ));
    outside.store().want_stream(&account.id, Some(missed)).await
}
