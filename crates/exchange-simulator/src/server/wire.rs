//! The exchange's JSON: orders, trades, account, symbols, events, errors.
//!
//! Entry points: one function per shape. Field names and types are those of `rest-api.md`, `user-data-stream.md` and
//! `web-socket-api.md`; amounts are strings of eight decimals. Never decides anything.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Map, Value, json};

use super::config::LimitsConfig;
use crate::model::{
    Account, ApiKey, EventBody, ExecutionReport, ExecutionType, Order, OrderReport, OrderType,
    Reject, SymbolRules, Trade,
};

/// An amount as the exchange writes it.
pub(crate) fn amount(value: Decimal) -> String {
    format!("{value:.8}")
}

/// How much a placement answers (`newOrderRespType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseType {
    Ack,
    Result,
    Full,
}

pub(crate) fn error(reject: &Reject) -> Value {
    json!({ "code": reject.code, "msg": reject.message })
}

/// The reply to a placement.
pub(crate) fn placed(report: &OrderReport, kind: ResponseType) -> Value {
    let order = &report.order;
    let mut reply = json!({
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": &*order.state.client_order_id,
        "transactTime": order.state.update_ms,
    });
    if kind != ResponseType::Ack {
        extend(&mut reply, result_fields(order));
        extend(&mut reply, json!({ "workingTime": order.working_ms }));
    }
    if kind == ResponseType::Full {
        let fills: Vec<Value> = report
            .fills
            .iter()
            .map(|trade| {
                json!({
                    "price": amount(trade.price),
                    "qty": amount(trade.quantity),
                    "commission": amount(trade.commission),
                    "commissionAsset": trade.commission_asset,
                    "tradeId": trade.id,
                })
            })
            .collect();
        extend(&mut reply, json!({ "fills": fills }));
    }
    reply
}

fn extend(value: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (value, more) {
        fields.extend(more);
    }
}

/// Fields that placement, cancel and query replies share.
fn result_fields(order: &Order) -> Value {
    let mut fields = json!({
        "price": amount(order.price),
        "origQty": amount(order.state.quantity),
        "executedQty": amount(order.state.executed),
        "origQuoteOrderQty": amount(order.quote_order_quantity),
        "cummulativeQuoteQty": amount(order.state.quote),
        "status": order.state.status.as_str(),
        "timeInForce": order.time_in_force.as_str(),
        "type": order.order_type.as_str(),
        "side": order.side.as_str(),
        "selfTradePreventionMode": order.stp.as_str(),
    });
    if !order.state.prevented.is_zero() {
        extend(
            &mut fields,
            json!({ "preventedQuantity": amount(order.state.prevented) }),
        );
    }
    if let Some(reason) = order.state.expiry_reason {
        extend(&mut fields, json!({ "expiryReason": reason }));
    }
    fields
}

/// A queried order.
pub(crate) fn order(order: &Order) -> Value {
    let mut reply = json!({
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": &*order.state.client_order_id,
        "stopPrice": amount(Decimal::ZERO),
        "icebergQty": amount(Decimal::ZERO),
        "time": order.time_ms,
        "updateTime": order.state.update_ms,
        "isWorking": true,
        "workingTime": order.working_ms,
    });
    extend(&mut reply, result_fields(order));
    reply
}

/// The reply to a cancel: the cancel's own id and the order's.
pub(crate) fn canceled(order: &Order, cancel_id: &str) -> Value {
    let mut reply = json!({
        "symbol": order.symbol,
        "origClientOrderId": &*order.state.client_order_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": order.state.update_ms,
    });
    extend(&mut reply, result_fields(order));
    reply
}

/// The reply to an amend.
pub(crate) fn amended(order_amended: &Order, previous_id: &str, execution_id: u64) -> Value {
    json!({
        "transactTime": order_amended.state.update_ms,
        "executionId": execution_id,
        "amendedOrder": {
            "symbol": order_amended.symbol,
            "orderId": order_amended.order_id,
            "orderListId": -1,
            "origClientOrderId": previous_id,
            "clientOrderId": &*order_amended.state.client_order_id,
            "price": amount(order_amended.price),
            "qty": amount(order_amended.state.quantity),
            "executedQty": amount(order_amended.state.executed),
            "preventedQty": amount(order_amended.state.prevented),
            "quoteOrderQty": amount(order_amended.quote_order_quantity),
            "cumulativeQuoteQty": amount(order_amended.state.quote),
            "status": order_amended.state.status.as_str(),
            "timeInForce": order_amended.time_in_force.as_str(),
            "type": order_amended.order_type.as_str(),
            "side": order_amended.side.as_str(),
            "workingTime": order_amended.working_ms,
            "selfTradePreventionMode": order_amended.stp.as_str(),
        },
    })
}

