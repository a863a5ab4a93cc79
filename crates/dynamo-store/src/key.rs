//! The keys of the one table: which partition and sort key each item lives under.
//!
//! Numbers inside keys are zero-padded, because DynamoDB orders sort keys byte by byte and the
//! order of a level's fills has to be that of their numbers.

use std::fmt;

use domain::{AccountId, BotId, LevelIndex, LocalTime, OrderNumber, TradeId};

/// How many partitions share the due list, so that no single one takes all its writes.
pub(crate) const DUE_SHARDS: u32 = 4;

/// The largest level index whose key still sorts by number.
pub(crate) const MAX_LEVEL_INDEX: u16 = 9_999;

/// Partition key and sort key of one item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// The partition key, attribute `pk`.
    pub(crate) partition: String,
    /// The sort key, attribute `sk`.
    pub(crate) sort: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", self.partition, self.sort)
    }
}

impl Key {
    pub(crate) fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self {
            partition: partition.into(),
            sort: sort.into(),
        }
    }

    pub(crate) fn account(id: &AccountId) -> Self {
        Self::new(account_partition(id), ACCOUNT)
    }

    pub(crate) fn account_listing(id: &AccountId) -> Self {
        Self::new(ACCOUNTS, id.as_str())
    }

    pub(crate) fn trade_key(id: &AccountId) -> Self {
        Self::new(format!("TRADEKEY#{id}"), "KEY")
    }

    pub(crate) fn bot(id: &BotId) -> Self {
        Self::new(bot_partition(id), BOT)
    }

    /// Whether a bot's own record lies here.
    pub(crate) fn is_bot(&self) -> bool {
        self.sort == BOT
    }

    /// Whether an account's own record lies here.
    pub(crate) fn is_account(&self) -> bool {
        self.sort == ACCOUNT
    }

    pub(crate) fn bot_listing(id: &BotId) -> Self {
        Self::new(BOTS, id.as_str())
    }

    pub(crate) fn bot_of_account(account: &AccountId, id: &BotId) -> Self {
        Self::new(account_partition(account), format!("{BOT_OF_ACCOUNT}{id}"))
    }

    pub(crate) fn level(bot: &BotId, level: LevelIndex) -> Self {
        Self::new(bot_partition(bot), format!("{LEVEL}{:04}", level.0))
    }

    pub(crate) fn fill(bot: &BotId, level: LevelIndex, no: OrderNumber, trade: TradeId) -> Self {
        Self::new(
            bot_partition(bot),
            format!("{}{:019}", fills_of_order(level, no), trade.0),
        )
    }

    pub(crate) fn event(
        bot: &BotId,
        level: Option<LevelIndex>,
        at: LocalTime,
        sequence: u64,
        mark: &str,
    ) -> Self {
        let level = level.map_or_else(|| events_of_bot().to_owned(), events_of_level);
        let sort = format!("{level}{}#{sequence:010}#{mark}", padded(at));
        Self::new(bot_partition(bot), sort)
    }

    pub(crate) fn due_pointer(bot: &BotId) -> Self {
        Self::new(bot_partition(bot), "DUE")
    }

    pub(crate) fn due(bot: &BotId, at: LocalTime) -> Self {
        Self::new(due_partition(shard(bot)), format!("{}#{bot}", padded(at)))
    }

    pub(crate) fn identity() -> Self {
        Self::new("TABLE", "IDENTITY")
    }

    pub(crate) fn schedule_run() -> Self {
        Self::new("TABLE", "SCHEDULE")
    }

    pub(crate) fn address(name: &str) -> Self {
        Self::new(format!("ADDRESS#{name}"), "PAUSE")
    }

    pub(crate) fn heartbeat(bridge: &str) -> Self {
        Self::new(BRIDGES, bridge)
    }
}

/// The partition that lists all accounts.
pub(crate) const ACCOUNTS: &str = "ACCOUNTS";
/// The partition that lists all bots.
pub(crate) const BOTS: &str = "BOTS";
/// The partition of the bridges' heartbeats.
pub(crate) const BRIDGES: &str = "BRIDGE";
/// What the sort keys of levels start with.
const BOT: &str = "BOT";

const ACCOUNT: &str = "ACCOUNT";

