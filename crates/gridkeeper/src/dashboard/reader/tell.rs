//! Telling: rows of what changed, to be shown and sent. Rows that came out the same are not sent.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use domain::{Bot, BotId, Price};
use serde_json::json;
use trading::Clock as _;

use super::{Reader, Watching};
use crate::clock::SystemClock;
use crate::commands::story::Line;
use crate::dashboard::hub::{GridRow, Page, StateShown};
use crate::dashboard::latency::Samples;
use crate::dashboard::model::{Known, Watchman, bot_row, floating, overall};
use crate::dashboard::rows::{AccountRow, BotRow, BridgeRow, LevelRow, PriceRow};
use crate::dashboard::watched::News;
use crate::home::Home;

/// How often rates and latencies are told, at most.
const STATS_EVERY: Duration = Duration::from_secs(1);

/// How often rows are told in which nothing but the price is new, at most: one price may concern every bot.
const REPRICED_EVERY: Duration = Duration::from_secs(1);

/// How often they are told though nothing was filled: minutes pass.
const STATS_AT_LEAST: Duration = Duration::from_secs(60);

impl Reader {
    /// Tells what changed since the last look.
    pub(super) fn tell(&mut self, home: &Home) {
        let watchman = watchman(home);
        self.grow_stale(watchman);
        let rows = self.changed_rows(watchman);
        self.tell_bots(rows);
        self.tell_state(home);
        self.forget_unwatched();
        for bot in std::mem::take(&mut self.to_show) {
            self.show_page(watchman, &bot);
        }
        self.tell_levels(watchman);
        self.tell_prices();
        let watched: Vec<BotId> = self.watching.keys().cloned().collect();
        for bot in watched {
            self.tell_stats(&bot);
        }
    }

    /// What is shown of a bot that nobody watches any more would grow old.
    fn forget_unwatched(&self) {
        let mut shown = self.hub.shown();
        shown.pages.retain(|id, _| self.watching.contains_key(id));
        let watched = shown.watched();
        shown.gone.retain(|id| watched.contains(id));
    }

    /// What nobody looks at grows stale without any record changing.
    fn grow_stale(&mut self, watchman: Watchman) {
        let now = SystemClock.now();
        let shown = self.hub.shown();
        for (id, known) in &self.bots {
            let stale = known.seen(&self.common, watchman, now).stale;
            if shown.bots.get(id).is_some_and(|row| row.stale != stale) {
                self.changed.rows.insert(id.clone());
                let levels = known.levels.iter();
                let levels = levels.map(|level| (id.clone(), level.index));
                self.changed.levels.extend(levels);
            }
        }
    }

    fn price_of(&self, known: &Known) -> Option<&PriceRow> {
        self.prices.get(&known.market(&self.common)?)
    }

    fn row(&self, known: &Known, watchman: Watchman) -> BotRow {
        let price = self.price_of(known).map(|price| price.price);
        bot_row(known, &self.common, watchman, price, SystemClock.now())
    }

    fn changed_rows(&mut self, watchman: Watchman) -> Vec<BotRow> {
        let changed = std::mem::take(&mut self.changed.rows);
        let known = changed.iter().filter_map(|id| self.bots.get(id));
        let mut rows: Vec<BotRow> = known.map(|known| self.row(known, watchman)).collect();
        self.changed.priced.retain(|id| !changed.contains(id));
        if !self.changed.priced.is_empty() && self.repriced.is_due(REPRICED_EVERY) {
            let priced = std::mem::take(&mut self.changed.priced);
            let shown = self.hub.shown();
            let before = priced.iter().filter_map(|id| shown.bots.get(id));
            rows.extend(before.filter_map(|row| self.repriced_row(row)));
        }
        rows
    }

    /// A row with what its bot holds valued anew. All its words stay: none speaks of the price.
    fn repriced_row(&self, before: &BotRow) -> Option<BotRow> {
        let known = self.bots.get(&before.bot)?;
        let price = self.price_of(known).map(|price| price.price);
        let mut row = before.clone();
        row.price = price;
        row.floating = floating(&known.levels, price);
        Some(row)
    }

    fn tell_bots(&self, rows: Vec<BotRow>) {
        let mut shown = self.hub.shown();
        let removed: Vec<BotId> = shown
            .bots
            .keys()
            .filter(|id| !self.bots.contains_key(*id))
            .cloned()
            .collect();
        for id in &removed {
            shown.bots.remove(id);
            shown.pages.remove(id);
        }
        let mut told = Vec::new();
        for row in rows {
            if shown
                .bots
                .get(&row.bot)
                .is_some_and(|before| is_same(before, &row))
            {
                continue;
            }
            if let Some(page) = shown.pages.get_mut(&row.bot) {
                page.bot = row.clone();
            }
            shown.bots.insert(row.bot.clone(), row.clone());
            told.push(row);
        }
        if shown.state.is_some() && !(told.is_empty() && removed.is_empty()) {
            let now = SystemClock.now();
            let data = json!({ "now": now, "bots": told, "removed": removed });
            self.hub.tell("bots", None, &data);
        }
    }

