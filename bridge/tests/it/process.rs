//! The process `gridkeeper-bridge`, from its environment to its end.

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use domain::LocalTime;
use serde_json::json;
use trading::{
    AccountRecord, AccountStore as _, Breaker, Environment, Message, SealedKey, StreamState,
};

use crate::aws::{Region, sealed};
use crate::exchange::{Exchange, soon};
use crate::outside::{SECRET, id};

pub(crate) const TABLE: &str = "grids";

pub(crate) async fn add(region: &Region, name: &str, stream_key: SealedKey) {
    let record = AccountRecord {
        id: id(name),
        environment: Environment::Testnet,
        stream_key,
        breaker: Breaker::Closed,
        stream: StreamState::Never,
        stream_wanted_since: None,
        created_at: LocalTime::from_millis(0),
        version: 1,
    };
    region.store.create_account(&record).await.unwrap();
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gridkeeper-bridge"));
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn bridge(region: &Region, exchange: &str) -> Command {
    let mut command = command();
    command
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "key")
        .env("AWS_ENDPOINT_URL", &region.url)
        .env("AWS_ENDPOINT_URL_DYNAMODB", &region.dynamo_url)
        .env("GRIDKEEPER_TABLE", TABLE)
        .env("GRIDKEEPER_QUEUE_URL", "http://sqs.local/1/fills")
        .env(
            "GRIDKEEPER_RECONCILE_QUEUE_URL",
            "http://sqs.local/1/reconcile",
        )
        .env("GRIDKEEPER_BRIDGE", "bridge-a")
        .env("GRIDKEEPER_BINANCE_WS", exchange);
    command
}

/// A running bridge. Killed if the test ends before it.
pub(crate) struct Process(Option<Child>);

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    /// Asks it to stop, as a service manager does.
    pub(crate) fn terminate(&self) {
        let process = self.0.as_ref().unwrap().id().to_string();
        let told = Command::new("kill").args(["-TERM", &process]).status();
        assert!(told.unwrap().success());
    }

    pub(crate) async fn ended(mut self) -> Output {
        let child = self.0.take().unwrap();
        off_thread(move || child.wait_with_output()).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

pub(crate) async fn off_thread(
    run: impl FnOnce() -> std::io::Result<Output> + Send + 'static,
) -> Output {
    let ended = tokio::task::spawn_blocking(run);
    soon("the process to end", ended).await.unwrap().unwrap()
}

/// The next fill on the queue; the comparisons that a start calls for are skipped.
pub(crate) async fn execution(region: &Region) -> domain::Execution {
    loop {
        if let Message::Execution { execution, .. } = region.message().await {
            return *execution;
        }
    }
}

/// Waits until a stream's recorded state is as wanted.
async fn until_stream(region: &Region, name: &str, wanted: impl Fn(&StreamState) -> bool) {
    let waiting = async {
        loop {
            let record = region.store.account(&id(name)).await.unwrap().unwrap();
            if wanted(&record.stream) {
                return;
            }
            // The record is written by another process, which tells nobody.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("the stream's state", waiting).await;
}

#[tokio::test]
async fn brings_fills_from_the_stream_to_the_queue_until_it_is_asked_to_stop() {
    let region = Region::start(TABLE).await;
    for name in ["alice", "bob"] {
        add(&region, name, sealed(name, name, "stream", SECRET)).await;
    }
    let exchange = Exchange::start().await;
    let process = Process::start(bridge(&region, &exchange.url));
    let mut peer = exchange.accept().await;
    // Their keys are opened side by side, so either may come first.
    for _ in 0..2 {
        let request = peer.request().await;
        let number = i64::from(request["params"]["apiKey"] == "bob");
        peer.answer(&request, json!({"subscriptionId": number}))
            .await;
    }
    peer.fill(1, 77).await;
    let execution = execution(&region).await;
    assert_eq!(execution.account, id("bob"));
    assert_eq!(execution.trades[0].id.0, 77);
    until_stream(
        &region,
        "bob",
        |stream| matches!(stream, StreamState::Subscribed { bridge, .. } if bridge == "bridge-a"),
    )
    .await;

    process.terminate();
    peer.closed().await;
    let ended = process.ended().await;
    let log = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{log}");
    assert!(!log.contains(SECRET), "{log}");
    let record = region.store.account(&id("alice")).await.unwrap().unwrap();
    assert!(
        matches!(record.stream, StreamState::Down { .. }),
        "{record:?}"
    );
    let heartbeats = region.store.heartbeats().await.unwrap();
    assert_eq!(heartbeats.len(), 1);
    assert_eq!(heartbeats[0].bridge, "bridge-a");
}

#[tokio::test]
async fn a_key_of_another_account_or_purpose_stays_shut_and_the_others_go_on() {
    let region = Region::start(TABLE).await;
    add(&region, "alice", sealed("alice", "bob", "stream", SECRET)).await;
    add(&region, "bob", sealed("bob", "bob", "stream", SECRET)).await;
    add(&region, "carol", sealed("carol", "carol", "trade", SECRET)).await;
    let exchange = Exchange::start().await;
    let process = Process::start(bridge(&region, &exchange.url));
    let mut peer = exchange.accept_with(&["bob"]).await;
    for name in ["alice", "carol"] {
        until_stream(&region, name, |stream| {
            matches!(stream, StreamState::Down { why, .. } if why.contains("give the key again"))
        })
        .await;
    }
    peer.fill(0, 5).await;
    assert_eq!(execution(&region).await.account, id("bob"));
    drop(process);
}

#[tokio::test]
async fn says_what_is_wrong_with_its_surroundings_and_ends() {
    let region = Region::start(TABLE).await;
    let address = "ws://127.0.0.1:9/ws-api/v3";
    let bare = command();
    let mut no_region = bridge(&region, address);
    no_region.env_remove("AWS_REGION");
    let mut other_table = bridge(&region, address);
    other_table.env("GRIDKEEPER_TABLE", "elsewhere");
    let mut bad_log = bridge(&region, address);
    bad_log.env("GRIDKEEPER_LOG", "bridge=loud");
    let mut bad_address = bridge(&region, address);
    bad_address.env("GRIDKEEPER_BINANCE_WS", "http://127.0.0.1:9");
    for (mut command, code, words) in [
        (bare, 2, ["--table", "--queue-url"]),
        (no_region, 1, ["AWS_REGION", "set"]),
        (
            other_table,
            1,
            ["elsewhere", "create it, or correct its name"],
        ),
        (bad_log, 1, ["GRIDKEEPER_LOG", "bridge=loud"]),
        (bad_address, 2, ["--web-socket", "wss://"]),
    ] {
        let ended = off_thread(move || command.output()).await;
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{told}");
        for word in words {
            assert!(told.contains(word), "{word} is missing in {told}");
        }
    }
}
