//! `cargo xtask local-aws`: a local AWS with the real functions, and a grid that trades through it.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use local_aws::{Drive, Places, Region, cases, check, deploy, down, drive, measure, say, up};

/// A local AWS with the real functions, on 127.0.0.1.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask local-aws")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start it, unless it runs, and print its environment.
    Up,
    /// Deploy template.yaml to it, for a simulated exchange.
    Deploy {
        /// The exchange's base URL.
        #[arg(long, default_value = "http://127.0.0.1:9080")]
        exchange: String,
    },
    /// Let a grid trade through a local AWS of its own while parts are killed, and ask both audits.
    Drive {
        /// How long.
        #[arg(long = "for", default_value = "1m", value_parser = humantime::parse_duration)]
        length: Duration,
        /// What the exchange does wrong by itself: none, some or harsh.
        #[arg(long, default_value = "harsh")]
        faults: String,
        /// Repeats every choice.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Have each named case happen to one grid on a local AWS of its own, and ask both audits.
    Cases,
    /// Measure what the functions take, on a local AWS of its own.
    Measure,
    /// Have SAM, cfn-lint and checkov judge the template.
    Check,
    /// End it, with all that was deployed to it.
    Down,
}

/// What was asked for.
#[expect(
    clippy::print_stdout,
    reason = "this is a command, and standard output is what it is asked for"
)]
fn tell(text: &str) {
    println!("{text}");
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("local-aws: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let places = Places::find()?;
    match command {
        Command::Up => {
            let region = up(&places).await?;
            for (name, value) in region.environment() {
                tell(&format!("export {name}={value}"));
            }
        }
        Command::Deploy { exchange } => {
            let region = Region::running(&places)?;
            let region = region.ok_or_else(|| {
                anyhow::anyhow!("no local AWS runs: start it with `cargo xtask local-aws up`")
            })?;
            deploy(&places, &region, &exchange).await?;
        }
        Command::Drive {
            length,
            faults,
            seed,
        } => {
            let drive = Drive {
                length,
                faults,
                seed,
            };
            let report = self::drive(&places, &drive).await?;
            tell(&serde_json::to_string_pretty(&report)?);
            if !report.is_clean() {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Cases => tell(&serde_json::to_string_pretty(&cases(&places).await?)?),
        Command::Measure => tell(&serde_json::to_string_pretty(&measure(&places).await?)?),
        Command::Check => check(&places)?,
        Command::Down => {
            let word = if down(&places).await? {
                "it has ended"
            } else {
                "it did not run"
            };
            tell(word);
        }
    }
    Ok(ExitCode::SUCCESS)
}
