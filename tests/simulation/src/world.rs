//! One simulated system, and the test's hands on it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{
    BotId, ClientOrderId, DesiredStatus, Execution, FillDecision, Level, LevelIndex, LocalTime,
    OrderState, decide_fill,
};
use exchange_simulator::model::EventBody;
use trading::{
    Answer, BotStore, Clock, HandleFillError, Handled, Message, Ports, RecoverError, Recovered,
    VISIBILITY, handle_fill, recover_bot,
};

use crate::clock::VirtualClock;
use crate::exchange::mistaken;
use crate::exchange::{ModelExchange, ModelExchanges, execution_of_report, millis};
use crate::gate::Gate;
use crate::queue::{Delivery, TestQueue};
use crate::store::MemoryStore;
use crate::task::Task;

/// The ports of a simulated system.
pub type Outside<'w> = Ports<'w, MemoryStore, ModelExchanges, TestQueue, VirtualClock>;

/// How many deliveries are made before a system counts as one that never comes to rest.
const MOST_DELIVERIES: u32 = 20_000;

/// One simulated system: exchange, store, queue and clock.
#[derive(Debug)]
pub struct World {
    /// Where every port call passes.
    pub gate: Arc<Gate>,
    /// The local clock.
    pub clock: Arc<VirtualClock>,
    /// The store.
    pub store: MemoryStore,
    /// The exchange.
    pub exchange: Arc<ModelExchange>,
    /// The trading connections to it.
    pub exchanges: ModelExchanges,
    /// The queue.
    pub queue: TestQueue,
    stream_up: Mutex<bool>,
    tally: Mutex<BTreeMap<String, u64>>,
    /// What happened, line by line, if anybody wants to read it.
    notes: Mutex<Option<Vec<String>>>,
    /// Levels under whose ids somebody else has placed orders.
    meddled_with: Mutex<BTreeSet<(BotId, LevelIndex)>>,
}

impl World {
    /// A world without symbols, accounts or bots.
    #[must_use]
    pub fn empty() -> Self {
        let gate = Arc::new(Gate::default());
        let clock = Arc::new(VirtualClock::default());
        let exchange = ModelExchange::new(gate.clone(), clock.clone());
        Self {
            store: MemoryStore::new(gate.clone()),
            exchanges: ModelExchanges(exchange.clone()),
            queue: TestQueue::new(gate.clone(), clock.clone()),
            exchange,
            gate,
            clock,
            stream_up: Mutex::new(true),
            tally: Mutex::default(),
            notes: Mutex::default(),
            meddled_with: Mutex::default(),
        }
    }

    /// Writes down from now on what happens.
    pub fn keep_notes(&self) {
        *self.notes.lock().unwrap() = Some(Vec::new());
    }

    /// Writes something down, if that is wanted.
    pub fn note(&self, line: impl FnOnce() -> String) {
        if let Some(notes) = self.notes.lock().unwrap().as_mut() {
            notes.push(format!("{} {}", self.now(), line()));
        }
    }

    /// What was written down.
    pub fn take_notes(&self) -> Vec<String> {
        self.notes.lock().unwrap().take().unwrap_or_default()
    }

    /// Somebody else has placed an order under an id of this level. What becomes of it is judged by
    /// tests of their own: what the level owes is not a matter of its own orders any more.
    pub fn meddle_with(&self, bot: &BotId, level: LevelIndex) {
        self.meddled_with
            .lock()
            .unwrap()
            .insert((bot.clone(), level));
    }

    /// Whether somebody else has placed an order under an id of this level.
    #[must_use]
    pub fn was_meddled_with(&self, bot: &BotId, level: LevelIndex) -> bool {
        let meddled = self.meddled_with.lock().unwrap();
        meddled.contains(&(bot.clone(), level))
    }

