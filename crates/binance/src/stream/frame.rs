//! One frame of the WebSocket API: a reply to a request, or an event of a subscription.
//!
//! Entry point: [`Frame::read`]. It is total and bounded: any bytes give a frame or a
//! [`FrameError`], unknown events and fields are tolerated, nothing panics.

use std::fmt;

use domain::ExchangeTime;
use serde_json::{Map, Value};

use super::report::{Report, ReportError};

/// The longest frame that is read, in bytes. An `executionReport` has about 700, and the list of as
/// many subscriptions as one connection may have about 25,000. Reading a frame may take a hundred
/// times its length (`tests/hostile`).
pub const MAX_FRAME_BYTES: usize = 1 << 17;

/// Longest piece of foreign text that is repeated in an error or a log line.
const MAX_QUOTED: usize = 120;

/// The exchange's number of a subscription. Means something only on the connection it was given
/// out on (web-socket-api.md, "User Data Stream requests").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubscriptionId(pub i64);

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What one frame says.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// The answer to a request.
    Reply(Reply),
    /// Something happened to a subscribed account.
    Event {
        /// The subscription it belongs to.
        subscription: SubscriptionId,
        /// What happened.
        event: Event,
    },
    /// The server is about to go away: open another connection at once. No lead time is promised
    /// (CHANGELOG.md 2026-06-09).
    ServerShutdown,
    /// A subscription is over while its socket stays open.
    StreamTerminated {
        /// The subscription that ended.
        subscription: SubscriptionId,
    },
    /// Well-formed, but nothing this system knows.
    Other {
        /// What it seems to be, for a counter or a log line.
        kind: String,
    },
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The request's id as text; `None` for `null`, which the exchange sends when a session is
    /// revoked.
    pub id: Option<String>,
    /// The status, with the meanings of HTTP: 200 is success.
    pub status: u16,
    /// The result, `null` when there is none.
    pub result: Value,
    /// The error, if the request failed.
    pub error: Option<ReplyError>,
    /// The request weight of this minute, if it is told.
    pub weight: Option<WeightCount>,
}

/// How much request weight this address has used in the current minute, by the exchange's own
/// count: whatever else sends from here is in it (web-socket-api.md, "Rate limits").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightCount {
    /// Used so far.
    pub used: u32,
    /// What may be used.
    pub limit: u32,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyError {
    /// The exchange's code (errors.md); 0 when it sent none.
    pub code: i64,
    /// The exchange's words.
    pub message: String,
    /// Until when to send nothing more: on 429 and 418 an absolute time in milliseconds
    /// (web-socket-api.md, "IP Limits"), unlike the REST header's seconds.
    pub retry_after: Option<ExchangeTime>,
    /// The exchange's own time, which it sends with [`Self::retry_after`].
    pub server_time: Option<ExchangeTime>,
}

/// What happened to a subscribed account.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An `executionReport`.
    Report(Box<Report>),
    /// An `executionReport` that cannot be read.
    UnreadableReport {
        /// The client order ids it names, as far as they can be read.
        ids: Vec<String>,
        /// What is wrong with it.
        error: ReportError,
    },
    /// Any other event, such as a change of balances.
    Other {
        /// Its type, the field `e`.
        kind: String,
    },
}

/// Why a frame cannot be read. The connection goes on; something may have been missed.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Longer than any frame this system reads.
    #[error("the frame has {0} bytes, more than the {MAX_FRAME_BYTES} allowed; it was skipped")]
    TooLong(usize),
    /// A binary frame that is no text.
    #[error("the frame is not UTF-8 from byte {valid_up_to}; it was skipped")]
    NotUtf8 {
        /// How many bytes before the first bad one are good.
        valid_up_to: usize,
    },
    /// Not JSON.
    #[error("the frame is not JSON ({source}): {start}")]
    NotJson {
        /// What is wrong, and where.
        source: serde_json::Error,
        /// How the frame starts.
        start: String,
    },
    /// JSON of another shape than any documented frame.
    #[error("the frame is JSON of the wrong shape, {problem}: {start}")]
    WrongShape {
        /// What is missing or of the wrong type.
        problem: &'static str,
        /// How the frame starts.
        start: String,
    },
}

