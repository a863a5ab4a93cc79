//! A simulator for one client: started on a free port of 127.0.0.1, ended when dropped.
//!
//! Entry point: [`Simulator::start`]. The address is taken from what `gridkeeper simulate-exchange` prints.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::Context;

use super::Places;
use crate::say;

/// A price that stands still: its second trade is a year after its first.
const TAPE: &str = "BTCUSDT-aggTrades-still.csv";

/// Where a simulator is, and the key of its account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) rest: String,
    pub(super) web_socket: String,
    pub(super) key: String,
    pub(super) secret: String,
}

impl Address {
    /// Takes in one printed line; whether the address is complete then.
    fn read(&mut self, line: &str) -> bool {
        for (mark, field) in [
            ("GRIDKEEPER_BINANCE_REST=", &mut self.rest),
            ("GRIDKEEPER_BINANCE_WS=", &mut self.web_socket),
            ("gridkeeper account add demo --key ", &mut self.key),
            ("GRIDKEEPER_TRADE_SECRET=", &mut self.secret),
        ] {
            if let Some((_, value)) = line.split_once(mark) {
                value.trim().clone_into(field);
            }
        }
        let fields = [&self.rest, &self.web_socket, &self.key, &self.secret];
        fields.iter().all(|field| !field.is_empty())
    }
}

/// A simulator at work.
#[derive(Debug)]
pub(super) struct Simulator {
    process: Child,
    address: Address,
    /// Kept open, so that the simulator may go on printing.
    output: BufReader<ChildStdout>,
}

impl Simulator {
    /// Starts one and waits until it says where it listens.
    pub(super) fn start(places: &Places) -> anyhow::Result<Self> {
        let mut process = Command::new(&places.gridkeeper)
            .args(["simulate-exchange", "--listen", "127.0.0.1:0", "--tape"])
            .arg(places.scripts.join(TAPE))
            .arg("--data")
            .arg(places.installed.join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} did not start", places.gridkeeper.display()))?;
        let output = process.stdout.take().context("its output was asked for")?;
        let mut simulator = Self {
            process,
            address: Address::default(),
            output: BufReader::new(output),
        };
        let mut line = String::new();
        loop {
            line.clear();
            let length = simulator.output.read_line(&mut line)?;
            anyhow::ensure!(
                length > 0,
                "the simulator ended before it said where it listens"
            );
            if simulator.address.read(&line) {
                return Ok(simulator);
            }
        }
    }

    /// Where it is.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let ended = self.process.kill().and_then(|()| self.process.wait());
        if let Err(error) = ended {
            say(&format!("the simulator could not be ended: {error}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_what_is_printed_for_people() {
        let printed = "a simulated exchange listens on 127.0.0.1:38637 (BTCUSDT)\n\
            its account has the key abc\n  export GRIDKEEPER_BINANCE_REST=http://127.0.0.1:38637\n\
            \u{20} export GRIDKEEPER_BINANCE_WS=ws://127.0.0.1:38637/ws-api/v3\n\
            \u{20} export GRIDKEEPER_TRADE_SECRET=def\n  gridkeeper account add demo --key abc\n";
        let mut address = Address::default();
        let complete: Vec<bool> = printed.lines().map(|line| address.read(line)).collect();
        assert_eq!(complete, [false, false, false, false, false, true]);
        let expected = Address {
            rest: "http://127.0.0.1:38637".to_owned(),
            web_socket: "ws://127.0.0.1:38637/ws-api/v3".to_owned(),
            key: "abc".to_owned(),
            secret: "def".to_owned(),
        };
        assert_eq!(address, expected);
    }
}
