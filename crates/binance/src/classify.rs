//! What a reply of the exchange means: one total, pure table from (HTTP status, code, message).
//!
//! Start at [`classify`]. The status decides first, then the code, then the message: -1010, -2010 and
//! -2011 share one list of messages, which is the only thing that tells their causes apart
//! (errors.md, "Messages for -1010, -2010 and -2011").
//!
//! The rule behind the table: only what the exchange documents as a refusal is one. A 5xx says
//! nothing about an order (rest-api.md, "HTTP Return Codes"), and neither does a page of some proxy
//! in between. What the table does not know is unknown, never refused.

use std::time::Duration;

use domain::{ExchangeTime, RefusalReason, Symbol};
use serde::Deserialize;
use trading::{AccountStop, ExchangeError, PlaceOutcome, Refusal, UnknownCause};

mod table;
#[cfg(test)]
mod tests;

use table::{ban_end, meaning};

/// What a reply that is no success means, whatever was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing is known: whatever was asked may or may not have been done.
    Unknown(UnknownCause),
    /// An open order already carries the client order id.
    AlreadyThere,
    /// The request was outside its time window; nothing was done.
    WindowExpired,
    /// Nothing was done, and nothing will be done for this account until the cause is mended.
    Stopped(AccountStop),
    /// Nothing was done.
    Refused(RefusalReason),
    /// Nothing was done: the account has too many unfilled new orders in the interval (-1015).
    TooManyOrders,
    /// Nothing was done: there is no such symbol (-1121).
    UnknownSymbol,
    /// The order to cancel is not open (-2011 "Unknown order sent."): filled, ended or never there.
    NotOpen,
    /// A query did not find the order (-2013). Proves nothing about a young order.
    NoSuchOrder,
    /// The order ended unfilled more than 90 days ago and can no longer be shown (-2026).
    Archived,
    /// An answer to a kind of request this adapter never makes, such as -2021 or HTTP 409.
    Foreign,
}

/// The meaning of one reply, with the exchange's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The HTTP status, or the `status` of a WebSocket API reply.
    pub status: u16,
    /// What it means.
    pub meaning: Meaning,
    /// Status, code and message as the exchange worded them, cut to a readable length.
    pub detail: String,
    /// How long to wait, where the exchange or its documents say so.
    pub retry_after: Option<Duration>,
}

/// What is known of a reply besides its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyHead {
    /// The HTTP status, or the `status` of a WebSocket API reply.
    pub status: u16,
    /// The header `Retry-After`, which counts seconds.
    pub retry_after: Option<Duration>,
    /// The exchange's time when the reply came, as estimated here. Turns the instant a ban ends
    /// into a time to wait.
    pub now: ExchangeTime,
}

/// Shortest ban (rest-api.md, "IP Limits": 2 minutes to 3 days), taken when the reply names no end.
const SHORTEST_BAN: Duration = Duration::from_secs(120);
/// The firewall names no end of its block (HTTP 403), so a long one is taken.
const FIREWALL_PAUSE: Duration = Duration::from_secs(300);
/// Request weight is counted per minute.
const WEIGHT_PAUSE: Duration = Duration::from_secs(60);
/// New orders are counted per 10 seconds and per day.
const ORDERS_PAUSE: Duration = Duration::from_secs(10);
/// -1008 asks to come back "in a few minutes".
const OVERLOAD_PAUSE: Duration = Duration::from_secs(60);
/// The longest wait believed: bans end within 3 days, and a day's count of orders within one.
const LONGEST_PAUSE: Duration = Duration::from_secs(4 * 24 * 3600);

#[derive(Deserialize)]
struct ErrorBody {
    code: i64,
    #[serde(default)]
    msg: String,
}

/// The meaning of a reply that did not bring what was asked for. A 2xx that could not be read is
/// unknown like any other unreadable reply.
#[must_use]
pub fn classify(head: ReplyHead, body: &[u8]) -> Verdict {
    match serde_json::from_slice::<ErrorBody>(body) {
        Ok(error) => classify_code(head, Some(error.code), &error.msg),
        Err(_no_error_body) => classify_code(head, None, &String::from_utf8_lossy(body)),
    }
}

/// The meaning of a reply whose code and message were read already; `None` for a reply that carries
/// no code, in which case `message` is its body.
#[must_use]
pub fn classify_code(head: ReplyHead, code: Option<i64>, message: &str) -> Verdict {
    let meaning = meaning(head.status, code, message);
    Verdict {
        status: head.status,
        meaning,
        detail: detail(head.status, code, message),
        retry_after: pause(meaning, head, message),
    }
}

