//! The queue on AWS, against a stub that keeps every request as it came over the wire.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use cloud::{QueueAddresses, QueueKind, SqsQueue};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use trading::{BatchQueue as _, Message, Outgoing, Queue as _, QueueError};

use crate::aws::{Request, read, write};
use crate::exchange::soon;

struct Stub {
    listener: TcpListener,
    url: String,
}

impl Stub {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, url }
    }

    fn queue(&self) -> SqsQueue {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(&self.url)
            .retry_config(RetryConfig::disabled())
            .build();
        let addresses = QueueAddresses {
            fills: "http://sqs.local/1/fills".to_owned(),
            reconcile: "http://sqs.local/1/reconcile".to_owned(),
        };
        SqsQueue::new(Client::from_conf(config), addresses)
    }

    /// Takes one request and answers it.
    async fn answer(&self, answer: impl FnOnce(&Value) -> (u16, Value)) -> Request {
        let (mut stream, _) = soon("a request", self.listener.accept()).await.unwrap();
        let request = soon("all of it", read(&mut stream)).await;
        let (status, body) = answer(&request.body);
        write(&mut stream, status, &body, "application/x-amz-json-1.0").await;
        request
    }
}

fn execution(trade: i64) -> Message {
    let text = json!({
        "v": trading::MESSAGE_VERSION, "type": "execution", "received_at": 1,
        "execution": {
            "account": "main", "symbol": "BTCUSDT", "client_order_id": format!("gk-a-0-{trade}"),
            "exchange_order_id": trade, "side": "BUY", "order_price": "1", "order_quantity": "1",
            "status": "FILLED", "cumulative": "1", "trades": [], "created_at": null,
            "time": 1, "source": "stream"
        }
    });
    Message::from_text(&text.to_string()).unwrap()
}

fn outgoing(why: &str, delay: Duration) -> Outgoing {
    Outgoing {
        message: Message::Reconcile {
            account: "main".parse().unwrap(),
            bot: None,
            why: why.to_owned(),
        },
        delay,
    }
}

