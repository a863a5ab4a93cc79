//! A batch of messages from the queue of reports, each with an answer of its own.
//!
//! Start at [`handle_batch`]. Reports of one level are handled one after the other, in the order in
//! which they came, so that they do not contend; levels side by side. What fails is given back to the
//! queue alone, with the time at which it is worth another look.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use cloud::QueueKind;
use domain::{ClientOrderId, Execution, LocalTime};
use futures_util::future::join_all;
use trading::{
    Answer, Clock as _, HANDLE_TIMEOUT, HandleFillError, Handled, Message, Outcome, Placing,
    Queue as _, handle_fill, is_trouble, retry_pause,
};

use crate::Parts;
use crate::figures::{Figure, Figures};

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is done with.
    Done,
    /// It comes back after this time.
    Again(Duration),
}

/// One message as it was received.
#[derive(Debug)]
struct Received {
    id: String,
    receipt: String,
    tries: u32,
    message: Result<Message, String>,
}

impl Received {
    fn of(record: SqsMessage) -> Self {
        let body = record.body.unwrap_or_default();
        let tries = record.attributes.get("ApproximateReceiveCount");
        Self {
            id: record.message_id.unwrap_or_default(),
            receipt: record.receipt_handle.unwrap_or_default(),
            tries: tries.and_then(|tries| tries.parse().ok()).unwrap_or(1),
            message: Message::from_text(&body).map_err(|error| error.to_string()),
        }
    }

    /// What it shares with messages that must not be handled at the same time.
    fn group(&self) -> String {
        match &self.message {
            Ok(Message::Execution { execution, .. }) => {
                let order = execution.client_order_id.parse::<ClientOrderId>();
                order.map_or_else(
                    |_not_ours| self.id.clone(),
                    |order| format!("{}-{}", order.bot, order.level),
                )
            }
            Ok(Message::Reconcile { .. }) | Err(_) => self.id.clone(),
        }
    }
}

/// Messages of one level in the order in which they came.
fn by_level(records: Vec<SqsMessage>) -> Vec<Vec<Received>> {
    let mut groups: BTreeMap<String, Vec<Received>> = BTreeMap::new();
    for record in records {
        let received = Received::of(record);
        groups.entry(received.group()).or_default().push(received);
    }
    groups.into_values().collect()
}

/// Handles a batch within the time of its call; says which messages are to stay on the queue.
pub async fn handle_batch(
    parts: &Parts,
    records: Vec<SqsMessage>,
    until: LocalTime,
) -> SqsBatchResponse {
    let groups = by_level(records);
    let handled = groups.iter().map(|group| handle_group(parts, group, until));
    let mut failed = Vec::new();
    let mut figures = Figures::default();
    for (group, done) in join_all(handled).await {
        failed.extend(group);
        figures.merge(done);
    }
    parts.pass_pause_on().await;
    parts.tell(&figures);
    answer(failed)
}

/// The answer to a batch: the messages that are to stay on the queue.
pub(crate) fn answer(failed: impl IntoIterator<Item = String>) -> SqsBatchResponse {
    let mut answer = SqsBatchResponse::default();
    answer.batch_item_failures = failed
        .into_iter()
        .map(|id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failure
        })
        .collect();
    answer
}

async fn handle_group(
    parts: &Parts,
    group: &[Received],
    until: LocalTime,
) -> (Vec<String>, Figures) {
    let mut failed = Vec::new();
    let mut figures = Figures::default();
    for received in group {
        // Lambda ends a call in the middle of anything: what might not be finished is not begun.
        let fate = if until.since(parts.clock.now()) < HANDLE_TIMEOUT {
            Fate::Again(Duration::ZERO)
        } else {
            handle(parts, received, &mut figures).await
        };
        if let Fate::Again(after) = fate {
            give_back(parts, QueueKind::Fills, &received.receipt, after).await;
            failed.push(received.id.clone());
        }
    }
    (failed, figures)
}

/// Tells the queue when a message is worth another look.
pub(crate) async fn give_back(parts: &Parts, kind: QueueKind, receipt: &str, after: Duration) {
    if let Err(error) = parts.queue.postpone(kind, receipt, after).await {
        tracing::warn!(%error, "a message comes back after the queue's own time");
    }
}

async fn handle(parts: &Parts, received: &Received, figures: &mut Figures) -> Fate {
    match &received.message {
        Ok(Message::Execution {
            execution,
            received_at,
        }) => report(parts, execution, *received_at, received.tries, figures).await,
        // Whoever sent it here knows one queue only.
        Ok(message @ Message::Reconcile { .. }) => {
            match parts.queue.send(message, Duration::ZERO).await {
                Ok(()) => Fate::Done,
                Err(error) => {
                    tracing::warn!(%error, "a comparison asked for was not passed on");
                    Fate::Again(retry_pause(received.tries))
                }
            }
        }
        Err(error) => {
            tracing::error!(%error, message_id = %received.id, "unreadable message");
            figures.count(Figure::NotHandled);
            Fate::Again(Duration::ZERO)
        }
    }
}

