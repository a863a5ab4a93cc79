//! Arguments of the `gridkeeper` command.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use clap::Parser as _;
use gridkeeper::cli::{BotCommand, Cli, Command};

use crate::examine::Seen;

/// Arguments, one to a line.
pub(super) fn arguments(input: &[u8]) -> Seen {
    let given = input
        .split(|byte| *byte == b'\n')
        .map(|argument| OsString::from_vec(argument.to_vec()));
    let program = OsString::from("gridkeeper");
    match Cli::try_parse_from(std::iter::once(program).chain(given)) {
        Ok(cli) => Seen::Accepted(meaning(&cli)),
        Err(error) => {
            let told = error.render().to_string();
            let first = told.lines().next().unwrap_or_default();
            Seen::Refused(format!("{:?} {first}", error.kind()))
        }
    }
}

fn meaning(cli: &Cli) -> String {
    let command = match &cli.command {
        Command::Demo(demo) => {
            assert!((1..=100).contains(&demo.bots) && (2..=1_000).contains(&demo.levels));
            format!("demo {:?} {}", demo.faults, demo.duration.is_some())
        }
        Command::Up(up) => format!("up {:?}", up.durability),
        Command::SimulateExchange(exchange) => {
            assert!(exchange.tape.is_none() || exchange.seed == 1);
            format!("simulate {:?}", exchange.faults)
        }
        Command::Account(_) => "account".to_owned(),
        Command::Bot(BotCommand::Plan(plan)) => {
            format!("plan {}", plan.spacing).replace(|letter: char| letter.is_ascii_digit(), "")
        }
        Command::Bot(_) => "bot".to_owned(),
        Command::Fills(fills) => format!("fills {} {}", fills.level.is_some(), fills.csv),
        Command::Explain(_) => "explain".to_owned(),
        Command::Recover(_) => "recover".to_owned(),
        Command::Audit(_) => "audit".to_owned(),
        Command::Doctor => "doctor".to_owned(),
    };
    format!("{command} {} {}", cli.json, cli.data.is_some())
}
