//! Levels, their ledger and their story.

use domain::{AccountId, BotId, Level, LevelIndex, LocalTime, OrderNumber};
use trading::{
    Claim, CommitOutcome, EventRecord, FillCommit, FillRecord, LevelStore, Listing, Loaded,
    MAX_FILLS_PER_COMMIT, SettleOutcome, Settlement, StoreError,
};

use super::{FillKey, MemoryStore, Tables};
use crate::store::settle::apply;

impl LevelStore for MemoryStore {
    async fn load(
        &self,
        account: &AccountId,
        bot: &BotId,
        level: LevelIndex,
    ) -> Result<Loaded, StoreError> {
        self.call("load", |tables| {
            let known = tables.bots.get(bot).cloned();
            let level = known
                .as_ref()
                .and_then(|_| tables.levels.get(&(bot.clone(), level)));
            Ok(Loaded {
                level: level.map(|level| read(tables, level)).transpose()?,
                bot: known,
                account: tables.accounts.get(account).cloned(),
            })
        })
        .await
    }

    async fn commit_fill(&self, commit: &FillCommit) -> Result<CommitOutcome, StoreError> {
        self.conditional("commit_fill", |tables| {
            check(commit.expected_version, &commit.level)?;
            if commit.fills.len() > MAX_FILLS_PER_COMMIT {
                return Err(StoreError::Invalid("too many fills".to_owned()));
            }
            if stored(tables, &commit.level)?.version != commit.expected_version {
                return Ok(CommitOutcome::LevelChanged);
            }
            let recorded: Vec<_> = commit
                .fills
                .iter()
                .filter(|fill| tables.fills.contains_key(&key(fill)))
                .map(|fill| fill.trade.id)
                .collect();
            if !recorded.is_empty() {
                return Ok(CommitOutcome::AlreadyRecorded(recorded));
            }
            for fill in &commit.fills {
                if tables.fills.insert(key(fill), fill.clone()).is_some() {
                    return Err(StoreError::Invalid(
                        "one fill twice in one commit".to_owned(),
                    ));
                }
            }
            write(tables, &commit.level);
            Ok(CommitOutcome::Committed)
        })
        .await
    }

    async fn claim_intent(
        &self,
        expected_version: u64,
        level: &Level,
    ) -> Result<Claim, StoreError> {
        self.conditional("claim_intent", |tables| {
            check(expected_version, level)?;
            if stored(tables, level)?.version != expected_version {
                return Ok(Claim::Lost);
            }
            write(tables, level);
            Ok(Claim::Won)
        })
        .await
    }

    async fn settle_intent(
        &self,
        bot: &BotId,
        level: LevelIndex,
        no: OrderNumber,
        settlement: &Settlement,
        now: LocalTime,
    ) -> Result<SettleOutcome, StoreError> {
        self.conditional("settle_intent", |tables| {
            let level = tables
                .levels
                .get_mut(&(bot.clone(), level))
                .ok_or_else(|| StoreError::Invalid("there is no such level".to_owned()))?;
            if !apply(level, no, settlement) {
                return Ok(SettleOutcome::MovedOn);
            }
            level.version += 1;
            level.changed_at = now;
            Ok(SettleOutcome::Settled)
        })
        .await
    }

    async fn list_levels(&self, bot: &BotId) -> Result<Listing<Level>, StoreError> {
        self.call("list_levels", |tables| {
            let of_bot = tables.levels.values().filter(|level| level.bot == *bot);
            Ok(of_bot.map(|level| read(tables, level)).collect())
        })
        .await
    }

    async fn fills_of_order(
        &self,
        bot: &BotId,
        level: LevelIndex,
        no: OrderNumber,
    ) -> Result<Vec<FillRecord>, StoreError> {
        self.call("fills_of_order", |tables| {
            let of_order = tables
                .fills
                .values()
                .filter(|fill| fill.bot == *bot && fill.level == level && fill.no == no);
            Ok(of_order.cloned().collect())
        })
        .await
    }

    async fn list_fills(
        &self,
        bot: &BotId,
        level: Option<LevelIndex>,
    ) -> Result<Listing<FillRecord>, StoreError> {
        self.call("list_fills", |tables| {
            let asked = tables
                .fills
                .values()
                .filter(|fill| fill.bot == *bot && level.is_none_or(|level| fill.level == level));
            Ok(asked.cloned().map(Ok).collect())
        })
        .await
    }

    async fn add_event(&self, event: &EventRecord) -> Result<(), StoreError> {
        self.call("add_event", |tables| {
            tables.events.push(event.clone());
            Ok(())
        })
        .await
    }

    async fn list_events(
        &self,
        bot: &BotId,
        level: Option<LevelIndex>,
    ) -> Result<Listing<EventRecord>, StoreError> {
        self.call("list_events", |tables| {
            let asked = tables.events.iter().filter(|event| {
                event.bot == *bot && level.is_none_or(|level| event.level == Some(level))
            });
            Ok(asked.cloned().map(Ok).collect())
        })
        .await
    }
}

fn key(fill: &FillRecord) -> FillKey {
    (fill.bot.clone(), fill.level, fill.no, fill.trade.id)
}

/// A level as a reader finds it: one that was damaged is an error that names it.
fn read(tables: &Tables, level: &Level) -> Result<Level, StoreError> {
    if tables.damaged.contains(&(level.bot.clone(), level.index)) {
        return Err(StoreError::Corrupt {
            key: format!("BOT#{} / LEVEL#{:04}", level.bot, level.index.0),
            detail: "its attribute \"bp\" is missing; nothing was changed".to_owned(),
        });
    }
    Ok(level.clone())
}

fn stored<'a>(tables: &'a Tables, level: &Level) -> Result<&'a Level, StoreError> {
    tables
        .levels
        .get(&(level.bot.clone(), level.index))
        .ok_or_else(|| StoreError::Invalid("there is no such level".to_owned()))
}

fn write(tables: &mut Tables, level: &Level) {
    let key = (level.bot.clone(), level.index);
    tables.levels.insert(key, level.clone());
}

fn check(expected: u64, level: &Level) -> Result<(), StoreError> {
    if level.version == expected + 1 {
        Ok(())
    } else {
        Err(StoreError::Invalid(format!(
            "level {} read at version {expected} must not become version {}",
            level.index, level.version
        )))
    }
}
