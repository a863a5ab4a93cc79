//! What all accounts behind one base URL share: connections, clock, request weight, pauses.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{AccountId, ExchangeTime, LocalTime, RefusalReason};
use reqwest::{Client, Method, Url};
use trading::{
    ADDRESS_WEIGHT, AccountStop, ExchangeError, PLACE_TIMEOUT, QUERY_TIMEOUT, SHARED_REST_WEIGHT,
    excerpt,
};

use super::clock_offset::ClockOffset;
use super::order_pacing::{DEFAULT_LIMITS, OrderPacing};
use super::question::{Answer, Failure, Question};
use super::rules_cache::RulesCache;
use super::transport::{self, Outgoing};
use super::weight_budget::{Share, WeightBudget, WeightUse};
use super::wire;
use crate::classify::{Meaning, ReplyHead, Verdict, classify};

/// Tells this machine's time. The adapter reads no clock of its own.
pub type Now = Arc<dyn Fn() -> LocalTime + Send + Sync>;

/// How to reach the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressConfig {
    /// Scheme, host and port, such as `https://api.binance.com`.
    pub base_url: String,
    /// The most request weight used per minute; the exchange's own limit if that is lower.
    pub weight_per_minute: u32,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for the reply to a placement.
    pub place_timeout: Duration,
    /// How long to wait for the reply to anything else.
    pub query_timeout: Duration,
}

impl AddressConfig {
    /// The ordinary limits for a base URL.
    #[must_use]
    pub fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            weight_per_minute: ADDRESS_WEIGHT,
            connect_timeout: Duration::from_secs(5),
            place_timeout: PLACE_TIMEOUT,
            query_timeout: QUERY_TIMEOUT,
        }
    }

    /// The same for a machine that holds streams too: the bridge's share of the weight is left.
    #[must_use]
    pub fn beside_bridge(base_url: &str) -> Self {
        Self {
            weight_per_minute: SHARED_REST_WEIGHT,
            ..Self::new(base_url)
        }
    }
}

/// Why an address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The base URL is none.
    #[error(
        "{0:?} is not a base URL of the exchange; write scheme and host only, like https://api.binance.com"
    )]
    BaseUrl(String),
    /// The HTTP client cannot be set up, for want of trusted certificates for instance.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(#[source] reqwest::Error),
}

/// One base URL of the exchange as seen from this machine.
pub struct RestAddress {
    config: AddressConfig,
    client: Client,
    now: Now,
    offset: ClockOffset,
    weight: WeightBudget,
    pacings: Mutex<Pacings>,
    last_reply: AtomicI64,
    rules: RulesCache,
}

struct Pacings {
    limits: Vec<(Duration, u32)>,
    /// Whether they are the exchange's own.
    told: bool,
    by_account: BTreeMap<AccountId, Arc<OrderPacing>>,
}

/// A connection idle for longer is proven before it is relied upon.
const IDLE: Duration = Duration::from_secs(10);

/// How long a placement that missed its window waits for the clock to be set anew.
const RESYNC_TIMEOUT: Duration = Duration::from_secs(2);

impl RestAddress {
    /// Sets up an address. Nothing is sent; see [`Self::warm`].
    ///
    /// # Errors
    /// [`AddressError`] when the base URL is none or the HTTP client cannot be set up.
    pub fn open(mut config: AddressConfig, now: Now) -> Result<Arc<Self>, AddressError> {
        config.base_url = checked_base_url(&config.base_url)?;
        Ok(Arc::new(Self {
            client: transport::client(config.connect_timeout).map_err(AddressError::Client)?,
            weight: WeightBudget::new(config.weight_per_minute),
            config,
            now,
            offset: ClockOffset::default(),
            pacings: Mutex::new(Pacings {
                limits: DEFAULT_LIMITS.to_vec(),
                told: false,
                by_account: BTreeMap::new(),
            }),
            last_reply: AtomicI64::new(i64::MIN),
            rules: RulesCache::default(),
        }))
    }

    /// This machine's time.
    pub(crate) fn now(&self) -> LocalTime {
        (self.now)()
    }

    /// The exchange's time as estimated here.
    #[must_use]
    pub fn estimated_time(&self) -> ExchangeTime {
        self.offset.estimate(self.now())
    }

