//! The server without its sockets, and a tape without its file, for tests that give them hostile
//! bytes. Only with the feature `readers`.

use std::io::Read;

use rust_decimal::Decimal;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use super::core::{Core, Shared};
use super::request::Request;
use super::rest::{self, Reply};
use super::streams::Outgoing;
use super::{SimulatorConfig, SimulatorError, control, market_of, open_exchange, ws};
use crate::tape::{Tape, TapeError};

/// A tape out of anything that can be read.
///
/// # Errors
/// [`TapeError`] as of [`Tape::open`].
pub fn tape(source: impl Read + Send + 'static) -> Result<Tape, TapeError> {
    Tape::over("tape".as_ref(), source)
}

/// A REST request as HTTP delivers it.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// Method.
    pub method: &'a str,
    /// Path.
    pub path: &'a str,
    /// Query, still encoded.
    pub query: &'a str,
    /// Body.
    pub body: &'a str,
    /// The header `X-MBX-APIKEY`.
    pub api_key: Option<&'a str>,
}

/// A server whose requests come by call. Its requests run as tasks of the caller's runtime.
#[derive(Debug)]
pub struct Served {
    shared: Shared,
    connection: u64,
    events: UnboundedReceiver<Outgoing>,
}

impl Served {
    /// A server with one account, `demo`, and one stream connection.
    ///
    /// # Errors
    /// [`SimulatorError`] as of [`super::Simulator::start`].
    pub fn new(config: SimulatorConfig) -> Result<Self, SimulatorError> {
        let (rules, price) = market_of(&config)?;
        let exchange = open_exchange(&config, &rules, price);
        let core = Core::new(&config, exchange, rules.symbol);
        let shared = Shared::new(config, core);
        let (connection, events) = shared.look().streams.open();
        Ok(Self {
            shared,
            connection,
            events,
        })
    }

    /// Serves a REST request: status and body, or none if the connection breaks.
    pub async fn rest(&self, sent: Sent<'_>) -> Option<(u16, Value)> {
        let request = Request::new(sent.method, sent.path, sent.query, sent.body, sent.api_key);
        match rest::serve(&self.shared, request).await {
            Reply::Json { status, body, .. } => Some((status, body)),
            Reply::Broken => None,
        }
    }

    /// Serves a request of the WebSocket API.
    #[must_use]
    pub fn web_socket(&self, text: &str) -> Value {
        ws::answer(&self.shared, self.connection, text)
    }

    /// Carries out a command as `POST /sim/control`, `/sim/market` and `/sim/account` do.
    ///
    /// # Errors
    /// The reason why not.
    pub fn command(&self, kind: &str, body: &str) -> Result<(), String> {
        let shared = &self.shared;
        match kind {
            "control" => control::carry_out(shared, control::read(body, "command")?),
            "market" => control::carry_out_market(shared, control::read(body, "command")?),
            "account" => control::carry_out_account(shared, control::read(body, "command")?),
            _ => Err("there is no such kind of command".to_owned()),
        }
    }

    /// How many events the stream connection was sent since this was last asked.
    pub fn events(&mut self) -> usize {
        std::iter::from_fn(|| self.events.try_recv().ok()).count()
    }

    /// The lowest balance of any account, free or locked.
    #[must_use]
    pub fn lowest_balance(&self) -> Decimal {
        let core = self.shared.look();
        let accounts = ["demo"]
            .into_iter()
            .filter_map(|name| core.exchange.account(name));
        accounts
            .flat_map(|account| account.balances.values())
            .map(|balance| balance.free.min(balance.locked))
            .min()
            .unwrap_or_default()
    }
}
