//! The exchange port over the simulator's pure matching model, with its own clock, lags and faults.
//!
//! Entry points: [`ModelExchange`] for the test, [`Connection`] for the use cases. Requests travel by
//! themselves: what a dead process has sent still arrives. The mapping between the model's values and
//! ours is made here and shares nothing with the adapter for the real exchange.

mod answer;
mod connection;
mod flight;
mod journey;
pub(crate) mod mistaken;
mod translate;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use domain::AccountId;
use exchange_simulator::faults::{FaultInjector, FaultPlan};
use exchange_simulator::model::{AccountEvent, Exchange as Model};
use trading::{AccountRecord, Admission, ExchangeError, Exchanges};

pub use connection::Connection;
pub use journey::{Answered, Fate, Journey};
pub use translate::execution_of_report;
pub(crate) use translate::{rules as rules_of, symbol_of};

use crate::clock::VirtualClock;
use crate::gate::Gate;
use flight::Flight;

/// The simulated exchange and everything on its way to it.
#[derive(Debug)]
pub struct ModelExchange {
    gate: Arc<Gate>,
    clock: Arc<VirtualClock>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) model: Model,
    offset_ms: i64,
    estimate_error_ms: i64,
    resyncs: bool,
    lag_ms: i64,
    failing_queries: VecDeque<&'static str>,
    journeys: VecDeque<Journey>,
    pub(crate) injector: FaultInjector,
    flights: Vec<Flight>,
    keys: BTreeMap<String, Keys>,
    admission: Admission,
    limits_known: bool,
    /// Every order of ours that was accepted: the number of the effect, and its id.
    pub(crate) accepted: Vec<(u64, domain::ClientOrderId)>,
    /// Every order as it was first sent, for mistakes that need to know.
    asked: BTreeMap<domain::ClientOrderId, trading::NewOrder>,
    /// How often placements had which outcome.
    pub(crate) outcomes: BTreeMap<String, u64>,
}

/// The trade keys of one account: which the exchange honours, which the store holds, and which the
/// open connection uses.
#[derive(Debug, Clone, Copy, Default)]
struct Keys {
    honoured: u32,
    stored: u32,
    connected: u32,
}

