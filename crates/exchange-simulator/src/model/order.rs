//! Orders: what a client may ask for, and what the exchange remembers of each order.
//!
//! Entry points: [`NewOrder`], [`Order`]. An order keeps every state it went through, so that a query can be answered
//! as of an earlier moment (the exchange's look-ups may lag). Never moves balances.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Which side of the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Side {
    /// Takes base, gives quote.
    Buy,
    /// Gives base, takes quote.
    Sell,
}

impl Side {
    /// The exchange's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }

    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// The order types this exchange knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderType {
    /// Takes what its price allows, then follows its time in force.
    Limit,
    /// Post-only: refused if it would take.
    LimitMaker,
    /// Takes at once, never rests.
    Market,
}

impl OrderType {
    /// The exchange's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "LIMIT",
            Self::LimitMaker => "LIMIT_MAKER",
            Self::Market => "MARKET",
        }
    }
}

/// How long an order stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TimeInForce {
    /// Good till cancelled.
    Gtc,
    /// Immediate or cancel: what does not trade at once expires.
    Ioc,
    /// Fill or kill: all at once or nothing.
    Fok,
}

impl TimeInForce {
    /// The exchange's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gtc => "GTC",
            Self::Ioc => "IOC",
            Self::Fok => "FOK",
        }
    }
}

/// Where an order stands (`enums.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    /// Accepted, nothing executed.
    New,
    /// Some executed, the rest is live.
    PartiallyFilled,
    /// Complete.
    Filled,
    /// Ended by a cancel.
    Canceled,
    /// Ended by its own rules or by the exchange.
    Expired,
    /// Ended by self-trade prevention.
    ExpiredInMatch,
}

impl OrderStatus {
    /// The exchange's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::PartiallyFilled => "PARTIALLY_FILLED",
            Self::Filled => "FILLED",
            Self::Canceled => "CANCELED",
            Self::Expired => "EXPIRED",
            Self::ExpiredInMatch => "EXPIRED_IN_MATCH",
        }
    }

    /// Whether the order may still trade.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::New | Self::PartiallyFilled)
    }
}

/// Self-trade prevention, as the taker asks for it (`faqs/stp_faq.md`). `TRANSFER` acts as `DECREMENT` here, as it does
/// on the exchange unless both orders ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StpMode {
    /// Orders of one account may trade with each other.
    None,
    /// The resting order expires.
    ExpireMaker,
    /// The incoming order expires.
    ExpireTaker,
    /// Both expire.
    ExpireBoth,
    /// Both shrink by the quantity that would have traded.
    Decrement,
    /// As `Decrement` unless both orders ask for it.
    Transfer,
}

impl StpMode {
    /// Every mode, in the exchange's order.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::ExpireTaker,
        Self::ExpireMaker,
        Self::ExpireBoth,
        Self::Decrement,
        Self::Transfer,
    ];

    /// The exchange's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::ExpireMaker => "EXPIRE_MAKER",
            Self::ExpireTaker => "EXPIRE_TAKER",
            Self::ExpireBoth => "EXPIRE_BOTH",
            Self::Decrement => "DECREMENT",
            Self::Transfer => "TRANSFER",
        }
    }
}

/// A request for a new order, parsed but not yet judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewOrder {
    /// Symbol, such as `BTCUSDT`.
    pub symbol: String,
    /// Side.
    pub side: Side,
    /// Type.
    pub order_type: OrderType,
    /// Time in force; mandatory for LIMIT, not allowed otherwise.
    pub time_in_force: Option<TimeInForce>,
    /// Base quantity.
    pub quantity: Option<Decimal>,
    /// Quote amount to spend or receive, MARKET only.
    pub quote_order_quantity: Option<Decimal>,
    /// Limit price.
    pub price: Option<Decimal>,
    /// The client's own id; one is made up if absent.
    pub client_order_id: Option<String>,
    /// Self-trade prevention; the symbol's default if absent.
    pub stp: Option<StpMode>,
}

impl NewOrder {
    /// A plain LIMIT GTC order.
    #[must_use]
    pub fn limit(
        symbol: &str,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        client_order_id: &str,
    ) -> Self {
        Self {
            symbol: symbol.to_owned(),
            side,
            order_type: OrderType::Limit,
            time_in_force: Some(TimeInForce::Gtc),
            quantity: Some(quantity),
            quote_order_quantity: None,
            price: Some(price),
            client_order_id: Some(client_order_id.to_owned()),
            stp: None,
        }
    }
}

