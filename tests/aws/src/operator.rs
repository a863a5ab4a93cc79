//! The commands an operator types, for a deployment or for one machine.
//!
//! Start at [`Operator`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use chaos::market::SYMBOL;
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::deploy::STACK;
use crate::{Places, Region};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often a command is typed again that cannot be done now.
const TRIES: u32 = 20;

/// Whoever types commands: where, and with what in the environment.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    places: Places,
    environment: Vec<(&'static str, String)>,
    /// What names the place in every command.
    place: Vec<String>,
}

impl Operator {
    /// One who operates the deployment in a local AWS; `exchange` is the base URL of a simulated exchange, and `secret`
    /// that of its keys.
    pub(crate) fn of_stack(places: &Places, region: &Region, exchange: &str, secret: &str) -> Self {
        let web_socket = exchange.replacen("http", "ws", 1);
        let mut environment = region.environment();
        environment.extend([
            ("GRIDKEEPER_BINANCE_REST", exchange.to_owned()),
            ("GRIDKEEPER_BINANCE_WS", format!("{web_socket}/ws-api/v3")),
            ("GRIDKEEPER_TRADE_SECRET", secret.to_owned()),
            ("GRIDKEEPER_LOG", "info".to_owned()),
        ]);
        Self {
            places: places.clone(),
            environment,
            place: ["--aws", "--stack", STACK].map(str::to_owned).into(),
        }
    }

    /// The same one, who operates a data folder on this machine.
    pub(crate) fn of_folder(&self, folder: &Path) -> Self {
        Self {
            place: vec!["--data".to_owned(), folder.display().to_string()],
            ..self.clone()
        }
    }

    /// A program with the environment of this operator, and nothing else in it.
    pub(crate) fn program(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        let environment = self.environment.iter();
        command
            .env_clear()
            .envs(environment.map(|(name, value)| (name, value)));
        command
    }

    /// The operator's own program with a command.
    pub(crate) fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = self.program(self.places.binary("gridkeeper")?);
        command.args(&self.place).args(arguments);
        Ok(command)
    }

    /// Runs a command; its exit code, and what it wrote to either side.
    pub(crate) async fn run(
        &self,
        arguments: &[&str],
    ) -> anyhow::Result<(Option<i32>, String, String)> {
        let mut command = self.command(arguments)?;
        command
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

    /// Adds an account that trades with this key.
    pub(crate) async fn add_account(&self, name: &str, key: &str) -> anyhow::Result<()> {
        let added = self.yes(&["account", "add", name, "--key", key]).await;
        added.map(drop)
    }

    /// Creates a bot (lower and upper line, spacing, size) and lets it trade; its id.
    pub(crate) async fn bot(&self, account: &str, grid: [&str; 4]) -> anyhow::Result<String> {
        let [lower, upper, spacing, size] = grid;
        let grid = [
            "--lower",
            lower,
            "--upper",
            upper,
            "--spacing",
            spacing,
            "--size",
            size,
        ];
        let of = ["--start", "--account", account, "--symbol", SYMBOL];
        let created = self
            .json(&[&["bot", "create"], &of[..], &grid[..]].concat())
            .await?;
        let bot = created["bot"].as_str().context("a bot without an id")?;
        Ok(bot.to_owned())
    }
}
