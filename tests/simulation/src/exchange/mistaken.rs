//! What mistaken handlers send, and how they understand what they hear. Without a mistake all of this
//! changes nothing.

use domain::{ClientOrderId, Execution, Fee, OrderNumber, Quantity, Side, Trade};
use exchange_simulator::model::{Fact, OrderStatus};
use rust_decimal::Decimal;
use trading::{
    Exchange, MAX_WINDOW_RETRIES, NewOrder, OrderView, PlaceOutcome, Refusal, UnknownCause,
};

use super::{Connection, ModelExchange, translate};
use crate::gate::Gate;
use crate::mistake::Mistake;

/// Numbers that no level reaches by itself.
const ELSEWHERE: u32 = 100_000;

/// An order as it is really sent.
pub(super) fn as_sent(exchange: &ModelExchange, order: &NewOrder) -> NewOrder {
    let gate = &exchange.gate;
    let mut sent = order.clone();
    let mut state = exchange.state();
    let known = state.asked.contains_key(&order.client_order_id);
    if gate.makes(Mistake::FreshIdPerRetry) && known {
        let again = u32::try_from(state.asked.len()).unwrap();
        sent.client_order_id.no = OrderNumber(order.client_order_id.no.0 + ELSEWHERE + again);
    }
    if gate.makes(Mistake::SizeFromQuantity) && order.intent.side == Side::Sell {
        let before = before(&order.client_order_id);
        if let Some(bought) = before.and_then(|id| state.asked.get(&id))
            && bought.intent.side == Side::Buy
        {
            sent.intent.quantity = bought.intent.quantity;
        }
    }
    state
        .asked
        .insert(sent.client_order_id.clone(), order.clone());
    drop(state);
    if gate.makes(Mistake::SideBySide) && order.intent.side == Side::Sell {
        buy_the_rest(exchange, order);
    }
    sent
}

fn before(id: &ClientOrderId) -> Option<ClientOrderId> {
    let no = OrderNumber(id.no.0.checked_sub(1)?);
    Some(ClientOrderId { no, ..id.clone() })
}

/// Buys what a cancelled purchase had still to buy, while what it bought is sold.
fn buy_the_rest(exchange: &ModelExchange, sale: &NewOrder) {
    let Some(before) = before(&sale.client_order_id) else {
        return;
    };
    let Some(bought) = exchange.state().asked.get(&before).cloned() else {
        return;
    };
    let name = before.to_string();
    let symbol = sale.symbol.as_str();
    exchange.with_model(|model, now| {
        let ended = model
            .journal()
            .iter()
            .rev()
            .find_map(|entry| match &entry.fact {
                Fact::Placed {
                    order_id,
                    client_order_id,
                    ..
                } if **client_order_id == *name => Some((entry.account.clone(), *order_id)),
                Fact::Rules(_)
                | Fact::Placed { .. }
                | Fact::Refused { .. }
                | Fact::Traded { .. }
                | Fact::Amended { .. }
                | Fact::Ended { .. }
                | Fact::Moved { .. } => None,
            });
        let Some((account, order_id)) = ended else {
            return;
        };
        let Some(state) = model.order_state(symbol, order_id).cloned() else {
            return;
        };
        if state.status != OrderStatus::Canceled {
            return;
        }
        let mut rest = bought;
        let left = state.quantity - state.executed;
        let (Ok(quantity), true) = (Quantity::new(left), left > Decimal::ZERO) else {
            return;
        };
        rest.intent.quantity = quantity;
        rest.client_order_id.no = OrderNumber(rest.client_order_id.no.0 + ELSEWHERE);
        // Refused where the rest is too small.
        drop(model.place(now, &account, translate::new_order(&rest)));
    });
}

/// What the handler makes of what it hears of its placement.
pub(super) async fn as_understood(
    connection: &Connection,
    order: &NewOrder,
    outcome: PlaceOutcome,
) -> PlaceOutcome {
    let gate = connection.gate();
    let refused = || {
        PlaceOutcome::Refused(Refusal {
            why: domain::RefusalReason::Overloaded,
            detail: "taken for not placed".to_owned(),
            retry_after: None,
            stop: None,
        })
    };
    match outcome {
        PlaceOutcome::Accepted(mut execution) => {
            execution.client_order_id = own_id(&connection.exchange, &execution.client_order_id);
            let trades = std::mem::take(&mut execution.trades);
            execution.trades = with_fees_counted(gate, trades);
            PlaceOutcome::Accepted(execution)
        }
        PlaceOutcome::Refused(_) if gate.makes(Mistake::RefusalIsUnknown) => {
            PlaceOutcome::Unknown(UnknownCause::Server)
        }
        PlaceOutcome::Unknown(cause) if gate.makes(Mistake::FreshIdPerRetry) => {
            let fresh = as_sent(&connection.exchange, order);
            let now = connection.estimated_time();
            match connection.send(&fresh, now).await {
                PlaceOutcome::Accepted(mut execution) => {
                    let id = own_id(&connection.exchange, &execution.client_order_id);
                    execution.client_order_id = id;
                    PlaceOutcome::Accepted(execution)
                }
                PlaceOutcome::AlreadyThere
                | PlaceOutcome::Refused(_)
                | PlaceOutcome::WindowExpired
                | PlaceOutcome::Unknown(_) => PlaceOutcome::Unknown(cause),
            }
        }
        PlaceOutcome::Unknown(_) if gate.makes(Mistake::UnknownIsRefusal) => refused(),
        PlaceOutcome::Unknown(cause) if gate.makes(Mistake::NotFoundIsProof) => {
            let found = connection
                .find_order(&order.symbol, &order.client_order_id)
                .await;
            match found {
                Ok(None) => refused(),
                Ok(Some(_)) | Err(_) => PlaceOutcome::Unknown(cause),
            }
        }
        PlaceOutcome::WindowExpired if gate.makes(Mistake::ResignOldLease) => {
            let mut outcome = PlaceOutcome::WindowExpired;
            for _ in 0..MAX_WINDOW_RETRIES {
                if outcome == PlaceOutcome::WindowExpired {
                    let now = connection.estimated_time();
                    outcome = connection.send(order, now).await;
                }
            }
            outcome
        }
        truly @ (PlaceOutcome::AlreadyThere
        | PlaceOutcome::Refused(_)
        | PlaceOutcome::WindowExpired
        | PlaceOutcome::Unknown(_)) => truly,
    }
}

