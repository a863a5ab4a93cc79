//! Reading: what is due of bots, accounts, levels and fills.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Bot, BotId, Level, LevelIndex};
use dynamo_store::DynamoStore;
use tokio::time::{Duration, Instant};
use trading::{AccountStore as _, BotStore as _, Clock as _, LevelStore as _, Listing};

use super::{Reader, Timer, Watching};
use crate::clock::SystemClock;
use crate::commands::story::story;
use crate::dashboard::model::Known;
use crate::dashboard::prices::Market;
use crate::dashboard::rows::PricePoint;
use crate::dashboard::today::{Today, orders_to_read};
use crate::dashboard::watched::Watched;
use crate::failure::Failure;
use crate::home::Home;

/// How long one look may spend on counting the day's fills.
const COUNTING: Duration = Duration::from_millis(10);

/// A level that went on by more orders than this has its whole ledger read.
const MANY_ORDERS: usize = 8;

/// How long a level and its fills may differ before the ledger is read anew.
const DOUBTED: Duration = Duration::from_secs(2);

/// How many lines of a bot's own story are shown.
const STORY: usize = 50;

impl Reader {
    /// Reads what is due.
    pub(super) async fn read(
        &mut self,
        home: &Home,
        watched: &BTreeSet<BotId>,
    ) -> Result<(), Failure> {
        let store = home.store();
        let pace = self.pace(home);
        // What changes from now on is known, whatever is read in between.
        let touched = self.flow.as_ref().map(|flow| flow.changes().take());
        if self.hub.is_hurried() {
            self.common_read.reset();
        }
        if self.common_read.is_due(pace.common) {
            self.read_common(store, watched).await?;
        }
        self.loaded = true;
        for (bot, level) in touched.into_iter().flatten() {
            match level {
                Some(level) => self.read_level(store, &bot, level).await?,
                None => self.read_levels(store, &bot).await?,
            }
        }
        if self.turned.is_due(pace.turn)
            && let Some(bot) = self.next_in_turn()
        {
            self.read_levels(store, &bot).await?;
        }
        self.watching.retain(|bot, _| watched.contains(bot));
        for bot in watched {
            self.watch(store, bot, pace.watched).await?;
        }
        self.count_today(store).await?;
        self.take_prices();
        Ok(())
    }

    /// Bots, accounts and bridges.
    async fn read_common(
        &mut self,
        store: &DynamoStore,
        watched: &BTreeSet<BotId>,
    ) -> Result<(), Failure> {
        let mut unreadable = Vec::new();
        let accounts = store.list_accounts().await?;
        unreadable.extend(accounts.unreadable.iter().map(ToString::to_string));
        let accounts = accounts.readable.into_iter();
        let accounts = accounts
            .map(|account| (account.id.clone(), account))
            .collect();
        if accounts != self.common.accounts {
            self.common.accounts = accounts;
            self.changed.rows.extend(self.bots.keys().cloned());
        }
        self.common.bridges = store.heartbeats().await?;
        let listed: BTreeSet<BotId> = store.bot_ids(None).await?.into_iter().collect();
        // One that was removed can be looked at as long as its records are there.
        let wanted: BTreeSet<&BotId> = listed.iter().chain(watched).collect();
        self.bots.retain(|id, _| wanted.contains(id));
        for id in wanted {
            match store.bot(id).await {
                Ok(Some(bot)) => self.take_bot(store, bot, !listed.contains(id)).await?,
                Ok(None) => {
                    self.bots.remove(id);
                }
                Err(error) => unreadable.push(format!("bot {id}: {error}")),
            }
        }
        self.unreadable = unreadable;
        Ok(())
    }

    async fn take_bot(
        &mut self,
        store: &DynamoStore,
        bot: Bot,
        removed: bool,
    ) -> Result<(), Failure> {
        let id = bot.id.clone();
        let Some(known) = self.bots.get_mut(&id) else {
            let levels = store.list_levels(&id).await?;
            let known = Known {
                today: Today::of(&levels.readable, SystemClock.now()),
                unreadable: words(&levels),
                levels: levels.readable,
                bot,
                removed,
            };
            self.changed.rows.insert(id.clone());
            self.bots.insert(id, known);
            return Ok(());
        };
        let wishes = (known.bot.desired, known.bot.observed) != (bot.desired, bot.observed);
        if known.bot != bot || known.removed != removed {
            known.bot = bot;
            known.removed = removed;
            self.changed.rows.insert(id.clone());
        }
        if wishes {
            self.read_story(store, &id).await?;
        }
        if wishes && let Some(known) = self.bots.get(&id) {
            // The words of each level say what comes next, which is another thing now.
            let levels = known.levels.iter().map(|level| (id.clone(), level.index));
            self.changed.levels.extend(levels);
        }
        Ok(())
    }

