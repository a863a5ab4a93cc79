//! A data folder, a simulated exchange, and the binary run against both.

use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use exchange_simulator::model::ApiKey;
use exchange_simulator::{
    AccountControl, DEMO_API_KEY, DEMO_API_SECRET, MarketControl, RunningSimulator, Simulator,
    SimulatorConfig, SimulatorError,
};
use serde_json::Value;

/// How long a port that another test was given may take to be free.
const PORT_FREE_WITHIN: Duration = Duration::from_secs(60);

/// What a command wrote, and how it ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit {}\n--- out\n{}--- err\n{}",
            self.code, self.out, self.err
        )
    }
}

impl Ran {
    /// It ended well.
    #[track_caller]
    pub(crate) fn yes(self) -> Self {
        self.ends(0)
    }

    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        assert!(!self.err.contains("panicked"), "{self}");
        self
    }

    /// Each of these words is in what it wrote, to either side.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.out.contains(word) || self.err.contains(word),
                "{word:?} in\n{self}"
            );
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

/// A simulated exchange whose prices move by hand, and a data folder.
pub(crate) struct World {
    pub(crate) simulator: RunningSimulator,
    dir: tempfile::TempDir,
}

/// How often [`World::until`] looks: for a minute at least.
const TRIES: u32 = 600;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

pub(crate) const SYMBOL: &str = "BTCUSDT";

/// A grid around the first price, 60,000.
pub(crate) const GRID: [&str; 8] = [
    "--lower",
    "58000",
    "--upper",
    "62000",
    "--spacing",
    "arithmetic:4",
    "--size",
    "base:0.001",
];

impl World {
    pub(crate) async fn begin() -> Self {
        let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        Self { simulator, dir }
    }

    /// The same with the simulated exchange's account added under the name `main`.
    pub(crate) async fn with_account() -> Self {
        let world = Self::begin().await;
        world
            .run(&["account", "add", "main", "--key", DEMO_API_KEY])
            .yes();
        world
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gridkeeper"));
        command
            .env_clear()
            .env("GRIDKEEPER_DATA", self.folder())
            .env("GRIDKEEPER_BINANCE_REST", self.simulator.rest_url())
            .env("GRIDKEEPER_BINANCE_WS", self.simulator.ws_url())
            .env("GRIDKEEPER_TRADE_SECRET", DEMO_API_SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "", |_| {})
    }

    /// Runs with something on standard input and a changed environment.
    pub(crate) fn run_with(
        &self,
        arguments: &[&str],
        input: &str,
        change: impl FnOnce(&mut Command),
    ) -> Ran {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped());
        change(&mut command);
        tokio::task::block_in_place(|| {
            let mut child = command.spawn().unwrap();
            // A command that reads nothing may have closed its side already.
            let written = child.stdin.take().unwrap().write_all(input.as_bytes());
            assert!(written.is_ok() || !input.is_empty());
            let output = child.wait_with_output().unwrap();
            Ran {
                code: output.status.code().unwrap_or(-1),
                out: String::from_utf8(output.stdout).unwrap(),
                err: String::from_utf8(output.stderr).unwrap(),
            }
        })
    }

    /// Another exchange answers at the same address, which knows none of what was there before.
    pub(crate) async fn wipe(&mut self) {
        let listen = self.simulator.address();
        self.simulator.shutdown().await;
        let config = SimulatorConfig {
            listen,
            ..SimulatorConfig::default()
        };
        // Another test's connection may have been given the port meanwhile: it is free when that one ends.
        let started = async {
            loop {
                match Simulator::start(config.clone()).await {
                    Err(SimulatorError::Listen { .. }) => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    started => return started.unwrap(),
                }
            }
        };
        let started = tokio::time::timeout(PORT_FREE_WITHIN, started).await;
        self.simulator = started.unwrap();
    }

    /// Creates a bot of [`GRID`] and returns its id.
    pub(crate) fn create(&self, more: &[&str]) -> String {
        let mut arguments = vec![
            "bot",
            "create",
            "--account",
            "main",
            "--symbol",
            SYMBOL,
            "--json",
        ];
        arguments.extend(GRID);
        arguments.extend(more);
        let created = self.run(&arguments).yes().json();
        created["bot"].as_str().unwrap().to_owned()
    }

    pub(crate) fn add_key(&self, key: ApiKey) {
        let account = "demo".to_owned();
        self.simulator
            .account(AccountControl::AddKey { account, key })
            .unwrap();
    }

    /// The market trades at a price, enough to fill everything it crosses.
    pub(crate) fn trade_at(&self, price: i64) {
        self.simulator
            .market(MarketControl::Print {
                symbol: SYMBOL.to_owned(),
                price: price.into(),
                quantity: 100.into(),
            })
            .unwrap();
    }

    /// Runs a command again and again until its JSON is as wanted.
    #[track_caller]
    pub(crate) fn until(&self, arguments: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = None;
        for _ in 0..TRIES {
            let ran = self.run(arguments);
            if ran.code == 0 && wanted(&ran.json()) {
                return ran.json();
            }
            last = Some(ran);
            std::thread::sleep(BETWEEN_TRIES);
        }
        let last = last.map(|ran| ran.to_string());
        panic!("{arguments:?} stays\n{}", last.unwrap_or_default());
    }

    /// Runs again and again until what was written is as wanted: seldom, as it may cost request weight.
    #[track_caller]
    pub(crate) fn until_it(run: impl Fn() -> Ran, wanted: impl Fn(&Ran) -> bool) -> Ran {
        for _ in 0..TRIES / 10 {
            let ran = run();
            if wanted(&ran) {
                return ran;
            }
            std::thread::sleep(BETWEEN_TRIES * 10);
        }
        panic!("it stays\n{}", run());
    }

    /// Starts `up` and waits until it says that it is.
    pub(crate) fn up(&self) -> Up {
        let mut command = self.command();
        command.arg("up").stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let mut line = String::new();
        tokio::task::block_in_place(|| {
            std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap()
        });
        assert!(line.starts_with("up:"), "{line}");
        Up(child)
    }
}

/// A running `up`. Killed when dropped.
pub(crate) struct Up(Child);

impl Up {
    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let signal = Command::new("kill")
            .args([&format!("-{name}"), &self.0.id().to_string()])
            .status();
        assert!(signal.unwrap().success());
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A port somebody listens on.
pub(crate) fn taken_port() -> (std::net::TcpListener, SocketAddr) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
