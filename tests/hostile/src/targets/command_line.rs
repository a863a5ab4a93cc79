//! Arguments of the `gridkeeper` command.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::sync::LazyLock;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, Parser as _};
use gridkeeper::cli::{BotCommand, Cli, Command};
use gridkeeper::dashboard::DashboardAt;

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
            // Rendering it must not fail either, whatever the arguments.
            assert!(!error.render().to_string().is_empty());
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let about = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::String(about)) if about.starts_with("--") => about.as_str(),
                _ => "",
            };
            let known = about.split([' ', '=']).next().unwrap_or_default();
            let known = if is_argument(known) { known } else { "" };
            Seen::Refused(format!(
                "{:?} {} {}",
                error.kind(),
                known.replace('-', " "),
                cause.unwrap_or_default()
            ))
        }
    }
}

/// Whether some command has this argument.
fn is_argument(name: &str) -> bool {
    static ALL: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let mut all = BTreeSet::new();
        let mut commands = vec![Cli::command()];
        while let Some(command) = commands.pop() {
            let named = command.get_arguments().filter_map(|one| one.get_long());
            all.extend(named.map(|long| format!("--{long}")));
            commands.extend(command.get_subcommands().cloned());
        }
        all
    });
    ALL.contains(name)
}

/// Whether a dashboard is served to this machine only.
fn is_here_only(at: &DashboardAt) -> bool {
    match at {
        DashboardAt::Off => true,
        DashboardAt::Address(address) => address.ip().is_loopback(),
    }
}

fn meaning(cli: &Cli) -> String {
    let command = match &cli.command {
        Command::Demo(demo) => {
            assert!((1..=100).contains(&demo.bots) && (2..=1_000).contains(&demo.levels));
            assert!(demo.dashboard.iter().all(is_here_only));
            format!("demo {:?} {}", demo.faults, demo.duration.is_some())
        }
        Command::Up(up) => {
            // Whatever is asked for, nobody else is let in.
            assert!(up.dashboard.iter().all(is_here_only));
            format!("up {:?} {}", up.durability, up.dashboard.is_some())
        }
        Command::Dashboard(dashboard) => {
            assert!(dashboard.listen.iter().all(is_here_only));
            format!("dashboard {}", dashboard.listen.is_some())
        }
        Command::Watch(watch) => format!("watch {}", watch.bot.is_some()),
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
        Command::Export(export) => {
            format!(
                "export {:?} {:?} {}",
                export.what,
                export.format,
                export.from.is_some()
            )
        }
        Command::Explain(_) => "explain".to_owned(),
        Command::Recover(_) => "recover".to_owned(),
        Command::Audit(_) => "audit".to_owned(),
        Command::Restored(args) => format!("restored {}", args.anyway),
        Command::Doctor => "doctor".to_owned(),
        Command::DeadLetters(_) => "dead-letters".to_owned(),
        Command::DeployCheck => "deploy-check".to_owned(),
    };
    format!("{command} {} {}", cli.json, cli.data.is_some())
}
