//! `gridkeeper explain`: what a level holds and owes, why, what will be tried next, and its story.

mod summary;

use domain::{Bot, Level, LevelIndex, LevelOrder, LocalTime, OrderState};
use serde::Serialize;
use trading::{
    AccountRecord, AccountStore as _, Breaker, EventRecord, FillRecord, LevelStore as _, Listing,
};

use super::account::breaker_words;
use super::market::{SILENT, free_for, market};
use super::seen::{Seen, seen};
use super::story::{Line, story};
use super::{Desk, Session};
use crate::cli::ExplainArgs;
use crate::failure::{Failure, Outcome};
use crate::table::{Align, Table, amount, count, when};
use crate::words::funds::{Lacking, lacking};
use crate::words::in_short::{asks_in_short, or_better};
use crate::words::owing::Owing;
use crate::words::quarantine::{all_vanished, forgotten};
use crate::words::{state_in_short, state_words};
use summary::funds_lines;
pub(crate) use summary::summary;

/// A level, explained.
#[derive(Debug, Serialize)]
pub(crate) struct Explained {
    pub(crate) level: LevelIndex,
    pub(crate) ladder: String,
    pub(crate) holds: String,
    pub(crate) order: String,
    pub(crate) why: String,
    pub(crate) next: String,
    pub(crate) remedy: Option<String>,
    pub(crate) owed_not_placed: bool,
    pub(crate) possibly_placed: bool,
    pub(crate) quarantined: bool,
    pub(crate) story: Vec<Line>,
}

pub(super) async fn explain(session: &mut Session<'_>, args: &ExplainArgs) -> Outcome {
    let bot = session.find_bot(&args.bot).await?;
    let levels = session.home.store().list_levels(&bot.id).await?;
    match args.level {
        Some(index) => explain_one(session, &bot, &levels.readable, index).await,
        None => explain_all(session, &bot, levels).await,
    }
}

/// What to say of a level that is not among those that can be read.
async fn no_level(desk: &Desk<'_>, bot: &Bot, index: LevelIndex) -> Failure {
    let loaded = desk.home.store().load(&bot.account, &bot.id, index);
    match loaded.await {
        Err(error) => error.into(),
        Ok(_) => Failure::bad_input(format!("bot {} has no level {index}", bot.id)).mend(format!(
            "its levels are 0 to {}",
            bot.levels.saturating_sub(1)
        )),
    }
}

/// A level, explained, with what was read for it.
pub(crate) struct Whole {
    pub(crate) explained: Explained,
    pub(crate) level: Level,
    pub(crate) fills: Vec<FillRecord>,
    pub(crate) seen: Seen,
    pub(crate) unreadable: Vec<Failure>,
}

/// What one level of a bot holds and owes, why, what comes next, and its story. `levels` are all of the
/// bot's that can be read.
///
/// # Errors
/// [`Failure`] when there is no such level, or the store does not answer.
pub(crate) async fn explain_whole(
    desk: &Desk<'_>,
    bot: &Bot,
    levels: &[Level],
    index: LevelIndex,
) -> Result<Whole, Failure> {
    let Some(level) = levels.iter().find(|level| level.index == index) else {
        return Err(no_level(desk, bot, index).await);
    };
    let store = desk.home.store();
    let fills = store.list_fills(&bot.id, Some(index)).await?;
    let events = store.list_events(&bot.id, Some(index)).await?;
    let seen = seen_of(desk, bot).await?;
    let level = with_whole_words(level, &events.readable);
    let mut explained = explain_level(bot, &level, desk.now(), &seen);
    if all_vanished(levels) && explained.quarantined {
        explained.remedy = Some(forgotten(&bot.id));
    }
    tell_free(desk, bot, &level, levels, &mut explained).await;
    explained.story = story(bot, Some(&level), &fills.readable, &events.readable);
    let unreadable = fills.unreadable.into_iter().chain(events.unreadable);
    Ok(Whole {
        explained,
        level,
        fills: fills.readable,
        seen,
        unreadable: unreadable.map(Failure::from).collect(),
    })
}

