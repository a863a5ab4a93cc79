//! An exchange that does what the test says, one frame after another.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The exchange's time in its replies.
pub(crate) const SERVER_TIME: i64 = 1_790_000_000_000;

/// Waits, but not for ever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_elapsed) => panic!("waited in vain for {what}"),
    }
}

pub(crate) struct Exchange {
    listener: TcpListener,
    pub(crate) url: String,
}

impl Exchange {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ws-api/v3", listener.local_addr().unwrap());
        Self { listener, url }
    }

    /// The bridge's next connection, its question for the time answered.
    pub(crate) async fn accept(&self) -> Peer {
        let (stream, _) = soon("a connection", self.listener.accept()).await.unwrap();
        let socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let mut peer = Peer { socket };
        let time = peer.request().await;
        assert_eq!(time["method"], "time");
        peer.answer(&time, json!({"serverTime": SERVER_TIME})).await;
        peer
    }

    /// The next connection with these accounts subscribed, in the order of their names, as
    /// numbers 0, 1, 2, ...
    pub(crate) async fn accept_with(&self, accounts: &[&str]) -> Peer {
        let mut peer = self.accept().await;
        peer.confirm(accounts).await;
        peer
    }

    /// Takes a connection and drops it at once.
    pub(crate) async fn refuse(&self) {
        let (stream, _) = soon("a connection", self.listener.accept()).await.unwrap();
        drop(stream);
    }
}

/// One connection of the bridge's.
pub(crate) struct Peer {
    socket: WebSocketStream<TcpStream>,
}

impl Peer {
    /// The next request.
    pub(crate) async fn request(&mut self) -> Value {
        loop {
            match soon("a request", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no request but {other:?}"),
            }
        }
    }

    /// The next request, which must be a subscription of this account (whose API key is its name).
    pub(crate) async fn subscription(&mut self, account: &str) -> Value {
        let request = self.request().await;
        assert_eq!(request["method"], "userDataStream.subscribe.signature");
        assert_eq!(request["params"]["apiKey"], account);
        request
    }

    pub(crate) async fn confirm(&mut self, accounts: &[&str]) {
        for (number, account) in accounts.iter().enumerate() {
            let request = self.subscription(account).await;
            self.answer(&request, json!({"subscriptionId": number}))
                .await;
        }
    }

    pub(crate) async fn answer(&mut self, request: &Value, result: Value) {
        let reply = json!({"id": request["id"], "status": 200, "result": result, "rateLimits": []});
        self.send(&reply.to_string()).await;
    }

    pub(crate) async fn refuse(&mut self, request: &Value, code: i64, message: &str) {
        let error = json!({"code": code, "msg": message});
        let reply = json!({"id": request["id"], "status": 400, "error": error});
        self.send(&reply.to_string()).await;
    }

    /// A fill of an order of ours, told to a subscription.
    pub(crate) async fn fill(&mut self, subscription: i64, trade: i64) {
        self.send(&fill(subscription, trade)).await;
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send_binary(&mut self, bytes: &'static [u8]) {
        self.socket.send(Message::binary(bytes)).await.unwrap();
    }

    /// A text frame that is not UTF-8, as only a broken server sends.
    pub(crate) async fn send_broken_text(&mut self) {
        let bad = Frame::message(&b"{\"\xff\":1}"[..], OpCode::Data(Data::Text), true);
        self.socket.send(Message::Frame(bad)).await.unwrap();
    }

    /// Waits for the bridge to close.
    pub(crate) async fn closed(&mut self) {
        loop {
            match soon("the end", self.socket.next()).await {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            }
        }
    }
}

pub(crate) fn fill(subscription: i64, trade: i64) -> String {
    include_str!("../../testdata/execution_report.json")
        .trim()
        .replace(
            r#""subscriptionId":3"#,
            &format!(r#""subscriptionId":{subscription}"#),
        )
        .replace("5210009001", &trade.to_string())
}
