//! One attempt at placing an order under a lease we own, and settling what became of it.
//!
//! The fills of an order that executes at once go onto the queue before the level is settled: if
//! this process dies in between, the lease runs out and the order is found again by its id; if it
//! settled first and died, nobody would know of the fills while the stream is down.

use std::time::Duration;

use domain::{
    Bot, ClientOrderId, ExchangeOrderId, ExchangeTime, Execution, HoldReason, Lease, Level,
    OrderNumber, OrderState, QuarantineReason, RefusalReason, Source,
};

use crate::advance::next_lease;
use crate::place_intent::Placing;
use crate::story::tell_of_order;
use crate::{
    ADOPT_TOLERANCE, AccountStop, AccountStore, BAN_PAUSE, Breaker, Clock, EventKind, Exchange,
    Exchanges, LOOKUP_PAUSES, LevelStore, MAX_TRADES_PER_MESSAGE, MAX_WINDOW_RETRIES, Message,
    NewOrder, OrderView, Outside, PlaceOutcome, Queue, REFUSAL_PAUSE, Refusal, SettleOutcome,
    Settlement, StoreError, UnknownCause,
};

/// An intent under a lease that this call owns.
#[derive(Debug, Clone)]
pub(crate) struct Owned<'a> {
    pub(crate) bot: &'a Bot,
    pub(crate) level: &'a Level,
    pub(crate) no: OrderNumber,
    pub(crate) lease: Lease,
    pub(crate) order: NewOrder,
}

impl<'a> Owned<'a> {
    /// The level's order, if it is pending under a lease.
    pub(crate) fn of(bot: &'a Bot, level: &'a Level) -> Option<Self> {
        let order = level.order.as_ref()?;
        let OrderState::Pending { lease } = &order.state else {
            return None;
        };
        Some(Self {
            bot,
            level,
            no: order.no,
            lease: *lease,
            order: NewOrder {
                symbol: bot.rules.symbol.clone(),
                client_order_id: level.client_order_id(order.no),
                intent: order.intent.clone(),
                expire_taker: bot.rules.expire_taker_allowed,
            },
        })
    }

    pub(crate) fn id(&self) -> &ClientOrderId {
        &self.order.client_order_id
    }
}

/// Sends the order once, and again only where the exchange proved that it was not placed: the
/// request missed its window, or the key was refused and has been replaced meanwhile.
pub(crate) async fn send<O: Outside>(
    outside: O,
    connection: &<O::Exchanges as Exchanges>::Connection,
    mut owned: Owned<'_>,
) -> Result<Placing, StoreError> {
    let mut with_new_key = None;
    for _ in 0..=MAX_WINDOW_RETRIES {
        let connection = with_new_key.as_ref().unwrap_or(connection);
        match connection.place(&owned.order, owned.lease.start).await {
            PlaceOutcome::Accepted(execution) => {
                return accept(outside, &owned, *execution).await;
            }
            PlaceOutcome::AlreadyThere => return look_up(outside, connection, &owned, None).await,
            PlaceOutcome::Unknown(cause) => {
                return look_up(outside, connection, &owned, Some(cause)).await;
            }
            PlaceOutcome::WindowExpired => {
                let start = connection.estimated_time();
                let text = "reached the exchange outside its time window";
                match renew(outside, &owned, start, text).await? {
                    Some(lease) => owned.lease = lease,
                    None => return Ok(Placing::MovedOn),
                }
            }
            PlaceOutcome::Refused(refusal) => {
                let about_key = refusal.stop.is_some_and(AccountStop::is_about_key);
                let replaced = if about_key && with_new_key.is_none() {
                    outside
                        .exchanges()
                        .reconnect(&owned.bot.account, connection)
                        .await
                        .ok()
                } else {
                    None
                };
                let Some(fresh) = replaced else {
                    return refuse(outside, &owned, refusal).await;
                };
                let text = "was refused for its key, which was read anew";
                match renew(outside, &owned, fresh.estimated_time(), text).await? {
                    Some(lease) => owned.lease = lease,
                    None => return Ok(Placing::MovedOn),
                }
                with_new_key = Some(fresh);
            }
        }
    }
    let refusal = Refusal {
        why: RefusalReason::WindowExpired,
        detail: "every attempt reached the exchange outside its time window".to_owned(),
        retry_after: None,
        stop: None,
    };
    refuse(outside, &owned, refusal).await
}

