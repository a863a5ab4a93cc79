//! The matching model: a small Binance Spot as a pure value.
//!
//! Entry point: [`Exchange`]. Every call takes the time it happens at; what happened leaves through
//! [`Exchange::drain_events`] and stays in [`Exchange::journal`]. Never reads a clock, draws lots, waits or does I/O.

pub mod account;
pub(crate) mod desk;
pub mod ending;
pub mod events;
pub mod exchange;
pub(crate) mod filters;
pub mod journal;
pub mod order;
pub(crate) mod placing;
pub(crate) mod plan;
pub mod queries;
pub mod reject;
pub mod symbol;

pub use account::{Account, ApiKey, Balance, CommissionRates, KeySecret};
pub use ending::{CancelRestriction, OrderKey};
pub use events::{AccountEvent, EventBody, ExecutionReport, ExecutionType};
pub use exchange::{Exchange, OutsideMarket};
pub use journal::{Fact, JournalCounts, JournalEntry};
pub use order::{
    NewOrder, Order, OrderReport, OrderState, OrderStatus, OrderType, Side, StpMode, TimeInForce,
    Trade,
};
pub use queries::ListQuery;
pub use reject::Reject;
pub use symbol::{PriceBand, SymbolRules, SymbolStatus};
