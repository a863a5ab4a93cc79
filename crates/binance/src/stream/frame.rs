//! One frame of the WebSocket API: a reply to a request, or an event of a subscription.
//!
//! Entry point: [`Frame::read`]. It is total and bounded: any bytes give a frame or a
//! [`FrameError`], unknown events and fields are tolerated, nothing panics.

use std::fmt;

use domain::ExchangeTime;
use serde_json::{Map, Value};

use super::report::{Report, ReportError};

/// The longest frame that is read, in bytes. An `executionReport` has about 700.
pub const MAX_FRAME_BYTES: usize = 1 << 20;

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
    ReplyError {
        code: error.get("code").and_then(Value::as_i64).unwrap_or(0),
        message: error
            .get("msg")
            .and_then(Value::as_str)
            .map_or_else(|| "no message".to_owned(), quoted),
        retry_after: error
            .get("data")
            .and_then(|data| data.get("retryAfter"))
            .and_then(Value::as_i64)
            .map(ExchangeTime::from_millis),
    }
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
mod tests {
    use proptest::prelude::*;

    use super::super::report::fixture;
    use super::*;

    fn read(text: &str) -> Frame {
        Frame::read(text.as_bytes()).unwrap()
    }

    fn refused(text: &str) -> String {
        Frame::read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_reply_keeps_its_id_status_and_result() {
        let frame =
            read(r#"{"id":"s1","status":200,"result":{"subscriptionId":3},"rateLimits":[]}"#);
        let Frame::Reply(reply) = frame else {
            panic!("{frame:?}")
        };
        assert_eq!(reply.id.as_deref(), Some("s1"));
        assert_eq!(reply.status, 200);
        assert_eq!(reply.result["subscriptionId"], 3);
        assert_eq!(reply.error, None);
    }

    #[test]
    fn a_refusal_keeps_code_words_and_the_time_to_wait_for() {
        let frame = read(
            r#"{"id":7,"status":429,"error":{"code":-1003,"msg":"Too much","data":{"serverTime":1,"retryAfter":1790000060000}}}"#,
        );
        let Frame::Reply(reply) = frame else {
            panic!("{frame:?}")
        };
        assert_eq!(reply.id.as_deref(), Some("7"));
        assert_eq!(
            reply.error,
            Some(ReplyError {
                code: -1003,
                message: "Too much".to_owned(),
                retry_after: Some(ExchangeTime::from_millis(1_790_000_060_000)),
            })
        );
    }

    #[test]
    fn a_revoked_session_has_no_id() {
        let frame = read(r#"{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid"}}"#);
        assert!(matches!(
            frame,
            Frame::Reply(Reply {
                id: None,
                status: 401,
                ..
            })
        ));
    }

    #[test]
    fn control_events_are_told_apart() {
        assert_eq!(
            read(r#"{"event":{"e":"serverShutdown","E":1790000000000}}"#),
            Frame::ServerShutdown
        );
        assert_eq!(
            read(r#"{"subscriptionId":3,"event":{"e":"eventStreamTerminated","E":1}}"#),
            Frame::StreamTerminated {
                subscription: SubscriptionId(3)
            }
        );
    }

    #[test]
    fn unknown_events_and_unknown_frames_are_tolerated() {
        assert_eq!(
            read(r#"{"subscriptionId":3,"event":{"e":"somethingNew","x":[{}]},"more":1}"#),
            Frame::Event {
                subscription: SubscriptionId(3),
                event: Event::Other {
                    kind: "somethingNew".to_owned()
                }
            }
        );
        assert!(matches!(read(r#"{"hello":1}"#), Frame::Other { .. }));
    }

    #[test]
    fn a_report_of_the_wrong_shape_names_the_field_and_the_ids() {
        let text = fixture(r#""z":[1]"#);
        let Frame::Event {
            event: Event::UnreadableReport { ids, error },
            ..
        } = read(&text)
        else {
            panic!("it was read")
        };
        assert_eq!(ids, ["gk-bot1-7-3".to_owned(), String::new()]);
        assert!(error.to_string().contains("\"z\""), "{error}");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        for (text, part) in [
            ("", "not JSON"),
            ("{\"id\":", "not JSON"),
            ("[1,2]", "no object"),
            (r#"{"event":5}"#, "\"event\" is no object"),
            (r#"{"event":{}}"#, "no type"),
            (r#"{"event":{"e":"executionReport"}}"#, "subscriptionId"),
            (
                r#"{"event":{"e":"eventStreamTerminated"}}"#,
                "subscriptionId",
            ),
            (r#"{"id":"1","status":"fine"}"#, "status"),
            (r#"{"id":"1","status":70000}"#, "status"),
        ] {
            assert!(refused(text).contains(part), "{text}: {}", refused(text));
        }
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        assert!(refused(&deep).contains("not JSON"));
        let error = Frame::read(b"{\"id\":\"\xff\"}").unwrap_err();
        assert!(error.to_string().contains("from byte 7"), "{error}");
        let long = vec![b' '; MAX_FRAME_BYTES + 1];
        assert!(matches!(
            Frame::read(&long),
            Err(FrameError::TooLong(length)) if length == MAX_FRAME_BYTES + 1
        ));
    }

    #[test]
    fn an_error_repeats_only_the_start_of_a_frame() {
        assert!(refused(&"x".repeat(100_000)).len() < 400);
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_frame_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let outcome = Frame::read(&bytes);
            prop_assert!(outcome.is_err() || std::str::from_utf8(&bytes).is_ok());
        }

        #[test]
        fn a_damaged_report_gives_a_frame_or_an_error(
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = fixture("").into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(cut.index(bytes.len()).max(at));
            if let Ok(Frame::Event { event: Event::Report(report), .. }) = Frame::read(&bytes) {
                let account = "main".parse().unwrap();
                prop_assert!(report.execution(&account).is_none_or(|execution| execution.trades.len() <= 1));
            }
        }
    }
}
