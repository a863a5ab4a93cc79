//! Placing an owed order exactly once, whoever meets it and whatever became of earlier attempts.
//!
//! An intent is sent only under a lease that this call has just won. Whether an earlier lease is
//! over is judged from the exchange's own time in a reply received in this call. After that the
//! order is looked for, by its id and in the list of orders, before the same id is sent again.

use domain::{
    AccountId, Bot, BotId, DesiredStatus, ExchangeTime, HoldReason, Intent, Level, LevelIndex,
    LevelOrder, Next, ObservedStatus, OrderNumber, OrderState, Purpose, RefusalReason,
    first_intent, liquidation_intent, next_intent, owe,
};

use crate::advance::{Conditions, next_lease, opening_state};
use crate::handle_fill::Records;
use crate::send::{Owned, adopt, hold, send};
use crate::story::{first_order_words, tell, tell_of_order};
use crate::{
    ADOPT_TOLERANCE, AFTER_LEASE, AccountRecord, Answer, Claim, Clock, EventKind, Exchange,
    ExchangeError, Exchanges, LevelStore, Outside, StoreError, UnknownCause,
};

/// What became of an intent in this call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placing {
    /// The exchange has the order.
    Accepted,
    /// Definitely not placed; it will be tried again.
    Refused(RefusalReason),
    /// The account is stopped; the order is held.
    AccountStopped,
    /// Not known; it is looked for again once the lease is over.
    Unknown(UnknownCause),
    /// On purpose not placed.
    Held,
    /// What the exchange shows under the id is not this intent.
    Quarantined,
    /// Somebody else holds the lease until then, by the exchange's clock.
    Leased(ExchangeTime),
    /// The level changed meanwhile; whoever changed it answers for it.
    MovedOn,
    /// Nothing is owed.
    NothingOwed,
    /// The exchange did not answer what had to be asked first.
    NoAnswer,
}

impl Placing {
    /// One word for it, for counting and for logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused(_) => "refused",
            Self::AccountStopped => "account_stopped",
            Self::Unknown(_) => "unknown",
            Self::Held => "held",
            Self::Quarantined => "order_quarantined",
            Self::Leased(_) => "leased",
            Self::MovedOn => "moved_on",
            Self::NothingOwed => "nothing_owed",
            Self::NoAnswer => "no_answer",
        }
    }
}

/// Whether an owed order may be sent, only be written down, or only its fate be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceMode {
    /// Send it.
    Send,
    /// Write down what is owed, and that for this reason it is not placed; send nothing.
    Hold(HoldReason),
    /// Find out what became of earlier attempts; send nothing.
    FindOut,
}

/// Places the order that a level owes, or finds out what became of it.
///
/// # Errors
/// [`StoreError`]; nothing is lost, the intent stays owed.
pub async fn place_intent<O: Outside>(
    outside: O,
    account: &AccountId,
    bot: &BotId,
    level: LevelIndex,
    mode: PlaceMode,
) -> Result<Placing, StoreError> {
    let loaded = outside.store().load(account, bot, level).await?;
    let (Some(bot), Some(level), Some(account)) = (loaded.bot, loaded.level, loaded.account) else {
        return Ok(Placing::NothingOwed);
    };
    let Ok(connection) = outside.exchanges().connect(&account).await else {
        return Ok(Placing::NoAnswer);
    };
    let site = Site {
        bot: &bot,
        level: &level,
        account: &account,
        mode,
    };
    match level.order.as_ref().map(|order| (order, &order.state)) {
        Some((_, OrderState::Open | OrderState::Quarantined { .. })) => Ok(Placing::NothingOwed),
        Some((order, OrderState::Pending { .. })) => {
            take_over(outside, &connection, site, order).await
        }
        Some((_, OrderState::Refused { .. } | OrderState::Held { .. } | OrderState::Idle))
        | None => match mode {
            PlaceMode::Send | PlaceMode::Hold(_) => start(outside, &connection, site).await,
            PlaceMode::FindOut => Ok(Placing::NothingOwed),
        },
    }
}

