//! `gridkeeper explain`: what a level holds and owes, why, what will be tried next, and its story.

use std::time::Duration;

use domain::{Bot, Level, LevelIndex, LocalTime, OrderState};
use serde::Serialize;
use trading::{EventKind, EventRecord, FillRecord, LevelStore as _, Listing};

use super::Session;
use super::fills::{booked_words, source_words};
use super::seen::seen_words;
use crate::cli::ExplainArgs;
use crate::failure::{Failure, Outcome};
use crate::table::{Align, Table, amount, span, when, when_there};
use crate::words::{state_in_short, state_words};

/// A fill learnt of later than this after it happened is told with its delay.
const NOTABLE_DELAY: Duration = Duration::from_secs(2);

/// A level, explained.
#[derive(Debug, Serialize)]
struct Explained {
    level: LevelIndex,
    ladder: String,
    holds: String,
    order: String,
    why: String,
    next: String,
    remedy: Option<String>,
    owed_not_placed: bool,
    story: Vec<Line>,
}

/// One line of a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Line {
    at: LocalTime,
    text: String,
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
async fn no_level(session: &Session<'_>, bot: &Bot, index: LevelIndex) -> Failure {
    let loaded = session.home.store().load(&bot.account, &bot.id, index);
    match loaded.await {
        Err(error) => error.into(),
        Ok(_) => Failure::bad_input(format!("bot {} has no level {index}", bot.id)).mend(format!(
            "its levels are 0 to {}",
            bot.levels.saturating_sub(1)
        )),
    }
}

async fn explain_one(
    session: &mut Session<'_>,
    bot: &Bot,
    levels: &[Level],
    index: LevelIndex,
) -> Outcome {
    let Some(level) = levels.iter().find(|level| level.index == index) else {
        return Err(no_level(session, bot, index).await);
    };
    let fills = session
        .home
        .store()
        .list_fills(&bot.id, Some(index))
        .await?;
    let events = session
        .home
        .store()
        .list_events(&bot.id, Some(index))
        .await?;
    let mut explained = explain_level(bot, level, session.now());
    explained.story = story(bot, &fills.readable, &events.readable);
    let unreadable = fills.unreadable.into_iter().chain(events.unreadable);
    let unreadable = unreadable.map(Failure::from).collect();
    if session.json {
        session.write_json(&explained)?;
        return session.pass_on(unreadable);
    }
    let seen = seen_words(session, bot);
    let out = &mut *session.out;
    writeln!(
        out,
        "bot {} on {}, level {index}: {}",
        bot.id, bot.rules.symbol, explained.ladder
    )?;
    writeln!(out, "  holds    {}", explained.holds)?;
    writeln!(out, "  order    {}", explained.order)?;
    writeln!(out, "  why      {}", explained.why)?;
    writeln!(out, "  next     {}", explained.next)?;
    if let Some(remedy) = &explained.remedy {
        writeln!(out, "  you can  {remedy}")?;
    }
    writeln!(out, "  seen     {seen}")?;
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
    let levels = &listed.readable;
    let explained: Vec<Explained> = levels
        .iter()
        .map(|level| explain_level(bot, level, now))
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
    let seen = seen_words(session, bot);
    let out = &mut *session.out;
    writeln!(
        out,
        "bot {} on {} is {}, wanted: {}; {seen}",
        bot.id, bot.rules.symbol, bot.observed, bot.desired
    )?;
    let mut table = Table::new(&[
        ("level", Align::Right),
        ("holds", Align::Left),
        ("order", Align::Left),
        ("next", Align::Left),
    ]);
    for (level, explained) in levels.iter().zip(&explained).rev() {
        let order = level.order.as_ref().map_or_else(
            || "none yet".to_owned(),
            |order| {
                format!(
                    "{} {} at {}: {}",
                    order.intent.side,
                    order.intent.quantity,
                    order.intent.price,
                    state_in_short(order)
                )
            },
        );
        table.row(vec![
            level.index.to_string(),
            format!("{} {}", level.base, bot.rules.base),
            order,
            explained.next.clone(),
        ]);
    }
    table.write(out, 2)?;
    writeln!(out, "{}", summary(levels, &explained))?;
    for line in story(bot, &[], &of_bot) {
        writeln!(out, "  {}  {}", when(line.at), line.text)?;
    }
    session.pass_on(unreadable)
}

/// Whether anything is owed and not placed, in one sentence.
fn summary(levels: &[Level], explained: &[Explained]) -> String {
    let owed: Vec<String> = explained
        .iter()
        .filter(|level| level.owed_not_placed)
        .map(|level| level.level.to_string())
        .collect();
    let fresh = levels.iter().filter(|level| level.order.is_none()).count();
    let fresh = match fresh {
        0 => String::new(),
        count => format!(" {count} levels have owed nothing yet."),
    };
    if owed.is_empty() {
        format!("Nothing is owed that is not placed.{fresh}")
    } else {
        format!(
            "Owed and not placed: {} of {} levels ({}).{fresh} `gridkeeper explain BOT LEVEL` tells why.",
            owed.len(),
            levels.len(),
            owed.join(", ")
        )
    }
}