/// One trade of `myTrades`. It carries no client order id.
pub(crate) fn trade(symbol: &str, trade: &Trade) -> Value {
    json!({
        "symbol": symbol,
        "id": trade.id,
        "orderId": trade.order_id,
        "orderListId": -1,
        "price": amount(trade.price),
        "qty": amount(trade.quantity),
        "quoteQty": amount(trade.quote),
        "commission": amount(trade.commission),
        "commissionAsset": trade.commission_asset,
        "time": trade.time_ms,
        "isBuyer": trade.side == crate::model::Side::Buy,
        "isMaker": trade.is_maker,
        "isBestMatch": true,
    })
}

/// The account with its balances.
pub(crate) fn account(owner: &Account, key: &ApiKey, omit_zero: bool, now_ms: i64) -> Value {
    let balances: Vec<Value> = owner
        .balances
        .iter()
        .filter(|(_, balance)| !omit_zero || !(balance.free + balance.locked).is_zero())
        .map(|(asset, balance)| {
            json!({ "asset": asset, "free": amount(balance.free), "locked": amount(balance.locked) })
        })
        .collect();
    json!({
        "makerCommission": hundredths_of_percent(owner.commission.maker),
        "takerCommission": hundredths_of_percent(owner.commission.taker),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": amount(owner.commission.maker),
            "taker": amount(owner.commission.taker),
            "buyer": amount(Decimal::ZERO),
            "seller": amount(Decimal::ZERO),
        },
        "canTrade": key.trading,
        "canWithdraw": true,
        "canDeposit": true,
        "brokered": false,
        "requireSelfTradePrevention": false,
        "preventSor": false,
        "updateTime": now_ms,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": number_of(&owner.name),
    })
}

/// A rate as the older whole-numbered fields tell it: 15 is 0.0015, and what is finer is lost.
fn hundredths_of_percent(rate: Decimal) -> i64 {
    let scaled = rate.checked_mul(Decimal::from(10_000));
    scaled.and_then(|scaled| scaled.to_i64()).unwrap_or(0)
}

/// A number for an account, always the same for the same name.
fn number_of(name: &str) -> u32 {
    name.bytes().fold(1, |number: u32, byte| {
        number.wrapping_mul(31).wrapping_add(u32::from(byte))
    })
}

/// `account/commission` of one symbol.
pub(crate) fn commission(owner: &Account, symbol: &str) -> Value {
    let none = json!({
        "maker": amount(Decimal::ZERO), "taker": amount(Decimal::ZERO),
        "buyer": amount(Decimal::ZERO), "seller": amount(Decimal::ZERO),
    });
    json!({
        "symbol": symbol,
        "standardCommission": {
            "maker": amount(owner.commission.maker),
            "taker": amount(owner.commission.taker),
            "buyer": amount(Decimal::ZERO),
            "seller": amount(Decimal::ZERO),
        },
        "specialCommission": none,
        "taxCommission": none,
        "discount": {
            "enabledForAccount": owner.commission.pay_in_bnb,
            "enabledForSymbol": true,
            "discountAsset": "BNB",
            "discount": amount(owner.commission.bnb_factor),
        },
    })
}

/// `apiRestrictions` of one key.
pub(crate) fn api_restrictions(key: &ApiKey, now_ms: i64) -> Value {
    let mut reply = json!({
        "ipRestrict": key.ip_restrict,
        "createTime": now_ms - 86_400_000,
        "enableReading": key.reading,
        "enableSpotAndMarginTrading": key.trading,
        "enableWithdrawals": key.withdrawals,
        "enableInternalTransfer": false,
        "enableMargin": false,
        "enableFutures": false,
        "permitsUniversalTransfer": false,
        "enableVanillaOptions": false,
        "enableFixApiTrade": false,
        "enableFixReadOnly": false,
        "enablePortfolioMarginTrading": false,
    });
    if let Some(expiration) = key.trading_authority_expiration_ms {
        extend(
            &mut reply,
            json!({ "tradingAuthorityExpirationTime": expiration }),
        );
    }
    reply
}

