//! Endpoints that only look: public market data, and an account's orders, trades and balances.
//!
//! Entry points: [`public`], [`signed`]. Never changes an order.

use serde_json::{Value, json};

use super::core::Core;
use super::request::{Request, Signed};
use super::rest::{PublicEndpoint, ReadingEndpoint};
use super::wire;
use crate::model::{ListQuery, OrderKey, Reject, SymbolRules};

/// Answers a public endpoint.
pub(crate) fn public(
    core: &Core,
    endpoint: PublicEndpoint,
    request: &Request,
    now_ms: i64,
) -> Result<Value, Reject> {
    match endpoint {
        PublicEndpoint::Time => Ok(json!({ "serverTime": now_ms })),
        PublicEndpoint::ExchangeInfo => {
            let symbols = chosen(core, request)?;
            Ok(wire::exchange_info(&symbols, &core.limits.config(), now_ms))
        }
        PublicEndpoint::TickerPrice => ticker(core, request, |rules| {
            let price = core.exchange.last_price(&rules.symbol).unwrap_or_default();
            json!({ "symbol": rules.symbol, "price": wire::amount(price) })
        }),
        PublicEndpoint::BookTicker => ticker(core, request, |rules| {
            let (bid, ask) = core.exchange.best_quote(&rules.symbol).unwrap_or_default();
            let quantity = wire::amount(rules.max_quantity);
            json!({
                "symbol": rules.symbol,
                "bidPrice": wire::amount(bid),
                "bidQty": quantity,
                "askPrice": wire::amount(ask),
                "askQty": quantity,
            })
        }),
        PublicEndpoint::Ping => Ok(json!({})),
    }
}

/// The symbols a request names by `symbol` or `symbols`; all if it names none.
fn chosen<'a>(core: &'a Core, request: &Request) -> Result<Vec<&'a SymbolRules>, Reject> {
    let rules_of = |symbol: &str| {
        core.exchange
            .rules_of(symbol)
            .ok_or_else(Reject::invalid_symbol)
    };
    match (request.text("symbol"), request.text("symbols")) {
        (Some(_), Some(_)) => Err(Reject::combination()),
        (Some(symbol), None) => Ok(vec![rules_of(symbol)?]),
        (None, Some(list)) => {
            let names: Vec<String> = serde_json::from_str(list).map_err(|_not_a_list| {
                Reject::illegal_characters("symbols", r#"["SYMBOL",...]"#)
            })?;
            names.iter().map(|name| rules_of(name)).collect()
        }
        (None, None) => Ok(core.exchange.rules().collect()),
    }
}

fn ticker(
    core: &Core,
    request: &Request,
    one: impl Fn(&SymbolRules) -> Value,
) -> Result<Value, Reject> {
    let symbols = chosen(core, request)?;
    match (request.text("symbol"), symbols.first()) {
        (Some(_), Some(rules)) => Ok(one(rules)),
        _ => Ok(symbols.into_iter().map(one).collect()),
    }
}

/// Answers a signed endpoint as of a moment.
pub(crate) fn signed(
    core: &mut Core,
    (endpoint, request): (ReadingEndpoint, &Request),
    signed: &Signed,
    (now_ms, as_of_ms): (i64, i64),
) -> Result<Value, Reject> {
    let account = signed.account.as_str();
    match endpoint {
        ReadingEndpoint::QueryOrder
        | ReadingEndpoint::OpenOrders
        | ReadingEndpoint::AllOrders
        | ReadingEndpoint::MyTrades => look_up(core, (endpoint, request), account, as_of_ms),
        ReadingEndpoint::Account => {
            let omit_zero = request.text("omitZeroBalances") == Some("true");
            let owner = core
                .exchange
                .account(account)
                .ok_or_else(Reject::key_permission)?;
            Ok(wire::account(owner, &signed.key, omit_zero, now_ms))
        }
        ReadingEndpoint::Commission => {
            let symbol = request.mandatory("symbol")?;
            core.exchange
                .rules_of(symbol)
                .ok_or_else(Reject::invalid_symbol)?;
            let owner = core
                .exchange
                .account(account)
                .ok_or_else(Reject::key_permission)?;
            Ok(wire::commission(owner, symbol))
        }
        ReadingEndpoint::OrderRateLimit => {
            let limits = core.limits.config();
            let (short, day) = core.limits.order_counts(now_ms, account);
            Ok(json!([
                { "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10,
                  "limit": limits.orders_per_ten_seconds, "count": short },
                { "rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1,
                  "limit": limits.orders_per_day, "count": day },
            ]))
        }
        ReadingEndpoint::ApiRestrictions => Ok(wire::api_restrictions(&signed.key, now_ms)),
        ReadingEndpoint::TestOrder => {
            let order = super::trading::new_order(request)?;
            core.exchange
                .check_order(account, &order)
                .map(|()| json!({}))
        }
    }
}

/// Orders and trades as of a moment.
fn look_up(
    core: &Core,
    (endpoint, request): (ReadingEndpoint, &Request),
    account: &str,
    as_of_ms: i64,
) -> Result<Value, Reject> {
    if endpoint == ReadingEndpoint::OpenOrders {
        let orders = core
            .exchange
            .open_orders(as_of_ms, account, request.text("symbol"))?;
        return Ok(orders.iter().map(wire::order).collect());
    }
    let symbol = request.mandatory("symbol")?;
    if endpoint == ReadingEndpoint::QueryOrder {
        let key = order_key(request)?;
        let order = core.exchange.query(as_of_ms, account, (symbol, &key))?;
        return Ok(wire::order(&order));
    }
    let query = list_query(request)?;
    if endpoint == ReadingEndpoint::AllOrders {
        let query = ListQuery {
            from_id: request.id("orderId")?,
            ..query
        };
        let orders = core
            .exchange
            .all_orders(as_of_ms, account, (symbol, query))?;
        return Ok(orders.iter().map(wire::order).collect());
    }
    let (from_id, order_id) = (request.id("fromId")?, request.id("orderId")?);
    let query = ListQuery {
        from_id,
        order_id,
        ..query
    };
    let trades = core
        .exchange
        .my_trades(as_of_ms, account, (symbol, query))?;
    Ok(trades
        .iter()
        .map(|trade| wire::trade(symbol, trade))
        .collect())
}

/// Which order a query or cancel means.
pub(crate) fn order_key(request: &Request) -> Result<OrderKey, Reject> {
    Ok(OrderKey {
        order_id: request.id("orderId")?,
        client_order_id: request.text("origClientOrderId").map(str::to_owned),
    })
}

fn list_query(request: &Request) -> Result<ListQuery, Reject> {
    let limit = request
        .id("limit")?
        .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if limit == Some(0) {
        return Err(Reject::invalid_parameter("limit"));
    }
    Ok(ListQuery {
        from_id: None,
        order_id: None,
        start_ms: request.integer("startTime")?,
        end_ms: request.integer("endTime")?,
        limit,
    })
}