/// The id that an order was meant under, where each attempt has one of its own.
pub(crate) fn own_id(exchange: &ModelExchange, id: &str) -> String {
    if !exchange.gate.makes(Mistake::FreshIdPerRetry) {
        return id.to_owned();
    }
    let asked = id.parse().ok().and_then(|id| asked(exchange, &id));
    asked.map_or_else(|| id.to_owned(), |order| order.client_order_id.to_string())
}

/// An order under the id it was meant under.
pub(super) fn under_own_id(exchange: &ModelExchange, mut view: OrderView) -> OrderView {
    view.client_order_id = own_id(exchange, &view.client_order_id);
    view
}

/// Orders under the ids they were meant under.
pub(super) fn under_own_ids(exchange: &ModelExchange, views: Vec<OrderView>) -> Vec<OrderView> {
    let views = views.into_iter();
    views.map(|view| under_own_id(exchange, view)).collect()
}

/// The id under which the last attempt at an order was sent.
pub(super) fn last_id(exchange: &ModelExchange, id: &ClientOrderId) -> String {
    let state = exchange.state();
    let mut attempts = state.asked.iter().rev();
    let last = attempts.find(|(_, order)| order.client_order_id == *id);
    last.map_or_else(|| id.to_string(), |(sent, _)| sent.to_string())
}

/// The order that was sent under an id.
pub(super) fn asked(exchange: &ModelExchange, id: &ClientOrderId) -> Option<NewOrder> {
    exchange.state().asked.get(id).cloned()
}

/// Whether an order has the side and the price of ours.
pub(super) fn looks_like(view: &OrderView, order: &NewOrder) -> bool {
    view.side == order.intent.side && view.price == Some(order.intent.price)
}

/// A found order as a handler sees it that believes whatever carries the id.
pub(super) fn as_ours(exchange: &ModelExchange, mut view: OrderView) -> OrderView {
    if exchange.gate.makes(Mistake::AdoptAny)
        && let Ok(id) = view.client_order_id.parse::<ClientOrderId>()
        && let Some(order) = asked(exchange, &id)
    {
        view.side = order.intent.side;
        view.price = Some(order.intent.price);
        view.quantity = order.intent.quantity;
        view.created_at = view.updated_at;
    }
    view
}

/// Open orders as such a handler sees them, under the ids they were meant under.
pub(super) fn all_as_ours(exchange: &ModelExchange, views: Vec<OrderView>) -> Vec<OrderView> {
    let views = under_own_ids(exchange, views).into_iter();
    views.map(|view| as_ours(exchange, view)).collect()
}

/// Trades with the fees that the handler counts.
pub(crate) fn with_fees_counted(gate: &Gate, mut trades: Vec<Trade>) -> Vec<Trade> {
    if gate.makes(Mistake::LastFeeOnly) {
        let all_but_last = trades.len().saturating_sub(1);
        for trade in &mut trades[..all_but_last] {
            trade.fee = None::<Fee>;
        }
    }
    trades
}

/// A report as a mistaken handler reads it, with `booked` of the order in its records.
pub(crate) fn as_read(gate: &Gate, report: &Execution, booked: Quantity) -> Execution {
    let mut read = report.clone();
    let shown: Decimal = read
        .trades
        .iter()
        .map(|trade| trade.quantity.decimal())
        .sum();
    let ahead = read.cumulative.decimal() - booked.decimal();
    if shown.is_zero() || ahead <= shown {
        return read;
    }
    if gate.makes(Mistake::OutOfOrder) {
        read.cumulative = Quantity::new(booked.decimal() + shown).unwrap();
    }
    if gate.makes(Mistake::MissingIgnored)
        && let Some(last) = read.trades.last_mut()
    {
        let more = ahead - shown;
        last.quantity = Quantity::new(last.quantity.decimal() + more).unwrap();
    }
    read
}
