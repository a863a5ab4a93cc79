//! What every fill needs and hardly anything changes, kept as it was last read: the records of bots
//! and accounts.
//!
//! The owner of a data folder is the only one that writes to its database, other processes through
//! it, so it can know that a record is still as it was. A write forgets what it touches before it
//! begins, and nothing that was read while one was under way is kept: what is returned here is what
//! the database would return. Levels are never kept: each fill changes its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Bot;
use trading::AccountRecord;

use crate::key::Key;

/// The most records kept of either kind; beyond that all are forgotten and read again.
const MOST: usize = 4_096;

/// A table and a key in it.
pub(crate) type Place = (Arc<str>, Key);

/// A bot and its account, both as they are in the database at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) bot: Arc<Bot>,
    pub(crate) account: Arc<AccountRecord>,
}

/// The records kept.
#[derive(Debug, Default)]
pub(crate) struct Known {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How many writes of such records have begun.
    begun: u64,
    /// How many of them have not ended.
    under_way: u64,
    bots: BTreeMap<Place, Arc<Bot>>,
    accounts: BTreeMap<Place, Arc<AccountRecord>>,
}

/// What a write touches.
#[derive(Debug)]
pub(crate) enum Touched {
    /// These items.
    Items(Vec<Place>),
    /// Nobody looked.
    Anything,
}

/// A write of records that may be known. It is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Writing(Arc<Known>);

impl Drop for Writing {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.under_way = state.under_way.saturating_sub(1);
    }
}

/// The moment a reading began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    begun: u64,
}

impl Known {
    /// To be called before a write. `None` when it touches nothing that is ever kept.
    pub(crate) fn writing(self: &Arc<Self>, touched: &Touched) -> Option<Writing> {
        let kept: Option<Vec<&Place>> = match touched {
            Touched::Items(items) => Some(items.iter().filter(|(_, key)| is_kept(key)).collect()),
            Touched::Anything => None,
        };
        if kept.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        let mut state = self.lock();
        state.begun = state.begun.wrapping_add(1);
        state.under_way = state.under_way.saturating_add(1);
        match kept {
            Some(items) => {
                for place in items {
                    state.bots.remove(place);
                    state.accounts.remove(place);
                }
            }
            None => state.forget(),
        }
        drop(state);
        Some(Writing(Arc::clone(self)))
    }

    /// To be called before reading what shall be kept. `None` while a write is under way.
    pub(crate) fn reading(&self) -> Option<Reading> {
        let state = self.lock();
        (state.under_way == 0).then_some(Reading { begun: state.begun })
    }

    /// Keeps what was read, unless a write has begun since.
    pub(crate) fn keep(
        &self,
        reading: Reading,
        bot: (Place, Bot),
        account: (Place, AccountRecord),
    ) {
        let mut state = self.lock();
        if state.begun != reading.begun {
            return;
        }
        if state.bots.len() >= MOST || state.accounts.len() >= MOST {
            state.forget();
        }
        state.bots.insert(bot.0, Arc::new(bot.1));
        state.accounts.insert(account.0, Arc::new(account.1));
    }

    /// A bot and its account, if both are known.
    pub(crate) fn pair(&self, bot: &Place, account: &Place) -> Option<Pair> {
        let state = self.lock();
        Some(Pair {
            bot: Arc::clone(state.bots.get(bot)?),
            account: Arc::clone(state.accounts.get(account)?),
        })
    }

    /// Whether nothing has been written to either since they were returned: what was read meanwhile
    /// is then of the same moment.
    pub(crate) fn is_still(&self, pair: &Pair, bot: &Place, account: &Place) -> bool {
        self.pair(bot, account).is_some_and(|now| {
            Arc::ptr_eq(&now.bot, &pair.bot) && Arc::ptr_eq(&now.account, &pair.account)
        })
    }

    /// A thread that panicked left nothing half done: each change is one insertion or removal.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self) {
        self.bots.clear();
        self.accounts.clear();
    }
}

fn is_kept(key: &Key) -> bool {
    key.is_bot() || key.is_account()
}

#[cfg(test)]
mod tests {
    use domain::{
        BotId, DesiredStatus, FirstInventory, GridPlan, LocalTime, ObservedStatus, Quantity, Rate,
        Sizing, Spacing, SymbolRules, SymbolStatus,
    };
    use trading::{Breaker, Environment, SealedKey, StreamState};

    use super::*;

    const AT: LocalTime = LocalTime::from_millis(0);

