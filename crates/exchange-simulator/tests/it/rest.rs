//! REST endpoints over a real socket.

use exchange_simulator::model::SymbolStatus;
use exchange_simulator::{AccountControl, Control, MarketControl};
use serde_json::{Value, json};

use crate::client::{Client, answer, limit_params, manual, now_ms};

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

    let fill = MarketControl::Fill {
        symbol: "BTCUSDT".into(),
        order_id,
        trades: 2,
        quantity: None,
    };
    simulator.market(fill).unwrap();
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
    simulator.shutdown().await;
}

#[tokio::test]
async fn look_ups_show_the_order_and_its_trades() {
    let (simulator, client) = manual().await;
    let (_, placed) = client.limit("gk-a-1-1", "BUY", "59000.00", "0.00100").await;
    let order_id = placed["orderId"].as_u64().unwrap();
    let fill = MarketControl::Fill {
        symbol: "BTCUSDT".into(),
        order_id,
        trades: 2,
        quantity: None,
    };
    simulator.market(fill).unwrap();
    let (_, order) = client
        .call(
            "GET",
            "/api/v3/order",
            "symbol=BTCUSDT&origClientOrderId=gk-a-1-1",
        )
        .await;
    assert_eq!(order["status"], "FILLED");
    let (_, all) = client
        .call(
            "GET",
            "/api/v3/allOrders",
            "symbol=BTCUSDT&startTime=1&endTime=2",
        )
        .await;
    assert_eq!(all, json!([]));
    let (_, all) = client
        .call(
            "GET",
            "/api/v3/allOrders",
            &format!("symbol=BTCUSDT&orderId={order_id}"),
        )
        .await;
    assert_eq!(all[0]["executedQty"], "0.00100000");
    let (_, trades) = client
        .call(
            "GET",
            "/api/v3/myTrades",
            &format!("symbol=BTCUSDT&orderId={order_id}"),
        )
        .await;
    assert_eq!(trades.as_array().unwrap().len(), 2);
    assert_eq!(
        (&trades[0]["id"], &trades[0]["isMaker"]),
        (&json!(1), &json!(true))
    );
    let (_, later) = client
        .call(
            "GET",
            "/api/v3/myTrades",
            &format!("symbol=BTCUSDT&fromId={}", 2),
        )
        .await;
    assert_eq!(later.as_array().unwrap().len(), 1);
    simulator.shutdown().await;
}

#[tokio::test]
async fn replies_have_the_shape_asked_for() {
    let (simulator, client) = manual().await;
    let table = [
        ("LIMIT", "&timeInForce=GTC", "", true, true),
        ("LIMIT_MAKER", "", "", false, false),
        ("LIMIT_MAKER", "", "&newOrderRespType=RESULT", true, false),
        (
            "LIMIT",
            "&timeInForce=GTC",
            "&newOrderRespType=ACK",
            false,
            false,
        ),
    ];
    for (kind, tif, respond, has_status, has_fills) in table {
        let params =
            format!("symbol=BTCUSDT&side=BUY&type={kind}{tif}&quantity=0.001&price=59000{respond}");
        let (status, reply) = client.call("POST", "/api/v3/order", &params).await;
        assert_eq!(status, 200, "{reply}");
        assert_eq!(
            reply.get("status").is_some(),
            has_status,
            "{kind}{respond}: {reply}"
        );
        assert_eq!(
            reply.get("fills").is_some(),
            has_fills,
            "{kind}{respond}: {reply}"
        );
    }
    let params = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001";
    let (_, market) = client.call("POST", "/api/v3/order", params).await;
    assert_eq!(
        (&market["status"], &market["fills"][0]["price"]),
        (&json!("FILLED"), &json!("60000.01000000"))
    );
    let (_, test) = client.call("POST", "/api/v3/order/test", params).await;
    assert_eq!(test, json!({}));
    simulator.shutdown().await;
}

#[tokio::test]
async fn cancels_and_amends_answer_for_the_order() {
    let (simulator, client) = manual().await;
    for id in ["x-1", "x-2", "x-3"] {
        client.limit(id, "BUY", "59000", "0.002").await;
    }
    let (_, canceled) = client
        .call(
            "DELETE",
            "/api/v3/order",
            "symbol=BTCUSDT&origClientOrderId=x-1&newClientOrderId=c-1",
        )
        .await;
    assert_eq!(
        (&canceled["origClientOrderId"], &canceled["clientOrderId"]),
        (&json!("x-1"), &json!("c-1"))
    );
    assert_eq!(canceled["status"], "CANCELED");
    let (status, again) = client
        .call(
            "DELETE",
            "/api/v3/order",
            "symbol=BTCUSDT&origClientOrderId=x-1",
        )
        .await;
    assert_eq!(
        (status, &again["code"], &again["msg"]),
        (400, &json!(-2011), &json!("Unknown order sent."))
    );
    let restricted =
        "symbol=BTCUSDT&origClientOrderId=x-2&cancelRestrictions=ONLY_PARTIALLY_FILLED";
    let (_, refused) = client.call("DELETE", "/api/v3/order", restricted).await;
    assert_eq!(
        refused["msg"],
        "Order was not canceled due to cancel restrictions."
    );
    let amend = "symbol=BTCUSDT&origClientOrderId=x-2&newQty=0.001";
    let (_, amended) = client
        .call("PUT", "/api/v3/order/amend/keepPriority", amend)
        .await;
    assert_eq!(amended["amendedOrder"]["qty"], "0.00100000", "{amended}");
    let (_, rest) = client
        .call("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT")
        .await;
    assert_eq!(rest.as_array().unwrap().len(), 2, "{rest}");
    simulator.shutdown().await;
}