async fn explain_one(
    session: &mut Session<'_>,
    bot: &Bot,
    levels: &[Level],
    index: LevelIndex,
) -> Outcome {
    let Whole {
        explained,
        level,
        seen,
        unreadable,
        ..
    } = Box::pin(explain_whole(session, bot, levels, index)).await?;
    if session.json {
        session.write_json(&explained)?;
        return session.pass_on(unreadable);
    }
    let market = market(session, bot, std::slice::from_ref(&level)).await;
    let out = &mut *session.out;
    writeln!(
        out,
        "bot {} on {}, level {index}: {}",
        bot.id, bot.rules.symbol, explained.ladder
    )?;
    writeln!(out, "  holds    {}", explained.holds)?;
    let market = market.unwrap_or_else(|| SILENT.to_owned());
    writeln!(out, "  market   {market}")?;
    writeln!(out, "  order    {}", explained.order)?;
    writeln!(out, "  why      {}", explained.why)?;
    let first = if seen.nobody_runs && !explained.next.starts_with("nothing") {
        "nothing until `gridkeeper up` is started; then: "
    } else {
        ""
    };
    writeln!(out, "  next     {first}{}", explained.next)?;
    if let Some(remedy) = &explained.remedy {
        writeln!(out, "  you can  {remedy}")?;
    }
    writeln!(out, "  seen     {}", seen.words)?;
    writeln!(out, "\nIts story, oldest first")?;
    if explained.story.is_empty() {
        writeln!(out, "  nothing has happened yet")?;
    }
    for line in &explained.story {
        writeln!(out, "  {}  {}", when(line.at), line.text)?;
    }
    session.pass_on(unreadable)
}

async fn explain_all(session: &mut Session<'_>, bot: &Bot, listed: Listing<Level>) -> Outcome {
    let now = session.now();
    let seen = seen_of(session, bot).await?;
    let levels = &listed.readable;
    let explained: Vec<Explained> = levels
        .iter()
        .map(|level| explain_level(bot, level, now, &seen))
        .collect();
    let events = session.home.store().list_events(&bot.id, None).await?;
    let of_bot: Vec<EventRecord> = events
        .readable
        .into_iter()
        .filter(|event| event.level.is_none())
        .collect();
    let unreadable = listed.unreadable.into_iter().chain(events.unreadable);
    let unreadable = unreadable.map(Failure::from).collect();
    if session.json {
        session.write_json(&explained)?;
        return session.pass_on(unreadable);
    }
    let market = market(session, bot, levels).await;
    let funds = funds_lines(session, bot, levels).await;
    let out = &mut *session.out;
    writeln!(
        out,
        "bot {} on {} is {}, wanted: {}; {}",
        bot.id, bot.rules.symbol, bot.observed, bot.desired, seen.words
    )?;
    let market = market.unwrap_or_else(|| SILENT.to_owned());
    writeln!(out, "market: {market}")?;
    let next = if seen.nobody_runs {
        "next, once `gridkeeper up` is started"
    } else {
        "next"
    };
    let mut table = Table::new(&[
        ("level", Align::Right),
        ("holds", Align::Left),
        ("order", Align::Left),
        (next, Align::Left),
    ]);
    for (level, explained) in levels.iter().zip(&explained).rev() {
        table.row(vec![
            level.index.to_string(),
            format!("{} {}", level.base, bot.rules.base),
            order_words(level, &seen),
            explained.next.clone(),
        ]);
    }
    table.write(out, 2)?;
    writeln!(out, "{}", summary(bot, levels, &seen))?;
    for line in funds {
        writeln!(out, "{line}")?;
    }
    for line in story(bot, None, &[], &of_bot) {
        writeln!(out, "  {}  {}", when(line.at), line.text)?;
    }
    session.pass_on(unreadable)
}

/// A level's order in a table's cell.
fn order_words(level: &Level, seen: &Seen) -> String {
    level.order.as_ref().map_or_else(
        || "none yet".to_owned(),
        |order| {
            format!(
                "{}: {}",
                asks_in_short(&order.intent),
                last_known_state(order, seen)
            )
        },
    )
}

/// Adds to the remedy of a level that the account has too little for what it has free, and what all levels
/// that wait for the same need.
async fn tell_free(
    desk: &Desk<'_>,
    bot: &Bot,
    level: &Level,
    levels: &[Level],
    explained: &mut Explained,
) {
    let Some(remedy) = &mut explained.remedy else {
        return;
    };
    let own = lacking(bot, std::slice::from_ref(level));
    for Lacking { side, .. } in own {
        if let Some(all) = lacking(bot, levels)
            .into_iter()
            .find(|all| all.side == side)
            && all.levels.len() > 1
        {
            remedy.push_str(&format!("; {all}"));
        }
        if let Some(free) = free_for(desk, bot, side).await {
            remedy.push_str(&format!("; {free}"));
        }
    }
}

/// When a bot was last looked at, and whether its account hears of the exchange now.
async fn seen_of(desk: &Desk<'_>, bot: &Bot) -> Result<Seen, Failure> {
    let account = desk.home.store().account(&bot.account).await?;
    let stream = account.as_ref().map(|account| &account.stream);
    let seen = seen(desk, bot, stream).await?;
    Ok(with_orders_stopped(seen, bot, account.as_ref()))
}

/// The same with the word that the account's orders are stopped, where they are.
pub(crate) fn with_orders_stopped(
    mut seen: Seen,
    bot: &Bot,
    account: Option<&AccountRecord>,
) -> Seen {
    let breaker = account.map(|account| &account.breaker);
    if let Some(breaker @ Breaker::Stopped { .. }) = breaker {
        seen.words.push_str(&format!(
            "; orders of account {id} are {}: `gridkeeper account check {id}` says how to mend it",
            breaker_words(breaker),
            id = bot.account
        ));
    }
    seen
}

