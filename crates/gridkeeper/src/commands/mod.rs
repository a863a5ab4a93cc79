//! What each command does: one file per command, all text through an injected writer.
//!
//! Start at [`run`], which reads the command line and says what went wrong. Commands write wishes and
//! read records; the only ones that let anything be sent to the exchange's order book are `up` and
//! `recover`, through the use cases of `trading`.

pub(crate) mod account;
mod audit;
pub(crate) mod bot;
mod dashboard;
#[cfg(feature = "aws")]
mod dead_letters;
#[cfg(feature = "aws")]
mod deploy_check;
mod doctor;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod fills;
mod finding;
mod key_check;
mod market;
pub(crate) mod recover;
mod restored;
pub(crate) mod secrets;
pub(crate) mod seen;
mod simulate;
pub(crate) mod story;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufRead, Write};
use std::ops::Deref;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue};
use domain::{AccountId, Bot, BotId, Level, LocalTime, Quantity};
use serde::Serialize;
use trading::{AccountRecord, AccountStore as _, BotStore as _, Clock as _, LevelStore as _};

use crate::cli::{AwsArgs, Cli, Command};
use crate::clock::SystemClock;
use crate::environs::Environs;
use crate::failure::{Exit, Failure, Outcome};
use crate::home::{Home, Place, data_folder};

/// Where a command writes and reads.
pub struct Terminal<'a> {
    /// What was asked for.
    pub out: &'a mut dyn Write,
    /// What went wrong.
    pub err: &'a mut dyn Write,
    /// What is typed or piped in.
    pub input: &'a mut dyn BufRead,
}

impl fmt::Debug for Terminal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal").finish_non_exhaustive()
    }
}

/// Reads a command line and does what it says.
pub async fn run<I>(arguments: I, environs: &Environs, terminal: Terminal<'_>) -> Exit
where
    I: IntoIterator<Item = OsString>,
{
    let Terminal { out, err, input } = terminal;
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(said) => return say(&said, out, err),
    };
    let outcome = Box::pin(carry_out(cli, environs, out, input)).await;
    let flushed = out.flush().map_err(Failure::from).map(|()| Exit::Yes);
    match outcome.and_then(|exit| flushed.map(|_| exit)) {
        Ok(exit) => exit,
        // Whoever reads the output has read enough.
        Err(failure) if failure.is_closed_output() => failure.exit,
        Err(failure) => {
            // Nobody is left to tell when this cannot be written either.
            writeln!(err, "{failure}").map_or(failure.exit, |()| failure.exit)
        }
    }
}

/// A value that an argument does not take, in the words of every other failure.
fn bad_value(said: &clap::Error) -> Option<Failure> {
    let of = |kind| match said.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let why = std::error::Error::source(said)?;
    let (argument, value) = (of(ContextKind::InvalidArg)?, of(ContextKind::InvalidValue)?);
    let why = why.to_string();
    let what = if why.contains(value) {
        format!("{argument}: {why}")
    } else {
        format!("{argument}: {value:?} is refused: {why}")
    };
    let mend = match argument.rsplit_once('<').map(|(_, name)| name) {
        Some("PRICE>") => "write a price above 0, in the symbol's quote asset, such as 58000",
        Some("RATE>") => "write a percentage from 0% on, such as 0.1%",
        _ => "the same command with --help says how it is written",
    };
    Some(Failure::bad_input(what).at("the command line").mend(mend))
}

/// Help, the version, or what is wrong with the arguments.
fn say(said: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    if let Some(failure) = bad_value(said) {
        return writeln!(err, "{failure}").map_or(failure.exit, |()| failure.exit);
    }
    let text = said.render();
    let (exit, written) = if said.use_stderr() {
        (Exit::BadInput, write!(err, "{text}"))
    } else {
        (Exit::Yes, write!(out, "{text}"))
    };
    written.map_or(exit, |()| exit)
}