#[tokio::test]
async fn public_endpoints_need_no_key() {
    let (simulator, client) = manual().await;
    let client = Client {
        key: String::new(),
        ..client
    };
    let (_, time) = client.public("/api/v3/time").await;
    assert!((time["serverTime"].as_i64().unwrap() - now_ms()).abs() < 1_000);
    let (_, info) = client.public("/api/v3/exchangeInfo?symbol=BTCUSDT").await;
    let filters = info["symbols"][0]["filters"].as_array().unwrap();
    let tick = filters
        .iter()
        .find(|filter| filter["filterType"] == "PRICE_FILTER")
        .unwrap();
    assert_eq!(tick["tickSize"], "0.01000000");
    let (_, several) = client
        .public("/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%5D")
        .await;
    assert_eq!(several["symbols"].as_array().unwrap().len(), 1);
    assert_eq!(
        client.public("/api/v3/exchangeInfo?symbol=NOPE").await.1["code"],
        -1121
    );
    let (_, price) = client.public("/api/v3/ticker/price?symbol=BTCUSDT").await;
    assert_eq!(
        price,
        json!({ "symbol": "BTCUSDT", "price": "60000.00000000" })
    );
    let (_, book) = client
        .public("/api/v3/ticker/bookTicker?symbol=BTCUSDT")
        .await;
    assert_eq!(
        (&book["bidPrice"], &book["askPrice"]),
        (&json!("59999.99000000"), &json!("60000.01000000"))
    );
    assert_eq!(client.public("/api/v3/userDataStream").await.0, 410);
    assert_eq!(client.public("/api/v3/nothing").await.0, 404);
    simulator.shutdown().await;
}

#[tokio::test]
async fn accounts_tell_balances_fees_and_permissions() {
    let (simulator, client) = manual().await;
    client.limit("x-1", "BUY", "59000", "0.001").await;
    let (_, account) = client
        .call("GET", "/api/v3/account", "omitZeroBalances=true")
        .await;
    let usdt = account["balances"]
        .as_array()
        .unwrap()
        .iter()
        .find(|balance| balance["asset"] == "USDT")
        .unwrap();
    assert_eq!(usdt["locked"], "59.00000000");
    let (_, fees) = client
        .call("GET", "/api/v3/account/commission", "symbol=BTCUSDT")
        .await;
    assert_eq!(fees["standardCommission"]["maker"], "0.00100000");
    let (_, restrictions) = client
        .call("GET", "/sapi/v1/account/apiRestrictions", "")
        .await;
    assert_eq!(restrictions["enableWithdrawals"], false);
    assert_eq!(restrictions["enableSpotAndMarginTrading"], true);
    let (_, counts) = client.call("GET", "/api/v3/rateLimit/order", "").await;
    assert_eq!(counts[0]["count"], 1);
    simulator.shutdown().await;
}