impl ModelExchange {
    pub(crate) fn new(gate: Arc<Gate>, clock: Arc<VirtualClock>) -> Arc<Self> {
        Arc::new(Self {
            gate,
            clock,
            state: Mutex::new(State {
                model: Model::new(),
                offset_ms: 0,
                estimate_error_ms: 0,
                resyncs: false,
                lag_ms: 0,
                failing_queries: VecDeque::new(),
                journeys: VecDeque::new(),
                injector: FaultInjector::new(FaultPlan::none(), 0),
                flights: Vec::new(),
                keys: BTreeMap::new(),
                admission: Admission::Now,
                limits_known: true,
                accepted: Vec::new(),
                asked: BTreeMap::new(),
                outcomes: BTreeMap::new(),
            }),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Looks at the model, or changes it from outside, at the exchange's time now.
    pub fn with_model<T>(&self, work: impl FnOnce(&mut Model, i64) -> T) -> T {
        let mut state = self.state();
        let now = self.clock.millis() + state.offset_ms;
        work(&mut state.model, now)
    }

    /// Lets the next placement travel like this; later ones after it.
    pub fn script(&self, journey: Journey) {
        self.state().journeys.push_back(journey);
    }

    /// Makes the next query of this name go unanswered.
    pub fn fail_query(&self, name: &'static str) {
        self.state().failing_queries.push_back(name);
    }

    /// Replaces the faults that are drawn by lot.
    pub fn set_faults(&self, plan: FaultPlan, seed: u64) {
        self.state().injector = FaultInjector::new(plan, seed);
    }

    /// Ends all faults that are drawn by lot, and everything scripted that has not happened.
    pub fn heal(&self) {
        let mut state = self.state();
        state.injector.stop();
        state.journeys.clear();
        state.failing_queries.clear();
        state.lag_ms = 0;
        state.estimate_error_ms = 0;
    }

    /// Sets how far queries lag behind the engine.
    pub fn set_lag(&self, lag: Duration) {
        self.state().lag_ms = millis(lag);
    }

    /// Sets how far the exchange's clock is ahead of ours, and how wrong our idea of that is.
    pub fn set_clock(&self, offset_ms: i64, estimate_error_ms: i64) {
        let mut state = self.state();
        state.offset_ms = offset_ms;
        state.estimate_error_ms = estimate_error_ms;
    }

    /// The exchange's clock has drifted from ours by so many milliseconds more, unnoticed.
    pub(crate) fn drift(&self, by_ms: i64) {
        let mut state = self.state();
        state.offset_ms += by_ms;
        state.estimate_error_ms -= by_ms;
    }

    /// Our clock was set, and with it our idea of the exchange's, until that is set anew.
    pub(crate) fn clock_jumped(&self, by_ms: i64) {
        self.state().estimate_error_ms += by_ms;
    }

    /// Lets every answer about the exchange's time set our idea of it right, as the shipped adapter
    /// does.
    pub(crate) fn resync_clocks(&self) {
        self.state().resyncs = true;
    }

    /// Sets whether the limits known on our side admit orders.
    pub fn set_admission(&self, admission: Admission) {
        self.state().admission = admission;
    }

    /// Makes our side forget the limits, as a process does that has just begun.
    pub fn forget_limits(&self) {
        self.state().limits_known = false;
    }

    /// Lets the exchange honour a new key of the account; the store learns of it at once or not.
    pub fn rotate_key(&self, account: &AccountId, stored: bool) {
        let mut state = self.state();
        let keys = state.keys.entry(account.to_string()).or_default();
        keys.honoured += 1;
        if stored {
            keys.stored = keys.honoured;
        }
    }

    /// Writes the key that the exchange honours into the store.
    pub fn store_key(&self, account: &AccountId) {
        let mut state = self.state();
        let keys = state.keys.entry(account.to_string()).or_default();
        keys.stored = keys.honoured;
    }

    /// Everything that may still matter of the exchange and of what is on its way to it. `read` is how
    /// much of the journal was read before, and what it said.
    pub(crate) fn fingerprint(&self, read: &mut (usize, u64)) -> u64 {
        let state = self.state();
        let journal = state.model.journal();
        for entry in &journal[read.0..] {
            let mut hasher = DefaultHasher::new();
            (read.1, format!("{entry:?}")).hash(&mut hasher);
            read.1 = hasher.finish();
        }
        read.0 = journal.len();
        let mut hasher = DefaultHasher::new();
        read.1.hash(&mut hasher);
        if !state.flights.is_empty() || !state.journeys.is_empty() {
            format!("{:?}{:?}", state.flights, state.journeys).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The number an order was meant under, where each attempt has an id of its own.
    pub(crate) fn number_meant(
        &self,
        bot: &domain::BotId,
        level: domain::LevelIndex,
        no: domain::OrderNumber,
    ) -> domain::OrderNumber {
        let bot = bot.clone();
        let id = domain::ClientOrderId { bot, level, no };
        let meant = mistaken::own_id(self, &id.to_string());
        meant
            .parse::<domain::ClientOrderId>()
            .map_or(no, |meant| meant.no)
    }

    /// Takes the events that the accounts have been told.
    pub(crate) fn drain_events(&self) -> Vec<AccountEvent> {
        self.state().model.drain_events()
    }

    pub(crate) fn exchange_millis(&self) -> i64 {
        self.clock.millis() + self.state().offset_ms
    }

    fn connection(self: &Arc<Self>, account: &AccountId, key: u32) -> Connection {
        Connection::new(self.clone(), account.clone(), key)
    }
}

/// The trading connections over one [`ModelExchange`].
#[derive(Debug)]
pub struct ModelExchanges(pub Arc<ModelExchange>);

impl Exchanges for ModelExchanges {
    type Connection = Connection;

    async fn connect(&self, account: &AccountRecord) -> Result<Connection, ExchangeError> {
        let account = &account.id;
        let keys = self.0.state().keys.get(account.as_str()).copied();
        Ok(self
            .0
            .connection(account, keys.unwrap_or_default().connected))
    }

    async fn reconnect(
        &self,
        account: &AccountId,
        _refused: &Connection,
    ) -> Result<Connection, ExchangeError> {
        self.0.gate.pass("reconnect").await;
        let mut state = self.0.state();
        let keys = state.keys.entry(account.to_string()).or_default();
        keys.connected = keys.stored;
        let key = keys.connected;
        drop(state);
        Ok(self.0.connection(account, key))
    }
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap()
}
