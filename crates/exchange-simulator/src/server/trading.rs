//! Endpoints that change orders, with every fault that can befall them.
//!
//! Entry point: [`serve`]. A request that has been received is carried out to its end even if its sender has gone, as on
//! the exchange. The window is checked on receipt and again just before the engine.

use std::time::Duration;

use serde_json::Value;

use super::core::{Core, Shared};
use super::reading::order_key;
use super::request::{Claim, Permission, Request, Signed, authorize, check_window};
use super::rest::{Reply, TradingEndpoint};
use super::streams::Outgoing;
use super::wire::{self, ResponseType};
use crate::faults::OrderFault;
use crate::model::{
    CancelRestriction, NewOrder, OrderKey, OrderType, Reject, Side, StpMode, TimeInForce,
};

/// Serves one trading request.
pub(crate) async fn serve(
    shared: &Shared,
    endpoint: TradingEndpoint,
    request: Request,
    weight: u64,
) -> Reply {
    let task = shared
        .tasks
        .spawn(run(shared.clone(), endpoint, request, weight));
    task.await.unwrap_or(Reply::Broken)
}

async fn run(shared: Shared, endpoint: TradingEndpoint, request: Request, weight: u64) -> Reply {
    let received = receive(&shared, endpoint, &request);
    let (signed, fault) = match received {
        Ok(received) => received,
        Err(reject) => return answer(&shared, &request, Err(reject)),
    };
    let effect = match fault {
        Some(OrderFault::RequestLost) => return Reply::Broken,
        Some(OrderFault::ServerErrorBefore) => return Reply::refused(&Reject::server_error()),
        Some(OrderFault::TimeoutBefore) => return Reply::refused(&Reject::backend_timeout()),
        Some(OrderFault::Overloaded) => {
            return answer(&shared, &request, Err(Reject::overloaded()));
        }
        Some(OrderFault::TooManyRequests(seconds)) => {
            let now_ms = shared.look().now_ms();
            let reject = shared.look().limits.refuse(now_ms, seconds);
            return answer(&shared, &request, Err(reject));
        }
        Some(OrderFault::Banned(seconds)) => {
            let now_ms = shared.look().now_ms();
            let reject = shared.look().limits.ban(now_ms, seconds);
            // A ban ends the address's streams too.
            shared.look().streams.broadcast(&Outgoing::Close);
            return answer(&shared, &request, Err(reject));
        }
        Some(OrderFault::DelayedWithinWindow(ms)) => {
            let left_ms = window_left_ms(&shared, &signed).saturating_sub(50);
            tokio::time::sleep(Duration::from_millis(ms.min(left_ms))).await;
            carry_out(&shared, endpoint, &request, (&signed, weight))
        }
        Some(OrderFault::DelayedPastWindow(ms)) => {
            let left_ms = window_left_ms(&shared, &signed);
            tokio::time::sleep(Duration::from_millis(
                left_ms.saturating_add(ms).saturating_add(2),
            ))
            .await;
            carry_out(&shared, endpoint, &request, (&signed, weight))
        }
        Some(
            OrderFault::ReplyLost
            | OrderFault::ServerErrorAfter
            | OrderFault::TimeoutAfter
            | OrderFault::ReplyHeld(_),
        )
        | None => carry_out(&shared, endpoint, &request, (&signed, weight)),
    };
    match fault {
        Some(OrderFault::ReplyLost) => Reply::Broken,
        Some(OrderFault::ServerErrorAfter) => Reply::refused(&Reject::server_error()),
        Some(OrderFault::TimeoutAfter) => Reply::refused(&Reject::backend_timeout()),
        Some(OrderFault::ReplyHeld(ms)) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            effect
        }
        _ => effect,
    }
}

