//! Requests to the simulated exchange and commands to whoever runs it, without sockets.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use binance::Credentials;
use exchange_simulator::readers::{Sent, Served};
use exchange_simulator::{DEMO_API_KEY, DEMO_API_SECRET, SimulatorConfig};
use rust_decimal::Decimal;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::{few, text};
use crate::examine::Seen;

/// Only so many lines of an input are requests.
const MOST_REQUESTS: usize = 64;

thread_local! {
    static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
}

/// Runs something on this thread's own runtime, whose clock jumps over every sleep: a fault that
/// delays a reply takes no time.
fn run<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| {
        let runtime = runtime.get_or_init(|| {
            let mut builder = Builder::new_current_thread();
            builder.enable_time().start_paused(true).build().unwrap()
        });
        runtime.block_on(future)
    })
}

/// A session: one request to a line. `GET /path query` and the like are requests; with `signed`
/// before them they carry timestamp and signature of the demo account; `ws TEXT` is a message on a
/// stream; `control TEXT`, `market TEXT` and `account TEXT` are commands.
pub(super) fn session(input: &[u8]) -> Seen {
    let text = match text(input) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let mut served = Served::new(SimulatorConfig::default()).unwrap();
    let mut told = BTreeSet::new();
    for line in text.lines().take(MOST_REQUESTS) {
        told.insert(run(request(&served, line)));
    }
    let lowest = served.lowest_balance();
    assert!(lowest >= Decimal::ZERO, "a balance of {lowest}");
    let told: Vec<String> = told.into_iter().collect();
    Seen::Accepted(format!(
        "{}\n{} events",
        told.join("\n"),
        few(served.events())
    ))
}

async fn request(served: &Served, line: &str) -> String {
    let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
    match kind {
        "ws" => answered(&served.web_socket(rest)),
        "control" | "market" | "account" => match served.command(kind, rest) {
            Ok(()) => format!("{kind} done"),
            Err(reason) => format!("{kind}: {reason}"),
        },
        "signed" => {
            let mut parts = rest.splitn(3, ' ');
            let mut part = || parts.next().unwrap_or_default();
            let (method, path, query) = (part(), part(), part());
            rest_reply(served, (method, path, &signed(query)), Some(DEMO_API_KEY)).await
        }
        method => {
            let (path, query) = rest.split_once(' ').unwrap_or((rest, ""));
            rest_reply(served, (method, path, query), None).await
        }
    }
}

async fn rest_reply(
    served: &Served,
    (method, path, query): (&str, &str, &str),
    api_key: Option<&str>,
) -> String {
    let sent = Sent {
        method,
        path,
        query,
        body: "",
        api_key,
    };
    match served.rest(sent).await {
        Some((status, body)) => format!("{status} {}", answered(&body)),
        None => "broken".to_owned(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulated exchange's clock is the machine's, and timestamps are checked by it"
)]
fn signed(query: &str) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let joint = if query.is_empty() { "" } else { "&" };
    let payload = format!("{query}{joint}timestamp={}", now.as_millis());
    let credentials = Credentials::hmac(DEMO_API_KEY, DEMO_API_SECRET).unwrap();
    let signature = credentials.sign(payload.as_bytes());
    format!("{payload}&signature={signature}")
}

/// What an answer is, without its figures.
fn answered(body: &Value) -> String {
    let error = body.get("error").unwrap_or(body);
    match (error.get("code"), error.get("msg"), body.get("status")) {
        // It repeats the path.
        (Some(_), Some(Value::String(message)), _) if message.ends_with("not exist here.") => {
            "no such place".to_owned()
        }
        (Some(code), Some(message), _) => format!("{code} {message}"),
        (None, _, Some(status)) => format!("{status}"),
        _ => "an answer".to_owned(),
    }
}
