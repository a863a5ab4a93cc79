//! The due list: which bot recovery looks at next.
//!
//! Each bot has one entry in the list, whose sort key begins with its due time, and one pointer in
//! its own partition that says which entry that is. Both change together, on the condition that the
//! pointer still says what was read: so of several claims one wins, and a bot is never listed twice.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{Bot, BotId, LocalTime};
use trading::{Claim, DueBot, Listing, StoreError};

use crate::DynamoStore;
use crate::bots::no_bot;
use crate::expression::Expression;
use crate::item::{Record, number, record_item};
use crate::key::{DUE_SHARDS, Key, due_partition, due_until};
use crate::write::{Transaction, check_formats};

const DUE_AT: &str = "due_at";

/// How often moving a due time starts over when somebody else moves it.
const MOVE_TRIES: usize = 8;

impl DynamoStore {
    /// The bots due at an instant, longest due first. An entry that cannot be read is named in the
    /// log, and takes no place of those that can.
    pub(crate) async fn due_at_most(
        &self,
        now: LocalTime,
        limit: usize,
    ) -> Result<Vec<DueBot>, StoreError> {
        let until = due_until(now);
        let most = i32::try_from(limit).unwrap_or(i32::MAX).max(1);
        let mut due: Vec<DueBot> = Vec::new();
        for shard in 0..DUE_SHARDS {
            let partition = due_partition(shard);
            let mut asked = most;
            let listed = loop {
                let records = self.read_until(&partition, &until, asked).await?;
                let all = records.len() < usize::try_from(asked).unwrap_or(usize::MAX);
                let listed: Listing<DueBot> = records.iter().map(read_due).collect();
                if all || listed.readable.len() >= limit || asked == i32::MAX {
                    break listed;
                }
                asked = asked.saturating_mul(2);
            };
            due.extend(listed.warn_of_unreadable());
        }
        due.sort_by(|one, other| (one.due_at, &one.bot).cmp(&(other.due_at, &other.bot)));
        due.truncate(limit);
        Ok(due)
    }

    /// Takes a bot's entry, if it is still the one that was seen, and lists it anew. A claim must
    /// change the due time, or two could win it: `next` counts as one millisecond after the old time
    /// at the earliest.
    pub(crate) async fn move_claimed(
        &self,
        due: &DueBot,
        next: LocalTime,
    ) -> Result<Claim, StoreError> {
        let soonest = LocalTime::from_millis(due.due_at.as_millis().saturating_add(1));
        let moved = self.move_due(due, next.max(soonest)).await?;
        Ok(if moved { Claim::Won } else { Claim::Lost })
    }

    /// Lists a bot earlier than it is, or leaves it. A bot that was removed stays off the list.
    pub(crate) async fn move_earlier(&self, bot: &BotId, at: LocalTime) -> Result<(), StoreError> {
        for _ in 0..MOVE_TRIES {
            let Some(pointer) = self.pointer(bot).await? else {
                let known = self.read_one(&Key::bot(bot)).await?;
                return known.map(|_| ()).ok_or_else(|| no_bot(bot));
            };
            if pointer.due_at <= at || self.move_due(&pointer, at).await? {
                return Ok(());
            }
        }
        Err(StoreError::Throttled(format!(
            "the due time of bot {bot} kept changing"
        )))
    }

    /// When a bot is due; `None` when it is not listed.
    pub(crate) async fn due_at(&self, bot: &BotId) -> Result<Option<LocalTime>, StoreError> {
        Ok(self.pointer(bot).await?.map(|pointer| pointer.due_at))
    }

    async fn pointer(&self, bot: &BotId) -> Result<Option<DueBot>, StoreError> {
        let record = self.read_one(&Key::due_pointer(bot)).await?;
        record.as_ref().map(Record::decode).transpose()
    }

    async fn move_due(&self, due: &DueBot, at: LocalTime) -> Result<bool, StoreError> {
        let entry = DueBot {
            due_at: at,
            ..due.clone()
        };
        let (from, to) = (Key::due(&due.bot, due.due_at), Key::due(&due.bot, at));
        if from == to {
            return Ok(false);
        }
        let pointer = Expression::present()
            .require(DUE_AT, number(due.due_at))
            .set(DUE_AT, number(at));
        let parts = [
            pointer.update(&self.table, &Key::due_pointer(&due.bot)),
            Expression::new().delete(&self.table, &from),
            Expression::new().put(&self.table, record_item(&to, &entry)?),
        ];
        let parts = parts
            .into_iter()
            .map(Self::part)
            .collect::<Result<Vec<_>, _>>()?;
        match self.transact(parts).await? {
            Transaction::Done => Ok(true),
            Transaction::Refused(refused) => check_formats(&refused).map(|()| false),
        }
    }

    /// The part of a creation that lists the bot as due.
    pub(crate) fn first_due(&self, bot: &Bot) -> Result<[TransactWriteItem; 2], StoreError> {
        let due = DueBot {
            bot: bot.id.clone(),
            account: bot.account.clone(),
            due_at: bot.created_at,
        };
        let put = |key: &Key| {
            let item = record_item(key, &due)?;
            Self::part(Expression::new().put(&self.table, item))
        };
        Ok([
            put(&Key::due_pointer(&bot.id))?,
            put(&Key::due(&bot.id, bot.created_at))?,
        ])
    }

    /// The part of a removal that takes the bot off the list.
    pub(crate) fn last_due(
        &self,
        bot: &BotId,
        due_at: LocalTime,
    ) -> Result<[TransactWriteItem; 2], StoreError> {
        let pointer = Expression::new().require(DUE_AT, number(due_at));
        let entry = Expression::new();
        Ok([
            Self::part(pointer.delete(&self.table, &Key::due_pointer(bot)))?,
            Self::part(entry.delete(&self.table, &Key::due(bot, due_at)))?,
        ])
    }
}

pub(crate) fn read_due(record: &Record) -> Result<DueBot, StoreError> {
    let due: DueBot = record.decode()?;
    record.check_key(&Key::due(&due.bot, due.due_at))?;
    Ok(due)
}
