//! The port to the exchange: one account's trading connection, and what its replies mean.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use domain::{
    AccountId, Asset, BestPrices, ClientOrderId, ExchangeOrderId, ExchangeTime, Execution, Intent,
    LocalTime, OrderStatus, Price, Quantity, Rate, RefusalReason, Side, Symbol, SymbolRules, Trade,
};
use serde::{Deserialize, Serialize};

use crate::AccountRecord;

/// An order as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    /// The symbol.
    pub symbol: Symbol,
    /// The id it is sent under.
    pub client_order_id: ClientOrderId,
    /// Side, price, quantity and kind.
    pub intent: Intent,
    /// Whether to ask for self-trade prevention `EXPIRE_TAKER`.
    pub expire_taker: bool,
}

/// What became of one placement. "I do not know" is a value, never an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceOutcome {
    /// The exchange accepted it. Carries the order as the reply shows it, trades included.
    Accepted(Box<Execution>),
    /// An order with this id is open already: an earlier attempt was accepted.
    AlreadyThere,
    /// Definitely not placed.
    Refused(Refusal),
    /// Definitely not placed: the request was outside its time window (-1021).
    WindowExpired,
    /// It may or may not have been placed.
    Unknown(UnknownCause),
}

/// A definite refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub why: RefusalReason,
    /// The exchange's own words, with code and status.
    pub detail: String,
    /// How long to wait before the next try, where the exchange says so.
    pub retry_after: Option<Duration>,
    /// Set when the cause concerns the whole account.
    pub stop: Option<AccountStop>,
}

/// Why the fate of a placement is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownCause {
    /// No reply in time.
    Timeout,
    /// The connection broke after the request may have left.
    Connection,
    /// A 5xx status or one of -1000, -1001, -1006, -1007.
    Server,
    /// A reply that does not parse.
    Unreadable,
}

impl UnknownCause {
    /// What happened, as the end of a sentence about the request.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Timeout => "got no answer in time",
            Self::Connection => "lost its connection to the exchange",
            Self::Server => "met a fault of the exchange's server",
            Self::Unreadable => "got an answer that cannot be read",
        }
    }
}

/// A cause that concerns a whole account and stops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStop {
    /// The key is unknown, malformed or its signature wrong (-1022, -2014).
    Key,
    /// The key lacks a permission, or the address is not on its list (-2015, -1002).
    Permission,
    /// The account may not trade this (-2010 with a permission text).
    Restricted,
    /// The region is refused (HTTP 451).
    Region,
    /// The address is banned (HTTP 418) or blocked by the firewall (HTTP 403).
    Banned,
}

/// An order as a query or a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// The symbol.
    pub symbol: Symbol,
    /// The exchange's id.
    pub exchange_order_id: ExchangeOrderId,
    /// The id it carries now (an amend may have changed it).
    pub client_order_id: String,
    /// The side.
    pub side: Side,
    /// The limit price; `None` for an order without one.
    pub price: Option<Price>,
    /// The quantity asked for.
    pub quantity: Quantity,
    /// The base quantity executed so far.
    pub executed: Quantity,
    /// The status.
    pub status: OrderStatus,
    /// When the exchange created it.
    pub created_at: ExchangeTime,
    /// When it last changed.
    pub updated_at: ExchangeTime,
}

/// What the exchange tells of an order that is asked for by the exchange's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundOrder {
    /// The order.
    Shown(OrderView),
    /// It ended with nothing executed, so long ago that it is no longer shown. A definite answer.
    Archived,
    /// There is no such order. Proves nothing about a young one.
    NotFound,
}

/// What became of a cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelOutcome {
    /// Cancelled; the order as the reply shows it, which does not say when it was created: the time
    /// of the cancel stands for both its times.
    Canceled(OrderView),
    /// Not open any more: filled, cancelled or never there. A query tells.
    NotOpen,
}

/// Free and locked balance of one asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// What may be used.
    pub free: Quantity,
    /// What open orders hold.
    pub locked: Quantity,
}

/// The fee rates of an account on one symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommissionRates {
    /// What a resting order pays.
    pub maker: Rate,
    /// What an order that trades at once pays.
    pub taker: Rate,
}

/// Whether an order may be sent now, as far as this process knows the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Now,
    /// Not before this instant.
    NotBefore(LocalTime),
}

/// Why a question to the exchange has no answer. None of these says anything about an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// No answer: timeout, broken connection, 5xx, unreadable. Ask again later.
    #[error("the exchange did not answer: {0}")]
    Unavailable(String),
    /// A limit was reached.
    #[error("the exchange asks to wait {after:?}: {detail}")]
    Limited {
        /// How long to wait.
        after: Duration,
        /// The exchange's own words.
        detail: String,
    },
    /// The cause concerns the whole account.
    #[error("the account is refused: {detail}")]
    Stopped {
        /// The cause.
        stop: AccountStop,
        /// The exchange's own words.
        detail: String,
    },
    /// The exchange does not know the symbol.
    #[error("the exchange does not know the symbol {0}")]
    UnknownSymbol(Symbol),
    /// The request was refused as such.
    #[error("the exchange refused the request: {0}")]
    Refused(String),
}