    fn tell_state(&self, home: &Home) {
        let now = SystemClock.now();
        let accounts = self.common.accounts.values().map(|account| {
            let bots = self
                .bots
                .values()
                .filter(|known| known.bot.account == account.id);
            AccountRow::of(account, bots.map(|known| known.bot.id.clone()).collect())
        });
        let bridges = self.common.bridges.iter();
        let mut shown = self.hub.shown();
        let mut unreadable = self.unreadable.clone();
        unreadable.extend(
            self.bots
                .values()
                .flat_map(|known| known.unreadable.clone()),
        );
        let state = StateShown {
            process: self.process(home),
            health: overall(&shown.bots, &unreadable),
            accounts: accounts.collect(),
            bridges: bridges.map(|bridge| BridgeRow::of(bridge, now)).collect(),
            unreadable,
        };
        if shown.state.as_ref() == Some(&state) {
            return;
        }
        let first = shown.state.is_none();
        let mut data = json!({ "now": now });
        if let (Some(data), Ok(serde_json::Value::Object(rows))) =
            (data.as_object_mut(), serde_json::to_value(&state))
        {
            data.extend(rows);
        }
        shown.state = Some(state);
        if first {
            // Whoever came before anything was read gets all of it now.
            if let Some(overview) = shown.overview(now) {
                self.hub.tell_json("overview", None, overview);
            }
        } else {
            self.hub.tell("state", None, &data);
        }
    }

    fn tell_levels(&mut self, watchman: Watchman) {
        let changed = std::mem::take(&mut self.changed.levels);
        let now = SystemClock.now();
        let mut told: BTreeMap<BotId, Vec<LevelRow>> = BTreeMap::new();
        for (id, index) in changed {
            if !self.watching.contains_key(&id) {
                continue;
            }
            let Some(known) = self.bots.get(&id) else {
                continue;
            };
            let seen = known.seen(&self.common, watchman, now);
            if let Some(level) = known.level(index) {
                let row = LevelRow::of(&known.bot, level, now, &seen);
                told.entry(id).or_default().push(row);
            }
        }
        let mut shown = self.hub.shown();
        for (id, mut rows) in told {
            let Some(page) = shown.pages.get_mut(&id) else {
                continue;
            };
            rows.retain(|row| page.levels.get(&row.level) != Some(row));
            for row in &rows {
                page.levels.insert(row.level, row.clone());
            }
            if !rows.is_empty() {
                self.hub
                    .tell("levels", Some(&id), &json!({ "bot": id, "levels": rows }));
            }
        }
    }

    fn tell_prices(&mut self) {
        let changed = std::mem::take(&mut self.changed.prices);
        for id in changed {
            let (Some(known), Some(watching)) = (self.bots.get(&id), self.watching.get(&id)) else {
                continue;
            };
            let price = self.price_of(known).cloned();
            let mut shown = self.hub.shown();
            let Some(page) = shown.pages.get_mut(&id) else {
                continue;
            };
            page.prices.clone_from(&watching.watched.prices);
            if page.price != price {
                page.price = price.clone();
                self.hub
                    .tell("price", Some(&id), &json!({ "bot": id, "price": price }));
            }
        }
    }

    /// Fills of a watched bot and what followed them.
    pub(super) fn tell_news(&self, id: &BotId, news: News) {
        let Some(watching) = self.watching.get(id) else {
            return;
        };
        let mut shown = self.hub.shown();
        let Some(page) = shown.pages.get_mut(id) else {
            return;
        };
        let watched = &watching.watched;
        page.fills_total = watched.total();
        let News {
            fills,
            trips,
            flow,
            profit,
        } = news;
        let tell = |name, data: serde_json::Value| self.hub.tell(name, Some(id), &data);
        if !fills.is_empty() {
            page.fills.clone_from(&watched.fills);
            tell(
                "fills",
                json!({ "bot": id, "fills": fills, "fills_total": page.fills_total }),
            );
        }
        if !flow.is_empty() {
            page.flow.clone_from(&watched.flow);
            tell("flow", json!({ "bot": id, "flow": flow }));
        }
        if !trips.is_empty() {
            page.round_trips.clone_from(&watched.trips);
            tell("round-trips", json!({ "bot": id, "round_trips": trips }));
        }
        if !profit.is_empty() {
            page.profit.clone_from(&watched.profit);
            tell("profit", json!({ "bot": id, "profit": profit }));
        }
    }

