//! What becomes of what arrives on a stream.

use binance::stream::StreamEvent;
use trading::Message;

use super::rig::{Rig, id, report};

#[test]
fn a_fill_goes_onto_the_queue_at_once() {
    let mut rig = Rig::up(&["main"]);
    let fill = report(&[]);
    rig.report("main", fill.clone());
    assert_eq!(rig.sent.len(), 1);
    assert_eq!(
        rig.sent[0].message,
        Message::Execution {
            execution: Box::new(fill.execution(&id("main")).unwrap()),
            received_at: rig.wall(),
        }
    );
    assert_eq!(rig.sent[0].delay.as_secs(), 0);
    assert_eq!(rig.state.counters().forwarded, 1);
}

/// One line per case: `x`, `X`, `c`, `C` (`-` for empty), and what becomes of it.
const VERDICTS: &str = "
    TRADE            PARTIALLY_FILLED gk-bot1-7-3  -            forwarded
    TRADE            FILLED           gk-bot1-7-3  -            forwarded
    CANCELED         CANCELED         kQ1wZp8Yc0T4 gk-bot1-7-3  forwarded
    EXPIRED          EXPIRED          gk-bot1-7-3  -            forwarded
    EXPIRED          EXPIRED_IN_MATCH gk-bot1-7-3  -            forwarded
    TRADE_PREVENTION EXPIRED_IN_MATCH gk-bot1-7-3  -            forwarded
    BRAND_NEW        EXPIRED          gk-bot1-7-3  -            forwarded
    REPLACED         NEW              gk-bot1-7-3  -            compared
    REPLACED         NEW              xyz          gk-bot1-7-3  compared
    REPLACED         NEW              gk-bot1-7-3  gk-bot1-7-3  compared
    BRAND_NEW        NEW              gk-bot1-7-3  -            compared
    EXPIRED          EXPIRED          xyz          gk-bot1-7-3  compared
    NEW              NEW              gk-bot1-7-3  -            no-news
    REJECTED         REJECTED         gk-bot1-7-3  -            no-news
    TRADE_PREVENTION PARTIALLY_FILLED gk-bot1-7-3  -            no-news
    TRADE            FILLED           web_12345    -            not-ours
    TRADE            FILLED           gk-bot1-07-3 -            not-ours
    TRADE            FILLED           gk-          -            not-ours
    CANCELED         CANCELED         gk-bot1-7-3  web_12345    not-ours
    REPLACED         NEW              xyz          abc          not-ours
    NEW              NEW              web_12345    -            not-ours
";

#[test]
fn reports_are_forwarded_compared_or_counted() {
    for line in VERDICTS.trim().lines() {
        let [x, status, c, original, verdict] = line
            .split_whitespace()
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        let mut rig = Rig::up(&["main"]);
        rig.report(
            "main",
            report(&[
                (r#""x":"TRADE""#, &format!(r#""x":"{x}""#)),
                (r#""X":"PARTIALLY_FILLED""#, &format!(r#""X":"{status}""#)),
                (r#""c":"gk-bot1-7-3""#, &format!(r#""c":"{c}""#)),
                (
                    r#""C":"""#,
                    &format!(r#""C":"{}""#, original.trim_matches('-')),
                ),
            ]),
        );
        let counters = rig.state.counters();
        let seen = (
            rig.executions(),
            rig.reconciled(),
            counters.no_news,
            counters.not_ours,
        );
        let bot = vec![("main".to_owned(), Some("bot1".to_owned()), 0)];
        let expected = match verdict {
            "forwarded" => (1, vec![], 0, 0),
            "compared" => (0, bot, 0, 0),
            "no-news" => (0, vec![], 1, 0),
            "not-ours" => (0, vec![], 0, 1),
            other => panic!("{other}"),
        };
        assert_eq!(seen, expected, "{line}");
    }
}

#[test]
fn a_trade_without_its_price_is_forwarded_without_the_trade() {
    let mut rig = Rig::up(&["main"]);
    rig.report(
        "main",
        report(&[(r#""L":"61000.00000000""#, r#""L":"0.00000000""#)]),
    );
    let Message::Execution { execution, .. } = &rig.sent[0].message else {
        panic!("{:?}", rig.sent)
    };
    assert_eq!(execution.trades, vec![]);
    assert_eq!(execution.cumulative, "0.0008".parse().unwrap());
}

/// The bridge knows no bots: the handler compares the report with the level and drops it.
#[test]
fn an_id_of_ours_typed_on_another_account_is_passed_on_with_that_account() {
    let mut rig = Rig::up(&["main", "other"]);
    rig.report("other", report(&[]));
    let Message::Execution { execution, .. } = &rig.sent[0].message else {
        panic!("{:?}", rig.sent)
    };
    assert_eq!(execution.account, id("other"));
}

fn unreadable(account: Option<&str>, ids: Option<&[&str]>) -> StreamEvent {
    StreamEvent::Unreadable {
        account: account.map(id),
        ids: ids.map(|ids| ids.iter().map(ToString::to_string).collect()),
        error: "the executionReport has no \"z\"".to_owned(),
    }
}

#[test]
fn what_cannot_be_read_makes_its_account_be_compared() {
    for (event, compared) in [
        (
            unreadable(Some("one"), Some(&["gk-bot1-7-3", ""])),
            vec!["one"],
        ),
        (
            unreadable(Some("one"), Some(&["xyz", "gk-bot1-7-3"])),
            vec!["one"],
        ),
        (unreadable(Some("one"), Some(&[""])), vec!["one"]),
        (unreadable(Some("one"), Some(&[])), vec!["one"]),
        (unreadable(Some("one"), Some(&["web_1", ""])), vec![]),
        (unreadable(None, None), vec!["one", "two"]),
    ] {
        let mut rig = Rig::up(&["one", "two"]);
        rig.stream(1, event.clone());
        let names: Vec<String> = rig.reconciled().into_iter().map(|entry| entry.0).collect();
        assert_eq!(names, compared, "{event:?}");
        assert_eq!(rig.state.counters().unreadable, 1);
        rig.report("two", report(&[]));
        assert_eq!(rig.executions(), 1, "the rest goes on");
    }
}

#[test]
fn a_flood_of_what_cannot_be_read_is_compared_once_a_period_and_once_after_it() {
    let mut rig = Rig::up(&["main"]);
    for _ in 0..30 {
        rig.stream(1, unreadable(Some("main"), None));
        rig.pass(500);
    }
    assert_eq!(rig.reconciled().len(), 2, "15 s hold two periods of 10 s");
    rig.pass(60_000);
    assert_eq!(rig.reconciled().len(), 3, "the last cause is not forgotten");
}

#[test]
fn other_events_and_unknown_frames_are_counted() {
    let mut rig = Rig::up(&["main"]);
    rig.stream(
        1,
        StreamEvent::Other {
            account: id("main"),
            kind: "outboundAccountPosition".to_owned(),
        },
    );
    rig.stream(
        1,
        StreamEvent::Ignored {
            kind: "hello".to_owned(),
        },
    );
    assert_eq!(rig.state.counters().other_events, 1);
    assert_eq!(rig.state.counters().ignored, 1);
    assert!(rig.sent.is_empty());
}
