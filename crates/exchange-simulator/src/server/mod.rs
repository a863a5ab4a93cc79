//! The server: REST and WebSocket API over the model, on the wall clock.
//!
//! Entry points: [`Simulator::start`], [`RunningSimulator`]. One port serves REST (`/api/v3`, `/sapi/v1`), the WebSocket
//! API (`/ws-api/v3`) and control calls (`/sim`). Listens on loopback only.

mod commands;
mod config;
mod control;
mod core;
mod http;
mod limits;
#[cfg(feature = "readers")]
pub mod readers;
mod reading;
mod replay;
mod request;
mod rest;
mod slots;
mod streams;
mod trading;
pub(crate) mod wire;
mod ws;

use std::net::SocketAddr;

use rust_decimal::Decimal;
use tokio::net::TcpListener;

pub use self::commands::{AccountControl, Control, MarketControl, Stats};
pub use self::config::{
    DEMO_API_KEY, DEMO_API_SECRET, LimitsConfig, PriceSource, SimulatorConfig, Speed, StartWhen,
    Timing,
};
pub use self::core::RunPhase;

use self::config::demo_account;
use self::core::{Core, Shared, wall_ms};
use crate::audit::{AuditReport, LadderSlot};
use crate::model::{Exchange, OutsideMarket, SymbolRules};
use crate::tape::{self, TapeError};

/// Why a simulator could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The tape is no use.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}; is the port in use? Another one may be given with --listen"
    )]
    Listen {
        /// Address.
        address: SocketAddr,
        /// Cause.
        source: std::io::Error,
    },
    /// Only loopback addresses are served: control calls know no password.
    #[error("refusing to listen on {0}: the simulator serves 127.0.0.1 only")]
    NotLoopback(SocketAddr),
    /// A start price makes no sense.
    #[error("the start price {0} is not above zero")]
    StartPrice(Decimal),
    /// A symbol's rules make no sense.
    #[error(
        "the rules of {0} make no sense: tick and step must be above zero, with at most 8 decimals"
    )]
    Rules(String),
    /// A control call could not be carried out.
    #[error("the simulator refused the command: {0}")]
    Refused(String),
}

/// Starts simulators.
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Reads the tape (if any) through once, listens, and serves until [`RunningSimulator::shutdown`].
    ///
    /// # Errors
    /// A tape that cannot be read, with file and line; an address that is not loopback or in use.
    pub async fn start(config: SimulatorConfig) -> Result<RunningSimulator, SimulatorError> {
        if !config.listen.ip().is_loopback() {
            return Err(SimulatorError::NotLoopback(config.listen));
        }
        let (rules, price) = market_of(&config)?;
        let exchange = open_exchange(&config, &rules, price);
        let prints = replay::prints(&config.prices, config.speed, &rules)?;
        let failed = |source| SimulatorError::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let core = Core::new(&config, exchange, rules.symbol);
        let shared = Shared::new(config, core);
        shared.tasks.spawn(http::accept(shared.clone(), listener));
        shared.tasks.spawn(replay::run(shared.clone(), prints));
        Ok(RunningSimulator { shared, address })
    }
}

/// Rules and first price of the symbol that prices are for.
fn market_of(config: &SimulatorConfig) -> Result<(SymbolRules, Decimal), SimulatorError> {
    let named = |fallback: &str| config.symbol.clone().unwrap_or_else(|| fallback.to_owned());
    let (made, price) = match &config.prices {
        PriceSource::Tape(path) => {
            let summary = tape::survey(path)?;
            let symbol = named(&tape::symbol_of(path).unwrap_or_else(|| "BTCUSDT".to_owned()));
            let decimals = (summary.price_decimals, summary.quantity_decimals);
            (
                SymbolRules::suited_to(&symbol, decimals),
                summary.first_price,
            )
        }
        PriceSource::Walk { start_price, .. } | PriceSource::Manual { start_price } => (
            SymbolRules::suited_to(&named("BTCUSDT"), (2, 5)),
            *start_price,
        ),
    };
    if price <= Decimal::ZERO {
        return Err(SimulatorError::StartPrice(price));
    }
    let rules = config.rules.clone().unwrap_or(made);
    let further = config.further_symbols.iter().map(|(rules, _)| rules);
    if let Some(unsound) = further.chain([&rules]).find(|rules| !rules.is_sound()) {
        return Err(SimulatorError::Rules(unsound.symbol.clone()));
    }
    Ok((rules, price))
}

