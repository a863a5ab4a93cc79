//! Levels, their ledger and their story: the port that every fill goes through.

use std::sync::Arc;

use domain::{AccountId, BotId, Level, LevelIndex, LocalTime, OrderNumber};
use trading::{
    Claim, CommitOutcome, EventRecord, FillCommit, FillRecord, LevelStore, Listing, Loaded,
    MAX_FILLS_PER_COMMIT, SettleOutcome, Settlement, StoreError,
};

use crate::DynamoStore;
use crate::expression::Expression;
use crate::item::{FORMAT_ATTRIBUTE, Record, cut, number, record_item};
use crate::key::{self, Key};
use crate::level_item::{MARK, VERSION, to_item};
use crate::level_record::{from_record, index_of};
use crate::mark::Mark;
use crate::pause;
use crate::settle;
use crate::write::{Transaction, Write};

/// The longest text of an event, in bytes.
const EVENT_BYTES: usize = 1_500;

/// How often an event looks for a free key. Two writers meet on one only when they share a seed.
const EVENT_TRIES: usize = 8;

impl LevelStore for DynamoStore {
    async fn load(
        &self,
        account: &AccountId,
        bot: &BotId,
        level: LevelIndex,
    ) -> Result<Loaded, StoreError> {
        if self.address.is_none()
            && let Some(loaded) = self.load_known(account, bot, level).await?
        {
            return Ok(loaded);
        }
        let reading = self
            .direct
            .as_ref()
            .and_then(|direct| direct.known().reading());
        let keys = [Key::bot(bot), Key::level(bot, level), Key::account(account)];
        let pause = self.address_key();
        let asked: Vec<Key> = keys.iter().cloned().chain(pause.clone()).collect();
        let mut paused = None;
        let mut loaded = Loaded {
            bot: None,
            level: None,
            account: None,
        };
        for record in self.read(&asked).await? {
            if record.key == keys[0] {
                loaded.bot = Some(record.decode()?);
            } else if record.key == keys[1] {
                loaded.level = Some(from_record(&record, bot, level)?);
            } else if record.key == keys[2] {
                loaded.account = Some(record.decode()?);
            } else {
                paused = Some(record);
            }
        }
        if let (Some(pause), Some(account)) = (&paused, &mut loaded.account) {
            pause::show(pause, account)?;
        }
        // Levels are written before their bot: without it they are not there yet.
        if loaded.bot.is_none() {
            loaded.level = None;
        }
        if let (Some(direct), Some(reading)) = (&self.direct, reading)
            && let (Some(bot), Some(account)) = (&loaded.bot, &loaded.account)
        {
            let [bot_key, _, account_key] = keys;
            let bot = ((Arc::clone(&self.table), bot_key), bot.clone());
            let account = ((Arc::clone(&self.table), account_key), account.clone());
            direct.known().keep(reading, bot, account);
        }
        Ok(loaded)
    }

    async fn commit_fill(&self, commit: &FillCommit) -> Result<CommitOutcome, StoreError> {
        check_version(commit.expected_version, &commit.level)?;
        check_fills(commit)?;
        let mark = self.marks.next();
        let mut parts = vec![Self::part(
            unchanged(commit.expected_version).put(&self.table, to_item(&commit.level, &mark)?),
        )?];
        for fill in &commit.fills {
            let item = record_item(&fill_key(fill), fill)?;
            parts.push(Self::part(Expression::absent().put(&self.table, item))?);
        }
        let Transaction::Refused(refused) = self.transact(parts).await? else {
            return Ok(CommitOutcome::Committed);
        };
        if let Some((0, old)) = refused.first() {
            let key = Key::level(&commit.level.bot, commit.level.index);
            return Ok(if was_ours(old.as_ref(), &key, &mark)? {
                CommitOutcome::Committed
            } else {
                CommitOutcome::LevelChanged
            });
        }
        let recorded = refused.iter().filter_map(|(part, _)| {
            let fill = commit.fills.get(part.checked_sub(1)?)?;
            Some(fill.trade.id)
        });
        Ok(CommitOutcome::AlreadyRecorded(recorded.collect()))
    }

