//! Everything a bridge remembers, and the small steps its decisions are made of.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{AccountId, BotId};
use trading::Environment;

use crate::account::Account;
use crate::backoff::Backoff;
use crate::budget::{Budget, ConnectRate};
use crate::counters::count;
use crate::outbox::{Outbox, When};
use crate::sharing::Peers;
use crate::status::{AccountStatus, BridgeStatus, Listing};
use crate::{Config, ConnectionId, Counters, Effect, Moment};

/// A connection, from the wish for it to its end.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) environment: Environment,
    /// Since when it is open; `None` while it is being opened.
    pub(crate) open_since: Option<Duration>,
    /// When it is to be replaced.
    pub(crate) replace_at: Duration,
    /// Whether it is being replaced: it serves on, but gets no more accounts.
    pub(crate) retiring: bool,
    /// Since when others bring all that it brings.
    pub(crate) replaced_at: Option<Duration>,
    /// When its subscriptions are next compared with the exchange's list.
    pub(crate) check_at: Duration,
}

/// How long a connection has to serve before its end says nothing about its successor's.
const YOUNG: Duration = Duration::from_secs(60);

impl Connection {
    pub(crate) fn is_young(&self, now: Moment) -> bool {
        self.open_since
            .is_none_or(|since| now.elapsed.saturating_sub(since) < YOUNG)
    }
}

/// One turn of [`crate::apply_event`]: the moment, and what is to be done.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) now: Moment,
    pub(crate) effects: Vec<Effect>,
}

impl Turn {
    pub(crate) fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }
}

/// Everything a bridge remembers. Changed by [`crate::apply_event`] alone.
#[derive(Debug)]
pub struct BridgeState {
    pub(crate) config: Config,
    pub(crate) connections: BTreeMap<ConnectionId, Connection>,
    pub(crate) accounts: BTreeMap<AccountId, Account>,
    /// When an environment may be connected to again.
    pub(crate) gates: BTreeMap<Environment, Backoff>,
    /// Until when an environment must not be asked for anything.
    pub(crate) quiet: BTreeMap<Environment, Duration>,
    pub(crate) budget: Budget,
    pub(crate) connects: ConnectRate,
    pub(crate) outbox: Outbox,
    pub(crate) counters: Counters,
    pub(crate) last_connection: u64,
    /// When the list of accounts is next read; `None` while it is being read.
    pub(crate) list_at: Option<Duration>,
    /// How it was last read.
    pub(crate) listing: Listing,
    /// The latest reason why it could not be read, so that it is told once.
    pub(crate) list_error: Option<String>,
    /// The other bridges; `None` where the accounts are not shared.
    pub(crate) peers: Option<Peers>,
    /// The latest reason why their heartbeats could not be read, so that it is told once.
    pub(crate) peers_error: Option<String>,
    /// When a heartbeat is next written; `None` while one is being written.
    pub(crate) heartbeat_at: Option<Duration>,
    /// When one was last written.
    pub(crate) heartbeat_written: Option<Duration>,
    /// Why the queue did not take something of the last batch.
    pub(crate) queue_error: Option<String>,
    /// The time of the last turn.
    pub(crate) elapsed: Duration,
    /// Stream states being written.
    pub(crate) writes: usize,
    /// When subscriptions were last asked for.
    pub(crate) paced_at: Duration,
    pub(crate) stopping: bool,
}

impl BridgeState {
    /// A bridge that has just started.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            connections: BTreeMap::new(),
            accounts: BTreeMap::new(),
            gates: BTreeMap::new(),
            quiet: BTreeMap::new(),
            budget: Budget::new(&config),
            connects: ConnectRate::default(),
            outbox: Outbox::default(),
            counters: Counters::default(),
            last_connection: 0,
            list_at: Some(Duration::ZERO),
            listing: Listing::default(),
            list_error: None,
            peers: config.shares_accounts.then(|| Peers::new(&config.name)),
            peers_error: None,
            heartbeat_at: Some(Duration::ZERO),
            heartbeat_written: None,
            queue_error: None,
            elapsed: Duration::ZERO,
            writes: 0,
            paced_at: Duration::ZERO,
            stopping: false,
            config,
        }
    }

    /// What the bridge has seen and done so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How things stand.
    #[must_use]
    pub fn status(&self) -> BridgeStatus {
        let accounts = self
            .accounts
            .iter()
            .map(|(id, account)| {
                let status = AccountStatus {
                    stream: account.stream(&self.config.name),
                    connections: account.subscriptions.keys().copied().collect(),
                    key_refused: account.gap.as_ref().is_some_and(|gap| gap.key_refused),
                };
                (id.clone(), status)
            })
            .collect();
        BridgeStatus {
            counters: self.counters.clone(),
            connections: self.open_connections(),
            accounts,
            buffered: self.outbox.len(),
            listing: self.listing.clone(),
            queue_error: self.queue_error.clone(),
            heartbeat_age: self
                .heartbeat_written
                .map(|at| self.elapsed.saturating_sub(at)),
        }
    }

    /// Whether a stopping bridge has nothing left to send or to write.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.outbox.len() == 0
            && self.writes == 0
            && self
                .accounts
                .iter()
                .all(|(id, account)| self.to_write(id, account).is_none())
    }

    /// Asks for a comparison at once.
    pub(crate) fn reconcile(&mut self, account: &AccountId, bot: Option<BotId>, why: &str) {
        count(&mut self.counters.reconciles);
        self.outbox
            .reconcile(account.clone(), bot, When::Now, why, &self.config);
    }

    /// Asks for a comparison at once, and for another when the last seconds are visible to queries.
    pub(crate) fn reconcile_twice(&mut self, account: &AccountId, why: &str) {
        self.reconcile(account, None, why);
        self.reconcile_later(account, why);
    }

    /// Asks for a comparison when the last seconds are visible to queries.
    pub(crate) fn reconcile_later(&mut self, account: &AccountId, why: &str) {
        count(&mut self.counters.reconciles);
        self.outbox
            .reconcile(account.clone(), None, When::Later, why, &self.config);
    }

    /// Asks for a comparison because of something that may repeat fast: at most one in each
    /// polling period, the last cause never forgotten.
    pub(crate) fn compare(&mut self, id: &AccountId, why: &str) {
        if let Some(account) = self.accounts.get_mut(id) {
            account.compare.get_or_insert_with(|| why.to_owned());
        }
    }
}
