//! What is shown now, and who is told when it changes.
//!
//! The reader is the only one to write here. Whoever comes takes what is shown and a place among the listeners
//! under one lock, so that no change falls between the two.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{BotId, LevelIndex, LocalTime, Price};
use serde::Serialize;
use tokio::sync::{Notify, broadcast, watch};

use super::flow::FlowRow;
use super::rows::{
    AccountRow, BotRow, BridgeRow, FillRow, HealthState, LevelRow, PricePoint, PriceRow,
    ProfitPoint, TripRow,
};
use super::watched::Stats;
use crate::commands::story::Line;
use crate::failure::Failure;

/// How many changes a slow page may fall behind before it is given everything anew.
const KEPT: usize = 512;

/// A change as it is told.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// What kind.
    pub(super) name: &'static str,
    /// For those who watch this bot; `None`: for all.
    pub(super) bot: Option<BotId>,
    /// In JSON.
    pub(super) data: Arc<str>,
}

/// Which process serves the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ProcessRow {
    pub(super) kind: &'static str,
    pub(super) place: String,
    pub(super) version: &'static str,
    pub(super) started_at: LocalTime,
    pub(super) nobody_runs: bool,
}

/// The line that the page shows first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Health {
    pub(super) state: HealthState,
    pub(super) line: String,
    pub(super) lines: Vec<String>,
}

/// What is shown of everything but single bots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct StateShown {
    pub(super) process: ProcessRow,
    pub(super) health: Health,
    pub(super) accounts: Vec<AccountRow>,
    pub(super) bridges: Vec<BridgeRow>,
    pub(super) unreadable: Vec<String>,
}

/// A bot's grid as it was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct GridRow {
    pub(super) lower: Price,
    pub(super) upper: Price,
    pub(super) spacing: String,
    pub(super) sizing: String,
    pub(super) compounding: bool,
    pub(super) post_only: bool,
    pub(super) first_inventory: String,
    pub(super) maker_fee: String,
    pub(super) taker_fee: String,
    pub(super) tick: String,
    pub(super) step: String,
    pub(super) created_at: LocalTime,
}

/// What is shown of a bot that somebody watches.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Page {
    pub(super) bot: BotRow,
    pub(super) grid: GridRow,
    pub(super) lines: Vec<Price>,
    #[serde(serialize_with = "values")]
    pub(super) levels: BTreeMap<LevelIndex, LevelRow>,
    pub(super) fills: VecDeque<FillRow>,
    pub(super) fills_total: usize,
    pub(super) round_trips: VecDeque<TripRow>,
    pub(super) profit: VecDeque<ProfitPoint>,
    pub(super) flow: VecDeque<FlowRow>,
    pub(super) stats: Stats,
    pub(super) price: Option<PriceRow>,
    pub(super) prices: VecDeque<PricePoint>,
    pub(super) story: Vec<Line>,
    pub(super) unreadable: Vec<String>,
}

fn values<S: serde::Serializer, K, V: Serialize>(
    map: &BTreeMap<K, V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map.values())
}

/// Everything that is shown now.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) state: Option<StateShown>,
    pub(super) bots: BTreeMap<BotId, BotRow>,
    pub(super) pages: BTreeMap<BotId, Page>,
    /// Bots that were asked for and are not there.
    pub(super) gone: BTreeSet<BotId>,
    /// Why nothing newer can be read now.
    pub(super) trouble: Option<Failure>,
    watchers: BTreeMap<BotId, usize>,
    visitors: usize,
}

/// The whole overview.
#[derive(Debug, Serialize)]
struct Overview<'a> {
    now: LocalTime,
    #[serde(flatten)]
    state: &'a StateShown,
    #[serde(serialize_with = "values")]
    bots: &'a BTreeMap<BotId, BotRow>,
}

/// The place where reader and visitors meet.
#[derive(Debug)]
pub(super) struct Hub {
    shown: Mutex<Shown>,
    sender: broadcast::Sender<Told>,
    /// Somebody came, or watches another bot.
    pub(super) asked: Notify,
    /// Something was written that is to be seen at once.
    hurried: AtomicBool,
    /// How often everything was looked at.
    passes: watch::Sender<u64>,
}

