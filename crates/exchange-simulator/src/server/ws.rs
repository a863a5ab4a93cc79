//! The WebSocket API: subscriptions to account events, pings, and a few requests.
//!
//! Entry point: [`run`], one task per connection. Requests and replies as in `web-socket-api.md`. Never decides which
//! events a connection gets: that is `streams`.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::core::{Core, Shared};
use super::reading;
use super::request::{Claim, Permission, Request, authorize};
use super::rest::PublicEndpoint;
use super::streams::Outgoing;
use super::wire;
use crate::model::Reject;
use crate::signing;

#[derive(Debug, Deserialize)]
struct Call {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    method: String,
    #[serde(default)]
    params: BTreeMap<String, Box<RawValue>>,
}

/// Serves one connection until it ends.
pub(crate) async fn run(shared: Shared, mut socket: WebSocket) {
    let (connection, outgoing) = shared.look().streams.open();
    serve(&shared, connection, &mut socket, outgoing).await;
    shared.look().streams.close(connection);
}

async fn serve(
    shared: &Shared,
    connection: u64,
    socket: &mut WebSocket,
    mut outgoing: UnboundedReceiver<Outgoing>,
) {
    let timing = shared.config.timing;
    let mut pings = interval(Duration::from_millis(timing.ping_interval_ms.max(1)));
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.tick().await;
    let pong_timeout = Duration::from_millis(timing.pong_timeout_ms);
    let mut unanswered: Option<Instant> = None;
    let lifetime = tokio::time::sleep(Duration::from_millis(timing.connection_lifetime_ms));
    tokio::pin!(lifetime);
    loop {
        let alive = tokio::select! {
            () = shared.stop.cancelled() => return,
            () = &mut lifetime => return close(socket).await,
            what = outgoing.recv() => match what {
                Some(what) => send(shared, socket, what).await,
                None => false,
            },
            _ = pings.tick() => {
                let late = unanswered.is_some_and(|since| since.elapsed() >= pong_timeout);
                unanswered = unanswered.or_else(|| Some(Instant::now()));
                let payload = shared.look().now_ms().to_string();
                !late && socket.send(Message::Ping(payload.into())).await.is_ok()
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    let reply = answer(shared, connection, text.as_str());
                    socket.send(Message::Text(reply.to_string().into())).await.is_ok()
                }
                // An unsolicited pong has an empty payload and proves nothing.
                Some(Ok(Message::Pong(payload))) => {
                    if !payload.is_empty() {
                        unanswered = None;
                    }
                    true
                }
                Some(Ok(Message::Ping(_) | Message::Binary(_))) => true,
                Some(Ok(Message::Close(_))) => {
                    say_goodbye(socket).await;
                    false
                }
                Some(Err(_)) | None => false,
            },
        };
        if !alive {
            return;
        }
    }
}

async fn close(socket: &mut WebSocket) {
    let frame = CloseFrame {
        code: 1001,
        reason: "going away".into(),
    };
    if socket.send(Message::Close(Some(frame))).await.is_err() {
        tracing::trace!("a stream was gone before it could be closed");
    }
}

/// Answers a close frame with one (RFC 6455, section 5.5.1): reading on sends what is due.
async fn say_goodbye(socket: &mut WebSocket) {
    if let Some(Ok(frame)) = socket.recv().await {
        tracing::trace!(?frame, "something came after a goodbye");
    }
}

async fn send(shared: &Shared, socket: &mut WebSocket, what: Outgoing) -> bool {
    match what {
        Outgoing::Text(text, completes) => {
            if let Some(id) = completes {
                let now_us = shared.now_us();
                shared.look().slots.written(&id, now_us);
            }
            socket.send(Message::Text(text.into())).await.is_ok()
        }
        Outgoing::Close => {
            close(socket).await;
            false
        }
        Outgoing::Break => false,
        Outgoing::Freeze(ms) => {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(ms)) => true,
                () = shared.stop.cancelled() => false,
            }
        }
    }
}

pub(crate) fn answer(shared: &Shared, connection: u64, text: &str) -> Value {
    let mut core = shared.look();
    let now_ms = core.now_ms();
    let (id, result) = match serde_json::from_str::<Call>(text) {
        Err(_not_a_request) => (
            Value::Null,
            Err(Reject::new(400, -1135, "Invalid JSON Request")),
        ),
        Ok(call) => {
            let weight = if matches!(call.method.as_str(), "ping" | "time") {
                1
            } else {
                2
            };
            let weight = if call.method == "exchangeInfo" {
                20
            } else {
                weight
            };
            let admitted = core.limits.admit(now_ms, weight);
            let result = admitted.and_then(|()| carry_out(&mut core, connection, &call, now_ms));
            (call.id, result)
        }
    };
    let used = core.limits.used_weight(now_ms);
    let limit = core.limits.config().weight_per_minute;
    let limits = json!([{
        "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": limit, "count": used,
    }]);
    match result {
        Ok(result) => json!({ "id": id, "status": 200, "result": result, "rateLimits": limits }),
        Err(reject) => {
            let mut error = wire::error(&reject);
            if let (Some(seconds), Value::Object(fields)) = (reject.retry_after_seconds, &mut error)
            {
                // Unlike the REST header, an absolute time.
                let after_ms = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
                let data =
                    json!({ "serverTime": now_ms, "retryAfter": now_ms.saturating_add(after_ms) });
                fields.insert("data".to_owned(), data);
            }
            json!({ "id": id, "status": reject.http_status, "error": error, "rateLimits": limits })
        }
    }
}

fn carry_out(core: &mut Core, connection: u64, call: &Call, now_ms: i64) -> Result<Value, Reject> {
    let param = |name: &str| call.params.get(name).map(|value| signing::plain(value));
    match call.method.as_str() {
        "ping" => Ok(json!({})),
        "time" => Ok(json!({ "serverTime": now_ms })),
        "exchangeInfo" => {
            let query = ["symbol", "symbols"]
                .into_iter()
                .filter_map(|name| param(name).map(|value| format!("{name}={value}")))
                .collect::<Vec<_>>()
                .join("&");
            let request = Request::new("GET", "", &query, "", None);
            reading::public(core, PublicEndpoint::ExchangeInfo, &request, now_ms)
        }
        "userDataStream.subscribe.signature" => {
            let (key, timestamp) = (param("apiKey"), param("timestamp"));
            let (window, signature) = (param("recvWindow"), param("signature"));
            let claim = Claim {
                api_key: key.as_deref(),
                timestamp: timestamp.as_deref(),
                window: window.as_deref(),
                signature: signature.as_deref(),
                payload: signing::websocket_payload(&call.params),
            };
            let signed = authorize(&core.exchange, &claim, Permission::Reading, now_ms)?;
            let id = core.streams.subscribe(connection, &signed.account)?;
            Ok(json!({ "subscriptionId": id }))
        }
        "userDataStream.unsubscribe" => {
            let id = param("subscriptionId")
                .map(|text| text.parse::<u32>())
                .transpose();
            let id = id.map_err(|_not_a_number| Reject::invalid_parameter("subscriptionId"))?;
            core.streams.unsubscribe(connection, id, now_ms)?;
            Ok(json!({}))
        }
        "session.subscriptions" => {
            let ids = core.streams.subscriptions(connection);
            Ok(ids
                .into_iter()
                .map(|id| json!({ "subscriptionId": id }))
                .collect())
        }
        _ => Err(Reject::new(400, -1020, "This operation is not supported.")),
    }
}
