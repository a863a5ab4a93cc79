//! What can be set about a bridge, with the reasons for what is set when nothing is said.

use std::collections::BTreeMap;
use std::time::Duration;

use binance::stream::endpoint;
use trading::{ENGINE_DELAY, Environment, SHARED_BRIDGE_BURST, SHARED_BRIDGE_RATE};

/// The settings of one bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The bridge's name in heartbeats and stream states.
    pub name: String,
    /// The WebSocket API's address by environment. An account of an environment that is not here
    /// is reported as down.
    pub endpoints: BTreeMap<Environment, String>,
    /// The most accounts on one connection. The exchange allows 1,000 and advises fewer
    /// (web-socket-api.md, "User Data Stream requests"); losing one socket then costs fewer gaps.
    pub accounts_per_connection: usize,
    /// How long connecting, or sending one request, may take.
    pub connect_timeout: Duration,
    /// How long a connection may carry nothing before it counts as dead; the exchange pings every
    /// 20 s.
    pub silence: Duration,
    /// How old a connection gets before it is replaced; the exchange drops it after 24 h.
    pub lifetime: Duration,
    /// How long a replaced connection is still read after its last account is subscribed
    /// elsewhere. What happened before that comes over it alone, and may be as late as the
    /// exchange's own delay ([`ENGINE_DELAY`]).
    pub read_out: Duration,
    /// How long a subscription may stay unanswered before its connection counts as sick.
    pub reply_timeout: Duration,
    /// How often a connection asks which subscriptions the exchange still serves: one may end
    /// without a word, for instance when its key is deleted.
    pub check_every: Duration,
    /// How long an account may be silent before it is compared with the exchange. A quiet grid is
    /// silent for hours, so this only asks for a check.
    pub account_silence: Duration,
    /// How often an account is compared with the exchange while its stream is down.
    pub poll_every: Duration,
    /// How often the list of accounts is read.
    pub accounts_every: Duration,
    /// How often a heartbeat is written.
    pub heartbeat_every: Duration,
    /// The first pause after a failure, doubled each time, half of it random.
    pub backoff_first: Duration,
    /// The longest such pause.
    pub backoff_longest: Duration,
    /// The request weight that may be used per minute, of the 6,000 that everything on this
    /// address shares (rest-api.md, "IP Limits").
    pub weight_per_minute: u32,
    /// The request weight that may be used at once after a quiet time, such as at start. Together
    /// with [`Self::weight_per_minute`] it must stay well below 6,000.
    pub weight_burst: u32,
    /// The most subscriptions asked for per second.
    pub subscriptions_per_second: u32,
    /// The most executions kept while the queue does not take them.
    pub buffer: usize,
    /// How often the bridge looks at what is due.
    pub tick: Duration,
    /// How long stopping may take: what is buffered is still sent.
    pub drain: Duration,
    /// Whether other bridges over the same table hold a part of the accounts. Then their heartbeats
    /// are read with each list of accounts.
    pub shares_accounts: bool,
    /// The seed of the random part of pauses.
    pub seed: u64,
}

impl Config {
    /// The settings for Binance's own addresses.
    #[must_use]
    pub fn new(name: &str, seed: u64) -> Self {
        let endpoints = [
            Environment::Production,
            Environment::Testnet,
            Environment::Demo,
            Environment::Simulated,
        ]
        .into_iter()
        .filter_map(|environment| Some((environment, endpoint(environment)?.to_owned())))
        .collect();
        Self {
            name: name.to_owned(),
            endpoints,
            accounts_per_connection: 200,
            connect_timeout: Duration::from_secs(10),
            silence: Duration::from_secs(60),
            lifetime: Duration::from_secs(23 * 3600),
            read_out: ENGINE_DELAY,
            reply_timeout: Duration::from_secs(15),
            check_every: Duration::from_secs(300),
            account_silence: Duration::from_secs(45 * 60),
            poll_every: Duration::from_secs(10),
            accounts_every: Duration::from_secs(3),
            heartbeat_every: trading::HEARTBEAT_EVERY,
            backoff_first: Duration::from_millis(500),
            backoff_longest: Duration::from_secs(60),
            weight_per_minute: 2_400,
            weight_burst: 2_000,
            subscriptions_per_second: 50,
            buffer: 10_000,
            tick: Duration::from_millis(100),
            drain: Duration::from_secs(5),
            shares_accounts: false,
            seed,
        }
    }

    /// The same settings for a bridge whose network address trading uses too: of its weight, only
    /// what [`trading::SHARED_REST_WEIGHT`] leaves.
    #[must_use]
    pub const fn sharing_weight(mut self) -> Self {
        self.weight_per_minute = SHARED_BRIDGE_RATE;
        self.weight_burst = SHARED_BRIDGE_BURST;
        self
    }

    /// The same settings for a bridge that shares the accounts with whatever other bridges are alive:
    /// of three or more, two hold each account. Each needs a name of its own.
    #[must_use]
    pub const fn sharing_accounts(mut self) -> Self {
        self.shares_accounts = true;
        self
    }

    /// The same settings with one address for every environment, such as that of a simulated
    /// exchange.
    #[must_use]
    pub fn with_address(mut self, url: &str) -> Self {
        self.endpoints = [
            Environment::Production,
            Environment::Testnet,
            Environment::Demo,
            Environment::Simulated,
        ]
        .into_iter()
        .map(|environment| (environment, url.to_owned()))
        .collect();
        self
    }
}
