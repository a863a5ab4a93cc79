//! What a reply means to the use cases: written as the exchange writes it, read by the shipped adapter.

use std::time::Duration;

use binance::{ReplyHead, Verdict, classify, read_placed};
use domain::{AccountId, ExchangeTime, Symbol};
use exchange_simulator::model::{OrderReport, Reject};
use exchange_simulator::written;
use trading::{ExchangeError, NewOrder, PlaceOutcome, UnknownCause};

/// The reply to a placement on its way: status and body.
#[derive(Debug, Clone)]
pub(super) struct Written {
    status: u16,
    retry_after: Option<Duration>,
    body: String,
}

impl Written {
    pub(super) fn placed(report: &OrderReport) -> Self {
        Self {
            status: 200,
            retry_after: None,
            body: written::placed(report),
        }
    }

    pub(super) fn refused(reject: &Reject) -> Self {
        Self {
            status: reject.http_status,
            retry_after: reject.retry_after_seconds.map(Duration::from_secs),
            body: written::refused(reject),
        }
    }

    /// A page of something between the exchange and us.
    pub(super) fn bad_gateway() -> Self {
        Self {
            status: 502,
            retry_after: None,
            body: "<html><body>Bad Gateway</body></html>".to_owned(),
        }
    }

    /// The same reply, of which only the first half arrived.
    pub(super) fn truncated(mut self) -> Self {
        self.body.truncate(self.body.len() / 2);
        self
    }

    /// What it means as the answer to an order.
    pub(super) fn read(&self, now: ExchangeTime, order: (&NewOrder, &AccountId)) -> PlaceOutcome {
        if self.status == 200 {
            return match read_placed(self.body.as_bytes(), order.0, order.1) {
                Ok(execution) => PlaceOutcome::Accepted(Box::new(execution)),
                Err(_) => PlaceOutcome::Unknown(UnknownCause::Unreadable),
            };
        }
        self.verdict(now).into_place_outcome()
    }

    fn verdict(&self, now: ExchangeTime) -> Verdict {
        let head = ReplyHead {
            status: self.status,
            retry_after: self.retry_after,
            now,
        };
        classify(head, self.body.as_bytes())
    }
}

/// Why a question was answered with a refusal.
pub(super) fn error_of_reject(symbol: &Symbol, reject: &Reject, now_ms: i64) -> ExchangeError {
    let now = ExchangeTime::from_millis(now_ms);
    Written::refused(reject)
        .verdict(now)
        .into_error(Some(symbol))
}