    /// The ports, for a use case.
    pub fn ports(&self) -> Outside<'_> {
        Ports {
            store: &self.store,
            exchanges: &self.exchanges,
            queue: &self.queue,
            clock: &self.clock,
        }
    }

    /// Runs something to its end in a process of its own.
    pub fn run<'w, T>(&'w self, future: impl Future<Output = T> + 'w) -> T {
        Task::new(self, future).finish()
    }

    /// Lets the next thing happen that only time brings about.
    pub fn pass_time(&self) {
        let next = [self.clock.next_deadline(), self.exchange.next_arrival()];
        let Some(next) = next.into_iter().flatten().min() else {
            panic!("everything waits and nothing will ever happen");
        };
        self.move_to(next);
    }

    /// Lets time pass, and everything happen that is due meanwhile.
    pub fn advance(&self, duration: Duration) {
        let end = self.clock.millis() + millis(duration);
        while let Some(next) = self.next_event().filter(|next| *next <= end) {
            self.move_to(next);
        }
        self.move_to(end);
    }

    pub(crate) fn next_event(&self) -> Option<i64> {
        let next = [self.clock.next_deadline(), self.exchange.next_arrival()];
        next.into_iter().flatten().min()
    }

    fn move_to(&self, instant_ms: i64) {
        self.exchange.arrive(instant_ms);
        self.clock.set(instant_ms);
    }

    /// Sets our clock so far ahead, or behind, of where it was at first; time passes as before.
    pub fn set_wall(&self, ahead_ms: i64) {
        let jumped = self.clock.set_wall(ahead_ms);
        self.exchange.clock_jumped(jumped);
    }

    /// Takes the accounts' streams down, or up again. What happens meanwhile is never told.
    pub fn set_stream(&self, up: bool) {
        self.listen();
        *self.stream_up.lock().unwrap() = up;
    }

    /// Takes the reports that the streams have brought since, in their order.
    pub fn reports(&self) -> Vec<Execution> {
        let up = *self.stream_up.lock().unwrap();
        let events = self.exchange.drain_events();
        let told = events.into_iter().filter(|_| up);
        told.filter_map(|event| match &event.body {
            EventBody::Execution(report) => execution_of_report(&event.account, report),
            EventBody::Position { .. } | EventBody::BalanceUpdate { .. } => None,
        })
        .collect()
    }

    /// Puts what the streams have brought on the queue, as the bridge would.
    pub fn listen(&self) {
        for execution in self.reports() {
            self.queue.put(&self.message(execution));
        }
    }

    /// A report as a message.
    #[must_use]
    pub fn message(&self, execution: Execution) -> Message {
        Message::Execution {
            execution: Box::new(execution),
            received_at: self.clock.now(),
        }
    }

    /// Handles one report to its end.
    pub fn handle(&self, execution: &Execution) -> Result<Handled, HandleFillError> {
        let handled = self.run(handle_fill(self.ports(), execution, self.clock.now()));
        if let Ok(handled) = &handled {
            self.count(handled);
        }
        handled
    }

    fn count(&self, handled: &Handled) {
        self.tally(&format!("report {}", variant(&handled.outcome)), 1);
        if let Some(placing) = handled.placing {
            self.tally(&format!("placing {}", variant(&placing)), 1);
        }
    }

    /// Counts something.
    pub(crate) fn tally(&self, what: &str, times: u64) {
        let mut tally = self.tally.lock().unwrap();
        match tally.get_mut(what) {
            Some(count) => *count += times,
            None => drop(tally.insert(what.to_owned(), times)),
        }
    }

    /// Counts what the shipped decision makes of a report just now.
    fn count_decision(&self, execution: &Execution) {
        let Ok(id) = execution.client_order_id.parse::<ClientOrderId>() else {
            return;
        };
        let decision = {
            let tables = self.store.tables();
            let level = tables.levels.get(&(id.bot.clone(), id.level));
            let known = tables.bots.get(&id.bot).zip(level);
            known.map(|(bot, level)| name_of(&decide_fill(bot, level, execution)))
        };
        if let Some(decision) = decision {
            self.tally(&format!("decision {decision}"), 1);
        }
    }

    /// Runs recovery as a process would, and counts what it did.
    pub async fn recovery(&self, bot: &BotId) -> bool {
        let recovered = recover_bot(self.ports(), bot).await;
        if let Ok(recovered) = &recovered {
            for (action, times) in &recovered.actions {
                self.tally(&format!("action {action}"), u64::from(*times));
            }
        }
        self.note(|| format!("recovery of {bot}: {recovered:?}"));
        recovered.is_ok()
    }

    /// How often reports had which outcome, and placements after them.
    #[must_use]
    pub fn tallied(&self) -> BTreeMap<String, u64> {
        self.tally.lock().unwrap().clone()
    }

    /// Handles a received message in one process, and says what is to become of it.
    pub async fn process(&self, message: Message) -> Answer {
        match message {
            Message::Execution {
                execution,
                received_at,
            } => match self.handle_counted(&execution, received_at).await {
                Ok(handled) => {
                    self.count(&handled);
                    handled.answer
                }
                Err(HandleFillError::RetryLater(_)) => Answer::Again(VISIBILITY),
                Err(HandleFillError::Poison(why)) => panic!("poison: {why}"),
            },
            Message::Reconcile { account, bot, .. } => {
                let bots = match bot {
                    Some(bot) => vec![bot],
                    None => {
                        let bots = self.store.bot_ids(Some(&account)).await;
                        bots.unwrap_or_default()
                    }
                };
                for bot in bots {
                    if !self.recovery(&bot).await {
                        return Answer::Again(VISIBILITY);
                    }
                }
                Answer::Done
            }
        }
    }

    async fn handle_counted(
        &self,
        execution: &Execution,
        received_at: LocalTime,
    ) -> Result<Handled, HandleFillError> {
        self.count_decision(execution);
        let read = self.as_read(execution);
        handle_fill(self.ports(), &read, received_at).await
    }

    /// A report as it is read: wrongly, where a mistake is made.
    fn as_read(&self, execution: &Execution) -> Execution {
        let mut execution = execution.clone();
        execution.client_order_id = mistaken::own_id(&self.exchange, &execution.client_order_id);
        let id = execution.client_order_id.parse::<ClientOrderId>();
        let booked = id.ok().and_then(|id| {
            let tables = self.store.tables();
            let level = tables.levels.get(&(id.bot, id.level))?;
            level.order.as_ref().filter(|order| order.no == id.no)?;
            level.order.as_ref().map(|order| order.executed)
        });
        match booked {
            Some(booked) => mistaken::as_read(&self.gate, &execution, booked),
            None => execution,
        }
    }

    /// Handles one received message to its end and answers the queue.
    pub fn deliver(&self, delivery: Delivery) {
        match self.run(self.process(delivery.message())) {
            Answer::Done => {}
            Answer::Again(after) => self.queue.again(delivery, after),
        }
    }

    /// Delivers everything that may be received now, in order.
    pub fn pump(&self) {
        for _ in 0..MOST_DELIVERIES {
            self.listen();
            let Some(delivery) = self.queue.receive() else {
                return;
            };
            self.deliver(delivery);
        }
        panic!("the system does not come to rest");
    }

    /// Delivers and lets time pass until nothing waits any more, neither on the queue nor on its way.
    pub fn quiet(&self) {
        for _ in 0..MOST_DELIVERIES {
            self.pump();
            let next = [self.queue.next_visible(), self.exchange.next_arrival()];
            let Some(next) = next.into_iter().flatten().min() else {
                return;
            };
            let wait = u64::try_from(next - self.clock.millis()).unwrap_or(0);
            self.advance(Duration::from_millis(wait));
        }
        panic!("the system does not come to rest");
    }

    /// Runs recovery for a bot, which must be possible.
    pub fn recover(&self, bot: &BotId) -> Recovered {
        self.try_recover(bot).unwrap()
    }

    /// Runs recovery for a bot.
    pub fn try_recover(&self, bot: &BotId) -> Result<Recovered, RecoverError> {
        self.run(recover_bot(self.ports(), bot))
    }

    /// Ends all faults, then lets recovery run as it would, until nothing changes any more.
    pub fn heal(&self, bots: &[BotId], runs: u32) {
        self.exchange.heal();
        self.queue.close(false);
        for _ in 0..runs {
            self.quiet();
            for bot in bots {
                self.recover(bot);
            }
            self.quiet();
            self.advance(trading::RECOVERY_EVERY);
        }
        self.quiet();
    }

    /// Lays a bot's grid: one run of recovery, and what follows from it.
    pub fn lay(&self, bot: &BotId) {
        self.recover(bot);
        self.quiet();
    }

    /// A trade in the outside market at this price, large enough for everything that rests there.
    pub fn print(&self, symbol: &str, price: &str) {
        let wanted = (crate::decimal(price), crate::decimal("1000000000"));
        self.exchange
            .with_model(|model, now| model.print(now, symbol, wanted))
            .unwrap();
    }

    /// The ids of all open orders on a symbol, ascending.
    pub fn open_order_ids(&self, symbol: &str) -> Vec<u64> {
        self.exchange
            .with_model(|model, _| model.open_order_ids(symbol))
    }

    /// The operator wants something else of a bot.
    pub fn desire(&self, bot: &BotId, desired: DesiredStatus) {
        self.store.change_bot(bot, |bot| bot.desired = desired);
    }

    /// A level as it is recorded now.
    #[must_use]
    pub fn level(&self, bot: &BotId, index: u16) -> Level {
        self.store.level_now(bot, index)
    }

    /// The state of a level's order now.
    #[must_use]
    pub fn state(&self, bot: &BotId, index: u16) -> OrderState {
        self.level(bot, index).order.unwrap().state
    }

    /// The local time.
    #[must_use]
    pub fn now(&self) -> LocalTime {
        self.clock.now()
    }
}

const fn name_of(decision: &FillDecision) -> &'static str {
    match decision {
        FillDecision::NotOurs(_) => "NotOurs",
        FillDecision::Duplicate => "Duplicate",
        FillDecision::Noted(_) => "Noted",
        FillDecision::Book { .. } => "Book",
        FillDecision::Missing(_) => "Missing",
        FillDecision::Passed(_) => "Passed",
        FillDecision::SecondOrder(_) => "SecondOrder",
        FillDecision::BookAside { .. } => "BookAside",
        FillDecision::Quarantine(..) => "Quarantine",
    }
}

/// The name of a value's variant, as its author wrote it.
pub(crate) fn variant(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let end = text.find(|c: char| !c.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}