    /// The request weight used in the current minute, for whoever spreads work over time.
    #[must_use]
    pub fn weight(&self) -> WeightUse {
        self.weight.usage(self.estimated_time())
    }

    /// The exchange's own time, asked in this call. Sets the estimate of its clock anew.
    ///
    /// # Errors
    /// [`ExchangeError`] when the exchange does not answer.
    pub async fn server_time(&self) -> Result<ExchangeTime, ExchangeError> {
        self.server_time_within(self.config.query_timeout).await
    }

    async fn server_time_within(&self, timeout: Duration) -> Result<ExchangeTime, ExchangeError> {
        let asked = self.now();
        let question = Question {
            outgoing: Outgoing {
                method: Method::GET,
                path: "/api/v3/time",
                query: String::new(),
                api_key: None,
                timeout,
            },
            weight: 1,
            share: Share::Settling,
        };
        let answer = self
            .ask(question)
            .await
            .map_err(|failure| failure.into_error(None))?;
        let server = wire::read_server_time(&answer.body)?;
        self.offset.measure(asked, server, self.now());
        Ok(server)
    }

    /// Sets the estimate of the exchange's clock anew if that can be done shortly.
    pub(crate) async fn resync(&self) {
        if let Err(error) = self.server_time_within(RESYNC_TIMEOUT).await {
            tracing::warn!(%error, "exchange's clock not read anew");
        }
    }

    /// Opens a connection and sets the estimate of the exchange's clock, so that the first order
    /// finds both ready.
    ///
    /// # Errors
    /// [`ExchangeError`] when the exchange does not answer.
    pub async fn warm(&self) -> Result<(), ExchangeError> {
        self.server_time().await.map(|_server_time| ())
    }

    /// Proves the connection if it was idle for over 10 s by the wall clock, so that a connection
    /// that died while the process was frozen fails a question and not an order. To be run beside
    /// the load of what the order needs.
    ///
    /// # Errors
    /// [`ExchangeError`] when the exchange does not answer.
    pub async fn keep_warm(&self) -> Result<(), ExchangeError> {
        let last = self.last_reply.load(Ordering::Relaxed);
        let idle = self.now().as_millis().saturating_sub(last);
        let limit = i64::try_from(IDLE.as_millis()).unwrap_or(i64::MAX);
        // A clock that was set back says nothing about idleness.
        if (0..=limit).contains(&idle) {
            return Ok(());
        }
        self.warm().await
    }

    /// The order count of an account, the same one for each of its connections.
    pub(crate) fn pacing(&self, account: &AccountId) -> Arc<OrderPacing> {
        let mut pacings = self.pacings();
        let Pacings {
            limits, by_account, ..
        } = &mut *pacings;
        let pacing = by_account
            .entry(account.clone())
            .or_insert_with(|| Arc::new(OrderPacing::new(limits)));
        Arc::clone(pacing)
    }

