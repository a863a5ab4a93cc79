//! The connection against a server that does what it is told, and what none should.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::advance;
use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::*;
use crate::stream::report::tests::fixture;

type Server = WebSocketStream<TcpStream>;

const PATIENCE: Duration = Duration::from_secs(5);

fn config(url: String) -> ConnectionConfig {
    ConnectionConfig {
        url,
        timeout: Duration::from_secs(2),
        silence: Duration::from_secs(2),
    }
}

fn now() -> LocalTime {
    LocalTime::from_millis(1_790_000_000_000)
}

fn account() -> AccountId {
    "main".parse().unwrap()
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws-api/v3", listener.local_addr().unwrap());
    (listener, url)
}

/// An open connection and the server's end of it, with the first question for the time answered.
async fn open(silence: Duration) -> (Connection, Server) {
    let (listener, url) = listen().await;
    let config = ConnectionConfig {
        silence,
        ..config(url)
    };
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut server = tokio_tungstenite::accept_async(stream).await.unwrap();
        let time = request(&mut server).await;
        assert_eq!(time["method"], "time");
        let reply = serde_json::json!({
            "id": time["id"], "status": 200, "result": {"serverTime": now().as_millis()}
        });
        send(&mut server, &reply.to_string()).await;
        server
    };
    let (connection, server) = tokio::join!(Connection::open(config, now), serve);
    (connection.unwrap(), server)
}

/// A connection with one confirmed subscription, number 3.
async fn subscribed() -> (Connection, Server) {
    let (mut connection, mut server) = open(PATIENCE).await;
    let credentials = Credentials::hmac("key", "secret").unwrap();
    connection
        .subscribe(&account(), &credentials)
        .await
        .unwrap();
    let asked = request(&mut server).await;
    let reply = serde_json::json!({
        "id": asked["id"], "status": 200, "result": {"subscriptionId": 3}
    });
    send(&mut server, &reply.to_string()).await;
    let event = connection.next().await.unwrap();
    assert_eq!(event, StreamEvent::Subscribed { account: account() });
    (connection, server)
}

