//! `gridkeeper bot list` and `bot show`: what the bots do and what their levels hold.

use std::collections::BTreeMap;

use domain::{
    Asset, BaseAmount, Bot, BotId, DesiredStatus, FirstInventory, Level, LevelIndex,
    ObservedStatus, OrderState, Quantity, QuoteAmount, Symbol,
};
use serde::Serialize;
use trading::{AccountRecord, AccountStore as _, Breaker, LevelStore as _, StreamState};

use super::super::Session;
use super::super::account::{breaker_words, stream_words};
use super::super::fills::placed_by;
use super::super::market::{SILENT, market};
use super::super::seen::{needs_up, seen};
use crate::failure::{Exit, Failure, Outcome};
use crate::table::{Align, Table, amount, count, when};
use crate::words::state_in_short;

/// What all levels of a bot come to.
#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct Sums {
    pub(crate) open_orders: u32,
    pub(crate) owed_not_placed: u32,
    /// No answer has come yet: they may be at the exchange.
    pub(crate) possibly_placed: u32,
    pub(crate) quarantined: u32,
    pub(crate) base: BaseAmount,
    pub(crate) cost: QuoteAmount,
    pub(crate) realized_profit: QuoteAmount,
    pub(crate) round_trips: u64,
    pub(crate) fees: BTreeMap<Asset, Quantity>,
    pub(crate) placed_by_recovery: Vec<LevelIndex>,
}

#[derive(Serialize)]
struct Listed {
    bot: BotId,
    account: domain::AccountId,
    symbol: Symbol,
    levels: u16,
    desired: DesiredStatus,
    observed: ObservedStatus,
    #[serde(skip)]
    unattended: bool,
    #[serde(flatten)]
    sums: Sums,
}

#[derive(Serialize)]
struct Shown<'a> {
    bot: &'a Bot,
    stream: &'a StreamState,
    stream_wanted_since: Option<domain::LocalTime>,
    trading: &'a Breaker,
    sums: &'a Sums,
    levels: &'a [Level],
    unreadable: Vec<String>,
}

impl Sums {
    pub(crate) fn of<'a>(levels: impl IntoIterator<Item = &'a Level>) -> Self {
        let mut sums = Self::default();
        for level in levels {
            sums.add(level);
        }
        sums
    }

    /// Orders that are owed and not known to be at the exchange.
    pub(crate) const fn owed(&self) -> u32 {
        self.owed_not_placed.saturating_add(self.possibly_placed)
    }

    fn add(&mut self, level: &Level) {
        if let Some(order) = &level.order {
            match order.state {
                OrderState::Open => self.open_orders += 1,
                OrderState::Quarantined { .. } => self.quarantined += 1,
                OrderState::Pending { .. } => self.possibly_placed += 1,
                OrderState::Refused { .. } | OrderState::Held { .. } => self.owed_not_placed += 1,
                OrderState::Idle => {}
            }
            if order.by_recovery && order.state != OrderState::Idle {
                self.placed_by_recovery.push(level.index);
            }
        }
        // Beyond 28 digits a sum for people keeps its last value; each level stays exact.
        self.base = self.base.checked_add(level.base).unwrap_or(self.base);
        self.cost = self.cost.checked_add(level.cost).unwrap_or(self.cost);
        let profit = self.realized_profit.checked_add(level.realized_profit);
        self.realized_profit = profit.unwrap_or(self.realized_profit);
        self.round_trips += u64::from(level.round_trips);
        for (asset, fee) in &level.fees {
            let paid = self.fees.entry(asset.clone()).or_insert(Quantity::ZERO);
            *paid = paid.checked_add(*fee).unwrap_or(*paid);
        }
    }
}

pub(super) async fn list(session: &mut Session<'_>) -> Outcome {
    let mut listed = Vec::new();
    let (bots, mut failures) = session.bots().await?;
    for bot in bots {
        let levels = match session.home.store().list_levels(&bot.id).await {
            Ok(levels) => levels,
            Err(error) => {
                failures.push(Failure::from(error).at(format!("bot {}", bot.id)));
                continue;
            }
        };
        failures.extend(levels.unreadable.into_iter().map(Failure::from));
        listed.push(Listed {
            sums: Sums::of(&levels.readable),
            unattended: session.home.is_unattended() && needs_up(&bot),
            bot: bot.id,
            account: bot.account,
            symbol: bot.rules.symbol,
            levels: bot.levels,
            desired: bot.desired,
            observed: bot.observed,
        });
    }
    if session.json {
        session.write_json(&listed)?;
        return session.pass_on(failures);
    }
    if listed.is_empty() && failures.is_empty() {
        writeln!(
            session.out,
            "no bots yet; `gridkeeper bot plan --help` says how to plan one"
        )?;
        return Ok(Exit::Yes);
    }
    write_list(session, listed)?;
    session.pass_on(failures)
}

