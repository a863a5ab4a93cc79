//! What a drive needs beside the local AWS: a simulated exchange, a bridge, and the commands an operator types.
//!
//! Start at [`Scene::set`].

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use chaos::exchange::Exchange;
use chaos::market::{SYMBOL, write_tape};
use chaos::process::Running;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::deploy::STACK;
use crate::{Places, Region};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often a command is typed again that cannot be done now.
const TRIES: u32 = 20;

/// The simulated exchange, and who works with it.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) exchange: Exchange,
    /// How many trades the market makes before it stands still.
    pub(crate) prints: u64,
    pub(crate) base: String,
    places: Places,
    region: Region,
    simulator: Running,
    key: String,
    secret: String,
    folder: tempfile::TempDir,
}

impl Scene {
    /// Starts the exchange. Prices do not move yet.
    pub(crate) async fn set(
        places: &Places,
        region: &Region,
        (length, faults, seed): (Duration, &str, u64),
        random: &mut ChaCha8Rng,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("gridkeeper-aws-")
            .tempdir()?;
        let tape = folder
            .path()
            .join(format!("{SYMBOL}-aggTrades-local-aws.csv"));
        let prints = write_tape(&tape, random, length)?;
        let mut command = Command::new(places.binary("gridkeeper")?);
        command
            .env_clear()
            .args(["simulate-exchange", "--listen", "127.0.0.1:0"])
            .args(["--faults", faults, "--seed", &seed.to_string(), "--tape"])
            .arg(tape);
        let mut simulator = Running::start(command, &folder.path().join("exchange.log")).await?;
        let mut last_word = async |words: &str| {
            let line = simulator.line_with(words).await?;
            let word = line.split(['=', ' ']).next_back().unwrap_or_default();
            anyhow::Ok(word.to_owned())
        };
        let key = last_word("has the key").await?;
        let base = last_word("GRIDKEEPER_BINANCE_REST=").await?;
        let secret = last_word("GRIDKEEPER_TRADE_SECRET=").await?;
        simulator.line_with("prices start").await?;
        let exchange = Exchange::at(base.clone())?;
        exchange.lift_limits().await?;
        Ok(Self {
            exchange,
            prints,
            base,
            places: places.clone(),
            region: region.clone(),
            simulator,
            key,
            secret,
            folder,
        })
    }

    /// Adds the exchange's own account.
    pub(crate) async fn add_account(&self, name: &str) -> anyhow::Result<()> {
        self.yes(&["account", "add", name, "--key", &self.key])
            .await
            .map(drop)
    }

    fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(self.region.environment())
            .env("GRIDKEEPER_BINANCE_REST", &self.base)
            .env(
                "GRIDKEEPER_BINANCE_WS",
                format!("{}/ws-api/v3", self.base.replacen("http", "ws", 1)),
            )
            .env("GRIDKEEPER_LOG", "info");
        command
    }

    /// Starts a bridge.
    pub(crate) async fn bridge(&self, nth: u64) -> anyhow::Result<Running> {
        let mut command = self.command(self.places.binary("gridkeeper-bridge")?);
        let queue = |name: &str| format!("{}/000000000000/{STACK}-{name}", self.region.url());
        command
            .env("GRIDKEEPER_TABLE", STACK)
            .env("GRIDKEEPER_QUEUE_URL", queue("fills"))
            .env("GRIDKEEPER_RECONCILE_QUEUE_URL", queue("reconcile"));
        let log = self.folder.path().join(format!("bridge-{nth:04}.log"));
        Running::start(command, &log).await
    }

    /// Runs a command of the operator; what it wrote, and its exit code.
    pub(crate) async fn run(
        &self,
        arguments: &[&str],
    ) -> anyhow::Result<(Option<i32>, String, String)> {
        let mut command = self.command(self.places.binary("gridkeeper")?);
        command
            .env("GRIDKEEPER_TRADE_SECRET", &self.secret)
            .args(["--aws", "--stack", STACK])
            .args(arguments)
            .process_group(0)
            .kill_on_drop(true)
            .stdin(std::process::Stdio::null());
        let output = timeout(PATIENCE, command.output()).await;
        let output = output.with_context(|| format!("{arguments:?} does not end"))??;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let errors = text(&output.stderr);
        ensure!(
            output.status.code().is_some() && !errors.contains("panicked at"),
            "{arguments:?}: {}\n{errors}",
            output.status
        );
        Ok((output.status.code(), text(&output.stdout), errors))
    }

    /// Runs a command that has to succeed; what it wrote. Where it cannot be done now (the exchange makes faults all the
    /// time) it is typed again.
    pub(crate) async fn yes(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut last = String::new();
        for _ in 0..TRIES {
            match self.run(arguments).await? {
                (Some(0), text, _) => return Ok(text),
                (Some(1), _, errors) => last = errors,
                (code, _, errors) => bail!("{arguments:?}: {code:?} {errors}"),
            }
        }
        bail!("{arguments:?}: {last}")
    }

    /// The same for a command that answers with JSON.
    pub(crate) async fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let text = self.yes(&[arguments, &["--json"]].concat()).await?;
        serde_json::from_str(&text).with_context(|| text.clone())
    }

    /// Creates a bot and lets it trade; its id.
    pub(crate) async fn bot(&self, account: &str, grid: [&str; 4]) -> anyhow::Result<String> {
        let [lower, upper, spacing, size] = grid;
        let created = self
            .json(&[
                "bot",
                "create",
                "--start",
                "--account",
                account,
                "--symbol",
                SYMBOL,
                "--lower",
                lower,
                "--upper",
                upper,
                "--spacing",
                spacing,
                "--size",
                size,
            ])
            .await?;
        let bot = created["bot"].as_str().context("a bot without an id")?;
        Ok(bot.to_owned())
    }

    /// Lets prices move.
    pub(crate) async fn start_market(&self) -> anyhow::Result<()> {
        self.exchange.post("start", &json!({})).await.map(drop)
    }

    /// Keeps the logs, and says where they are.
    pub(crate) fn keep(&mut self) -> String {
        self.folder.disable_cleanup(true);
        self.folder.path().display().to_string()
    }

    /// The exchange must have gone on, without a panic.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.simulator.kill().await.map(drop)
    }
}