    fn bot(id: BotId) -> Bot {
        Bot {
            id,
            account: "main".parse().unwrap(),
            plan: GridPlan {
                lower: "1".parse().unwrap(),
                upper: "2".parse().unwrap(),
                spacing: Spacing::Geometric { levels: 2 },
                sizing: Sizing::BasePerLevel {
                    quantity: Quantity::ZERO,
                },
                compounding: false,
                post_only: false,
                first_inventory: FirstInventory::Buy,
                maker_fee: Rate::ZERO,
                taker_fee: Rate::ZERO,
            },
            rules: SymbolRules {
                symbol: "XRPETH".parse().unwrap(),
                base: "XRP".parse().unwrap(),
                quote: "ETH".parse().unwrap(),
                status: SymbolStatus::Trading,
                price: None,
                lot: None,
                notional: None,
                band: None,
                max_open_orders: None,
                post_only_allowed: true,
                expire_taker_allowed: true,
            },
            rules_read_at: None,
            rules_doubted: false,
            sold_out: false,
            levels: 2,
            desired: DesiredStatus::Running,
            observed: ObservedStatus::Running,
            created_at: AT,
            recovered_at: None,
            version: 0,
        }
    }

    fn account() -> AccountRecord {
        AccountRecord {
            id: "main".parse().unwrap(),
            environment: Environment::Simulated,
            stream_key: SealedKey {
                api_key: "a".to_owned(),
                kind: "hmac".to_owned(),
                sealed: String::new(),
            },
            breaker: Breaker::Closed,
            stream: StreamState::Never,
            stream_wanted_since: None,
            created_at: AT,
            version: 0,
        }
    }

    fn nth(number: usize) -> Place {
        let id = format!("bot{number}").parse().unwrap();
        ("records".into(), Key::bot(&id))
    }

    fn of_account() -> Place {
        ("records".into(), Key::account(&"main".parse().unwrap()))
    }

    fn keep(known: &Known, reading: Reading, number: usize) {
        let record = bot(format!("bot{number}").parse().unwrap());
        known.keep(reading, (nth(number), record), (of_account(), account()));
    }

    fn is_known(known: &Known, number: usize) -> bool {
        known.pair(&nth(number), &of_account()).is_some()
    }

    #[test]
    fn what_was_read_is_kept_until_it_is_written() {
        let known = Arc::new(Known::default());
        keep(&known, known.reading().unwrap(), 1);
        let pair = known.pair(&nth(1), &of_account()).unwrap();
        assert!(known.is_still(&pair, &nth(1), &of_account()));
        let level = Key::level(&"bot1".parse().unwrap(), domain::LevelIndex(0));
        let levels = Touched::Items(vec![("records".into(), level)]);
        assert!(known.writing(&levels).is_none(), "no level is ever kept");
        for touched in [
            Touched::Items(vec![nth(1)]),
            Touched::Items(vec![of_account()]),
            Touched::Anything,
        ] {
            keep(&known, known.reading().unwrap(), 1);
            assert!(is_known(&known, 1));
            drop(known.writing(&touched).unwrap());
            assert!(!is_known(&known, 1), "{touched:?}");
            assert!(!known.is_still(&pair, &nth(1), &of_account()));
        }
        // Read anew, it is another: one of the two may have changed in between.
        keep(&known, known.reading().unwrap(), 1);
        assert!(!known.is_still(&pair, &nth(1), &of_account()));
        let again = known.pair(&nth(1), &of_account()).unwrap();
        for mixed in [
            Pair {
                bot: Arc::clone(&again.bot),
                account: Arc::clone(&pair.account),
            },
            Pair {
                bot: Arc::clone(&pair.bot),
                account: Arc::clone(&again.account),
            },
        ] {
            assert!(!known.is_still(&mixed, &nth(1), &of_account()));
        }
    }

    #[test]
    fn nothing_is_kept_that_was_read_beside_a_write() {
        let known = Arc::new(Known::default());
        let before = known.reading().unwrap();
        let writing = known.writing(&Touched::Anything).unwrap();
        assert!(known.reading().is_none(), "a write is under way");
        drop(writing);
        keep(&known, before, 1);
        assert!(!is_known(&known, 1), "it was read before the write");
        keep(&known, known.reading().unwrap(), 1);
        assert!(is_known(&known, 1));
    }

    #[test]
    fn so_many_are_kept_and_no_more() {
        let known = Arc::new(Known::default());
        for number in 0..MOST {
            keep(&known, known.reading().unwrap(), number);
        }
        assert!(is_known(&known, 0), "{MOST} fit");
        keep(&known, known.reading().unwrap(), MOST);
        assert!(!is_known(&known, 0));
        assert!(is_known(&known, MOST));
    }
}
