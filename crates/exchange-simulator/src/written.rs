//! What the server would write, for those who drive the model without a server.
//!
//! One function per text: the same spelling as over the sockets, from the same place. Never decides
//! what is written, or to whom.

use serde_json::json;

use crate::model::{AccountEvent, OrderReport, Reject};
use crate::server::wire;

/// The body of the reply to an accepted order, `newOrderRespType=FULL` (`rest-api.md`, "New order").
#[must_use]
pub fn placed(report: &OrderReport) -> String {
    wire::placed(report, wire::ResponseType::Full).to_string()
}

/// The body of a refusal (`errors.md`).
#[must_use]
pub fn refused(reject: &Reject) -> String {
    wire::error(reject).to_string()
}

/// The frame that brings an event over a subscription (`user-data-stream.md`).
#[must_use]
pub fn event(subscription: u32, event: &AccountEvent, now_ms: i64) -> String {
    wire::event_frame(subscription, &wire::event(&event.body, now_ms))
}

/// The frame that confirms the subscription asked for by the request of this id
/// (`web-socket-api.md`, "Subscribe to User Data Stream through signature subscription").
#[must_use]
pub fn subscribed(request_id: &str, subscription: u32) -> String {
    json!({ "id": request_id, "status": 200, "result": { "subscriptionId": subscription } })
        .to_string()
}

/// The frame that answers a request of this id that has no result (`web-socket-api.md`,
/// "Unsubscribe from User Data Stream").
#[must_use]
pub fn done(request_id: &str) -> String {
    json!({ "id": request_id, "status": 200, "result": {} }).to_string()
}

/// The frame that answers `session.subscriptions`.
#[must_use]
pub fn subscriptions(request_id: &str, served: &[u32]) -> String {
    let served: Vec<_> = served
        .iter()
        .map(|id| json!({ "subscriptionId": id }))
        .collect();
    json!({ "id": request_id, "status": 200, "result": served }).to_string()
}

/// The frame that ends a subscription (`user-data-stream.md`, "Event Stream Terminated").
#[must_use]
pub fn terminated(subscription: u32, now_ms: i64) -> String {
    wire::terminated(subscription, now_ms)
}

/// The frame that says that the connection ends soon (`web-socket-api.md`, `serverShutdown`).
#[must_use]
pub fn server_shutdown(now_ms: i64) -> String {
    wire::server_shutdown(now_ms)
}

/// The frame that refuses the request of this id (`web-socket-api.md`, "Response format").
#[must_use]
pub fn request_refused(request_id: &str, reject: &Reject) -> String {
    json!({ "id": request_id, "status": reject.http_status, "error": wire::error(reject) })
        .to_string()
}

/// The frame that answers `time`.
#[must_use]
pub fn time(request_id: &str, now_ms: i64) -> String {
    json!({ "id": request_id, "status": 200, "result": { "serverTime": now_ms } }).to_string()
}
