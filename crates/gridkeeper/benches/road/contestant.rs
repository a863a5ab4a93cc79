//! One `gridkeeper up` as a process of its own, with its data folder, accounts and bots.
//!
//! Entry point: [`Up::start`].

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::exchange::{Exchange, SECRET, api_key};
use crate::{Failure, LEVELS};

/// How often a new grid is looked at until it is laid.
const LOOKS: usize = 300;

/// A running `up`. Ended when dropped.
pub(crate) struct Up {
    child: Child,
    at_start: u64,
    _folder: tempfile::TempDir,
}

impl Up {
    /// Adds an account for each symbol, from the given one on, with a running bot of 50 levels, starts `up` and waits
    /// until every level has its order.
    pub(crate) async fn start(
        exchange: &Exchange,
        durability: &str,
        (first, symbols): (usize, &[&str]),
    ) -> Result<Self, Failure> {
        // On the disk, not in a temporary file system that a sync does not reach.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let data = folder.path().join("data");
        let gridkeeper = |arguments: &[&str]| command(exchange, &data, arguments);
        let mut bots = Vec::new();
        for (nth, symbol) in symbols.iter().enumerate() {
            let name = format!("account{nth}");
            let key = api_key(first + nth);
            json(gridkeeper(&["account", "add", &name, "--key", &key]))?;
            let spacing = format!("arithmetic:{LEVELS}");
            let created = json(gridkeeper(&[
                "bot",
                "create",
                "--start",
                "--account",
                &name,
                "--symbol",
                symbol,
                "--lower",
                "500",
                "--upper",
                "1000",
                "--spacing",
                &spacing,
                "--size",
                "base:0.1",
            ]))?;
            bots.push(
                created["bot"]
                    .as_str()
                    .ok_or("a bot without an id")?
                    .to_owned(),
            );
        }
        let mut child = gridkeeper(&["up", "--durability", durability])
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("up has no output")?;
        let mut up = Self {
            child,
            at_start: 0,
            _folder: folder,
        };
        BufReader::new(out).read_line(&mut String::new())?;
        for bot in &bots {
            let mut laid = false;
            for _ in 0..LOOKS {
                let shown = json(gridkeeper(&["bot", "show", bot]))?;
                laid = shown["sums"]["open_orders"] == LEVELS
                    && shown["stream"]["state"] == "subscribed";
                if laid {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            if !laid {
                return Err(format!("the grid of {bot} was not laid").into());
            }
        }
        up.at_start = up.processor_ms()?;
        Ok(up)
    }

    /// Processor time since the grid was laid, shared among so many fills.
    pub(crate) fn per_fill(&self, fills: usize) -> Result<String, Failure> {
        let spent = self.processor_ms()?.saturating_sub(self.at_start);
        let us = spent * 1_000 / u64::try_from(fills)?.max(1);
        Ok(format!(
            "{us} us for each fill, from report to settled order"
        ))
    }

    /// User and system time, ms (`proc_pid_stat(5)`; a tick is 10 ms).
    fn processor_ms(&self) -> Result<u64, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after_name = stat.rsplit_once(") ").ok_or("an unknown form of stat")?.1;
        let fields = after_name.split_whitespace().skip(11).take(2);
        let ticks: Vec<u64> = fields.map(str::parse).collect::<Result<_, _>>()?;
        Ok(ticks.iter().sum::<u64>() * 10)
    }

    /// The most memory it ever held.
    pub(crate) fn memory(&self) -> Result<String, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: u64 = line
            .ok_or("no VmHWM")?
            .trim()
            .trim_end_matches(" kB")
            .parse()?;
        Ok(format!("{} MB", kib / 1_000))
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn command(exchange: &Exchange, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gridkeeper"));
    command
        .env_clear()
        .env("GRIDKEEPER_BINANCE_REST", &exchange.rest)
        .env("GRIDKEEPER_BINANCE_WS", exchange.web_socket())
        .env("GRIDKEEPER_TRADE_SECRET", SECRET)
        .args(arguments)
        .arg("--data")
        .arg(folder)
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end; what it answers.
fn json(mut command: Command) -> Result<Value, Failure> {
    let output = command.arg("--json").output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    // A command that has nothing to say says nothing.
    Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}
