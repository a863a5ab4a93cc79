//! The table of replies in `replies.txt`, and what it cannot say: waits, queries, arbitrary bytes.

use proptest::prelude::*;

use super::*;

const NOW: ExchangeTime = ExchangeTime::from_millis(1_790_000_000_000);

fn verdict(status: u16, retry_after: Option<u64>, body: &str) -> Verdict {
    let head = ReplyHead {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        now: NOW,
    };
    classify(head, body.as_bytes())
}

fn refused(why: RefusalReason) -> Option<(RefusalReason, Option<AccountStop>)> {
    Some((why, None))
}

fn stopped(stop: AccountStop) -> Option<(RefusalReason, Option<AccountStop>)> {
    Some((RefusalReason::AccountStopped, Some(stop)))
}

/// The outcome in the words of the table.
fn told(outcome: &PlaceOutcome) -> String {
    match outcome {
        PlaceOutcome::Accepted(_) => "accepted".to_owned(),
        PlaceOutcome::AlreadyThere => "already there".to_owned(),
        PlaceOutcome::WindowExpired => "window expired".to_owned(),
        PlaceOutcome::Unknown(cause) => format!("unknown {cause:?}"),
        PlaceOutcome::Refused(refusal) => {
            let stop = refusal.stop.map(|stop| format!(", stop {stop:?}"));
            format!("refused {:?}{}", refusal.why, stop.unwrap_or_default())
        }
    }
}

#[test]
fn every_row_of_the_table_has_its_outcome() {
    let mut rows = 0;
    for row in include_str!("replies.txt").lines() {
        if row.is_empty() || row.starts_with('#') {
            continue;
        }
        let mut cells = row.splitn(3, '|').map(str::trim);
        let mut cell = || cells.next().unwrap();
        let (status, expected, body) = (cell().parse().unwrap(), cell(), cell());
        let outcome = verdict(status, None, body).into_place_outcome();
        assert_eq!(told(&outcome), expected, "{row}");
        if let PlaceOutcome::Refused(refusal) = outcome {
            let named = format!("HTTP {status}, code -");
            let region = "HTTP 451, code 0: ";
            let detail = refusal.detail;
            assert!(
                detail.starts_with(&named) || detail.starts_with(region),
                "{detail}"
            );
        }
        rows += 1;
    }
    assert!(rows > 90, "only {rows} rows were read");
}

/// These statuses are documented as refusals whatever the body says (rest-api.md).
#[test]
fn some_statuses_refuse_without_a_readable_body() {
    use AccountStop::{Banned, Region};
    for (status, expected) in [
        (403, stopped(Banned)),
        (418, stopped(Banned)),
        (451, stopped(Region)),
        (429, refused(RefusalReason::RateLimited)),
        (410, refused(RefusalReason::BadRequest)),
    ] {
        for body in ["", "<html>", "{}", "\u{0}"] {
            let PlaceOutcome::Refused(refusal) = verdict(status, None, body).into_place_outcome()
            else {
                panic!("{status} {body}");
            };
            assert_eq!(Some((refusal.why, refusal.stop)), expected, "{status}");
        }
    }
}

