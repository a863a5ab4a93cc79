//! The control calls of the simulated exchange. They go around the network that is cut.
//!
//! Start at [`Exchange`].

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// Between two looks at something that tells nobody when it changes.
pub const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The simulated exchange, as whoever runs it reaches it.
#[derive(Debug, Clone)]
pub struct Exchange {
    base: String,
    client: reqwest::Client,
}

impl Exchange {
    /// The exchange at `http://host:port`.
    ///
    /// # Errors
    /// When no client can be set up.
    pub fn at(base: String) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { base, client })
    }

    /// Carries out a command; the answer.
    ///
    /// # Errors
    /// When it is not reached, refuses, or answers with no JSON.
    pub async fn post(&self, what: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("{}/sim/{what}", self.base);
        let request = self.client.post(url).body(body.to_string());
        let reply = request.send().await?;
        let status = reply.status();
        let text = reply.text().await?;
        ensure!(status.is_success(), "{what} {body}: {status} {text}");
        serde_json::from_str(&text).with_context(|| format!("{what}: {text}"))
    }

    /// A control command.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn control(&self, command: Value) -> anyhow::Result<()> {
        self.post("control", &command).await.map(drop)
    }

    /// Opens an account with ample funds, whose key signs with this secret.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn open_account(&self, name: &str, key: &str, secret: &str) -> anyhow::Result<()> {
        let ample = json!({ "free": "1000000", "locked": "0" });
        let account = json!({
            "name": name,
            "keys": [{ "key": key, "secret": { "hmac": secret } }],
            "balances": { "BTC": ample, "USDT": ample },
        });
        let open = json!({ "do": "open", "account": account });
        self.post("account", &open).await.map(drop)
    }

    /// Its own figures.
    ///
    /// # Errors
    /// When it is not reached.
    pub async fn stats(&self) -> anyhow::Result<Value> {
        let url = format!("{}/sim/stats", self.base);
        let text = self.client.get(url).send().await?.text().await?;
        serde_json::from_str(&text).with_context(|| format!("stats: {text}"))
    }

    /// Waits until its figures are as wanted.
    ///
    /// # Errors
    /// When they are not within the time given.
    pub async fn until(
        &self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let deadline = Instant::now() + patience;
        loop {
            let stats = self.stats().await?;
            if wanted(&stats) {
                return Ok(stats);
            }
            ensure!(Instant::now() < deadline, "no {what}: {stats}");
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Limits as high as they come, and told so: the market moves faster than any real one, and a client keeps to half
    /// of what is announced.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub async fn lift_limits(&self) -> anyhow::Result<()> {
        const NO_LIMIT: u64 = 1_000_000_000;
        let limits = json!({
            "lifted": true,
            "weightPerMinute": NO_LIMIT,
            "requestsPerFiveMinutes": NO_LIMIT,
            "ordersPerTenSeconds": NO_LIMIT,
            "ordersPerDay": NO_LIMIT,
            "connectionsPerFiveMinutes": NO_LIMIT,
        });
        self.control(json!({ "do": "limits", "limits": limits }))
            .await
    }
}
