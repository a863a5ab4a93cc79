//! The adapter to AWS's queue and key service: SQS and KMS.
//!
//! Where to start:
//! * [`SqsQueue`] puts messages on the two queues, and says when a received one is to come back.
//! * [`DeadLetters`] are what could not be handled, for an operator.
//! * [`KmsKeys`] seals and opens the secrets of API keys.
//! * [`patience`] says how long any client of AWS waits.
//!
//! Region, credentials and addresses come from the clients' own configuration, so that
//! `AWS_ENDPOINT_URL` and the rest of the standard AWS environment are honoured. Decides nothing
//! about money, keeps no secret, starts no task.

mod dead_letters;
mod keys;
mod patience;
mod queue;

pub use dead_letters::{DeadLetter, DeadLetterQueue, DeadLetters, QueueDepth, Redriven};
pub use keys::{KeyServiceError, KmsKeys};
pub use patience::patience;
pub use queue::{QueueAddresses, QueueKind, SqsQueue};
