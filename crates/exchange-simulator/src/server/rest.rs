//! The REST endpoints: which there are, what each weighs, and the way every request takes.
//!
//! Entry point: [`serve`]. Limits first, then key, window and signature, then faults, then the endpoint. Weights are
//! those of `rest-api.md`.

use serde_json::{Value, json};

use super::core::Shared;
use super::reading;
use super::request::{Claim, Permission, Request, authorize};
use super::trading;
use super::wire;
use crate::faults::QueryFault;
use crate::model::Reject;

/// A reply, or none: the connection breaks.
#[derive(Debug)]
pub(crate) enum Reply {
    Json {
        status: u16,
        body: Value,
        headers: Vec<(&'static str, String)>,
    },
    Broken,
}

impl Reply {
    pub(crate) fn ok(body: Value) -> Self {
        Self::Json {
            status: 200,
            body,
            headers: Vec::new(),
        }
    }

    pub(crate) fn refused(reject: &Reject) -> Self {
        let headers = reject
            .retry_after_seconds
            .map(|seconds| ("retry-after", seconds.to_string()))
            .into_iter()
            .collect();
        Self::Json {
            status: reject.http_status,
            body: wire::error(reject),
            headers,
        }
    }

    pub(crate) fn with_header(self, name: &'static str, value: String) -> Self {
        match self {
            Self::Json {
                status,
                body,
                mut headers,
            } => {
                headers.push((name, value));
                Self::Json {
                    status,
                    body,
                    headers,
                }
            }
            Self::Broken => Self::Broken,
        }
    }
}

impl From<Result<Value, Reject>> for Reply {
    fn from(result: Result<Value, Reject>) -> Self {
        match result {
            Ok(body) => Self::ok(body),
            Err(reject) => Self::refused(&reject),
        }
    }
}

/// Every endpoint there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// No key needed.
    Public(PublicEndpoint),
    /// A key that may trade; orders change.
    Trading(TradingEndpoint),
    /// A key; nothing changes.
    Reading(ReadingEndpoint),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublicEndpoint {
    Ping,
    Time,
    ExchangeInfo,
    TickerPrice,
    BookTicker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TradingEndpoint {
    NewOrder,
    CancelOrder,
    CancelOpenOrders,
    AmendOrder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadingEndpoint {
    TestOrder,
    QueryOrder,
    OpenOrders,
    AllOrders,
    MyTrades,
    Account,
    Commission,
    OrderRateLimit,
    ApiRestrictions,
}

impl ReadingEndpoint {
    const fn permission(self) -> Permission {
        match self {
            Self::TestOrder => Permission::Trading,
            Self::QueryOrder
            | Self::OpenOrders
            | Self::AllOrders
            | Self::MyTrades
            | Self::Account
            | Self::Commission
            | Self::OrderRateLimit
            | Self::ApiRestrictions => Permission::Reading,
        }
    }

    /// Whether it looks orders or trades up, which may lag.
    const fn looks_up(self) -> bool {
        matches!(
            self,
            Self::QueryOrder | Self::OpenOrders | Self::AllOrders | Self::MyTrades
        )
    }
}

impl Endpoint {
    fn find(method: &str, path: &str) -> Option<Self> {
        use {PublicEndpoint as P, ReadingEndpoint as R, TradingEndpoint as T};
        let endpoint = match (method, path) {
            ("GET", "/api/v3/ping") => Self::Public(P::Ping),
            ("GET", "/api/v3/time") => Self::Public(P::Time),
            ("GET", "/api/v3/exchangeInfo") => Self::Public(P::ExchangeInfo),
            ("GET", "/api/v3/ticker/price") => Self::Public(P::TickerPrice),
            ("GET", "/api/v3/ticker/bookTicker") => Self::Public(P::BookTicker),
            ("POST", "/api/v3/order") => Self::Trading(T::NewOrder),
            ("DELETE", "/api/v3/order") => Self::Trading(T::CancelOrder),
            ("DELETE", "/api/v3/openOrders") => Self::Trading(T::CancelOpenOrders),
            ("PUT", "/api/v3/order/amend/keepPriority") => Self::Trading(T::AmendOrder),
            ("POST", "/api/v3/order/test") => Self::Reading(R::TestOrder),
            ("GET", "/api/v3/order") => Self::Reading(R::QueryOrder),
            ("GET", "/api/v3/openOrders") => Self::Reading(R::OpenOrders),
            ("GET", "/api/v3/allOrders") => Self::Reading(R::AllOrders),
            ("GET", "/api/v3/myTrades") => Self::Reading(R::MyTrades),
            ("GET", "/api/v3/account") => Self::Reading(R::Account),
            ("GET", "/api/v3/account/commission") => Self::Reading(R::Commission),
            ("GET", "/api/v3/rateLimit/order") => Self::Reading(R::OrderRateLimit),
            ("GET", "/sapi/v1/account/apiRestrictions") => Self::Reading(R::ApiRestrictions),
            _ => return None,
        };
        Some(endpoint)
    }

    fn weight(self, request: &Request) -> u64 {
        use {PublicEndpoint as P, ReadingEndpoint as R, TradingEndpoint as T};
        let by = |name, with, without| {
            if request.text(name).is_some() {
                with
            } else {
                without
            }
        };
        match self {
            Self::Public(P::Ping | P::Time) | Self::Reading(R::ApiRestrictions | R::TestOrder) => 1,
            Self::Trading(T::NewOrder | T::CancelOrder | T::CancelOpenOrders) => 1,
            Self::Public(P::TickerPrice | P::BookTicker) => by("symbol", 2, 4),
            Self::Trading(T::AmendOrder) | Self::Reading(R::QueryOrder) => 4,
            Self::Reading(R::OpenOrders) => by("symbol", 6, 80),
            Self::Reading(R::MyTrades) => by("orderId", 5, 20),
            Self::Reading(R::AllOrders | R::Account | R::Commission)
            | Self::Public(P::ExchangeInfo) => 20,
            Self::Reading(R::OrderRateLimit) => 40,
        }
    }
}

/// Serves one request.
pub(crate) async fn serve(shared: &Shared, request: Request) -> Reply {
    let weighed = shared.look().now_ms();
    let Some(endpoint) = Endpoint::find(&request.method, &request.path) else {
        return unknown(&request);
    };
    let weight = endpoint.weight(&request);
    let admitted = {
        let mut core = shared.look();
        core.limits.admit(weighed, weight)
    };
    let reply = match (admitted, endpoint) {
        (Err(reject), _) => Reply::refused(&reject),
        (Ok(()), Endpoint::Trading(endpoint)) => {
            trading::serve(shared, endpoint, request, weight).await
        }
        (Ok(()), Endpoint::Reading(endpoint)) => read(shared, endpoint, &request),
        (Ok(()), Endpoint::Public(endpoint)) => {
            let core = shared.look();
            reading::public(&core, endpoint, &request, core.now_ms()).into()
        }
    };
    let mut core = shared.look();
    let now_ms = core.now_ms();
    let used = core.limits.used_weight(now_ms);
    reply
        .with_header("x-mbx-used-weight-1m", used.to_string())
        .with_header("x-mbx-used-weight", used.to_string())
}

fn read(shared: &Shared, endpoint: ReadingEndpoint, request: &Request) -> Reply {
    let mut core = shared.look();
    let now_ms = core.now_ms();
    let signed = match authorize(
        &core.exchange,
        &Claim::of(request),
        endpoint.permission(),
        now_ms,
    ) {
        Ok(signed) => signed,
        Err(reject) => return Reply::refused(&reject),
    };
    let fault = if endpoint.looks_up() {
        core.faults.on_query()
    } else {
        None
    };
    let as_of_ms = match fault {
        Some(QueryFault::Failed) => return Reply::refused(&Reject::server_error()),
        Some(QueryFault::Lagging(lag_ms)) => core
            .engine_now_ms()
            .saturating_sub(i64::try_from(lag_ms).unwrap_or(i64::MAX)),
        None => i64::MAX,
    };
    reading::signed(&mut core, (endpoint, request), &signed, (now_ms, as_of_ms)).into()
}

fn unknown(request: &Request) -> Reply {
    // Listen keys were removed in 2026; clients that still use them see 410.
    let retired =
        request.path.starts_with("/api/v3/userDataStream") || request.path.starts_with("/api/v1/");
    let status = if retired { 410 } else { 404 };
    let body = json!({ "code": -1000, "msg": format!("{} {} does not exist here.", request.method, request.path) });
    Reply::Json {
        status,
        body,
        headers: Vec::new(),
    }
}