/// The records one call works on.
#[derive(Debug, Clone, Copy)]
struct Site<'a> {
    bot: &'a Bot,
    level: &'a Level,
    account: &'a AccountRecord,
    mode: PlaceMode,
}

/// Sends an intent whose lease this call has just written.
pub(crate) async fn place_owned<O: Outside>(
    outside: O,
    connection: &<O::Exchanges as Exchanges>::Connection,
    bot: &Bot,
    level: &Level,
) -> (Answer, Placing) {
    let Some(owned) = Owned::of(bot, level) else {
        return (Answer::Done, Placing::NothingOwed);
    };
    let until = owned.lease.until;
    match send(outside, connection, owned).await {
        Ok(placing @ Placing::Unknown(_)) => {
            (again_after(connection.estimated_time(), until), placing)
        }
        Ok(placing) => (Answer::Done, placing),
        Err(error) => {
            // The fill is committed and the intent owed: the message comes back after the lease.
            tracing::warn!(%error, grid_level = %level.index, "placement not settled");
            let placing = Placing::Unknown(UnknownCause::Connection);
            (again_after(connection.estimated_time(), until), placing)
        }
    }
}

/// What to do with a message about a level that may still owe its order.
pub(crate) async fn answer_pending<O: Outside>(
    outside: O,
    records: Records<'_>,
) -> (Answer, Option<Placing>) {
    let Records {
        bot,
        level,
        account,
    } = records;
    let Some(order) = &level.order else {
        return (Answer::Done, None);
    };
    let OrderState::Pending { lease } = &order.state else {
        return (Answer::Done, None);
    };
    let Ok(connection) = outside.exchanges().connect(account).await else {
        return (Answer::Again(AFTER_LEASE), None);
    };
    let estimated = connection.estimated_time();
    if lease.until > estimated {
        return (again_after(estimated, lease.until), None);
    }
    let runs = bot.desired == DesiredStatus::Running && bot.observed == ObservedStatus::Running;
    let mode = if runs {
        PlaceMode::Send
    } else {
        PlaceMode::FindOut
    };
    match place_intent(outside, &bot.account, &bot.id, level.index, mode).await {
        Ok(placing @ (Placing::Unknown(_) | Placing::Leased(_) | Placing::NoAnswer)) => {
            (Answer::Again(AFTER_LEASE), Some(placing))
        }
        Ok(placing) => (Answer::Done, Some(placing)),
        Err(error) => {
            tracing::warn!(%error, grid_level = %level.index, "owed order not placed");
            (Answer::Again(AFTER_LEASE), None)
        }
    }
}

fn again_after(now: ExchangeTime, until: ExchangeTime) -> Answer {
    Answer::Again(until.since(now).saturating_add(AFTER_LEASE))
}

