//! A fixture for every documented row, and for what no document mentions.

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

/// (status, code, message): the refusal and the stop it means for a placement.
#[test]
fn definite_refusals_of_a_placement() {
    use AccountStop::{Banned, Key, Permission, Region, Restricted};
    use RefusalReason::{
        BadRequest, Filter, InsufficientBalance, MarketClosed, Overloaded, RateLimited, WouldTake,
    };
    let weight = "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.";
    let ban = "Way too much request weight used; IP banned until 1790000090000. Please use WebSocket Streams for live updates to avoid bans.";
    for (status, code, message, expected) in [
        (418, -1003, ban, stopped(Banned)),
        (429, -1003, weight, refused(RateLimited)),
        (429, -1003, ban, stopped(Banned)),
        (400, -1003, weight, refused(RateLimited)),
        (
            400,
            -1003,
            "Too many requests queued.",
            refused(RateLimited),
        ),
        (400, -1003, ban, stopped(Banned)),
        (
            451,
            0,
            "Service unavailable from a restricted location according to 'b. Eligibility' in https://www.binance.com/en/terms.",
            stopped(Region),
        ),
        (
            410,
            -1000,
            "This endpoint is no longer available.",
            refused(BadRequest),
        ),
        (403, -1000, "Forbidden", stopped(Banned)),
        (
            401,
            -1002,
            "You are not authorized to execute this request.",
            stopped(Permission),
        ),
        (
            400,
            -1008,
            "Server is currently overloaded with other requests. Please try again in a few minutes.",
            refused(Overloaded),
        ),
        (400, -1013, "Filter failure: LOT_SIZE", refused(Filter)),
        (
            400,
            -1013,
            "Filter failure: PERCENT_PRICE_BY_SIDE",
            refused(Filter),
        ),
        (
            400,
            -1013,
            "Filter failure: MAX_NUM_ORDERS",
            refused(Filter),
        ),
        (
            400,
            -1013,
            "This symbol does not allow the specified self-trade prevention mode.",
            refused(Filter),
        ),
        (400, -2010, "Filter failure: NOTIONAL", refused(Filter)),
        (
            400,
            -1014,
            "Unsupported order combination.",
            refused(BadRequest),
        ),
        (400, -1115, "Invalid timeInForce.", refused(BadRequest)),
        (400, -1116, "Invalid orderType.", refused(BadRequest)),
        (400, -1117, "Invalid side.", refused(BadRequest)),
        (
            400,
            -1106,
            "Parameter 'timeInForce' sent when not required.",
            refused(BadRequest),
        ),
        (
            400,
            -1114,
            "TimeInForce parameter sent when not required.",
            refused(BadRequest),
        ),
        (
            400,
            -1128,
            "Combination of optional parameters invalid.",
            refused(BadRequest),
        ),
        (
            429,
            -1015,
            "Too many new orders; current limit is 50 orders per 10 SECOND.",
            refused(RateLimited),
        ),
        (400, -1015, "Too many new orders.", refused(RateLimited)),
        (
            400,
            -1016,
            "This service is no longer available.",
            refused(BadRequest),
        ),
        (
            400,
            -1020,
            "This operation is not supported.",
            refused(BadRequest),
        ),
        (
            400,
            -1022,
            "Signature for this request is not valid.",
            stopped(Key),
        ),
        (400, -1034, "Too many connections.", refused(RateLimited)),
        (
            400,
            -1100,
            "Illegal characters found in parameter 'price'; legal range is '^([0-9]{1,20})(\\\\.[0-9]{1,20})?$'.",
            refused(BadRequest),
        ),
        (
            400,
            -1101,
            "Too many parameters; expected '9' and received '10'.",
            refused(BadRequest),
        ),
        (
            400,
            -1102,
            "Mandatory parameter 'price' was not sent, was empty/null, or malformed.",
            refused(BadRequest),
        ),
        (
            400,
            -1103,
            "An unknown parameter was sent.",
            refused(BadRequest),
        ),
        (
            400,
            -1104,
            "Not all sent parameters were read; read '8' parameter(s) but was sent '9'.",
            refused(BadRequest),
        ),
        (
            400,
            -1105,
            "Parameter 'price' was empty.",
            refused(BadRequest),
        ),
        (
            400,
            -1108,
            "Parameter 'quantity' overflowed.",
            refused(BadRequest),
        ),
        (
            400,
            -1130,
            "Data sent for parameter 'price' is not valid.",
            refused(BadRequest),
        ),
        (400, -1135, "Invalid JSON Request", refused(BadRequest)),
        (
            400,
            -1111,
            "Parameter 'price' has too much precision.",
            refused(Filter),
        ),
        (400, -1121, "Invalid symbol.", refused(MarketClosed)),
        (400, -1122, "Invalid symbolStatus.", refused(MarketClosed)),
        (
            400,
            -1220,
            "The symbol's status does not match the requested symbolStatus.",
            refused(MarketClosed),
        ),
        (
            400,
            -2010,
            "Account has insufficient balance for requested action.",
            refused(InsufficientBalance),
        ),
        (
            400,
            -1010,
            "Account has insufficient balance for requested action.",
            refused(InsufficientBalance),
        ),
        (
            400,
            -2010,
            "Order would immediately match and take.",
            refused(WouldTake),
        ),
        (400, -2010, "Market is closed.", refused(MarketClosed)),
        (
            400,
            -2010,
            "This order type is not possible in this trading phase.",
            refused(MarketClosed),
        ),
        (
            400,
            -2010,
            "This action is disabled on this account.",
            stopped(Restricted),
        ),
        (
            400,
            -2010,
            "This account may not place or cancel orders.",
            stopped(Restricted),
        ),
        (
            400,
            -2010,
            "This symbol is not permitted for this account.",
            stopped(Restricted),
        ),
        (
            400,
            -2010,
            "This symbol is restricted for this account.",
            stopped(Restricted),
        ),
        (
            400,
            -2010,
            "Rest API trading is not enabled.",
            stopped(Restricted),
        ),
        (400, -2010, "Price * QTY is zero or less.", refused(Filter)),
        (
            400,
            -2010,
            "Some text of a later version.",
            refused(BadRequest),
        ),
        (401, -2014, "API-key format invalid.", stopped(Key)),
        (
            401,
            -2015,
            "Invalid API-key, IP, or permissions for action.",
            stopped(Permission),
        ),
        (
            400,
            -2022,
            "Order cancel-replace failed.",
            refused(BadRequest),
        ),
        (
            400,
            -2038,
            "The requested quantity of the amendment is invalid.",
            refused(BadRequest),
        ),
        (
            400,
            -1999,
            "A code of a later version about the request.",
            refused(BadRequest),
        ),
    ] {
        let body = format!("{{\"code\":{code},\"msg\":\"{message}\",\"new\":[1]}}");
        let outcome = verdict(status, None, &body).into_place_outcome();
        let PlaceOutcome::Refused(refusal) = outcome else {
            panic!("{status} {code} {message}: {outcome:?}");
        };
        assert_eq!(Some((refusal.why, refusal.stop)), expected, "{body}");
        let named = format!("HTTP {status}, code {code}: ");
        assert!(refusal.detail.starts_with(&named), "{}", refusal.detail);
    }
}