async fn report(
    parts: &Parts,
    execution: &Execution,
    received_at: LocalTime,
    tries: u32,
    figures: &mut Figures,
) -> Fate {
    let begun = parts.clock.now();
    let handling = Box::pin(handle_fill(parts.ports(), execution, received_at));
    // A connection that died while the environment was frozen is found out beside the load.
    let ((), handled) = tokio::join!(parts.exchanges.prove(&execution.account), handling);
    match handled {
        Ok(handled) => {
            tell(parts, execution, (received_at, begun), handled);
            let queued = begun.since(received_at);
            let reacted = parts.clock.now().since(received_at);
            note(figures, handled, queued, reacted);
            match handled.answer {
                Answer::Done => Fate::Done,
                Answer::Again(after) => Fate::Again(after.max(retry_pause(tries))),
            }
        }
        Err(error @ HandleFillError::RetryLater(_)) => {
            tracing::warn!(%error, client_order_id = %execution.client_order_id, "report handled later");
            figures.count(Figure::NotHandled);
            Fate::Again(retry_pause(tries))
        }
        // It can never be handled: it goes to the dead letters as soon as the queue lets it.
        Err(error @ HandleFillError::Poison(_)) => {
            tracing::error!(%error, client_order_id = %execution.client_order_id, "report given up");
            figures.count(Figure::NotHandled);
            Fate::Again(Duration::ZERO)
        }
    }
}

/// What a handled report adds to the figures.
fn note(figures: &mut Figures, handled: Handled, queued: Duration, reacted: Duration) {
    figures.time(Figure::QueueAgeMilliseconds, queued);
    match handled.outcome {
        Outcome::Booked | Outcome::BookedAside => figures.count(Figure::Fills),
        Outcome::Duplicate => figures.count(Figure::Duplicates),
        Outcome::Quarantined => figures.count(Figure::Quarantined),
        Outcome::NotOurs(_) | Outcome::NobodysLevel | Outcome::Noted | Outcome::Waiting => {}
    }
    match handled.placing {
        Some(Placing::Accepted) => figures.time(Figure::FillToOrderMilliseconds, reacted),
        Some(Placing::Refused(why)) if !is_trouble(why) => {}
        Some(Placing::Refused(_) | Placing::AccountStopped) => figures.count(Figure::Refused),
        Some(Placing::Unknown(_) | Placing::NoAnswer) => figures.count(Figure::Unknown),
        Some(Placing::Quarantined) => figures.count(Figure::Quarantined),
        Some(Placing::Held | Placing::Leased(_) | Placing::MovedOn | Placing::NothingOwed)
        | None => {}
    }
}

