//! Weight and order limits, over a real socket.

use exchange_simulator::{LimitsConfig, SimulatorConfig};
use serde_json::json;

use crate::client::{limit_params, manual, started};

#[tokio::test]
async fn weight_is_counted_as_documented() {
    let (simulator, client) = manual().await;
    let used = async |method: &str, path: &str, params: &str| -> u64 {
        let query = format!("{path}?{}", client.signed_query(params));
        let response = client.send(method, &query, "").await.unwrap();
        response.headers()["x-mbx-used-weight-1m"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap()
    };
    let mut before = used("GET", "/api/v3/ping", "").await;
    let order = limit_params("x-1", "BUY", "59000", "0.001");
    let table = [
        ("GET", "/api/v3/time", "", 1),
        ("GET", "/api/v3/exchangeInfo", "", 20),
        ("POST", "/api/v3/order", order.as_str(), 0),
        ("POST", "/api/v3/order", order.as_str(), 1),
        (
            "GET",
            "/api/v3/order",
            "symbol=BTCUSDT&origClientOrderId=x-1",
            4,
        ),
        ("GET", "/api/v3/openOrders", "symbol=BTCUSDT", 6),
        ("GET", "/api/v3/openOrders", "", 80),
        ("GET", "/api/v3/allOrders", "symbol=BTCUSDT", 20),
        ("GET", "/api/v3/myTrades", "symbol=BTCUSDT", 20),
        ("GET", "/api/v3/myTrades", "symbol=BTCUSDT&orderId=1", 5),
        ("GET", "/api/v3/account", "", 20),
        ("GET", "/api/v3/rateLimit/order", "", 40),
        (
            "DELETE",
            "/api/v3/order",
            "symbol=BTCUSDT&origClientOrderId=x-1",
            0,
        ),
        (
            "DELETE",
            "/api/v3/order",
            "symbol=BTCUSDT&origClientOrderId=x-1",
            1,
        ),
    ];
    for (method, path, params, weight) in table {
        let after = used(method, path, params).await;
        // A minute may turn over between two requests: then counting starts again.
        assert!(
            after == before + weight || after == weight,
            "{method} {path} {params}: {before} to {after}"
        );
        before = after;
    }
    simulator.shutdown().await;
}

#[tokio::test]
async fn too_many_requests_and_orders_are_refused_and_obstinacy_is_banned() {
    let limits = LimitsConfig {
        weight_per_minute: 60,
        orders_per_ten_seconds: 2,
        ..LimitsConfig::default()
    };
    let (simulator, client) = started(SimulatorConfig {
        limits,
        ..SimulatorConfig::default()
    })
    .await;
    // Buckets are calendar ones: three orders may straddle two of them, four cannot be two and two twice.
    let mut refused = Vec::new();
    for id in ["x-1", "x-2", "x-3", "x-4", "x-5"] {
        let (status, body) = client.limit(id, "BUY", "59000", "0.001").await;
        if status != 200 {
            refused.push((status, body["code"].clone()));
        }
    }
    assert!(!refused.is_empty());
    assert!(
        refused
            .iter()
            .all(|refusal| *refusal == (429, json!(-1015))),
        "{refused:?}"
    );
    let mut seen = Vec::new();
    for _ in 0..40 {
        let response = client
            .send("GET", "/api/v3/exchangeInfo", "")
            .await
            .unwrap();
        let status = response.status().as_u16();
        if status != 200 {
            assert!(response.headers().contains_key("retry-after"));
        }
        seen.push(status);
    }
    assert_eq!(seen.first(), Some(&200));
    assert!(seen.contains(&429), "{seen:?}");
    assert_eq!(seen.last(), Some(&418), "{seen:?}");
    simulator.shutdown().await;
}
