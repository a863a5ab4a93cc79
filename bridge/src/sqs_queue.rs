//! The queue on AWS.
//!
//! Entry point: [`SqsQueue`]. Region, keys and address come from the client's own configuration
//! (so `AWS_ENDPOINT_URL` is honoured). Sends only; receiving is the functions' trigger.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use trading::{Message, Queue, QueueError};

use crate::{BatchQueue, MAX_BATCH, Outgoing};

/// The longest delay SQS takes (SQS API Reference, SendMessage, DelaySeconds).
const MAX_DELAY: Duration = Duration::from_secs(900);

/// A standard SQS queue.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// The queue at this URL.
    #[must_use]
    pub fn new(client: Client, url: &str) -> Self {
        Self {
            client,
            url: url.to_owned(),
        }
    }

    async fn send_entries(
        &self,
        entries: Vec<SendMessageBatchRequestEntry>,
    ) -> Result<BTreeMap<String, QueueError>, QueueError> {
        let asked: BTreeSet<String> = entries.iter().map(|entry| entry.id().to_owned()).collect();
        let reply = self
            .client
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| QueueError::Unavailable(DisplayErrorContext(error).to_string()))?;
        let taken: BTreeSet<&str> = reply.successful().iter().map(|entry| entry.id()).collect();
        let mut refused: BTreeMap<String, QueueError> = asked
            .into_iter()
            .filter(|id| !taken.contains(id.as_str()))
            .map(|id| (id, QueueError::Unavailable("no answer for it".to_owned())))
            .collect();
        for entry in reply.failed() {
            let why = format!(
                "{}: {}",
                entry.code(),
                entry.message().unwrap_or("no reason")
            );
            refused.insert(entry.id().to_owned(), QueueError::Unavailable(why));
        }
        Ok(refused)
    }
}

impl BatchQueue for SqsQueue {
    async fn send_batch(&self, batch: &[Outgoing]) -> Vec<Result<(), QueueError>> {
        let mut outcomes = Vec::with_capacity(batch.len());
        for part in batch.chunks(MAX_BATCH) {
            let entries: Vec<_> = part
                .iter()
                .enumerate()
                .map(|(at, outgoing)| entry(at, outgoing))
                .collect();
            let sendable: Vec<_> = entries
                .iter()
                .filter_map(|entry| entry.clone().ok())
                .collect();
            let refused = if sendable.is_empty() {
                Ok(BTreeMap::new())
            } else {
                self.send_entries(sendable).await
            };
            outcomes.extend(entries.into_iter().map(|entry| {
                let entry = entry?;
                let refused = refused.as_ref().map_err(Clone::clone)?;
                refused.get(entry.id()).cloned().map_or(Ok(()), Err)
            }));
        }
        outcomes
    }
}

impl Queue for SqsQueue {
    async fn send(&self, message: &Message, delay: Duration) -> Result<(), QueueError> {
        let batch = [Outgoing {
            message: message.clone(),
            delay,
        }];
        let outcomes = self.send_batch(&batch).await;
        let none = QueueError::Unavailable("no outcome".to_owned());
        outcomes.into_iter().next().unwrap_or(Err(none))
    }
}

fn entry(at: usize, outgoing: &Outgoing) -> Result<SendMessageBatchRequestEntry, QueueError> {
    let unsendable = |why: String| QueueError::Unavailable(why);
    let body = outgoing
        .message
        .to_text()
        .map_err(|error| unsendable(error.to_string()))?;
    SendMessageBatchRequestEntry::builder()
        .id(format!("m{at}"))
        .message_body(body)
        .delay_seconds(whole_seconds(outgoing.delay))
        .build()
        .map_err(|error| unsendable(error.to_string()))
}

/// Rounded up, so that a message never comes before its time.
fn whole_seconds(delay: Duration) -> i32 {
    let delay = delay.min(MAX_DELAY);
    let seconds = delay
        .as_secs()
        .saturating_add(u64::from(delay.subsec_nanos() > 0));
    i32::try_from(seconds).unwrap_or(0)
}
