//! What the exchange reports about an order: its trades, how far it has executed, how it ended.

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, ExchangeOrderId, ExchangeTime, Fee, OrderStatus, Price, Quantity, QuoteAmount, Side,
    Symbol, TradeId,
};

/// One trade of an order, complete: a report that lacks the price or the fee's asset carries no
/// trade at all, and the trade is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// The exchange's id, unique per symbol.
    pub id: TradeId,
    /// The price it executed at.
    pub price: Price,
    /// Base quantity.
    pub quantity: Quantity,
    /// Quote amount, as the exchange states it.
    pub quote: QuoteAmount,
    /// The fee taken, if any.
    pub fee: Option<Fee>,
    /// Whether our order was the resting one.
    pub maker: bool,
    /// When it happened.
    pub time: ExchangeTime,
}

/// Where a report came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The user-data stream.
    Stream,
    /// The reply to the order's own placement.
    Reply,
    /// A query made by recovery.
    Recovery,
}

/// A report that an order traded or ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// The account it was reported for.
    pub account: AccountId,
    /// The symbol.
    pub symbol: Symbol,
    /// The order's own client order id: on a cancel, not that of the cancel request.
    pub client_order_id: String,
    /// The exchange's id of the order.
    pub exchange_order_id: ExchangeOrderId,
    /// The order's side.
    pub side: Side,
    /// The order's limit price; `None` for an order without one.
    pub order_price: Option<Price>,
    /// The order's quantity, which an amend changes.
    pub order_quantity: Quantity,
    /// The base quantity executed so far (`z`).
    pub cumulative: Quantity,
    /// The order's status after this report.
    pub status: OrderStatus,
    /// The trades the report shows: one from the stream, all of them from a reply or a query. They
    /// are the last ones up to `cumulative`, in the order of their ids.
    pub trades: Vec<Trade>,
    /// When the exchange created the order, where it says so.
    pub created_at: Option<ExchangeTime>,
    /// When it happened at the exchange.
    pub time: ExchangeTime,
    /// Where the report came from.
    pub source: Source,
}

impl Execution {
    /// The quantity that the report's own trades add up to (`l` for a single one).
    #[must_use]
    pub fn shown(&self) -> Option<Quantity> {
        self.trades
            .iter()
            .try_fold(Quantity::ZERO, |sum, trade| sum.checked_add(trade.quantity))
    }
}
