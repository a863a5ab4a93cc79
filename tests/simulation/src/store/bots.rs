//! Bots and when they are due.

use domain::{AccountId, Bot, BotId, DesiredStatus, Level, LevelIndex, LocalTime, ObservedStatus};
use trading::{BotStore, Claim, DueBot, MAX_LEVELS, StoreError};

use super::{MemoryStore, Operation};

impl BotStore for MemoryStore {
    async fn create_bot(&self, bot: &Bot, levels: &[Level]) -> Result<(), StoreError> {
        self.call("create_bot", |tables| {
            let own = (0..bot.levels).map(|index| (&bot.id, LevelIndex(index)));
            let fits = (1..=MAX_LEVELS).contains(&u32::from(bot.levels));
            if !fits || !own.eq(levels.iter().map(|level| (&level.bot, level.index))) {
                let text = format!("not the levels of bot {}", bot.id);
                return Err(StoreError::Invalid(text));
            }
            if tables.bots.contains_key(&bot.id) {
                return Err(StoreError::Invalid(format!("a bot {} exists", bot.id)));
            }
            if !tables.accounts.contains_key(&bot.account) {
                return Err(StoreError::Invalid(format!("no account {}", bot.account)));
            }
            for level in levels {
                let key = (bot.id.clone(), level.index);
                tables.levels.insert(key, level.clone());
            }
            let due = DueBot {
                bot: bot.id.clone(),
                account: bot.account.clone(),
                due_at: bot.created_at,
            };
            tables.listed.insert(bot.id.clone(), due);
            tables.bots.insert(bot.id.clone(), bot.clone());
            tables.log(|| Operation::CreateBot(Box::new(bot.clone()), levels.to_vec()));
            Ok(())
        })
        .await
    }

    async fn bot(&self, id: &BotId) -> Result<Option<Bot>, StoreError> {
        self.call("bot", |tables| Ok(tables.bots.get(id).cloned()))
            .await
    }

    async fn bot_ids(&self, account: Option<&AccountId>) -> Result<Vec<BotId>, StoreError> {
        self.call("bot_ids", |tables| {
            let listed = tables.listed.values();
            Ok(listed
                .filter(|due| account.is_none_or(|account| due.account == *account))
                .map(|due| due.bot.clone())
                .collect())
        })
        .await
    }

    async fn bots(&self, account: Option<&AccountId>) -> Result<Vec<Bot>, StoreError> {
        self.call("bots", |tables| {
            let listed = tables.listed.keys().filter_map(|id| tables.bots.get(id));
            Ok(listed
                .filter(|bot| account.is_none_or(|account| bot.account == *account))
                .cloned()
                .collect())
        })
        .await
    }

    async fn update_bot(&self, expected_version: u64, bot: &Bot) -> Result<Claim, StoreError> {
        let effect = self.gate.clone();
        self.conditional("update_bot", move |tables| {
            if bot.version != expected_version + 1 {
                return Err(StoreError::Invalid("not the next version".to_owned()));
            }
            let stored = tables
                .bots
                .get_mut(&bot.id)
                .ok_or_else(|| StoreError::Invalid(format!("no bot {}", bot.id)))?;
            if stored.version != expected_version {
                tables.log(|| {
                    Operation::UpdateBot(expected_version, Box::new(bot.clone()), Claim::Lost)
                });
                return Ok(Claim::Lost);
            }
            *stored = bot.clone();
            let seen = (effect.effects(), bot.observed);
            tables
                .observed
                .entry(bot.id.clone())
                .or_default()
                .push(seen);
            tables
                .log(|| Operation::UpdateBot(expected_version, Box::new(bot.clone()), Claim::Won));
            Ok(Claim::Won)
        })
        .await
    }

    async fn remove_bot(&self, id: &BotId) -> Result<(), StoreError> {
        self.call("remove_bot", |tables| match tables.bots.get(id) {
            Some(bot)
                if bot.observed == ObservedStatus::Stopped
                    && matches!(
                        bot.desired,
                        DesiredStatus::Stopped | DesiredStatus::StoppedAndSold
                    ) =>
            {
                tables.listed.remove(id);
                Ok(())
            }
            Some(_) | None => Err(StoreError::Invalid(format!(
                "bot {id} is not at rest, or not for good"
            ))),
        })
        .await
    }

    async fn due_bots(&self, now: LocalTime, limit: usize) -> Result<Vec<DueBot>, StoreError> {
        self.call("due_bots", |tables| {
            let mut due: Vec<DueBot> = tables
                .listed
                .values()
                .filter(|due| due.due_at <= now)
                .cloned()
                .collect();
            due.sort_by_key(|due| due.due_at);
            due.truncate(limit);
            Ok(due)
        })
        .await
    }

    async fn claim_due(&self, due: &DueBot, next: LocalTime) -> Result<Claim, StoreError> {
        self.conditional("claim_due", |tables| {
            match tables.listed.get_mut(&due.bot) {
                Some(listed) if listed.due_at == due.due_at => {
                    let soonest = LocalTime::from_millis(due.due_at.as_millis() + 1);
                    listed.due_at = next.max(soonest);
                    Ok(Claim::Won)
                }
                Some(_) | None => Ok(Claim::Lost),
            }
        })
        .await
    }

    async fn make_due(&self, bot: &BotId, at: LocalTime) -> Result<(), StoreError> {
        self.call("make_due", |tables| {
            match tables.listed.get_mut(bot) {
                Some(listed) => listed.due_at = listed.due_at.min(at),
                None if tables.bots.contains_key(bot) => {}
                None => return Err(StoreError::Invalid(format!("no bot {bot}"))),
            }
            Ok(())
        })
        .await
    }
}