/// What changes over an order's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderState {
    /// Client order id; an amend may change it.
    pub client_order_id: Arc<str>,
    /// Base quantity asked for; an amend may lower it.
    pub quantity: Decimal,
    /// Base executed.
    pub executed: Decimal,
    /// Quote executed.
    pub quote: Decimal,
    /// Base that self-trade prevention took off.
    pub prevented: Decimal,
    /// Status.
    pub status: OrderStatus,
    /// Time of the last change, ms.
    pub update_ms: i64,
    /// Why it expired, if it did (`user-data-stream.md`, `eR`).
    pub expiry_reason: Option<&'static str>,
}

/// One order and all states it went through.
#[derive(Debug, Clone)]
pub struct Order {
    /// Exchange order id, increasing per symbol.
    pub order_id: u64,
    /// Client order id it was placed under; an amend changes only that of the state.
    pub placed_as: Arc<str>,
    /// Account that placed it.
    pub account: String,
    /// Symbol.
    pub symbol: String,
    /// Side.
    pub side: Side,
    /// Type.
    pub order_type: OrderType,
    /// Time in force (GTC for LIMIT_MAKER and MARKET).
    pub time_in_force: TimeInForce,
    /// Limit price; 0 for MARKET.
    pub price: Decimal,
    /// Quote amount asked for; 0 unless MARKET by quote.
    pub quote_order_quantity: Decimal,
    /// Self-trade prevention mode.
    pub stp: StpMode,
    /// Creation time, ms.
    pub time_ms: i64,
    /// Since when it works, ms: at once, whatever its type here (`rest-api.md`: MARKET orders have a time too).
    pub working_ms: i64,
    /// Current state.
    pub state: OrderState,
    /// Earlier states, oldest first.
    pub past: Vec<OrderState>,
    /// Balance still locked for it (quote for BUY, base for SELL).
    pub(crate) locked: Decimal,
    /// Successful amends so far.
    pub(crate) amendments: u32,
}

impl Order {
    /// What could still trade.
    #[must_use]
    pub fn remaining(&self) -> Decimal {
        (self.state.quantity - self.state.executed - self.state.prevented).max(Decimal::ZERO)
    }

    /// A copy without the earlier states: what reports and replies carry.
    #[must_use]
    pub fn without_past(&self) -> Self {
        Self {
            order_id: self.order_id,
            placed_as: self.placed_as.clone(),
            account: self.account.clone(),
            symbol: self.symbol.clone(),
            side: self.side,
            order_type: self.order_type,
            time_in_force: self.time_in_force,
            price: self.price,
            quote_order_quantity: self.quote_order_quantity,
            stp: self.stp,
            time_ms: self.time_ms,
            working_ms: self.working_ms,
            state: self.state.clone(),
            past: Vec::new(),
            locked: self.locked,
            amendments: self.amendments,
        }
    }

    /// Applies a change and remembers the state before it.
    pub(crate) fn change(&mut self, now_ms: i64, apply: impl FnOnce(&mut OrderState)) {
        self.past.push(self.state.clone());
        self.state.update_ms = now_ms;
        apply(&mut self.state);
    }

    /// The state as a look-up would have shown it at `as_of_ms`; none before the order existed.
    #[must_use]
    pub fn state_as_of(&self, as_of_ms: i64) -> Option<&OrderState> {
        if self.state.update_ms <= as_of_ms {
            return Some(&self.state);
        }
        self.past
            .iter()
            .rev()
            .find(|state| state.update_ms <= as_of_ms)
    }
}

/// One trade, from the view of one of its orders. Both sides of a self-trade share the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trade {
    /// Trade id, increasing per symbol.
    pub id: u64,
    /// Order that traded.
    pub order_id: u64,
    /// Its account.
    pub account: String,
    /// Its side.
    pub side: Side,
    /// Price.
    pub price: Decimal,
    /// Base quantity.
    pub quantity: Decimal,
    /// Quote amount.
    pub quote: Decimal,
    /// Commission taken.
    pub commission: Decimal,
    /// Asset the commission was taken in.
    pub commission_asset: String,
    /// Whether the order was resting.
    pub is_maker: bool,
    /// Time, ms.
    pub time_ms: i64,
}

/// What a placement answers with.
#[derive(Debug, Clone)]
pub struct OrderReport {
    /// The order after everything that happened at once.
    pub order: Order,
    /// Its immediate trades.
    pub fills: Vec<Trade>,
}
