//! The `gridkeeper` process: reads its environment, starts the runtime and the log, and hands over.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use gridkeeper::cli::Cli;
use gridkeeper::commands::{Terminal, run};
use gridkeeper::environs::Environs;
use gridkeeper::failure::Exit;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Half of what a fill costs is the SDK's and the embedded database's many small allocations; this
/// allocator takes a fifth off the whole (`cargo bench -p gridkeeper`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let environs = Environs::of_process();
    let runs_on = Cli::try_parse_from(std::env::args_os()).is_ok_and(|cli| cli.command.runs_on());
    start_log(&environs, runs_on);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let told = writeln!(io::stderr(), "error: the process cannot start: {error}");
            return told.map_or(Exit::No, |()| Exit::No).into();
        }
    };
    runtime.block_on(bear_size_limit());
    let mut out = io::stdout();
    let mut err = io::stderr();
    let mut input = io::stdin().lock();
    let terminal = Terminal {
        out: &mut out,
        err: &mut err,
        input: &mut input,
    };
    runtime
        .block_on(run(std::env::args_os(), &environs, terminal))
        .into()
}

/// What a command that ends by itself does not log: that the exchange does not answer is what it says
/// itself, with how to mend it.
const OF_A_COMMAND: &str = "warn,binance::connections=error,binance::rest::address=error";

/// The number of `SIGXFSZ` on every system this runs on but MIPS.
const SIZE_LIMIT_EXCEEDED: i32 = 25;

/// From now on a file that may not grow is an error to whoever writes it, as on a full disk, which says what to do.
/// Otherwise it would be the end of this process without a word (`setrlimit(2)`, RLIMIT_FSIZE).
async fn bear_size_limit() {
    match signal(SignalKind::from_raw(SIZE_LIMIT_EXCEEDED)) {
        // Nobody needs to hear it: that it is listened to for good is enough.
        Ok(heard) => drop(heard),
        Err(error) => tracing::debug!(%error, "a limit on file size would end this process"),
    }
}

/// Logs to standard error: warnings, or what `GRIDKEEPER_LOG` asks for.
fn start_log(environs: &Environs, runs_on: bool) {
    let usual = if runs_on { "warn" } else { OF_A_COMMAND };
    let wanted = environs.log.as_deref().unwrap_or(usual);
    let (filter, refused) = match EnvFilter::try_new(wanted) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("warn"), Some(error)),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // A log on a full disk loses lines. Complaining of it where nothing can be written would panic.
        .log_internal_errors(false)
        .init();
    if let Some(error) = refused {
        tracing::warn!(%error, "GRIDKEEPER_LOG is not understood; logging warnings");
    }
}