async fn carry_out(
    cli: Cli,
    environs: &Environs,
    out: &mut dyn Write,
    input: &mut dyn BufRead,
) -> Outcome {
    // These open their own data folder, or none.
    match &cli.command {
        Command::Demo(args) => return crate::demo::run(args, cli.data.as_deref(), out).await,
        Command::Up(args) => {
            return crate::node::up(args, cli.data.as_deref(), environs, out).await;
        }
        Command::SimulateExchange(args) => return simulate::simulate(args, out).await,
        Command::Watch(args) => {
            return dashboard::watch(&cli, args, environs, out).await;
        }
        Command::Dashboard(args) => {
            return dashboard::dashboard(&cli, args, environs, out).await;
        }
        Command::Account(_)
        | Command::Bot(_)
        | Command::Fills(_)
        | Command::Export(_)
        | Command::Explain(_)
        | Command::Recover(_)
        | Command::Restored(_)
        | Command::Audit(_)
        | Command::Doctor => {}
        Command::DeadLetters(_) | Command::DeployCheck if cli.aws.aws => {}
        Command::DeployCheck => {
            return Err(Failure::bad_input("only a deployment on AWS can be checked so")
                .at("the command line")
                .mend("name it: gridkeeper --aws --stack NAME deploy-check; on one machine, gridkeeper doctor"));
        }
        Command::DeadLetters(_) => {
            return Err(Failure::bad_input(
                "only a deployment on AWS keeps dead letters; on one machine recovery finds what a message was about",
            )
            .at("the command line")
            .mend("name the deployment: gridkeeper --aws --stack NAME dead-letters ..."));
        }
    }
    if cli.aws.aws {
        let home = on_aws(&cli.aws, environs).await?;
        return operate(cli, home, out, input).await;
    }
    let folder = data_folder(cli.data.as_deref(), environs)?;
    if matches!(cli.command, Command::Doctor) && !folder.exists() {
        return doctor::without_folder(&folder, cli.json, out);
    }
    let home = match Home::open(&folder, environs).await {
        Ok(home) => home,
        Err(failure) if matches!(cli.command, Command::Doctor) => {
            return doctor::without_home(failure, cli.json, out);
        }
        Err(failure) => return Err(failure),
    };
    operate(cli, home, out, input).await
}

/// The deployment on AWS that is meant.
#[cfg(feature = "aws")]
async fn on_aws(args: &AwsArgs, environs: &Environs) -> Result<Home, Failure> {
    let deployment = crate::aws::Deployment::open(args).await?;
    Ok(Home::on_aws(deployment, environs))
}

#[cfg(not(feature = "aws"))]
async fn on_aws(_args: &AwsArgs, _environs: &Environs) -> Result<Home, Failure> {
    Err(built_without_aws())
}

#[cfg(not(feature = "aws"))]
fn built_without_aws() -> Failure {
    Failure::bad_input("this build of gridkeeper cannot operate deployments on AWS")
        .at("--aws")
        .mend("build it with them: cargo install --path crates/gridkeeper --features aws")
}

async fn operate(cli: Cli, home: Home, out: &mut dyn Write, input: &mut dyn BufRead) -> Outcome {
    let mut session = Session {
        desk: Desk::new(&home),
        json: cli.json,
        out,
        input,
    };
    let session = &mut session;
    match cli.command {
        Command::Demo(_)
        | Command::Up(_)
        | Command::Dashboard(_)
        | Command::Watch(_)
        | Command::SimulateExchange(_) => Ok(Exit::Yes),
        Command::Account(command) => account::account(session, command).await,
        Command::Bot(command) => bot::bot(session, command).await,
        Command::Fills(args) => fills::fills(session, &args).await,
        Command::Export(args) => export::export(session, &args).await,
        Command::Explain(args) => explain::explain(session, &args).await,
        Command::Recover(args) => recover::recover(session, &args).await,
        Command::Restored(args) => restored::restored(session, &args).await,
        Command::Audit(args) => audit::audit(session, &args).await,
        Command::Doctor => doctor::doctor(session).await,
        #[cfg(feature = "aws")]
        Command::DeadLetters(command) => dead_letters::dead_letters(session, &command).await,
        #[cfg(feature = "aws")]
        Command::DeployCheck => deploy_check::deploy_check(session).await,
        #[cfg(not(feature = "aws"))]
        Command::DeadLetters(_) | Command::DeployCheck => Err(built_without_aws()),
    }
}

/// What is wrong in several places for one reason, with all of them.
fn said_once(failures: Vec<Failure>) -> Vec<Failure> {
    let mut said: Vec<Failure> = Vec::new();
    for failure in failures {
        let known = said.iter_mut().find(|known| {
            (&known.what, &known.mend, known.exit) == (&failure.what, &failure.mend, failure.exit)
        });
        match (known, &failure.place) {
            (Some(known), Some(place)) => {
                let before = known.place.take().map(|before| format!("{before}, "));
                known.place = Some(format!("{}{place}", before.unwrap_or_default()));
            }
            (Some(_), None) => {}
            (None, _) => said.push(failure),
        }
    }
    said
}

/// Writes a value as JSON.
fn write_json<T: Serialize>(value: &T, out: &mut dyn Write) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| {
        Failure::refused(format!("the result cannot be written as JSON: {error}"))
    })?;
    writeln!(out, "{text}")?;
    Ok(())
}

/// What levels hold in all by their records, such as `0.0131 BTC`; `None` when nothing.
pub(crate) fn holding(bot: &Bot, levels: &[Level]) -> Option<String> {
    let held = levels.iter().fold(Quantity::ZERO, |sum, level| {
        sum.checked_add(level.base.held()).unwrap_or(sum)
    });
    (!held.is_zero()).then(|| format!("{held} {}", bot.rules.base))
}

