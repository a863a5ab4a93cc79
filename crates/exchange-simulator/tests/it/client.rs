//! A bare client: signs by itself, knows nothing of the simulator's code.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use exchange_simulator::{
    DEMO_API_KEY, DEMO_API_SECRET, RunningSimulator, Simulator, SimulatorConfig,
};
use futures_util::{SinkExt, StreamExt};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// HMAC-SHA256 in hex.
pub(crate) fn sign(secret: &str, payload: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(payload.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[expect(clippy::disallowed_methods, reason = "a test owns its process's clock")]
pub(crate) fn now_ms() -> i64 {
    i64::try_from(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis(),
    )
    .unwrap()
}

/// Status and body.
pub(crate) type Answer = (u16, Value);

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) ws: String,
    pub(crate) key: String,
    pub(crate) secret: String,
}

impl Client {
    pub(crate) fn of(simulator: &RunningSimulator) -> Self {
        Self {
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(20))
                .build()
                .unwrap(),
            base: simulator.rest_url(),
            ws: simulator.ws_url(),
            key: DEMO_API_KEY.to_owned(),
            secret: DEMO_API_SECRET.to_owned(),
        }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path_and_query: &str,
        body: &str,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let url = format!("{}{path_and_query}", self.base);
        let request = self
            .http
            .request(method.parse().unwrap(), url)
            .header("X-MBX-APIKEY", &self.key);
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.to_owned())
            .send()
            .await
    }

    pub(crate) async fn public(&self, path_and_query: &str) -> Answer {
        answer(self.send("GET", path_and_query, "").await.unwrap()).await
    }

    pub(crate) fn signed_query(&self, params: &str) -> String {
        let stamped = if params.contains("timestamp=") {
            params.to_owned()
        } else {
            let joint = if params.is_empty() { "" } else { "&" };
            format!("{params}{joint}timestamp={}", now_ms())
        };
        let signature = sign(&self.secret, &stamped);
        format!("{stamped}&signature={signature}")
    }

    pub(crate) async fn try_call(
        &self,
        method: &str,
        path: &str,
        params: &str,
    ) -> Result<Answer, reqwest::Error> {
        let response = self
            .send(method, &format!("{path}?{}", self.signed_query(params)), "")
            .await?;
        Ok(answer(response).await)
    }

    pub(crate) async fn call(&self, method: &str, path: &str, params: &str) -> Answer {
        self.try_call(method, path, params).await.unwrap()
    }

    /// Places a LIMIT GTC order of the default symbol.
    pub(crate) async fn limit(&self, id: &str, side: &str, price: &str, quantity: &str) -> Answer {
        self.call(
            "POST",
            "/api/v3/order",
            &limit_params(id, side, price, quantity),
        )
        .await
    }

    pub(crate) async fn stream(&self) -> Stream {
        let (socket, _) = tokio_tungstenite::connect_async(self.ws.as_str())
            .await
            .unwrap();
        Stream { socket }
    }

    /// A stream already subscribed to the account's events.
    pub(crate) async fn subscribed(&self) -> Stream {
        let mut stream = self.stream().await;
        let reply = stream.subscribe(self, 1).await;
        assert_eq!(reply["status"], 200, "{reply}");
        stream
    }
}

pub(crate) fn limit_params(id: &str, side: &str, price: &str, quantity: &str) -> String {
    format!(
        "symbol=BTCUSDT&side={side}&type=LIMIT&timeInForce=GTC&quantity={quantity}&price={price}&newClientOrderId={id}"
    )
}

pub(crate) async fn answer(response: reqwest::Response) -> Answer {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

pub(crate) struct Stream {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Stream {
    pub(crate) async fn send(&mut self, value: &Value) {
        self.socket
            .send(Message::Text(value.to_string().into()))
            .await
            .unwrap();
    }

    /// The next text frame, or none once the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let wait = Duration::from_secs(10);
        loop {
            match tokio::time::timeout(wait, self.socket.next())
                .await
                .expect("a frame within ten seconds")
            {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Whether nothing comes for a while.
    pub(crate) async fn is_silent(&mut self, for_ms: u64) -> bool {
        let wait = Duration::from_millis(for_ms);
        tokio::time::timeout(wait, self.next()).await.is_err()
    }

    /// The next execution report's payload of this type.
    pub(crate) async fn report(&mut self, execution: &str) -> Value {
        loop {
            let frame = self.next().await.expect("the stream is alive");
            let event = &frame["event"];
            if event["e"] == "executionReport" && event["x"] == execution {
                return event.clone();
            }
        }
    }

    pub(crate) async fn request(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.send(&json!({ "id": id, "method": method, "params": params }))
            .await;
        loop {
            let frame = self.next().await.expect("the stream is alive");
            if frame["id"] == json!(id) {
                return frame;
            }
        }
    }

    pub(crate) async fn subscribe(&mut self, client: &Client, id: u64) -> Value {
        let timestamp = now_ms();
        let payload = format!("apiKey={}&timestamp={timestamp}", client.key);
        let params = json!({
            "apiKey": client.key,
            "timestamp": timestamp,
            "signature": sign(&client.secret, &payload),
        });
        self.request(id, "userDataStream.subscribe.signature", params)
            .await
    }
}

/// A simulator whose prices come by hand, at 60,000.
pub(crate) async fn manual() -> (RunningSimulator, Client) {
    started(SimulatorConfig::default()).await
}

pub(crate) async fn started(config: SimulatorConfig) -> (RunningSimulator, Client) {
    let simulator = Simulator::start(config).await.unwrap();
    let client = Client::of(&simulator);
    (simulator, client)
}
