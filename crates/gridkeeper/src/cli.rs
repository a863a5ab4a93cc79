//! The words of the command line. What they do is in [`crate::commands`].
//!
//! Secrets are never arguments: other users of the machine see a process's arguments.

mod export;
mod letters;
mod process;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::{AccountId, BotId, LevelIndex, Price, Rate, Sizing, Spacing, Symbol};
use trading::Environment;

pub use export::{Day, ExportArgs, ExportForm, ExportWhat};
pub use letters::{DeadLetterId, DeadLettersCommand, DropArgs, RedriveArgs};
pub use process::{DashboardArgs, SimulateArgs, Survives, UpArgs, WatchArgs};

/// Keeps a Binance Spot grid bot's buy-sell cycle unbroken.
///
/// Exit codes: 0 done; 1 the answer is no, or it cannot be done now; 2 what was given is wrong.
#[derive(Debug, Clone, Parser)]
#[command(name = "gridkeeper", version, max_term_width = 100)]
pub struct Cli {
    /// The data folder [default: GRIDKEEPER_DATA, else gridkeeper in XDG_DATA_HOME or ~/.local/share].
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Which deployment on AWS is meant, if one is.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A deployment on AWS in place of a data folder. Credentials come from the standard AWS environment.
#[derive(Debug, Clone, Default, Args)]
pub struct AwsArgs {
    /// Operate a deployment on AWS instead of a data folder.
    #[arg(long, global = true, conflicts_with = "data")]
    pub aws: bool,
    /// The name of its stack.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        default_value = "gridkeeper",
        env = "GRIDKEEPER_STACK"
    )]
    pub stack: String,
    /// The profile of the AWS configuration files.
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The region [default: AWS_REGION, or that of the profile].
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Watch a grid trade on a simulated exchange, without an account and without money.
    Demo(crate::demo::DemoArgs),
    /// Keep all running bots of the data folder trading, until Ctrl-C.
    Up(UpArgs),
    /// Serve the dashboard alone, beside a running `up` or without one, or over a deployment on AWS.
    Dashboard(DashboardArgs),
    /// Watch bots in this terminal, beside a running `up` or without one, or over a deployment on AWS. Elsewhere than on
    /// a terminal it prints a line for each change.
    Watch(WatchArgs),
    /// Serve a small Binance Spot on this machine, to try everything without money.
    SimulateExchange(SimulateArgs),
    /// Exchange accounts and their keys.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Grid bots.
    #[command(subcommand)]
    Bot(BotCommand),
    /// The ledger of a bot: each trade, what it cost, how it was learnt of.
    Fills(FillsArgs),
    /// Fills or round trips as a table for spreadsheets and tax tools.
    Export(ExportArgs),
    /// Why a level holds what it holds, what will be tried next and when, and its story.
    Explain(ExplainArgs),
    /// Compare bots with the exchange now and mend what differs.
    Recover(RecoverArgs),
    /// Bring records that were restored from a copy to where the exchange is, before anything works with them.
    Restored(RestoredArgs),
    /// Compare the whole ledger with the exchange's history: every trade, every opposite order.
    Audit(AuditArgs),
    /// Check clock, keys, region, address, store, streams and limits.
    Doctor,
    /// Messages of a deployment on AWS that could not be handled again and again: look at them, send them back, drop them.
    /// Needs --aws.
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Check a deployment on AWS: table, queues, dead letters, key, recovery, bridges, and what the exchange says to the
    /// functions; then all that `doctor` checks. Needs --aws. The exit code is 0 only when all is well.
    DeployCheck,
}

impl Command {
    /// Whether it runs until it is ended, and its log tells what happens meanwhile.
    #[must_use]
    pub const fn runs_on(&self) -> bool {
        match self {
            Self::Demo(_) | Self::Up(_) | Self::Dashboard(_) | Self::SimulateExchange(_) => true,
            // Its screen has no place for a log.
            Self::Watch(_)
            | Self::Account(_)
            | Self::Bot(_)
            | Self::Fills(_)
            | Self::Export(_)
            | Self::Explain(_)
            | Self::Recover(_)
            | Self::Restored(_)
            | Self::Audit(_)
            | Self::Doctor
            | Self::DeadLetters(_)
            | Self::DeployCheck => false,
        }
    }
}

