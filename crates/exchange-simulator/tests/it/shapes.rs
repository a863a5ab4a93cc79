//! What the simulator answers beside what Binance's documents print (`tests/published`): the same fields of the same
//! types, no more and no fewer.

use std::collections::BTreeMap;
use std::path::Path;

use exchange_simulator::{AccountControl, Control, MarketControl, RunningSimulator};
use serde_json::{Map, Value, json};

use crate::client::{Client, Stream, manual};

/// The payload of one file.
fn published(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/published")
        .join(name)
        .with_extension("json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut file: Value = serde_json::from_str(&text).unwrap();
    file["payload"].take()
}

/// The published payload without some fields: those the documents call conditional, or another account's.
fn published_without(name: &str, fields: &[&str]) -> Value {
    let mut value = published(name);
    for field in fields {
        let at = value.get("event").is_some();
        let object = if at { &mut value["event"] } else { &mut value };
        assert!(
            object.as_object_mut().unwrap().remove(*field).is_some(),
            "{name}: {field}"
        );
    }
    value
}

/// A value's type; of a text, whether it is an amount.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "truth",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(text) => {
            let digits = text.strip_prefix('-').unwrap_or(text).split('.');
            let amount = digits.clone().count() == 2
                && digits
                    .into_iter()
                    .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
            if amount { "amount" } else { "text" }
        }
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// Every field with its type, by its path; of a list only the first entry counts.
fn shape(value: &Value) -> BTreeMap<String, &'static str> {
    fn walk(value: &Value, path: &str, into: &mut BTreeMap<String, &'static str>) {
        into.insert(path.to_owned(), kind(value));
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    walk(field, &format!("{path}.{name}"), into);
                }
            }
            Value::Array(entries) => {
                if let Some(first) = entries.first() {
                    walk(first, &format!("{path}[]"), into);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut shapes = BTreeMap::new();
    walk(value, "", &mut shapes);
    shapes
}

#[track_caller]
fn assert_same_shape(answered: &Value, published: &Value) {
    let (answered_shape, published_shape) = (shape(answered), shape(published));
    let mut wrong: Vec<String> = Vec::new();
    for path in answered_shape.keys().chain(published_shape.keys()) {
        let (own, theirs) = (answered_shape.get(path), published_shape.get(path));
        if own != theirs {
            wrong.push(format!("{path}: answered {own:?}, published {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?} in {answered}");
}

async fn place(client: &Client, params: &str) -> Value {
    let (status, reply) = client.call("POST", "/api/v3/order", params).await;
    assert_eq!(status, 200, "{reply}");
    reply
}

const RESTING: &str =
    "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.002&price=59000";
const SOLD: &str = "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.002";

#[tokio::test]
async fn placements_are_answered_as_published() {
    let (simulator, client) = manual().await;
    for (kind, name) in [
        ("ACK", "order_ack"),
        ("RESULT", "order_result"),
        ("FULL", "order_full"),
    ] {
        for order in [SOLD, RESTING] {
            let mut reply = place(&client, &format!("{order}&newOrderRespType={kind}")).await;
            let mut expected = published(name);
            if order == RESTING && kind == "FULL" {
                // An order that rests has no fills yet.
                assert_eq!(reply["fills"].take(), json!([]));
                expected["fills"].take();
            }
            assert_same_shape(&reply, &expected);
        }
    }
    simulator.shutdown().await;
}

/// "Appears" conditional: the reason, since 2026, and nothing else beside the published sample.
#[tokio::test]
async fn an_order_that_expires_at_once_is_answered_as_published() {
    let (simulator, client) = manual().await;
    let scarce = MarketControl::Outside {
        symbol: "BTCUSDT".into(),
        spread_ticks: 1,
        depth: Some("0.001".parse().unwrap()),
        max_trade_quantity: None,
    };
    simulator.market(scarce).unwrap();
    let mut reply = place(&client, SOLD).await;
    let fields: &mut Map<_, _> = reply.as_object_mut().unwrap();
    assert_eq!(
        fields.remove("expiryReason"),
        Some(json!("INSUFFICIENT_LIQUIDITY"))
    );
    // Added to every reply after the sample was printed.
    assert_eq!(
        fields.remove("origQuoteOrderQty"),
        Some(json!("0.00000000"))
    );
    assert_eq!(reply["status"], "EXPIRED");
    assert_same_shape(&reply, &published("order_market_expired"));
    simulator.shutdown().await;
}

#[tokio::test]
async fn orders_trades_and_cancels_are_shown_as_published() {
    let (simulator, client) = manual().await;
    let order_id = place(&client, RESTING).await["orderId"].as_u64().unwrap();
    place(&client, SOLD).await;
    let get = async |path: &str, params: &str| client.call("GET", path, params).await.1;
    for id in [order_id, order_id + 1] {
        let order = get("/api/v3/order", &format!("symbol=BTCUSDT&orderId={id}")).await;
        assert_same_shape(&order, &published("query_order"));
        assert_eq!(order["isWorking"], true, "{order}");
        assert_eq!(order["workingTime"], order["time"], "{order}");
    }
    let open = get("/api/v3/openOrders", "symbol=BTCUSDT").await;
    assert_same_shape(&open, &published("open_orders"));
    let all = get("/api/v3/allOrders", "symbol=BTCUSDT").await;
    assert_same_shape(&all, &published("all_orders"));
    let trades = get("/api/v3/myTrades", "symbol=BTCUSDT").await;
    assert_same_shape(&trades, &published("my_trades"));
    let cancel = format!("symbol=BTCUSDT&orderId={order_id}");
    let (_, canceled) = client.call("DELETE", "/api/v3/order", &cancel).await;
    assert_same_shape(&canceled, &published("cancel_order"));
    simulator.shutdown().await;
}

#[tokio::test]
async fn an_amend_is_answered_as_published_with_the_id_of_its_report() {
    let (simulator, client) = manual().await;
    let mut stream = client.subscribed().await;
    // Several orders, so that no id happens to be another.
    for price in ["58000", "58001", "58002", "58003"] {
        place(&client, &RESTING.replace("59000", price)).await;
    }
    let placed = place(&client, RESTING).await;
    let amend = format!("symbol=BTCUSDT&orderId={}&newQty=0.001", placed["orderId"]);
    let (_, amended) = client
        .call("PUT", "/api/v3/order/amend/keepPriority", &amend)
        .await;
    assert_same_shape(&amended, &published("amend_order"));
    let report = stream.report("REPLACED").await;
    assert_eq!(amended["executionId"], report["I"]);
    assert_ne!(amended["executionId"], placed["orderId"]);
    simulator.shutdown().await;
}

#[tokio::test]
async fn the_account_is_shown_as_published() {
    let (simulator, client) = manual().await;
    let rates = serde_json::from_value(
        json!({ "maker": "0.0015", "taker": "0.00075", "payInBnb": false, "bnbFactor": "0.75" }),
    );
    let commission = AccountControl::Commission {
        account: "demo".into(),
        rates: rates.unwrap(),
    };
    simulator.account(commission).unwrap();
    let get = async |path: &str, params: &str| client.call("GET", path, params).await.1;
    let account = get("/api/v3/account", "").await;
    assert_same_shape(&account, &published("account"));
    assert_eq!(
        (
            &account["makerCommission"],
            &account["commissionRates"]["maker"]
        ),
        (&json!(15), &json!("0.00150000")),
        "the published example's rate, and the same in hundredths of a percent"
    );
    assert_eq!(account["takerCommission"], 7, "whole numbers only");
    let commission = get("/api/v3/account/commission", "symbol=BTCUSDT").await;
    assert_same_shape(&commission, &published("commission"));
    let counts = get("/api/v3/rateLimit/order", "").await;
    assert_same_shape(&counts, &published("order_rate_limit"));
    let key = get("/sapi/v1/account/apiRestrictions", "").await;
    assert_same_shape(&key, &published("api_restrictions"));
    simulator.shutdown().await;
}

/// Filters by their type, each with its fields; a list's first entry alone would not do.
fn filters(info: &Value) -> BTreeMap<String, BTreeMap<String, &'static str>> {
    let filters = info["symbols"][0]["filters"].as_array().unwrap();
    filters
        .iter()
        .map(|filter| {
            (
                filter["filterType"].as_str().unwrap().to_owned(),
                shape(filter),
            )
        })
        .collect()
}

#[tokio::test]
async fn symbols_and_prices_are_shown_as_published() {
    let (simulator, client) = manual().await;
    let (_, mut info) = client.public("/api/v3/exchangeInfo").await;
    let mut expected = published("exchange_info");
    // Present only when smart order routing is available.
    expected.as_object_mut().unwrap().remove("sors");
    let known = filters(&expected);
    for (name, filter) in filters(&info) {
        let mut filter = filter;
        if name == "PERCENT_PRICE_BY_SIDE" {
            // Whole multipliers are printed without a point, by the documents too ("5").
            filter.retain(|path, _| path != ".bidMultiplierUp");
        }
        for (path, kind) in filter {
            assert_eq!(
                known.get(&name).and_then(|known| known.get(&path)),
                Some(&kind),
                "{name}{path}"
            );
        }
    }
    for value in [&mut info, &mut expected] {
        value["symbols"][0]["filters"].take();
        value["exchangeFilters"].take();
    }
    assert_same_shape(&info, &expected);
    for (path, name) in [
        ("/api/v3/time", "server_time"),
        ("/api/v3/ticker/price?symbol=BTCUSDT", "price"),
        ("/api/v3/ticker/bookTicker?symbol=BTCUSDT", "book_ticker"),
    ] {
        assert_same_shape(&client.public(path).await.1, &published(name));
    }
    simulator.shutdown().await;
}

/// The stream's events of a fresh subscription while something is done.
async fn event(stream: &mut Stream, wanted: &str) -> Value {
    loop {
        let frame = stream.next().await.expect("the stream is alive");
        if frame["event"]["e"] == wanted {
            return frame;
        }
    }
}

/// The published life of a market order: the same kinds of reports in the same order, each with the same fields and the
/// same say on whether the order is on the book.
#[tokio::test]
async fn a_market_order_is_reported_as_published() {
    let (simulator, client) = manual().await;
    let mut stream = client.subscribed().await;
    let scarce = MarketControl::Outside {
        symbol: "BTCUSDT".into(),
        spread_ticks: 1,
        depth: Some("0.002".parse().unwrap()),
        max_trade_quantity: Some("0.001".parse().unwrap()),
    };
    simulator.market(scarce).unwrap();
    place(
        &client,
        "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.003",
    )
    .await;
    let sample = published("market_order_events");
    for expected in sample.as_array().unwrap() {
        let mut frame = stream.next().await.unwrap();
        let event = frame["event"].as_object_mut().unwrap();
        if expected["x"] == "EXPIRED" {
            // Since 2026.
            assert_eq!(event.remove("eR"), Some(json!("INSUFFICIENT_LIQUIDITY")));
        }
        let event = &frame["event"];
        assert_same_shape(event, expected);
        for field in ["e", "x", "X", "w", "m", "M", "g", "r", "C", "o", "f"] {
            assert_eq!(event.get(field), expected.get(field), "{field}: {event}");
        }
    }
    simulator.shutdown().await;
}

#[tokio::test]
async fn events_are_as_published() {
    let (simulator, client) = manual().await;
    let mut stream = client.subscribed().await;
    let placed = place(&client, RESTING).await;
    let new = event(&mut stream, "executionReport").await;
    assert_same_shape(&new, &published_without("execution_report", &["v"]));
    for field in ["x", "X", "w", "m", "M", "t", "n", "N", "C", "r"] {
        let expected = published("execution_report");
        assert_eq!(new["event"][field], expected["event"][field], "{field}");
    }
    let position = event(&mut stream, "outboundAccountPosition").await;
    assert_same_shape(&position, &published("outbound_account_position"));
    let cancel = format!("symbol=BTCUSDT&orderId={}", placed["orderId"]);
    client.call("DELETE", "/api/v3/order", &cancel).await;
    let canceled = event(&mut stream, "executionReport").await;
    assert_same_shape(&canceled, &published_without("execution_report", &["v"]));
    assert_eq!(canceled["event"]["w"], false);
    funds(&simulator);
    let update = event(&mut stream, "balanceUpdate").await;
    assert_same_shape(&update, &published("balance_update"));
    let list = stream.request(2, "session.subscriptions", json!({})).await;
    assert_same_shape(
        &list["result"],
        &published("ws_subscriptions_reply")["result"],
    );
    let terminate = Control::TerminateStreams { account: None };
    simulator.control(terminate).unwrap();
    let ended = event(&mut stream, "eventStreamTerminated").await;
    assert_same_shape(&ended, &published("event_stream_terminated"));
    simulator
        .control(Control::ShutDownStreams { after_ms: 0 })
        .unwrap();
    let shutdown = event(&mut stream, "serverShutdown").await;
    assert_same_shape(&shutdown, &published("server_shutdown"));
    simulator.shutdown().await;
}

fn funds(simulator: &RunningSimulator) {
    let funds = AccountControl::Funds {
        account: "demo".into(),
        asset: "EUR".into(),
        amount: "5".parse().unwrap(),
    };
    simulator.account(funds).unwrap();
}
