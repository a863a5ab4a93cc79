//! The log: one JSON object a line on standard output, which Lambda takes to CloudWatch.

use tracing_subscriber::EnvFilter;

/// Starts the log: `GRIDKEEPER_LOG` says what of it, `info` if it does not.
pub fn start_log() {
    let filter =
        EnvFilter::try_from_env("GRIDKEEPER_LOG").unwrap_or_else(|_unset| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .log_internal_errors(false)
        .init();
}