#[test]
fn waits_as_long_as_the_exchange_says() {
    let seconds = |verdict: Verdict| verdict.retry_after.map(|wait| wait.as_secs());
    let ban = r#"{"code":-1003,"msg":"Way too much request weight used; IP banned until 1790000090000. Please"}"#;
    let limit = r#"{"code":-1003,"msg":"Too much request weight used; current limit is 6000"}"#;
    let orders =
        r#"{"code":-1015,"msg":"Too many new orders; current limit is 50 orders per 10 SECOND."}"#;
    let daily =
        r#"{"code":-1015,"msg":"Too many new orders; current limit is 160000 orders per 1 DAY."}"#;
    let funds = r#"{"code":-2010,"msg":"Account has insufficient balance for requested action."}"#;
    for (status, header, body, expected) in [
        (418, Some(7), "", Some(7)),
        (418, None, "", Some(120)),
        (418, None, ban, Some(90)),
        (418, Some(3600), ban, Some(3600)),
        (418, Some(1), ban, Some(90)),
        (418, Some(u64::MAX), "", Some(4 * 24 * 3600)),
        (403, None, "", Some(300)),
        (429, Some(11), limit, Some(11)),
        (429, None, limit, Some(60)),
        (429, None, ban, Some(90)),
        (429, None, orders, Some(10)),
        (429, Some(4), orders, Some(4)),
        (429, None, daily, Some(60)),
        (400, None, r#"{"code":-1008,"msg":"busy"}"#, Some(60)),
        (400, None, funds, None),
        (400, Some(5), funds, None),
        (503, Some(5), "", None),
        (451, Some(5), "", None),
    ] {
        assert_eq!(
            seconds(verdict(status, header, body)),
            expected,
            "{status} {body}"
        );
    }
    let over = ban.replace("1790000090000", "1600000000000");
    assert_eq!(
        seconds(verdict(418, None, &over)),
        Some(0),
        "a ban that is over already"
    );
}

#[test]
fn the_same_table_answers_queries_and_cancels() {
    let symbol: Symbol = "XRPETH".parse().unwrap();
    let error = |status, body| verdict(status, None, body).into_error(Some(&symbol));
    assert!(matches!(error(500, ""), ExchangeError::Unavailable(_)));
    assert!(matches!(
        error(200, "<html>"),
        ExchangeError::Unavailable(_)
    ));
    assert!(matches!(
        error(400, r#"{"code":-1021}"#),
        ExchangeError::Unavailable(_)
    ));
    assert_eq!(
        error(400, r#"{"code":-1121,"msg":"Invalid symbol."}"#),
        ExchangeError::UnknownSymbol(symbol.clone())
    );
    assert!(matches!(
        error(418, ""),
        ExchangeError::Stopped {
            stop: AccountStop::Banned,
            ..
        }
    ));
    assert!(matches!(
        error(
            401,
            r#"{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}"#
        ),
        ExchangeError::Stopped {
            stop: AccountStop::Permission,
            ..
        }
    ));
    assert!(matches!(
        error(429, ""),
        ExchangeError::Limited { after, .. } if after == Duration::from_secs(60)
    ));
    assert!(matches!(
        error(400, r#"{"code":-1008,"msg":"busy"}"#),
        ExchangeError::Limited { after, .. } if after == Duration::from_secs(60)
    ));
    assert!(matches!(
        error(400, r#"{"code":-2011,"msg":"Order was not canceled due to cancel restrictions."}"#),
        ExchangeError::Refused(detail) if detail.contains("-2011")
    ));
    for (code, message, meaning) in [
        (-2011, "Unknown order sent.", Meaning::NotOpen),
        (-2013, "Order does not exist.", Meaning::NoSuchOrder),
        (
            -2026,
            "Order was canceled or expired with no executed qty over 90 days ago",
            Meaning::Archived,
        ),
        (
            -2039,
            "Client order ID is not correct for this order ID.",
            Meaning::Foreign,
        ),
    ] {
        let body = format!("{{\"code\":{code},\"msg\":\"{message}\"}}");
        assert_eq!(verdict(400, None, &body).meaning, meaning);
    }
}

#[test]
fn quotes_the_exchange_briefly_and_on_one_line() {
    let long = format!("<html>\n{}\u{1b}[31m", "x".repeat(10_000));
    let detail = verdict(400, None, &long).detail;
    assert!(detail.len() < 600, "{}", detail.len());
    assert!(
        detail.contains("<html>\\n") && !detail.contains('\n'),
        "{detail}"
    );
    assert_eq!(verdict(404, None, "").detail, "HTTP 404 without a body");
}

proptest! {
    /// No reply can bring the adapter down, and outside 4xx none is ever a refusal.
    #[test]
    fn any_reply_has_a_meaning(
        status in any::<u16>(),
        retry_after in proptest::option::of(any::<u64>()),
        now in any::<i64>(),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let head = ReplyHead {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            now: ExchangeTime::from_millis(now),
        };
        let outcome = classify(head, &body).into_place_outcome();
        if !(400..500).contains(&status) {
            prop_assert!(matches!(outcome, PlaceOutcome::Unknown(_)), "{:?}", outcome);
        }
    }

    /// Neither can one in the exchange's own form, whatever its code and words.
    #[test]
    fn any_error_body_has_a_meaning(
        status in 300u16..600,
        code in any::<i64>(),
        message in "(IP banned until [0-9]{0,30}|Filter failure: [A-Z]*|.{0,80})",
    ) {
        let body = serde_json::json!({ "code": code, "msg": message }).to_string();
        let head = ReplyHead { status, retry_after: None, now: NOW };
        let verdict = classify(head, body.as_bytes());
        if status >= 500 {
            prop_assert_eq!(verdict.meaning, Meaning::Unknown(UnknownCause::Server));
        }
        if matches!(verdict.meaning, Meaning::Stopped(AccountStop::Banned)) {
            prop_assert!(verdict.retry_after.is_some());
        }
    }
}
