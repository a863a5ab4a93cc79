//! Lives through one run of real processes in chaos, and says what was done and what came of it.
//!
//! Run as `cargo xtask chaos`. Ends with exit code 1, and keeps data and logs, when anything was wrong.
#![expect(clippy::print_stdout, reason = "a command says what it found")]

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use chaos::{Run, binary, run};
use clap::Parser;

/// Let real processes trade while everything goes wrong at once, then ask both audits.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask chaos")]
struct Arguments {
    /// How long everything goes wrong, such as 90s or 10m.
    #[arg(long = "for", value_name = "DUR", value_parser = humantime::parse_duration, default_value = "1m")]
    length: Duration,
    /// Repeats every choice, though not the moments at which processes come to run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often `up` is killed at least.
    #[arg(long, default_value_t = 1)]
    kills: u64,
    /// The gridkeeper to be tried [default: the one of this build].
    #[arg(long, value_name = "FILE")]
    gridkeeper: Option<PathBuf>,
    /// The same, from this program to itself.
    #[arg(long, hide = true)]
    built: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    /// Whether this process has a mount name space of its own. It gets itself one.
    #[arg(long, hide = true)]
    own_mounts: bool,
}

/// What gives a process a mount name space of its own without asking anybody for rights.
const UNSHARE: [&str; 3] = ["--user", "--map-root-user", "--mount"];

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let gridkeeper = match arguments.built.as_ref().or(arguments.gridkeeper.as_ref()) {
        Some(file) => std::path::absolute(file)?,
        None => binary::gridkeeper()?,
    };
    if !arguments.own_mounts && may_unshare() {
        return Err(again_with_own_mounts(&gridkeeper));
    }
    let wanted = Run {
        gridkeeper,
        length: arguments.length,
        kills: arguments.kills,
        seed: arguments.seed,
        faults: "harsh",
        own_mounts: arguments.own_mounts,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(Box::pin(run(&wanted)));
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
    }
    Ok(if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether this system gives a mount name space to whoever asks.
fn may_unshare() -> bool {
    let mut probe = Command::new("unshare");
    probe.args(UNSHARE).arg("true").stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// Becomes this program again, in name spaces of its own. Gives why not, if not.
fn again_with_own_mounts(gridkeeper: &Path) -> anyhow::Error {
    let own = match std::env::current_exe().context("this executable has no path") {
        Ok(own) => own,
        Err(error) => return error,
    };
    let mut again = Command::new("unshare");
    again
        .args(UNSHARE)
        .arg(own)
        .args(std::env::args_os().skip(1));
    again.arg("--own-mounts").arg("--built").arg(gridkeeper);
    anyhow::Error::from(again.exec()).context("unshare did not start")
}
