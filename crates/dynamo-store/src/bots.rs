//! Bots: created all at once, listed, changed by version, and removed from the listings.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{AccountId, Bot, BotId, DesiredStatus, Level, LevelIndex, LocalTime, ObservedStatus};
use trading::{BotStore, Claim, DueBot, MAX_LEVELS, StoreError};

use crate::DynamoStore;
use crate::account_item::BOTS_OF_ACCOUNT;
use crate::expression::Expression;
use crate::item::{Attributes, Record, keyed, number, record_item, text};
use crate::key::{self, Key};
use crate::level_item::{MARK, to_item};
use crate::mark::Mark;
use crate::write::{TRANSACTION_ITEMS, Transaction, Write, check_formats};

/// How often removing a bot starts over when its due time changes in between.
const REMOVE_TRIES: usize = 8;

impl BotStore for DynamoStore {
    /// The account must exist. The levels come first, in transactions of up to 100; a bot whose
    /// record is missing is invisible, and its id cannot be used again.
    async fn create_bot(&self, bot: &Bot, levels: &[Level]) -> Result<(), StoreError> {
        check_levels(bot, levels)?;
        let exists = || {
            StoreError::Invalid(format!(
                "a bot {} exists already, or was begun; draw a new id",
                bot.id
            ))
        };
        let mark = self.marks.next();
        for chunk in levels.chunks(TRANSACTION_ITEMS) {
            let parts = chunk
                .iter()
                .map(|level| {
                    Self::part(Expression::absent().put(&self.table, to_item(level, &mark)?))
                })
                .collect::<Result<Vec<_>, StoreError>>()?;
            if let Transaction::Refused(refused) = self.transact(parts).await?
                && !refused.iter().all(|(_, old)| bears(old.as_ref(), &mark))
            {
                return Err(exists());
            }
        }
        let parts = self.creation(bot, &mark)?;
        match self.transact(parts).await? {
            Transaction::Done => Ok(()),
            Transaction::Refused(refused) => match refused.first() {
                Some((0, old)) if bears(old.as_ref(), &mark) => Ok(()),
                Some((1, None)) => Err(StoreError::Invalid(format!(
                    "there is no account {}; add it first",
                    bot.account
                ))),
                Some((1, Some(account))) => {
                    account.check_format()?;
                    Err(account.corrupt("its number of bots is missing"))
                }
                _ => Err(exists()),
            },
        }
    }

    async fn bot(&self, id: &BotId) -> Result<Option<Bot>, StoreError> {
        let record = self.read_one(&Key::bot(id)).await?;
        record.as_ref().map(Record::decode).transpose()
    }

    async fn bot_ids(&self, account: Option<&AccountId>) -> Result<Vec<BotId>, StoreError> {
        let listing = match account {
            Some(account) => {
                let partition = key::account_partition(account);
                self.read_range(&partition, key::BOT_OF_ACCOUNT).await?
            }
            None => self.read_range(key::BOTS, "").await?,
        };
        let mut ids = listing
            .iter()
            .map(|entry| entry.parsed("bot"))
            .collect::<Result<Vec<BotId>, StoreError>>()?;
        ids.sort();
        Ok(ids)
    }

    async fn bots(&self, account: Option<&AccountId>) -> Result<Vec<Bot>, StoreError> {
        let ids = self.bot_ids(account).await?;
        let keys: Vec<Key> = ids.iter().map(Key::bot).collect();
        let records = self.read(&keys).await?;
        let mut bots: Vec<Bot> = records
            .iter()
            .map(Record::decode)
            .collect::<Result<_, _>>()?;
        bots.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(bots)
    }

    async fn update_bot(&self, expected_version: u64, bot: &Bot) -> Result<Claim, StoreError> {
        if expected_version.checked_add(1) != Some(bot.version) {
            return Err(StoreError::Invalid(format!(
                "bot {} read at version {expected_version} must be written as the next one, not \
                 as {}",
                bot.id, bot.version
            )));
        }
        let mark = self.marks.next();
        let condition = Expression::present().require("version", number(expected_version));
        match self.put(bot_item(bot, &mark)?, &condition).await? {
            Write::Done => Ok(Claim::Won),
            Write::Refused(None) => Err(no_bot(&bot.id)),
            Write::Refused(Some(old)) => {
                old.check_format()?;
                Ok(if bears(Some(&old), &mark) {
                    Claim::Won
                } else {
                    Claim::Lost
                })
            }
        }
    }