/// First checks, and what will go wrong.
fn receive(
    shared: &Shared,
    endpoint: TradingEndpoint,
    request: &Request,
) -> Result<(Signed, Option<OrderFault>), Reject> {
    let now_us = shared.now_us();
    let mut core = shared.look();
    if endpoint == TradingEndpoint::NewOrder
        && let Some(id) = request.text("newClientOrderId")
    {
        core.slots.received(id, now_us);
    }
    let now_ms = core.now_ms();
    let signed = authorize(
        &core.exchange,
        &Claim::of(request),
        Permission::Trading,
        now_ms,
    )?;
    if endpoint == TradingEndpoint::NewOrder {
        core.limits.check_orders(now_ms, &signed.account)?;
    }
    Ok((signed, core.faults.on_order()))
}

/// Time until the request leaves its window.
fn window_left_ms(shared: &Shared, signed: &Signed) -> u64 {
    let now_us = shared.look().now_ms().saturating_mul(1000);
    let left_us = signed
        .timestamp_us
        .saturating_add(signed.window_us)
        .saturating_sub(now_us);
    u64::try_from(left_us).unwrap_or(0) / 1000
}

/// The engine's part: the second look at the window, then the request itself.
fn carry_out(
    shared: &Shared,
    endpoint: TradingEndpoint,
    request: &Request,
    (signed, weight): (&Signed, u64),
) -> Reply {
    let (result, counts) = shared.change(|core| {
        let now_ms = core.now_ms();
        let engine_ms = core.engine_now_ms();
        let fresh = check_window(signed, now_ms);
        let late = fresh.is_err();
        let result =
            fresh.and_then(|()| act(core, (endpoint, request), &signed.account, engine_ms));
        // A refusal by the engine, and one by the late check, count as an order; a refusal by filters does not.
        let counted = result
            .as_ref()
            .map_or_else(|reject| late || reject.code == -2010, |_| true);
        if endpoint == TradingEndpoint::NewOrder && counted {
            core.limits.placed(now_ms, &signed.account);
        }
        if result.is_ok() && endpoint != TradingEndpoint::AmendOrder {
            core.limits.refund(now_ms, weight);
        }
        let counts = core.limits.order_counts(now_ms, &signed.account);
        (result, counts)
    });
    let placed = endpoint == TradingEndpoint::NewOrder && result.is_ok();
    let reply = answer(shared, request, result);
    if placed {
        return reply
            .with_header("x-mbx-order-count-10s", counts.0.to_string())
            .with_header("x-mbx-order-count-1d", counts.1.to_string());
    }
    reply
}

/// A certain answer, which ends what prices wait for.
fn answer(shared: &Shared, request: &Request, result: Result<Value, Reject>) -> Reply {
    // A cancel's own id asks for nothing.
    let order = request
        .text("newClientOrderId")
        .filter(|_| request.method == "POST");
    if let Some(id) = order {
        shared.look().slots.answered(id);
        shared.changed.notify_waiters();
    }
    result.into()
}

