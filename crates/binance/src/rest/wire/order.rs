//! Orders as placements, queries, listings and cancels show them (rest-api.md).

use domain::{
    AccountId, Asset, ExchangeOrderId, ExchangeTime, Execution, Fee, OrderStatus, Price, Quantity,
    QuoteAmount, Side, Source, Symbol, Trade, TradeId,
};
use serde::Deserialize;
use trading::{ExchangeError, NewOrder, OrderView, excerpt};

/// A reply about an order: the fields that all of them have, and its own. Read without
/// `#[serde(flatten)]`, which would first keep all that a reply says in memory, wanted or not.
macro_rules! order_reply {
    ($name:ident { $($(#[$attribute:meta])* $field:ident: $kind:ty,)* }) => {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct $name {
            symbol: Symbol,
            order_id: i64,
            /// Zero for an order without a limit price.
            price: Quantity,
            orig_qty: Quantity,
            executed_qty: Quantity,
            status: String,
            side: Side,
            $($(#[$attribute])* $field: $kind,)*
        }
    };
}

/// The order that a reply shows.
macro_rules! view {
    ($reply:expr, $created_at:expr, $updated_at:expr) => {{
        let reply = $reply;
        OrderView {
            symbol: reply.symbol,
            exchange_order_id: ExchangeOrderId(reply.order_id),
            client_order_id: reply.client_order_id,
            side: reply.side,
            price: Price::new(reply.price.decimal()).ok(),
            quantity: reply.orig_qty,
            executed: reply.executed_qty,
            status: status(&reply.status),
            created_at: ExchangeTime::from_millis($created_at),
            updated_at: ExchangeTime::from_millis($updated_at),
        }
    }};
}

order_reply! {
    QueriedOrder {
        client_order_id: String,
        time: i64,
        update_time: i64,
    }
}

order_reply! {
    CanceledOrder {
        #[serde(rename = "origClientOrderId")]
        client_order_id: String,
        transact_time: i64,
    }
}

order_reply! {
    PlacedOrder {
        client_order_id: String,
        transact_time: i64,
        /// Spelled so by the exchange; below zero when it is not available.
        #[serde(rename = "cummulativeQuoteQty")]
        quote: QuoteAmount,
        #[serde(default)]
        fills: Vec<PlacedFill>,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlacedFill {
    price: Price,
    qty: Quantity,
    commission: Quantity,
    commission_asset: Option<Asset>,
    trade_id: i64,
}

/// The status a word of the exchange means (enums.md).
fn status(word: &str) -> OrderStatus {
    match word {
        "NEW" => OrderStatus::New,
        "PENDING_NEW" => OrderStatus::PendingNew,
        "PARTIALLY_FILLED" => OrderStatus::PartiallyFilled,
        "FILLED" => OrderStatus::Filled,
        "CANCELED" => OrderStatus::Canceled,
        "REJECTED" => OrderStatus::Rejected,
        "EXPIRED" => OrderStatus::Expired,
        "EXPIRED_IN_MATCH" => OrderStatus::ExpiredInMatch,
        _ => OrderStatus::Unrecognized,
    }
}

/// The fee of a trade. An amount without its asset is `Err`: it cannot be booked anywhere.
pub(super) fn fee(amount: Quantity, asset: Option<Asset>) -> Result<Option<Fee>, &'static str> {
    match (amount.is_zero(), asset) {
        (true, _) => Ok(None),
        (false, Some(asset)) => Ok(Some(Fee { amount, asset })),
        (false, None) => Err("a commission without its asset"),
    }
}

impl QueriedOrder {
    fn into_view(self) -> OrderView {
        let (created_at, updated_at) = (self.time, self.update_time);
        view!(self, created_at, updated_at)
    }
}

/// `GET /api/v3/order`.
pub(crate) fn read_order(body: &[u8]) -> Result<OrderView, ExchangeError> {
    super::read("an order", body).map(QueriedOrder::into_view)
}

/// `GET /api/v3/openOrders` and `allOrders`.
pub(crate) fn read_orders(body: &[u8]) -> Result<Vec<OrderView>, ExchangeError> {
    let orders: Vec<QueriedOrder> = super::read("a list of orders", body)?;
    Ok(orders.into_iter().map(QueriedOrder::into_view).collect())
}

/// `DELETE /api/v3/order`. The reply names the cancel request as `clientOrderId` and does not say
/// when the order was created: the time of the cancel stands for both times.
pub(crate) fn read_canceled(body: &[u8]) -> Result<OrderView, ExchangeError> {
    let canceled: CanceledOrder = super::read("a cancelled order", body)?;
    let time = canceled.transact_time;
    Ok(view!(canceled, time, time))
}

/// The body of the reply to `POST /api/v3/order` with `newOrderRespType=FULL`, as the answer to
/// `order`.
///
/// # Errors
/// Why the reply does not show that order; it may have been placed all the same.
pub fn read_placed(
    body: &[u8],
    order: &NewOrder,
    account: &AccountId,
) -> Result<Execution, String> {
    let placed: PlacedOrder =
        serde_json::from_slice(body).map_err(|error| excerpt(&error.to_string()))?;
    let id = order.client_order_id.to_string();
    if placed.symbol != order.symbol
        || placed.client_order_id != id
        || placed.side != order.intent.side
    {
        return Err(format!(
            "it shows {} {} under the id {:?}",
            placed.side,
            placed.symbol,
            excerpt(&placed.client_order_id)
        ));
    }
    let time = ExchangeTime::from_millis(placed.transact_time);
    let trades = shown_trades(&placed, time).unwrap_or_default();
    Ok(Execution {
        account: account.clone(),
        symbol: placed.symbol,
        client_order_id: id,
        exchange_order_id: ExchangeOrderId(placed.order_id),
        side: placed.side,
        order_price: Price::new(placed.price.decimal()).ok(),
        order_quantity: placed.orig_qty,
        cumulative: placed.executed_qty,
        status: status(&placed.status),
        trades,
        created_at: Some(time),
        time,
        source: Source::Reply,
    })
}

/// The reply's trades if they are all there and agree with its sums; otherwise none, and they are
/// fetched. What trades at once is the taker's side.
fn shown_trades(placed: &PlacedOrder, time: ExchangeTime) -> Option<Vec<Trade>> {
    let mut trades = Vec::with_capacity(placed.fills.len());
    let mut executed = Quantity::ZERO;
    let mut paid = QuoteAmount::ZERO;
    for fill in &placed.fills {
        (!fill.qty.is_zero()).then_some(())?;
        let quote = fill.price.times(fill.qty)?;
        executed = executed.checked_add(fill.qty)?;
        paid = paid.checked_add(quote)?;
        trades.push(Trade {
            id: (fill.trade_id >= 0).then_some(TradeId(fill.trade_id))?,
            price: fill.price,
            quantity: fill.qty,
            quote,
            fee: fee(fill.commission, fill.commission_asset.clone()).ok()?,
            maker: false,
            time,
        });
    }
    let agrees = executed == placed.executed_qty
        && (placed.quote < QuoteAmount::ZERO || paid == placed.quote);
    trades.sort_by_key(|trade| trade.id);
    agrees.then_some(trades)
}

#[cfg(test)]
mod tests;