/// What a level holds and owes, without its story.
fn explain_level(bot: &Bot, level: &Level, now: LocalTime) -> Explained {
    let (base, quote) = (&bot.rules.base, &bot.rules.quote);
    let ladder = format!(
        "buys {} {base} at {}, sells at {} {quote}",
        level.quantity, level.buy_price, level.sell_price
    );
    let holds = holds(bot, level);
    let Some(order) = &level.order else {
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
        return Explained {
            level: level.index,
            ladder,
            holds,
            order: "none yet".to_owned(),
            why: why.to_owned(),
            next: next.to_owned(),
            remedy: None,
            owed_not_placed: false,
            story: Vec::new(),
        };
    };
    let words = state_words(bot, order, now);
    let at_exchange = order.exchange_order_id.map_or_else(
        || "no id at the exchange".to_owned(),
        |id| format!("order {id} at the exchange"),
    );
    let placed = if order.by_recovery {
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
            "{} {} {base} at {} {quote}, number {} ({at_exchange}, {} executed{placed}): {}{since}",
            order.intent.side,
            order.intent.quantity,
            order.intent.price,
            order.no,
            order.executed,
            state_in_short(order)
        ),
        why: words.why,
        next: words.next,
        remedy: words.remedy,
        owed_not_placed: words.owed && !matches!(order.state, OrderState::Idle),
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
        "{} {base} that cost {} {quote}; earned {} {quote} in {} round trips{fees}",
        level.base,
        amount(level.cost.decimal()),
        amount(level.realized_profit.decimal()),
        level.round_trips
    )
}

/// Fills and events as one story, in the order in which this system learnt of them.
fn story(bot: &Bot, fills: &[FillRecord], events: &[EventRecord]) -> Vec<Line> {
    let mut lines: Vec<Line> = fills
        .iter()
        .map(|fill| Line {
            at: fill.committed_at,
            text: fill_words(bot, fill),
        })
        .chain(events.iter().map(|event| Line {
            at: event.at,
            text: event_words(event),
        }))
        .collect();
    lines.sort_by_key(|line| line.at);
    lines
}

fn fill_words(bot: &Bot, fill: &FillRecord) -> String {
    let (base, quote) = (&bot.rules.base, &bot.rules.quote);
    let verb = match fill.side {
        domain::Side::Buy => "bought",
        domain::Side::Sell => "sold",
    };
    let fee = fill.trade.fee.as_ref().map_or_else(String::new, |fee| {
        format!(", fee {} {}", fee.amount, fee.asset)
    });
    let booked =
        booked_words(fill.booked_as).map_or_else(String::new, |words| format!(", {words}"));
    let placed = if fill.by_recovery {
        ", of an order placed by recovery"
    } else {
        ""
    };
    let caused = fill
        .caused
        .map_or_else(String::new, |no| format!("; led to order number {no}"));
    let late = fill
        .committed_at
        .as_millis()
        .saturating_sub(fill.trade.time.as_millis());
    let late = Duration::from_millis(u64::try_from(late).unwrap_or(0));
    let late = if late >= NOTABLE_DELAY {
        format!(
            "; it happened {} earlier, at {}",
            span(late),
            when_there(fill.trade.time)
        )
    } else {
        String::new()
    };
    format!(
        "number {}: {verb} {} {base} at {} {quote}{fee} (trade {}, from the {}{booked}{placed}){caused}{late}",
        fill.no,
        fill.trade.quantity,
        fill.trade.price,
        fill.trade.id,
        source_words(fill.source)
    )
}

fn event_words(event: &EventRecord) -> String {
    let no = event
        .no
        .map_or_else(String::new, |no| format!("number {no}: "));
    format!("{no}{}: {}", kind_words(event.kind), event.text)
}

const fn kind_words(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Laid => "first order",
        EventKind::Refused => "not placed",
        EventKind::Unknown => "no clear answer",
        EventKind::Claimed => "taken over",
        EventKind::WindowExpired => "signed anew",
        EventKind::Adopted => "found at the exchange",
        EventKind::Recovered => "missed, and found by recovery",
        EventKind::Cancelled => "cancelled by us",
        EventKind::Ended => "ended early",
        EventKind::Amended => "changed by hand",
        EventKind::Held => "on purpose not placed",
        EventKind::Released => "owed again",
        EventKind::LateFill => "late fill",
        EventKind::SecondOrder => "second order",
        EventKind::Quarantined => "records and exchange disagree",
        EventKind::Operator => "operator",
    }
}