fn open_exchange(config: &SimulatorConfig, rules: &SymbolRules, price: Decimal) -> Exchange {
    let now_ms = wall_ms();
    let mut exchange = Exchange::new();
    exchange.add_symbol(now_ms, rules.clone(), price, OutsideMarket::default());
    for (further, price) in &config.further_symbols {
        exchange.add_symbol(now_ms, further.clone(), *price, OutsideMarket::default());
    }
    // Commission in BNB needs a price; a round guess serves until one is set.
    exchange.set_bnb_price("USDT", Decimal::from(600));
    exchange.set_bnb_price("USDC", Decimal::from(600));
    exchange.set_bnb_price("BTC", Decimal::new(1, 2));
    exchange.set_bnb_price("ETH", Decimal::new(2, 1));
    if config.accounts.is_empty() {
        exchange.add_account(now_ms, demo_account(rules, price));
    }
    for account in &config.accounts {
        exchange.add_account(now_ms, account.clone());
    }
    exchange
}

/// A simulator at work. Dropping it does not stop it: call [`RunningSimulator::shutdown`].
#[derive(Debug, Clone)]
pub struct RunningSimulator {
    shared: Shared,
    address: SocketAddr,
}

impl RunningSimulator {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Base of REST calls, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The WebSocket API, such as `ws://127.0.0.1:40123/ws-api/v3`.
    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("ws://{}/ws-api/v3", self.address)
    }

    /// Carries out a command, as `POST /sim/control` does.
    ///
    /// # Errors
    /// [`SimulatorError::Refused`] with the reason.
    pub fn control(&self, command: Control) -> Result<(), SimulatorError> {
        control::carry_out(&self.shared, command).map_err(SimulatorError::Refused)
    }

    /// Carries out a command to the exchange, as `POST /sim/market` does.
    ///
    /// # Errors
    /// [`SimulatorError::Refused`] with the reason.
    pub fn market(&self, command: MarketControl) -> Result<(), SimulatorError> {
        control::carry_out_market(&self.shared, command).map_err(SimulatorError::Refused)
    }

    /// Carries out a command about an account, as `POST /sim/account` does.
    ///
    /// # Errors
    /// [`SimulatorError::Refused`] with the reason.
    pub fn account(&self, command: AccountControl) -> Result<(), SimulatorError> {
        control::carry_out_account(&self.shared, command).map_err(SimulatorError::Refused)
    }

    /// Lets prices start.
    pub fn start_prices(&self) {
        self.shared.change(|core| core.start_asked = true);
    }

    /// Nothing more goes wrong.
    pub fn stop_faults(&self) {
        self.shared.change(|core| core.faults.stop());
    }

    /// Looks into or changes the model directly; what happens goes to the streams.
    pub fn with_exchange<T>(&self, change: impl FnOnce(&mut Exchange, i64) -> T) -> T {
        self.shared.change(|core| {
            let now_ms = core.engine_now_ms();
            change(&mut core.exchange, now_ms)
        })
    }

    /// A state of affairs.
    #[must_use]
    pub fn stats(&self) -> Stats {
        control::stats(&self.shared)
    }

    /// Audits the run against a ladder, as `POST /sim/audit` does.
    #[must_use]
    pub fn audit(&self, ladder: &[LadderSlot]) -> AuditReport {
        control::audit(&self.shared, ladder)
    }

    /// Waits until prices have ended and the system is quiet.
    ///
    /// # Errors
    /// [`SimulatorError::Refused`] if the tape could not be read on.
    pub async fn wait_finished(&self) -> Result<(), SimulatorError> {
        let ended = replay::wait(&self.shared, |core| match &core.phase {
            RunPhase::Finished => Some(Ok(())),
            RunPhase::Failed(reason) => Some(Err(SimulatorError::Refused(reason.clone()))),
            RunPhase::Waiting | RunPhase::Running | RunPhase::Draining => None,
        });
        ended.await
    }

    /// Stops serving, breaks every connection and waits for all tasks.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}
