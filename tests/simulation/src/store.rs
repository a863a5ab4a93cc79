//! The table as a value in memory, with the same conditional writes as the real one.
//!
//! Entry point: [`MemoryStore`]. It writes the rules of `trading::LevelStore` and its siblings down
//! once more, independently, so that the use cases are judged by the contract and not by one
//! implementation. It never merges or repairs anything.

mod accounts;
mod bots;
mod levels;
mod operation;
mod settle;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use domain::{AccountId, Bot, BotId, Level, LevelIndex, ObservedStatus, OrderNumber, TradeId};
use trading::{
    AccountRecord, Claim, DueBot, EventRecord, FillCommit, FillRecord, Heartbeat, SealedKey,
    StoreError,
};

pub use operation::Operation;

use crate::gate::Gate;
use crate::world::variant;

/// What goes wrong with one call of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFault {
    /// Nothing is read or written.
    Before,
    /// It is written, but the answer is lost.
    After,
    /// Turned away: too many requests, or a transaction that met another one.
    Throttled,
}

type FillKey = (BotId, LevelIndex, OrderNumber, TradeId);

/// Everything the table holds.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) bots: BTreeMap<BotId, Bot>,
    pub(crate) listed: BTreeMap<BotId, DueBot>,
    pub(crate) levels: BTreeMap<(BotId, LevelIndex), Level>,
    pub(crate) damaged: BTreeSet<(BotId, LevelIndex)>,
    pub(crate) fills: BTreeMap<FillKey, FillRecord>,
    pub(crate) events: Vec<EventRecord>,
    pub(crate) accounts: BTreeMap<AccountId, AccountRecord>,
    pub(crate) heartbeats: BTreeMap<String, Heartbeat>,
    trade_keys: BTreeMap<AccountId, SealedKey>,
    /// What every bot was observed to be, by the number of the effect.
    pub(crate) observed: BTreeMap<BotId, Vec<(u64, ObservedStatus)>>,
    /// How often each conditional write had which outcome.
    pub(crate) outcomes: BTreeMap<(&'static str, String), u64>,
    /// Commits that a mistaken handler writes only once it has sent the order.
    pub(crate) unmarked: BTreeMap<(BotId, LevelIndex), FillCommit>,
    /// Everything that was read and written, with what came of it, if anybody wants to know.
    operations: Option<Vec<Operation>>,
    script: VecDeque<(&'static str, StoreFault)>,
}

/// The store of a simulated system.
#[derive(Debug)]
pub struct MemoryStore {
    gate: Arc<Gate>,
    tables: Mutex<Tables>,
}

/// A copy of what bots, levels and their ledger were at a moment.
#[derive(Debug)]
pub struct Copied {
    bots: BTreeMap<BotId, Bot>,
    levels: BTreeMap<(BotId, LevelIndex), Level>,
    fills: BTreeMap<FillKey, FillRecord>,
    events: Vec<EventRecord>,
}

impl MemoryStore {
    /// Takes a copy, as a backup does.
    #[must_use]
    pub fn copy(&self) -> Copied {
        let tables = self.tables();
        Copied {
            bots: tables.bots.clone(),
            levels: tables.levels.clone(),
            fills: tables.fills.clone(),
            events: tables.events.clone(),
        }
    }

    /// Puts a copy in place of what there is.
    pub fn restore(&self, copied: Copied) {
        let mut tables = self.tables();
        tables.bots = copied.bots;
        tables.levels = copied.levels;
        tables.fills = copied.fills;
        tables.events = copied.events;
    }

    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        Self {
            gate,
            tables: Mutex::default(),
        }
    }

    /// A store of its own, every call of which takes effect at once.
    #[must_use]
    pub fn open() -> Self {
        Self::new(Arc::new(Gate::open()))
    }

    /// Makes the next call of this name go wrong.
    pub fn fail_next(&self, call: &'static str, fault: StoreFault) {
        self.tables().script.push_back((call, fault));
    }

    /// Ends all faults that have not happened yet.
    pub fn recover_from_faults(&self) {
        self.tables().script.clear();
    }

    /// Makes a level's record unreadable, or readable again.
    pub fn damage_level(&self, bot: &BotId, index: u16, damaged: bool) {
        let key = (bot.clone(), LevelIndex(index));
        let mut tables = self.tables();
        if damaged {
            tables.damaged.insert(key);
        } else {
            tables.damaged.remove(&key);
        }
    }

    /// The tables, for looking at them outside of any task.
    pub(crate) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap()
    }

    /// A level as it is recorded now.
    #[must_use]
    pub fn level_now(&self, bot: &BotId, index: u16) -> Level {
        self.tables().levels[&(bot.clone(), LevelIndex(index))].clone()
    }

    /// A bot as it is recorded now.
    #[must_use]
    pub fn bot_now(&self, bot: &BotId) -> Bot {
        self.tables().bots[bot].clone()
    }

    /// An account as it is recorded now.
    #[must_use]
    pub fn account_now(&self, account: &AccountId) -> AccountRecord {
        self.tables().accounts[account].clone()
    }

    /// The whole ledger, by bot, level, number and trade.
    #[must_use]
    pub fn ledger_now(&self) -> Vec<FillRecord> {
        self.tables().fills.values().cloned().collect()
    }

    /// The whole story, oldest first.
    #[must_use]
    pub fn story_now(&self) -> Vec<EventRecord> {
        self.tables().events.clone()
    }

    /// Changes a bot's record as the operator would.
    pub fn change_bot(&self, bot: &BotId, change: impl FnOnce(&mut Bot)) {
        let mut tables = self.tables();
        let bot = tables.bots.get_mut(bot).unwrap();
        let before = bot.version;
        change(bot);
        bot.version += 1;
        let after = Box::new(bot.clone());
        tables.log(|| Operation::UpdateBot(before, after, Claim::Won));
    }

    /// Changes a level's record as nobody would.
    pub fn change_level(&self, bot: &BotId, index: u16, change: impl FnOnce(&mut Level)) {
        let mut tables = self.tables();
        let level = tables.levels.get_mut(&(bot.clone(), LevelIndex(index)));
        change(level.unwrap());
    }

    /// Changes an account's record as the bridge or the operator would.
    pub fn change_account(&self, account: &AccountId, change: impl FnOnce(&mut AccountRecord)) {
        let mut tables = self.tables();
        let record = tables.accounts.get_mut(account).unwrap();
        change(record);
        let (id, breaker) = (record.id.clone(), record.breaker.clone());
        tables.log(|| Operation::SetBreaker(id, breaker));
    }

    /// Writes down from now on what is read and written.
    pub fn keep_operations(&self) {
        self.tables().operations = Some(Vec::new());
    }

    /// What was read and written.
    #[must_use]
    pub fn take_operations(&self) -> Vec<Operation> {
        self.tables().operations.take().unwrap_or_default()
    }

    /// One conditional write, counted by its outcome.
    async fn conditional<T: std::fmt::Debug>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut Tables) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        self.call(name, |tables| {
            let outcome = work(tables)?;
            let key = (name, variant(&outcome));
            *tables.outcomes.entry(key).or_insert(0) += 1;
            self.gate.answered(&outcome);
            Ok(outcome)
        })
        .await
    }

    /// One round trip to the table.
    async fn call<T>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut Tables) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        self.gate.pass(name).await;
        let mut tables = self.tables();
        let next = tables.script.iter().position(|(call, _)| *call == name);
        let fault = next
            .and_then(|at| tables.script.remove(at))
            .map(|(_, fault)| fault);
        match fault {
            None => work(&mut tables),
            Some(StoreFault::Before) => Err(unavailable(name)),
            Some(StoreFault::Throttled) => {
                Err(StoreError::Throttled(format!("{name} was turned away")))
            }
            Some(StoreFault::After) => {
                work(&mut tables)?;
                Err(unavailable(name))
            }
        }
    }
}

impl Tables {
    /// Writes an operation down, if that is wanted.
    fn log(&mut self, operation: impl FnOnce() -> Operation) {
        if let Some(operations) = &mut self.operations {
            operations.push(operation());
        }
    }
}

fn unavailable(name: &str) -> StoreError {
    StoreError::Unavailable(format!("no answer to {name}"))
}