/// Takes an intent over whose earlier attempt left no trace of its fate.
async fn take_over<O: Outside>(
    outside: O,
    connection: &<O::Exchanges as Exchanges>::Connection,
    site: Site<'_>,
    order: &LevelOrder,
) -> Result<Placing, StoreError> {
    let OrderState::Pending { lease } = &order.state else {
        return Ok(Placing::NothingOwed);
    };
    let Ok(exchange_now) = connection.server_time().await else {
        return Ok(Placing::NoAnswer);
    };
    if lease.until > exchange_now {
        return Ok(Placing::Leased(lease.until));
    }
    let mut claimed = site.level.clone();
    if let Some(order) = &mut claimed.order {
        let lease = next_lease(lease, connection.estimated_time(), true);
        order.state = OrderState::Pending { lease };
    }
    let Some(claimed) = claim(outside, site.level, claimed).await? else {
        return Ok(Placing::MovedOn);
    };
    let Some(owned) = Owned::of(site.bot, &claimed) else {
        return Ok(Placing::NothingOwed);
    };
    let text = format!(
        "attempt {}: the one before it had until {} for an answer; it is looked for first, and sent again only if the \
         exchange shows none",
        owned.lease.attempt,
        lease.until.in_words()
    );
    let no = Some(owned.no);
    tell(
        outside,
        &site.level.bot,
        Some(site.level.index),
        no,
        EventKind::Claimed,
        text,
    )
    .await;
    let (found, with_new_key) = find_with_some_key(outside, connection, &owned).await;
    let connection = with_new_key.as_ref().unwrap_or(connection);
    let found = match found {
        // Of a symbol that is not listed any more, no order is open.
        Err(ExchangeError::UnknownSymbol(_)) if site.mode == PlaceMode::FindOut => Ok(None),
        found => found,
    };
    match found {
        Ok(Some(view)) => adopt(outside, &owned, &view).await,
        Ok(None) => match site.mode {
            PlaceMode::Send => send(outside, connection, owned).await,
            PlaceMode::Hold(why) => hold(outside, &owned, why).await,
            PlaceMode::FindOut => {
                let why = match site.bot.desired {
                    DesiredStatus::Stopped | DesiredStatus::StoppedAndSold => HoldReason::Stopped,
                    DesiredStatus::Ready | DesiredStatus::Paused | DesiredStatus::Running => {
                        HoldReason::Paused
                    }
                };
                hold(outside, &owned, why).await
            }
        },
        // Not having looked, nothing may be sent; the new lease keeps everybody out meanwhile.
        Err(error) => {
            tracing::info!(%error, id = %owned.id(), "look-up got no answer");
            Ok(Placing::NoAnswer)
        }
    }
}

/// Looks for an order with the key as it was, and once more with the key read anew where the exchange
/// refused it: nobody else may look while the lease just taken lives.
async fn find_with_some_key<O: Outside>(
    outside: O,
    connection: &<O::Exchanges as Exchanges>::Connection,
    owned: &Owned<'_>,
) -> (
    Result<Option<crate::OrderView>, ExchangeError>,
    Option<<O::Exchanges as Exchanges>::Connection>,
) {
    let found = find(connection, owned).await;
    if !found.as_ref().is_err_and(ExchangeError::is_about_key) {
        return (found, None);
    }
    let account = &owned.bot.account;
    match outside.exchanges().reconnect(account, connection).await {
        Ok(fresh) => (find(&fresh, owned).await, Some(fresh)),
        Err(_) => (found, None),
    }
}

/// Looks for an order by its id, then in the list of orders since the intent was first sent.
async fn find<X: Exchange>(
    connection: &X,
    owned: &Owned<'_>,
) -> Result<Option<crate::OrderView>, ExchangeError> {
    let symbol = &owned.order.symbol;
    if let Some(view) = connection.find_order(symbol, owned.id()).await? {
        return Ok(Some(view));
    }
    let since = owned.lease.first_start.before(ADOPT_TOLERANCE);
    let id = owned.id().to_string();
    let listed = connection.orders_since(symbol, since).await?;
    Ok(listed.into_iter().find(|view| view.client_order_id == id))
}

/// Starts an intent that nobody has in flight: owed and refused, held, or the first one.
async fn start<O: Outside>(
    outside: O,
    connection: &<O::Exchanges as Exchanges>::Connection,
    site: Site<'_>,
) -> Result<Placing, StoreError> {
    let Some(next) = what_is_owed(connection, site).await else {
        return Ok(Placing::NoAnswer);
    };
    let now = outside.clock().now();
    let conditions = Conditions {
        bot: site.bot,
        account: site.account,
        admission: Some(connection.admission()),
        exchange_now: connection.estimated_time(),
        now,
        by_recovery: true,
    };
    let (intent, state) = match (next, site.mode) {
        (Next::Nothing, _) => return Ok(Placing::NothingOwed),
        (Next::Hold(intent, why), _) | (Next::Place(intent), PlaceMode::Hold(why)) => {
            (intent, OrderState::Held { why, lease: None })
        }
        (Next::Place(intent), PlaceMode::Send | PlaceMode::FindOut) => {
            (intent, opening_state(None, &conditions))
        }
    };
    let claimed = with_intent(site.level, intent, state);
    if claimed == *site.level {
        return Ok(Placing::Held);
    }
    let Some(claimed) = claim(outside, site.level, claimed).await? else {
        return Ok(Placing::MovedOn);
    };
    tell_of_start(outside, site, &claimed).await;
    match Owned::of(site.bot, &claimed) {
        Some(owned) => send(outside, connection, owned).await,
        None => Ok(Placing::Held),
    }
}

