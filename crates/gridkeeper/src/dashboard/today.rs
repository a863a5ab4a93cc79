//! How many fills a bot has had since midnight UTC: counted once from the ledgers of the levels that changed
//! since, then kept by what is read of each change.

use std::collections::{BTreeSet, VecDeque};

use domain::{Level, LevelIndex, LocalTime, OrderNumber, TradeId};
use trading::FillRecord;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The fills of one bot since midnight.
#[derive(Debug, Clone, Default)]
pub(super) struct Today {
    day: i64,
    fills: BTreeSet<(LevelIndex, OrderNumber, TradeId)>,
    /// Levels whose ledger was not read yet.
    uncounted: VecDeque<LevelIndex>,
}

const fn day_of(millis: i64) -> i64 {
    millis.div_euclid(DAY_MS)
}

impl Today {
    /// Nothing counted yet: the levels that changed since midnight are to be read.
    pub(super) fn of(levels: &[Level], now: LocalTime) -> Self {
        let day = day_of(now.as_millis());
        let changed = levels
            .iter()
            .filter(|level| day_of(level.changed_at.as_millis()) >= day);
        Self {
            day,
            fills: BTreeSet::new(),
            uncounted: changed.map(|level| level.index).collect(),
        }
    }

    /// Takes note of fills; those of other days and those known already change nothing.
    pub(super) fn take<'a>(&mut self, fills: impl IntoIterator<Item = &'a FillRecord>) {
        let of_today = fills
            .into_iter()
            .filter(|fill| day_of(fill.trade.time.as_millis()) == self.day);
        self.fills
            .extend(of_today.map(|fill| (fill.level, fill.no, fill.trade.id)));
    }

    /// The whole ledger was read: nothing is left to be counted.
    pub(super) fn all_read(&mut self) {
        self.uncounted.clear();
    }

    /// The next level whose ledger is to be read.
    pub(super) fn next_uncounted(&mut self) -> Option<LevelIndex> {
        self.uncounted.pop_front()
    }

    /// Puts a level back whose ledger could not be read.
    pub(super) fn put_back(&mut self, level: LevelIndex) {
        self.uncounted.push_front(level);
    }

    pub(super) fn is_counted(&self) -> bool {
        self.uncounted.is_empty()
    }

    /// Begins a new day. Says whether it did.
    pub(super) fn turn(&mut self, now: LocalTime) -> bool {
        let day = day_of(now.as_millis());
        if day == self.day {
            return false;
        }
        *self = Self {
            day,
            ..Self::default()
        };
        true
    }

    /// How many there are; `None` while they are still being counted.
    pub(super) fn count(&self) -> Option<u64> {
        let counted = u64::try_from(self.fills.len()).unwrap_or(u64::MAX);
        self.is_counted().then_some(counted)
    }
}

/// The numbers of the orders that may have new fills after a level has changed.
pub(super) fn orders_to_read(before: Option<&Level>, after: &Level) -> Vec<OrderNumber> {
    let Some(now) = &after.order else {
        return Vec::new();
    };
    let before = before.and_then(|level| level.order.as_ref());
    let from = before.map_or(OrderNumber::FIRST, |order| order.no);
    let mut numbers = Vec::new();
    let mut no = from;
    while no <= now.no {
        let known = before
            .filter(|order| order.no == no)
            .map(|order| order.executed);
        let is_current = no == now.no;
        let has_new = match known {
            Some(executed) => !is_current || executed != now.executed,
            None => !is_current || !now.executed.is_zero(),
        };
        if has_new {
            numbers.push(no);
        }
        no = no.next();
    }
    numbers
}

#[cfg(test)]
mod tests {
    use domain::{OrderState, Side};

    use super::*;
    use crate::ledger::tests::fill;
    use crate::words::tests::{level, order};

    fn at(no: u32, executed: &str) -> Level {
        let mut order = order(OrderState::Open);
        order.no = OrderNumber(no);
        order.executed = executed.parse().unwrap();
        let mut level = level();
        level.order = Some(order);
        level
    }

    #[test]
    fn only_orders_that_may_have_new_fills_are_read() {
        for (before, after, read) in [
            (Some(at(1, "0")), at(1, "0"), &[][..]),
            (Some(at(1, "0")), at(1, "3"), &[1]),
            (Some(at(1, "3")), at(2, "0"), &[1]),
            (Some(at(1, "3")), at(3, "1"), &[1, 2, 3]),
            (Some(level()), at(1, "0"), &[]),
            (Some(level()), at(2, "0"), &[1]),
            (None, at(2, "1"), &[1, 2]),
            (Some(at(1, "0")), level(), &[]),
        ] {
            let numbers = orders_to_read(before.as_ref(), &after);
            let numbers: Vec<u32> = numbers.iter().map(|no| no.0).collect();
            assert_eq!(numbers, read, "{before:?} {after:?}");
        }
    }

    #[test]
    fn each_fill_of_today_counts_once_and_yesterdays_not() {
        let noon = LocalTime::from_millis(DAY_MS * 10 + DAY_MS / 2);
        let mut changed = level();
        changed.changed_at = noon;
        let mut today = Today::of(&[changed.clone()], noon);
        assert_eq!(today.count(), None);
        assert_eq!(today.next_uncounted(), Some(changed.index));
        let sale = |at| fill((1, Side::Sell), at, ("1", "1"), ("0", "ETH"), None);
        let fills = [sale(DAY_MS * 10 - 1), sale(DAY_MS * 10), sale(DAY_MS * 10)];
        today.take(&fills);
        assert_eq!(today.count(), Some(1));
        today.take(&fills);
        assert_eq!(today.count(), Some(1));
        assert!(!today.turn(noon));
        assert!(today.turn(LocalTime::from_millis(DAY_MS * 11)));
        assert_eq!(today.count(), Some(0));
        changed.changed_at = LocalTime::from_millis(DAY_MS * 10 - 1);
        assert_eq!(Today::of(&[changed], noon).count(), Some(0));
    }
}