fn act(
    core: &mut Core,
    (endpoint, request): (TradingEndpoint, &Request),
    account: &str,
    engine_ms: i64,
) -> Result<Value, Reject> {
    match endpoint {
        TradingEndpoint::NewOrder => {
            let order = new_order(request)?;
            let kind = response_type(request, order.order_type)?;
            let report = core.exchange.place(engine_ms, account, order)?;
            Ok(wire::placed(&report, kind))
        }
        TradingEndpoint::CancelOrder => {
            let symbol = request.mandatory("symbol")?;
            let key = order_key(request)?;
            let restriction = match request.text("cancelRestrictions") {
                None => None,
                Some("ONLY_NEW") => Some(CancelRestriction::OnlyNew),
                Some("ONLY_PARTIALLY_FILLED") => Some(CancelRestriction::OnlyPartiallyFilled),
                Some(_) => return Err(Reject::new(400, -1145, "Invalid cancelRestrictions")),
            };
            let id = cancel_id(core, request, engine_ms);
            let target = (symbol, &key);
            let order = core
                .exchange
                .cancel(engine_ms, account, target, Some(&id), restriction)?;
            Ok(wire::canceled(&order, &id))
        }
        TradingEndpoint::CancelOpenOrders => {
            let symbol = request.mandatory("symbol")?;
            let open = core.exchange.open_orders(i64::MAX, account, Some(symbol))?;
            if open.is_empty() {
                return Err(Reject::unknown_order());
            }
            // All of them are cancelled under one id, as in the documents' example.
            let id = cancel_id(core, request, engine_ms);
            let mut replies = Vec::new();
            for order in open {
                let target = OrderKey::id(order.order_id);
                let target = (symbol, &target);
                let order = core
                    .exchange
                    .cancel(engine_ms, account, target, Some(&id), None)?;
                replies.push(wire::canceled(&order, &id));
            }
            Ok(replies.into())
        }
        TradingEndpoint::AmendOrder => {
            let symbol = request.mandatory("symbol")?;
            let key = order_key(request)?;
            let order = core.exchange.query(i64::MAX, account, (symbol, &key))?;
            let quantity = request
                .decimal("newQty")?
                .ok_or_else(|| Reject::mandatory("newQty"))?;
            let id = request.text("newClientOrderId");
            let (amended, execution_id) =
                core.exchange
                    .amend(engine_ms, (symbol, order.order_id), quantity, id)?;
            Ok(wire::amended(
                &amended,
                &order.state.client_order_id,
                execution_id,
            ))
        }
    }
}

/// The cancel's own client order id, made up if it brings none.
fn cancel_id(core: &Core, request: &Request, engine_ms: i64) -> String {
    let made_up = || format!("cancel{engine_ms}x{}", core.exchange.journal().len());
    request
        .text("newClientOrderId")
        .map_or_else(made_up, str::to_owned)
}

/// Reads a new order's parameters (`rest-api.md`, new order).
pub(crate) fn new_order(request: &Request) -> Result<NewOrder, Reject> {
    let symbol = request.mandatory("symbol")?.to_owned();
    let side = match request.mandatory("side")? {
        "BUY" => Side::Buy,
        "SELL" => Side::Sell,
        _ => return Err(Reject::new(400, -1117, "Invalid side.")),
    };
    let order_type = match request.mandatory("type")? {
        "LIMIT" => OrderType::Limit,
        "LIMIT_MAKER" => OrderType::LimitMaker,
        "MARKET" => OrderType::Market,
        _ => return Err(Reject::new(400, -1116, "Invalid orderType.")),
    };
    let time_in_force = match request.text("timeInForce") {
        None => None,
        Some("GTC") => Some(TimeInForce::Gtc),
        Some("IOC") => Some(TimeInForce::Ioc),
        Some("FOK") => Some(TimeInForce::Fok),
        Some(_) => return Err(Reject::new(400, -1115, "Invalid timeInForce.")),
    };
    let stp = request
        .text("selfTradePreventionMode")
        .map(|text| {
            let mode = StpMode::ALL.into_iter().find(|mode| mode.as_str() == text);
            mode.ok_or_else(|| Reject::invalid_parameter("selfTradePreventionMode"))
        })
        .transpose()?;
    Ok(NewOrder {
        symbol,
        side,
        order_type,
        time_in_force,
        quantity: request.decimal("quantity")?,
        quote_order_quantity: request.decimal("quoteOrderQty")?,
        price: request.decimal("price")?,
        client_order_id: request.text("newClientOrderId").map(str::to_owned),
        stp,
    })
}

/// FULL by default for LIMIT and MARKET, ACK for everything else.
fn response_type(request: &Request, order_type: OrderType) -> Result<ResponseType, Reject> {
    match (request.text("newOrderRespType"), order_type) {
        (Some("ACK"), _) | (None, OrderType::LimitMaker) => Ok(ResponseType::Ack),
        (Some("RESULT"), _) => Ok(ResponseType::Result),
        (Some("FULL"), _) | (None, OrderType::Limit | OrderType::Market) => Ok(ResponseType::Full),
        (Some(_), _) => Err(Reject::invalid_parameter("newOrderRespType")),
    }
}
