//! The readers of what the exchange sends over HTTP, each as a function of bytes.
//!
//! Only with the feature `readers`, for tests that give them hostile bytes: the adapter itself reads
//! replies in the course of a request. The readers of the stream are public as they are
//! ([`crate::stream::Frame::read`], [`crate::stream::Subscriptions::take`]), and so is
//! [`crate::classify`].

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{
    AccountId, Asset, BestPrices, ExchangeOrderId, ExchangeTime, Execution, Symbol, SymbolRules,
    Trade,
};
use reqwest::header::HeaderMap;
use trading::{Balance, CommissionRates, ExchangeError, NewOrder, OrderView};

use crate::rest::headers::LimitHeaders;
use crate::rest::{address, wire};
use crate::{AddressError, KeyPermissions};

/// The reply to `POST /api/v3/order` as the answer to `order`.
///
/// # Errors
/// Why it does not show that order.
pub fn placed(body: &[u8], order: &NewOrder, account: &AccountId) -> Result<Execution, String> {
    wire::order::read_placed(body, order, account)
}

/// The reply to `GET /api/v3/order`.
///
/// # Errors
/// [`ExchangeError`] when it cannot be read.
pub fn order(body: &[u8]) -> Result<OrderView, ExchangeError> {
    wire::order::read_order(body)
}

/// The reply to `GET /api/v3/openOrders` and `allOrders`.
///
/// # Errors
/// [`ExchangeError`] when any row cannot be read.
pub fn orders(body: &[u8]) -> Result<Vec<OrderView>, ExchangeError> {
    wire::order::read_orders(body)
}

/// The reply to `DELETE /api/v3/order`.
///
/// # Errors
/// [`ExchangeError`] when it cannot be read.
pub fn canceled(body: &[u8]) -> Result<OrderView, ExchangeError> {
    wire::order::read_canceled(body)
}

/// The reply to `GET /api/v3/myTrades` of an order.
///
/// # Errors
/// [`ExchangeError`] when any row cannot be read.
pub fn trades(body: &[u8], order: ExchangeOrderId) -> Result<Vec<Trade>, ExchangeError> {
    wire::trade::read_trades(body, order)
}

/// The reply to `GET /api/v3/account`.
///
/// # Errors
/// [`ExchangeError`] when it cannot be read.
pub fn balances(body: &[u8]) -> Result<BTreeMap<Asset, Balance>, ExchangeError> {
    wire::account::read_balances(body)
}

/// The reply to `GET /api/v3/account/commission`.
///
/// # Errors
/// [`ExchangeError`] when it cannot be read.
pub fn commission(body: &[u8]) -> Result<CommissionRates, ExchangeError> {
    wire::account::read_commission(body)
}

/// The reply to `GET /sapi/v1/account/apiRestrictions`.
///
/// # Errors
/// [`ExchangeError`] when it cannot be read.
pub fn permissions(body: &[u8]) -> Result<KeyPermissions, ExchangeError> {
    wire::account::read_permissions(body)
}

/// What `GET /api/v3/exchangeInfo` tells.
#[derive(Debug)]
pub struct Told {
    /// The request weight an address may use in a minute.
    pub weight_per_minute: Option<u32>,
    /// How many new orders an account may send per interval.
    pub order_limits: Vec<(Duration, u32)>,
    /// The symbol's rules.
    pub rules: Result<SymbolRules, ExchangeError>,
}

/// The reply to `GET /api/v3/exchangeInfo`.
///
/// # Errors
/// [`ExchangeError`] when it cannot be read.
pub fn exchange_info(body: &[u8], symbol: &Symbol) -> Result<Told, ExchangeError> {
    let info = wire::symbol::read_exchange_info(body)?;
    Ok(Told {
        weight_per_minute: info.weight_per_minute(),
        order_limits: info.order_limits(),
        rules: info.rules_of(symbol),
    })
}

/// The reply to `GET /api/v3/ticker/bookTicker`.
///
/// # Errors
/// [`ExchangeError`] when it cannot be read, or nobody buys or nobody sells.
pub fn best_prices(body: &[u8], symbol: &Symbol) -> Result<BestPrices, ExchangeError> {
    wire::symbol::read_best_prices(body, symbol)
}

/// The reply to `GET /api/v3/time`.
///
/// # Errors
/// [`ExchangeError`] when it cannot be read.
pub fn server_time(body: &[u8]) -> Result<ExchangeTime, ExchangeError> {
    wire::read_server_time(body)
}

/// What a reply's headers say about limits.
#[derive(Debug)]
pub struct Limits {
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    /// `X-MBX-USED-WEIGHT-1M`.
    pub used_weight: Option<u32>,
    /// `X-MBX-ORDER-COUNT-(number)(letter)`.
    pub order_counts: Vec<(Duration, u32)>,
}

/// The headers of a reply.
#[must_use]
pub fn limit_headers(headers: &HeaderMap) -> Limits {
    let LimitHeaders {
        retry_after,
        used_weight,
        order_counts,
    } = LimitHeaders::read(headers);
    Limits {
        retry_after,
        used_weight,
        order_counts,
    }
}

/// The base of the exchange's addresses, as operators write it.
///
/// # Errors
/// [`AddressError`] when it is none.
pub fn base_url(text: &str) -> Result<String, AddressError> {
    address::checked_base_url(text)
}