/// One line for each decision.
fn tell(
    parts: &Parts,
    execution: &Execution,
    (received_at, begun): (LocalTime, LocalTime),
    handled: Handled,
) {
    let now = parts.clock.now();
    let order = execution.client_order_id.parse::<ClientOrderId>().ok();
    let trade = execution.trades.last().map(|trade| trade.id.0);
    tracing::info!(
        bot = order.as_ref().map(|order| order.bot.to_string()),
        grid_level = order.as_ref().map(|order| order.level.0),
        order_no = order.as_ref().map(|order| order.no.0),
        client_order_id = %execution.client_order_id,
        exchange_order_id = execution.exchange_order_id.0,
        trade_id = trade,
        outcome = handled.outcome.word(),
        placing = handled.placing.map(trading::Placing::word),
        queued_ms = millis(begun.since(received_at)),
        handled_ms = millis(now.since(begun)),
        "report"
    );
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use domain::RefusalReason;

    use super::*;

    fn record(id: &str, body: &str) -> SqsMessage {
        let text = serde_json::json!({
            "messageId": id, "receiptHandle": format!("receipt of {id}"), "body": body,
            "attributes": {"ApproximateReceiveCount": "3"}, "messageAttributes": {},
        });
        serde_json::from_value(text).unwrap()
    }

    fn report(id: &str, order: &str) -> SqsMessage {
        let text = serde_json::json!({
            "v": trading::MESSAGE_VERSION, "type": "execution", "received_at": 1,
            "execution": {
                "account": "main", "symbol": "BTCUSDT", "client_order_id": order,
                "exchange_order_id": 1, "side": "BUY", "order_price": "1", "order_quantity": "1",
                "status": "FILLED", "cumulative": "1", "trades": [], "created_at": null,
                "time": 1, "source": "stream"
            }
        });
        record(id, &text.to_string())
    }

    #[test]
    fn reports_of_one_level_stay_in_order_and_all_else_stands_alone() {
        let groups = by_level(vec![
            report("a", "gk-demo-1-7"),
            report("b", "gk-demo-2-1"),
            record("c", "poison"),
            report("d", "gk-demo-1-6"),
            report("e", "typed by hand"),
        ]);
        let mut ids: Vec<Vec<&str>> = groups
            .iter()
            .map(|group| group.iter().map(|one| one.id.as_str()).collect())
            .collect();
        ids.sort();
        assert_eq!(ids, [vec!["a", "d"], vec!["b"], vec!["c"], vec!["e"]]);
        let poison = groups.iter().flatten().find(|one| one.id == "c").unwrap();
        assert!(poison.message.is_err());
        assert_eq!(poison.tries, 3);
        assert_eq!(poison.receipt, "receipt of c");
    }

    const TABLE: &str = "batch";

    /// A table in which the record of the bot `broken` was written by another version.
    pub(crate) async fn parts() -> Parts {
        let client = dynamo_store::EmbeddedDynamo::memory().unwrap().client();
        let store = dynamo_store::DynamoStore::new(client.clone(), TABLE);
        store.create_table().await.unwrap();
        let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
        let newer = aws_sdk_dynamodb::types::AttributeValue::N("99".to_owned());
        let put = client.put_item().table_name(TABLE);
        let put = put.item("pk", text("BOT#broken")).item("sk", text("BOT"));
        put.item("fv", newer).send().await.unwrap();
        Parts::alone(store)
    }

    fn mixed() -> Vec<SqsMessage> {
        vec![
            report("nobodys", "gk-nobody-1-7"),
            record("poison", "{"),
            report("broken", "gk-broken-1-7"),
            report("typed", "typed by hand"),
            report("nobodys too", "gk-nobody-1-8"),
        ]
    }

    async fn kept(parts: &Parts, records: Vec<SqsMessage>, until: LocalTime) -> Vec<String> {
        let answer = handle_batch(parts, records, until).await;
        let kept = answer.batch_item_failures.into_iter();
        let mut kept: Vec<String> = kept.map(|failure| failure.item_identifier).collect();
        kept.sort();
        kept
    }

    #[tokio::test]
    async fn what_cannot_be_handled_stays_on_the_queue_and_its_neighbours_do_not() {
        let parts = parts().await;
        let until = parts.clock.now().after(trading::FILL_FUNCTION_TIMEOUT);
        assert_eq!(kept(&parts, mixed(), until).await, ["broken", "poison"]);
    }

    #[tokio::test]
    async fn nothing_is_begun_or_taken_from_the_queue_that_might_not_be_finished() {
        let parts = parts().await;
        let until = parts.clock.now().after(HANDLE_TIMEOUT / 2);
        let all = ["broken", "nobodys", "nobodys too", "poison", "typed"];
        assert_eq!(kept(&parts, mixed(), until).await, all);
    }

    #[tokio::test]
    async fn a_comparison_that_could_not_be_passed_on_stays_on_the_queue() {
        let parts = parts().await;
        let until = parts.clock.now().after(trading::FILL_FUNCTION_TIMEOUT);
        let text = r#"{"v":1,"type":"reconcile","account":"main","bot":null,"why":"a gap"}"#;
        let records = vec![record("gap", text), report("nobodys", "gk-nobody-1-7")];
        assert_eq!(kept(&parts, records, until).await, ["gap"]);
    }

    #[test]
    fn a_refusal_that_only_waits_is_none_to_ring_for() {
        for (why, refused) in [
            (RefusalReason::InsufficientBalance, true),
            (RefusalReason::WouldTake, false),
        ] {
            let handled = Handled {
                answer: Answer::Done,
                outcome: Outcome::Noted,
                placing: Some(Placing::Refused(why)),
            };
            let mut figures = Figures::default();
            note(&mut figures, handled, Duration::ZERO, Duration::ZERO);
            let mut expected = Figures::default();
            expected.time(Figure::QueueAgeMilliseconds, Duration::ZERO);
            if refused {
                expected.count(Figure::Refused);
            }
            assert_eq!(figures, expected, "{why:?}");
        }
    }

    #[test]
    fn the_answer_names_what_stays_on_the_queue() {
        let answer = answer(["a".to_owned(), "b".to_owned()]);
        let text = serde_json::to_value(&answer).unwrap();
        let expected = serde_json::json!({
            "batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "b"}]
        });
        assert_eq!(text, expected);
    }
}
