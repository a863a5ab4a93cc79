//! The commands of whoever runs the simulator, and what it tells in return.
//!
//! Entry points: [`Control`], [`MarketControl`], [`AccountControl`], [`Stats`]. Plain data, the same over HTTP and
//! in-process.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::config::LimitsConfig;
use super::core::RunPhase;
use crate::faults::{FaultKind, FaultPlan};
use crate::model::{Account, ApiKey, CommissionRates, JournalCounts, SymbolRules, SymbolStatus};

/// One command to the simulator. As JSON: `{"do": "clock", "offsetMs": 400}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "do")]
pub enum Control {
    /// Prices start.
    Start,
    /// Ends a run whose prices come by hand: faults stop, the system comes to rest.
    Finish,
    /// Sets the faults.
    Faults {
        /// `none`, `some` or `harsh`.
        preset: Option<String>,
        /// Or a whole plan.
        plan: Option<FaultPlan>,
    },
    /// Makes the next opportunities of one kind certain.
    Inject {
        /// Kind.
        kind: FaultKind,
        /// How many.
        count: u64,
    },
    /// Nothing more goes wrong.
    StopFaults,
    /// Sets the server clock's offset from wall time.
    Clock {
        /// Offset, ms.
        offset_ms: i64,
    },
    /// Lifts or restores the exchange's limits.
    Limits {
        /// Limits.
        limits: LimitsConfig,
    },
    /// Breaks every stream connection.
    DropStreams,
    /// Streams stay open but carry no events for a while.
    SilenceStreams {
        /// Account; all if absent.
        account: Option<String>,
        /// How long, ms.
        for_ms: u64,
    },
    /// Stream connections neither read nor write for a while: not even pings.
    FreezeStreams {
        /// How long, ms.
        for_ms: u64,
    },
    /// Ends subscriptions while connections stay.
    TerminateStreams {
        /// Account; all if absent.
        account: Option<String>,
    },
    /// `serverShutdown` to every stream, then the end of its connection.
    ShutDownStreams {
        /// Time until the end, ms.
        after_ms: u64,
    },
    /// Prices need not wait for this slot: it is held on purpose.
    Excuse {
        /// Slot.
        slot: String,
    },
}

/// One command to the exchange behind the simulator. As JSON:
/// `{"do": "print", "symbol": "BTCUSDT", "price": "60000", "quantity": "1"}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "do")]
pub enum MarketControl {
    /// A trade in the outside market.
    Print {
        /// Symbol.
        symbol: String,
        /// Price.
        price: Decimal,
        /// Base quantity.
        quantity: Decimal,
    },
    /// Fills a resting order at its own price.
    Fill {
        /// Symbol.
        symbol: String,
        /// Order.
        order_id: u64,
        /// In so many trades.
        trades: u32,
        /// Base quantity; all that is left if absent.
        quantity: Option<Decimal>,
    },
    /// Somebody cancels an order.
    Cancel {
        /// Symbol.
        symbol: String,
        /// Order.
        order_id: u64,
    },
    /// The exchange expires an order.
    Expire {
        /// Symbol.
        symbol: String,
        /// Order.
        order_id: u64,
    },
    /// Somebody lowers an order's quantity.
    Amend {
        /// Symbol.
        symbol: String,
        /// Order.
        order_id: u64,
        /// New quantity.
        quantity: Decimal,
        /// Client order id to give it; a new one is made up if absent.
        client_order_id: Option<String>,
    },
    /// Replaces a symbol's rules.
    Rules {
        /// Rules.
        rules: Box<SymbolRules>,
    },
    /// Sets a symbol's status.
    Status {
        /// Symbol.
        symbol: String,
        /// Status.
        status: SymbolStatus,
    },
    /// Takes a symbol off the list.
    Delist {
        /// Symbol.
        symbol: String,
    },
    /// Sets how the outside market quotes.
    Outside {
        /// Symbol.
        symbol: String,
        /// Ticks from the last price to the best bid or ask.
        spread_ticks: u32,
        /// Base available to one taking order; unlimited if absent.
        depth: Option<Decimal>,
        /// Largest single trade; unlimited if absent.
        max_trade_quantity: Option<Decimal>,
    },
}

/// One command about an account. As JSON:
/// `{"do": "funds", "account": "demo", "asset": "USDT", "amount": "-100"}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "do")]
pub enum AccountControl {
    /// Opens an account with keys and first balances.
    Open {
        /// Account.
        account: Box<Account>,
    },
    /// Deposits, or with a negative amount withdraws.
    Funds {
        /// Account.
        account: String,
        /// Asset.
        asset: String,
        /// Signed amount.
        amount: Decimal,
    },
    /// Sets an account's commission.
    Commission {
        /// Account.
        account: String,
        /// Rates.
        rates: CommissionRates,
    },
    /// Sets the price of one BNB in a quote asset.
    BnbPrice {
        /// Quote asset.
        asset: String,
        /// Price.
        price: Decimal,
    },
    /// Adds an API key to an account, replacing one of the same name.
    AddKey {
        /// Account.
        account: String,
        /// Key.
        key: ApiKey,
    },
    /// Deletes an API key.
    RemoveKey {
        /// Key.
        key: String,
    },
}

/// A state of affairs, for people and tests.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// How far the run has come.
    pub phase: RunPhase,
    /// Whether the run has finished.
    pub finished: bool,
    /// Symbol the prices are for.
    pub symbol: String,
    /// Its last price.
    pub last_price: Option<Decimal>,
    /// Prints so far.
    pub prints: u64,
    /// Orders, refusals and trades.
    pub counts: JournalCounts,
    /// Open orders of the symbol.
    pub open_orders: usize,
    /// Refused placements by reason.
    pub refusals: BTreeMap<String, u64>,
    /// Injected faults by kind.
    pub faults: BTreeMap<FaultKind, u64>,
    /// Open stream connections.
    pub stream_connections: usize,
    /// Active subscriptions.
    pub subscriptions: usize,
    /// Weight used in this minute.
    pub used_weight: u64,
    /// Slots whose completed order has not been followed yet.
    pub owing: Vec<String>,
    /// Completions that prices waited for in vain.
    pub overdue: u64,
    /// Time from a completion's report on the stream to the slot's next order, microseconds, oldest first.
    pub reaction_us: Vec<u64>,
    /// The server clock's offset, ms.
    pub clock_offset_ms: i64,
}
