//! REST endpoints over a real socket.

use exchange_simulator::MarketControl;
use serde_json::json;

use crate::client::{Client, answer, limit_params, manual, now_ms, sign};

#[tokio::test]
async fn an_order_lives_from_placement_to_its_trades() {
    let (simulator, client) = manual().await;
    let mut stream = client.subscribed().await;
    let (status, placed) = client.limit("gk-a-1-1", "BUY", "59000.00", "0.00100").await;
    assert_eq!(
        (status, &placed["status"]),
        (200, &json!("NEW")),
        "{placed}"
    );
    let order_id = placed["orderId"].as_u64().unwrap();
    assert_eq!(placed["fills"], json!([]));

    let (_, open) = client
        .call("GET", "/api/v3/openOrders", "symbol=BTCUSDT")
        .await;
    assert_eq!(open.as_array().unwrap().len(), 1, "{open}");
    let report = stream.report("NEW").await;
    assert_eq!(
        (&report["c"], &report["i"]),
        (&json!("gk-a-1-1"), &json!(order_id))
    );

    simulator
        .market(MarketControl::Fill {
            symbol: "BTCUSDT".into(),
            order_id,
            trades: 2,
            quantity: None,
        })
        .unwrap();
    let first = stream.report("TRADE").await;
    assert_eq!(
        (&first["X"], &first["z"]),
        (&json!("PARTIALLY_FILLED"), &json!("0.00050000"))
    );
    let last = stream.report("TRADE").await;
    assert_eq!(
        (&last["X"], &last["z"], &last["Z"]),
        (
            &json!("FILLED"),
            &json!("0.00100000"),
            &json!("59.00000000")
        )
    );
    assert_eq!(
        (&last["n"], &last["N"], &last["m"]),
        (&json!("0.00000050"), &json!("BTC"), &json!(true))
    );

    let (_, order) = client
        .call(
            "GET",
            "/api/v3/order",
            "symbol=BTCUSDT&origClientOrderId=gk-a-1-1",
        )
        .await;
    assert_eq!(order["status"], "FILLED");
    let (_, trades) = client
        .call(
            "GET",
            "/api/v3/myTrades",
            &format!("symbol=BTCUSDT&orderId={order_id}"),
        )
        .await;
    assert_eq!(trades.as_array().unwrap().len(), 2);
    assert_eq!(trades[0]["id"], first["t"]);
    simulator.shutdown().await;
}
