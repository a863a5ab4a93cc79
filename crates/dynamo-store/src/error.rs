//! What a failed call to DynamoDB means to the use cases.
//!
//! Only a request that can never succeed becomes [`StoreError::Invalid`]. Everything that may mend
//! itself or be mended from outside (a missing permission, a missing table) stays retryable, so
//! that no message about money is thrown away because of it.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use std::error::Error;
use trading::StoreError;

/// A failed call, with the one distinction that the caller of a write acts upon.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Another transaction held one of the items: the same write may be sent again at once.
    Conflict(String),
    /// Anything else.
    Final(StoreError),
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Conflict(text) => Self::Throttled(text),
            Failure::Final(error) => error,
        }
    }
}

/// Sorts a failed call of the SDK (the common errors and the errors of each operation in the
/// DynamoDB API reference).
pub(crate) fn failure<E, R>(operation: &str, error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug,
{
    let SdkError::ServiceError(service) = error else {
        return Failure::Final(StoreError::Unavailable(format!(
            "{operation}: {}",
            DisplayErrorContext(error)
        )));
    };
    let code = service.err().code().unwrap_or("no error code");
    by_code(
        operation,
        code,
        service.err().message().unwrap_or("no message"),
    )
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Final(error)
    }
}

/// Sorts a failed call by the service's error code.
pub(crate) fn by_code(operation: &str, code: &str, words: &str) -> Failure {
    if cannot_write(words).is_some() {
        return Failure::Final(StoreError::Unavailable(words.to_owned()));
    }
    let text = format!("{operation}: {code}: {words}");
    match code {
        "TransactionConflictException" => Failure::Conflict(text),
        "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "ThrottlingException"
        | "LimitExceededException"
        | "TransactionInProgressException" => Failure::Final(StoreError::Throttled(text)),
        "ValidationException"
        | "SerializationException"
        | "ItemCollectionSizeLimitExceededException"
        | "IdempotentParameterMismatchException" => Failure::Final(StoreError::Invalid(text)),
        "ResourceNotFoundException" => Failure::Final(StoreError::Unavailable(format!(
            "{text}; the table does not exist in this region and account: create it, or correct its name"
        ))),
        _ => Failure::Final(StoreError::Unavailable(text)),
    }
}

/// The same for calls where a conflict needs no treatment of its own.
pub(crate) fn store_error<E, R>(operation: &str, error: &SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug,
{
    failure(operation, error).into()
}

/// A record that this program would have written itself but cannot, such as a number that is no
/// integer.
pub(crate) fn unwritable(what: &str, detail: &impl std::fmt::Display) -> StoreError {
    StoreError::Invalid(format!("{what} cannot be written: {detail}"))
}

/// How every message begins that says so.
pub(crate) const BEGINNING: &str = "the data folder ";
/// What follows the folder's name in it.
pub(crate) const MIDDLE: &str = " cannot be written: ";

/// What is wrong and how to mend it, where the text of an error says that a data folder cannot be written.
#[must_use]
pub fn cannot_write(text: &str) -> Option<(&str, &str)> {
    let said = text.starts_with(BEGINNING) && text.contains(MIDDLE);
    said.then(|| text.split_once("; ")).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_that_takes_nothing_is_told_with_its_mend() {
        let full = "the data folder /data cannot be written: it is full; free space";
        let told = (
            "the data folder /data cannot be written: it is full",
            "free space",
        );
        assert_eq!(cannot_write(full), Some(told));
        for other in [
            "the data folder /data is in use by process 7; end it first",
            "level 3 cannot be written: no integer; see there",
        ] {
            assert_eq!(cannot_write(other), None, "{other}");
        }
    }
}