    async fn claim_intent(
        &self,
        expected_version: u64,
        level: &Level,
    ) -> Result<Claim, StoreError> {
        check_version(expected_version, level)?;
        let mark = self.marks.next();
        let item = to_item(level, &mark)?;
        match self.put(item, &unchanged(expected_version)).await? {
            Write::Done => Ok(Claim::Won),
            Write::Refused(old) => {
                let key = Key::level(&level.bot, level.index);
                let ours = was_ours(old.as_ref(), &key, &mark)?;
                Ok(if ours { Claim::Won } else { Claim::Lost })
            }
        }
    }

    async fn settle_intent(
        &self,
        bot: &BotId,
        level: LevelIndex,
        no: OrderNumber,
        settlement: &Settlement,
        now: LocalTime,
    ) -> Result<SettleOutcome, StoreError> {
        let key = Key::level(bot, level);
        let mark = self.marks.next();
        let change = settle::change(no, settlement, now, &mark)?;
        match self.update(&key, &change).await? {
            Write::Done => Ok(SettleOutcome::Settled),
            Write::Refused(old) => Ok(if was_ours(old.as_ref(), &key, &mark)? {
                SettleOutcome::Settled
            } else {
                SettleOutcome::MovedOn
            }),
        }
    }

    async fn list_levels(&self, bot: &BotId) -> Result<Listing<Level>, StoreError> {
        // Levels are written before their bot: without it they are not there yet.
        if self.read_one(&Key::bot(bot)).await?.is_none() {
            return Ok([].into_iter().collect());
        }
        let records = self
            .read_range(&key::bot_partition(bot), key::LEVEL)
            .await?;
        let levels = records
            .iter()
            .map(|record| from_record(record, bot, index_of(record)?));
        Ok(levels.collect())
    }

    async fn fills_of_order(
        &self,
        bot: &BotId,
        level: LevelIndex,
        no: OrderNumber,
    ) -> Result<Vec<FillRecord>, StoreError> {
        self.ledger(bot, &key::fills_of_order(level, no))
            .await?
            .all()
    }

    async fn list_fills(
        &self,
        bot: &BotId,
        level: Option<LevelIndex>,
    ) -> Result<Listing<FillRecord>, StoreError> {
        let prefix = level.map_or_else(|| key::FILL.to_owned(), key::fills_of_level);
        self.ledger(bot, &prefix).await
    }

    async fn add_event(&self, event: &EventRecord) -> Result<(), StoreError> {
        let mut event = event.clone();
        event.text = cut(&event.text, EVENT_BYTES).to_owned();
        for _ in 0..EVENT_TRIES {
            let sequence = self.marks.sequence();
            let mark = self.marks.mark(sequence);
            let key = Key::event(&event.bot, event.level, event.at, sequence, mark.as_str());
            let item = record_item(&key, &event)?;
            match self.put(item, &Expression::absent()).await? {
                Write::Done => return Ok(()),
                // The reply was lost and the event sent twice, or another writer has this key.
                Write::Refused(Some(old)) if old.decode::<EventRecord>()? == event => {
                    return Ok(());
                }
                Write::Refused(_) => {}
            }
        }
        Err(StoreError::Throttled(format!(
            "no free key for an event of bot {} after {EVENT_TRIES} tries",
            event.bot
        )))
    }

    async fn list_events(
        &self,
        bot: &BotId,
        level: Option<LevelIndex>,
    ) -> Result<Listing<EventRecord>, StoreError> {
        let prefix = level.map_or_else(|| key::EVENT.to_owned(), key::events_of_level);
        let mut records = self.read_range(&key::bot_partition(bot), &prefix).await?;
        records.sort_by(|one, other| {
            key::event_order(&one.key.sort).cmp(key::event_order(&other.key.sort))
        });
        Ok(records.iter().map(Record::decode).collect())
    }
}

