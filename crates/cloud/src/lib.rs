//! The adapter to AWS's queue and key service: SQS and KMS.
//!
//! Where to start:
//! * [`SqsQueue`] puts messages on the two queues, and says when a received one is to come back.
//! * [`KmsKeys`] seals and opens the secrets of API keys.
//!
//! Region, credentials and addresses come from the clients' own configuration, so that
//! `AWS_ENDPOINT_URL` and the rest of the standard AWS environment are honoured. Decides nothing
//! about money, keeps no secret, starts no task.

mod keys;
mod queue;

pub use keys::{KeyServiceError, KmsKeys};
pub use queue::{QueueAddresses, QueueKind, SqsQueue};
