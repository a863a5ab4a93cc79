//! Frames of the user-data stream, and the messages that their reports become.

use std::collections::BTreeSet;

use binance::Credentials;
use binance::stream::{Event, Frame, FrameError, Report, ReportError, StreamEvent, Subscriptions};
use domain::{AccountId, Execution, LocalTime, QuoteAmount};
use trading::{MAX_MESSAGE_BYTES, Message};

use super::{few, orders, refused, text};
use crate::examine::Seen;

const NOW: LocalTime = LocalTime::from_millis(1_790_000_000_000);

/// Only so many lines of an input are frames.
const MOST_FRAMES: usize = 1_000;

/// The longest piece of foreign text that goes on, in bytes: 120 characters of up to 4.
const QUOTED: usize = 480;

/// One frame.
pub(super) fn frame(input: &[u8]) -> Seen {
    let frame = match Frame::read(input) {
        Ok(frame) => frame,
        Err(error) => {
            // What follows the reason is the start of the frame.
            let why = match &error {
                FrameError::TooLong(_) => "too long".to_owned(),
                FrameError::NotUtf8 { .. } => "no UTF-8".to_owned(),
                FrameError::NotJson { source, .. } => source.to_string(),
                FrameError::WrongShape { problem, .. } => (*problem).to_owned(),
            };
            refused(error);
            return Seen::Refused(why);
        }
    };
    Seen::Accepted(match frame {
        Frame::Reply(reply) => {
            if let Some(error) = &reply.error {
                assert!(error.message.len() <= QUOTED, "{}", error.message.len());
            }
            format!(
                "reply {} {} {} {:?} {:?}",
                reply.id.is_some(),
                reply.status == 200,
                reply.result.is_null(),
                reply.error.map(|error| (
                    error.code < 0,
                    error.retry_after.is_some(),
                    error.server_time.is_some()
                )),
                reply.weight.map(|weight| weight.used > weight.limit),
            )
        }
        Frame::Event { event, .. } => match event {
            Event::Report(report) => reported(&report),
            Event::UnreadableReport { ids, error } => {
                assert!(ids.len() <= 2 && ids.iter().all(|id| id.len() <= QUOTED));
                format!("unreadable {} {}", few(ids.len()), field_of(&error))
            }
            Event::Other { kind } => {
                assert!(kind.len() <= QUOTED, "{}", kind.len());
                "other event".to_owned()
            }
        },
        Frame::ServerShutdown => "shutdown".to_owned(),
        Frame::StreamTerminated { .. } => "terminated".to_owned(),
        Frame::Other { .. } => "other".to_owned(),
    })
}

/// The field for which a report cannot be read.
fn field_of(error: &ReportError) -> String {
    assert!(error.to_string().len() <= 4 * QUOTED, "{error}");
    match error {
        ReportError::Missing(field) => format!("without {field}"),
        ReportError::Invalid { field, .. } => format!("with another {field}"),
    }
}

/// What has to hold of a report: what it says of a trade is whole, and no more than the order.
fn reported(report: &Report) -> String {
    if let Some(trade) = &report.trade {
        assert!(trade.quantity <= report.cumulative, "{report:?}");
        assert!(trade.quote > QuoteAmount::ZERO, "{report:?}");
        orders::check_trade(trade);
    }
    assert!(report.time.as_millis() > 0, "{report:?}");
    let account: AccountId = "main".parse().unwrap();
    let execution = report.execution(&account);
    if let Some(execution) = &execution {
        assert_eq!(execution.cumulative, report.cumulative);
        assert_eq!(execution.client_order_id, report.order_client_id());
        assert_eq!(
            execution.trades.first(),
            report.trade.as_ref(),
            "{execution:?}"
        );
        sent_on(execution);
    }
    format!(
        "report {:?} {:?} {} {}",
        report.kind,
        report.status,
        report.trade.is_some(),
        execution.as_ref().map(orders::digest).unwrap_or_default()
    )
}

/// A report goes onto the queue and comes off it as it was, or is too long and says so.
fn sent_on(execution: &Execution) {
    let message = Message::Execution {
        execution: Box::new(execution.clone()),
        received_at: NOW,
    };
    if let Ok(text) = message.to_text() {
        assert_eq!(Message::from_text(&text).unwrap(), message);
    } else {
        assert!(execution.client_order_id.len() > MAX_MESSAGE_BYTES / 8);
    }
}

