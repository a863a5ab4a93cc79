//! Orders as placements, queries, listings and cancels show them (rest-api.md).

use domain::{
    AccountId, Asset, ExchangeOrderId, ExchangeTime, Execution, Fee, OrderStatus, Price, Quantity,
    QuoteAmount, Side, Source, Symbol, Trade, TradeId,
};
use serde::Deserialize;
use trading::{ExchangeError, NewOrder, OrderView};

/// The fields all replies about an order share.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderFields {
    symbol: Symbol,
    order_id: i64,
    client_order_id: String,
    /// Zero for an order without a limit price.
    price: Quantity,
    orig_qty: Quantity,
    executed_qty: Quantity,
    status: String,
    side: Side,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueriedOrder {
    #[serde(flatten)]
    fields: OrderFields,
    time: i64,
    update_time: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CanceledOrder {
    #[serde(flatten)]
    fields: OrderFields,
    orig_client_order_id: String,
    transact_time: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlacedOrder {
    #[serde(flatten)]
    fields: OrderFields,
    transact_time: i64,
    /// Spelled so by the exchange; below zero when it is not available.
    #[serde(rename = "cummulativeQuoteQty")]
    quote: QuoteAmount,
    #[serde(default)]
    fills: Vec<PlacedFill>,
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

impl OrderFields {
    fn into_view(self, created_at: ExchangeTime, updated_at: ExchangeTime) -> OrderView {
        OrderView {
            symbol: self.symbol,
            exchange_order_id: ExchangeOrderId(self.order_id),
            client_order_id: self.client_order_id,
            side: self.side,
            price: Price::new(self.price.decimal()).ok(),
            quantity: self.orig_qty,
            executed: self.executed_qty,
            status: status(&self.status),
            created_at,
            updated_at,
        }
    }
}

impl QueriedOrder {
    fn into_view(self) -> OrderView {
        let created_at = ExchangeTime::from_millis(self.time);
        let updated_at = ExchangeTime::from_millis(self.update_time);
        self.fields.into_view(created_at, updated_at)
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
    let time = ExchangeTime::from_millis(canceled.transact_time);
    let mut view = canceled.fields.into_view(time, time);
    view.client_order_id = canceled.orig_client_order_id;
    Ok(view)
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
    let placed: PlacedOrder = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let fields = &placed.fields;
    let id = order.client_order_id.to_string();
    if fields.symbol != order.symbol
        || fields.client_order_id != id
        || fields.side != order.intent.side
    {
        return Err(format!(
            "it shows {} {} under the id {:?}",
            fields.side, fields.symbol, fields.client_order_id
        ));
    }
    let time = ExchangeTime::from_millis(placed.transact_time);
    let trades = shown_trades(&placed, time).unwrap_or_default();
    let fields = placed.fields;
    Ok(Execution {
        account: account.clone(),
        symbol: fields.symbol,
        client_order_id: id,
        exchange_order_id: ExchangeOrderId(fields.order_id),
        side: fields.side,
        order_price: Price::new(fields.price.decimal()).ok(),
        order_quantity: fields.orig_qty,
        cumulative: fields.executed_qty,
        status: status(&fields.status),
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
    let agrees = executed == placed.fields.executed_qty
        && (placed.quote < QuoteAmount::ZERO || paid == placed.quote);
    trades.sort_by_key(|trade| trade.id);
    agrees.then_some(trades)
}

#[cfg(test)]
mod tests;
