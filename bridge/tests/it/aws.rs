//! Just enough of AWS for a bridge: the real embedded DynamoDB behind a port, and a stand-in for
//! the queue and the key service that keeps what it was sent.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynamo_store::{DynamoStore, EmbeddedDynamo, bind_unix, serve_unix};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use trading::{Message, SealedKey};

use crate::exchange::soon;

/// One request: its head in lower case, its body.
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: Value,
}

pub(crate) async fn read(stream: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4_096];
        let read = stream.read(&mut part).await.unwrap();
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .unwrap()
                .parse()
                .unwrap();
            if body.len() >= length {
                let body = serde_json::from_str(body).unwrap();
                return Request { head, body };
            }
        }
    }
}

pub(crate) async fn write(stream: &mut TcpStream, status: u16, body: &Value, kind: &str) {
    let body = body.to_string();
    let reply = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(reply.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
}

/// What the stand-in was sent.
#[derive(Debug, Default)]
struct Sent {
    messages: Mutex<Vec<Message>>,
    told: Notify,
    /// Whether the queue refuses everything.
    refusing: AtomicBool,
}

/// A region of its own for one test. Gone when dropped.
pub(crate) struct Region {
    pub(crate) store: DynamoStore,
    pub(crate) dynamo_url: String,
    pub(crate) url: String,
    sent: Arc<Sent>,
    _folder: tempfile::TempDir,
    _serving: JoinSet<()>,
}

impl Region {
    pub(crate) async fn start(table: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("dynamo.sock");
        let database = EmbeddedDynamo::memory().unwrap();
        let store = database.store(table);
        store.create_table().await.unwrap();
        let listener = bind_unix(&socket).await.unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(serve_unix(listener, database, std::future::pending()));
        let sent = Arc::new(Sent::default());
        let (dynamo, dynamo_url) = port().await;
        serving.spawn(forward(dynamo, socket));
        let (others, url) = port().await;
        serving.spawn(stand_in(others, Arc::clone(&sent)));
        Self {
            store,
            dynamo_url,
            url,
            sent,
            _folder: folder,
            _serving: serving,
        }
    }

    /// Lets the queue refuse everything from now on, or take it again.
    pub(crate) fn refuse_messages(&self, refuse: bool) {
        self.sent.refusing.store(refuse, Ordering::Relaxed);
    }

    /// The next message on the queue.
    pub(crate) async fn message(&self) -> Message {
        let waiting = async {
            loop {
                let told = self.sent.told.notified();
                if let Some(first) = take_first(&self.sent.messages) {
                    return first;
                }
                told.await;
            }
        };
        soon("a message", waiting).await
    }
}

fn take_first(messages: &Mutex<Vec<Message>>) -> Option<Message> {
    let mut messages = messages.lock().unwrap();
    (!messages.is_empty()).then(|| messages.remove(0))
}

/// A secret as the stand-in seals it: it opens only in the context it names.
pub(crate) fn sealed(api_key: &str, account: &str, purpose: &str, secret: &str) -> SealedKey {
    SealedKey {
        api_key: api_key.to_owned(),
        kind: "hmac".to_owned(),
        sealed: STANDARD.encode(format!("{account}|{purpose}|{secret}")),
    }
}

async fn port() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

async fn forward(listener: TcpListener, socket: impl AsRef<Path>) {
    let mut connections = JoinSet::new();
    loop {
        let (mut outside, _) = listener.accept().await.unwrap();
        let mut inside = UnixStream::connect(&socket).await.unwrap();
        connections.spawn(async move { copy_bidirectional(&mut outside, &mut inside).await });
    }
}

async fn stand_in(listener: TcpListener, sent: Arc<Sent>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read(&mut stream).await;
        let (status, body) = if request.head.contains("amazonsqs.sendmessagebatch") {
            take(&request.body, &sent)
        } else if request.head.contains("trentservice.decrypt") {
            open(&request.body)
        } else {
            panic!("nobody serves {}", request.head)
        };
        let kind = if request.head.contains("trentservice") {
            "application/x-amz-json-1.1"
        } else {
            "application/x-amz-json-1.0"
        };
        write(&mut stream, status, &body, kind).await;
    }
}

fn take(request: &Value, sent: &Sent) -> (u16, Value) {
    if sent.refusing.load(Ordering::Relaxed) {
        let why =
            json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no such queue"});
        return (400, why);
    }
    let mut taken = Vec::new();
    for entry in request["Entries"].as_array().unwrap() {
        let body = entry["MessageBody"].as_str().unwrap();
        let message = Message::from_text(body).unwrap();
        sent.messages.lock().unwrap().push(message);
        taken.push(json!({"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": "x"}));
    }
    sent.told.notify_waiters();
    (200, json!({"Successful": taken, "Failed": []}))
}

fn open(request: &Value) -> (u16, Value) {
    let sealed = request["CiphertextBlob"].as_str().unwrap();
    let sealed = String::from_utf8(STANDARD.decode(sealed).unwrap()).unwrap();
    let mut parts = sealed.splitn(3, '|');
    let context = json!({"account": parts.next(), "purpose": parts.next()});
    if request["EncryptionContext"] == context {
        let plaintext = STANDARD.encode(parts.next().unwrap());
        (200, json!({"KeyId": "key", "Plaintext": plaintext}))
    } else {
        (400, json!({"__type": "InvalidCiphertextException"}))
    }
}
