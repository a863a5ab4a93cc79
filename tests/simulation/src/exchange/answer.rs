//! What a refusal of the model means to the use cases, read from status, code and wording alone.

use std::time::Duration;

use domain::{RefusalReason, Symbol};
use exchange_simulator::model::Reject;
use trading::{AccountStop, ExchangeError, PlaceOutcome, Refusal, UnknownCause};

/// The outcome of a placement that was answered with a refusal.
pub(super) fn outcome_of_reject(reject: &Reject) -> PlaceOutcome {
    let refused = |why, stop| {
        PlaceOutcome::Refused(Refusal {
            why,
            detail: reject.to_string(),
            retry_after: reject.retry_after_seconds.map(Duration::from_secs),
            stop,
        })
    };
    let text = reject.message.as_str();
    match (reject.http_status, reject.code) {
        (418, _) => refused(RefusalReason::AccountStopped, Some(AccountStop::Banned)),
        (429, _) => refused(RefusalReason::RateLimited, None),
        (_, -1008) => refused(RefusalReason::Overloaded, None),
        (_, -1000 | -1001 | -1006 | -1007) => PlaceOutcome::Unknown(UnknownCause::Server),
        (500.., _) => PlaceOutcome::Unknown(UnknownCause::Server),
        (_, -1021) => PlaceOutcome::WindowExpired,
        (_, -2010) if text == "Duplicate order sent." => PlaceOutcome::AlreadyThere,
        (_, -2010) if text.contains("insufficient balance") => {
            refused(RefusalReason::InsufficientBalance, None)
        }
        (_, -2010) if text.contains("immediately match") => refused(RefusalReason::WouldTake, None),
        (_, -2010) if text.contains("Market is closed") || text.contains("trading phase") => {
            refused(RefusalReason::MarketClosed, None)
        }
        (_, -1013 | -1111) => refused(RefusalReason::Filter, None),
        (_, -1121) => refused(RefusalReason::MarketClosed, None),
        (_, -2014 | -1022) => refused(RefusalReason::AccountStopped, Some(AccountStop::Key)),
        (_, -2015) => refused(RefusalReason::AccountStopped, Some(AccountStop::Permission)),
        _ => refused(RefusalReason::BadRequest, None),
    }
}

/// Why a question was answered with a refusal.
pub(super) fn error_of_reject(symbol: &Symbol, reject: &Reject) -> ExchangeError {
    let detail = reject.to_string();
    match (reject.http_status, reject.code) {
        (_, -1121) => ExchangeError::UnknownSymbol(symbol.clone()),
        (_, -2015) => ExchangeError::Stopped {
            stop: AccountStop::Permission,
            detail,
        },
        (500.., _) => ExchangeError::Unavailable(detail),
        (429, _) => ExchangeError::Limited {
            after: Duration::from_secs(reject.retry_after_seconds.unwrap_or(1)),
            detail,
        },
        _ => ExchangeError::Refused(detail),
    }
}
