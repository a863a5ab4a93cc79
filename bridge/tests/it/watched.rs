//! The process `gridkeeper-bridge` as those see it who watch it: over HTTP, and as a service of systemd.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixDatagram};
use tokio::time::sleep;

use crate::aws::{Region, sealed};
use crate::exchange::{Exchange, soon};
use crate::outside::SECRET;
use crate::process::{Process, TABLE, add, bridge, execution, off_thread};

/// A port that nobody listens on.
async fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

fn watched(region: &Region, exchange: &str, address: SocketAddr) -> Command {
    let mut command = bridge(region, exchange);
    command.env("GRIDKEEPER_METRICS", address.to_string());
    command
}

/// One answer over the wire: its status, its head in lower case, its body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

async fn ask(address: SocketAddr, method: &str, path: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Ok(Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: body.to_owned(),
    })
}

/// Asks until the answer is as wanted; before it listens there is none.
async fn until(
    what: &str,
    address: SocketAddr,
    path: &str,
    wanted: impl Fn(&Answer) -> bool,
) -> Answer {
    let asking = async {
        loop {
            match ask(address, "GET", path).await {
                Ok(answer) if wanted(&answer) => return answer,
                // Another process changes, which tells nobody.
                Ok(_) | Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
    };
    soon(what, asking).await
}

fn reasons(answer: &Answer) -> String {
    let health: Value = serde_json::from_str(&answer.body).unwrap();
    health["reasons"].to_string()
}

/// The value of one series, as it is written.
fn written<'a>(metrics: &'a str, series: &str) -> &'a str {
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is missing in\n{metrics}"))
}

fn value(metrics: &str, series: &str) -> f64 {
    written(metrics, series).parse().unwrap()
}

/// Asserts what is counted of one account with a stream that has brought one fill.
fn one_fill_is_counted(metrics: &str) {
    for (series, number) in [
        ("gridkeeper_bridge_streams{state=\"up\"}", "1"),
        ("gridkeeper_bridge_streams{state=\"down\"}", "0"),
        ("gridkeeper_bridge_accounts", "1"),
        ("gridkeeper_bridge_connections", "1"),
        ("gridkeeper_bridge_events_forwarded_total", "1"),
        ("gridkeeper_bridge_overflow_total", "0"),
        ("gridkeeper_bridge_reconnects_total{reason=\"lost\"}", "0"),
        (
            "gridkeeper_bridge_event_to_queue_seconds_bucket{le=\"+Inf\"}",
            "1",
        ),
    ] {
        assert_eq!(written(metrics, series), number, "{series}");
    }
    assert!(value(metrics, "gridkeeper_bridge_event_to_queue_seconds_sum") > 0.0);
    assert!(value(metrics, "gridkeeper_bridge_heartbeat_age_seconds") < 30.0);
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
}

#[tokio::test]
async fn health_follows_the_streams_and_metrics_count_what_comes() {
    let region = Region::start(TABLE).await;
    add(&region, "alice", sealed("alice", "alice", "stream", SECRET)).await;
    let exchange = Exchange::start().await;
    let address = free_port().await;
    let process = Process::start(watched(&region, &exchange.url, address));
    let mut peer = exchange.accept().await;
    let down = until("a health without streams", address, "/health", |answer| {
        answer.status == 503 && answer.body.contains("alice")
    })
    .await;
    assert!(
        reasons(&down).contains("not subscribed yet"),
        "{}",
        down.body
    );

    peer.confirm(&["alice"]).await;
    let well = until("a good health", address, "/health", |answer| {
        answer.status == 200
    })
    .await;
    let health: Value = serde_json::from_str(&well.body).unwrap();
    assert_eq!(health["status"], "ok");
    assert_eq!(health["bridge"], "bridge-a");
    assert_eq!(health["figures"]["streams_up"], 1);
    assert!(
        well.head.contains("content-type: application/json"),
        "{}",
        well.head
    );

    peer.fill(0, 77).await;
    execution(&region).await;
    let counted = until("the fill's count", address, "/metrics", |answer| {
        answer
            .body
            .contains("gridkeeper_bridge_event_to_queue_seconds_count 1\n")
    })
    .await;
    assert!(
        counted.head.contains("application/openmetrics-text"),
        "{}",
        counted.head
    );
    one_fill_is_counted(&counted.body);

    drop(peer);
    let lost = until("a lost stream", address, "/health", |answer| {
        answer.status == 503
    })
    .await;
    assert!(
        reasons(&lost).contains("streams are down: alice"),
        "{}",
        lost.body
    );
    until("its count", address, "/metrics", |answer| {
        value(
            &answer.body,
            "gridkeeper_bridge_reconnects_total{reason=\"lost\"}",
        ) > 0.0
    })
    .await;
    drop(process);
}

