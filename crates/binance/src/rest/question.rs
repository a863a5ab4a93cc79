//! One question to the exchange: what is sent, what it costs, and what comes back.

use std::time::Duration;

use domain::Symbol;
use trading::ExchangeError;

use super::headers::LimitHeaders;
use super::transport::{Lost, Outgoing};
use super::weight_budget::Share;
use crate::Verdict;

/// A request and what it costs.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) outgoing: Outgoing<'a>,
    pub(crate) weight: u32,
    pub(crate) share: Share,
}

/// A successful reply.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    pub(crate) limits: LimitHeaders,
}

/// Why there is no successful reply.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing was sent: a pause or an empty budget.
    Paused(Duration),
    /// Sent, and the reply or a part of it did not come.
    Lost(Lost),
    /// The exchange, or something before it, said no.
    Reply(Verdict),
}

impl Failure {
    /// What it means for anything but a placement, about `symbol` if about one.
    pub(crate) fn into_error(self, symbol: Option<&Symbol>) -> ExchangeError {
        match self {
            Self::Paused(after) => ExchangeError::Limited {
                after,
                detail: "not asked: a limit of this address is reached".to_owned(),
            },
            Self::Lost(lost) => ExchangeError::Unavailable(lost.detail),
            Self::Reply(verdict) => verdict.into_error(symbol),
        }
    }
}