async fn request(server: &mut Server) -> Value {
    let message = timeout(PATIENCE, server.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

async fn send(server: &mut Server, text: &str) {
    server.send(Message::text(text)).await.unwrap();
}

fn is_report(event: &StreamEvent) -> bool {
    matches!(event, StreamEvent::Report { account: told, .. } if *told == account())
}

fn error_of(event: &StreamEvent) -> &str {
    let StreamEvent::Unreadable { error, .. } = event else {
        panic!("{event:?}")
    };
    error
}

/// A ping of the server's, answered with its own payload while nothing else happens.
async fn ping(connection: &mut Connection, server: &mut Server) {
    let answered = async {
        let ping = Message::Ping(Bytes::from_static(b"1790000"));
        server.send(ping).await.unwrap();
        timeout(PATIENCE, server.next()).await
    };
    tokio::select! {
        event = connection.next() => panic!("{event:?}"),
        pong = answered => {
            let pong = pong.unwrap().unwrap().unwrap();
            assert_eq!(pong, Message::Pong(Bytes::from_static(b"1790000")));
        }
    }
}

#[tokio::test]
async fn a_ping_is_answered_with_its_own_payload_while_nothing_else_happens() {
    let (mut connection, mut server) = open(PATIENCE).await;
    ping(&mut connection, &mut server).await;
}

#[tokio::test]
async fn frames_that_cannot_be_read_are_told_and_the_rest_goes_on() {
    let (mut connection, mut server) = subscribed().await;
    let oversized = format!("{{\"pad\":\"{}\"}}", "x".repeat(MAX_FRAME_BYTES));
    send(&mut server, &oversized).await;
    server
        .send(Message::Binary(Bytes::from_static(b"{\"id\":\"\xff\"}")))
        .await
        .unwrap();
    send(&mut server, "{\"id\":").await;
    send(&mut server, "[1,2,3]").await;
    send(&mut server, &fixture(r#""z":5"#)).await;
    send(
        &mut server,
        r#"{"subscriptionId":3,"event":{"e":"somethingNew"}}"#,
    )
    .await;
    send(&mut server, &fixture("")).await;
    for part in [
        "more than the 131072 allowed",
        "not UTF-8",
        "not JSON",
        "no object",
        "\"z\"",
    ] {
        let event = connection.next().await.unwrap();
        assert!(error_of(&event).contains(part), "{part}: {event:?}");
    }
    let event = connection.next().await.unwrap();
    assert!(matches!(event, StreamEvent::Other { .. }), "{event:?}");
    assert!(is_report(&connection.next().await.unwrap()));
}

#[tokio::test]
async fn a_frame_beyond_all_bounds_ends_the_connection() {
    let (mut connection, mut server) = subscribed().await;
    let huge = Message::text("x".repeat(MAX_SOCKET_BYTES + 1));
    let error = tokio::select! {
        ended = connection.next() => ended.unwrap_err().to_string(),
        sent = server.send(huge) => panic!("it was taken: {sent:?}"),
    };
    assert!(error.contains("too long"), "{error}");
}

#[tokio::test]
async fn a_text_frame_that_is_not_utf8_ends_the_connection() {
    let (mut connection, mut server) = subscribed().await;
    let bad = RawFrame::message(&b"{\"id\":\"\xff\"}"[..], OpCode::Data(Data::Text), true);
    server.send(Message::Frame(bad)).await.unwrap();
    let error = connection.next().await.unwrap_err().to_string();
    assert!(error.contains("UTF-8"), "{error}");
}

/// While pings are waited for, time stands still but for what the test adds: something that is
/// always ready keeps the paused clock from moving on by itself.
#[tokio::test]
async fn silence_ends_the_connection_and_pings_keep_it() {
    let silence = Duration::from_secs(60);
    let (mut connection, mut server) = open(silence).await;
    tokio::time::pause();
    let busy = async {
        loop {
            tokio::task::yield_now().await;
        }
    };
    let pings = async {
        for _ in 0..5 {
            ping(&mut connection, &mut server).await;
            advance(silence - Duration::from_millis(1)).await;
        }
        ping(&mut connection, &mut server).await;
    };
    tokio::select! {
        () = busy => unreachable!(),
        () = pings => {}
    }
    let last = Instant::now();
    assert_eq!(connection.next().await, Err(StreamError::Silent(silence)));
    assert!(last.elapsed() >= silence, "{:?}", last.elapsed());
}

#[tokio::test]
async fn a_close_and_a_drop_are_told_apart_from_an_event() {
    let (mut connection, mut server) = subscribed().await;
    send(&mut server, &fixture("")).await;
    server.close(None).await.unwrap();
    assert!(is_report(&connection.next().await.unwrap()));
    let error = connection.next().await.unwrap_err();
    assert!(matches!(error, StreamError::Closed(_)), "{error:?}");

    let (mut connection, server) = subscribed().await;
    drop(server);
    let error = connection.next().await.unwrap_err();
    assert!(
        matches!(error, StreamError::Closed(_) | StreamError::Broken(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_timestamp_that_is_refused_makes_the_time_be_asked_for() {
    let (mut connection, mut server) = open(PATIENCE).await;
    let credentials = Credentials::hmac("key", "secret").unwrap();
    connection
        .subscribe(&account(), &credentials)
        .await
        .unwrap();
    let asked = request(&mut server).await;
    let reply = serde_json::json!({
        "id": asked["id"], "status": 400, "error": {"code": -1021, "msg": "Timestamp"}
    });
    send(&mut server, &reply.to_string()).await;
    let event = connection.next().await.unwrap();
    assert!(matches!(event, StreamEvent::Refused { .. }), "{event:?}");
    send(&mut server, r#"{"hello":1}"#).await;
    connection.next().await.unwrap();
    assert_eq!(request(&mut server).await["method"], "time");
}

#[tokio::test]
async fn an_event_is_not_lost_when_waiting_for_it_is_given_up() {
    let (mut connection, mut server) = subscribed().await;
    for _ in 0..20 {
        let waited = timeout(Duration::from_millis(1), connection.next()).await;
        assert!(waited.is_err(), "{waited:?}");
    }
    send(&mut server, &fixture("")).await;
    assert!(is_report(&connection.next().await.unwrap()));
}

/// What opening says when the server answers the handshake with this.
async fn handshake(answer: &'static str) -> StreamError {
    let (listener, url) = listen().await;
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0_u8; 2_048];
        let read = stream.read(&mut request).await.unwrap();
        assert!(read > 0);
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    };
    let (opened, ()) = tokio::join!(Connection::open(config(url), now), serve);
    opened.unwrap_err()
}

#[tokio::test]
async fn a_refused_handshake_keeps_status_wait_and_words() {
    let error = handshake(
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 17\r\nContent-Length: 8\r\n\r\ntoo much",
    )
    .await;
    let StreamError::Refused {
        status,
        retry_after,
        ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(
        (*status, *retry_after),
        (429, Some(Duration::from_secs(17)))
    );
    let error = handshake("HTTP/1.1 451 Restricted\r\nContent-Length: 2\r\n\r\n{}").await;
    assert!(
        matches!(error, StreamError::Refused { status: 451, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let error =
        handshake("HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
            .await;
    assert!(
        matches!(error, StreamError::Refused { status: 302, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn nobody_there_and_nobody_answering_are_named() {
    let (listener, url) = listen().await;
    let mut short = config(url.clone());
    short.timeout = Duration::from_millis(200);
    let error = Connection::open(short, now).await.unwrap_err();
    assert!(matches!(error, StreamError::Timeout { .. }), "{error:?}");
    drop(listener);
    let error = Connection::open(config(url.clone()), now)
        .await
        .unwrap_err();
    assert!(matches!(error, StreamError::Connect { .. }), "{error:?}");
    assert!(error.to_string().contains(&url), "{error}");
    let error = Connection::open(config("not an address".to_owned()), now)
        .await
        .unwrap_err();
    assert!(matches!(error, StreamError::Connect { .. }), "{error:?}");
}

/// Also shows that a TLS provider is built in: without one this would panic.
#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_an_error() {
    let (listener, url) = listen().await;
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0_u8; 512];
        let read = stream.read(&mut hello).await.unwrap();
        assert!(read > 0);
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        stream.shutdown().await.unwrap();
    };
    let url = url.replace("ws://", "wss://");
    let (opened, ()) = tokio::join!(Connection::open(config(url), now), serve);
    let error = opened.unwrap_err();
    assert!(matches!(error, StreamError::Connect { .. }), "{error:?}");
}
