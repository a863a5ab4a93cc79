//! How much memory the process `gridkeeper-bridge` holds with a thousand accounts on as few connections as the exchange
//! allows. Ends with an error when it is more than the goal.
//!
//! Run with `cargo bench -p bridge --features aws --bench memory`. The bridge is a process of its own, built like one
//! that is deployed; the simulated exchange, the table and what stands in for queue and key service are in this one.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that fails should say where, and its result is what it prints"
)]

#[path = "../tests/it/aws.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod aws;

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use domain::{AccountId, LocalTime};
use exchange_simulator::model::{Account, ApiKey};
use exchange_simulator::{Simulator, SimulatorConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};
use trading::{AccountRecord, AccountStore as _, Breaker, Environment, StreamState};

use crate::aws::{Region, sealed};

/// How much the process may hold, KiB: a tenth of the smallest machine's 512 MiB.
const GOAL_KIB: u64 = 50 * 1024;

const ACCOUNTS: usize = 1_000;

/// How long after the last subscription is measured: some lists of accounts, heartbeats and writes later.
const SETTLING: Duration = Duration::from_secs(60);

/// How long all subscriptions may take: the bridge keeps to its share of the exchange's weight.
const PATIENCE: Duration = Duration::from_secs(300);

mod exchange {
    //! What the stand-in for AWS needs of the tests.

    /// Waits. A measurement has an end of its own.
    pub(crate) async fn soon<T>(_what: &str, future: impl Future<Output = T>) -> T {
        future.await
    }
}

/// The measured process. Killed when dropped.
struct Bridge(Child);

impl Drop for Bridge {
    fn drop(&mut self) {
        self.0.kill().expect("the bridge can be ended");
        self.0.wait().expect("the bridge has ended");
    }
}

impl Bridge {
    /// A figure of `/proc/PID/status`, KiB.
    fn status(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.0.id());
        let status = std::fs::read_to_string(path).expect("the bridge runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let figure = line.and_then(|line| line.split_whitespace().nth(1));
        figure.expect("a figure").parse().expect("a number")
    }
}

#[tokio::main]
async fn main() {
    let names: Vec<String> = (0..ACCOUNTS).map(|number| format!("a{number}")).collect();
    let simulator = Simulator::start(SimulatorConfig {
        accounts: names.iter().map(|name| at_exchange(name)).collect(),
        ..SimulatorConfig::default()
    })
    .await
    .expect("a simulated exchange");
    let region = Region::start("memory").await;
    for name in &names {
        let record = record(name);
        region.store.create_account(&record).await.unwrap();
    }
    let address = free_port().await;
    let begun = Instant::now();
    let bridge = Bridge(start(&region, &simulator.ws_url(), address));
    let metrics = loop {
        assert!(
            begun.elapsed() < PATIENCE,
            "{}",
            ask(address).await.unwrap_or_default()
        );
        let metrics = ask(address).await.unwrap_or_default();
        if metrics.contains(&format!(
            "gridkeeper_bridge_streams{{state=\"up\"}} {ACCOUNTS}\n"
        )) {
            break metrics;
        }
        sleep(Duration::from_millis(250)).await;
    };
    let took = begun.elapsed().as_secs();
    sleep(SETTLING).await;
    let connections = metrics
        .lines()
        .find_map(|line| line.strip_prefix("gridkeeper_bridge_connections "))
        .expect("the number of connections");
    let (resident, highest) = (bridge.status("VmRSS"), bridge.status("VmHWM"));
    println!(
        "{ACCOUNTS} accounts on {connections} connection(s), all subscribed after {took} s: {resident} KiB resident, at most \
         {highest} KiB (goal {GOAL_KIB} KiB)"
    );
    if highest > GOAL_KIB {
        panic!("more than the goal");
    }
}

fn at_exchange(name: &str) -> Account {
    Account {
        keys: vec![ApiKey::hmac(
            &format!("keyOf{name}"),
            &format!("secretOf{name}"),
        )],
        ..Account::named(name)
    }
}

fn record(name: &str) -> AccountRecord {
    let id: AccountId = name.parse().expect("a name of an account");
    AccountRecord {
        id,
        environment: Environment::Simulated,
        stream_key: sealed(
            &format!("keyOf{name}"),
            name,
            "stream",
            &format!("secretOf{name}"),
        ),
        breaker: Breaker::Closed,
        stream: StreamState::Never,
        stream_wanted_since: None,
        created_at: LocalTime::from_millis(0),
        version: 1,
    }
}

fn start(region: &Region, exchange: &str, metrics: SocketAddr) -> Child {
    Command::new(env!("CARGO_BIN_EXE_gridkeeper-bridge"))
        .env_clear()
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "key")
        .env("AWS_ENDPOINT_URL", &region.url)
        .env("AWS_ENDPOINT_URL_DYNAMODB", &region.dynamo_url)
        .env("GRIDKEEPER_TABLE", "memory")
        .env("GRIDKEEPER_QUEUE_URL", "http://sqs.local/1/fills")
        .env(
            "GRIDKEEPER_RECONCILE_QUEUE_URL",
            "http://sqs.local/1/reconcile",
        )
        .env("GRIDKEEPER_BINANCE_WS", exchange)
        .env("GRIDKEEPER_OWN_ADDRESS", "true")
        .env("GRIDKEEPER_ACCOUNTS_PER_CONNECTION", "1000")
        .env("GRIDKEEPER_METRICS", metrics.to_string())
        .env("GRIDKEEPER_LOG", "warn")
        .stdin(Stdio::null())
        .spawn()
        .expect("the bridge starts")
}

async fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// Its metrics, once it serves them.
async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}