#[test]
fn replies_that_settle_a_placement_without_an_order_in_them() {
    for code in [-2010, -1010, -1013] {
        let body = format!("{{\"code\":{code},\"msg\":\"Duplicate order sent.\"}}");
        let outcome = verdict(400, None, &body).into_place_outcome();
        assert_eq!(outcome, PlaceOutcome::AlreadyThere, "{code}");
    }
    for message in [
        "Timestamp for this request is outside of the recvWindow.",
        "Timestamp for this request was 1000ms ahead of the server's time.",
    ] {
        let body = format!("{{\"code\":-1021,\"msg\":\"{message}\"}}");
        let outcome = verdict(400, None, &body).into_place_outcome();
        assert_eq!(outcome, PlaceOutcome::WindowExpired);
    }
}

#[test]
fn replies_that_leave_a_placement_unknown() {
    use UnknownCause::{Server, Unreadable};
    for (status, body, cause) in [
        (500, "", Server),
        (
            500,
            r#"{"code":-1000,"msg":"An unknown error occurred while processing the request."}"#,
            Server,
        ),
        // A refusal inside a 5xx proves nothing: the status decides first.
        (
            503,
            r#"{"code":-2010,"msg":"Account has insufficient balance for requested action."}"#,
            Server,
        ),
        (
            503,
            r#"{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}"#,
            Server,
        ),
        (502, "<html>Bad Gateway</html>", Server),
        (
            504,
            r#"{"code":-1007,"msg":"Timeout waiting for response from backend server. Send status unknown; execution status unknown."}"#,
            Server,
        ),
        (
            400,
            r#"{"code":-1000,"msg":"An unknown error occurred while processing the request."}"#,
            Server,
        ),
        (
            400,
            r#"{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}"#,
            Server,
        ),
        (
            400,
            r#"{"code":-1006,"msg":"An unexpected response was received from the message bus. Execution status unknown."}"#,
            Server,
        ),
        (
            408,
            r#"{"code":-1007,"msg":"Timeout waiting for response from backend server."}"#,
            Server,
        ),
        (
            400,
            r#"{"code":-1050,"msg":"A server trouble of a later version."}"#,
            Server,
        ),
        // Only a proxy answers like this, and it may have passed the order on.
        (400, "<html>Bad Request</html>", Unreadable),
        (404, "", Unreadable),
        (407, "Proxy Authentication Required", Unreadable),
        (400, r#"{"message":"no code"}"#, Unreadable),
        (400, r#"{"code":0,"msg":"zero is no refusal"}"#, Unreadable),
        (
            400,
            r#"{"code":200,"msg":"neither is a positive code"}"#,
            Unreadable,
        ),
        (400, r#"{"code":-2010,"msg":"cut off"#, Unreadable),
        // A success that does not show the order, and redirects, which are never followed.
        (200, "", Unreadable),
        (200, "{}", Unreadable),
        (
            200,
            r#"{"code":-2010,"msg":"Duplicate order sent."}"#,
            Unreadable,
        ),
        (204, "", Unreadable),
        (301, "", Unreadable),
        (307, "", Unreadable),
        (0, "", Unreadable),
        (999, "", Unreadable),
        // Answers to questions a placement does not ask.
        (
            409,
            r#"{"code":-2021,"msg":"Order cancel-replace partially failed."}"#,
            Unreadable,
        ),
        (
            400,
            r#"{"code":-2021,"msg":"Order cancel-replace partially failed."}"#,
            Unreadable,
        ),
        (
            400,
            r#"{"code":-2011,"msg":"Unknown order sent."}"#,
            Unreadable,
        ),
        (
            400,
            r#"{"code":-2013,"msg":"Order does not exist."}"#,
            Unreadable,
        ),
        (
            400,
            r#"{"code":-2026,"msg":"Order was canceled or expired with no executed qty over 90 days ago and has been archived."}"#,
            Unreadable,
        ),
        (
            400,
            r#"{"code":-2035,"msg":"Subscription active."}"#,
            Unreadable,
        ),
        (
            400,
            r#"{"code":-2036,"msg":"Subscription inactive."}"#,
            Unreadable,
        ),
        (
            400,
            r#"{"code":-2039,"msg":"Client order ID is not correct for this order ID."}"#,
            Unreadable,
        ),
        (
            400,
            r#"{"code":-2042,"msg":"Subscription IDs exhausted."}"#,
            Unreadable,
        ),
        (
            400,
            r#"{"code":-2043,"msg":"No reference price."}"#,
            Unreadable,
        ),
    ] {
        let outcome = verdict(status, None, body).into_place_outcome();
        assert_eq!(outcome, PlaceOutcome::Unknown(cause), "{status} {body}");
    }
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
