//! Each kind of fault, seen from outside.

use std::time::{Duration, Instant};

use exchange_simulator::faults::{EventFault, FaultInjector, FaultKind, FaultPlan, FaultSettings};
use exchange_simulator::{
    Control, MarketControl, PriceSource, RunningSimulator, SimulatorConfig, Speed, StartWhen,
};
use serde_json::{Value, json};

use crate::client::{Client, limit_params, manual, started};

async fn with(kind: FaultKind) -> (RunningSimulator, Client) {
    let (simulator, client) = manual().await;
    simulator
        .control(Control::Inject { kind, count: 1 })
        .unwrap();
    (simulator, client)
}

async fn exists(client: &Client) -> bool {
    client
        .call(
            "GET",
            "/api/v3/order",
            "symbol=BTCUSDT&origClientOrderId=x-1",
        )
        .await
        .0
        == 200
}

fn counted(simulator: &RunningSimulator, kind: FaultKind) {
    assert_eq!(
        simulator.stats().faults.get(&kind),
        Some(&1),
        "{kind:?} is counted"
    );
}

#[tokio::test]
async fn order_requests_fail_with_and_without_effect() {
    // Kind, status (0: no reply), code, whether the order exists.
    let table = [
        (FaultKind::RequestLost, 0, 0, false),
        (FaultKind::ReplyLost, 0, 0, true),
        (FaultKind::ServerErrorBefore, 502, -1000, false),
        (FaultKind::ServerErrorAfter, 502, -1000, true),
        (FaultKind::TimeoutBefore, 504, -1007, false),
        (FaultKind::TimeoutAfter, 504, -1007, true),
        (FaultKind::Overloaded, 503, -1008, false),
        (FaultKind::DelayedWithinWindow, 200, 0, true),
        (FaultKind::EventsBeforeReply, 200, 0, true),
    ];
    for (kind, status, code, effect) in table {
        let (simulator, client) = with(kind).await;
        let params = limit_params("x-1", "BUY", "59000", "0.001");
        let sent = client.try_call("POST", "/api/v3/order", &params).await;
        match sent {
            Err(error) => assert!(status == 0 && !error.is_timeout(), "{kind:?}: {error}"),
            Ok((got, body)) => {
                assert_eq!(got, status, "{kind:?}: {body}");
                assert_eq!(body["code"].as_i64().unwrap_or(0), code, "{kind:?}: {body}");
            }
        }
        assert_eq!(exists(&client).await, effect, "{kind:?}");
        counted(&simulator, kind);
        let (status, body) = client.limit("x-2", "BUY", "59000", "0.001").await;
        assert_eq!(status, 200, "{kind:?} hit once only: {body}");
        simulator.shutdown().await;
    }
}

#[tokio::test]
async fn a_request_held_past_its_window_is_refused_and_counts_as_an_order() {
    let (simulator, client) = with(FaultKind::DelayedPastWindow).await;
    let params = format!(
        "{}&recvWindow=300",
        limit_params("x-1", "BUY", "59000", "0.001")
    );
    let (status, body) = client.call("POST", "/api/v3/order", &params).await;
    assert_eq!((status, &body["code"]), (400, &json!(-1021)), "{body}");
    assert!(!exists(&client).await);
    let (_, counts) = client.call("GET", "/api/v3/rateLimit/order", "").await;
    assert_eq!(counts[1]["count"], 1, "{counts}");
    counted(&simulator, FaultKind::DelayedPastWindow);
    simulator.shutdown().await;
}

#[tokio::test]
async fn a_held_request_takes_effect_even_if_its_sender_has_gone() {
    let (simulator, client) = with(FaultKind::DelayedWithinWindow).await;
    let mut stream = client.subscribed().await;
    let impatient = Client {
        http: reqwest::Client::builder()
            .timeout(Duration::from_millis(100))
            .build()
            .unwrap(),
        ..client.clone()
    };
    let params = limit_params("x-1", "BUY", "59000", "0.001");
    let sent = impatient.try_call("POST", "/api/v3/order", &params).await;
    assert!(sent.unwrap_err().is_timeout());
    assert!(!exists(&client).await, "not yet");
    assert_eq!(stream.report("NEW").await["c"], "x-1");
    assert!(exists(&client).await);
    simulator.shutdown().await;
}

