//! What a frame says, and that no bytes can upset the reading of it.

use proptest::prelude::*;

use super::*;
use crate::stream::report::tests::fixture;

fn read(text: &str) -> Frame {
    Frame::read(text.as_bytes()).unwrap()
}

fn refused(text: &str) -> String {
    Frame::read(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_reply_keeps_its_id_status_and_result() {
    let frame = read(r#"{"id":"s1","status":200,"result":{"subscriptionId":3},"rateLimits":[]}"#);
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
            server_time: Some(ExchangeTime::from_millis(1)),
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
