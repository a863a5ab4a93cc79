//! The readers of items, each as a function of the JSON in which the embedded database keeps them.
//!
//! Only with the feature `readers`, for tests that give them hostile items: the store itself reads
//! items in the course of a request.

use domain::{Bot, Level};
use trading::{
    AccountRecord, DueBot, EventRecord, FillRecord, Heartbeat, SealedKey, StoreError, excerpt,
};

use crate::embedded::value::{EmbeddedItem, item_inward, item_outward};
use crate::item::{Attributes, Record, record_item as item_of};
use crate::key::{self, Key};
use crate::level_record::{from_record, index_of};
use crate::mark::Marks;
use crate::{account_item, due, level_item as levels, levels as ledger};

/// What an item holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A level.
    Level(Box<Level>),
    /// A bot.
    Bot(Box<Bot>),
    /// An account.
    Account(Box<AccountRecord>),
    /// A fill.
    Fill(Box<FillRecord>),
    /// An event of a bot's or a level's story.
    Event(EventRecord),
    /// When a bot is due.
    Due(DueBot),
    /// A sealed trade key.
    SealedKey(SealedKey),
    /// A bridge's sign of life.
    Heartbeat(Heartbeat),
}

/// Reads an item as its keys call for. The first of what a dump and the decisions read of it that
/// is an error is returned.
///
/// # Errors
/// [`StoreError::Corrupt`] with what is wrong.
pub fn item(json: &[u8]) -> Result<Item, StoreError> {
    let item: EmbeddedItem = serde_json::from_slice(json).map_err(|error| StoreError::Corrupt {
        key: "an item".to_owned(),
        detail: format!("it is no item: {}", excerpt(&error.to_string())),
    })?;
    let record = Record::new(item_outward::<Vec<_>>(item));
    let Key { partition, sort } = &record.key;
    let starts = |part: &str| sort.starts_with(part);
    // A bridge may have any name, which is the whole sort key of its sign of life.
    if partition == key::BRIDGES {
        record.decode().map(Item::Heartbeat)
    } else if partition.starts_with("DUE#") {
        due::read_due(&record).map(Item::Due)
    } else if starts(key::LEVEL) {
        let bot = partition.strip_prefix("BOT#").unwrap_or_default().parse();
        let bot = bot.map_err(|error| record.corrupt(error))?;
        let level = from_record(&record, &bot, index_of(&record)?)?;
        Ok(Item::Level(Box::new(level)))
    } else if starts(key::FILL) {
        ledger::read_fill(&record).map(|fill| Item::Fill(Box::new(fill)))
    } else if starts(key::EVENT) {
        record.decode().map(Item::Event)
    } else if record.key.is_bot() {
        record.decode().map(|bot| Item::Bot(Box::new(bot)))
    } else if record.key.is_account() {
        record
            .decode()
            .map(|account| Item::Account(Box::new(account)))
    } else {
        record.decode().map(Item::SealedKey)
    }
}

/// A level's item as it is written.
///
/// # Errors
/// [`StoreError`] when it cannot be written.
pub fn level_item(level: &Level) -> Result<Vec<u8>, StoreError> {
    json(levels::to_item(level, &Marks::seeded(0).next())?)
}

/// Any other item as it is written. A level is written by [`level_item`].
///
/// # Errors
/// [`StoreError`] when it cannot be written.
pub fn record_item(item: &Item) -> Result<Vec<u8>, StoreError> {
    json(match item {
        Item::Level(level) => return level_item(level),
        Item::Bot(bot) => item_of(&Key::bot(&bot.id), bot)?,
        Item::Account(account) => account_item::to_item(account)?,
        Item::Fill(fill) => item_of(&ledger::fill_key(fill), fill)?,
        Item::Event(event) => {
            let key = Key::event(&event.bot, event.level, event.at, 0, "mark");
            item_of(&key, event)?
        }
        Item::Due(due) => item_of(&Key::due(&due.bot, due.due_at), due)?,
        Item::SealedKey(sealed) => item_of(&Key::new("TRADEKEY#main", "KEY"), sealed)?,
        Item::Heartbeat(beat) => item_of(&Key::heartbeat(&beat.bridge), beat)?,
    })
}

fn json(attributes: Attributes) -> Result<Vec<u8>, StoreError> {
    let item = item_inward(attributes)?;
    serde_json::to_vec(&item).map_err(|error| crate::error::unwritable("an item", &error))
}
