//! Questions about orders, trades, symbols and the account, and the cancel of an order.
//!
//! Every list is complete or an error: a page that may be cut is split or followed up, and a row
//! that cannot be read fails the whole answer, because a missing row would look like a missing order.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{Asset, BestPrices, ExchangeOrderId, ExchangeTime, Symbol, SymbolRules, Trade};
use reqwest::Method;
use trading::{
    Balance, CancelOutcome, CommissionRates, ExchangeError, FoundOrder, MAX_TRADES_PER_ORDER,
    OrderView,
};

use super::address::RestAddress;
use super::client::{RestClient, Signed};
use super::question::{Failure, Question};
use super::transport::Outgoing;
use super::weight_budget::Share;
use super::wire;
use super::wire::account::KeyPermissions;
use crate::{Meaning, query};

/// The most rows of one page of `allOrders` and `myTrades` (rest-api.md).
const PAGE: usize = 1_000;

/// The longest time between `startTime` and `endTime` (rest-api.md).
const LONGEST_SPAN: Duration = Duration::from_secs(24 * 3600);

/// The most spans of time of a listing that settles an order. An order is looked for since it was
/// first sent; what goes back further is an audit, and can wait.
const SETTLING_SPANS: usize = 7;

/// The most requests one listing may take: the exchange archives unfilled orders after 90 days.
const MAX_REQUESTS: usize = 200;

fn get<'a>(path: &'static str, symbol: Option<&Symbol>, weight: u32, share: Share) -> Signed<'a> {
    Signed {
        method: Method::GET,
        path,
        params: symbol
            .map(|symbol| ("symbol", symbol.to_string()))
            .into_iter()
            .collect(),
        weight,
        share,
    }
}