/// Accounts.
#[derive(Debug, Clone, Subcommand)]
pub enum AccountCommand {
    /// Add an account and its keys.
    Add(AccountAddArgs),
    /// List the accounts.
    List,
    /// Ask the exchange what an account's keys may do.
    Check(AccountName),
    /// Replace one or both keys of an account; what runs takes the new ones over by itself.
    Rotate(AccountRotateArgs),
    /// Remove an account that has no bots.
    Remove(AccountName),
}

/// An account by name.
#[derive(Debug, Clone, Args)]
pub struct AccountName {
    /// The account's name.
    pub account: AccountId,
}

/// The exchanges there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExchangeName {
    /// Real money.
    Production,
    /// Binance's test network.
    Testnet,
    /// Binance's demo mode.
    Demo,
}

impl From<ExchangeName> for Environment {
    fn from(name: ExchangeName) -> Self {
        match name {
            ExchangeName::Production => Self::Production,
            ExchangeName::Testnet => Self::Testnet,
            ExchangeName::Demo => Self::Demo,
        }
    }
}

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyType {
    /// A key with a secret text (HMAC-SHA256).
    Hmac,
    /// A key made from an Ed25519 key pair; the secret is the private key (PKCS#8).
    Ed25519,
}

impl KeyType {
    /// The word the records use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hmac => "hmac",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// Keys as they are given. API keys are no secrets; the secrets are asked for.
#[derive(Debug, Clone, Args)]
pub struct KeyArgs {
    /// One API key for both the stream and trading.
    #[arg(long, value_name = "KEY", conflicts_with_all = ["stream_key", "trade_key"])]
    pub key: Option<String>,
    /// The API key that reads the user-data stream; one that may only read is best.
    #[arg(long, value_name = "KEY")]
    pub stream_key: Option<String>,
    /// The API key that places orders.
    #[arg(long, value_name = "KEY")]
    pub trade_key: Option<String>,
    /// How the keys sign.
    #[arg(long, value_enum, default_value = "hmac", value_name = "TYPE")]
    pub key_type: KeyType,
    /// Read the secrets from standard input, one after the other: the stream key's, then the trade
    /// key's. Without this they are taken from GRIDKEEPER_STREAM_SECRET and GRIDKEEPER_TRADE_SECRET,
    /// or asked for without showing them.
    #[arg(long)]
    pub secrets_from_stdin: bool,
    /// Do not ask the exchange whether the keys work.
    #[arg(long)]
    pub no_check: bool,
}

/// Adding an account.
#[derive(Debug, Clone, Args)]
pub struct AccountAddArgs {
    /// A name of your choice: 1 to 32 of a-z, 0-9 and -.
    pub name: AccountId,
    /// Where it trades. Not needed where GRIDKEEPER_BINANCE_REST and GRIDKEEPER_BINANCE_WS name a
    /// simulated exchange.
    #[arg(long, value_enum, value_name = "WHERE")]
    pub exchange: Option<ExchangeName>,
    /// Needed with `--exchange production`.
    #[arg(long)]
    pub i_understand_this_trades_real_money: bool,
    /// Its keys.
    #[command(flatten)]
    pub keys: KeyArgs,
}

/// Replacing keys.
#[derive(Debug, Clone, Args)]
pub struct AccountRotateArgs {
    /// The account's name.
    pub account: AccountId,
    /// The new keys; one that is not given stays.
    #[command(flatten)]
    pub keys: KeyArgs,
}

/// Bots.
#[derive(Debug, Clone, Subcommand)]
pub enum BotCommand {
    /// Print the ladder of a grid, what it costs and earns, and every rule it would break. Writes
    /// nothing.
    Plan(PlanArgs),
    /// Create a bot from a plan. It trades once it is started.
    Create(BotCreateArgs),
    /// Let a bot trade.
    Start(BotName),
    /// Send nothing new; resting orders stay and their fills are booked.
    Pause(BotName),
    /// Let a paused bot trade again.
    Resume(BotName),
    /// Cancel all orders of a bot.
    Stop(BotStopArgs),
    /// Let what the exchange shows count for a quarantined level, and the level go on.
    Release(BotReleaseArgs),
    /// Remove a stopped bot from the listings; its ledger stays.
    Remove(BotName),
    /// List the bots: what each is and is wanted to be, and how many of its levels have their order at
    /// the exchange (open), owe one (owed), or stand still until records and exchange agree
    /// (quarantined).
    List,
    /// Show one bot: what it does, its stream, each level's order.
    Show(BotName),
}

/// A bot by id.
#[derive(Debug, Clone, Args)]
pub struct BotName {
    /// The bot's id; `gridkeeper bot list` shows them.
    pub bot: BotId,
}

/// Stopping a bot.
#[derive(Debug, Clone, Args)]
pub struct BotStopArgs {
    /// The bot's id.
    pub bot: BotId,
    /// Sell what its levels hold as well, at the market.
    #[arg(long)]
    pub sell: bool,
}

/// Releasing a level.
#[derive(Debug, Clone, Args)]
pub struct BotReleaseArgs {
    /// The bot's id.
    pub bot: BotId,
    /// The level; `gridkeeper explain BOT` shows which are quarantined.
    #[arg(value_parser = parse_level)]
    pub level: LevelIndex,
}

/// A grid as it is wished for.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// The account it trades on.
    #[arg(long, value_name = "NAME")]
    pub account: AccountId,
    /// The symbol, such as XRPETH.
    #[arg(long, value_name = "SYMBOL")]
    pub symbol: Symbol,
    /// The lowest line, in quote.
    // A value with a sign is for the price's own rules to refuse, in words.
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    pub lower: Price,
    /// The highest line, in quote.
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    pub upper: Price,
    /// How lines are spaced: arithmetic:LEVELS, geometric:LEVELS or percent:STEP%.
    #[arg(long, value_name = "HOW")]
    pub spacing: Spacing,
    /// What each level buys: base:QUANTITY for each level, or investment:QUOTE for all together.
    #[arg(long, value_name = "HOW", allow_negative_numbers = true)]
    pub size: Sizing,
    /// Reinvest each level's profit in that level.
    #[arg(long)]
    pub compounding: bool,
    /// Only orders that rest (LIMIT_MAKER), but for first BUYs, which may trade at once.
    #[arg(long)]
    pub post_only: bool,
    /// Levels above the market start with base the account already has, instead of buying it.
    #[arg(long)]
    pub from_balance: bool,
    /// The fee of a resting order, such as 0.1% [default: the account's].
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    pub maker_fee: Option<Rate>,
    /// The fee of an order that trades at once, such as 0.1% [default: the account's].
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    pub taker_fee: Option<Rate>,
}