/// The level with the words of its refusal or quarantine whole: its record keeps their start only.
fn with_whole_words(level: &Level, events: &[EventRecord]) -> Level {
    let mut whole = level.clone();
    let Some(order) = &mut whole.order else {
        return whole;
    };
    let mut told = events
        .iter()
        .rev()
        .filter(|event| event.no == Some(order.no));
    match &mut order.state {
        OrderState::Refused { why, detail, .. } => {
            let start = format!("{why}: ");
            let full = told.find_map(|event| {
                let text = event.text.strip_prefix(&start)?;
                text.starts_with(detail.as_str()).then(|| text.to_owned())
            });
            *detail = full.unwrap_or_else(|| detail.clone());
        }
        OrderState::Quarantined { evidence, .. } => {
            let full = told.find(|event| event.text.starts_with(evidence.as_str()));
            *evidence = full.map_or_else(|| evidence.clone(), |event| event.text.clone());
        }
        OrderState::Pending { .. }
        | OrderState::Open
        | OrderState::Held { .. }
        | OrderState::Idle => {}
    }
    whole
}

/// The state of an order, as of the last look where nobody has heard of the exchange since.
fn last_known_state(order: &LevelOrder, seen: &Seen) -> String {
    let state = state_in_short(order);
    if order.state == OrderState::Open && seen.stale {
        format!("{state} when last looked at")
    } else {
        state
    }
}

/// What a level holds and owes, without its story.
pub(crate) fn explain_level(bot: &Bot, level: &Level, now: LocalTime, seen: &Seen) -> Explained {
    let (base, quote) = (&bot.rules.base, &bot.rules.quote);
    let ladder = format!(
        "buys {} {base} at {}, sells at {} {quote}",
        level.quantity, level.buy_price, level.sell_price
    );
    let holds = holds(bot, level);
    let Some(order) = &level.order else {
        return without_order(bot, level, ladder, holds);
    };
    let words = state_words(bot, level, order, now);
    let owing = Owing::of(level);
    let at_exchange = order.exchange_order_id.map_or_else(
        || "no id at the exchange".to_owned(),
        |id| format!("exchange order {id}"),
    );
    let placed = if order.by_recovery && order.exchange_order_id.is_some() {
        ", placed by recovery"
    } else {
        ""
    };
    // An open order's record changes with each of its fills.
    let since = if order.state == OrderState::Open {
        String::new()
    } else {
        format!(", since {}", when(level.changed_at))
    };
    Explained {
        level: level.index,
        ladder,
        holds,
        order: format!(
            "{} {} {base} at {} {quote}{}, number {} ({at_exchange}{placed}): {}{since}",
            order.intent.side,
            order.intent.quantity,
            order.intent.price,
            or_better(&order.intent),
            order.no,
            last_known_state(order, seen)
        ),
        why: words.why,
        next: words.next,
        remedy: words.remedy,
        owed_not_placed: matches!(owing, Owing::NotPlaced | Owing::Quarantined),
        possibly_placed: owing == Owing::PossiblyPlaced,
        quarantined: owing == Owing::Quarantined,
        story: Vec::new(),
    }
}

/// A level that has had no order yet.
fn without_order(bot: &Bot, level: &Level, ladder: String, holds: String) -> Explained {
    let (why, next) = match bot.desired {
        domain::DesiredStatus::Running => (
            "it has owed nothing yet: the bot's first orders are being laid",
            "its first order, with the next look",
        ),
        domain::DesiredStatus::Ready
        | domain::DesiredStatus::Paused
        | domain::DesiredStatus::Stopped
        | domain::DesiredStatus::StoppedAndSold => (
            "it has owed nothing yet, as the bot has not traded",
            "nothing, until the bot is started",
        ),
    };
    Explained {
        level: level.index,
        ladder,
        holds,
        order: "none yet".to_owned(),
        why: why.to_owned(),
        next: next.to_owned(),
        remedy: None,
        owed_not_placed: false,
        possibly_placed: false,
        quarantined: false,
        story: Vec::new(),
    }
}

fn holds(bot: &Bot, level: &Level) -> String {
    let (base, quote) = (&bot.rules.base, &bot.rules.quote);
    let fees: Vec<String> = level
        .fees
        .iter()
        .map(|(asset, fee)| format!("{fee} {asset}"))
        .collect();
    let fees = if fees.is_empty() {
        String::new()
    } else {
        format!(", fees paid {}", fees.join(" and "))
    };
    format!(
        "{} {base} that cost {} {quote}; earned {} {quote} after fees in {}{fees}",
        level.base,
        amount(level.cost.decimal()),
        amount(level.realized_profit.decimal()),
        count(level.round_trips, "round trip")
    )
}
