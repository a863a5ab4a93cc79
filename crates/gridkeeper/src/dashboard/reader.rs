//! Reads the records while somebody looks, as seldom as will do, and tells what changed.
//!
//! Start at [`Reader::run`]. In the process that trades, a changed level is read because the process knows that
//! it changed; bots and accounts are read every few seconds, and levels in turn, so that nothing stays wrong for
//! long whoever wrote it. Elsewhere only the reading in turn is left. Nothing is read while nobody looks.

mod look;
mod tell;

#[cfg(test)]
pub(super) use tell::grid;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::{BotId, LocalTime};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use trading::Clock as _;

use super::hub::{Hub, ProcessRow};
use super::model::{Common, Known};
use super::prices::Prices;
use super::source::{Source, Stamp};
use super::watched::Watched;
use crate::clock::SystemClock;
use crate::commands::story::Line;
use crate::failure::Failure;
use crate::home::{Home, Keeper};
use crate::node::Flow;

/// Between two looks: what changes meanwhile is told at once after.
const BETWEEN: Duration = Duration::from_millis(250);

/// How long reading goes on after the last visitor has left: a page that is loaded anew finds everything there.
const LINGER: Duration = Duration::from_secs(20);

/// How often a look is tried again that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How often what is read without knowing of a change.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Bots, accounts and bridges.
    common: Duration,
    /// The levels of a watched bot.
    watched: Duration,
    /// The levels of one of the others, in turn.
    turn: Duration,
}

impl Pace {
    /// In the process that trades, which knows what it changes.
    const HERE: Self = Self {
        common: Duration::from_secs(2),
        watched: Duration::from_secs(1),
        turn: Duration::from_secs(1),
    };
    /// On this machine.
    const NEAR: Self = Self {
        common: Duration::from_secs(2),
        watched: Duration::from_millis(500),
        turn: Duration::from_millis(250),
    };
    /// On AWS, where each read is paid for.
    const FAR: Self = Self {
        common: Duration::from_secs(10),
        watched: Duration::from_secs(3),
        turn: Duration::from_secs(2),
    };
}

/// When something was done last.
#[derive(Debug, Default)]
struct Timer(Option<Instant>);

impl Timer {
    /// Whether it is to be done now, which counts as done.
    fn is_due(&mut self, every: Duration) -> bool {
        let now = Instant::now();
        let due = self.0.is_none_or(|last| now.duration_since(last) >= every);
        if due {
            self.0 = Some(now);
        }
        due
    }

    /// One of what was done just now.
    fn now() -> Self {
        Self(Some(Instant::now()))
    }

    fn reset(&mut self) {
        self.0 = None;
    }
}

/// What is kept of a bot that is watched.
#[derive(Debug)]
struct Watching {
    watched: Watched,
    story: Vec<Line>,
    unreadable: Vec<String>,
    /// Levels whose fills did not come to what they hold, and since when.
    doubted: BTreeMap<domain::LevelIndex, Instant>,
    swept: Timer,
    told_stats: Timer,
    stats_changed: bool,
}

/// What changed since it was told last.
#[derive(Debug, Default)]
struct Changed {
    /// Rows in the overview.
    rows: BTreeSet<BotId>,
    /// Levels of watched bots.
    levels: BTreeSet<(BotId, domain::LevelIndex)>,
    /// Bots whose price is new.
    prices: BTreeSet<BotId>,
    /// Rows in the overview in which nothing but the price is new.
    priced: BTreeSet<BotId>,
}

/// Reads and tells.
#[derive(Debug)]
pub(super) struct Reader {
    hub: Arc<Hub>,
    source: Arc<Source>,
    flow: Option<Arc<Flow>>,
    kind: &'static str,
    started_at: LocalTime,
    bots: BTreeMap<BotId, Known>,
    common: Common,
    watching: BTreeMap<BotId, Watching>,
    /// Watched bots whose ledger was read anew.
    to_show: BTreeSet<BotId>,
    prices: Prices,
    unreadable: Vec<String>,
    changed: Changed,
    loaded: bool,
    stamp: Option<Stamp>,
    common_read: Timer,
    turned: Timer,
    repriced: Timer,
    turn: Option<BotId>,
}