/// The limiters as `exchangeInfo` tells them.
pub(crate) fn rate_limits(limits: &LimitsConfig) -> Vec<Value> {
    let limiter = |kind: &str, interval: &str, number: u64, limit: u64| json!({ "rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit });
    vec![
        limiter("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute),
        limiter("ORDERS", "SECOND", 10, limits.orders_per_ten_seconds),
        limiter("ORDERS", "DAY", 1, limits.orders_per_day),
        limiter(
            "RAW_REQUESTS",
            "MINUTE",
            5,
            limits.requests_per_five_minutes,
        ),
    ]
}

/// `exchangeInfo` of some symbols.
pub(crate) fn exchange_info(symbols: &[&SymbolRules], limits: &LimitsConfig, now_ms: i64) -> Value {
    let symbols: Vec<Value> = symbols.iter().map(|rules| symbol(rules)).collect();
    json!({
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": rate_limits(limits),
        "exchangeFilters": [],
        "symbols": symbols,
    })
}

fn symbol(rules: &SymbolRules) -> Value {
    let stp: Vec<&str> = rules.allowed_stp.iter().map(|mode| mode.as_str()).collect();
    json!({
        "symbol": rules.symbol,
        "status": rules.status.as_str(),
        "baseAsset": rules.base_asset,
        "baseAssetPrecision": 8,
        "quoteAsset": rules.quote_asset,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": [OrderType::Limit.as_str(), OrderType::LimitMaker.as_str(), OrderType::Market.as_str()],
        "icebergAllowed": false,
        "ocoAllowed": false,
        "otoAllowed": false,
        "opoAllowed": false,
        "quoteOrderQtyMarketAllowed": true,
        "allowTrailingStop": false,
        "cancelReplaceAllowed": false,
        "amendAllowed": true,
        "pegInstructionsAllowed": false,
        "isSpotTradingAllowed": true,
        "isMarginTradingAllowed": false,
        "filters": filters(rules),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": rules.default_stp.as_str(),
        "allowedSelfTradePreventionModes": stp,
    })
}

fn filters(rules: &SymbolRules) -> Vec<Value> {
    let mut filters = vec![
        json!({
            "filterType": "PRICE_FILTER",
            "minPrice": amount(rules.min_price),
            "maxPrice": amount(rules.max_price),
            "tickSize": amount(rules.tick_size),
        }),
        json!({
            "filterType": "LOT_SIZE",
            "minQty": amount(rules.min_quantity),
            "maxQty": amount(rules.max_quantity),
            "stepSize": amount(rules.step_size),
        }),
        json!({
            "filterType": "MARKET_LOT_SIZE",
            "minQty": amount(Decimal::ZERO),
            "maxQty": amount(rules.max_market_quantity),
            "stepSize": amount(Decimal::ZERO),
        }),
        json!({ "filterType": "MAX_NUM_ORDERS", "maxNumOrders": rules.max_num_orders }),
        json!({ "filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10 }),
    ];
    filters.push(if rules.old_notional_filter {
        json!({
            "filterType": "MIN_NOTIONAL",
            "minNotional": amount(rules.min_notional),
            "applyToMarket": true,
            "avgPriceMins": 0,
        })
    } else {
        json!({
            "filterType": "NOTIONAL",
            "minNotional": amount(rules.min_notional),
            "applyMinToMarket": true,
            "maxNotional": amount(rules.max_notional),
            "applyMaxToMarket": true,
            "avgPriceMins": 0,
        })
    });
    if let Some(band) = rules.price_band {
        filters.push(json!({
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": band.bid_up.to_string(),
            "bidMultiplierDown": band.bid_down.to_string(),
            "askMultiplierUp": band.ask_up.to_string(),
            "askMultiplierDown": band.ask_down.to_string(),
            "avgPriceMins": 0,
        }));
    }
    if let Some(max) = rules.max_position {
        filters.push(json!({ "filterType": "MAX_POSITION", "maxPosition": amount(max) }));
    }
    filters
}

/// The frame that brings a payload over a subscription.
pub(crate) fn event_frame(subscription: u32, payload: &Value) -> String {
    json!({ "subscriptionId": subscription, "event": payload }).to_string()
}

/// The frame that ends a subscription.
pub(crate) fn terminated(subscription: u32, now_ms: i64) -> String {
    let payload = json!({ "e": "eventStreamTerminated", "E": now_ms });
    event_frame(subscription, &payload)
}

/// The frame that announces the end of the connection.
pub(crate) fn server_shutdown(now_ms: i64) -> String {
    json!({ "event": { "e": "serverShutdown", "E": now_ms } }).to_string()
}

/// An event's payload, without the wrapper.
pub(crate) fn event(body: &EventBody, now_ms: i64) -> Value {
    match body {
        EventBody::Execution(report) => execution_report(report, now_ms),
        EventBody::Position { time_ms, balances } => {
            let balances: Vec<Value> = balances
                .iter()
                .map(|(asset, balance)| json!({ "a": asset, "f": amount(balance.free), "l": amount(balance.locked) }))
                .collect();
            json!({ "e": "outboundAccountPosition", "E": now_ms, "u": time_ms, "B": balances })
        }
        EventBody::BalanceUpdate {
            time_ms,
            asset,
            delta,
        } => {
            json!({ "e": "balanceUpdate", "E": now_ms, "a": asset, "d": amount(*delta), "T": time_ms })
        }
    }
}

/// `executionReport` (`user-data-stream.md`, order update).
fn execution_report(report: &ExecutionReport, now_ms: i64) -> Value {
    let order = &report.order;
    let trade = report.trade.as_ref();
    let traded = |field: fn(&Trade) -> Decimal| amount(trade.map_or(Decimal::ZERO, field));
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    put("e", json!("executionReport"));
    put("E", json!(now_ms));
    put("s", json!(order.symbol));
    put("c", json!(&*report.request_client_order_id));
    put("S", json!(order.side.as_str()));
    put("o", json!(order.order_type.as_str()));
    put("f", json!(order.time_in_force.as_str()));
    put("q", json!(amount(order.state.quantity)));
    put("p", json!(amount(order.price)));
    put("P", json!(amount(Decimal::ZERO)));
    put("F", json!(amount(Decimal::ZERO)));
    put("g", json!(-1));
    put("C", json!(&*report.original_client_order_id));
    put("x", json!(report.execution.as_str()));
    put("X", json!(order.state.status.as_str()));
    put("r", json!("NONE"));
    put("i", json!(order.order_id));
    put("l", json!(traded(|trade| trade.quantity)));
    put("z", json!(amount(order.state.executed)));
    put("L", json!(traded(|trade| trade.price)));
    put(
        "n",
        trade.map_or(json!("0"), |trade| json!(amount(trade.commission))),
    );
    put(
        "N",
        trade.map_or(Value::Null, |trade| json!(trade.commission_asset)),
    );
    put("T", json!(report.time_ms));
    put("t", trade.map_or(json!(-1), |trade| json!(trade.id)));
    put("I", json!(report.execution_id));
    put("w", json!(report.on_book));
    put("m", json!(trade.is_some_and(|trade| trade.is_maker)));
    put("M", json!(trade.is_some()));
    put("O", json!(order.time_ms));
    put("Z", json!(amount(order.state.quote)));
    put("Y", json!(traded(|trade| trade.quote)));
    put("Q", json!(amount(order.quote_order_quantity)));
    put("V", json!(order.stp.as_str()));
    put("W", json!(order.working_ms));
    if let Some(reason) = order.state.expiry_reason {
        put("eR", json!(reason));
    }
    if report.execution == ExecutionType::TradePrevention {
        put("A", json!(amount(order.state.prevented)));
        put("B", json!(amount(report.prevented_now)));
        put("pl", json!(amount(report.prevented_now)));
        put("pL", json!(amount(order.price)));
    }
    Value::Object(fields)
}