    /// Its own record, levels, fills and story stay; it is found by its id alone from then on.
    /// Removing it again changes nothing.
    async fn remove_bot(&self, id: &BotId) -> Result<(), StoreError> {
        for _ in 0..REMOVE_TRIES {
            let bot = self.bot(id).await?.ok_or_else(|| no_bot(id))?;
            if bot.observed != ObservedStatus::Stopped {
                return Err(StoreError::Invalid(format!(
                    "bot {id} is {}, not stopped; stop it first",
                    bot.observed
                )));
            }
            if !matches!(
                bot.desired,
                DesiredStatus::Stopped | DesiredStatus::StoppedAndSold
            ) {
                return Err(StoreError::Invalid(format!(
                    "bot {id} is to be {}; stop it first",
                    bot.desired
                )));
            }
            let Some(due_at) = self.due_at(id).await? else {
                return Ok(());
            };
            let parts = self.removal(&bot, due_at)?;
            match self.transact(parts).await? {
                Transaction::Done => return Ok(()),
                Transaction::Refused(refused) => check_formats(&refused)?,
            }
        }
        Err(StoreError::Throttled(format!(
            "bot {id} kept changing while it was removed"
        )))
    }

    async fn due_bots(&self, now: LocalTime, limit: usize) -> Result<Vec<DueBot>, StoreError> {
        self.due_at_most(now, limit).await
    }

    async fn claim_due(&self, due: &DueBot, next: LocalTime) -> Result<Claim, StoreError> {
        self.move_claimed(due, next).await
    }

    async fn make_due(&self, bot: &BotId, at: LocalTime) -> Result<(), StoreError> {
        self.move_earlier(bot, at).await
    }
}

impl DynamoStore {
    /// The transaction that makes a new bot visible.
    fn creation(&self, bot: &Bot, mark: &Mark) -> Result<Vec<TransactWriteItem>, StoreError> {
        let table = &self.table;
        let listed = |key: &Key| keyed(key, listing(&bot.id));
        let account = Expression::present().add(BOTS_OF_ACCOUNT, 1);
        let parts = [
            Expression::absent().put(table, bot_item(bot, mark)?),
            account.update(table, &Key::account(&bot.account)),
            Expression::new().put(table, listed(&Key::bot_listing(&bot.id))),
            Expression::new().put(table, listed(&Key::bot_of_account(&bot.account, &bot.id))),
        ];
        let mut parts = parts
            .into_iter()
            .map(Self::part)
            .collect::<Result<Vec<_>, _>>()?;
        parts.extend(self.first_due(bot)?);
        Ok(parts)
    }

    /// The transaction that takes a stopped bot off the listings.
    fn removal(&self, bot: &Bot, due_at: LocalTime) -> Result<Vec<TransactWriteItem>, StoreError> {
        let table = &self.table;
        let unchanged = Expression::new().require("version", number(bot.version));
        let account = Expression::present().add(BOTS_OF_ACCOUNT, -1);
        let parts = [
            unchanged.check(table, &Key::bot(&bot.id)),
            account.update(table, &Key::account(&bot.account)),
            Expression::new().delete(table, &Key::bot_listing(&bot.id)),
            Expression::new().delete(table, &Key::bot_of_account(&bot.account, &bot.id)),
        ];
        let mut parts = parts
            .into_iter()
            .map(Self::part)
            .collect::<Result<Vec<_>, _>>()?;
        parts.extend(self.last_due(&bot.id, due_at)?);
        Ok(parts)
    }
}

fn bot_item(bot: &Bot, mark: &Mark) -> Result<Attributes, StoreError> {
    let mut item = record_item(&Key::bot(&bot.id), bot)?;
    item.insert(MARK.to_owned(), text(mark.as_str()));
    Ok(item)
}

fn listing(bot: &BotId) -> Attributes {
    Attributes::from([("bot".to_owned(), text(bot.as_str()))])
}

fn bears(old: Option<&Record>, mark: &Mark) -> bool {
    old.and_then(|old| old.text(MARK).ok()) == Some(mark.as_str())
}

pub(crate) fn no_bot(id: &BotId) -> StoreError {
    StoreError::Invalid(format!("there is no bot {id}"))
}

/// Checks that the levels are those of the bot, numbered from 0 without a gap.
fn check_levels(bot: &Bot, levels: &[Level]) -> Result<(), StoreError> {
    let most = usize::try_from(MAX_LEVELS).unwrap_or(usize::MAX);
    if levels.is_empty() || levels.len() > most || levels.len() != usize::from(bot.levels) {
        return Err(StoreError::Invalid(format!(
            "bot {} says it has {} levels and comes with {}; it may have 1 to {MAX_LEVELS}",
            bot.id,
            bot.levels,
            levels.len()
        )));
    }
    let in_order = (0..=u16::MAX)
        .map(LevelIndex)
        .zip(levels)
        .all(|(index, level)| level.index == index && level.bot == bot.id);
    if in_order {
        Ok(())
    } else {
        Err(StoreError::Invalid(format!(
            "the levels of bot {} must be its own, numbered from 0 without a gap",
            bot.id
        )))
    }
}