fn write_list(session: &mut Session<'_>, listed: Vec<Listed>) -> Result<(), Failure> {
    let mut table = Table::new(&[
        ("bot", Align::Left),
        ("account", Align::Left),
        ("symbol", Align::Left),
        ("is", Align::Left),
        ("wanted", Align::Left),
        ("levels", Align::Right),
        ("open", Align::Right),
        ("owed", Align::Right),
        ("quarantined", Align::Right),
        ("round trips", Align::Right),
        ("realized profit", Align::Right),
    ]);
    let unattended = listed.iter().any(|bot| bot.unattended);
    for bot in listed {
        table.row(vec![
            bot.bot.to_string(),
            bot.account.to_string(),
            bot.symbol.to_string(),
            bot.observed.to_string(),
            bot.desired.to_string(),
            bot.levels.to_string(),
            bot.sums.open_orders.to_string(),
            bot.sums.owed().to_string(),
            bot.sums.quarantined.to_string(),
            bot.sums.round_trips.to_string(),
            amount(bot.sums.realized_profit.decimal()),
        ]);
    }
    table.write(session.out, 0)?;
    if unattended {
        writeln!(
            session.out,
            "`gridkeeper up` is not running: this is how things stood at its last look, and what fills now \
             waits until it runs"
        )?;
    }
    Ok(())
}

pub(super) async fn show(session: &mut Session<'_>, id: &BotId) -> Outcome {
    let bot = session.find_bot(id).await?;
    let mut account = session.find_account(&bot.account).await?;
    let listed = session.home.store().list_levels(id).await?;
    let levels = listed.readable;
    let unreadable = listed.unreadable;
    let sums = Sums::of(&levels);
    let requested = request_stream(session, &bot, &mut account).await?;
    if session.json {
        session.write_json(&Shown {
            bot: &bot,
            stream: &account.stream,
            stream_wanted_since: account.stream_wanted_since,
            trading: &account.breaker,
            sums: &sums,
            levels: &levels,
            unreadable: unreadable.iter().map(ToString::to_string).collect(),
        })?;
    } else {
        write_head(session, &bot, &account, requested).await?;
        let market = market(session, &bot, &levels).await;
        let market = market.unwrap_or_else(|| SILENT.to_owned());
        writeln!(session.out, "  market     {market}")?;
        write_sums(session, &bot, &sums)?;
        write_levels(session, &bot.id, &levels)?;
    }
    session.pass_on(unreadable.into_iter().map(Failure::from).collect())
}

/// Asks for the stream of a running bot's account where there is none.
async fn request_stream(
    session: &Session<'_>,
    bot: &Bot,
    account: &mut AccountRecord,
) -> Result<bool, Failure> {
    let missing = !matches!(account.stream, StreamState::Subscribed { .. });
    let runs = bot.desired == DesiredStatus::Running;
    if !missing || !runs || account.stream_wanted_since.is_some() {
        return Ok(false);
    }
    let now = session.now();
    session
        .home
        .store()
        .want_stream(&account.id, Some(now))
        .await?;
    account.stream_wanted_since = Some(now);
    Ok(true)
}

