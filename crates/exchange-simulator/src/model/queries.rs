//! Look-ups, each as of a moment: the exchange's queries may lag behind its engine.
//!
//! Entry points: [`Exchange::query`], [`Exchange::open_orders`], [`Exchange::all_orders`], [`Exchange::my_trades`].
//! Never changes anything.

use std::sync::Arc;

use super::ending::OrderKey;
use super::exchange::{Exchange, Market};
use super::order::{Order, OrderState, Trade};
use super::reject::Reject;

/// Longest allowed span between `startTime` and `endTime`, ms.
const MAX_SPAN_MS: i64 = 24 * 60 * 60 * 1000;

/// Which of an account's orders or trades a list asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListQuery {
    /// Only ids from here on (`orderId` of allOrders, `fromId` of myTrades).
    pub from_id: Option<u64>,
    /// Only trades of this order (myTrades).
    pub order_id: Option<u64>,
    /// Not before, ms.
    pub start_ms: Option<i64>,
    /// Not after, ms.
    pub end_ms: Option<i64>,
    /// At most so many; 500 by default, 1,000 at most.
    pub limit: Option<usize>,
}

impl ListQuery {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(500).clamp(1, 1000)
    }

    fn check_span(&self) -> Result<(), Reject> {
        match (self.start_ms, self.end_ms) {
            (Some(start), Some(end)) if end.saturating_sub(start) > MAX_SPAN_MS => {
                Err(Reject::new(
                    400,
                    -1127,
                    "More than 24 hours between startTime and endTime.",
                ))
            }
            _ => Ok(()),
        }
    }

    fn in_span(&self, time_ms: i64) -> bool {
        self.start_ms.is_none_or(|start| time_ms >= start)
            && self.end_ms.is_none_or(|end| time_ms <= end)
    }
}

/// The order as it looked at `as_of_ms`.
fn seen(order: &Order, as_of_ms: i64) -> Option<Order> {
    let state = order.state_as_of(as_of_ms)?.clone();
    Some(Order {
        state,
        ..order.without_past()
    })
}

impl Exchange {
    fn market(&self, symbol: &str) -> Result<&Market, Reject> {
        self.markets.get(symbol).ok_or_else(Reject::invalid_symbol)
    }

    /// One order. Of several orders under one client order id, the newest is returned.
    ///
    /// # Errors
    /// -1102 without any id, -2013 if there is no such order at that moment, -2039 if both ids are given and differ.
    pub fn query(
        &self,
        as_of_ms: i64,
        account: &str,
        (symbol, key): (&str, &OrderKey),
    ) -> Result<Order, Reject> {
        let market = self.market(symbol)?;
        let visible = |id: &u64| {
            let order = market
                .orders
                .get(id)
                .filter(|order| order.account == account)?;
            seen(order, as_of_ms)
        };
        match (key.order_id, &key.client_order_id) {
            (Some(order_id), client_order_id) => {
                let order = visible(&order_id).ok_or_else(Reject::no_such_order)?;
                let differs = client_order_id
                    .as_ref()
                    .is_some_and(|id| id.as_str() != &*order.state.client_order_id);
                if differs {
                    Err(Reject::id_mismatch())
                } else {
                    Ok(order)
                }
            }
            (None, Some(client_order_id)) => market
                .by_client_id
                .get(&(account.to_owned(), Arc::from(client_order_id.as_str())))
                .and_then(|ids| ids.iter().rev().find_map(visible))
                .filter(|order| &*order.state.client_order_id == client_order_id.as_str())
                .ok_or_else(Reject::no_such_order),
            (None, None) => Err(Reject::new(
                400,
                -1102,
                "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
            )),
        }
    }

    /// An order's current state, whoever placed it.
    #[must_use]
    pub fn order_state(&self, symbol: &str, order_id: u64) -> Option<&OrderState> {
        self.markets
            .get(symbol)?
            .orders
            .get(&order_id)
            .map(|order| &order.state)
    }

