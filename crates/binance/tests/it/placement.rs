//! A POST leaves this machine once, and what is not known to be refused is unknown.

use std::time::Duration;

use binance::AddressConfig;
use domain::{ExchangeOrderId, OrderStatus, RefusalReason};
use trading::{AccountStop, Exchange as _, PlaceOutcome, UnknownCause};

use crate::server::{
    Answer, PLACED, Server, TestClock, no, ok, order, reply, server_time, timestamp,
};

/// Places one order with a server that gives this answer, and says how many arrived.
async fn place(answer: Answer) -> (PlaceOutcome, usize) {
    let server = Server::start(move |_| answer.clone()).await;
    let client = server.client(&TestClock::new());
    let outcome = client.place(&order(), timestamp()).await;
    (outcome, server.orders())
}

fn unknown(cause: UnknownCause) -> PlaceOutcome {
    PlaceOutcome::Unknown(cause)
}

#[tokio::test]
async fn an_accepted_order_is_sent_signed_in_full_and_once() {
    let server = Server::start(|_| ok(PLACED)).await;
    let client = server.client(&TestClock::new());
    let outcome = client.place(&order(), timestamp()).await;
    let PlaceOutcome::Accepted(execution) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(execution.exchange_order_id, ExchangeOrderId(28));
    assert_eq!(execution.status, OrderStatus::New);
    assert_eq!(execution.account.as_str(), "main");
    let seen = server.seen();
    let [request] = seen.as_slice() else {
        panic!("{seen:?}");
    };
    let unsigned = "symbol=XRPETH&side=BUY&type=LIMIT&timeInForce=GTC&quantity=10&price=3.1064&newClientOrderId=gk-abcd-7-12&newOrderRespType=FULL&selfTradePreventionMode=EXPIRE_TAKER&recvWindow=3000&timestamp=1790000040123";
    let (sent, signature) = request.query.split_once("&signature=").unwrap();
    assert_eq!(sent, unsigned);
    let credentials = binance::Credentials::hmac("publickey", "secret").unwrap();
    assert_eq!(signature, credentials.sign(unsigned.as_bytes()));
    let head = request.head.to_ascii_lowercase();
    assert!(head.contains("\r\nx-mbx-apikey: publickey\r\n"), "{head}");
}

#[tokio::test]
async fn a_connection_closed_after_reading_leaves_the_order_unknown() {
    let outcome = place(Answer::SendAndClose(Vec::new())).await;
    assert_eq!(outcome, (unknown(UnknownCause::Connection), 1));
    let outcome = place(Answer::SendAndReset(Vec::new())).await;
    assert_eq!(outcome, (unknown(UnknownCause::Connection), 1));
}

#[tokio::test]
async fn a_reply_cut_in_the_middle_leaves_the_order_unknown() {
    let whole = reply(200, &[], PLACED);
    for length in [1, 20, 60, whole.len() - 1] {
        let part = whole.get(..length).unwrap().to_vec();
        let outcome = place(Answer::SendAndClose(part.clone())).await;
        assert_eq!(outcome, (unknown(UnknownCause::Connection), 1), "{length}");
        let outcome = place(Answer::SendAndReset(part)).await;
        assert_eq!(outcome, (unknown(UnknownCause::Connection), 1), "{length}");
    }
}

/// A refusal cut in the middle proves nothing, unless its status alone is one.
#[tokio::test]
async fn a_refusal_cut_in_the_middle_is_one_only_by_its_status() {
    let body = r#"{"code":-2010,"msg":"Account has insufficient balance for requested action."}"#;
    let cut = |status| {
        let whole = reply(status, &[], body);
        Answer::SendAndClose(whole.get(..whole.len() - 5).unwrap().to_vec())
    };
    assert_eq!(
        place(cut(400)).await,
        (unknown(UnknownCause::Connection), 1)
    );
    assert_eq!(place(cut(503)).await, (unknown(UnknownCause::Server), 1));
    let (outcome, sent) = place(cut(451)).await;
    let PlaceOutcome::Refused(refusal) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((refusal.stop, sent), (Some(AccountStop::Region), 1));
}

#[tokio::test]
async fn silence_leaves_the_order_unknown() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{".to_vec();
    for said in [Vec::new(), head] {
        let server = Server::start(move |_| Answer::FallSilent(said.clone())).await;
        let client = server.impatient_client(&TestClock::new());
        let outcome = client.place(&order(), timestamp()).await;
        assert_eq!(outcome, unknown(UnknownCause::Timeout));
        assert_eq!(server.orders(), 1);
    }
}