    /// One level that is known to have changed.
    async fn read_level(
        &mut self,
        store: &DynamoStore,
        bot: &BotId,
        index: LevelIndex,
    ) -> Result<(), Failure> {
        let Some(known) = self.bots.get(bot) else {
            return Ok(());
        };
        let loaded = store.load(&known.bot.account, bot, index).await;
        match loaded {
            Ok(loaded) => match loaded.level {
                Some(level) => self.take_level(store, bot, level).await,
                None => Ok(()),
            },
            // Reading them in turn says which record it is.
            Err(trading::StoreError::Corrupt { .. }) => self.read_levels(store, bot).await,
            Err(error) => Err(error.into()),
        }
    }

    /// All levels of a bot.
    async fn read_levels(&mut self, store: &DynamoStore, bot: &BotId) -> Result<(), Failure> {
        let Some(known) = self.bots.get_mut(bot) else {
            return Ok(());
        };
        let levels = store.list_levels(bot).await?;
        let unreadable = words(&levels);
        if known.unreadable != unreadable {
            known.unreadable = unreadable;
            self.changed.rows.insert(bot.clone());
        }
        for level in levels.readable {
            self.take_level(store, bot, level).await?;
        }
        Ok(())
    }

    /// Takes a level, and reads the fills that it may have had since.
    async fn take_level(
        &mut self,
        store: &DynamoStore,
        bot: &BotId,
        level: Level,
    ) -> Result<(), Failure> {
        let Some(known) = self.bots.get_mut(bot) else {
            return Ok(());
        };
        let index = level.index;
        let Some(before) = known.put(level.clone()) else {
            return Ok(());
        };
        let numbers = orders_to_read(before.as_ref(), &level);
        let fills = if numbers.len() > MANY_ORDERS {
            let listed = store.list_fills(bot, Some(index)).await?;
            listed.readable
        } else {
            let mut fills = Vec::new();
            for no in numbers {
                fills.extend(store.fills_of_order(bot, index, no).await?);
            }
            fills
        };
        let market = known.market(&self.common);
        known.today.take(&fills);
        if let (Some(market), Some(last)) =
            (market, fills.iter().max_by_key(|fill| fill.trade.time))
        {
            let at = last.trade.time.as_millis();
            if self.prices.traded(&market, at, last.trade.price) {
                self.price_changed(&market);
            }
        }
        self.changed.rows.insert(bot.clone());
        self.changed.levels.insert((bot.clone(), index));
        let (Some(known), Some(watching)) = (self.bots.get(bot), self.watching.get_mut(bot)) else {
            return Ok(());
        };
        let news = watching.watched.take(&known.bot, &level, &fills);
        watching.stats_changed |= !news.fills.is_empty();
        if !watching.watched.agrees(&level) {
            watching.doubted.entry(index).or_insert_with(Instant::now);
        }
        self.tell_news(bot, news);
        Ok(())
    }

    /// Keeps a watched bot up to date; reads its ledger if it was not watched before.
    async fn watch(
        &mut self,
        store: &DynamoStore,
        bot: &BotId,
        every: Duration,
    ) -> Result<(), Failure> {
        if !self.bots.contains_key(bot) {
            // Perhaps it was asked for for the first time, or was removed before.
            match store.bot(bot).await? {
                Some(found) => {
                    let listed = store.bot_ids(None).await?;
                    let removed = !listed.contains(bot);
                    self.take_bot(store, found, removed).await?;
                }
                None => {
                    self.tell_gone(bot);
                    return Ok(());
                }
            }
        }
        let Some(watching) = self.watching.get_mut(bot) else {
            return self.read_ledger(store, bot).await;
        };
        if watching.swept.is_due(every) {
            self.read_levels(store, bot).await?;
        }
        if self.is_outdated(bot) {
            return self.read_ledger(store, bot).await;
        }
        Ok(())
    }