impl AccountStop {
    /// Whether another key could help.
    #[must_use]
    pub const fn is_about_key(self) -> bool {
        match self {
            Self::Key | Self::Permission => true,
            Self::Restricted | Self::Region | Self::Banned => false,
        }
    }
}

impl ExchangeError {
    /// Whether the exchange refused the key, so that reading it anew may help.
    #[must_use]
    pub const fn is_about_key(&self) -> bool {
        match self {
            Self::Stopped { stop, .. } => stop.is_about_key(),
            Self::Unavailable(_)
            | Self::Limited { .. }
            | Self::UnknownSymbol(_)
            | Self::Refused(_) => false,
        }
    }
}

/// One account's trading connection.
pub trait Exchange: Send + Sync {
    /// Whether an order may be sent now by the limits this process knows of.
    fn admission(&self) -> Admission;

    /// Whether the exchange has told this process its limits: they come with a symbol's rules.
    /// Until then its usual ones are kept to.
    fn limits_known(&self) -> bool;

    /// The exchange's time as estimated here, for a request's timestamp. Never used to judge
    /// whether a lease is over.
    fn estimated_time(&self) -> ExchangeTime;

    /// The exchange's own time, asked in this call.
    ///
    /// # Errors
    /// When the exchange does not answer.
    fn server_time(&self) -> impl Future<Output = Result<ExchangeTime, ExchangeError>> + Send;

    /// Sends one order once, signed with `timestamp`. Never retries.
    fn place(
        &self,
        order: &NewOrder,
        timestamp: ExchangeTime,
    ) -> impl Future<Output = PlaceOutcome> + Send;

    /// Looks an order up by the id it was sent under. `None` proves nothing while its lease lives.
    ///
    /// # Errors
    /// When the exchange does not answer.
    fn find_order(
        &self,
        symbol: &Symbol,
        client_order_id: &ClientOrderId,
    ) -> impl Future<Output = Result<Option<OrderView>, ExchangeError>> + Send;

    /// Looks an order up by the exchange's id.
    ///
    /// # Errors
    /// When the exchange does not answer.
    fn order(
        &self,
        symbol: &Symbol,
        id: ExchangeOrderId,
    ) -> impl Future<Output = Result<FoundOrder, ExchangeError>> + Send;

    /// All orders of a symbol created since an instant, oldest first.
    ///
    /// # Errors
    /// When the exchange does not answer.
    fn orders_since(
        &self,
        symbol: &Symbol,
        since: ExchangeTime,
    ) -> impl Future<Output = Result<Vec<OrderView>, ExchangeError>> + Send;

    /// All open orders of a symbol.
    ///
    /// # Errors
    /// When the exchange does not answer.
    fn open_orders(
        &self,
        symbol: &Symbol,
    ) -> impl Future<Output = Result<Vec<OrderView>, ExchangeError>> + Send;

    /// All trades of one order, in the order of their ids, all pages.
    ///
    /// # Errors
    /// When the exchange does not answer.
    fn trades(
        &self,
        symbol: &Symbol,
        id: ExchangeOrderId,
    ) -> impl Future<Output = Result<Vec<Trade>, ExchangeError>> + Send;

    /// Cancels an order by the exchange's id.
    ///
    /// # Errors
    /// When the exchange does not answer: the order may or may not be cancelled.
    fn cancel(
        &self,
        symbol: &Symbol,
        id: ExchangeOrderId,
    ) -> impl Future<Output = Result<CancelOutcome, ExchangeError>> + Send;

    /// The rules of a symbol, with status `Delisted` when it is not listed any more.
    ///
    /// # Errors
    /// When the exchange does not answer.
    fn rules(
        &self,
        symbol: &Symbol,
    ) -> impl Future<Output = Result<SymbolRules, ExchangeError>> + Send;

    /// The best prices of a symbol now.
    ///
    /// # Errors
    /// When the exchange does not answer.
    fn best_prices(
        &self,
        symbol: &Symbol,
    ) -> impl Future<Output = Result<BestPrices, ExchangeError>> + Send;

    /// The account's balances, without those of zero.
    ///
    /// # Errors
    /// When the exchange does not answer.
    fn balances(
        &self,
    ) -> impl Future<Output = Result<BTreeMap<Asset, Balance>, ExchangeError>> + Send;

    /// The account's fee rates on a symbol.
    ///
    /// # Errors
    /// When the exchange does not answer.
    fn commission(
        &self,
        symbol: &Symbol,
    ) -> impl Future<Output = Result<CommissionRates, ExchangeError>> + Send;
}

/// The trading connections of all accounts.
pub trait Exchanges: Send + Sync {
    /// One account's connection.
    type Connection: Exchange;

    /// The connection of an account as its record has it, opened with its trade key if it is not yet:
    /// one opened for an account that had the same name before is not it.
    ///
    /// # Errors
    /// When the account has no usable trade key, or is not what the record says any more.
    fn connect(
        &self,
        account: &AccountRecord,
    ) -> impl Future<Output = Result<Self::Connection, ExchangeError>> + Send;

    /// The same after reading the trade key anew, for when the exchange refused the key of a
    /// connection.
    ///
    /// # Errors
    /// When the account has no usable trade key but the one that was refused.
    fn reconnect(
        &self,
        account: &AccountId,
        refused: &Self::Connection,
    ) -> impl Future<Output = Result<Self::Connection, ExchangeError>> + Send;
}
