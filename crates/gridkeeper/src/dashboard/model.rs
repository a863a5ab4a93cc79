//! What the dashboard knows of the bots, and the rows that the page shows of it.
//!
//! Start at [`Known`], one bot's records as last read, and [`bot_row`]. Judges nothing itself: what is owed, and
//! why, is in the words of `explain` and the sums of `bot list`.

use std::collections::BTreeMap;

use domain::{
    AccountId, Bot, BotId, DesiredStatus, Level, LevelIndex, LocalTime, Price, floating_profit,
};
use trading::{AccountRecord, Heartbeat};

use super::prices::Market;
use super::rows::{BotRow, HealthRow, HealthState, LevelCounts, OrdersRow, StreamRow};
use super::today::Today;
use crate::commands::bot::{Sums, status_words};
use crate::commands::explain::{summary, with_orders_stopped};
use crate::commands::seen::{Seen, seen_as};
use crate::home::Keeper;
use crate::table::amount;

/// A bot's records as last read.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) bot: Bot,
    /// Whether it is in the listings no more.
    pub(super) removed: bool,
    /// Lowest first.
    pub(super) levels: Vec<Level>,
    pub(super) unreadable: Vec<String>,
    pub(super) today: Today,
}

/// What concerns all bots.
#[derive(Debug, Default)]
pub(super) struct Common {
    pub(super) accounts: BTreeMap<AccountId, AccountRecord>,
    pub(super) bridges: Vec<Heartbeat>,
}

/// Who looks after the bots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watchman {
    pub(super) keeper: Keeper,
    pub(super) nobody_runs: bool,
}

impl Known {
    /// A level by its index.
    pub(super) fn level(&self, index: LevelIndex) -> Option<&Level> {
        let at = self
            .levels
            .binary_search_by_key(&index, |level| level.index);
        self.levels.get(at.ok()?)
    }

    /// Takes a level as it is now; gives what was known before, unless that is the same or newer.
    pub(super) fn put(&mut self, level: Level) -> Option<Option<Level>> {
        match self
            .levels
            .binary_search_by_key(&level.index, |known| known.index)
        {
            Ok(at) => {
                let known = self.levels.get_mut(at)?;
                if known.version >= level.version {
                    return None;
                }
                Some(Some(std::mem::replace(known, level)))
            }
            Err(at) => {
                self.levels.insert(at, level);
                Some(None)
            }
        }
    }

    /// Where it trades.
    pub(super) fn market(&self, common: &Common) -> Option<Market> {
        let account = common.accounts.get(&self.bot.account)?;
        Some((account.environment, self.bot.rules.symbol.clone()))
    }

    /// When it was last looked at, in the words of the commands.
    pub(super) fn seen(&self, common: &Common, watchman: Watchman, now: LocalTime) -> Seen {
        let account = common.accounts.get(&self.bot.account);
        let stream = account.map(|account| &account.stream);
        let who = (watchman.keeper, watchman.nobody_runs);
        let seen = seen_as(&self.bot, self.removed, who, stream, now);
        with_orders_stopped(seen, &self.bot, account)
    }
}

/// A bot's row in the overview. `price` values what it holds.
pub(super) fn bot_row(
    known: &Known,
    common: &Common,
    watchman: Watchman,
    price: Option<Price>,
    now: LocalTime,
) -> BotRow {
    let bot = &known.bot;
    let account = common.accounts.get(&bot.account);
    let seen = known.seen(common, watchman, now);
    let sums = Sums::of(&known.levels);
    let orders = OrdersRow::of(account);
    let health = health(known, &seen, &sums, orders.is_stopped());
    let heartbeats = common.bridges.iter();
    let holds = heartbeats.filter(|bridge| bridge.accounts.contains(&bot.account));
    let changed = known.levels.iter().map(|level| level.changed_at).max();
    BotRow {
        bot: bot.id.clone(),
        account: bot.account.clone(),
        environment: account.map(|account| account.environment),
        symbol: bot.rules.symbol.clone(),
        base: bot.rules.base.clone(),
        quote: bot.rules.quote.clone(),
        observed: bot.observed,
        desired: bot.desired,
        status: status_words(bot),
        removed: known.removed,
        actions: actions(known),
        realized: amount(sums.realized_profit.decimal()),
        floating: floating(&known.levels, price),
        price,
        held: sums.base.to_string(),
        cost: amount(sums.cost.decimal()),
        round_trips: sums.round_trips,
        fills_today: known.today.count(),
        levels: LevelCounts::of(&known.levels),
        owed: sums.owed(),
        fees: sums.fees,
        health,
        stream: StreamRow::of(account),
        orders,
        recovered_at: bot.recovered_at,
        seen: seen.words,
        heartbeat_at: holds.map(|bridge| bridge.at).max(),
        stale: seen.stale,
        changed_at: changed.unwrap_or(bot.created_at),
    }
}

