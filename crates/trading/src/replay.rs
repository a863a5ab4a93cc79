//! Bringing a table that was restored from a copy up to where the exchange is.
//!
//! A copy is behind: a level may stand at order 5 while the exchange has seen 6 filled and 7 open. Whoever
//! worked with it as it is would book 5 and send 6 again. So all orders of ours that the exchange knows are
//! fed to their levels first, oldest first, while the bots are paused: every fill is booked, and every order
//! that a level would place next is held, until the exchange shows that it was placed.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Bot, BotId, ClientOrderId, DesiredStatus, ExchangeTime, HoldReason, Intent, Level, LevelIndex,
    OrderKind, OrderNumber, OrderState, Purpose, QuarantineReason, Side, owe,
};

use crate::place_intent::claim;
use crate::recover_bot::{RecoverError, write_bot};
use crate::recover_level::{Run, feed_as};
use crate::story::tell;
use crate::{
    ADOPT_TOLERANCE, AccountStore, BotStore, Clock, EventKind, Exchange, ExchangeError, Exchanges,
    FoundOrder, LOOKUP_LAG, LevelStore, MAX_COMMIT_TRIES, OrderView, Outside, StoreError,
};

/// How far above the numbers that the exchange has shown a level goes on that owes an order: whatever was on
/// its way when the copy's original ended has another number.
const GAP: u32 = 1_000;

/// How often trades that the exchange does not show yet are waited for.
const WAITS: u32 = 3;

/// What came of replaying one bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Whether it is paused now, to be resumed once the operator has looked at it.
    pub paused: bool,
    /// How many orders were fed to their levels.
    pub orders: u32,
    /// At how many levels something was booked.
    pub levels_caught_up: u32,
    /// What the operator has to look at.
    pub problems: Vec<String>,
}

/// Feeds all of a bot's orders that the exchange knows to their levels. To be called while nothing else
/// works on the store; calling it again changes nothing. Sends no order.
///
/// # Errors
/// [`RecoverError`] when bot, account or exchange cannot be read. What was replayed by then stays.
pub async fn replay_bot<O: Outside>(outside: O, id: &BotId) -> Result<Replayed, RecoverError> {
    let bot = outside.store().bot(id).await?;
    let bot = bot.ok_or_else(|| RecoverError::NoBot(id.clone()))?;
    let account = outside.store().account(&bot.account).await?;
    let account = account.ok_or_else(|| RecoverError::NoBot(id.clone()))?;
    let (bot, paused) = pause(outside, bot).await?;
    let mut replayed = Replayed {
        paused,
        orders: 0,
        levels_caught_up: 0,
        problems: Vec::new(),
    };
    let listed = outside.store().list_levels(id).await?;
    let unreadable = listed.unreadable.iter().map(ToString::to_string);
    replayed.problems.extend(unreadable);
    let connection = outside.exchanges().connect(&account).await?;
    let exchange_now = connection.server_time().await?;
    let since = oldest(&connection, &bot, &listed.readable).await?;
    let shown = connection.orders_since(&bot.rules.symbol, since).await?;
    let open = BTreeMap::new();
    let run = Run {
        outside,
        connection: &connection,
        bot: &bot,
        open: &open,
        exchange_now,
    };
    let known: BTreeSet<LevelIndex> = listed.readable.iter().map(|level| level.index).collect();
    let mut of_level: BTreeMap<LevelIndex, Vec<(OrderNumber, &OrderView)>> = BTreeMap::new();
    for view in &shown {
        let Ok(order) = view.client_order_id.parse::<ClientOrderId>() else {
            continue;
        };
        if order.bot == *id && known.contains(&order.level) {
            of_level
                .entry(order.level)
                .or_default()
                .push((order.no, view));
        }
    }
    for level in &listed.readable {
        let mut orders = of_level.remove(&level.index).unwrap_or_default();
        orders.sort_by_key(|(no, view)| (*no, view.created_at, view.exchange_order_id));
        replay_level(run, level.index, &orders, &mut replayed).await?;
    }
    Ok(replayed)
}

/// Lets a bot rest that was to run: nothing is placed for it until somebody resumes it.
async fn pause<O: Outside>(outside: O, mut bot: Bot) -> Result<(Bot, bool), StoreError> {
    for _ in 0..MAX_COMMIT_TRIES {
        if bot.desired != DesiredStatus::Running {
            let paused = bot.desired == DesiredStatus::Paused;
            return Ok((bot, paused));
        }
        let mut after = bot.clone();
        after.desired = DesiredStatus::Paused;
        bot = write_bot(outside, &bot, after).await?;
    }
    let text = format!("others kept changing bot {}", bot.id);
    Err(StoreError::Throttled(text))
}