/// Creating a bot.
#[derive(Debug, Clone, Args)]
pub struct BotCreateArgs {
    /// The grid.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Let it trade at once.
    #[arg(long)]
    pub start: bool,
}

/// The ledger.
#[derive(Debug, Clone, Args)]
pub struct FillsArgs {
    /// The bot's id.
    pub bot: BotId,
    /// Only this level.
    #[arg(long, value_name = "LEVEL", value_parser = parse_level)]
    pub level: Option<LevelIndex>,
    /// Print comma-separated values.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// Explaining.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// The bot's id.
    pub bot: BotId,
    /// One level, with its story; without it, a line for each.
    #[arg(value_parser = parse_level, allow_negative_numbers = true)]
    pub level: Option<LevelIndex>,
}

/// Recovering.
#[derive(Debug, Clone, Args)]
pub struct RecoverArgs {
    /// One bot; without it, all.
    pub bot: Option<BotId>,
}

/// Working with a copy.
#[derive(Debug, Clone, Args)]
pub struct RestoredArgs {
    /// Do so although the records do not look like a copy, such as after a file was overwritten in place.
    #[arg(long)]
    pub anyway: bool,
}

/// Auditing.
#[derive(Debug, Clone, Args)]
pub struct AuditArgs {
    /// One bot; without it, all.
    pub bot: Option<BotId>,
}

fn parse_level(text: &str) -> Result<LevelIndex, String> {
    text.parse()
        .map(LevelIndex)
        .map_err(|_no_number: std::num::ParseIntError| {
            format!("{text:?} is no level: a level is a number from 0, at the lowest prices")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_argument_takes_a_secret() {
        let mut commands = vec![Cli::command()];
        while let Some(command) = commands.pop() {
            for argument in command.get_arguments() {
                let id = argument.get_id().as_str();
                let takes_value = argument.get_action().takes_values();
                assert!(!(id.contains("secret") && takes_value), "{id}");
            }
            commands.extend(command.get_subcommands().cloned());
        }
    }
}