fn pause(meaning: Meaning, head: ReplyHead, message: &str) -> Option<Duration> {
    let default = match meaning {
        Meaning::Stopped(AccountStop::Banned) if head.status == 403 => FIREWALL_PAUSE,
        Meaning::Stopped(AccountStop::Banned) => SHORTEST_BAN,
        Meaning::Refused(RefusalReason::RateLimited) => WEIGHT_PAUSE,
        Meaning::Refused(RefusalReason::Overloaded) => OVERLOAD_PAUSE,
        Meaning::TooManyOrders if message.contains("DAY") => WEIGHT_PAUSE,
        Meaning::TooManyOrders => ORDERS_PAUSE,
        Meaning::Unknown(_)
        | Meaning::AlreadyThere
        | Meaning::WindowExpired
        | Meaning::Stopped(_)
        | Meaning::Refused(_)
        | Meaning::UnknownSymbol
        | Meaning::NotOpen
        | Meaning::NoSuchOrder
        | Meaning::Archived
        | Meaning::Foreign => return None,
    };
    let named = ban_end(message).map(|end| end.since(head.now));
    let wait = head.retry_after.max(named).unwrap_or(default);
    Some(wait.min(LONGEST_PAUSE))
}

const MAX_DETAIL: usize = 240;

fn detail(status: u16, code: Option<i64>, message: &str) -> String {
    let words: String = message
        .chars()
        .take(MAX_DETAIL)
        .flat_map(char::escape_debug)
        .collect();
    match code {
        Some(code) => format!("HTTP {status}, code {code}: {words}"),
        None if words.is_empty() => format!("HTTP {status} without a body"),
        None => format!("HTTP {status}, not in the exchange's form: {words}"),
    }
}

impl Verdict {
    /// What the reply means as the answer to a placement.
    #[must_use]
    pub fn into_place_outcome(self) -> PlaceOutcome {
        let (why, stop) = match self.meaning {
            Meaning::Unknown(cause) => return PlaceOutcome::Unknown(cause),
            Meaning::AlreadyThere => return PlaceOutcome::AlreadyThere,
            Meaning::WindowExpired => return PlaceOutcome::WindowExpired,
            // Answers to other questions say nothing about this order.
            Meaning::NotOpen | Meaning::NoSuchOrder | Meaning::Archived | Meaning::Foreign => {
                return PlaceOutcome::Unknown(UnknownCause::Unreadable);
            }
            Meaning::Stopped(stop) => (RefusalReason::AccountStopped, Some(stop)),
            Meaning::Refused(why) => (why, None),
            Meaning::TooManyOrders => (RefusalReason::RateLimited, None),
            Meaning::UnknownSymbol => (RefusalReason::MarketClosed, None),
        };
        PlaceOutcome::Refused(Refusal {
            why,
            detail: self.detail,
            retry_after: self.retry_after,
            stop,
        })
    }

    /// What the reply means as the answer to anything but a placement, about `symbol` if about one.
    #[must_use]
    pub fn into_error(self, symbol: Option<&Symbol>) -> ExchangeError {
        let limited = |after, detail| ExchangeError::Limited { after, detail };
        match self.meaning {
            Meaning::Unknown(_) | Meaning::WindowExpired => ExchangeError::Unavailable(self.detail),
            Meaning::Stopped(stop) => ExchangeError::Stopped {
                stop,
                detail: self.detail,
            },
            Meaning::Refused(RefusalReason::RateLimited) | Meaning::TooManyOrders => {
                limited(self.retry_after.unwrap_or(WEIGHT_PAUSE), self.detail)
            }
            Meaning::Refused(RefusalReason::Overloaded) => {
                limited(self.retry_after.unwrap_or(OVERLOAD_PAUSE), self.detail)
            }
            Meaning::UnknownSymbol => match symbol {
                Some(symbol) => ExchangeError::UnknownSymbol(symbol.clone()),
                None => ExchangeError::Refused(self.detail),
            },
            Meaning::Refused(_)
            | Meaning::AlreadyThere
            | Meaning::NotOpen
            | Meaning::NoSuchOrder
            | Meaning::Archived
            | Meaning::Foreign => ExchangeError::Refused(self.detail),
        }
    }
}
