//! Which levels this process has changed, for whoever shows them: so that they need not be looked for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use bridge::Delays;
use domain::{BotId, LevelIndex};

/// How many of a bot's last reactions are kept.
const REACTIONS: usize = 2_000;

/// A level, or all levels of a bot.
pub type Touched = (BotId, Option<LevelIndex>);

/// What was changed since it was asked for last. Nothing is noted while nobody asks.
#[derive(Debug, Default)]
pub struct Changes {
    touched: Mutex<Option<BTreeSet<Touched>>>,
    reactions: Mutex<BTreeMap<BotId, VecDeque<u64>>>,
    reaction_times: Mutex<Delays>,
}

impl Changes {
    /// What was changed since this was called last; from the first call on it is noted.
    #[must_use]
    pub fn take(&self) -> BTreeSet<Touched> {
        let taken = self
            .touched
            .lock()
            .ok()
            .and_then(|mut touched| touched.replace(BTreeSet::new()));
        taken.unwrap_or_default()
    }

    /// Nobody asks any more.
    pub fn stop(&self) {
        if let Ok(mut touched) = self.touched.lock() {
            *touched = None;
        }
    }

    /// The last times from a report to the acceptance of the order that followed, of one bot, in
    /// milliseconds.
    #[must_use]
    pub fn reactions_ms(&self, bot: &BotId) -> Vec<u64> {
        let reactions = self.reactions.lock().ok();
        let of_bot = reactions.and_then(|reactions| {
            let of_bot = reactions.get(bot)?;
            Some(of_bot.iter().copied().collect())
        });
        of_bot.unwrap_or_default()
    }

    pub(super) fn touch(&self, bot: &BotId, level: Option<LevelIndex>) {
        if let Ok(mut touched) = self.touched.lock()
            && let Some(touched) = touched.as_mut()
        {
            touched.insert((bot.clone(), level));
        }
    }

    /// All times from a report to the acceptance of the order that followed since the process started, counted
    /// by length.
    #[must_use]
    pub fn reaction_times(&self) -> Delays {
        let times = self.reaction_times.lock();
        times.map(|times| times.clone()).unwrap_or_default()
    }

    pub(super) fn reacted(&self, bot: &BotId, took_ms: u64) {
        if let Ok(mut times) = self.reaction_times.lock() {
            times.note(Duration::from_millis(took_ms));
        }
        let Ok(mut reactions) = self.reactions.lock() else {
            return;
        };
        let of_bot = reactions.entry(bot.clone()).or_default();
        if of_bot.len() >= REACTIONS {
            of_bot.pop_front();
        }
        of_bot.push_back(took_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_noted_once_while_somebody_asks() {
        let changes = Changes::default();
        let bot: BotId = "somebot".parse().unwrap();
        changes.touch(&bot, None);
        assert!(changes.take().is_empty());
        for _ in 0..2 {
            changes.touch(&bot, Some(LevelIndex(7)));
        }
        assert_eq!(
            Vec::from_iter(changes.take()),
            [(bot.clone(), Some(LevelIndex(7)))]
        );
        assert!(changes.take().is_empty());
        changes.stop();
        changes.touch(&bot, None);
        assert!(changes.take().is_empty());
    }

    #[test]
    fn the_last_reactions_of_each_bot_are_kept() {
        let changes = Changes::default();
        let (one, other): (BotId, BotId) = ("first".parse().unwrap(), "other".parse().unwrap());
        for took in 0..=REACTIONS {
            changes.reacted(&one, took.try_into().unwrap());
        }
        let kept = changes.reactions_ms(&one);
        assert_eq!((kept.len(), kept.first()), (REACTIONS, Some(&1)));
        assert!(changes.reactions_ms(&other).is_empty());
    }
}