    /// Whether a level's fills do not come to what it holds, and that not only because both were read while it
    /// changed: a fill was booked beside its current order.
    fn is_outdated(&mut self, bot: &BotId) -> bool {
        let (Some(known), Some(watching)) = (self.bots.get(bot), self.watching.get_mut(bot)) else {
            return false;
        };
        let watched = &watching.watched;
        watching.doubted.retain(|index, _| {
            let level = known.level(*index);
            level.is_some_and(|level| !watched.agrees(level))
        });
        let mut doubted = watching.doubted.values();
        doubted.any(|since| since.elapsed() >= DOUBTED)
    }

    /// Reads all levels and the whole ledger of a bot that is watched.
    async fn read_ledger(&mut self, store: &DynamoStore, bot: &BotId) -> Result<(), Failure> {
        self.read_levels(store, bot).await?;
        let ledger = store.list_fills(bot, None).await?;
        let Some(known) = self.bots.get_mut(bot) else {
            return Ok(());
        };
        known.today.take(&ledger.readable);
        known.today.all_read();
        self.changed.rows.insert(bot.clone());
        let unreadable = words(&ledger);
        let watched = Watched::of(&known.bot, &known.levels, ledger.readable);
        let watching = Watching {
            watched,
            story: Vec::new(),
            unreadable,
            doubted: BTreeMap::new(),
            swept: Timer::now(),
            told_stats: Timer::default(),
            stats_changed: true,
        };
        self.watching.insert(bot.clone(), watching);
        self.read_story(store, bot).await?;
        self.to_show.insert(bot.clone());
        Ok(())
    }

    /// The story of a watched bot itself, without its levels'.
    async fn read_story(&mut self, store: &DynamoStore, bot: &BotId) -> Result<(), Failure> {
        let (Some(known), true) = (self.bots.get(bot), self.watching.contains_key(bot)) else {
            return Ok(());
        };
        let events = store.list_events(bot, None).await?.readable;
        let of_bot: Vec<_> = events
            .into_iter()
            .filter(|event| event.level.is_none())
            .collect();
        let mut lines = story(&known.bot, None, &[], &of_bot);
        let old = lines.len().saturating_sub(STORY);
        lines.drain(..old);
        self.tell_story(bot, lines);
        Ok(())
    }

    /// Counts the day's fills of bots that nobody watches, a few levels at a time.
    async fn count_today(&mut self, store: &DynamoStore) -> Result<(), Failure> {
        let now = SystemClock.now();
        let started = Instant::now();
        for (id, known) in &mut self.bots {
            if known.today.turn(now) {
                self.changed.rows.insert(id.clone());
            }
            while started.elapsed() < COUNTING {
                let Some(level) = known.today.next_uncounted() else {
                    break;
                };
                match store.list_fills(id, Some(level)).await {
                    Ok(fills) => known.today.take(&fills.readable),
                    Err(error) => {
                        known.today.put_back(level);
                        return Err(error.into());
                    }
                }
                if known.today.is_counted() {
                    self.changed.rows.insert(id.clone());
                }
            }
        }
        Ok(())
    }

    /// Takes the prices that were answered meanwhile.
    fn take_prices(&mut self) {
        for market in self.prices.answered(SystemClock.now()) {
            self.price_changed(&market);
        }
    }

    fn price_changed(&mut self, market: &Market) {
        let Some(price) = self.prices.get(market) else {
            return;
        };
        let point = PricePoint {
            at: price.at,
            price: price.price,
        };
        for (id, known) in &self.bots {
            if known.market(&self.common).as_ref() != Some(market) {
                continue;
            }
            self.changed.prices.insert(id.clone());
            self.changed.priced.insert(id.clone());
            if let Some(watching) = self.watching.get_mut(id) {
                watching.watched.price(point.clone());
            }
        }
    }

    /// The next bot whose levels are read without knowing of a change.
    fn next_in_turn(&mut self) -> Option<BotId> {
        let after = self.turn.as_ref().and_then(|last| {
            let mut later = self
                .bots
                .range::<BotId, _>((std::ops::Bound::Excluded(last), std::ops::Bound::Unbounded));
            later.next().map(|(id, _)| id.clone())
        });
        let next = after.or_else(|| self.bots.keys().next().cloned());
        self.turn.clone_from(&next);
        next
    }
}

/// Why records of a listing cannot be read.
fn words<T>(listing: &Listing<T>) -> Vec<String> {
    listing.unreadable.iter().map(ToString::to_string).collect()
}
