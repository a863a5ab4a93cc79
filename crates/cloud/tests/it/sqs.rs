//! As much of SQS as looking after dead letters takes: queues, receipts, visibility by the test's word.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// One message.
#[derive(Debug, Clone)]
struct Kept {
    id: String,
    body: String,
    receives: u32,
    hidden: bool,
}

#[derive(Debug, Default)]
struct State {
    queues: BTreeMap<String, Vec<Kept>>,
    /// The operations that came, in order.
    asked: Vec<String>,
    /// The operation that is refused, and how often it is still served before.
    refused: Option<(u32, &'static str)>,
    sent: u32,
}

/// A running stand-in. Gone when dropped.
pub(crate) struct Sqs {
    state: Arc<Mutex<State>>,
    url: String,
    _serving: JoinSet<()>,
}

impl Sqs {
    /// With the queues of a stack named `grids`.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut state = State::default();
        for name in [
            "fills",
            "reconcile",
            "fills-dead",
            "reconcile-dead",
            "schedule-dead",
        ] {
            state.queues.insert(format!("grids-{name}"), Vec::new());
        }
        let state = Arc::new(Mutex::new(state));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&state)));
        Self {
            state,
            url,
            _serving: serving,
        }
    }

    pub(crate) fn client(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(&self.url)
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_sqs::Client::from_conf(config)
    }

    pub(crate) fn put(&self, queue: &str, id: &str, body: &str) {
        let mut state = self.state.lock().unwrap();
        state.queues.get_mut(queue).unwrap().push(Kept {
            id: id.to_owned(),
            body: body.to_owned(),
            receives: 10,
            hidden: false,
        });
    }

    /// The bodies in a queue, and whether each can be received.
    pub(crate) fn bodies(&self, queue: &str) -> Vec<(String, bool)> {
        let state = self.state.lock().unwrap();
        let kept = state.queues[queue].iter();
        kept.map(|kept| (kept.body.clone(), !kept.hidden)).collect()
    }

    /// Refuses an operation once it was served so often, and no other.
    pub(crate) fn refuse_after(&self, times: u32, operation: &'static str) {
        self.state.lock().unwrap().refused = Some((times, operation));
    }

    pub(crate) fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (operation, request) = read(&mut stream).await;
        let (status, reply) = answer(&mut state.lock().unwrap(), &operation, &request);
        let body = reply.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    }
}

/// An operation's name and its arguments.
async fn read(stream: &mut TcpStream) -> (String, Value) {
    let mut text = String::new();
    loop {
        let mut part = [0; 4_096];
        let read = stream.read(&mut part).await.unwrap();
        text.push_str(std::str::from_utf8(&part[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let field = |name: &str| {
            head.lines()
                .find_map(|line| {
                    let (field, value) = line.split_once(": ")?;
                    field.eq_ignore_ascii_case(name).then(|| value.to_owned())
                })
                .unwrap()
        };
        if body.len() >= field("content-length").parse().unwrap() {
            let operation = field("x-amz-target").replace("AmazonSQS.", "");
            return (operation, serde_json::from_str(body).unwrap());
        }
    }
}

fn answer(state: &mut State, operation: &str, request: &Value) -> (u16, Value) {
    state.asked.push(operation.to_owned());
    if let Some((times, _)) = state
        .refused
        .as_mut()
        .filter(|(_, refused)| *refused == operation)
    {
        if *times == 0 {
            let why = json!({"__type": "com.amazonaws.sqs#RequestThrottled", "message": "refused by the test"});
            return (400, why);
        }
        *times -= 1;
    }
    if operation == "GetQueueUrl" {
        let name = request["QueueName"].as_str().unwrap();
        return if state.queues.contains_key(name) {
            (200, json!({ "QueueUrl": format!("http://sqs/1/{name}") }))
        } else {
            (
                400,
                json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no such queue"}),
            )
        };
    }
    let name = request["QueueUrl"]
        .as_str()
        .unwrap()
        .replace("http://sqs/1/", "");
    if operation == "SendMessage" {
        state.sent += 1;
        let id = format!("sent-{}", state.sent);
        let body = request["MessageBody"].as_str().unwrap().to_owned();
        let kept = Kept {
            id: id.clone(),
            body,
            receives: 0,
            hidden: false,
        };
        state.queues.get_mut(&name).unwrap().push(kept);
        return (200, json!({ "MessageId": id, "MD5OfMessageBody": "x" }));
    }
    let queue = state.queues.get_mut(&name).unwrap();
    match operation {
        "GetQueueAttributes" => attributes(queue),
        "ReceiveMessage" => receive(queue, request),
        "ChangeMessageVisibilityBatch" => show(queue, request),
        "DeleteMessage" => {
            queue.retain(|kept| request["ReceiptHandle"] != format!("receipt-{}", kept.id));
            (200, json!({}))
        }
        other => panic!("nobody serves {other}"),
    }
}

fn attributes(queue: &[Kept]) -> (u16, Value) {
    let hidden = queue.iter().filter(|kept| kept.hidden).count();
    let attributes = json!({
        "ApproximateNumberOfMessages": (queue.len() - hidden).to_string(),
        "ApproximateNumberOfMessagesNotVisible": hidden.to_string(),
    });
    (200, json!({ "Attributes": attributes }))
}

fn receive(queue: &mut [Kept], request: &Value) -> (u16, Value) {
    let most = request["MaxNumberOfMessages"].as_u64().unwrap();
    assert!((1..=10).contains(&most));
    assert!(
        request["WaitTimeSeconds"].as_u64().unwrap() > 0,
        "{request}"
    );
    let visible = queue.iter_mut().filter(|kept| !kept.hidden);
    let messages: Vec<Value> = visible
        .take(usize::try_from(most).unwrap())
        .map(|kept| {
            kept.hidden = true;
            kept.receives += 1;
            let attributes = json!({
                "ApproximateReceiveCount": kept.receives.to_string(),
                "SentTimestamp": "1790000000000",
            });
            json!({
                "MessageId": kept.id,
                "ReceiptHandle": format!("receipt-{}", kept.id),
                "Body": kept.body,
                "Attributes": attributes,
            })
        })
        .collect();
    (200, json!({ "Messages": messages }))
}

fn show(queue: &mut [Kept], request: &Value) -> (u16, Value) {
    let entries = request["Entries"].as_array().unwrap();
    assert!((1..=10).contains(&entries.len()));
    let mut done = Vec::new();
    for entry in entries {
        assert_eq!(entry["VisibilityTimeout"], 0);
        let named = |kept: &&mut Kept| entry["ReceiptHandle"] == format!("receipt-{}", kept.id);
        queue.iter_mut().find(named).unwrap().hidden = false;
        done.push(json!({ "Id": entry["Id"] }));
    }
    (200, json!({ "Successful": done, "Failed": [] }))
}
