//! How long AWS is waited for, and how its errors are told.

use std::error::Error;
use std::time::Duration;

use aws_smithy_types::timeout::TimeoutConfig;

/// How long the clients wait for AWS: without an end of its own, a call on a connection that died silently
/// would hold up a bridge's reports, or a function until its time is up.
#[must_use]
pub fn patience() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(10))
        .build()
}

/// An error with its causes. Never the reply itself, which could hold what was unsealed: the SDK's own
/// `DisplayErrorContext` shows that too.
pub(crate) fn in_words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Outer(&'static str, #[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("not reached")]
    struct Inner {
        _reply: &'static str,
    }

    #[test]
    fn causes_are_told_once_and_what_a_reply_held_never() {
        let inner = || Inner { _reply: "a secret" };
        assert_eq!(
            in_words(&Outer("dispatch failure", inner())),
            "dispatch failure: not reached"
        );
        assert_eq!(
            in_words(&Outer("it was not reached", inner())),
            "it was not reached"
        );
    }
}