/// Takes a new lease after an attempt that certainly was not placed. Only its owner may do so.
async fn renew<O: Outside>(
    outside: O,
    owned: &Owned<'_>,
    start: ExchangeTime,
    what: &str,
) -> Result<Option<Lease>, StoreError> {
    let attempt = owned.lease.attempt;
    let lease = next_lease(&owned.lease, start, false);
    let settled = settle(outside, owned, &Settlement::Renewed { attempt, lease }).await?;
    story(
        outside,
        owned,
        EventKind::WindowExpired,
        format!("attempt {attempt} {what}"),
    )
    .await;
    Ok((settled == SettleOutcome::Settled).then_some(lease))
}

async fn accept<O: Outside>(
    outside: O,
    owned: &Owned<'_>,
    execution: Execution,
) -> Result<Placing, StoreError> {
    let exchange_order_id = execution.exchange_order_id;
    if (!execution.cumulative.is_zero() || execution.status.is_terminal())
        && !queue_execution(outside, execution).await
    {
        // Unsettled, the order is found again once the lease is over.
        return Ok(Placing::Unknown(UnknownCause::Connection));
    }
    settle_accepted(outside, owned, exchange_order_id).await
}

async fn settle_accepted<O: Outside>(
    outside: O,
    owned: &Owned<'_>,
    exchange_order_id: ExchangeOrderId,
) -> Result<Placing, StoreError> {
    settle(outside, owned, &Settlement::Accepted { exchange_order_id }).await?;
    Ok(Placing::Accepted)
}

/// Puts a report on the queue as if the stream had brought it; trades that no message can hold are
/// left out, so that they are fetched. `false` when it is not certain to
/// be there.
async fn queue_execution<O: Outside>(outside: O, mut execution: Execution) -> bool {
    if execution.trades.len() > MAX_TRADES_PER_MESSAGE {
        execution.trades.clear();
    }
    let received_at = outside.clock().now();
    let message = Message::Execution {
        execution: Box::new(execution),
        received_at,
    };
    match outside.queue().send(&message, Duration::ZERO).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, "fills of an immediate execution not queued");
            false
        }
    }
}

/// Looks for an order whose placement got no clear answer. Finding nothing proves nothing.
async fn look_up<O: Outside>(
    outside: O,
    connection: &<O::Exchanges as Exchanges>::Connection,
    owned: &Owned<'_>,
    unknown: Option<UnknownCause>,
) -> Result<Placing, StoreError> {
    if let Some(cause) = unknown {
        let text = format!(
            "attempt {} {}, so its order counts as possibly placed and is looked for",
            owned.lease.attempt,
            cause.in_words()
        );
        story(outside, owned, EventKind::Unknown, text).await;
    }
    for pause in LOOKUP_PAUSES {
        outside.clock().sleep(pause).await;
        match connection.find_order(&owned.order.symbol, owned.id()).await {
            Ok(Some(view)) => return adopt(outside, owned, &view).await,
            Ok(None) => {}
            Err(error) => tracing::info!(%error, id = %owned.id(), "look-up got no answer"),
        }
    }
    Ok(Placing::Unknown(unknown.unwrap_or(UnknownCause::Server)))
}

/// Takes an order found at the exchange as the level's, if it is this intent's beyond doubt.
pub(crate) async fn adopt<O: Outside>(
    outside: O,
    owned: &Owned<'_>,
    view: &OrderView,
) -> Result<Placing, StoreError> {
    if let Some(difference) = difference(owned, view) {
        let evidence = format!(
            "exchange order {} carries the id {} but {difference}",
            view.exchange_order_id,
            owned.id()
        );
        let attempt = owned.lease.attempt;
        let why = QuarantineReason::ForeignOrder;
        let settlement = Settlement::Quarantined {
            attempt,
            why,
            evidence: evidence.clone(),
        };
        settle(outside, owned, &settlement).await?;
        story(outside, owned, EventKind::Quarantined, evidence).await;
        return Ok(Placing::Quarantined);
    }
    if !view.executed.is_zero() || view.status.is_terminal() {
        let execution = as_execution(owned.bot, view, owned.id());
        if !queue_execution(outside, execution).await {
            return Ok(Placing::Unknown(UnknownCause::Connection));
        }
    }
    let text = format!(
        "exchange order {} was found and adopted",
        view.exchange_order_id
    );
    story(outside, owned, EventKind::Adopted, text).await;
    settle_accepted(outside, owned, view.exchange_order_id).await
}