#[tokio::test]
async fn a_server_error_is_unknown_and_never_repeated() {
    for (status, body) in [
        (500, ""),
        (502, "<html>Bad Gateway</html>"),
        (503, r#"{"code":-2010,"msg":"Market is closed."}"#),
        (
            504,
            r#"{"code":-1007,"msg":"Timeout waiting for response from backend server."}"#,
        ),
    ] {
        let outcome = place(no(status, body)).await;
        assert_eq!(outcome, (unknown(UnknownCause::Server), 1), "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    for status in [301, 302, 303, 307, 308] {
        let server = Server::start(move |request| match request.path.as_str() {
            "/api/v3/order" => Answer::Send(reply(status, &[("Location", "/elsewhere")], "")),
            _ => ok(PLACED),
        })
        .await;
        let client = server.client(&TestClock::new());
        let outcome = client.place(&order(), timestamp()).await;
        assert_eq!(outcome, unknown(UnknownCause::Unreadable), "{status}");
        assert_eq!(server.seen().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_success_that_does_not_show_the_order_is_unknown() {
    let another = PLACED.replace("gk-abcd-7-12", "gk-abcd-7-13");
    let bodies = [
        "",
        "{}",
        "<html>",
        "[]",
        another.as_str(),
        &PLACED.replace('"', "'"),
    ];
    for body in bodies {
        let outcome = place(ok(body)).await;
        assert_eq!(outcome, (unknown(UnknownCause::Unreadable), 1), "{body}");
    }
    let mut bytes = reply(200, &[], PLACED);
    *bytes.last_mut().unwrap() = 0xff;
    let outcome = place(Answer::Send(bytes)).await;
    assert_eq!(outcome, (unknown(UnknownCause::Unreadable), 1));
    let outcome = place(Answer::SendAndClose(b"SMTP ready\r\n\r\n".to_vec())).await;
    assert_eq!(outcome, (unknown(UnknownCause::Connection), 1));
}

#[tokio::test]
async fn a_reply_without_end_is_given_up() {
    let block = vec![b'1'; 1 << 20];
    let endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    let server = Server::start(move |_| Answer::SendForEver(endless.clone(), block.clone())).await;
    let mut config = AddressConfig::new(&server.base_url());
    config.place_timeout = Duration::from_secs(60);
    let client = server.client_with(config, &TestClock::new());
    let outcome = client.place(&order(), timestamp()).await;
    assert_eq!(outcome, unknown(UnknownCause::Unreadable));
    assert_eq!(server.orders(), 1);
}

#[tokio::test]
async fn nobody_listening_is_unknown_as_well() {
    let server = Server::start(|_| ok(PLACED)).await;
    let client = server.client(&TestClock::new());
    drop(server);
    let outcome = client.place(&order(), timestamp()).await;
    assert_eq!(outcome, unknown(UnknownCause::Connection));
}

/// The other side takes the TLS greeting for the start of a request and waits for more.
#[tokio::test]
async fn an_order_is_never_sent_in_the_clear() {
    let server = Server::start(|_| ok(PLACED)).await;
    let mut config = AddressConfig::new(&server.base_url().replace("http:", "https:"));
    config.connect_timeout = Duration::from_millis(300);
    let client = server.client_with(config, &TestClock::new());
    let outcome = client.place(&order(), timestamp()).await;
    assert_eq!(outcome, unknown(UnknownCause::Timeout));
    assert_eq!(server.seen().len(), 0);
}

/// The order goes out on a connection that worked a moment ago and dies under it.
#[tokio::test]
async fn a_reused_connection_that_dies_under_the_order_is_not_replaced() {
    let server = Server::start(|request| match request.method.as_str() {
        "POST" => Answer::SendAndClose(Vec::new()),
        _ => server_time(1),
    })
    .await;
    let client = server.client(&TestClock::new());
    client.address().warm().await.unwrap();
    let outcome = client.place(&order(), timestamp()).await;
    assert_eq!(outcome, unknown(UnknownCause::Connection));
    let connections: Vec<_> = server.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(
        connections,
        [0, 0],
        "the same connection, and the order only once"
    );
}

/// The server closed the idle connection before: whether or not the client has noticed, at most one
/// order arrives, and one that arrived is not lost.
#[tokio::test]
async fn a_connection_closed_while_idle_costs_no_second_order() {
    for _ in 0..50 {
        let server = Server::start(|request| match request.method.as_str() {
            "POST" => ok(PLACED),
            _ => Answer::SendAndClose(reply(200, &[], "{\"serverTime\":1}")),
        })
        .await;
        let client = server.client(&TestClock::new());
        client.address().warm().await.unwrap();
        server.one_closed().await;
        let outcome = client.place(&order(), timestamp()).await;
        if matches!(outcome, PlaceOutcome::Accepted(_)) {
            assert_eq!(server.orders(), 1);
        } else {
            assert_eq!(outcome, unknown(UnknownCause::Connection));
            assert_eq!(server.orders(), 0);
        }
    }
}

#[tokio::test]
async fn an_order_outside_its_window_sets_the_clock_anew_and_is_not_sent_again() {
    let clock = TestClock::new();
    let server = Server::start(|request| match request.method.as_str() {
        "POST" => no(
            400,
            r#"{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}"#,
        ),
        _ => server_time(1_790_000_099_000),
    })
    .await;
    let client = server.client(&clock);
    let outcome = client.place(&order(), timestamp()).await;
    assert_eq!(outcome, PlaceOutcome::WindowExpired);
    assert_eq!(server.orders(), 1);
    assert_eq!(server.count("GET", "/api/v3/time"), 1);
    assert_eq!(client.estimated_time().as_millis(), 1_790_000_099_000);
}

#[tokio::test]
async fn refusals_and_duplicates_are_told_apart() {
    let body = |code: i32, msg: &str| format!("{{\"code\":{code},\"msg\":\"{msg}\"}}");
    let duplicate = place(no(400, &body(-2010, "Duplicate order sent."))).await;
    assert_eq!(duplicate, (PlaceOutcome::AlreadyThere, 1));
    for (status, body, why, stop) in [
        (
            400,
            body(
                -2010,
                "Account has insufficient balance for requested action.",
            ),
            RefusalReason::InsufficientBalance,
            None,
        ),
        (
            401,
            body(-2015, "Invalid API-key, IP, or permissions for action."),
            RefusalReason::AccountStopped,
            Some(AccountStop::Permission),
        ),
        (
            451,
            body(0, "Service unavailable from a restricted location"),
            RefusalReason::AccountStopped,
            Some(AccountStop::Region),
        ),
    ] {
        let (outcome, sent) = place(no(status, &body)).await;
        let PlaceOutcome::Refused(refusal) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!((refusal.why, refusal.stop, sent), (why, stop, 1));
    }
}
