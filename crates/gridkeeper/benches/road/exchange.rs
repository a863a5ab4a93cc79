//! The simulated exchange as a process of its own: this program again.
//!
//! Entry points: [`serve`] is that process; [`Exchange`] is how the bench reaches it, over its control calls.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use exchange_simulator::model::{Account, ApiKey, Balance, SymbolRules};
use exchange_simulator::{LimitsConfig, Simulator, SimulatorConfig};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{ACCOUNTS, Failure};

/// The secret of every key; it opens this simulator only.
pub(crate) const SECRET: &str = "theSecretOfEveryAccountOfThisBenchWorthNothingAnywhereElse000001";

/// Every symbol starts here, just above the highest BUY.
pub(crate) const START: i64 = 1_000;

/// More than anything here asks for.
const NO_LIMIT: u64 = 1_000_000_000;

/// How long an answer may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at the exchange's figures: rare enough not to disturb what is measured.
const LOOK: Duration = Duration::from_millis(8);

/// The API key of the nth account.
pub(crate) fn api_key(nth: usize) -> String {
    format!("keyOfAccount{nth:03}")
}

/// Serves until standard input closes, which it does when the bench is gone.
pub(crate) async fn serve() -> Result<(), Failure> {
    let rules = |symbol: &str| SymbolRules::suited_to(symbol, (2, 5));
    let further = ["BARUSDT", "PROUSDT", "POWUSDT"];
    let config = SimulatorConfig {
        prices: exchange_simulator::PriceSource::Manual {
            start_price: START.into(),
        },
        further_symbols: further
            .iter()
            .map(|name| (rules(name), START.into()))
            .collect(),
        accounts: (0..ACCOUNTS).map(account).collect(),
        // Lifted and told so: `up` keeps to half of what the exchange announces.
        limits: LimitsConfig {
            lifted: true,
            weight_per_minute: NO_LIMIT,
            requests_per_five_minutes: NO_LIMIT,
            orders_per_ten_seconds: NO_LIMIT,
            orders_per_day: NO_LIMIT,
            connections_per_five_minutes: NO_LIMIT,
        },
        ..SimulatorConfig::default()
    };
    let simulator = Simulator::start(config).await?;
    println!("{}", simulator.rest_url());
    std::io::stdout().flush()?;
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    ended.await??;
    simulator.shutdown().await;
    Ok(())
}

fn account(nth: usize) -> Account {
    let mut account = Account::named(&format!("account{nth:03}"));
    account.keys.push(ApiKey::hmac(&api_key(nth), SECRET));
    for asset in ["USDT", "BTC", "BAR", "PRO", "POW"] {
        let free = Decimal::from(10_000_000);
        account.balances.insert(
            asset.to_owned(),
            Balance {
                free,
                locked: Decimal::ZERO,
            },
        );
    }
    account
}

/// The running process. Ended when dropped.
pub(crate) struct Exchange {
    child: Child,
    pub(crate) rest: String,
    client: reqwest::Client,
}

impl Exchange {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("exchange")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("the exchange has no output")?;
        let mut rest = String::new();
        BufReader::new(out).read_line(&mut rest)?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let exchange = Self {
            child,
            rest: rest.trim().to_owned(),
            client,
        };
        exchange.post("start", &json!({})).await?;
        Ok(exchange)
    }

    pub(crate) fn web_socket(&self) -> String {
        format!("{}/ws-api/v3", self.rest.replacen("http", "ws", 1))
    }

    async fn post(&self, what: &str, body: &Value) -> Result<(), Failure> {
        let url = format!("{}/sim/{what}", self.rest);
        let reply = self.client.post(url).body(body.to_string()).send().await?;
        if reply.status().is_success() {
            Ok(())
        } else {
            Err(reply.text().await?.into())
        }
    }

    /// The reaction times so far.
    async fn samples(&self) -> Result<Vec<u64>, Failure> {
        let reply = self
            .client
            .get(format!("{}/sim/stats", self.rest))
            .send()
            .await?;
        let stats: Value = serde_json::from_str(&reply.text().await?)?;
        Ok(serde_json::from_value(stats["reactionUs"].clone())?)
    }

    async fn print(&self, symbol: &str, price: &str) -> Result<(), Failure> {
        let print =
            json!({ "do": "print", "symbol": symbol, "price": price, "quantity": "1000000" });
        self.post("market", &print).await
    }

    /// Fills one order, the highest BUY or the SELL that answers it; the microseconds until it was answered.
    pub(crate) async fn one_fill(&self, symbol: &str, down: bool) -> Result<u64, Failure> {
        let before = self.samples().await?.len();
        self.print(symbol, if down { "989.5" } else { "1000.5" })
            .await?;
        let samples = self.answered(before + 1).await?;
        samples.last().copied().ok_or_else(|| "no sample".into())
    }

    /// Fills all orders; the microseconds until the last was answered, as seen from the first fill.
    pub(crate) async fn all_fills(
        &self,
        symbol: &str,
        down: bool,
        fills: usize,
    ) -> Result<u64, Failure> {
        let before = self.samples().await?.len();
        self.print(symbol, if down { "400" } else { "1000.5" })
            .await?;
        let samples = self.answered(before + fills).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(samples
            .iter()
            .skip(before)
            .max()
            .copied()
            .unwrap_or_default())
    }

    async fn answered(&self, wanted: usize) -> Result<Vec<u64>, Failure> {
        let waiting = async {
            loop {
                tokio::time::sleep(LOOK).await;
                let samples = self.samples().await?;
                if samples.len() >= wanted {
                    return Ok(samples);
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await?
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
