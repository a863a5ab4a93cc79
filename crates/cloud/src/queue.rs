//! The two queues on AWS: one for reports of orders, one for what is to be compared.
//!
//! Entry point: [`SqsQueue`]. They are two because a function takes all messages of a queue, and a
//! comparison may take minutes. Receives nothing: that is the functions' trigger.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use trading::{BatchQueue, MAX_BATCH, Message, Outgoing, Queue, QueueError};

use crate::dead_letters::{QueueDepth, depth, queue_url};
use crate::patience::in_words;

/// The longest delay SQS takes (SQS API Reference, SendMessage, DelaySeconds).
const MAX_DELAY: Duration = Duration::from_secs(900);

/// The longest a received message can be kept from coming back (SQS API Reference,
/// `ChangeMessageVisibility`).
const MAX_VISIBILITY: Duration = Duration::from_secs(12 * 3600);

/// Where the queues are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueAddresses {
    /// The URL of the queue for reports that an order traded or ended.
    pub fills: String,
    /// The URL of the queue for what is to be compared with the exchange.
    pub reconcile: String,
}

/// One of the two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueKind {
    /// That of reports.
    Fills,
    /// That of comparisons.
    Reconcile,
}

/// The standard SQS queues of one deployment.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    addresses: QueueAddresses,
}

impl SqsQueue {
    /// The queues at these addresses.
    #[must_use]
    pub const fn new(client: Client, addresses: QueueAddresses) -> Self {
        Self { client, addresses }
    }

    /// The queues of a stack, by the names that `template.yaml` gives them.
    ///
    /// # Errors
    /// [`QueueError`] when one of them is not there or may not be asked for.
    pub async fn of_stack(client: Client, stack: &str) -> Result<Self, QueueError> {
        let addresses = QueueAddresses {
            fills: queue_url(&client, &format!("{stack}-fills")).await?,
            reconcile: queue_url(&client, &format!("{stack}-reconcile")).await?,
        };
        Ok(Self::new(client, addresses))
    }

    /// How many messages a queue holds.
    ///
    /// # Errors
    /// [`QueueError`] when it does not tell.
    pub async fn depth(&self, kind: QueueKind) -> Result<QueueDepth, QueueError> {
        let address = match kind {
            QueueKind::Fills => &self.addresses.fills,
            QueueKind::Reconcile => &self.addresses.reconcile,
        };
        depth(&self.client, address).await
    }

    /// Where a message goes.
    fn address(&self, message: &Message) -> &str {
        match message {
            Message::Execution { .. } => &self.addresses.fills,
            Message::Reconcile { .. } => &self.addresses.reconcile,
        }
    }

    /// Makes a received message visible again after this time, instead of after the queue's own.
    ///
    /// # Errors
    /// [`QueueError`] when it is not certain; it then comes back after the queue's own time.
    pub async fn postpone(
        &self,
        kind: QueueKind,
        receipt: &str,
        after: Duration,
    ) -> Result<(), QueueError> {
        let address = match kind {
            QueueKind::Fills => &self.addresses.fills,
            QueueKind::Reconcile => &self.addresses.reconcile,
        };
        self.client
            .change_message_visibility()
            .queue_url(address)
            .receipt_handle(receipt)
            .visibility_timeout(whole_seconds(after, MAX_VISIBILITY))
            .send()
            .await
            .map_err(|error| QueueError::Unavailable(in_words(&error)))?;
        Ok(())
    }

    async fn send_entries(
        &self,
        address: &str,
        entries: Vec<SendMessageBatchRequestEntry>,
    ) -> Result<BTreeMap<String, QueueError>, QueueError> {
        let asked: BTreeSet<String> = entries.iter().map(|entry| entry.id().to_owned()).collect();
        let reply = self
            .client
            .send_message_batch()
            .queue_url(address)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| QueueError::Unavailable(in_words(&error)))?;
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

impl SqsQueue {
    /// Sends messages of one queue in one request; one outcome for each, in order.
    async fn send_part(&self, address: &str, part: &[&Outgoing]) -> Vec<Result<(), QueueError>> {
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
            self.send_entries(address, sendable).await
        };
        let outcomes = entries.into_iter().map(|entry| {
            let entry = entry?;
            let refused = refused.as_ref().map_err(Clone::clone)?;
            refused.get(entry.id()).cloned().map_or(Ok(()), Err)
        });
        outcomes.collect()
    }
}

impl BatchQueue for SqsQueue {
    async fn send_batch(&self, batch: &[Outgoing]) -> Vec<Result<(), QueueError>> {
        let unanswered = Err(QueueError::Unavailable("no outcome".to_owned()));
        let mut outcomes = vec![unanswered; batch.len()];
        for address in BTreeSet::from([&self.addresses.fills, &self.addresses.reconcile]) {
            let here: Vec<(usize, &Outgoing)> = batch
                .iter()
                .enumerate()
                .filter(|(_, outgoing)| self.address(&outgoing.message) == address)
                .collect();
            for part in here.chunks(MAX_BATCH) {
                let (places, messages): (Vec<usize>, Vec<&Outgoing>) = part.iter().copied().unzip();
                let sent = self.send_part(address, &messages).await;
                for (place, outcome) in places.into_iter().zip(sent) {
                    if let Some(slot) = outcomes.get_mut(place) {
                        *slot = outcome;
                    }
                }
            }
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
        .delay_seconds(whole_seconds(outgoing.delay, MAX_DELAY))
        .build()
        .map_err(|error| unsendable(error.to_string()))
}

/// Rounded up, so that a message never comes before its time.
fn whole_seconds(delay: Duration, most: Duration) -> i32 {
    let delay = delay.min(most);
    let seconds = delay
        .as_secs()
        .saturating_add(u64::from(delay.subsec_nanos() > 0));
    i32::try_from(seconds).unwrap_or(0)
}