    /// Open orders of a symbol, or of all symbols.
    ///
    /// # Errors
    /// -1121 if the symbol is not listed.
    pub fn open_orders(
        &self,
        as_of_ms: i64,
        account: &str,
        symbol: Option<&str>,
    ) -> Result<Vec<Order>, Reject> {
        let markets: Vec<&Market> = match symbol {
            Some(symbol) => vec![self.market(symbol)?],
            None => self.markets.values().collect(),
        };
        let mut orders = Vec::new();
        for market in markets {
            if as_of_ms == i64::MAX {
                let mut open: Vec<Order> = market
                    .open_orders_of(account)
                    .map(Order::without_past)
                    .collect();
                open.sort_by_key(|order| order.order_id);
                orders.extend(open);
                continue;
            }
            let own = market.by_account.get(account).into_iter().flatten();
            let seen = own
                .filter_map(|id| market.orders.get(id))
                .filter_map(|order| {
                    // An order that ended before the moment asked about cannot be open in it.
                    let ended = !order.state.status.is_live() && order.state.update_ms <= as_of_ms;
                    if ended { None } else { seen(order, as_of_ms) }
                });
            orders.extend(seen.filter(|order| order.state.status.is_live()));
        }
        Ok(orders)
    }

    /// All orders of a symbol, whatever their status: from an id on, or in a span, or the latest.
    ///
    /// # Errors
    /// -1121 for the symbol, -1127 for a span over 24 hours.
    pub fn all_orders(
        &self,
        as_of_ms: i64,
        account: &str,
        (symbol, query): (&str, ListQuery),
    ) -> Result<Vec<Order>, Reject> {
        query.check_span()?;
        let market = self.market(symbol)?;
        let own = market
            .by_account
            .get(account)
            .map_or(&[] as &[u64], Vec::as_slice);
        let mut found = own
            .iter()
            .filter(|id| query.from_id.is_none_or(|from| **id >= from))
            .filter_map(|id| market.orders.get(id))
            .filter(|order| query.in_span(order.time_ms))
            .filter_map(|order| seen(order, as_of_ms))
            .collect::<Vec<_>>();
        keep(&mut found, query);
        Ok(found)
    }

    /// Trades of a symbol. Of the parameters only the documented combinations are allowed.
    ///
    /// # Errors
    /// -1121 for the symbol, -1128 for the combination, -1127 for a span over 24 hours.
    pub fn my_trades(
        &self,
        as_of_ms: i64,
        account: &str,
        (symbol, query): (&str, ListQuery),
    ) -> Result<Vec<Trade>, Reject> {
        let spanned = query.start_ms.is_some() || query.end_ms.is_some();
        if spanned && (query.order_id.is_some() || query.from_id.is_some()) {
            return Err(Reject::combination());
        }
        query.check_span()?;
        let market = self.market(symbol)?;
        let fits = |trade: &&Trade| {
            trade.account == account
                && trade.time_ms <= as_of_ms
                && query.from_id.is_none_or(|from| trade.id >= from)
                && query.in_span(trade.time_ms)
        };
        let mut found: Vec<Trade> = match query.order_id {
            Some(order_id) => {
                let indexes = market.trades_of_order.get(&order_id).into_iter().flatten();
                indexes
                    .filter_map(|index| market.trades.get(*index))
                    .filter(fits)
                    .cloned()
                    .collect()
            }
            None => {
                let start = query.from_id.map_or(0, |from| {
                    market.trades.partition_point(|trade| trade.id < from)
                });
                market
                    .trades
                    .iter()
                    .skip(start)
                    .filter(fits)
                    .cloned()
                    .collect()
            }
        };
        keep(&mut found, query);
        Ok(found)
    }
}

/// Cuts a list to its limit: the oldest if it starts somewhere, else the latest.
fn keep<T>(found: &mut Vec<T>, query: ListQuery) {
    let limit = query.limit();
    if query.from_id.is_some() || query.start_ms.is_some() {
        found.truncate(limit);
    } else if found.len() > limit {
        found.drain(..found.len() - limit);
    }
}