    fn pacings(&self) -> MutexGuard<'_, Pacings> {
        self.pacings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) const fn rules_cache(&self) -> &RulesCache {
        &self.rules
    }

    /// Whether `exchangeInfo` was read here.
    pub(crate) fn limits_known(&self) -> bool {
        self.pacings().told
    }

    /// Takes over the limits that `exchangeInfo` states.
    pub(crate) fn learn_limits(&self, weight: Option<u32>, orders: Vec<(Duration, u32)>) {
        if let Some(weight) = weight {
            self.weight.learn_limit(weight);
        }
        let mut pacings = self.pacings();
        pacings.told = true;
        if orders.is_empty() {
            return;
        }
        for pacing in pacings.by_account.values() {
            pacing.learn_limits(&orders);
        }
        pacings.limits = orders;
    }

    /// How long the exchange wants nothing to be sent from here, of its own accord or because the request
    /// weight of this minute is used up; `None` if it may.
    pub fn pause_left(&self) -> Option<Duration> {
        let now = self.now();
        self.weight.wait(now, self.offset.estimate(now))
    }

    pub(crate) const fn place_timeout(&self) -> Duration {
        self.config.place_timeout
    }

    pub(crate) const fn query_timeout(&self) -> Duration {
        self.config.query_timeout
    }

    /// Sends one request once. A success gives its body; anything else says what it means.
    pub(crate) async fn ask(&self, question: Question<'_>) -> Result<Answer, Failure> {
        let now = self.now();
        let asked = self.offset.estimate(now);
        self.weight
            .take(question.weight, question.share, now, asked)
            .map_err(Failure::Paused)?;
        let incoming = transport::send(&self.client, &self.config.base_url, question.outgoing)
            .await
            .map_err(Failure::Lost)?;
        let answered = self.estimated_time();
        self.last_reply
            .store(self.now().as_millis(), Ordering::Relaxed);
        if let Some(used) = incoming.limits.used_weight {
            self.weight.counted(used, asked, answered);
        }
        let head = ReplyHead {
            status: incoming.status,
            retry_after: incoming.limits.retry_after,
            now: answered,
        };
        match (head.status, incoming.body) {
            (200..=299, Ok(body)) => Ok(Answer {
                body,
                limits: incoming.limits,
            }),
            (200..=299, Err(lost)) => Err(Failure::Lost(lost)),
            (_, Ok(body)) => Err(self.refused(classify(head, &body))),
            (_, Err(lost)) => {
                // Some statuses say enough without their body.
                let verdict = classify(head, b"");
                Err(if verdict.meaning == UNREADABLE {
                    Failure::Lost(lost)
                } else {
                    self.refused(verdict)
                })
            }
        }
    }

    fn refused(&self, verdict: Verdict) -> Failure {
        let everybody = matches!(
            verdict.meaning,
            Meaning::Stopped(AccountStop::Banned) | Meaning::Refused(RefusalReason::RateLimited)
        );
        if let Some(wait) = verdict.retry_after.filter(|_| everybody) {
            tracing::warn!(
                detail = verdict.detail,
                ?wait,
                "exchange asks this address to pause"
            );
            self.weight.pause(self.now().after(wait));
        }
        Failure::Reply(verdict)
    }
}

const UNREADABLE: Meaning = Meaning::Unknown(trading::UnknownCause::Unreadable);

impl fmt::Debug for RestAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestAddress")
            .field("config", &self.config)
            .field("weight", &self.weight())
            .finish_non_exhaustive()
    }
}

/// The longest base URL taken, in bytes. Reading one may take a hundred times its length.
const LONGEST_BASE_URL: usize = 1_024;

pub(crate) fn checked_base_url(text: &str) -> Result<String, AddressError> {
    let refused = || AddressError::BaseUrl(excerpt(text));
    if text.len() > LONGEST_BASE_URL {
        return Err(refused());
    }
    let url = Url::parse(text.trim()).map_err(|_malformed| refused())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        // Binance's documents print the base of its test network and demo mode with `/api`.
        && matches!(url.path().trim_end_matches('/'), "" | "/api");
    if !plain {
        return Err(refused());
    }
    Ok(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_an_encrypted_address_without_a_word_to_it() {
        let config = AddressConfig::new("https://api.binance.com");
        let now = Arc::new(|| LocalTime::from_millis(7));
        let address = RestAddress::open(config, now).unwrap();
        assert_eq!(address.estimated_time().as_millis(), 7);
        assert_eq!(address.weight().used, 0);
    }

    #[test]
    fn takes_scheme_and_host_only() {
        for (text, base) in [
            ("https://api.binance.com", "https://api.binance.com"),
            ("https://api.binance.com/", "https://api.binance.com"),
            (
                " https://testnet.binance.vision/api ",
                "https://testnet.binance.vision",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080/", "http://[::1]:8080"),
        ] {
            assert_eq!(checked_base_url(text).unwrap(), base);
        }
        for text in [
            "",
            "api.binance.com",
            "ftp://api.binance.com",
            "wss://ws-api.binance.com/ws-api/v3",
            "https://user:word@api.binance.com",
            "https://api.binance.com/api/v3",
            "https://api.binance.com/?a=b",
            "https://api.binance.com/#a",
        ] {
            let error = checked_base_url(text).unwrap_err().to_string();
            assert!(error.contains("not a base URL"), "{error}");
        }
        let long = format!("https://{}.binance.com", "a".repeat(LONGEST_BASE_URL));
        let error = checked_base_url(&long).unwrap_err().to_string();
        assert!(error.len() < 400, "{error}");
    }
}
