//! The WebSocket API over a real socket.

use exchange_simulator::model::{Account, ApiKey, Balance};
use exchange_simulator::{
    AccountControl, Control, LimitsConfig, MarketControl, SimulatorConfig, Timing,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, manual, now_ms, sign, started};

#[tokio::test]
async fn subscriptions_follow_the_documented_rules() {
    let (simulator, client) = manual().await;
    let mut stream = client.stream().await;
    let first = stream.subscribe(&client, 1).await;
    assert_eq!(
        (&first["status"], &first["result"]),
        (&json!(200), &json!({ "subscriptionId": 0 }))
    );
    let second = stream.subscribe(&client, 2).await;
    assert_eq!(
        (&second["status"], &second["error"]["code"]),
        (&json!(400), &json!(-2035))
    );
    let list = stream.request(3, "session.subscriptions", json!({})).await;
    assert_eq!(list["result"], json!([{ "subscriptionId": 0 }]));
    let wrong = stream
        .request(
            4,
            "userDataStream.unsubscribe",
            json!({ "subscriptionId": 9 }),
        )
        .await;
    assert_eq!(wrong["error"]["code"], -2036);
    stream
        .send(&json!({ "id": 5, "method": "userDataStream.unsubscribe" }))
        .await;
    let ended = stream.next().await.unwrap();
    let (ended, _reply) = if ended.get("id").is_some() {
        (stream.next().await.unwrap(), ended)
    } else {
        (ended, json!({}))
    };
    assert_eq!(
        (&ended["subscriptionId"], &ended["event"]["e"]),
        (&json!(0), &json!("eventStreamTerminated"))
    );
    let mut other = client.stream().await;
    assert_eq!(
        other.subscribe(&client, 1).await["result"]["subscriptionId"],
        0,
        "ids are a connection's own"
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn several_accounts_share_a_connection_and_hear_only_their_own() {
    let mut config = SimulatorConfig::default();
    for name in ["one", "two"] {
        let mut account = Account::named(name);
        account.keys.push(ApiKey::hmac(name, "secret"));
        let balance = Balance {
            free: "1000".parse().unwrap(),
            ..Balance::default()
        };
        account.balances.insert("USDT".to_owned(), balance);
        config.accounts.push(account);
    }
    let (simulator, client) = started(config).await;
    let as_account = |name: &str| Client {
        key: name.into(),
        secret: "secret".into(),
        ..client.clone()
    };
    let (one, two) = (as_account("one"), as_account("two"));
    let mut stream = client.stream().await;
    assert_eq!(
        stream.subscribe(&one, 1).await["result"]["subscriptionId"],
        0
    );
    assert_eq!(
        stream.subscribe(&two, 2).await["result"]["subscriptionId"],
        1
    );
    two.limit("x-2", "BUY", "59000", "0.001").await;
    one.limit("x-1", "BUY", "59000", "0.001").await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let frame = stream.next().await.unwrap();
        if frame["event"]["e"] == "executionReport" {
            seen.push((frame["subscriptionId"].clone(), frame["event"]["c"].clone()));
        }
    }
    assert_eq!(seen, [(json!(1), json!("x-2")), (json!(0), json!("x-1"))]);
    assert_eq!(
        one.call("GET", "/api/v3/openOrders", "symbol=BTCUSDT")
            .await
            .1[0]["clientOrderId"],
        "x-1"
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn requests_are_answered_in_the_exchanges_shape() {
    let (simulator, client) = manual().await;
    let mut stream = client.stream().await;
    assert_eq!(
        stream.request(1, "ping", json!({})).await["result"],
        json!({})
    );
    let time = stream.request(2, "time", json!({})).await;
    assert!((time["result"]["serverTime"].as_i64().unwrap() - now_ms()).abs() < 1_000);
    let info = stream
        .request(3, "exchangeInfo", json!({ "symbol": "BTCUSDT" }))
        .await;
    assert_eq!(info["result"]["symbols"][0]["symbol"], "BTCUSDT");
    let unknown = stream.request(4, "order.place", json!({})).await;
    assert_eq!(
        (&unknown["status"], &unknown["error"]["code"]),
        (&json!(400), &json!(-1020))
    );
    assert_eq!(unknown["rateLimits"][0]["rateLimitType"], "REQUEST_WEIGHT");
    stream
        .socket
        .send(Message::Text("not json".into()))
        .await
        .unwrap();
    let bad = stream.next().await.unwrap();
    assert_eq!(
        (&bad["id"], &bad["error"]["code"]),
        (&json!(null), &json!(-1135))
    );
    let forged = Client {
        secret: "another".into(),
        ..client.clone()
    };
    assert_eq!(stream.subscribe(&forged, 5).await["error"]["code"], -1022);
    let stranger = Client {
        key: "stranger".into(),
        ..client.clone()
    };
    let refused = stream.subscribe(&stranger, 6).await;
    assert_eq!(
        (&refused["status"], &refused["error"]["code"]),
        (&json!(401), &json!(-2015))
    );
    let old = now_ms() - 10_000;
    let payload = format!("apiKey={}&timestamp={old}", client.key);
    let params = json!({ "apiKey": client.key, "timestamp": old, "signature": sign(&client.secret, &payload) });
    let late = stream
        .request(7, "userDataStream.subscribe.signature", params)
        .await;
    assert_eq!(late["error"]["code"], -1021);
    simulator.shutdown().await;
}

#[tokio::test]
async fn limits_over_the_stream_carry_an_absolute_time() {
    let limits = LimitsConfig {
        weight_per_minute: 50,
        ..LimitsConfig::default()
    };
    let (simulator, client) = started(SimulatorConfig {
        limits,
        ..SimulatorConfig::default()
    })
    .await;
    let mut stream = client.stream().await;
    let mut refused = json!(null);
    for id in 1..8 {
        let reply = stream.request(id, "exchangeInfo", json!({})).await;
        if reply["status"] == 429 {
            refused = reply;
            break;
        }
    }
    let retry_after = refused["error"]["data"]["retryAfter"].as_i64().unwrap();
    assert!(
        retry_after > now_ms() - 1_000 && retry_after <= now_ms() + 61_000,
        "{refused}"
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn every_field_of_a_report_is_there() {
    let (simulator, client) = manual().await;
    let mut stream = client.subscribed().await;
    client.limit("gk-a-1-1", "SELL", "59000", "0.001").await;
    let trade = stream.report("TRADE").await;
    for key in [
        "e", "E", "s", "c", "S", "o", "f", "q", "p", "P", "F", "g", "C", "x", "X", "r", "i", "l",
        "z", "L", "n", "N", "T", "t", "I", "w", "m", "M", "O", "Z", "Y", "Q", "W", "V",
    ] {
        assert!(trade.get(key).is_some(), "{key} is missing: {trade}");
    }
    assert_eq!(
        (&trade["C"], &trade["g"], &trade["m"], &trade["w"]),
        (&json!(""), &json!(-1), &json!(false), &json!(false))
    );
    assert_eq!(
        (&trade["L"], &trade["N"]),
        (&json!("59999.99000000"), &json!("USDT"))
    );
    let position = stream.next().await.unwrap();
    assert_eq!(position["event"]["e"], "outboundAccountPosition");
    let funds = AccountControl::Funds {
        account: "demo".into(),
        asset: "EUR".into(),
        amount: "5".parse().unwrap(),
    };
    simulator.account(funds).unwrap();
    let update = stream.next().await.unwrap();
    assert_eq!(
        (&update["event"]["e"], &update["event"]["d"]),
        (&json!("balanceUpdate"), &json!("5.00000000"))
    );
    client.limit("gk-a-2-1", "SELL", "70000", "0.001").await;
    let cancel = "symbol=BTCUSDT&origClientOrderId=gk-a-2-1";
    let (_, reply) = client.call("DELETE", "/api/v3/order", cancel).await;
    let canceled = stream.report("CANCELED").await;
    assert_eq!(canceled["C"], "gk-a-2-1");
    assert_ne!(canceled["c"], "gk-a-2-1");
    assert_eq!(
        (&reply["clientOrderId"], &reply["origClientOrderId"]),
        (&canceled["c"], &canceled["C"])
    );
    client.limit("gk-a-3-1", "SELL", "70000", "0.001").await;
    let order_id = stream.report("NEW").await["i"].as_u64().unwrap();
    simulator
        .market(MarketControl::Expire {
            symbol: "BTCUSDT".into(),
            order_id,
        })
        .unwrap();
    let expired = stream.report("EXPIRED").await;
    assert_eq!(
        (&expired["X"], &expired["eR"]),
        (&json!("EXPIRED"), &json!("EXCHANGE_CANCELED"))
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn streams_can_be_dropped_silenced_frozen_terminated_and_shut_down() {
    let (simulator, client) = manual().await;
    let mut stream = client.subscribed().await;
    simulator
        .control(Control::SilenceStreams {
            account: None,
            for_ms: 400,
        })
        .unwrap();
    client.limit("x-1", "BUY", "59000", "0.001").await;
    assert!(
        stream.is_silent(250).await,
        "a silent subscription carries no events"
    );
    assert_eq!(
        stream.request(2, "ping", json!({})).await["status"],
        200,
        "but its connection lives"
    );
    simulator
        .control(Control::TerminateStreams {
            account: Some("demo".into()),
        })
        .unwrap();
    assert_eq!(
        stream.next().await.unwrap()["event"]["e"],
        "eventStreamTerminated"
    );
    assert_eq!(
        stream.subscribe(&client, 3).await["result"]["subscriptionId"],
        1
    );
    simulator
        .control(Control::FreezeStreams { for_ms: 400 })
        .unwrap();
    stream.send(&json!({ "id": 4, "method": "ping" })).await;
    assert!(
        stream.is_silent(250).await,
        "a frozen connection answers nothing"
    );
    assert_eq!(stream.next().await.unwrap()["id"], 4);
    simulator
        .control(Control::ShutDownStreams { after_ms: 50 })
        .unwrap();
    let notice = stream.next().await.unwrap();
    assert_eq!(
        (&notice["event"]["e"], notice.get("subscriptionId")),
        (&json!("serverShutdown"), None)
    );
    assert_eq!(stream.next().await, None);
    let mut stream = client.subscribed().await;
    simulator.control(Control::DropStreams).unwrap();
    assert_eq!(stream.next().await, None);
    assert_eq!(simulator.stats().subscriptions, 0);
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_connection_without_pongs_or_past_its_life_is_ended() {
    let timing = Timing {
        ping_interval_ms: 50,
        pong_timeout_ms: 200,
        ..Timing::default()
    };
    let (simulator, client) = started(SimulatorConfig {
        timing,
        ..SimulatorConfig::default()
    })
    .await;
    let mut alive = client.stream().await;
    // Reading answers pings by itself; only a client that does not read goes without pongs.
    let silent = client.stream().await;
    let mut pings = 0;
    while pings < 8 {
        if let Some(Ok(Message::Ping(payload))) = alive.socket.next().await {
            assert!(!payload.is_empty());
            pings += 1;
        }
    }
    assert_eq!(alive.request(1, "ping", json!({})).await["status"], 200);
    assert_eq!(
        simulator.stats().stream_connections,
        1,
        "the one that never answered is gone"
    );
    drop(silent);
    simulator.shutdown().await;

    let timing = Timing {
        connection_lifetime_ms: 100,
        ..Timing::default()
    };
    let (simulator, client) = started(SimulatorConfig {
        timing,
        ..SimulatorConfig::default()
    })
    .await;
    assert_eq!(client.stream().await.next().await, None);
    simulator.shutdown().await;
}

/// RFC 6455, section 5.5.1: whoever receives a close frame sends one back. A client that waits for it would otherwise
/// see the connection break.
#[tokio::test]
async fn a_client_that_closes_is_told_goodbye() {
    let (simulator, client) = manual().await;
    let mut stream = client.stream().await;
    stream.socket.send(Message::Close(None)).await.unwrap();
    let answer = stream.socket.next().await;
    assert!(matches!(answer, Some(Ok(Message::Close(_)))), "{answer:?}");
    simulator.shutdown().await;
}