#[tokio::test]
async fn events_may_leave_before_the_reply() {
    let (simulator, client) = with(FaultKind::EventsBeforeReply).await;
    let mut stream = client.subscribed().await;
    let placing = client.limit("x-1", "BUY", "61000", "0.001");
    tokio::pin!(placing);
    tokio::select! {
        biased;
        reply = &mut placing => panic!("the reply came first: {reply:?}"),
        trade = stream.report("TRADE") => assert_eq!(trade["X"], "FILLED"),
    }
    assert_eq!(placing.await.1["status"], "FILLED");
    simulator.shutdown().await;
}

#[tokio::test]
async fn limits_can_be_pretended() {
    for (kind, status) in [(FaultKind::TooManyRequests, 429), (FaultKind::Banned, 418)] {
        let (simulator, client) = with(kind).await;
        let query = client.signed_query(&limit_params("x-1", "BUY", "59000", "0.001"));
        let response = client
            .send("POST", &format!("/api/v3/order?{query}"), "")
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert!(response.headers().contains_key("retry-after"));
        assert_eq!(
            client.public("/api/v3/time").await.0,
            status,
            "everything is refused for a while"
        );
        counted(&simulator, kind);
        simulator.shutdown().await;
    }
}

#[tokio::test]
async fn queries_fail_and_lag() {
    let (simulator, client) = manual().await;
    client.limit("x-1", "BUY", "59000", "0.001").await;
    simulator
        .control(Control::Inject {
            kind: FaultKind::QueryFailed,
            count: 1,
        })
        .unwrap();
    let query = "symbol=BTCUSDT&origClientOrderId=x-1";
    assert_eq!(client.call("GET", "/api/v3/order", query).await.0, 502);
    let plan = FaultPlan {
        settings: FaultSettings {
            lag_ms: 60_000,
            ..FaultSettings::default()
        },
        ..FaultPlan::none()
    };
    let plan = plan.next(FaultKind::QueryLagging, 2);
    simulator
        .control(Control::Faults {
            preset: None,
            plan: Some(plan),
        })
        .unwrap();
    assert_eq!(
        client.call("GET", "/api/v3/order", query).await.1["code"],
        -2013
    );
    assert_eq!(
        client
            .call("GET", "/api/v3/openOrders", "symbol=BTCUSDT")
            .await
            .1,
        json!([])
    );
    assert_eq!(client.call("GET", "/api/v3/order", query).await.0, 200);
    simulator.shutdown().await;
}

/// Two orders that fill one after the other, with a fault on the first report of a trade.
async fn two_fills(kind: FaultKind) -> (RunningSimulator, crate::client::Stream, Instant) {
    let (simulator, client) = manual().await;
    let mut stream = client.subscribed().await;
    for id in ["x-1", "x-2"] {
        client.limit(id, "BUY", "59000", "0.001").await;
        assert_eq!(stream.report("NEW").await["c"], id);
    }
    simulator
        .control(Control::Inject { kind, count: 1 })
        .unwrap();
    for order_id in [1, 2] {
        let fill = MarketControl::Fill {
            symbol: "BTCUSDT".into(),
            order_id,
            trades: 1,
            quantity: None,
        };
        simulator.market(fill).unwrap();
    }
    counted(&simulator, kind);
    #[expect(clippy::disallowed_methods, reason = "a test owns its process's clock")]
    let filled = Instant::now();
    (simulator, stream, filled)
}

#[tokio::test]
async fn events_are_lost_repeated_reordered_and_late() {
    let table: [(FaultKind, &[&str]); 4] = [
        (FaultKind::EventLost, &["x-2"]),
        (FaultKind::EventRepeated, &["x-1", "x-1", "x-2"]),
        (FaultKind::EventReordered, &["x-2", "x-1"]),
        (FaultKind::EventLate, &["x-2", "x-1"]),
    ];
    for (kind, expected) in table {
        let (simulator, mut stream, filled) = two_fills(kind).await;
        let mut seen: Vec<Value> = Vec::new();
        while seen.len() < expected.len() {
            seen.push(stream.report("TRADE").await["c"].clone());
        }
        assert_eq!(seen, expected, "{kind:?}");
        if kind == FaultKind::EventLate {
            assert!(
                filled.elapsed() >= Duration::from_millis(900),
                "late by half to all of two seconds"
            );
        }
        simulator.shutdown().await;
    }
}

