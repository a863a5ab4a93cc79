//! How a simulator is set up. Everything has a default that just works.
//!
//! Entry points: [`SimulatorConfig`], [`SimulatorConfig::seeded`], [`SimulatorConfig::tape`]. Never reads the
//! environment.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::faults::FaultPlan;
use crate::model::{Account, ApiKey, Balance, SymbolRules};
use crate::number;

/// API key of the default account.
pub const DEMO_API_KEY: &str = "simulatedDemoAccountKeyThatOpensNothingAtAllOnAnyRealExchange001";

/// Its HMAC secret. Worth nothing: it opens simulators only.
pub const DEMO_API_SECRET: &str =
    "simulatedDemoAccountSecretThatSignsNothingOnAnyRealExchange00001";

/// Where prices come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PriceSource {
    /// One of Binance's public trade files.
    Tape(PathBuf),
    /// A seeded walk.
    Walk {
        /// Seed.
        seed: u64,
        /// First price.
        start_price: Decimal,
        /// Time between prints, ms.
        interval_ms: u32,
        /// Number of prints; none for no end (with `Speed::Max` then 10,000).
        prints: Option<u64>,
    },
    /// Only by control calls.
    Manual {
        /// First price.
        start_price: Decimal,
    },
}

/// How fast prices are replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Speed {
    /// So many times as fast as they were made.
    Times(Decimal),
    /// As fast as the system answers, in step with it.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self::Max);
        }
        number::plain(text.trim_end_matches('x'))
            .filter(|factor| *factor > Decimal::ZERO && *factor <= Decimal::from(1_000_000))
            .map(Self::Times)
            .ok_or_else(|| {
                format!("the speed '{text}' is neither 'max' nor a number above 0, such as 1 or 50")
            })
    }
}

/// When prices start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StartWhen {
    /// At once.
    Immediately,
    /// Once orders have come and none has for `start_quiet_ms`.
    AfterFirstOrders,
    /// On `start()` or `POST /sim/start`.
    OnCommand,
}

/// Limits of the exchange (`rest-api.md`, limits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LimitsConfig {
    /// Whether nothing is limited (everything is still counted).
    pub lifted: bool,
    /// REQUEST_WEIGHT per minute and address.
    pub weight_per_minute: u64,
    /// RAW_REQUESTS per 5 minutes and address.
    pub requests_per_five_minutes: u64,
    /// ORDERS per 10 seconds and account.
    pub orders_per_ten_seconds: u64,
    /// ORDERS per day and account.
    pub orders_per_day: u64,
    /// CONNECTIONS per 5 minutes and address.
    pub connections_per_five_minutes: u64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            lifted: false,
            weight_per_minute: 6_000,
            requests_per_five_minutes: 300_000,
            orders_per_ten_seconds: 100,
            orders_per_day: 200_000,
            connections_per_five_minutes: 300,
        }
    }
}

/// Times by which the simulator waits or gives up, ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Timing {
    /// Between pings on a stream.
    pub ping_interval_ms: u64,
    /// Without a pong for so long, a stream is closed.
    pub pong_timeout_ms: u64,
    /// A stream lives no longer.
    pub connection_lifetime_ms: u64,
    /// In step: longest wait for the order a completed one asks for.
    pub step_wait_ms: u64,
    /// `AfterFirstOrders`: no order for so long means the grid is laid.
    pub start_quiet_ms: u64,
    /// At the end: quiet for so long with nothing owed means finished.
    pub drain_quiet_ms: u64,
    /// At the end: quiet for so long means finished, even with something owed.
    pub drain_limit_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            ping_interval_ms: 20_000,
            pong_timeout_ms: 60_000,
            connection_lifetime_ms: 24 * 60 * 60 * 1000,
            step_wait_ms: 5_000,
            start_quiet_ms: 1_000,
            drain_quiet_ms: 1_500,
            drain_limit_ms: 45_000,
        }
    }
}

/// A simulator's setup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SimulatorConfig {
    /// Address to listen on; port 0 for any free one.
    pub listen: SocketAddr,
    /// The symbol prices are for; from the tape's name, or `BTCUSDT`, if absent.
    pub symbol: Option<String>,
    /// Its rules; made to suit the prices if absent.
    pub rules: Option<SymbolRules>,
    /// Further symbols, each with its first price.
    pub further_symbols: Vec<(SymbolRules, Decimal)>,
    /// Accounts; one named `demo` with ample balances if empty.
    pub accounts: Vec<Account>,
    /// Prices.
    pub prices: PriceSource,
    /// Replay speed.
    pub speed: Speed,
    /// When prices start.
    pub start: StartWhen,
    /// Faults.
    pub faults: FaultPlan,
    /// Seed of the faults.
    pub fault_seed: u64,
    /// Limits.
    pub limits: LimitsConfig,
    /// Waits.
    pub timing: Timing,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            symbol: None,
            rules: None,
            further_symbols: Vec::new(),
            accounts: Vec::new(),
            prices: PriceSource::Manual {
                start_price: Decimal::from(60_000),
            },
            speed: Speed::Times(Decimal::ONE),
            start: StartWhen::OnCommand,
            faults: FaultPlan::none(),
            fault_seed: 1,
            limits: LimitsConfig::default(),
            timing: Timing::default(),
        }
    }
}

impl SimulatorConfig {
    /// Prices from a seeded walk of `BTCUSDT` around 60,000.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let prices = PriceSource::Walk {
            seed,
            start_price: Decimal::from(60_000),
            interval_ms: 250,
            prints: None,
        };
        Self {
            prices,
            fault_seed: seed,
            start: StartWhen::AfterFirstOrders,
            ..Self::default()
        }
    }

    /// Prices from a tape.
    #[must_use]
    pub fn tape(path: impl Into<PathBuf>) -> Self {
        Self {
            prices: PriceSource::Tape(path.into()),
            start: StartWhen::AfterFirstOrders,
            ..Self::default()
        }
    }
}

/// The default account: ample balances of the symbol's two assets and of BNB.
pub(crate) fn demo_account(rules: &SymbolRules, price: Decimal) -> Account {
    let mut account = Account::named("demo");
    account
        .keys
        .push(ApiKey::hmac(DEMO_API_KEY, DEMO_API_SECRET));
    // Enough for half a million smallest orders on each side.
    let quote = rules.min_notional.max(Decimal::new(1, 4)) * Decimal::from(500_000);
    let base = quote
        .checked_div(price)
        .unwrap_or(quote)
        .round_dp(rules.step_size.scale())
        + rules.min_quantity;
    for (asset, free) in [(&rules.quote_asset, quote), (&rules.base_asset, base)] {
        account.balances.insert(
            asset.clone(),
            Balance {
                free,
                locked: Decimal::ZERO,
            },
        );
    }
    account.balances.entry("BNB".to_owned()).or_insert(Balance {
        free: Decimal::from(100),
        locked: Decimal::ZERO,
    });
    account
}
