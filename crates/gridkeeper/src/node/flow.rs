//! What happens in a running process, as it happens: for the screen, and for counting.

use std::collections::BTreeMap;
use std::sync::Mutex;

use domain::{BotId, ClientOrderId, LocalTime, Price, Quantity, Side};
use serde::Serialize;
use tokio::sync::{broadcast, watch};
use trading::Placing;

use super::Changes;

/// How many happenings a slow reader may fall behind before it loses the oldest.
const KEPT: usize = 256;

/// One handled report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Happening {
    /// When it was handled.
    pub at: LocalTime,
    /// The order it was about.
    pub order: ClientOrderId,
    /// Its side.
    pub side: Side,
    /// Its price, where the report states one.
    pub price: Option<Price>,
    /// The base quantity executed so far.
    pub executed: Quantity,
    /// What the report turned out to be, in one word.
    pub outcome: &'static str,
    /// What became of the order that followed, if one was to be sent.
    pub placing: Option<&'static str>,
    /// From seeing the report to the end of its handling, in milliseconds.
    pub took_ms: u64,
}

/// Tells whoever listens, and counts.
#[derive(Debug)]
pub struct Flow {
    sender: broadcast::Sender<Happening>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    recoveries: watch::Sender<u64>,
    changes: Changes,
}

impl Default for Flow {
    fn default() -> Self {
        let (sender, _) = broadcast::channel(KEPT);
        let (recoveries, _) = watch::channel(0);
        Self {
            sender,
            counts: Mutex::default(),
            recoveries,
            changes: Changes::default(),
        }
    }
}

impl Flow {
    /// Listens from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Happening> {
        self.sender.subscribe()
    }

    /// How many runs of recovery have ended, to be waited on.
    #[must_use]
    pub fn recoveries(&self) -> watch::Receiver<u64> {
        self.recoveries.subscribe()
    }

    /// How often each kind of thing has happened.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts
            .lock()
            .map(|counts| counts.clone())
            .unwrap_or_default()
    }

    /// What was changed, for whoever shows it.
    #[must_use]
    pub const fn changes(&self) -> &Changes {
        &self.changes
    }

    pub(crate) fn tell(&self, happening: Happening) {
        self.count(happening.outcome);
        let order = &happening.order;
        self.changes.touch(&order.bot, Some(order.level));
        if happening.placing == Some(Placing::Accepted.word()) {
            self.changes.reacted(&order.bot, happening.took_ms);
        }
        if let Some(placing) = happening.placing {
            self.count(placing);
        }
        // Nobody listening is the ordinary case without a screen.
        drop(self.sender.send(happening));
    }

    /// A report changed something although its handling did not come to its end.
    pub(crate) fn touch(&self, order: &ClientOrderId) {
        self.changes.touch(&order.bot, Some(order.level));
    }

    /// A run of recovery over a bot has ended, one way or the other.
    pub(crate) fn recovered(&self, bot: &BotId) {
        self.changes.touch(bot, None);
    }

    pub(crate) fn count_recovered(&self, recovered: &trading::Recovered) {
        for (action, times) in &recovered.actions {
            self.add(action, u64::from(*times));
        }
        self.add("levels_caught_up", u64::from(recovered.levels_caught_up));
    }

    pub(crate) fn recovery_ended(&self) {
        self.recoveries
            .send_modify(|ended| *ended = ended.saturating_add(1));
    }

    pub(crate) fn count(&self, what: &'static str) {
        self.add(what, 1);
    }

    fn add(&self, what: &'static str, times: u64) {
        if let Ok(mut counts) = self.counts.lock() {
            let count = counts.entry(what).or_insert(0);
            *count = count.saturating_add(times);
        }
    }
}
