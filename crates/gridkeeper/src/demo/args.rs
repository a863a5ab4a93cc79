//! What the demo is asked for.

use std::path::PathBuf;
use std::time::Duration;

use domain::Quantity;
use exchange_simulator::Speed;

use crate::dashboard::DashboardAt;

/// Which faults the simulated exchange makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Faults {
    /// None.
    #[default]
    None,
    /// Now and then.
    Some,
    /// All the time.
    Harsh,
}

impl Faults {
    /// The name of the preset.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Some => "some",
            Self::Harsh => "harsh",
        }
    }
}

/// How the result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportForm {
    /// One JSON object on the last line.
    Json,
}

/// Watch a grid trade on a simulated exchange, on this machine, with no account and no money.
#[derive(Debug, Clone, clap::Args)]
pub struct DemoArgs {
    /// Replay a Binance aggTrades or trades file (CSV, plain or .gz) instead of a random walk; the
    /// grid then spans its lowest to its highest price.
    #[arg(long, value_name = "FILE")]
    pub tape: Option<PathBuf>,
    /// Seed of the random walk and of the faults.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// How long to run, such as 90s or 10m [default: 2m, or to the end of the tape].
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,
    /// Replay speed: times real time, or `max` for as fast as the grid answers
    /// [default: 8, or 600 with a tape].
    #[arg(long, value_name = "X|max")]
    pub speed: Option<Speed>,
    /// How many bots, each on an account of its own.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub bots: u16,
    /// How many levels each bot has.
    #[arg(long, default_value_t = 24, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub levels: u32,
    /// The base quantity each level buys [default: about four times the symbol's minimum].
    #[arg(long, value_name = "QUANTITY")]
    pub quantity: Option<Quantity>,
    /// Faults of the simulated exchange.
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub faults: Faults,
    /// Where its dashboard is served: an address of 127.0.0.1, or `off`
    /// [default: 127.0.0.1:9460, or a free port].
    #[arg(long, value_name = "ADDRESS|off")]
    pub dashboard: Option<DashboardAt>,
    /// No screen: a plain line now and then.
    #[arg(long)]
    pub headless: bool,
    /// Print the result as JSON on the last line.
    #[arg(long, value_enum, value_name = "FORM")]
    pub report: Option<ReportForm>,
}