async fn write_head(
    session: &mut Session<'_>,
    bot: &Bot,
    account: &AccountRecord,
    requested: bool,
) -> Result<(), Failure> {
    let seen = seen(session, bot, None).await?;
    let out = &mut *session.out;
    writeln!(
        out,
        "bot {} on {}, account {}",
        bot.id, bot.rules.symbol, bot.account
    )?;
    writeln!(out, "  status     {}", status_words(bot))?;
    // What is recorded of the stream holds while somebody keeps it.
    let stream = if seen.nobody_runs {
        "none now, as `gridkeeper up` is not running: nobody hears of fills".to_owned()
    } else {
        stream_words(&account.stream, account.stream_wanted_since)
    };
    writeln!(out, "  stream     {stream}")?;
    let missing = !matches!(account.stream, StreamState::Subscribed { .. });
    if missing && !seen.nobody_runs {
        let asked = if requested {
            "it is requested now; "
        } else {
            ""
        };
        writeln!(
            out,
            "             {asked}until it is there, fills are found {}",
            if seen.stale {
                "only once a look at the exchange succeeds again"
            } else {
                "by polling, if the exchange answers"
            }
        )?;
    }
    writeln!(out, "  orders     {}", breaker_words(&account.breaker))?;
    writeln!(out, "  recovery   {}", seen.words)?;
    let mut options = String::new();
    for (set, word) in [
        (bot.plan.compounding, ", compounding"),
        (bot.plan.post_only, ", post-only"),
        (
            bot.plan.first_inventory == FirstInventory::FromBalance,
            ", first inventory from the balance",
        ),
    ] {
        options.push_str(if set { word } else { "" });
    }
    writeln!(
        out,
        "  grid       {} to {} {}, {}, {}{options}; created {}",
        bot.plan.lower,
        bot.plan.upper,
        bot.rules.quote,
        bot.plan.spacing,
        bot.plan.sizing,
        when(bot.created_at)
    )?;
    Ok(())
}

/// What a bot is, and what it is wanted to be where that differs.
pub(crate) fn status_words(bot: &Bot) -> String {
    match (bot.desired, bot.observed) {
        (DesiredStatus::Running, ObservedStatus::Running)
        | (DesiredStatus::Ready, ObservedStatus::Ready)
        | (DesiredStatus::Paused, ObservedStatus::Paused)
        | (DesiredStatus::Stopped | DesiredStatus::StoppedAndSold, ObservedStatus::Stopped) => {
            bot.observed.to_string()
        }
        (desired, observed) => format!("{observed}; wanted: {desired}"),
    }
}

fn write_sums(session: &mut Session<'_>, bot: &Bot, sums: &Sums) -> Result<(), Failure> {
    let (base, quote) = (&bot.rules.base, &bot.rules.quote);
    let out = &mut *session.out;
    writeln!(
        out,
        "  holds      {} {base}, which cost {} {quote}",
        sums.base,
        amount(sums.cost.decimal())
    )?;
    let fees = sums
        .fees
        .iter()
        .map(|(asset, fee)| format!("{fee} {asset}"))
        .collect::<Vec<_>>()
        .join(", ");
    let fees = if fees.is_empty() {
        "none".to_owned()
    } else {
        fees
    };
    writeln!(
        out,
        "  earned     {} {quote} in {}; fees paid: {fees}",
        amount(sums.realized_profit.decimal()),
        count(sums.round_trips, "round trip")
    )?;
    writeln!(
        out,
        "  levels     {} with an open order, {} possibly placed (no answer yet), {} owed and not placed, \
         {} quarantined, of {}",
        sums.open_orders, sums.possibly_placed, sums.owed_not_placed, sums.quarantined, bot.levels
    )?;
    let marked = sums
        .placed_by_recovery
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let marked = if marked.is_empty() {
        "none".to_owned()
    } else {
        format!("levels {marked}")
    };
    writeln!(out, "  orders placed by recovery: {marked}")?;
    Ok(())
}

fn write_levels(session: &mut Session<'_>, id: &BotId, levels: &[Level]) -> Result<(), Failure> {
    let mut table = Table::new(&[
        ("level", Align::Right),
        ("buys at", Align::Right),
        ("sells at", Align::Right),
        ("holds", Align::Right),
        ("order", Align::Left),
        ("price", Align::Right),
        ("quantity", Align::Right),
        ("executed", Align::Right),
        ("placed by", Align::Left),
        ("state", Align::Left),
    ]);
    for level in levels.iter().rev() {
        let mut row = vec![
            level.index.to_string(),
            level.buy_price.to_string(),
            level.sell_price.to_string(),
            level.base.to_string(),
        ];
        match &level.order {
            Some(order) => row.extend([
                order.intent.side.to_string(),
                order.intent.price.to_string(),
                order.intent.quantity.to_string(),
                order.executed.to_string(),
                placed_by(order.no, order.by_recovery).to_owned(),
                state_in_short(order),
            ]),
            None => row.extend(["-", "", "", "", "", "nothing owed yet"].map(str::to_owned)),
        }
        table.row(row);
    }
    table.write(session.out, 2)?;
    writeln!(
        session.out,
        "`gridkeeper explain {id} LEVEL` tells why a level holds what it holds"
    )?;
    Ok(())
}
