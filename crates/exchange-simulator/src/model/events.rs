//! What the exchange tells an account (`user-data-stream.md`), as values; the wire spelling lives in the server.
//!
//! Entry points: [`AccountEvent`], [`ExecutionReport`]. Events leave the model in the order they happened; losing,
//! repeating or reordering them is the deliverer's business.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::account::Balance;
use super::order::{Order, Trade};

/// Why an execution report was sent (`x`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionType {
    /// Accepted.
    New,
    /// Cancelled.
    Canceled,
    /// Amended.
    Replaced,
    /// Traded.
    Trade,
    /// Expired.
    Expired,
    /// Self-trade prevention shrank it.
    TradePrevention,
}

impl ExecutionType {
    /// The exchange's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Canceled => "CANCELED",
            Self::Replaced => "REPLACED",
            Self::Trade => "TRADE",
            Self::Expired => "EXPIRED",
            Self::TradePrevention => "TRADE_PREVENTION",
        }
    }
}

/// One `executionReport`.
#[derive(Debug, Clone)]
pub struct ExecutionReport {
    /// The order after the event, without its past.
    pub order: Order,
    /// Why it was sent.
    pub execution: ExecutionType,
    /// The trade, for `Trade`.
    pub trade: Option<Trade>,
    /// Client order id of the request that caused it; on a cancel the cancel's own.
    pub request_client_order_id: Arc<str>,
    /// The cancelled or amended order's id; empty otherwise.
    pub original_client_order_id: Arc<str>,
    /// Execution id, increasing but not by one.
    pub execution_id: u64,
    /// Whether the order is on the book now.
    pub on_book: bool,
    /// Base that self-trade prevention took off in this event.
    pub prevented_now: Decimal,
    /// Engine time, ms.
    pub time_ms: i64,
}

/// Something an account is told.
#[derive(Debug, Clone)]
pub struct AccountEvent {
    /// The account.
    pub account: String,
    /// What happened.
    pub body: EventBody,
}

/// The kinds of account events.
#[derive(Debug, Clone)]
pub enum EventBody {
    /// An order changed.
    Execution(Box<ExecutionReport>),
    /// Balances after a change, only of assets possibly touched.
    Position {
        /// Engine time, ms.
        time_ms: i64,
        /// Balances by asset.
        balances: Vec<(String, Balance)>,
    },
    /// A deposit or withdrawal.
    BalanceUpdate {
        /// Engine time, ms.
        time_ms: i64,
        /// Asset.
        asset: String,
        /// Signed amount.
        delta: Decimal,
    },
}