#[tokio::test]
async fn a_queue_that_takes_nothing_is_told_and_so_is_its_return() {
    let region = Region::start(TABLE).await;
    let exchange = Exchange::start().await;
    let address = free_port().await;
    let process = Process::start(watched(&region, &exchange.url, address));
    until("a bridge without accounts", address, "/health", |answer| {
        answer.status == 200
    })
    .await;

    region.refuse_messages(true);
    add(&region, "alice", sealed("alice", "alice", "stream", SECRET)).await;
    let peer = exchange.accept_with(&["alice"]).await;
    let refused = until("a refusing queue", address, "/health", |answer| {
        answer.status == 503 && answer.body.contains("queue")
    })
    .await;
    assert!(
        reasons(&refused).contains("no such queue"),
        "{}",
        refused.body
    );
    let metrics = ask(address, "GET", "/metrics").await.unwrap().body;
    assert!(
        value(&metrics, "gridkeeper_bridge_send_failures_total") > 0.0,
        "{metrics}"
    );

    region.refuse_messages(false);
    until("a queue that is back", address, "/health", |answer| {
        answer.status == 200
    })
    .await;
    drop((process, peer));
}

#[tokio::test]
async fn it_answers_from_the_first_moment_on_whatever_else_hangs() {
    let region = Region::start(TABLE).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free_port().await;
    let mut command = watched(&region, "ws://127.0.0.1:9/ws-api/v3", address);
    let table = format!("http://{}", silent.local_addr().unwrap());
    command.env("AWS_ENDPOINT_URL_DYNAMODB", table);
    let process = Process::start(command);
    // Somebody who connects and says nothing holds nobody up.
    let connecting = async {
        loop {
            match TcpStream::connect(address).await {
                Ok(stream) => return stream,
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let mute = soon("the port", connecting).await;
    let starting = ask(address, "GET", "/health").await.unwrap();
    assert_eq!(starting.status, 503);
    assert!(
        reasons(&starting).contains("it starts"),
        "{}",
        starting.body
    );
    let metrics = ask(address, "GET", "/metrics").await.unwrap();
    assert_eq!(metrics.status, 200);
    assert!(
        metrics.body.contains("gridkeeper_bridge_build_info"),
        "{}",
        metrics.body
    );

    let other = ask(address, "GET", "/").await.unwrap();
    assert_eq!((other.status, other.body.contains("/health")), (404, true));
    let posted = ask(address, "POST", "/health").await.unwrap();
    assert_eq!(
        (posted.status, posted.head.contains("allow: get, head")),
        (405, true)
    );
    drop((process, mute, silent));
}

#[tokio::test]
async fn an_address_that_cannot_be_listened_on_is_named() {
    let region = Region::start(TABLE).await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (address, code, words) in [
        (
            address.as_str(),
            1,
            ["cannot be listened on", "name a free port"],
        ),
        ("localhost", 2, ["--metrics", "127.0.0.1:9464"]),
        ("", 2, ["--metrics", "127.0.0.1:9464"]),
    ] {
        let mut command = bridge(&region, "ws://127.0.0.1:9/ws-api/v3");
        command.env("GRIDKEEPER_METRICS", address);
        let ended = off_thread(move || command.output()).await;
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{told}");
        for word in words {
            assert!(told.contains(word), "{word} is missing in {told}");
        }
    }
}

/// The next thing that the service manager is told.
async fn told(manager: &UnixDatagram) -> String {
    let mut bytes = [0; 256];
    let length = soon("a word to systemd", manager.recv(&mut bytes))
        .await
        .unwrap();
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

fn service(command: &mut Command, manager: &Path) {
    command
        .env("NOTIFY_SOCKET", manager)
        .env("WATCHDOG_USEC", "800000");
}

#[tokio::test]
async fn systemd_hears_that_it_is_up_alive_and_stopping() {
    let region = Region::start(TABLE).await;
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    // An exchange that cannot be reached makes the bridge no less alive.
    let mut command = bridge(&region, "ws://127.0.0.1:9/ws-api/v3");
    service(&mut command, &socket);
    let process = Process::start(command);
    assert_eq!(told(&manager).await.trim(), "READY=1");
    for _ in 0..3 {
        assert_eq!(told(&manager).await.trim(), "WATCHDOG=1");
    }
    process.terminate();
    let stopping = async { while told(&manager).await.trim() != "STOPPING=1" {} };
    soon("the word that it stops", stopping).await;
    assert!(process.ended().await.status.success());
}