/// Since when orders are to be listed: none that matters is older.
async fn oldest<C: Exchange>(
    connection: &C,
    bot: &Bot,
    levels: &[Level],
) -> Result<ExchangeTime, ExchangeError> {
    let created = ExchangeTime::from_millis(bot.created_at.as_millis());
    let mut oldest: Option<ExchangeTime> = None;
    for level in levels {
        let Some(order) = &level.order else {
            return Ok(created);
        };
        let placed = match (order.exchange_order_id, order.last_lease()) {
            (_, Some(lease)) => Some(lease.first_start),
            (Some(id), None) => match connection.order(&bot.rules.symbol, id).await? {
                FoundOrder::Shown(view) => Some(view.created_at),
                FoundOrder::Archived | FoundOrder::NotFound => None,
            },
            (None, None) => None,
        };
        let Some(placed) = placed else {
            return Ok(created);
        };
        oldest = Some(oldest.map_or(placed, |oldest| oldest.min(placed)));
    }
    Ok(oldest.unwrap_or(created).before(ADOPT_TOLERANCE))
}

async fn replay_level<O: Outside>(
    run: Run<'_, O>,
    index: LevelIndex,
    orders: &[(OrderNumber, &OrderView)],
    replayed: &mut Replayed,
) -> Result<(), StoreError> {
    let shown: BTreeSet<OrderNumber> = orders.iter().map(|(no, _)| *no).collect();
    let mut caught_up = false;
    for (no, view) in orders {
        let Some(level) = read(run, index).await? else {
            return Ok(());
        };
        if level.order.as_ref().is_some_and(|order| *no < order.no) {
            continue;
        }
        let level = match &level.order {
            None => begun_with(run, level, *no, view).await?,
            Some(_) => skip_to(run, level, *no, &shown).await?,
        };
        caught_up |= feed(run, &level, *no, view, replayed).await;
    }
    replayed.levels_caught_up = replayed
        .levels_caught_up
        .saturating_add(u32::from(caught_up));
    let Some(level) = read(run, index).await? else {
        return Ok(());
    };
    if let Some(evidence) = unexplained(&level, &shown) {
        replayed
            .problems
            .push(format!("level {index} is quarantined: {evidence}"));
        return quarantine(run, &level, evidence).await;
    }
    renew_number(run, &level, &shown).await
}

/// Feeds one order to its level; whether anything was booked.
async fn feed<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    no: OrderNumber,
    view: &OrderView,
    replayed: &mut Replayed,
) -> bool {
    replayed.orders = replayed.orders.saturating_add(1);
    let id = level.client_order_id(no);
    let mut waited = 0;
    loop {
        match feed_as(run, level, view, &id).await {
            Ok(done) if done.waits && waited < WAITS => {
                waited = waited.saturating_add(1);
                run.outside.clock().sleep(LOOKUP_LAG).await;
            }
            Ok(done) => return done.booked,
            Err(error) => {
                replayed.problems.push(error.to_string());
                return false;
            }
        }
    }
}

async fn read<O: Outside>(run: Run<'_, O>, index: LevelIndex) -> Result<Option<Level>, StoreError> {
    let (account, bot) = (&run.bot.account, &run.bot.id);
    let loaded = run.outside.store().load(account, bot, index).await?;
    Ok(loaded.level)
}

/// Gives an order that is owed the number under which the exchange shows one, where numbers between were given
/// out and never placed. The report that follows says whether it is that order.
async fn skip_to<O: Outside>(
    run: Run<'_, O>,
    level: Level,
    no: OrderNumber,
    shown: &BTreeSet<OrderNumber>,
) -> Result<Level, StoreError> {
    let owed = level.order.as_ref().is_some_and(|order| {
        order.no < no && !shown.contains(&order.no) && is_unplaced(&order.state, run.exchange_now)
    });
    if !owed {
        return Ok(level);
    }
    Ok(numbered(run, &level, no).await?.unwrap_or(level))
}

