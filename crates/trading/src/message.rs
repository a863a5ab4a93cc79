//! Messages on the queue: versioned, self-describing, refused when they cannot be read.

use std::time::Duration;

use domain::{AccountId, BotId, Execution, LocalTime};
use serde::{Deserialize, Serialize};

use crate::{MAX_MESSAGE_BYTES, excerpt};

/// The version this build writes and reads.
pub const MESSAGE_VERSION: u32 = 1;

/// What one part of the system tells another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Message {
    /// An order traded or ended.
    Execution {
        /// The report.
        execution: Box<Execution>,
        /// When this system first saw it.
        received_at: LocalTime,
    },
    /// Something may have been missed: compare with the exchange.
    Reconcile {
        /// The account concerned.
        account: AccountId,
        /// The bot concerned, or all of the account's.
        bot: Option<BotId>,
        /// What happened, in words.
        why: String,
    },
}

/// Why a message cannot be read. It goes to the dead letters; it is never guessed at.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Longer than any message this system writes.
    #[error("the message has {0} bytes, more than the {MAX_MESSAGE_BYTES} allowed")]
    TooLong(usize),
    /// Written by another version.
    #[error(
        "the message has version {0}, this build reads {MESSAGE_VERSION}; update the older part"
    )]
    Version(u32),
    /// Not a message at all.
    #[error("the message cannot be read: {0}")]
    Unreadable(String),
}

/// The reader repeats what it found instead of what it expected, which may be most of a message.
impl From<serde_json::Error> for MessageError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(excerpt(&error.to_string()))
    }
}

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    #[serde(flatten)]
    message: &'a Message,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

impl Message {
    /// The text that goes onto the queue.
    ///
    /// # Errors
    /// [`MessageError::TooLong`] when it would not fit.
    pub fn to_text(&self) -> Result<String, MessageError> {
        let text = serde_json::to_string(&Written {
            v: MESSAGE_VERSION,
            message: self,
        })?;
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(MessageError::TooLong(text.len()));
        }
        Ok(text)
    }

    /// Reads a message from the queue.
    ///
    /// # Errors
    /// [`MessageError`] names what is wrong with it.
    pub fn from_text(text: &str) -> Result<Self, MessageError> {
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(MessageError::TooLong(text.len()));
        }
        let Version { v } = serde_json::from_str(text)?;
        if v != MESSAGE_VERSION {
            return Err(MessageError::Version(v));
        }
        Ok(serde_json::from_str(text)?)
    }
}

/// Why a message could not be put on the queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The queue does not take messages now.
    #[error("the queue did not take the message: {0}")]
    Unavailable(String),
    /// The queue's bounded buffer is full.
    #[error("the queue is full")]
    Full,
}

/// The queue between the bridge and the handlers. It may lose order, repeat and delay.
pub trait Queue: Send + Sync {
    /// Puts a message on the queue, to be received after `delay`.
    ///
    /// # Errors
    /// [`QueueError`] when it is not certain that the message was taken.
    fn send(
        &self,
        message: &Message,
        delay: Duration,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// The most messages sent at once, the limit of SQS.
pub const MAX_BATCH: usize = 10;

/// A message for the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The message.
    pub message: Message,
    /// How much later than now it is to be received.
    pub delay: Duration,
}

/// A queue that takes several messages at once.
pub trait BatchQueue: Send + Sync {
    /// Puts up to [`MAX_BATCH`] messages on the queue. The answer has one outcome for each, in
    /// order; an error means that it is not certain that the message was taken.
    fn send_batch(
        &self,
        batch: &[Outgoing],
    ) -> impl Future<Output = Vec<Result<(), QueueError>>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reconcile(why: String) -> Message {
        Message::Reconcile {
            account: "main".parse().unwrap(),
            bot: None,
            why,
        }
    }

    /// A message whose text has so many bytes.
    fn of_length(bytes: usize) -> Message {
        let around = reconcile(String::new()).to_text().unwrap().len();
        reconcile("x".repeat(bytes.saturating_sub(around)))
    }

    #[test]
    fn what_was_written_is_read_again() {
        let message = reconcile("the stream was \"down\"\nfor 7 s".to_owned());
        let text = message.to_text().unwrap();
        assert_eq!(Message::from_text(&text).unwrap(), message);
    }

    #[test]
    fn the_longest_message_fits_and_a_longer_one_is_refused_on_both_sides() {
        let longest = of_length(MAX_MESSAGE_BYTES).to_text().unwrap();
        assert_eq!(longest.len(), MAX_MESSAGE_BYTES);
        Message::from_text(&longest).unwrap();
        let longer = MAX_MESSAGE_BYTES + 1;
        let written = of_length(longer).to_text();
        assert!(matches!(written, Err(MessageError::TooLong(bytes)) if bytes == longer));
        let read = Message::from_text(&format!("{longest} "));
        assert!(matches!(read, Err(MessageError::TooLong(bytes)) if bytes == longer));
    }

    #[test]
    fn another_version_is_named_whatever_else_it_says() {
        for text in [
            r#"{"v":2,"type":"reconcile","account":"main","bot":null,"why":""}"#,
            r#"{"v":2,"kind":"of a later build"}"#,
        ] {
            let read = Message::from_text(text);
            assert!(matches!(read, Err(MessageError::Version(2))), "{read:?}");
            assert!(
                read.unwrap_err()
                    .to_string()
                    .contains("update the older part")
            );
        }
    }

    #[test]
    fn a_refusal_repeats_little_of_a_message() {
        let text = r#"{"v":"1"}"#.replace('1', &"x".repeat(100_000));
        let told = Message::from_text(&text).unwrap_err().to_string();
        assert!(told.len() < 400 && told.contains("u32"), "{told}");
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for text in [
            "",
            "reconcile",
            "[1]",
            "{}",
            r#"{"type":"reconcile","account":"main","bot":null,"why":""}"#,
            r#"{"v":"1","type":"reconcile","account":"main","bot":null,"why":""}"#,
            r#"{"v":1,"type":"reconcile","account":"main"}"#,
            r#"{"v":1,"type":"reconcile","account":"m a i n","bot":null,"why":""}"#,
            r#"{"v":1,"type":"sell everything"}"#,
        ] {
            let read = Message::from_text(text);
            assert!(
                matches!(read, Err(MessageError::Unreadable(_))),
                "{text}: {read:?}"
            );
        }
    }
}
