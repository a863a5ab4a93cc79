//! The dead letters of a deployment: what could not be handled again and again, for an operator to look at.
//!
//! Entry point: [`DeadLetters`]. Looking takes nothing away: what is received is invisible to others for a while and then
//! given back. Sending one back is two requests, in this order: the queue it came from takes it, then it is deleted here.
//! Whatever ends between the two leaves it in both, which handling a report twice makes harmless. Never reads what a
//! letter says.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName,
    QueueAttributeName,
};
use domain::LocalTime;
use trading::QueueError;

use crate::patience::in_words;

/// The most messages of one request (SQS API Reference, `ReceiveMessage`).
const AT_ONCE: usize = 10;

/// How long a request waits for messages: any time at all makes it ask all of the queue's servers (SQS Developer
/// Guide, "long polling"), so that no answer means that there are none.
const WAIT_SECONDS: i32 = 1;

/// One of the queues of dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeadLetterQueue {
    /// Reports that could not be handled.
    Fills,
    /// Comparisons that could not be carried out.
    Reconcile,
    /// Calls of recovery that the schedule could not make.
    Schedule,
}

impl DeadLetterQueue {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fills, Self::Reconcile, Self::Schedule];

    /// Its name, as `template.yaml` makes it of the stack's.
    #[must_use]
    pub fn name(self, stack: &str) -> String {
        let of = match self {
            Self::Fills => "fills",
            Self::Reconcile => "reconcile",
            Self::Schedule => "schedule",
        };
        format!("{stack}-{of}-dead")
    }

    /// The name of the queue whose messages end here. Calls of the schedule come from none.
    #[must_use]
    pub fn source(self, stack: &str) -> Option<String> {
        match self {
            Self::Fills => Some(format!("{stack}-fills")),
            Self::Reconcile => Some(format!("{stack}-reconcile")),
            Self::Schedule => None,
        }
    }
}

/// How many messages a queue holds. SQS counts approximately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Waiting to be received.
    pub waiting: u64,
    /// Received by somebody, and not deleted yet.
    pub in_flight: u64,
    /// Sent to come later.
    pub delayed: u64,
}

/// One dead letter, kept from everybody else until it is given back, deleted, or the time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it lies.
    pub queue: DeadLetterQueue,
    /// Its id, which it has kept since it was first sent.
    pub id: String,
    /// What it says.
    pub body: String,
    /// How often it was received, looks at it included.
    pub receives: u32,
    /// When it was first sent.
    pub sent_at: Option<LocalTime>,
    /// By what the queue knows that it was received.
    pub receipt: String,
}

/// What became of a letter that was to be sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redriven {
    /// It is on the queue it came from, and here no more.
    Sent,
    /// It is on the queue it came from, and may still be here too.
    SentAndKept(QueueError),
    /// It is still here, and may be on the queue it came from too.
    Kept(QueueError),
}

#[derive(Debug, Clone)]
struct Addresses {
    dead: String,
    source: Option<String>,
}

/// The dead letters of one stack.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    client: Client,
    addresses: BTreeMap<DeadLetterQueue, Addresses>,
}

impl DeadLetters {
    /// The dead letters of a stack, by the names that `template.yaml` gives their queues.
    ///
    /// # Errors
    /// [`QueueError`] naming the queue that is not there or may not be asked for.
    pub async fn of_stack(client: Client, stack: &str) -> Result<Self, QueueError> {
        let mut addresses = BTreeMap::new();
        for queue in DeadLetterQueue::ALL {
            let source = match queue.source(stack) {
                Some(name) => Some(queue_url(&client, &name).await?),
                None => None,
            };
            let dead = queue_url(&client, &queue.name(stack)).await?;
            addresses.insert(queue, Addresses { dead, source });
        }
        Ok(Self { client, addresses })
    }

    /// How many letters a queue holds.
    ///
    /// # Errors
    /// [`QueueError`] when it does not tell.
    pub async fn depth(&self, queue: DeadLetterQueue) -> Result<QueueDepth, QueueError> {
        depth(&self.client, &self.of(queue)?.dead).await
    }

    /// Receives up to `most` letters of a queue, the whole of it if it holds no more, and keeps them from everybody else
    /// for `hold`.
    ///
    /// # Errors
    /// [`QueueError`] when it does not answer. What was received by then has been given back.
    pub async fn take(
        &self,
        queue: DeadLetterQueue,
        most: usize,
        hold: Duration,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        let mut taken: BTreeMap<String, DeadLetter> = BTreeMap::new();
        while taken.len() < most {
            let wanted = most.saturating_sub(taken.len()).min(AT_ONCE);
            let known = taken.len();
            match self.receive(queue, wanted, hold).await {
                Ok(letters) => {
                    let letters = letters.into_iter();
                    taken.extend(letters.map(|letter| (letter.id.clone(), letter)));
                }
                Err(error) => {
                    let taken: Vec<DeadLetter> = taken.into_values().collect();
                    return match self.give_back(&taken).await {
                        // They come back by themselves when the time is over.
                        Ok(()) | Err(_) => Err(error),
                    };
                }
            }
            // None, or none but those that have come back already: that is all.
            if taken.len() == known {
                break;
            }
        }
        let mut taken: Vec<DeadLetter> = taken.into_values().collect();
        taken.sort_by(|one, other| (one.sent_at, &one.id).cmp(&(other.sent_at, &other.id)));
        Ok(taken)
    }

