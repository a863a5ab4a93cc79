//! `cargo xtask clients`: clients that did not come from this project, run against the simulator.
//!
//! Simulator and own client could share one misreading of the exchange; python-binance, Binance's own Python connector
//! and ccxt (for Python and for JavaScript) were written by others. Entry point: [`run`]. Their versions and the hashes
//! of all they bring along are locked in `tests/clients`; they are installed into `target/clients`, from PyPI and npm.
//! Each client's script gets a simulator of its own, and every operation of `operations.txt` must be reported.
//!
//! It is not part of `cargo xtask test`, which needs no network but Cargo's. With everything built and installed it
//! takes 12 seconds on two cores; the installation (270 MB) adds a minute, the first build of `gridkeeper` several.

mod report;
mod simulator;
pub(crate) mod tools;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use self::report::Report;
use self::simulator::Simulator;
use self::tools::{NODE, PYTHON, Runtime};
use super::say;

/// One client: what the table calls it, and its script in `tests/clients`.
struct Client {
    name: &'static str,
    script: &'static str,
    runtime: &'static Runtime,
}

const CLIENTS: &[Client] = &[
    Client {
        name: "python-binance",
        script: "python_binance.py",
        runtime: &PYTHON,
    },
    Client {
        name: "binance-sdk-spot",
        script: "binance_sdk.py",
        runtime: &PYTHON,
    },
    Client {
        name: "ccxt (Python)",
        script: "ccxt_python.py",
        runtime: &PYTHON,
    },
    Client {
        name: "ccxt (Node)",
        script: "ccxt_node.mjs",
        runtime: &NODE,
    },
];

/// Where things are.
pub(crate) struct Places {
    /// `tests/clients`, or the folder of others that are installed like them.
    pub(crate) scripts: PathBuf,
    /// The folder of the same name in `target`.
    pub(crate) installed: PathBuf,
    /// The built command.
    pub(crate) gridkeeper: PathBuf,
}

impl Places {
    /// Those of a folder in `tests`.
    ///
    /// # Errors
    /// When this program's own path is not known.
    pub(crate) fn of(folder: &str) -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask lies in the workspace's root")?;
        // Both are built by Cargo into the same folder, wherever that is.
        let own = std::env::current_exe().context("this program's own path")?;
        let gridkeeper = own.with_file_name(format!("gridkeeper{}", std::env::consts::EXE_SUFFIX));
        Ok(Self {
            scripts: root.join("tests").join(folder),
            installed: root.join("target").join(folder),
            gridkeeper,
        })
    }
}

/// Runs every client whose tools are there. Returns what was not run, and how to get it.
///
/// # Errors
/// When a client cannot be installed, the simulator does not start, or an operation fails.
pub(crate) fn run() -> anyhow::Result<Vec<String>> {
    let places = Places::of("clients")?;
    let (clients, skipped) = choose(CLIENTS, Runtime::missing_tool);
    let mut runtimes: Vec<&Runtime> = Vec::new();
    for client in &clients {
        if !runtimes
            .iter()
            .any(|known| known.name == client.runtime.name)
        {
            runtimes.push(client.runtime);
        }
    }
    for runtime in runtimes {
        runtime.install(&places)?;
    }
    if clients.is_empty() {
        return Ok(skipped);
    }
    super::cargo(super::BINARIES)?;
    let mut report = Report::default();
    for client in clients {
        say(&format!("== {}", client.name));
        let (output, ended_well) = run_script(client, &places)?;
        report.add(client.name, &output, ended_well);
    }
    say(&report.to_string());
    if report.failures() > 0 {
        bail!("the simulator did not serve every client");
    }
    Ok(skipped)
}

/// The clients whose tools are there, and what to say of the others.
fn choose(
    clients: &[Client],
    missing: impl Fn(&Runtime) -> Option<&'static str>,
) -> (Vec<&Client>, Vec<String>) {
    let mut skipped = Vec::new();
    let there = clients.iter().filter(|client| {
        let Some(tool) = missing(client.runtime) else {
            return true;
        };
        let remedy = client.runtime.remedy;
        skipped.push(format!(
            "{}: not run, {tool} is missing, {remedy}",
            client.name
        ));
        false
    });
    let there = there.collect();
    (there, skipped)
}

/// Runs one client's script against a simulator of its own. Returns what it printed, and whether it ended well.
fn run_script(client: &Client, places: &Places) -> anyhow::Result<(String, bool)> {
    let simulator = Simulator::start(places)?;
    let address = simulator.address();
    let output = client
        .runtime
        .command(places)
        .arg(places.scripts.join(client.script))
        .args(client.runtime.arguments(places))
        .env("SIMULATOR_REST", &address.rest)
        .env("SIMULATOR_WS", &address.web_socket)
        .env("SIMULATOR_KEY", &address.key)
        .env("SIMULATOR_SECRET", &address.secret)
        // Nothing leaves this machine, by a proxy neither.
        .env("NO_PROXY", "*")
        .env("no_proxy", "*")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{} did not start", client.script))?;
    let text = String::from_utf8(output.stdout).context("a script's output is not UTF-8")?;
    Ok((text, output.status.success()))
}

/// Runs a command to its end, quietly if it succeeds.
fn finish(command: &mut Command) -> anyhow::Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} did not start", command.get_program().display()))?;
    if !output.status.success() {
        bail!(
            "{} ended with {}:\n{}{}",
            command.get_program().display(),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_without_its_tools_is_skipped_with_a_remedy() {
        let without_node = |runtime: &Runtime| (runtime.name == "Node").then_some("npm");
        let (there, skipped) = choose(CLIENTS, without_node);
        let names: Vec<_> = there.iter().map(|client| client.name).collect();
        assert_eq!(
            names,
            ["python-binance", "binance-sdk-spot", "ccxt (Python)"]
        );
        assert_eq!(skipped.len(), 1);
        let line = skipped.first().unwrap();
        assert!(line.starts_with("ccxt (Node): not run, npm is missing, "));
        assert!(line.ends_with(NODE.remedy), "{line}");
    }

    #[test]
    fn every_script_is_there_and_knows_every_operation() {
        let places = Places::of("clients").unwrap();
        for client in CLIENTS {
            let script = std::fs::read_to_string(places.scripts.join(client.script)).unwrap();
            for operation in report::operations() {
                let (single, double) = (format!("'{operation}'"), format!("\"{operation}\""));
                let named = script.contains(&single) || script.contains(&double);
                assert!(named, "{} lacks {operation}", client.script);
            }
        }
    }

    #[test]
    fn a_command_that_fails_shows_what_it_said() {
        let error = finish(Command::new("cargo").arg("no-such-command")).unwrap_err();
        assert!(error.to_string().contains("no-such-command"), "{error}");
    }
}