/// `GET /api/v3/order`, by one of its two keys.
pub(crate) async fn order(
    client: &RestClient,
    symbol: &Symbol,
    key: (&'static str, String),
) -> Result<FoundOrder, ExchangeError> {
    let mut signed = get("/api/v3/order", Some(symbol), 4, Share::Settling);
    signed.params.push(key);
    match client.ask(signed).await {
        Ok(answer) => {
            let view = wire::order::read_order(&answer.body)?;
            if view.symbol == *symbol {
                Ok(FoundOrder::Shown(view))
            } else {
                Err(unreadable(format!(
                    "asked for {symbol}, shown {}",
                    view.symbol
                )))
            }
        }
        Err(Failure::Reply(verdict)) if verdict.meaning == Meaning::NoSuchOrder => {
            Ok(FoundOrder::NotFound)
        }
        Err(Failure::Reply(verdict)) if verdict.meaning == Meaning::Archived => {
            Ok(FoundOrder::Archived)
        }
        Err(failure) => Err(failure.into_error(Some(symbol))),
    }
}

/// `GET /api/v3/openOrders`.
pub(crate) async fn open_orders(
    client: &RestClient,
    symbol: &Symbol,
) -> Result<Vec<OrderView>, ExchangeError> {
    let signed = get("/api/v3/openOrders", Some(symbol), 6, Share::Ordinary);
    let answer = client
        .ask(signed)
        .await
        .map_err(|failure| failure.into_error(Some(symbol)))?;
    wire::order::read_orders(&answer.body)
}

/// `GET /api/v3/allOrders`, over as many spans of time as it takes. The exchange does not say which
/// rows it leaves out when there are more than fit on a page, so a full page is never relied upon:
/// its span is halved until no page is full.
pub(crate) async fn orders_since(
    client: &RestClient,
    symbol: &Symbol,
    since: ExchangeTime,
) -> Result<Vec<OrderView>, ExchangeError> {
    let now = client.address.estimated_time();
    let mut spans = Vec::new();
    let mut start = since;
    while now.since(start) >= LONGEST_SPAN {
        let next = start.after(LONGEST_SPAN);
        spans.push((start, Some(next.before(Duration::from_millis(1)))));
        start = next;
        if spans.len() > MAX_REQUESTS {
            return Err(ExchangeError::Refused(format!(
                "orders of {symbol} are asked for since {since}, too long ago to list them all"
            )));
        }
    }
    // The last span has no end, so that a clock that is behind hides no young order.
    spans.push((start, None));
    let share = if spans.len() <= SETTLING_SPANS {
        Share::Settling
    } else {
        Share::Ordinary
    };
    let mut found = BTreeMap::new();
    let mut requests = 0_usize;
    while let Some((start, end)) = spans.pop() {
        requests = requests.saturating_add(1);
        let rows = orders_between(client, symbol, (start, end), share).await?;
        if rows.len() < PAGE {
            found.extend(rows.into_iter().map(|row| (row.exchange_order_id, row)));
            continue;
        }
        let last = end.unwrap_or_else(|| client.address.estimated_time());
        let half = last.since(start).checked_div(2).unwrap_or_default();
        let middle = start.after(half);
        if middle <= start || requests >= MAX_REQUESTS {
            return Err(unreadable(format!(
                "{symbol} has more orders around {start} than can be listed"
            )));
        }
        spans.push((start, Some(middle.before(Duration::from_millis(1)))));
        spans.push((middle, end));
    }
    let mut rows: Vec<_> = found
        .into_values()
        .filter(|row| row.created_at >= since)
        .collect();
    rows.sort_by_key(|row| (row.created_at, row.exchange_order_id));
    Ok(rows)
}

async fn orders_between(
    client: &RestClient,
    symbol: &Symbol,
    (start, end): (ExchangeTime, Option<ExchangeTime>),
    share: Share,
) -> Result<Vec<OrderView>, ExchangeError> {
    let mut signed = get("/api/v3/allOrders", Some(symbol), 20, share);
    signed.params.push(("startTime", start.to_string()));
    if let Some(end) = end {
        signed.params.push(("endTime", end.to_string()));
    }
    signed.params.push(("limit", PAGE.to_string()));
    let answer = client
        .ask(signed)
        .await
        .map_err(|failure| failure.into_error(Some(symbol)))?;
    wire::order::read_orders(&answer.body)
}

/// `GET /api/v3/myTrades` of one order. Without a first id the exchange shows the *latest* page, so
/// an order with a full one is read again from its first trade on.
pub(crate) async fn trades(
    client: &RestClient,
    symbol: &Symbol,
    id: ExchangeOrderId,
) -> Result<Vec<Trade>, ExchangeError> {
    let mut found: BTreeMap<_, Trade> = BTreeMap::new();
    let mut from = None;
    loop {
        let rows = trades_from(client, symbol, id, from).await?;
        let full = rows.len() >= PAGE;
        let last = rows.iter().map(|trade| trade.id.0).max();
        found.extend(rows.into_iter().map(|trade| (trade.id, trade)));
        if !full {
            return Ok(found.into_values().collect());
        }
        if found.len() > MAX_TRADES_PER_ORDER {
            return Err(ExchangeError::Refused(format!(
                "order {id} of {symbol} has more than {MAX_TRADES_PER_ORDER} trades"
            )));
        }
        let next = match from {
            None => 0,
            Some(_) => last.unwrap_or(i64::MAX).saturating_add(1),
        };
        if from.is_some_and(|from| next <= from) {
            return Err(unreadable(format!(
                "pages of trades of order {id} do not go on"
            )));
        }
        from = Some(next);
    }
}

async fn trades_from(
    client: &RestClient,
    symbol: &Symbol,
    id: ExchangeOrderId,
    from: Option<i64>,
) -> Result<Vec<Trade>, ExchangeError> {
    let mut signed = get("/api/v3/myTrades", Some(symbol), 5, Share::Settling);
    signed.params.push(("orderId", id.to_string()));
    if let Some(from) = from {
        signed.params.push(("fromId", from.to_string()));
    }
    signed.params.push(("limit", PAGE.to_string()));
    let answer = client
        .ask(signed)
        .await
        .map_err(|failure| failure.into_error(Some(symbol)))?;
    wire::trade::read_trades(&answer.body, id)
}

/// `DELETE /api/v3/order`.
pub(crate) async fn cancel(
    client: &RestClient,
    symbol: &Symbol,
    id: ExchangeOrderId,
) -> Result<CancelOutcome, ExchangeError> {
    let mut signed = get("/api/v3/order", Some(symbol), 0, Share::Settling);
    signed.method = Method::DELETE;
    signed.params.push(("orderId", id.to_string()));
    match client.ask(signed).await {
        Ok(answer) => {
            let view = wire::order::read_canceled(&answer.body)?;
            if view.symbol == *symbol && view.exchange_order_id == id {
                Ok(CancelOutcome::Canceled(view))
            } else {
                Err(unreadable(format!(
                    "cancelled order {id} of {symbol}, shown another"
                )))
            }
        }
        Err(Failure::Reply(verdict))
            if matches!(verdict.meaning, Meaning::NotOpen | Meaning::NoSuchOrder) =>
        {
            Ok(CancelOutcome::NotOpen)
        }
        Err(failure) => Err(failure.into_error(Some(symbol))),
    }
}

/// `GET /api/v3/account`.
pub(crate) async fn balances(
    client: &RestClient,
) -> Result<BTreeMap<Asset, Balance>, ExchangeError> {
    let mut signed = get("/api/v3/account", None, 20, Share::Ordinary);
    signed.params.push(("omitZeroBalances", "true".to_owned()));
    let answer = client
        .ask(signed)
        .await
        .map_err(|failure| failure.into_error(None))?;
    wire::account::read_balances(&answer.body)
}

/// `GET /api/v3/account/commission`.
pub(crate) async fn commission(
    client: &RestClient,
    symbol: &Symbol,
) -> Result<CommissionRates, ExchangeError> {
    let signed = get(
        "/api/v3/account/commission",
        Some(symbol),
        20,
        Share::Ordinary,
    );
    let answer = client
        .ask(signed)
        .await
        .map_err(|failure| failure.into_error(Some(symbol)))?;
    wire::account::read_commission(&answer.body)
}

/// `GET /sapi/v1/account/apiRestrictions`. Its weight is counted apart from that of `/api`.
pub(crate) async fn key_permissions(
    client: &RestClient,
) -> Result<Option<KeyPermissions>, ExchangeError> {
    let path = "/sapi/v1/account/apiRestrictions";
    match client.ask(get(path, None, 0, Share::Ordinary)).await {
        Ok(answer) => wire::account::read_permissions(&answer.body).map(Some),
        Err(Failure::Reply(verdict)) if verdict.status == 404 => Ok(None),
        Err(failure) => Err(failure.into_error(None)),
    }
}

impl RestAddress {
    /// The rules of a symbol (`GET /api/v3/exchangeInfo`), at most a minute old. Takes over the limits
    /// stated with them.
    ///
    /// # Errors
    /// [`ExchangeError::UnknownSymbol`] when the exchange does not list the symbol, any more or at
    /// all; otherwise when it does not answer.
    pub async fn rules(&self, symbol: &Symbol) -> Result<SymbolRules, ExchangeError> {
        let asked = self.now();
        if let Some(known) = self.rules_cache().get(symbol, asked) {
            return known.ok_or_else(|| ExchangeError::UnknownSymbol(symbol.clone()));
        }
        let rules = self.read_rules(symbol).await;
        match &rules {
            Ok(rules) => self.rules_cache().keep(symbol, asked, Some(rules.clone())),
            Err(ExchangeError::UnknownSymbol(_)) => self.rules_cache().keep(symbol, asked, None),
            // Nothing was learnt.
            Err(_) => {}
        }
        rules
    }

    async fn read_rules(&self, symbol: &Symbol) -> Result<SymbolRules, ExchangeError> {
        let params = [
            ("symbol", symbol.to_string()),
            ("showPermissionSets", "false".to_owned()),
        ];
        let body = self
            .ask_public("/api/v3/exchangeInfo", &params, 20, symbol)
            .await?;
        let info = wire::symbol::read_exchange_info(&body)?;
        self.learn_limits(info.weight_per_minute(), info.order_limits());
        info.rules_of(symbol)
    }

    /// The best prices of a symbol (`GET /api/v3/ticker/bookTicker`).
    ///
    /// # Errors
    /// [`ExchangeError`] when the exchange does not answer, or nobody buys or nobody sells.
    pub async fn best_prices(&self, symbol: &Symbol) -> Result<BestPrices, ExchangeError> {
        let params = [("symbol", symbol.to_string())];
        let body = self
            .ask_public("/api/v3/ticker/bookTicker", &params, 2, symbol)
            .await?;
        wire::symbol::read_best_prices(&body, symbol)
    }

    async fn ask_public(
        &self,
        path: &'static str,
        params: &[(&str, String)],
        weight: u32,
        symbol: &Symbol,
    ) -> Result<Vec<u8>, ExchangeError> {
        let question = Question {
            outgoing: Outgoing {
                method: Method::GET,
                path,
                query: query(params),
                api_key: None,
                timeout: self.query_timeout(),
            },
            weight,
            share: Share::Ordinary,
        };
        let answer = self
            .ask(question)
            .await
            .map_err(|failure| failure.into_error(Some(symbol)))?;
        Ok(answer.body)
    }
}

fn unreadable(detail: String) -> ExchangeError {
    ExchangeError::Unavailable(detail)
}
