//! What trades need beside the local AWS: a simulated exchange, bridges, and an operator.
//!
//! Start at [`Scene::set`].

use std::time::Duration;

use chaos::exchange::Exchange;
use chaos::market::{SYMBOL, write_tape};
use chaos::process::Running;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use tokio::process::Command;

use crate::deploy::STACK;
use crate::operator::Operator;
use crate::{Places, Region};

/// The simulated exchange, and who works with it.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) exchange: Exchange,
    /// Who operates the deployment.
    pub(crate) operator: Operator,
    /// How many trades the market makes before it stands still.
    pub(crate) prints: u64,
    pub(crate) base: String,
    /// The key of the exchange's own account.
    pub(crate) key: String,
    places: Places,
    region: Region,
    simulator: Running,
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
            operator: Operator::of_stack(places, region, &base, &secret),
            prints,
            base,
            key,
            places: places.clone(),
            region: region.clone(),
            simulator,
            secret,
            folder,
        })
    }

    /// Opens another account at the exchange; its key.
    pub(crate) async fn open_account(&self, name: &str) -> anyhow::Result<String> {
        let key = format!("{}OfAccount{name}", self.key);
        self.exchange.open_account(name, &key, &self.secret).await?;
        Ok(key)
    }

    /// Starts a bridge.
    pub(crate) async fn bridge(&self, nth: u64) -> anyhow::Result<Running> {
        let command = self.bridge_command()?;
        let log = self.folder.path().join(format!("bridge-{nth:04}.log"));
        Running::start(command, &log).await
    }

    /// Starts a bridge that shares accounts with others under a name of its own.
    pub(crate) async fn named_bridge(&self, name: &str) -> anyhow::Result<Running> {
        let mut command = self.bridge_command()?;
        command.env("GRIDKEEPER_BRIDGE", name);
        let log = self.folder.path().join(format!("bridge-{name}.log"));
        Running::start(command, &log).await
    }

    fn bridge_command(&self) -> anyhow::Result<Command> {
        let program = self.places.binary("gridkeeper-bridge")?;
        let mut command = self.operator.program(program);
        let queue = |name: &str| format!("{}/000000000000/{STACK}-{name}", self.region.url());
        command
            // It works without the key that trades.
            .env_remove("GRIDKEEPER_TRADE_SECRET")
            .env("GRIDKEEPER_TABLE", STACK)
            .env("GRIDKEEPER_QUEUE_URL", queue("fills"))
            .env("GRIDKEEPER_RECONCILE_QUEUE_URL", queue("reconcile"));
        Ok(command)
    }

    /// Starts everything in one process over a data folder; who operates that.
    pub(crate) async fn one_machine(&self) -> anyhow::Result<(Running, Operator)> {
        let operator = self.operator.of_folder(&self.folder.path().join("data"));
        let command = operator.command(&["up", "--dashboard", "off"])?;
        let log = self.folder.path().join("up.log");
        Ok((Running::start(command, &log).await?, operator))
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