/// A level's first order, and one that is held from now on, belong in its story.
async fn tell_of_start<O: Outside>(outside: O, site: Site<'_>, after: &Level) {
    let Some(order) = &after.order else { return };
    if site.level.order.is_none() {
        let text = first_order_words(site.bot, after, order);
        tell_of_order(outside, after, EventKind::Laid, text).await;
    }
    if let OrderState::Held { why, .. } = &order.state {
        let text = why.to_string();
        tell_of_order(outside, after, EventKind::Held, text).await;
    }
}

/// What the level owes now: holdings, rules and prices may have changed since it was written down.
async fn what_is_owed<X: Exchange>(connection: &X, site: Site<'_>) -> Option<Next> {
    let purpose = site.level.order.as_ref().map(|order| order.intent.purpose);
    let selling = site.bot.desired == DesiredStatus::StoppedAndSold;
    let untouched = site
        .level
        .order
        .as_ref()
        .is_none_or(|order| order.executed_before.is_zero() && order.executed.is_zero());
    let first = purpose.is_none() || (purpose == Some(Purpose::FirstInventory) && untouched);
    if !selling && !first {
        return Some(next_intent(site.bot, site.level));
    }
    let prices = connection.best_prices(&site.bot.rules.symbol).await.ok()?;
    if selling {
        let intent = liquidation_intent(site.bot, site.level, &prices).filter(|_| sells(site.bot));
        return Some(intent.map_or(Next::Nothing, Next::Place));
    }
    Some(first_intent(site.bot, site.level, &prices))
}

/// Whether recovery has written that this bot sells what it holds. What a run was to do for a bot that
/// still ran, it may not do for one that has come to rest since.
fn sells(bot: &Bot) -> bool {
    bot.observed == ObservedStatus::Stopping && !bot.sold_out
}

/// The level with the intent in the given state: under the same number if nothing about it changed
/// and no attempt's fate was ever unknown, under a new one otherwise.
fn with_intent(level: &Level, intent: Intent, state: OrderState) -> Level {
    let Some(order) = level
        .order
        .as_ref()
        .filter(|order| may_reuse(order, &intent))
    else {
        return owe(level, intent, state, level.order.is_some());
    };
    let last = order.last_lease().copied();
    let mut after = level.clone();
    if let Some(order) = &mut after.order {
        order.by_recovery = order.no != OrderNumber::FIRST;
        order.state = match (state, last) {
            (OrderState::Pending { lease }, Some(last)) => OrderState::Pending {
                lease: next_lease(&last, lease.start, false),
            },
            (OrderState::Held { why, .. }, lease) => OrderState::Held { why, lease },
            (
                OrderState::Refused {
                    why,
                    detail,
                    retry_at,
                    ..
                },
                lease,
            ) => OrderState::Refused {
                why,
                detail,
                retry_at,
                lease,
            },
            (state, _) => state,
        };
    }
    after
}

fn may_reuse(order: &LevelOrder, intent: &Intent) -> bool {
    let owed = match order.state {
        OrderState::Refused { .. } | OrderState::Held { .. } => true,
        OrderState::Pending { .. }
        | OrderState::Open
        | OrderState::Quarantined { .. }
        | OrderState::Idle => false,
    };
    owed && order.intent == *intent && order.last_lease().is_none_or(|lease| !lease.unknown)
}

/// Writes a level if nobody changed it since; returns it as written.
pub(crate) async fn claim<O: Outside>(
    outside: O,
    before: &Level,
    mut after: Level,
) -> Result<Option<Level>, StoreError> {
    after.version = before.version.saturating_add(1);
    after.changed_at = outside.clock().now();
    let claim = outside.store().claim_intent(before.version, &after).await?;
    Ok((claim == Claim::Won).then_some(after))
}