fn difference(owned: &Owned<'_>, view: &OrderView) -> Option<String> {
    let intent = &owned.order.intent;
    let oldest = owned.lease.first_start.before(ADOPT_TOLERANCE);
    if view.symbol != owned.order.symbol {
        Some(format!("is for {}", view.symbol))
    } else if view.side != intent.side {
        Some(format!("is a {}", view.side))
    } else if view.price != Some(intent.price) {
        let price = view
            .price
            .map_or_else(|| "none".to_owned(), |price| price.to_string());
        Some(format!("its price is {price}, not {}", intent.price))
    } else if view.quantity > intent.quantity {
        // Less is the same order amended: an amend can only lower the quantity (rest-api.md,
        // "Order Amend Keep Priority"), and what follows is sized from what was executed.
        Some(format!(
            "its quantity is {}, more than {}",
            view.quantity, intent.quantity
        ))
    } else if view.created_at < oldest {
        Some(format!(
            "was created at {}, before {oldest}",
            view.created_at
        ))
    } else {
        None
    }
}

/// An order as a query shows it, as a report of the level it belongs to. It shows no trades: they
/// are fetched, for a query states no fees.
pub(crate) fn as_execution(bot: &Bot, view: &OrderView, id: &ClientOrderId) -> Execution {
    Execution {
        account: bot.account.clone(),
        symbol: view.symbol.clone(),
        client_order_id: id.to_string(),
        exchange_order_id: view.exchange_order_id,
        side: view.side,
        order_price: view.price,
        order_quantity: view.quantity,
        cumulative: view.executed,
        status: view.status,
        trades: Vec::new(),
        created_at: Some(view.created_at),
        time: view.updated_at,
        source: Source::Recovery,
    }
}

async fn refuse<O: Outside>(
    outside: O,
    owned: &Owned<'_>,
    refusal: Refusal,
) -> Result<Placing, StoreError> {
    let now = outside.clock().now();
    let attempt = owned.lease.attempt;
    let text = format!("{}: {}", refusal.why, refusal.detail);
    if let Some(cause) = refusal.stop {
        let until = match cause {
            AccountStop::Banned => Some(now.after(refusal.retry_after.unwrap_or(BAN_PAUSE))),
            AccountStop::Key
            | AccountStop::Permission
            | AccountStop::Restricted
            | AccountStop::Region => None,
        };
        let detail = refusal.detail.clone();
        let breaker = Breaker::Stopped {
            cause,
            detail,
            since: now,
            until,
        };
        outside
            .store()
            .set_breaker(&owned.bot.account, &breaker)
            .await?;
        let why = HoldReason::AccountStopped;
        settle(outside, owned, &Settlement::Held { attempt, why }).await?;
        story(outside, owned, EventKind::Held, text).await;
        return Ok(Placing::AccountStopped);
    }
    let settlement = Settlement::Refused {
        attempt,
        why: refusal.why,
        detail: refusal.detail,
        retry_at: now.after(refusal.retry_after.unwrap_or(REFUSAL_PAUSE)),
    };
    settle(outside, owned, &settlement).await?;
    story(outside, owned, EventKind::Refused, text).await;
    Ok(Placing::Refused(refusal.why))
}

/// Ends an attempt that found nothing at the exchange and must not send.
pub(crate) async fn hold<O: Outside>(
    outside: O,
    owned: &Owned<'_>,
    why: HoldReason,
) -> Result<Placing, StoreError> {
    let attempt = owned.lease.attempt;
    settle(outside, owned, &Settlement::Held { attempt, why }).await?;
    Ok(Placing::Held)
}

async fn settle<O: Outside>(
    outside: O,
    owned: &Owned<'_>,
    settlement: &Settlement,
) -> Result<SettleOutcome, StoreError> {
    let level = owned.level;
    let now = outside.clock().now();
    outside
        .store()
        .settle_intent(&level.bot, level.index, owned.no, settlement, now)
        .await
}

async fn story<O: Outside>(outside: O, owned: &Owned<'_>, kind: EventKind, text: String) {
    tell_of_order(outside, owned.level, kind, text).await;
}