impl Reader {
    /// A reader of what is kept at `source`. `flow` is the one of the process that trades, if this is it.
    pub(super) fn new(
        hub: Arc<Hub>,
        source: Arc<Source>,
        flow: Option<Arc<Flow>>,
        kind: &'static str,
    ) -> Self {
        Self {
            hub,
            source,
            flow,
            kind,
            started_at: SystemClock.now(),
            bots: BTreeMap::new(),
            common: Common::default(),
            watching: BTreeMap::new(),
            to_show: BTreeSet::new(),
            prices: Prices::default(),
            unreadable: Vec::new(),
            changed: Changed::default(),
            loaded: false,
            stamp: None,
            common_read: Timer::default(),
            turned: Timer::default(),
            repriced: Timer::default(),
            turn: None,
        }
    }

    /// Looks as long as somebody is there, until stopped.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut left: Option<Instant> = None;
        loop {
            let looked_at = Instant::now();
            let there = self.hub.shown().has_visitors();
            if there {
                left = None;
            } else if left.get_or_insert(looked_at).elapsed() >= LINGER {
                self.rest();
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.hub.asked.notified() => {}
                }
                left = None;
            }
            let pause = tokio::select! {
                () = stop.cancelled() => return,
                pause = self.look() => pause,
            };
            let next = looked_at + pause;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep_until(next) => {}
                () = self.hub.asked.notified() => {}
            }
        }
    }

    /// Looks once. Gives how long to wait before the next look.
    async fn look(&mut self) -> Duration {
        let mut outcome = Box::pin(self.try_look()).await;
        if outcome.is_err() && self.source.is_of_others() {
            // Whoever answered may have ended, or begun.
            self.source.forget().await;
            self.stamp = None;
            outcome = Box::pin(self.try_look()).await;
        }
        let mut shown = self.hub.shown();
        let pause = match outcome {
            Ok(()) => {
                if shown.trouble.take().is_some() {
                    self.hub.tell("recovered", None, &serde_json::json!({}));
                }
                BETWEEN
            }
            Err(failure) => {
                if shown.trouble.as_ref() != Some(&failure) {
                    self.hub.tell("trouble", None, &super::api::told(&failure));
                }
                shown.trouble = Some(failure);
                AFTER_FAILURE
            }
        };
        drop(shown);
        self.hub.looked();
        pause
    }

    async fn try_look(&mut self) -> Result<(), Failure> {
        let stamp = self.source.stamp();
        let watched = self.hub.shown().watched();
        let all_there = watched.iter().all(|bot| self.watching.contains_key(bot));
        let waits = !all_there || self.prices.is_asking();
        if self.loaded && !waits && stamp.is_some() && stamp == self.stamp {
            // Nobody works with the folder, and nothing was written: nothing is to be read.
            return Ok(());
        }
        let home = self.source.home().await?;
        Box::pin(self.read(&home, &watched)).await?;
        self.prices.ask(&home, &self.markets());
        self.tell(&home);
        let unattended = home.is_unattended();
        drop(home);
        // A folder that is held for a look only has changed by that look itself.
        self.stamp = stamp.filter(|_| unattended).and(self.source.stamp());
        Ok(())
    }

    /// Nobody looks: nothing is kept that would grow old.
    fn rest(&mut self) {
        if let Some(flow) = &self.flow {
            flow.changes().stop();
        }
        self.bots.clear();
        self.watching.clear();
        self.loaded = false;
        self.stamp = None;
        self.common_read.reset();
        let mut shown = self.hub.shown();
        shown.pages.clear();
        shown.bots.clear();
        shown.gone.clear();
        shown.state = None;
        shown.trouble = None;
    }

    fn pace(&self, home: &Home) -> Pace {
        match (&self.flow, home.keeper()) {
            (Some(_), _) => Pace::HERE,
            (None, Keeper::Up) => Pace::NEAR,
            (None, Keeper::Schedule) => Pace::FAR,
        }
    }

    fn process(&self, home: &Home) -> ProcessRow {
        ProcessRow {
            kind: self.kind,
            place: home.place().to_string(),
            version: env!("CARGO_PKG_VERSION"),
            started_at: self.started_at,
            nobody_runs: home.is_unattended(),
        }
    }

    /// The markets whose prices are of use now, and whether somebody watches a bot there.
    fn markets(&self) -> BTreeMap<super::prices::Market, bool> {
        let mut markets = BTreeMap::new();
        for (id, known) in &self.bots {
            if known.removed {
                continue;
            }
            if let Some(market) = known.market(&self.common) {
                *markets.entry(market).or_insert(false) |= self.watching.contains_key(id);
            }
        }
        markets
    }
}
