//! What a bridge needs besides store and clock: a queue that takes batches, and opened keys.

use std::time::Duration;

use domain::AccountId;
use trading::{Message, QueueError, SealedKey};

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

/// Opens the sealed stream keys. The process decides how: a local key file, a key service.
pub trait OpenKeys: Send + Sync {
    /// The credentials of an account's stream.
    ///
    /// # Errors
    /// Why the key cannot be used, in words for the operator and without any part of the secret.
    fn open(
        &self,
        account: &AccountId,
        key: &SealedKey,
    ) -> impl Future<Output = Result<binance::Credentials, String>> + Send;
}