/// The frames of one connection, one to a line, on which two accounts asked to be subscribed, one
/// gave up, and the time and the list of subscriptions were asked for.
pub(super) fn session(input: &[u8]) -> Seen {
    let accounts: [AccountId; 2] = ["one", "two"].map(|name| name.parse().unwrap());
    let credentials = Credentials::hmac("key", "secret").unwrap();
    let mut subscriptions = Subscriptions::default();
    for account in &accounts {
        subscriptions.subscribe(account, &credentials, NOW);
    }
    subscriptions.ask_time();
    subscriptions.list();
    let mut seen = BTreeSet::new();
    let mut before = "nothing";
    let (mut answered, mut started, mut ended) = (0, 0, 0);
    let lines = input.split(|byte| *byte == b'\n').take(MOST_FRAMES);
    for (at, line) in lines.enumerate() {
        for event in subscriptions.take(line, NOW) {
            let (kind, account) = described(&event);
            if let Some(account) = account {
                assert!(accounts.contains(account), "{account} is nobody here");
            }
            answered += usize::from(matches!(kind, "subscribed" | "refused"));
            started += usize::from(kind == "subscribed");
            ended += usize::from(kind == "ended");
            seen.insert(format!("{before} then {kind}"));
            seen.insert(detail(&event));
            before = kind;
        }
        if at % 3 == 2 {
            subscriptions.unsubscribe(&accounts[0]);
            subscriptions.list();
        }
    }
    assert!(
        answered <= accounts.len(),
        "{answered} answers to two requests"
    );
    assert!(ended <= started, "{ended} ends of {started} streams");
    let request = subscriptions.subscribe(&accounts[0], &credentials, NOW);
    let request: serde_json::Value = serde_json::from_str(&request).unwrap();
    assert!(request["params"]["timestamp"].is_i64(), "{request}");
    let told: Vec<String> = seen.into_iter().collect();
    Seen::Accepted(format!("{}\n{} ended", told.join("\n"), few(ended)))
}

fn described(event: &StreamEvent) -> (&'static str, Option<&AccountId>) {
    match event {
        StreamEvent::Subscribed { account } => ("subscribed", Some(account)),
        StreamEvent::Refused { account, .. } => ("refused", Some(account)),
        StreamEvent::Report { account, .. } => ("report", Some(account)),
        StreamEvent::Other { account, .. } => ("other", Some(account)),
        StreamEvent::Ended { account, .. } => ("ended", Some(account)),
        StreamEvent::Unreadable { account, error, .. } => {
            assert!(error.len() <= 4 * QUOTED, "{}", error.len());
            ("unreadable", account.as_ref())
        }
        StreamEvent::ServerShutdown => ("shutdown", None),
        StreamEvent::Weight(_) => ("weight", None),
        StreamEvent::RequestFailed(refusal) if refusal.retry_after.is_some() => {
            ("told to wait", None)
        }
        StreamEvent::RequestFailed(_) => ("failed", None),
        StreamEvent::Ignored { .. } => ("ignored", None),
    }
}

/// What an event says beside its kind.
fn detail(event: &StreamEvent) -> String {
    match event {
        StreamEvent::Report { report, .. } => reported(report),
        StreamEvent::Unreadable { ids, error, .. } => {
            let reason = error.split(':').next().unwrap_or_default();
            let reason = reason.split(" cannot be ").next().unwrap_or_default();
            format!("{:?} {reason}", ids.as_ref().map(Vec::len))
        }
        StreamEvent::Refused { refusal, .. } | StreamEvent::RequestFailed(refusal) => format!(
            "{} {} {:?}",
            refusal.code < 0,
            refusal.status == 200,
            refusal.retry_after.map(|after| after.is_zero())
        ),
        StreamEvent::Ended { why, .. } => (*why).to_owned(),
        StreamEvent::Ignored { kind } => format!("ignored {kind}"),
        StreamEvent::Weight(weight) => format!("{:?}", weight.used.cmp(&weight.limit)),
        StreamEvent::Subscribed { .. }
        | StreamEvent::Other { .. }
        | StreamEvent::ServerShutdown => String::new(),
    }
}

/// A message from the queue: what is read is written again as it was.
pub(super) fn message(input: &[u8]) -> Seen {
    let text = match text(input) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let message = match Message::from_text(text) {
        Ok(message) => message,
        Err(error) => return refused(error),
    };
    if let Ok(written) = message.to_text() {
        assert_eq!(Message::from_text(&written).unwrap(), message);
    } else {
        // Escapes make a text longer that was written without them.
        assert!(text.len() > MAX_MESSAGE_BYTES / 8);
    }
    Seen::Accepted(match &message {
        Message::Execution { execution, .. } => format!(
            "execution {:?} {} {} {}",
            execution.status,
            few(execution.trades.len()),
            execution.shown().is_some(),
            orders::digest(execution)
        ),
        Message::Reconcile { bot, .. } => format!("reconcile {}", bot.is_some()),
    })
}