#[tokio::test]
async fn malformed_parameters_are_named() {
    let (simulator, client) = manual().await;
    let base = limit_params("x-1", "BUY", "59000", "0.001");
    let table = [
        (base.replace("price=59000", "price=5.9e4"), -1100, "'price'"),
        (
            base.replace("side=BUY", "side=HOLD"),
            -1117,
            "Invalid side.",
        ),
        (
            base.replace("type=LIMIT", "type=STOP"),
            -1116,
            "Invalid orderType.",
        ),
        (base.replace("=GTC", "=GTD"), -1115, "Invalid timeInForce."),
        (base.replace("symbol=BTCUSDT&", ""), -1102, "'symbol'"),
        (
            format!("{base}&newOrderRespType=LOUD"),
            -1130,
            "'newOrderRespType'",
        ),
        (
            format!("{base}&selfTradePreventionMode=MAYBE"),
            -1130,
            "'selfTradePreventionMode'",
        ),
        (
            base.replace("quantity=0.001", "quantity=99999999999999999999"),
            -1130,
            "'quantity'",
        ),
    ];
    for (params, code, message) in table {
        let (status, body) = client.call("POST", "/api/v3/order", &params).await;
        assert_eq!(
            (status, &body["code"]),
            (400, &json!(code)),
            "{params}: {body}"
        );
        assert!(
            body["msg"].as_str().unwrap().contains(message),
            "{params}: {body}"
        );
    }
    assert_eq!(
        client
            .call("GET", "/api/v3/order", "symbol=BTCUSDT")
            .await
            .1["code"],
        -1102
    );
    let both = "symbol=BTCUSDT&orderId=1&startTime=1";
    assert_eq!(
        client.call("GET", "/api/v3/myTrades", both).await.1["code"],
        -1128
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn rules_status_and_funds_change_while_running() {
    let (simulator, client) = manual().await;
    let halt = MarketControl::Status {
        symbol: "BTCUSDT".into(),
        status: SymbolStatus::Halt,
    };
    simulator.market(halt).unwrap();
    let (_, body) = client.limit("x-1", "BUY", "59000", "0.001").await;
    assert_eq!(
        (&body["code"], &body["msg"]),
        (&json!(-2010), &json!("Market is closed."))
    );
    let (_, info) = client.public("/api/v3/exchangeInfo").await;
    assert_eq!(info["symbols"][0]["status"], "HALT");
    let mut rules =
        simulator.with_exchange(|exchange, _| exchange.rules_of("BTCUSDT").unwrap().clone());
    rules.tick_size = "10".parse().unwrap();
    rules.status = SymbolStatus::Trading;
    simulator
        .market(MarketControl::Rules {
            rules: Box::new(rules),
        })
        .unwrap();
    let (_, body) = client.limit("x-1", "BUY", "59005", "0.001").await;
    assert_eq!(body["msg"], "Filter failure: PRICE_FILTER");
    let (_, account) = client.call("GET", "/api/v3/account", "").await;
    let free = account["balances"]
        .as_array()
        .unwrap()
        .iter()
        .find(|b| b["asset"] == "USDT")
        .unwrap()["free"]
        .clone();
    let amount = format!("-{}", free.as_str().unwrap()).parse().unwrap();
    let funds = AccountControl::Funds {
        account: "demo".into(),
        asset: "USDT".into(),
        amount,
    };
    simulator.account(funds.clone()).unwrap();
    assert!(
        simulator.account(funds).is_err(),
        "nothing is left to withdraw"
    );
    let (_, body) = client.limit("x-1", "BUY", "59000", "0.001").await;
    assert_eq!(
        body["msg"],
        "Account has insufficient balance for requested action."
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn control_calls_over_http_do_the_same() {
    let (simulator, client) = manual().await;
    let post = async |path: &str, body: Value| {
        answer(client.send("POST", path, &body.to_string()).await.unwrap()).await
    };
    client.limit("gk-x-1-1", "BUY", "59000", "0.001").await;
    let print = json!({ "do": "print", "symbol": "BTCUSDT", "price": "58000", "quantity": "1" });
    assert_eq!(post("/sim/market", print).await.0, 200);
    let (_, stats) = client.public("/sim/stats").await;
    assert_eq!(
        (&stats["counts"]["filled"], &stats["lastPrice"]),
        (&json!(1), &json!("58000")),
        "{stats}"
    );
    assert_eq!(stats["owing"], json!(["gk-x-1"]));
    let ladder = json!([{
        "slot": "gk-x-1", "symbol": "BTCUSDT", "buyPrice": "59000", "sellPrice": "60000", "quantity": "0.001",
    }]);
    let (_, report) = post("/sim/audit", ladder).await;
    assert_eq!(
        (&report["missing"], &report["levels"][0]["verdict"]),
        (&json!(1), &json!("missing")),
        "{report}"
    );
    let endless = format!("9.5{}", "_".repeat(100_000));
    let print = json!({ "do": "print", "symbol": "BTCUSDT", "price": endless, "quantity": "1" });
    let (status, body) = post("/sim/market", print).await;
    assert_eq!(status, 400);
    assert!(
        body["error"].as_str().unwrap().contains("too long"),
        "{body}"
    );
    let (status, body) = post("/sim/market", json!({ "do": "dance" })).await;
    assert_eq!(status, 400);
    assert!(body["error"].as_str().unwrap().contains("dance"), "{body}");
    let (status, body) = post(
        "/sim/market",
        json!({ "do": "cancel", "symbol": "BTCUSDT", "orderId": 99 }),
    )
    .await;
    assert_eq!(status, 400);
    assert!(
        body["error"]
            .as_str()
            .unwrap()
            .contains("Unknown order sent."),
        "{body}"
    );
    let (status, body) = post("/sim/control", json!({ "do": "faults", "preset": "mild" })).await;
    assert_eq!(status, 400);
    assert!(body["error"].as_str().unwrap().contains("'mild'"), "{body}");
    assert_eq!(
        post("/sim/control", json!({ "do": "faults", "preset": "harsh" }))
            .await
            .0,
        200
    );
    simulator.control(Control::StopFaults).unwrap();
    simulator.shutdown().await;
}