/// What all levels hold would bring beyond its cost, in quote; `None` without a price.
pub(super) fn floating(levels: &[Level], price: Option<Price>) -> Option<String> {
    let price = price?;
    let mut sum = domain::QuoteAmount::ZERO;
    for level in levels {
        sum = sum.checked_add(floating_profit(level, price)?)?;
    }
    Some(amount(sum.decimal()))
}

fn health(known: &Known, seen: &Seen, sums: &Sums, stopped: bool) -> HealthRow {
    let words = summary(&known.bot, &known.levels, seen);
    let at_work = sums.open_orders > 0 || sums.owed() > 0;
    let trouble = sums.quarantined > 0
        || !known.unreadable.is_empty()
        || (seen.stale && !known.removed)
        || (stopped && at_work);
    let state = if trouble {
        HealthState::Trouble
    } else if sums.owed() > 0 {
        HealthState::Owing
    } else {
        HealthState::Well
    };
    HealthRow {
        state,
        lines: words.lines().map(str::to_owned).collect(),
    }
}

/// The actions that make sense for a bot now.
fn actions(known: &Known) -> Vec<&'static str> {
    if known.removed {
        return Vec::new();
    }
    match known.bot.desired {
        DesiredStatus::Ready => vec!["start"],
        DesiredStatus::Running => vec!["pause", "stop", "stop_and_sell", "recover"],
        DesiredStatus::Paused => vec!["resume", "stop", "stop_and_sell", "recover"],
        DesiredStatus::Stopped => vec!["start", "stop_and_sell", "recover"],
        DesiredStatus::StoppedAndSold => vec!["start", "stop", "recover"],
    }
}

/// Whether anything is owed and not placed, over all bots: the line that the page shows first.
pub(super) fn overall(bots: &BTreeMap<BotId, BotRow>, unreadable: &[String]) -> super::hub::Health {
    let worst = bots.values().map(|row| row.health.state).max();
    let mut state = worst.unwrap_or(HealthState::Well);
    if !unreadable.is_empty() {
        state = HealthState::Trouble;
    }
    let owed: u64 = bots.values().map(|row| u64::from(row.owed)).sum();
    let not_well: Vec<&BotRow> = bots
        .values()
        .filter(|row| row.health.state != HealthState::Well)
        .collect();
    let stale = bots.values().any(|row| row.stale && !row.removed);
    let mut line = if bots.is_empty() {
        "No bots yet: `gridkeeper bot plan --help` says how to plan one.".to_owned()
    } else if owed == 0 && stale {
        "Every order that is owed is at the exchange, as of the last look.".to_owned()
    } else if owed == 0 {
        "Every order that is owed is at the exchange.".to_owned()
    } else {
        let owing = bots.values().filter(|row| row.owed > 0).count();
        format!(
            "Owed and not known to be at the exchange: {} of {}.",
            crate::table::count(owed, "order"),
            crate::table::count_of(owing, "bot")
        )
    };
    let quarantined: usize = bots.values().map(|row| row.levels.quarantined).sum();
    if quarantined > 0 {
        line.push_str(&format!(
            " Quarantined: {}.",
            crate::table::count_of(quarantined, "level")
        ));
    }
    let lines = not_well.iter().flat_map(|row| {
        let lines = row.health.lines.iter();
        lines.map(|line| format!("{} on {}: {line}", row.bot, row.symbol))
    });
    super::hub::Health {
        state,
        line,
        lines: lines.collect(),
    }
}