    async fn receive(
        &self,
        queue: DeadLetterQueue,
        most: usize,
        hold: Duration,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.of(queue)?.dead)
            .max_number_of_messages(i32::try_from(most).unwrap_or(1))
            .visibility_timeout(seconds(hold))
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await
            .map_err(|error| QueueError::Unavailable(in_words(&error)))?;
        let messages = received.messages.unwrap_or_default().into_iter();
        Ok(messages.map(|message| letter(queue, message)).collect())
    }

    /// Lets everybody see letters again that were taken.
    ///
    /// # Errors
    /// [`QueueError`] when some of them are to be seen again only when their time is over.
    pub async fn give_back(&self, letters: &[DeadLetter]) -> Result<(), QueueError> {
        for queue in DeadLetterQueue::ALL {
            let here: Vec<&DeadLetter> = letters
                .iter()
                .filter(|letter| letter.queue == queue)
                .collect();
            for part in here.chunks(AT_ONCE) {
                self.show_again(queue, part).await?;
            }
        }
        Ok(())
    }

    async fn show_again(
        &self,
        queue: DeadLetterQueue,
        part: &[&DeadLetter],
    ) -> Result<(), QueueError> {
        let entries: Result<Vec<_>, _> = part
            .iter()
            .enumerate()
            .map(|(at, letter)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(format!("m{at}"))
                    .receipt_handle(&letter.receipt)
                    .visibility_timeout(0)
                    .build()
            })
            .collect();
        let entries = entries.map_err(|error| QueueError::Unavailable(error.to_string()))?;
        let changed = self
            .client
            .change_message_visibility_batch()
            .queue_url(&self.of(queue)?.dead)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| QueueError::Unavailable(in_words(&error)))?;
        match changed.failed().first() {
            None => Ok(()),
            Some(failed) => Err(QueueError::Unavailable(format!(
                "{}: {}",
                failed.code(),
                failed.message().unwrap_or("no reason")
            ))),
        }
    }

    /// Sends a letter back to the queue it came from, then deletes it here.
    pub async fn redrive(&self, letter: &DeadLetter) -> Redriven {
        let source = self.of(letter.queue).map(|known| known.source.as_ref());
        let source = match source {
            Ok(Some(source)) => source,
            Ok(None) => {
                let why = "it came from no queue";
                return Redriven::Kept(QueueError::Unavailable(why.to_owned()));
            }
            Err(error) => return Redriven::Kept(error),
        };
        let sent = self
            .client
            .send_message()
            .queue_url(source)
            .message_body(&letter.body)
            .send()
            .await;
        if let Err(error) = sent {
            return Redriven::Kept(QueueError::Unavailable(in_words(&error)));
        }
        match self.delete(letter).await {
            Ok(()) => Redriven::Sent,
            Err(error) => Redriven::SentAndKept(error),
        }
    }

    /// Deletes a letter for good.
    ///
    /// # Errors
    /// [`QueueError`] when that is not certain.
    pub async fn delete(&self, letter: &DeadLetter) -> Result<(), QueueError> {
        let deleted = self
            .client
            .delete_message()
            .queue_url(&self.of(letter.queue)?.dead)
            .receipt_handle(&letter.receipt)
            .send()
            .await;
        deleted.map_err(|error| QueueError::Unavailable(in_words(&error)))?;
        Ok(())
    }

    fn of(&self, queue: DeadLetterQueue) -> Result<&Addresses, QueueError> {
        let known = self.addresses.get(&queue);
        known.ok_or_else(|| QueueError::Unavailable(format!("{queue:?} has no address")))
    }
}

/// The URL of a queue.
pub(crate) async fn queue_url(client: &Client, name: &str) -> Result<String, QueueError> {
    let found = client.get_queue_url().queue_name(name).send().await;
    let found =
        found.map_err(|error| QueueError::Unavailable(format!("{name}: {}", in_words(&error))))?;
    let url = found.queue_url().map(str::to_owned);
    url.ok_or_else(|| QueueError::Unavailable(format!("{name} has no address")))
}

/// How many messages a queue holds.
pub(crate) async fn depth(client: &Client, url: &str) -> Result<QueueDepth, QueueError> {
    use QueueAttributeName::{
        ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed,
        ApproximateNumberOfMessagesNotVisible,
    };
    let names = [
        ApproximateNumberOfMessages,
        ApproximateNumberOfMessagesNotVisible,
        ApproximateNumberOfMessagesDelayed,
    ];
    let told = client
        .get_queue_attributes()
        .queue_url(url)
        .set_attribute_names(Some(names.to_vec()))
        .send()
        .await
        .map_err(|error| QueueError::Unavailable(in_words(&error)))?;
    let [waiting, in_flight, delayed] = names.map(|name| {
        let counted = told.attributes().and_then(|all| all.get(&name));
        counted.and_then(|text| text.parse().ok())
    });
    Ok(QueueDepth {
        waiting: waiting
            .ok_or_else(|| QueueError::Unavailable("it does not say how much it holds".into()))?,
        in_flight: in_flight.unwrap_or_default(),
        delayed: delayed.unwrap_or_default(),
    })
}

fn letter(queue: DeadLetterQueue, message: Message) -> DeadLetter {
    let number = |name: MessageSystemAttributeName| -> Option<i64> {
        message.attributes.as_ref()?.get(&name)?.parse().ok()
    };
    let receives = number(MessageSystemAttributeName::ApproximateReceiveCount);
    let sent_at = number(MessageSystemAttributeName::SentTimestamp).map(LocalTime::from_millis);
    DeadLetter {
        queue,
        receives: receives
            .and_then(|times| times.try_into().ok())
            .unwrap_or(1),
        sent_at,
        id: message.message_id.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
    }
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
