//! A simulated exchange in its own process, a data folder, and the commands an operator types.
//!
//! Start at [`Stage::set`].

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::binary::gridkeeper;
use super::process::Running;

pub(crate) const SYMBOL: &str = "BTCUSDT";

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at something that tells nobody when it changes.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The control calls of the simulated exchange.
#[derive(Clone)]
pub(crate) struct Exchange {
    base: String,
    client: reqwest::Client,
}

impl Exchange {
    /// Carries out a command; the answer.
    pub(crate) async fn post(&self, what: &str, body: &Value) -> Value {
        let url = format!("{}/sim/{what}", self.base);
        let request = self.client.post(url).body(body.to_string());
        let reply = request.send().await.unwrap();
        let status = reply.status();
        let text = reply.text().await.unwrap();
        assert!(status.is_success(), "{what} {body}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn stats(&self) -> Value {
        let url = format!("{}/sim/stats", self.base);
        let reply = self.client.get(url).send().await.unwrap();
        serde_json::from_str(&reply.text().await.unwrap()).unwrap()
    }

    /// Waits until the exchange's own figures are as wanted.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let stats = self.stats().await;
            if wanted(&stats) {
                return stats;
            }
            assert!(Instant::now() < deadline, "no {what}: {stats}");
            sleep(LOOK_AGAIN).await;
        }
    }
}

/// Trades counted once per order.
pub(crate) fn trades(stats: &Value) -> u64 {
    stats["counts"]["trades"].as_u64().unwrap()
}

/// Everything one test needs.
pub(crate) struct Stage {
    pub(crate) exchange: Exchange,
    simulator: Running,
    secret: String,
    key: String,
    dir: tempfile::TempDir,
    ups: std::cell::Cell<u32>,
}

impl Stage {
    /// Starts the exchange and adds its account to a new data folder under the name `main`.
    pub(crate) async fn set() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new(gridkeeper());
        command
            .env_clear()
            .args(["simulate-exchange", "--listen", "127.0.0.1:0", "--tape"])
            .arg(opening_tape(dir.path()));
        let mut simulator = Running::start(command, &dir.path().join("exchange.log"));
        let last_word = |line: &str| {
            line.split(['=', ' '])
                .next_back()
                .unwrap()
                .trim()
                .to_owned()
        };
        let key = last_word(&simulator.line_with("has the key"));
        let base = last_word(&simulator.line_with("GRIDKEEPER_BINANCE_REST="));
        let secret = last_word(&simulator.line_with("GRIDKEEPER_TRADE_SECRET="));
        simulator.line_with("prices start");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let stage = Self {
            exchange: Exchange { base, client },
            simulator,
            secret,
            key,
            dir,
            ups: std::cell::Cell::new(0),
        };
        stage.yes(&["account", "add", "main", "--key", &stage.key]);
        // The market moves faster than any real one; limits per ten seconds would only slow it down.
        let lifted = json!({ "do": "limits", "limits": { "lifted": true } });
        stage.exchange.post("control", &lifted).await;
        stage.exchange.post("start", &json!({})).await;
        stage
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(gridkeeper());
        let web_socket = self.exchange.base.replacen("http", "ws", 1) + "/ws-api/v3";
        command
            .env_clear()
            .env("GRIDKEEPER_BINANCE_REST", &self.exchange.base)
            .env("GRIDKEEPER_BINANCE_WS", web_socket)
            .env("GRIDKEEPER_TRADE_SECRET", &self.secret)
            .env("GRIDKEEPER_LOG", "info")
            .args(arguments)
            .arg("--data")
            .arg(self.dir.path().join("data"));
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::block_in_place(|| command.stdin(Stdio::null()).output().unwrap())
    }

    /// Runs a command that has to succeed; what it wrote.
    #[track_caller]
    pub(crate) fn yes(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{text}\n{errors}",
            output.status
        );
        text
    }

    /// The same for a command that answers with JSON.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.yes(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Runs a command again and again until its JSON is as wanted.
    pub(crate) async fn until(&self, arguments: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = self.json(arguments);
            if wanted(&shown) {
                return shown;
            }
            assert!(Instant::now() < deadline, "{arguments:?} stays\n{shown:#}");
            sleep(LOOK_AGAIN * 10).await;
        }
    }

    /// Starts `up` and waits until it says that it is.
    pub(crate) fn up(&self) -> Running {
        let nth = self.ups.get() + 1;
        self.ups.set(nth);
        let log = self.dir.path().join(format!("up-{nth}.log"));
        let mut up = Running::start(self.command(&["up"]), &log);
        tokio::task::block_in_place(|| up.line_with("up:"));
        up
    }

    /// Whether the exchange is still there.
    pub(crate) fn exchange_log(&self) -> String {
        self.simulator.log()
    }
}

impl Drop for Stage {
    /// Keeps what a failed run left behind: its logs and its data folder say what happened.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.dir.disable_cleanup(true);
            eprintln!("kept: {}", self.dir.path().display());
        }
    }
}

/// Two prints a long time apart: the first price, and a market that is open for the whole test.
fn opening_tape(dir: &Path) -> PathBuf {
    const HOUR_MS: u64 = 3_600_000;
    let path = dir.join(format!("{SYMBOL}-aggTrades-chaos.csv"));
    let start_ms = 1_760_000_000_000_u64;
    let mut file = std::fs::File::create(&path).unwrap();
    for (id, at_ms) in [(1, start_ms), (2, start_ms + HOUR_MS)] {
        writeln!(file, "{id},60000.01,0.00001,{id},{id},{at_ms},False,True").unwrap();
    }
    path
}