pub(crate) const LEVEL: &str = "LEVEL#";
/// What the sort keys of fills start with.
pub(crate) const FILL: &str = "FILL#";
/// What the sort keys of events start with.
pub(crate) const EVENT: &str = "EVENT#";
/// What the sort keys of an account's list of bots start with.
pub(crate) const BOT_OF_ACCOUNT: &str = "BOT#";

pub(crate) fn account_partition(id: &AccountId) -> String {
    format!("ACCOUNT#{id}")
}

pub(crate) fn bot_partition(id: &BotId) -> String {
    format!("BOT#{id}")
}

pub(crate) fn due_partition(shard: u32) -> String {
    format!("DUE#{shard}")
}

pub(crate) fn fills_of_level(level: LevelIndex) -> String {
    format!("{FILL}{:04}#", level.0)
}

pub(crate) fn fills_of_order(level: LevelIndex, no: OrderNumber) -> String {
    format!("{}{:010}#", fills_of_level(level), no.0)
}

pub(crate) fn events_of_level(level: LevelIndex) -> String {
    format!("{EVENT}{:04}#", level.0)
}

/// Events that concern no single level. A letter, so that no level's prefix matches it.
const fn events_of_bot() -> &'static str {
    "EVENT#BOT#"
}

/// What orders an event among those of all levels: its time, then the order of writing.
pub(crate) fn event_order(sort: &str) -> &str {
    sort.splitn(3, '#').nth(2).unwrap_or(sort)
}

/// What sorts after every due item of an instant.
pub(crate) fn due_until(now: LocalTime) -> String {
    format!("{}$", padded(now))
}

fn padded(at: LocalTime) -> String {
    format!("{:016}", at.as_millis().max(0))
}

/// The due partition of a bot: FNV-1a over its id, which spreads random ids evenly and never
/// changes between versions of this program, as a library's hasher might.
fn shard(bot: &BotId) -> u32 {
    let hash = bot.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash % DUE_SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bot() -> BotId {
        "abcd".parse().unwrap()
    }

    #[test]
    fn fills_sort_by_level_then_number_then_trade() {
        let key = |level, no, trade| {
            Key::fill(&bot(), LevelIndex(level), OrderNumber(no), TradeId(trade)).sort
        };
        let sorted = [
            key(2, 9, 7),
            key(2, 9, 10),
            key(2, 10, 1),
            key(2, 4_000_000_000, 1),
            key(2, 4_000_000_000, i64::MAX),
            key(10, 1, 1),
        ];
        assert!(sorted.is_sorted(), "{sorted:?}");
    }

    /// Entries that lie in the table already are looked for where this says.
    #[test]
    fn a_bot_stays_in_its_part_of_the_due_list() {
        let shards = ["k3x9", "abcd", "bot0", "umexzf52ay"].map(|bot| shard(&bot.parse().unwrap()));
        assert_eq!(shards, [0, 1, 2, 3]);
    }

    #[test]
    fn only_a_bots_own_record_is_taken_for_it() {
        let account = "main".parse().unwrap();
        let keys = [
            (Key::bot(&bot()), true, false),
            (Key::account(&account), false, true),
            (Key::level(&bot(), LevelIndex(0)), false, false),
            (Key::trade_key(&account), false, false),
        ];
        for (key, is_bot, is_account) in keys {
            assert_eq!(
                (key.is_bot(), key.is_account()),
                (is_bot, is_account),
                "{key}"
            );
        }
    }

    #[test]
    fn due_until_covers_its_own_instant_and_no_later_one() {
        let at = LocalTime::from_millis(1_790_000_000_000);
        let later = LocalTime::from_millis(1_790_000_000_001);
        assert!(Key::due(&bot(), at).sort < due_until(at));
        assert!(Key::due(&bot(), later).sort > due_until(at));
    }

    #[test]
    fn no_levels_events_are_taken_for_the_bots() {
        let of_bot = Key::event(&bot(), None, LocalTime::from_millis(5), 1, "m").sort;
        assert!(!of_bot.starts_with(&events_of_level(LevelIndex(0))));
        let of_level = Key::event(
            &bot(),
            Some(LevelIndex(3)),
            LocalTime::from_millis(4),
            2,
            "m",
        );
        assert!(event_order(&of_level.sort) < event_order(&of_bot));
    }
}
