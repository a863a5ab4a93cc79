//! A simulated exchange in its own process, a network to it, a data folder, and the commands an operator types.
//!
//! Start at [`Stage::set`].

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::disk::Disk;
use crate::exchange::Exchange;
use crate::market::{SYMBOL, write_tape};
use crate::network::Network;
use crate::process::Running;

/// How long one command may take before the run gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long an audit may take: it keeps to the request weight of an address like everything else, and asks for the
/// trades of every single order.
const PATIENCE_WITH_AUDIT: Duration = Duration::from_secs(45 * 60);

/// How often a command is typed again that cannot be done now.
const TRIES: u32 = 20;

/// What becomes of the exchange.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// The `gridkeeper` to be tried.
    pub(crate) gridkeeper: PathBuf,
    /// How long prices move.
    pub(crate) length: Duration,
    /// The seed of the exchange's faults.
    pub(crate) seed: u64,
    /// Which faults it makes by itself: `none`, `some` or `harsh`.
    pub(crate) faults: &'static str,
    /// Whether this process may mount a file system of its own.
    pub(crate) own_mounts: bool,
}

/// Everything one run needs.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) exchange: Exchange,
    pub(crate) network: Network,
    pub(crate) disk: Disk,
    /// How many trades the market makes before it stands still.
    pub(crate) prints: u64,
    simulator: Running,
    gridkeeper: PathBuf,
    key: String,
    secret: String,
    dir: tempfile::TempDir,
    starts: AtomicU32,
    told_to_sell: Mutex<BTreeSet<String>>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
    pub(crate) errors: String,
}

impl Stage {
    /// Starts the exchange and the network. Prices do not move yet.
    pub(crate) async fn set(setting: &Setting, random: &mut ChaCha8Rng) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("gridkeeper-chaos-")
            .tempdir()?;
        let tape = dir.path().join(format!("{SYMBOL}-aggTrades-chaos.csv"));
        let prints = write_tape(&tape, random, setting.length)?;
        let mut command = Command::new(&setting.gridkeeper);
        command
            .env_clear()
            .args(["simulate-exchange", "--listen", "127.0.0.1:0"])
            .args(["--faults", setting.faults])
            .args(["--seed", &setting.seed.to_string(), "--tape"])
            .arg(tape);
        let mut simulator = Running::start(command, &dir.path().join("exchange.log")).await?;
        let mut last_word = async |words: &str| {
            let line = simulator.line_with(words).await?;
            let word = line.split(['=', ' ']).next_back().unwrap_or_default();
            anyhow::Ok(word.to_owned())
        };
        let key = last_word("has the key").await?;
        let base = last_word("GRIDKEEPER_BINANCE_REST=").await?;
        let secret = last_word("GRIDKEEPER_TRADE_SECRET=").await?;
        simulator.line_with("prices start").await?;
        let address = base.strip_prefix("http://").context("no http address")?;
        let network = Network::to(address.parse()?).await?;
        let exchange = Exchange::at(base)?;
        exchange.lift_limits().await?;
        let disk = Disk::prepare(&dir.path().join("data"), setting.own_mounts).await?;
        Ok(Self {
            exchange,
            network,
            disk,
            prints,
            simulator,
            gridkeeper: setting.gridkeeper.clone(),
            key,
            secret,
            dir,
            starts: AtomicU32::new(0),
            told_to_sell: Mutex::default(),
        })
    }

    /// Adds the exchange's own account under this name, or another one that is opened there first.
    pub(crate) async fn add_account(&self, name: &str, is_first: bool) -> anyhow::Result<()> {
        let key = if is_first {
            self.key.clone()
        } else {
            let key = format!("{}OfAccount{name}", self.key);
            self.exchange.open_account(name, &key, &self.secret).await?;
            key
        };
        self.yes(&["account", "add", name, "--key", &key])
            .await
            .map(drop)
    }

    fn command(&self, arguments: &[&str], size_limit: Option<u64>) -> Command {
        let mut command = self.disk.under_limit(&self.gridkeeper, size_limit);
        command
            .env_clear()
            .env("GRIDKEEPER_BINANCE_REST", self.network.rest_url())
            .env("GRIDKEEPER_BINANCE_WS", self.network.web_socket_url())
            .env("GRIDKEEPER_TRADE_SECRET", &self.secret)
            .env("GRIDKEEPER_LOG", "info")
            .args(arguments)
            .arg("--data")
            .arg(self.dir.path().join("data"));
        command
    }

    /// Runs a command to its end, however that is. A panic is an error.
    pub(crate) async fn run(&self, arguments: &[&str]) -> anyhow::Result<Ended> {
        if let ["bot", "stop", bot, "--sell"] = arguments {
            self.told_to_sell().insert((*bot).to_owned());
        }
        let mut command = self.command(arguments, None);
        command
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::null());
        let patience = if arguments.first() == Some(&"audit") {
            PATIENCE_WITH_AUDIT
        } else {
            PATIENCE
        };
        let output = timeout(patience, command.output()).await;
        let output: Output = output.with_context(|| format!("{arguments:?} does not end"))??;
        let ended = Ended {
            code: output.status.code(),
            text: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        ensure!(
            ended.code.is_some() && !ended.errors.contains("panicked at"),
            "{arguments:?}: {}\n{ended:?}",
            output.status
        );
        Ok(ended)
    }

    /// Bots that somebody wanted sold off, whatever they wanted later and whether or not it was heard.
    fn told_to_sell(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.told_to_sell
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a bot may have sold at any price.
    pub(crate) fn may_be_sold_off(&self, bot: &str) -> bool {
        self.told_to_sell().contains(bot)
    }

    /// Runs a command that has to succeed; what it wrote. Where it cannot be done now (the exchange makes faults all
    /// the time) it is typed again.
    pub(crate) async fn yes(&self, arguments: &[&str]) -> anyhow::Result<String> {
        for _ in 1..TRIES {
            match self.run(arguments).await? {
                ended if ended.code == Some(0) => return Ok(ended.text),
                ended if ended.code == Some(1) => {}
                ended => bail!("{arguments:?}: {ended:?}"),
            }
        }
        let last = self.run(arguments).await?;
        ensure!(last.code == Some(0), "{arguments:?}: {last:?}");
        Ok(last.text)
    }

    /// The same for a command that answers with JSON.
    pub(crate) async fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let text = self.yes(&[arguments, &["--json"]].concat()).await?;
        serde_json::from_str(&text).with_context(|| text.clone())
    }

    /// Starts `up`, which may write files of so many bytes at most.
    pub(crate) async fn up(&self, size_limit: Option<u64>) -> anyhow::Result<Running> {
        let nth = self.starts.fetch_add(1, Ordering::Relaxed) + 1;
        let log = self.dir.path().join(format!("up-{nth:04}.log"));
        Running::start(self.command(&["up"], size_limit), &log).await
    }

    /// The exchange must have gone on, without a panic.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.simulator.kill().await.context("the exchange")?;
        self.disk.release().await;
        Ok(())
    }

    /// Keeps what a run left behind, and says where: its logs and its data folder say what happened.
    pub(crate) async fn keep(&mut self) -> PathBuf {
        self.dir.disable_cleanup(true);
        let path = self.dir.path().to_owned();
        self.disk.keep(&path).await;
        path
    }

    /// Where everything of this run lies.
    pub(crate) fn folder(&self) -> &str {
        self.dir.path().to_str().unwrap_or_default()
    }
}