/// The answer that takes every entry but these.
fn taken(request: &Value, refused: &[&str]) -> (u16, Value) {
    let ids: Vec<&str> = request["Entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["Id"].as_str().unwrap())
        .collect();
    let (failed, good): (Vec<&str>, Vec<&str>) = ids.iter().partition(|id| refused.contains(id));
    let good: Vec<Value> = good
        .iter()
        .map(|id| json!({"Id": id, "MessageId": id, "MD5OfMessageBody": "x"}))
        .collect();
    let failed: Vec<Value> = failed
        .iter()
        .map(|id| json!({"Id": id, "Code": "InternalError", "SenderFault": false}))
        .collect();
    (200, json!({"Successful": good, "Failed": failed}))
}

#[tokio::test]
async fn a_batch_is_one_request_with_bodies_and_delays() {
    let stub = Stub::start().await;
    let queue = stub.queue();
    let batch = [
        outgoing("now", Duration::ZERO),
        outgoing("later", Duration::from_millis(14_200)),
        outgoing("much later", Duration::from_secs(5_000)),
    ];
    let (outcomes, request) = tokio::join!(
        queue.send_batch(&batch),
        stub.answer(|request| taken(request, &[]))
    );
    assert_eq!(outcomes, [Ok(()), Ok(()), Ok(())]);
    assert!(request.head.starts_with("post / "), "{}", request.head);
    assert!(
        request
            .head
            .contains("x-amz-target: amazonsqs.sendmessagebatch")
    );
    assert!(request.head.contains("authorization: aws4-hmac-sha256"));
    assert_eq!(request.body["QueueUrl"], "http://sqs.local/1/reconcile");
    let entries = request.body["Entries"].as_array().unwrap();
    let delays: Vec<_> = entries.iter().map(|entry| &entry["DelaySeconds"]).collect();
    assert_eq!(
        delays,
        [0, 15, 900],
        "rounded up, and at most what SQS takes"
    );
    for (entry, sent) in entries.iter().zip(&batch) {
        let body = entry["MessageBody"].as_str().unwrap();
        assert_eq!(Message::from_text(body).unwrap(), sent.message);
    }
}

#[tokio::test]
async fn each_message_gets_its_own_outcome() {
    let stub = Stub::start().await;
    let queue = stub.queue();
    let batch = ["a", "b", "c"].map(|why| outgoing(why, Duration::ZERO));
    let (outcomes, _) = tokio::join!(
        queue.send_batch(&batch),
        stub.answer(|request| taken(request, &["m1"]))
    );
    assert_eq!(outcomes[0], Ok(()));
    assert!(
        matches!(&outcomes[1], Err(QueueError::Unavailable(why)) if why.contains("InternalError"))
    );
    assert_eq!(outcomes[2], Ok(()));
}

#[tokio::test]
async fn an_entry_without_an_answer_was_not_taken() {
    let stub = Stub::start().await;
    let queue = stub.queue();
    let batch = ["a", "b"].map(|why| outgoing(why, Duration::ZERO));
    let answer = json!({"Successful": [{"Id": "m0", "MessageId": "x", "MD5OfMessageBody": "x"}], "Failed": []});
    let (outcomes, _) = tokio::join!(queue.send_batch(&batch), stub.answer(|_| (200, answer)));
    assert_eq!(outcomes[0], Ok(()));
    assert!(outcomes[1].is_err());
}

#[tokio::test]
async fn more_than_ten_go_in_several_requests() {
    let stub = Stub::start().await;
    let queue = stub.queue();
    let batch: Vec<Outgoing> = (0..12)
        .map(|number| outgoing(&number.to_string(), Duration::ZERO))
        .collect();
    let answers = async {
        let first = stub.answer(|request| taken(request, &[])).await;
        let second = stub.answer(|request| taken(request, &["m1"])).await;
        [first, second].map(|request| request.body["Entries"].as_array().unwrap().len())
    };
    let (outcomes, sizes) = tokio::join!(queue.send_batch(&batch), answers);
    assert_eq!(sizes, [10, 2]);
    assert_eq!(outcomes.len(), 12);
    let failed: Vec<usize> = (0..12).filter(|at| outcomes[*at].is_err()).collect();
    assert_eq!(failed, [11]);
}

#[tokio::test]
async fn a_queue_that_is_down_fails_all_of_it_with_the_reason() {
    let stub = Stub::start().await;
    let queue = stub.queue();
    let message = outgoing("a", Duration::ZERO).message;
    let (outcome, _) = tokio::join!(
        queue.send(&message, Duration::ZERO),
        stub.answer(|_| (400, json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."})))
    );
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("does not exist"), "{error}");
    drop(stub);
    let outcomes = queue.send_batch(&[outgoing("b", Duration::ZERO)]).await;
    assert!(
        matches!(&outcomes[..], [Err(QueueError::Unavailable(_))]),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn each_kind_of_message_has_its_own_queue_and_the_outcomes_keep_their_order() {
    let stub = Stub::start().await;
    let queue = stub.queue();
    let report = |trade| Outgoing {
        message: execution(trade),
        delay: Duration::ZERO,
    };
    let batch = [
        report(1),
        outgoing("a gap", Duration::ZERO),
        report(2),
        outgoing("another", Duration::ZERO),
    ];
    let answers = async {
        let fills = stub.answer(|request| taken(request, &["m1"])).await;
        let reconcile = stub.answer(|request| taken(request, &["m0"])).await;
        [fills, reconcile].map(|request| request.body["QueueUrl"].as_str().unwrap().to_owned())
    };
    let (outcomes, addresses) = tokio::join!(queue.send_batch(&batch), answers);
    assert_eq!(
        addresses,
        ["http://sqs.local/1/fills", "http://sqs.local/1/reconcile"]
    );
    let good: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, false, true]);
}

#[tokio::test]
async fn a_received_report_comes_back_when_it_is_told_to() {
    let stub = Stub::start().await;
    let queue = stub.queue();
    let (told, request) = tokio::join!(
        queue.postpone(QueueKind::Fills, "receipt", Duration::from_millis(30_500)),
        stub.answer(|_| (200, json!({})))
    );
    told.unwrap();
    assert!(
        request
            .head
            .contains("x-amz-target: amazonsqs.changemessagevisibility")
    );
    assert_eq!(request.body["QueueUrl"], "http://sqs.local/1/fills");
    assert_eq!(request.body["ReceiptHandle"], "receipt");
    assert_eq!(request.body["VisibilityTimeout"], 31);
}