impl Frame {
    /// Reads one frame.
    ///
    /// # Errors
    /// [`FrameError`] says what is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, FrameError> {
        if bytes.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLong(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| FrameError::NotUtf8 {
            valid_up_to: error.valid_up_to(),
        })?;
        let value = serde_json::from_str(text).map_err(|source| FrameError::NotJson {
            source,
            start: quoted(text),
        })?;
        let wrong_shape = |problem| FrameError::WrongShape {
            problem,
            start: quoted(text),
        };
        let Value::Object(fields) = value else {
            return Err(wrong_shape("it is no object"));
        };
        read_object(fields).map_err(wrong_shape)
    }
}

fn read_object(mut fields: Map<String, Value>) -> Result<Frame, &'static str> {
    if let Some(event) = fields.get("event") {
        let Value::Object(event) = event else {
            return Err("\"event\" is no object");
        };
        return read_event(subscription_of(&fields), event);
    }
    let Some(status) = fields.get("status") else {
        return Ok(Frame::Other {
            kind: "neither reply nor event".to_owned(),
        });
    };
    let status = status
        .as_u64()
        .and_then(|status| u16::try_from(status).ok())
        .ok_or("\"status\" is no HTTP status")?;
    Ok(Frame::Reply(Reply {
        id: fields.get("id").and_then(id_text),
        status,
        error: fields
            .get("error")
            .and_then(Value::as_object)
            .map(read_error),
        weight: fields
            .get("rateLimits")
            .and_then(Value::as_array)
            .and_then(|limits| limits.iter().find_map(read_weight)),
        result: fields.remove("result").unwrap_or(Value::Null),
    }))
}

fn read_event(
    subscription: Option<SubscriptionId>,
    event: &Map<String, Value>,
) -> Result<Frame, &'static str> {
    let kind = event
        .get("e")
        .and_then(Value::as_str)
        .ok_or("the event has no type \"e\"")?;
    if kind == "serverShutdown" {
        return Ok(Frame::ServerShutdown);
    }
    let subscription = subscription.ok_or("the event has no \"subscriptionId\"")?;
    let event = match kind {
        "eventStreamTerminated" => return Ok(Frame::StreamTerminated { subscription }),
        "executionReport" => match Report::read(event) {
            Ok(report) => Event::Report(Box::new(report)),
            Err(error) => Event::UnreadableReport {
                ids: ["c", "C"]
                    .iter()
                    .filter_map(|key| event.get(*key)?.as_str())
                    .map(quoted)
                    .collect(),
                error,
            },
        },
        other => Event::Other {
            kind: quoted(other),
        },
    };
    Ok(Frame::Event {
        subscription,
        event,
    })
}

fn read_error(error: &Map<String, Value>) -> ReplyError {
    let time = |key| {
        let millis = error.get("data")?.get(key)?.as_i64()?;
        Some(ExchangeTime::from_millis(millis))
    };
    ReplyError {
        code: error.get("code").and_then(Value::as_i64).unwrap_or(0),
        message: error
            .get("msg")
            .and_then(Value::as_str)
            .map_or_else(|| "no message".to_owned(), quoted),
        retry_after: time("retryAfter"),
        server_time: time("serverTime"),
    }
}

fn read_weight(limit: &Value) -> Option<WeightCount> {
    let number = |key| u32::try_from(limit.get(key)?.as_u64()?).ok();
    let is_weight = limit.get("rateLimitType")?.as_str()? == "REQUEST_WEIGHT"
        && limit.get("interval")?.as_str()? == "MINUTE"
        && number("intervalNum")? == 1;
    is_weight.then_some(WeightCount {
        used: number("count")?,
        limit: number("limit")?,
    })
}

fn subscription_of(fields: &Map<String, Value>) -> Option<SubscriptionId> {
    fields
        .get("subscriptionId")
        .and_then(Value::as_i64)
        .map(SubscriptionId)
}

fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The start of a foreign text, short enough for a log line.
pub(super) fn quoted(text: &str) -> String {
    text.chars().take(MAX_QUOTED).collect()
}

#[cfg(test)]
mod tests;