impl DynamoStore {
    /// The same as [`LevelStore::load`] where bot and account are known, so that only the level is
    /// read. `None` where they are not, or were written while the level was read: all three must
    /// be of one moment.
    async fn load_known(
        &self,
        account: &AccountId,
        bot: &BotId,
        level: LevelIndex,
    ) -> Result<Option<Loaded>, StoreError> {
        let Some(direct) = &self.direct else {
            return Ok(None);
        };
        let bot_place = (Arc::clone(&self.table), Key::bot(bot));
        let account_place = (Arc::clone(&self.table), Key::account(account));
        let Some(pair) = direct.known().pair(&bot_place, &account_place) else {
            return Ok(None);
        };
        let record = direct.get(&self.table, &Key::level(bot, level)).await?;
        let level = record
            .map(|record| from_record(&record, bot, level))
            .transpose()?;
        let still = direct.known().is_still(&pair, &bot_place, &account_place);
        Ok(still.then(|| Loaded {
            bot: Some((*pair.bot).clone()),
            level,
            account: Some((*pair.account).clone()),
        }))
    }

    async fn ledger(&self, bot: &BotId, prefix: &str) -> Result<Listing<FillRecord>, StoreError> {
        let records = self.read_range(&key::bot_partition(bot), prefix).await?;
        Ok(records.iter().map(read_fill).collect())
    }
}

/// Reads a ledger entry, which must lie under the key its content calls for: the key is what makes
/// a fill count once.
pub(crate) fn read_fill(record: &Record) -> Result<FillRecord, StoreError> {
    let fill: FillRecord = record.decode()?;
    record.check_key(&fill_key(&fill))?;
    Ok(fill)
}

pub(crate) fn fill_key(fill: &FillRecord) -> Key {
    Key::fill(&fill.bot, fill.level, fill.no, fill.trade.id)
}

/// Requires that a level is still the one that was read.
fn unchanged(version: u64) -> Expression {
    Expression::present().require(VERSION, number(version))
}

/// Whether the level that refused a write already bears this write's mark. Fails when there is no
/// such level, or when it is of a format this program must not touch.
fn was_ours(old: Option<&Record>, key: &Key, mark: &Mark) -> Result<bool, StoreError> {
    let Some(old) = old else {
        return Err(StoreError::Invalid(format!("there is no level {key}")));
    };
    if old.get(FORMAT_ATTRIBUTE).is_none() {
        return Err(old.corrupt("it has no format version"));
    }
    old.check_format()?;
    Ok(old.text(MARK)? == mark.as_str())
}

fn check_version(expected: u64, level: &Level) -> Result<(), StoreError> {
    if level.index.0 > key::MAX_LEVEL_INDEX {
        return Err(StoreError::Invalid(format!(
            "level {} is beyond {}, the last this table has keys for",
            level.index,
            key::MAX_LEVEL_INDEX
        )));
    }
    if expected.checked_add(1) == Some(level.version) {
        Ok(())
    } else {
        Err(StoreError::Invalid(format!(
            "level {} read at version {expected} must be written as the next one, not as {}",
            level.index, level.version
        )))
    }
}

fn check_fills(commit: &FillCommit) -> Result<(), StoreError> {
    if commit.fills.len() > MAX_FILLS_PER_COMMIT {
        return Err(StoreError::Invalid(format!(
            "{} fills in one commit; at most {MAX_FILLS_PER_COMMIT} fit",
            commit.fills.len()
        )));
    }
    let foreign = commit
        .fills
        .iter()
        .find(|fill| fill.bot != commit.level.bot || fill.level != commit.level.index);
    foreign.map_or(Ok(()), |fill| {
        Err(StoreError::Invalid(format!(
            "trade {} belongs to another level than the one committed",
            fill.trade.id
        )))
    })
}