/// Whether an order of this state that the exchange does not show was never placed.
fn is_unplaced(state: &OrderState, exchange_now: ExchangeTime) -> bool {
    match state {
        OrderState::Pending { lease } => lease.until <= exchange_now,
        OrderState::Refused { .. } | OrderState::Held { .. } => true,
        OrderState::Open | OrderState::Quarantined { .. } | OrderState::Idle => false,
    }
}

/// Holds the level's order under another number.
async fn numbered<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    no: OrderNumber,
) -> Result<Option<Level>, StoreError> {
    let mut after = level.clone();
    if let Some(order) = &mut after.order {
        order.no = no;
        let why = HoldReason::Paused;
        order.enter(OrderState::Held { why, lease: None });
    }
    claim(run.outside, level, after).await
}

/// Gives a level that had no order yet, by the copy, the first one that the exchange shows. One that sells what
/// the copy does not know of is for the operator to judge.
async fn begun_with<O: Outside>(
    run: Run<'_, O>,
    level: Level,
    no: OrderNumber,
    view: &OrderView,
) -> Result<Level, StoreError> {
    let Some(price) = view.price else {
        return Ok(level);
    };
    let purpose = if price == level.price(view.side) {
        Purpose::Grid
    } else {
        Purpose::FirstInventory
    };
    let kind = if run.bot.plan.post_only {
        OrderKind::PostOnly
    } else {
        OrderKind::Limit
    };
    let intent = Intent {
        side: view.side,
        price,
        quantity: view.quantity,
        kind,
        purpose,
    };
    let state = match view.side {
        Side::Buy => OrderState::Held {
            why: HoldReason::Paused,
            lease: None,
        },
        Side::Sell => OrderState::Quarantined {
            why: QuarantineReason::NumberAhead,
            evidence: format!(
                "by the copy it has bought nothing, and the exchange has its SELL {no}"
            ),
        },
    };
    let mut after = owe(&level, intent, state, false);
    if let Some(order) = &mut after.order {
        order.no = no;
    }
    Ok(claim(run.outside, &level, after).await?.unwrap_or(level))
}

/// What of the exchange's orders a level does not account for after all of them were fed to it.
fn unexplained(level: &Level, shown: &BTreeSet<OrderNumber>) -> Option<String> {
    let last = *shown.last()?;
    let Some(order) = &level.order else {
        return Some(format!(
            "the exchange has its order {last}, and it has none"
        ));
    };
    let adopted = match order.state {
        OrderState::Open | OrderState::Quarantined { .. } | OrderState::Idle => true,
        OrderState::Pending { .. } | OrderState::Refused { .. } | OrderState::Held { .. } => false,
    };
    let explained = order.no > last || (order.no == last && adopted);
    (!explained).then(|| {
        format!(
            "the exchange has seen its order {last}, which is not what follows from the orders before it; it \
             stands at order {}",
            order.no
        )
    })
}

/// Keeps a level from sending anything until the operator has looked at it.
async fn quarantine<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    evidence: String,
) -> Result<(), StoreError> {
    let mut after = level.clone();
    let Some(order) = &mut after.order else {
        return Ok(());
    };
    let why = QuarantineReason::NumberAhead;
    order.enter(OrderState::Quarantined {
        why,
        evidence: evidence.clone(),
    });
    let (at, no) = (Some(level.index), Some(order.no));
    if claim(run.outside, level, after).await?.is_some() {
        let kind = EventKind::Quarantined;
        tell(run.outside, &level.bot, at, no, kind, evidence).await;
    }
    Ok(())
}

/// Lets an order that is owed, and that the exchange has never seen, go on under a number that nobody can have
/// used.
async fn renew_number<O: Outside>(
    run: Run<'_, O>,
    level: &Level,
    shown: &BTreeSet<OrderNumber>,
) -> Result<(), StoreError> {
    let Some(order) = &level.order else {
        return Ok(());
    };
    if shown.contains(&order.no) || !is_unplaced(&order.state, run.exchange_now) {
        return Ok(());
    }
    let highest = shown
        .last()
        .copied()
        .max(Some(order.no))
        .unwrap_or(order.no);
    let no = OrderNumber(highest.0.saturating_add(GAP));
    if numbered(run, level, no).await?.is_some() {
        let text = format!(
            "the table was restored from a copy: the order that is owed has the number {no} now, instead of {}",
            order.no
        );
        let at = Some(level.index);
        tell(
            run.outside,
            &level.bot,
            at,
            Some(no),
            EventKind::Recovered,
            text,
        )
        .await;
    }
    Ok(())
}