    fn tell_stats(&mut self, id: &BotId) {
        let here = self.flow.as_ref().map(|flow| {
            let mut samples = Samples::default();
            let reactions = flow.changes().reactions_ms(id).into_iter();
            samples.extend(reactions.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)));
            samples
        });
        let Some(watching) = self.watching.get_mut(id) else {
            return;
        };
        let every = if watching.stats_changed {
            STATS_EVERY
        } else {
            STATS_AT_LEAST
        };
        if !watching.told_stats.is_due(every) {
            return;
        }
        watching.stats_changed = false;
        let stats = watching.watched.stats(SystemClock.now(), here);
        let mut shown = self.hub.shown();
        if let Some(page) = shown.pages.get_mut(id)
            && page.stats != stats
        {
            page.stats = stats.clone();
            self.hub
                .tell("stats", Some(id), &json!({ "bot": id, "stats": stats }));
        }
    }

    /// New lines of a watched bot's own story.
    pub(super) fn tell_story(&mut self, id: &BotId, lines: Vec<Line>) {
        let Some(watching) = self.watching.get_mut(id) else {
            return;
        };
        let news: Vec<Line> = lines
            .iter()
            .filter(|line| !watching.story.contains(line))
            .cloned()
            .collect();
        watching.story = lines;
        let mut shown = self.hub.shown();
        let Some(page) = shown.pages.get_mut(id) else {
            return;
        };
        page.story.clone_from(&watching.story);
        if !news.is_empty() {
            self.hub
                .tell("story", Some(id), &json!({ "bot": id, "story": news }));
        }
    }

    /// All of a watched bot, to whoever waits for it.
    fn show_page(&mut self, watchman: Watchman, id: &BotId) {
        let here = self.flow.as_ref().map(|flow| {
            let mut samples = Samples::default();
            let reactions = flow.changes().reactions_ms(id).into_iter();
            samples.extend(reactions.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)));
            samples
        });
        let now = SystemClock.now();
        let Some(known) = self.bots.get(id) else {
            return;
        };
        let row = self.row(known, watchman);
        let seen = known.seen(&self.common, watchman, now);
        let levels = known.levels.iter();
        let levels = levels.map(|level| {
            let row = LevelRow::of(&known.bot, level, now, &seen);
            (level.index, row)
        });
        let levels: BTreeMap<_, _> = levels.collect();
        let mut lines: Vec<Price> = known
            .levels
            .iter()
            .flat_map(|level| [level.buy_price, level.sell_price])
            .collect();
        lines.sort_unstable();
        lines.dedup();
        let price = self.price_of(known).cloned();
        let Some(Watching {
            watched,
            story,
            unreadable,
            ..
        }) = self.watching.get_mut(id)
        else {
            return;
        };
        let mut all_unreadable = known.unreadable.clone();
        all_unreadable.extend(unreadable.iter().cloned());
        let page = Page {
            bot: row,
            grid: grid(&known.bot),
            lines,
            levels,
            fills: watched.fills.clone(),
            fills_total: watched.total(),
            round_trips: watched.trips.clone(),
            profit: watched.profit.clone(),
            flow: watched.flow.clone(),
            stats: watched.stats(now, here),
            price,
            prices: VecDeque::clone(&watched.prices),
            story: story.clone(),
            unreadable: all_unreadable,
        };
        let mut shown = self.hub.shown();
        shown.gone.remove(id);
        shown.pages.insert(id.clone(), page);
        if let Some(text) = shown.page(id) {
            self.hub.tell_json("bot", Some(id), text);
        }
    }

    pub(super) fn tell_gone(&self, id: &BotId) {
        let mut shown = self.hub.shown();
        if shown.gone.insert(id.clone()) {
            self.hub.tell("gone", Some(id), &json!({ "bot": id }));
        }
    }
}

fn watchman(home: &Home) -> Watchman {
    Watchman {
        keeper: home.keeper(),
        nobody_runs: home.is_unattended(),
    }
}

/// Whether two rows say the same, but for words that grow older by themselves.
fn is_same(before: &BotRow, after: &BotRow) -> bool {
    let mut before = before.clone();
    before.seen.clone_from(&after.seen);
    before == *after
}

pub(in crate::dashboard) fn grid(bot: &Bot) -> GridRow {
    let plan = &bot.plan;
    GridRow {
        lower: plan.lower,
        upper: plan.upper,
        spacing: plan.spacing.to_string(),
        sizing: plan.sizing.to_string(),
        compounding: plan.compounding,
        post_only: plan.post_only,
        first_inventory: plan.first_inventory.to_string(),
        maker_fee: plan.maker_fee.decimal().to_string(),
        taker_fee: plan.taker_fee.decimal().to_string(),
        tick: bot.rules.tick().to_string(),
        step: bot.rules.step().to_string(),
        created_at: bot.created_at,
    }
}
