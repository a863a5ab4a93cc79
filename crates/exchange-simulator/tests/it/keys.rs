//! Keys, signatures and the time window, over a real socket.

use exchange_simulator::AccountControl;
use exchange_simulator::model::{Account, ApiKey, Balance, KeySecret};
use serde_json::{Value, json};

use crate::client::{Client, answer, manual, now_ms, sign};

/// Sends one signed query with something wrong about it.
async fn wrong(client: &Client, query: &str) -> (u16, Value, Value) {
    let response = client
        .send("GET", &format!("/api/v3/account?{query}"), "")
        .await
        .unwrap();
    let (status, body) = answer(response).await;
    (status, body["code"].clone(), body["msg"].clone())
}

#[tokio::test]
async fn keys_signatures_and_windows_are_proven() {
    let (simulator, client) = manual().await;
    let now = now_ms();
    let signed = |params: &str| format!("{params}&signature={}", sign(&client.secret, params));
    let table = [
        (
            signed(&format!("timestamp={}", now + 1_500)),
            400,
            -1021,
            "1000ms ahead",
        ),
        (
            signed(&format!("timestamp={}", now - 5_500)),
            400,
            -1021,
            "outside of the recvWindow",
        ),
        (
            signed(&format!("recvWindow=100&timestamp={}", now - 800)),
            400,
            -1021,
            "outside of the recvWindow",
        ),
        (
            signed(&format!("recvWindow=60001&timestamp={now}")),
            400,
            -1131,
            "recvWindow must be less than 60000",
        ),
        (
            signed(&format!("recvWindow=5_0&timestamp={now}")),
            400,
            -1130,
            "'recvWindow'",
        ),
        (
            signed("recvWindow=5000"),
            400,
            -1102,
            "'timestamp' was not sent",
        ),
        (
            format!("timestamp={now}"),
            400,
            -1102,
            "'signature' was not sent",
        ),
        (
            format!("timestamp={now}&signature={}", "0".repeat(64)),
            400,
            -1022,
            "Signature for this request",
        ),
    ];
    for (query, status, code, message) in table {
        let got = wrong(&client, &query).await;
        assert_eq!((got.0, &got.1), (status, &json!(code)), "{query}: {got:?}");
        assert!(
            got.2.as_str().unwrap().contains(message),
            "{query}: {got:?}"
        );
    }
    let good = signed(&format!("timestamp={now}"));
    assert_eq!(wrong(&client, &good).await.0, 200);
    let micros = signed(&format!("timestamp={}", now * 1000));
    assert_eq!(
        wrong(&client, &micros).await.0,
        200,
        "microseconds are fine"
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn unknown_keys_are_refused() {
    let (simulator, client) = manual().await;
    let params = format!("timestamp={}", now_ms());
    let good = format!("{params}&signature={}", sign(&client.secret, &params));
    let none = Client {
        key: "no!key".into(),
        ..client.clone()
    };
    assert_eq!(wrong(&none, &good).await.1, -2014);
    let unknown = Client {
        key: "x".repeat(64),
        ..client.clone()
    };
    let got = wrong(&unknown, &good).await;
    assert_eq!((got.0, got.1), (401, json!(-2015)));
    simulator.shutdown().await;
}

#[tokio::test]
async fn parameters_may_stand_in_query_and_body() {
    let (simulator, client) = manual().await;
    let now = now_ms();
    // Parameters may stand in the body, the signature covers query and body without a separator.
    let query = "symbol=BTCUSDT&side=BUY&type=LIMIT";
    let body = format!("timeInForce=GTC&quantity=0.001&price=59000&timestamp={now}");
    let signature = sign(&client.secret, &format!("{query}{body}"));
    let (path, body) = (
        format!("/api/v3/order?{query}"),
        format!("{body}&signature={signature}"),
    );
    let sent = client.send("POST", &path, &body);
    assert_eq!(answer(sent.await.unwrap()).await.0, 200);
    simulator.shutdown().await;
}

#[tokio::test]
async fn keys_may_be_limited_lapse_and_change_while_running() {
    let (simulator, client) = manual().await;
    let add = |key: ApiKey| {
        simulator
            .account(AccountControl::AddKey {
                account: "demo".into(),
                key,
            })
            .unwrap()
    };
    let key = |name: &str| ApiKey {
        trading: false,
        ..ApiKey::hmac(name, "secret")
    };
    let as_key = |name: &str| Client {
        key: name.into(),
        secret: "secret".into(),
        ..client.clone()
    };
    add(key("readonly"));
    let reader = as_key("readonly");
    assert_eq!(reader.call("GET", "/api/v3/account", "").await.0, 200);
    assert_eq!(
        reader.limit("x-1", "BUY", "59000", "0.001").await.1["code"],
        -2015
    );
    add(ApiKey {
        trading_authority_expiration_ms: Some(1),
        trading: true,
        ..key("lapsed")
    });
    assert_eq!(
        as_key("lapsed")
            .limit("x-1", "BUY", "59000", "0.001")
            .await
            .1["code"],
        -2015
    );
    add(ApiKey {
        reading: false,
        trading: true,
        ..key("writer")
    });
    assert_eq!(
        as_key("writer").call("GET", "/api/v3/account", "").await.1["code"],
        -2015
    );
    simulator
        .account(AccountControl::RemoveKey {
            key: "readonly".into(),
        })
        .unwrap();
    assert_eq!(
        reader.call("GET", "/api/v3/account", "").await.1["code"],
        -2015
    );
    assert!(
        simulator
            .account(AccountControl::RemoveKey {
                key: "readonly".into()
            })
            .is_err()
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn edwards_keys_sign_too() {
    let (simulator, client) = manual().await;
    let seed: [u8; 32] =
        hex::decode("8244616b4606b8400a66fd0efcbea9af1611fd2540e975b3808b20007d9bcf6e")
            .unwrap()
            .try_into()
            .unwrap();
    let pair = ed25519_dalek::SigningKey::from_bytes(&seed);
    let public = hex::encode(pair.verifying_key().to_bytes());
    let key = ApiKey {
        secret: KeySecret::Ed25519(public),
        ..ApiKey::hmac("edwards", "")
    };
    simulator
        .account(AccountControl::AddKey {
            account: "demo".into(),
            key,
        })
        .unwrap();
    let payload = format!("timestamp={}", now_ms());
    let signature = ed25519_dalek::Signer::sign(&pair, payload.as_bytes());
    let encoded = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        signature.to_bytes(),
    )
    .replace('+', "%2B")
    .replace('/', "%2F")
    .replace('=', "%3D");
    assert_eq!(
        wrong(
            &Client {
                key: "edwards".into(),
                ..client.clone()
            },
            &format!("{payload}&signature={encoded}")
        )
        .await
        .0,
        200
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn an_account_is_opened_while_it_runs_and_is_its_own() {
    let (simulator, client) = manual().await;
    let mut account = Account::named("second");
    account.keys.push(ApiKey::hmac("secondKey", &client.secret));
    let ample = Balance {
        free: 7.into(),
        locked: 0.into(),
    };
    account.balances.insert("BTC".to_owned(), ample);
    let open = |account: &Account| {
        let account = Box::new(account.clone());
        simulator.account(AccountControl::Open { account })
    };
    open(&account).unwrap();
    let second = Client {
        key: "secondKey".into(),
        ..client.clone()
    };
    let (status, body) = second.call("GET", "/api/v3/account", "").await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["balances"][0]["free"], "7.00000000", "{body}");
    // Neither its name nor its key is given twice.
    assert!(open(&account).is_err());
    account.name = "third".to_owned();
    assert!(open(&account).is_err());
    simulator.shutdown().await;
}
