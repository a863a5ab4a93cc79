//! The bare client: hears of a fill on its stream and sends the opposite order. It keeps no record, checks nothing and
//! would double or lose orders as soon as anything went wrong. Nothing can be faster over these two connections.
//!
//! Entry point: [`start`].

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use binance::{Credentials, signed_query, ws_signature};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use crate::Failure;
use crate::exchange::{Exchange, SECRET, api_key};

struct Bare {
    client: reqwest::Client,
    credentials: Credentials,
    rest: String,
}

/// Subscribes, places its first BUY, and answers fills until aborted.
pub(crate) async fn start(exchange: &Exchange) -> Result<JoinHandle<()>, Failure> {
    let bare = Bare {
        client: reqwest::Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .build()?,
        credentials: Credentials::hmac(&api_key(0), SECRET)?,
        rest: exchange.rest.clone(),
    };
    let (mut stream, _) = tokio_tungstenite::connect_async(exchange.web_socket()).await?;
    let mut params = BTreeMap::from([
        ("apiKey", bare.credentials.api_key().to_owned()),
        ("timestamp", now_ms()?.to_string()),
    ]);
    let signature = ws_signature(&bare.credentials, &params);
    params.insert("signature", signature);
    let subscribe = json!({
        "id": "1", "method": "userDataStream.subscribe.signature", "params": params,
    });
    stream.send(Message::text(subscribe.to_string())).await?;
    let answer = stream.next().await.ok_or("the stream ended")??;
    let answer: Value = serde_json::from_str(answer.to_text()?)?;
    if answer["status"] != 200 {
        return Err(format!("not subscribed: {answer}").into());
    }
    bare.place("BUY", 1).await?;
    let answering = async move {
        let mut number = 1;
        while let Some(Ok(message)) = stream.next().await {
            let Ok(frame) = message.to_text().map(serde_json::from_str::<Value>) else {
                continue;
            };
            let Some(filled) = frame.ok().filter(|frame| frame["event"]["X"] == "FILLED") else {
                continue;
            };
            number += 1;
            let side = if filled["event"]["S"] == "BUY" {
                "SELL"
            } else {
                "BUY"
            };
            if let Err(error) = bare.place(side, number).await {
                println!("the bare client failed: {error}");
                break;
            }
        }
    };
    #[expect(clippy::disallowed_methods, reason = "a process starts its own tasks")]
    Ok(tokio::spawn(answering))
}

impl Bare {
    async fn place(&self, side: &str, number: u32) -> Result<(), Failure> {
        let price = if side == "BUY" { "990" } else { "1000" };
        let query = signed_query(
            &self.credentials,
            &[
                ("symbol", "BARUSDT".to_owned()),
                ("side", side.to_owned()),
                ("type", "LIMIT".to_owned()),
                ("timeInForce", "GTC".to_owned()),
                ("quantity", "0.1".to_owned()),
                ("price", price.to_owned()),
                ("newClientOrderId", format!("bare-1-{number}")),
                ("newOrderRespType", "FULL".to_owned()),
                ("timestamp", now_ms()?.to_string()),
            ],
        );
        let request = self
            .client
            .post(format!("{}/api/v3/order", self.rest))
            .header("X-MBX-APIKEY", self.credentials.api_key())
            .header("Content-Type", "application/x-www-form-urlencoded")
            .timeout(Duration::from_secs(10))
            .body(query);
        let reply = request.send().await?;
        if reply.status().is_success() {
            Ok(())
        } else {
            Err(reply.text().await?.into())
        }
    }
}

fn now_ms() -> Result<u128, Failure> {
    #[expect(clippy::disallowed_methods, reason = "a process owns its clock")]
    let now = SystemTime::now();
    Ok(now.duration_since(UNIX_EPOCH)?.as_millis())
}