/// Where records are read and wishes are written: what a command works with beside its terminal, and the
/// dashboard too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Desk<'a> {
    pub(crate) home: &'a Home,
    pub(crate) clock: SystemClock,
}

/// What a command works with.
pub(crate) struct Session<'a> {
    pub(crate) desk: Desk<'a>,
    pub(crate) json: bool,
    pub(crate) out: &'a mut dyn Write,
    pub(crate) input: &'a mut dyn BufRead,
}

impl<'a> Deref for Session<'a> {
    type Target = Desk<'a>;

    fn deref(&self) -> &Self::Target {
        &self.desk
    }
}

impl<'a> Desk<'a> {
    /// A desk at this home, with the machine's clock.
    pub(crate) const fn new(home: &'a Home) -> Self {
        Self {
            home,
            clock: SystemClock,
        }
    }

    pub(crate) fn now(&self) -> LocalTime {
        self.clock.now()
    }

    /// All bots that can be read, by id, and why the others cannot: one bad record does not hide
    /// the rest.
    pub(crate) async fn bots(&self) -> Result<(Vec<Bot>, Vec<Failure>), Failure> {
        let store = self.home.store();
        let (mut bots, mut failures) = (Vec::new(), Vec::new());
        for id in store.bot_ids(None).await? {
            match store.bot(&id).await {
                Ok(found) => bots.extend(found),
                Err(error) => failures.push(Failure::from(error).at(format!("bot {id}"))),
            }
        }
        Ok((bots, failures))
    }

    /// The bot of this id.
    pub(crate) async fn find_bot(&self, id: &BotId) -> Result<Bot, Failure> {
        let found = self.home.store().bot(id).await?;
        found.ok_or_else(|| {
            Failure::bad_input(format!("there is no bot {id}"))
                .at(self.home.place())
                .mend("`gridkeeper bot list` shows all bots")
        })
    }

    /// What a bot holds in all by its records, such as `0.0131 BTC`; `None` when nothing.
    pub(crate) async fn holding(&self, bot: &Bot) -> Result<Option<String>, Failure> {
        let levels = self.home.store().list_levels(&bot.id).await?.readable;
        Ok(holding(bot, &levels))
    }

    /// Whether a bot that has a record was removed from the listings.
    pub(crate) async fn is_removed(&self, id: &BotId) -> Result<bool, Failure> {
        let listed = self.home.store().bot_ids(None).await?;
        Ok(!listed.contains(id))
    }

    /// The account of this name.
    pub(crate) async fn find_account(&self, id: &AccountId) -> Result<AccountRecord, Failure> {
        let found = self.home.store().account(id).await?;
        found.ok_or_else(|| {
            Failure::bad_input(format!("there is no account {id}"))
                .at(self.home.place())
                .mend(format!(
                    "`gridkeeper account list` shows all accounts, `gridkeeper account add {id}` adds it"
                ))
        })
    }

    /// Has a bot looked at now, for a wish of the operator; gives what hinders that. On one machine a
    /// running `up` finds it due by itself.
    pub(crate) async fn ask_to_look(&self, bot: &Bot) -> Option<Failure> {
        match (self.home.place(), bot) {
            (Place::Folder(_), _) => None,
            #[cfg(feature = "aws")]
            (Place::Cloud(deployment), bot) => deployment.ask(&bot.account, &bot.id).await.err(),
        }
    }

    /// That a wish was written which nobody carries out now, where that is so.
    pub(crate) fn reminder_of_up(&self) -> Option<String> {
        self.home.is_unattended().then(|| {
            format!(
                "nothing happens yet: `gridkeeper up` is not running on {}",
                self.home.place()
            )
        })
    }
}

impl Session<'_> {
    /// Writes a value as JSON.
    pub(crate) fn write_json<T: Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        write_json(value, self.out)
    }

    /// Has a bot looked at now, for a wish of the operator, and says what hinders that.
    pub(crate) async fn see_to(&mut self, bot: &Bot) -> Result<(), Failure> {
        let hindered = self.ask_to_look(bot).await.filter(|_| !self.json);
        if let Some(failure) = hindered {
            writeln!(self.out, "{failure}")?;
        }
        Ok(())
    }

    /// Says so when a wish was written that nobody carries out now.
    pub(crate) fn remind_of_up(&mut self) -> io::Result<()> {
        match self.reminder_of_up() {
            Some(reminder) => writeln!(self.out, "{reminder}"),
            None => Ok(()),
        }
    }

    /// Says of each record that cannot be read why not, and passes the first on.
    pub(crate) fn pass_on(&mut self, failures: Vec<Failure>) -> Outcome {
        let mut failures = said_once(failures).into_iter();
        let first = failures.next();
        for failure in failures.filter(|_| !self.json) {
            writeln!(self.out, "{failure}")?;
        }
        first.map_or(Ok(Exit::Yes), Err)
    }
}
