//! The words for what runs on until it is ended.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use domain::BotId;
use dynamo_store::Durability;

use crate::dashboard::DashboardAt;

/// Keeping bots trading.
#[derive(Debug, Clone, Args)]
pub struct UpArgs {
    /// What an acknowledged write survives.
    #[arg(long, value_enum, default_value = "power-loss", value_name = "WHAT")]
    pub durability: Survives,
    /// Where its dashboard is served: an address of 127.0.0.1, or `off`
    /// [default: where it was before, else 127.0.0.1:9460 or a free port].
    #[arg(long, value_name = "ADDRESS|off")]
    pub dashboard: Option<DashboardAt>,
}

/// The dashboard alone.
#[derive(Debug, Clone, Args)]
pub struct DashboardArgs {
    /// Where it is served: an address of 127.0.0.1
    /// [default: where it was before, else 127.0.0.1:9460 or a free port].
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<DashboardAt>,
}

/// Watching bots in this terminal.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// The bot's id; without it, all bots, to choose from.
    pub bot: Option<BotId>,
}

/// What an acknowledged write of a running process survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Survives {
    /// The end of the process in any way, `kill -9` included, and the loss of power: each write
    /// waits for the disk.
    PowerLoss,
    /// The end of the process in any way, not the loss of power. Faster on a slow disk. After a loss of
    /// power the last orders may be unknown to their levels, and placed again: where that matters,
    /// leave it.
    Process,
}

impl From<Survives> for Durability {
    fn from(survives: Survives) -> Self {
        match survives {
            Survives::PowerLoss => Self::PowerLoss,
            Survives::Process => Self::Process,
        }
    }
}

/// The simulated exchange.
#[derive(Debug, Clone, Args)]
pub struct SimulateArgs {
    /// Where to listen; only 127.0.0.1 is served.
    #[arg(long, default_value = "127.0.0.1:9080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Replay a Binance aggTrades or trades file (CSV, plain or .gz).
    #[arg(long, value_name = "FILE")]
    pub tape: Option<PathBuf>,
    /// Seed of what goes wrong and, without a tape, of a random walk of BTCUSDT.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Times real time, or `max` for as fast as the bots answer.
    #[arg(long, default_value = "1", value_name = "X|max")]
    pub speed: exchange_simulator::Speed,
    /// What goes wrong.
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub faults: crate::demo::Faults,
}