#[tokio::test]
async fn streams_end_in_every_way() {
    let (simulator, mut stream, _) = two_fills(FaultKind::StreamDropped).await;
    while stream.next().await.is_some() {}
    simulator.shutdown().await;

    let (simulator, mut stream, _) = two_fills(FaultKind::StreamTerminated).await;
    while stream.next().await.unwrap()["event"]["e"] != "eventStreamTerminated" {}
    assert_eq!(simulator.stats().subscriptions, 0);
    simulator.shutdown().await;

    let (simulator, mut stream, _) = two_fills(FaultKind::ServerShutdown).await;
    assert_eq!(stream.report("TRADE").await["c"], "x-1");
    while stream
        .next()
        .await
        .is_some_and(|frame| frame["event"]["e"] != "serverShutdown")
    {}
    while stream.next().await.is_some() {}
    simulator.shutdown().await;

    let (simulator, mut stream, _) = two_fills(FaultKind::StreamSilent).await;
    while !stream.is_silent(300).await {}
    assert_eq!(
        simulator.stats().subscriptions,
        1,
        "the subscription still looks alive"
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn orders_are_cancelled_expired_and_amended_by_others_and_the_clock_jumps() {
    let table = [
        (FaultKind::OrderCanceled, "CANCELED"),
        (FaultKind::OrderExpired, "EXPIRED"),
        (FaultKind::OrderAmended, "REPLACED"),
    ];
    for (kind, execution) in table {
        let prices = PriceSource::Walk {
            seed: 1,
            start_price: "60000".parse().unwrap(),
            interval_ms: 1,
            prints: Some(5),
        };
        let config = SimulatorConfig {
            prices,
            speed: Speed::Max,
            start: StartWhen::OnCommand,
            faults: FaultPlan::none()
                .next(kind, 1)
                .next(FaultKind::ClockOffset, 2),
            ..SimulatorConfig::default()
        };
        let (simulator, client) = started(config).await;
        let mut stream = client.subscribed().await;
        client.limit("x-1", "BUY", "30000", "0.002").await;
        simulator.start_prices();
        let report = stream.report(execution).await;
        assert_eq!(report["i"], 1);
        let stats = simulator.stats();
        assert_eq!(stats.faults.get(&kind), Some(&1));
        assert_eq!(stats.faults.get(&FaultKind::ClockOffset), Some(&2));
        assert_ne!(stats.clock_offset_ms, 0);
        simulator.shutdown().await;
    }
}

#[tokio::test]
async fn a_clock_that_runs_ahead_is_seen_and_refuses() {
    let (simulator, client) = manual().await;
    simulator
        .control(Control::Clock { offset_ms: -60_000 })
        .unwrap();
    assert_eq!(
        client.limit("x-1", "BUY", "59000", "0.001").await.1["code"],
        -1021
    );
    let server = client.public("/api/v3/time").await.1["serverTime"]
        .as_i64()
        .unwrap();
    let params = format!(
        "{}&timestamp={server}",
        limit_params("x-1", "BUY", "59000", "0.001")
    );
    assert_eq!(client.call("POST", "/api/v3/order", &params).await.0, 200);
    simulator.shutdown().await;
}

#[test]
fn the_same_seed_decides_the_same_and_kinds_do_not_disturb_each_other() {
    let decide = |plan: FaultPlan| {
        let mut injector = FaultInjector::new(plan, 7);
        let decisions: Vec<Option<EventFault>> = (0..20_000).map(|_| injector.on_event()).collect();
        (decisions, injector.counts().clone())
    };
    let (first, counts) = decide(FaultPlan::harsh());
    assert_eq!(first, decide(FaultPlan::harsh()).0);
    assert!(counts[&FaultKind::EventLost] > 100, "{counts:?}");
    let lost_only = decide(FaultPlan::none().rate(FaultKind::EventLost, 40_000)).1;
    // Other kinds take some of its opportunities away, but never change how its own lots fall.
    assert!(lost_only[&FaultKind::EventLost] >= counts[&FaultKind::EventLost]);
    let mut stopped = FaultInjector::new(FaultPlan::harsh(), 7);
    stopped.stop();
    assert!((0..20_000).all(|_| stopped.on_order().is_none()));
}
