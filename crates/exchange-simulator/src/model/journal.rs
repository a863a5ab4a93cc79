//! The exchange's own history: every fact in the order it happened, kept for ever.
//!
//! Entry points: [`JournalEntry`], [`Fact`]. The audit reads nothing else, so that a mistake in the model's bookkeeping
//! cannot hide itself.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Serialize;

use super::order::{NewOrder, OrderStatus, OrderType, Side};
use super::reject::Reject;
use super::symbol::SymbolRules;

/// One fact and when it happened. Its place in the journal is its sequence.
#[derive(Debug, Clone)]
pub struct JournalEntry {
    /// Engine time, ms.
    pub time_ms: i64,
    /// Account it concerns; empty for the exchange's own facts.
    pub account: String,
    /// What happened.
    pub fact: Fact,
}

/// What can happen.
#[derive(Debug, Clone)]
pub enum Fact {
    /// A symbol's rules hold from here on.
    Rules(Box<SymbolRules>),
    /// An order was accepted.
    Placed {
        /// Symbol.
        symbol: String,
        /// Exchange order id.
        order_id: u64,
        /// The client's id.
        client_order_id: Arc<str>,
        /// Side.
        side: Side,
        /// Type.
        order_type: OrderType,
        /// Limit price, 0 for MARKET.
        price: Decimal,
        /// Base quantity.
        quantity: Decimal,
    },
    /// A placement was refused.
    Refused {
        /// What was asked.
        order: Box<NewOrder>,
        /// The answer.
        reject: Reject,
    },
    /// An order traded.
    Traded {
        /// Symbol.
        symbol: String,
        /// Order.
        order_id: u64,
        /// Trade id.
        trade_id: u64,
        /// Base quantity.
        quantity: Decimal,
        /// Quote amount.
        quote: Decimal,
        /// Commission.
        commission: Decimal,
        /// Asset of the commission.
        commission_asset: String,
    },
    /// An order's quantity was lowered.
    Amended {
        /// Symbol.
        symbol: String,
        /// Order.
        order_id: u64,
        /// New quantity.
        quantity: Decimal,
    },
    /// An order ended.
    Ended {
        /// Symbol.
        symbol: String,
        /// Order.
        order_id: u64,
        /// How.
        status: OrderStatus,
    },
    /// Money came or went.
    Moved {
        /// Asset.
        asset: String,
        /// Signed amount.
        delta: Decimal,
    },
}

/// How much of each kind the journal holds, for statistics.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalCounts {
    /// Accepted orders.
    pub placed: u64,
    /// Refused placements.
    pub refused: u64,
    /// Trades, counted once per order.
    pub trades: u64,
    /// Orders that were completed.
    pub filled: u64,
}