/// Somebody who looks; while it lives, what it watches is kept up to date.
#[derive(Debug)]
pub(super) struct Visit {
    hub: Arc<Hub>,
    bot: Option<BotId>,
}

impl Hub {
    pub(super) fn new() -> Arc<Self> {
        let (sender, _) = broadcast::channel(KEPT);
        let (passes, _) = watch::channel(0);
        Arc::new(Self {
            shown: Mutex::default(),
            sender,
            asked: Notify::new(),
            hurried: AtomicBool::new(false),
            passes,
        })
    }

    /// What is shown, to be looked at or changed at one go.
    pub(super) fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Comes to look, at one bot or at the overview only.
    pub(super) fn visit(self: &Arc<Self>, bot: Option<BotId>) -> Visit {
        let mut shown = self.shown();
        shown.visitors = shown.visitors.saturating_add(1);
        if let Some(bot) = &bot {
            let watchers = shown.watchers.entry(bot.clone()).or_insert(0);
            *watchers = watchers.saturating_add(1);
        }
        drop(shown);
        self.asked.notify_one();
        Visit {
            hub: Arc::clone(self),
            bot,
        }
    }

    /// Tells a change to whoever it concerns. To be called with what is shown in hand, after changing it.
    pub(super) fn tell<T: Serialize>(&self, name: &'static str, bot: Option<&BotId>, data: &T) {
        if self.sender.receiver_count() == 0 {
            return;
        }
        self.tell_json(name, bot, json(data));
    }

    /// The same with what is JSON already.
    pub(super) fn tell_json(&self, name: &'static str, bot: Option<&BotId>, data: Arc<str>) {
        let told = Told {
            name,
            bot: bot.cloned(),
            data,
        };
        // Nobody listening is no fault.
        drop(self.sender.send(told));
    }

    /// Listens to changes from now on. To be called with what is shown in hand.
    pub(super) fn listen(&self) -> broadcast::Receiver<Told> {
        self.sender.subscribe()
    }

    /// Has everything looked at now, as something was written.
    pub(super) fn hurry(&self) {
        self.hurried.store(true, Ordering::Release);
        self.asked.notify_one();
    }

    /// Whether something was written since this was asked last.
    pub(super) fn is_hurried(&self) -> bool {
        self.hurried.swap(false, Ordering::AcqRel)
    }

    /// Says that everything was looked at once more.
    pub(super) fn looked(&self) {
        self.passes
            .send_modify(|passes| *passes = passes.saturating_add(1));
    }

    /// How often everything was looked at, to be waited on.
    pub(super) fn passes(&self) -> watch::Receiver<u64> {
        self.passes.subscribe()
    }
}

impl Shown {
    /// Whether anybody looks.
    pub(super) const fn has_visitors(&self) -> bool {
        self.visitors > 0
    }

    /// The bots that somebody watches.
    pub(super) fn watched(&self) -> BTreeSet<BotId> {
        self.watchers.keys().cloned().collect()
    }

    /// The whole overview in JSON; `None` before it was read.
    pub(super) fn overview(&self, now: LocalTime) -> Option<Arc<str>> {
        let state = self.state.as_ref()?;
        Some(json(&Overview {
            now,
            state,
            bots: &self.bots,
        }))
    }

    /// A watched bot in JSON; `None` before it was read.
    pub(super) fn page(&self, bot: &BotId) -> Option<Arc<str>> {
        self.pages.get(bot).map(json)
    }
}

impl Visit {
    pub(super) const fn bot(&self) -> Option<&BotId> {
        self.bot.as_ref()
    }

    pub(super) const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut shown = self.hub.shown();
        shown.visitors = shown.visitors.saturating_sub(1);
        let Some(bot) = &self.bot else {
            return;
        };
        let Some(watchers) = shown.watchers.get_mut(bot) else {
            return;
        };
        *watchers = watchers.saturating_sub(1);
        if *watchers == 0 {
            shown.watchers.remove(bot);
        }
    }
}

/// A value in JSON. What is shown are plain rows, which always can be written.
pub(super) fn json<T: Serialize>(value: &T) -> Arc<str> {
    match serde_json::to_string(value) {
        Ok(text) => text.into(),
        Err(error) => {
            tracing::error!(%error, "a row cannot be written as JSON");
            "{}".into()
        }
    }
}
