//! The story of a level or a bot: its trades and what happened beside them, told line by line.
//!
//! Start at [`story`]. A trade tells of its own price and quantity; what an order asked for is told by
//! the fill that led to it, and by the level while it is its current or last one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{
    Asset, Bot, Level, LevelOrder, LocalTime, OrderNumber, Purpose, Quantity, QuoteAmount, Source,
};
use rust_decimal::Decimal;
use serde::Serialize;
use trading::{BookedAs, EventKind, EventRecord, FillRecord, LEASE, OrderSummary};

use crate::table::{span, when_there};

/// A fill learnt of later than this after it happened is told with its delay.
const NOTABLE_DELAY: Duration = Duration::from_secs(2);

/// One line of a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    /// When this system learnt of it.
    pub(crate) at: LocalTime,
    /// What happened.
    pub(crate) text: String,
}

/// Fills and events as one story, in the order in which this system learnt of them. `level` is the
/// one whose story it is; a bot's own has none.
pub(crate) fn story(
    bot: &Bot,
    level: Option<&Level>,
    fills: &[FillRecord],
    events: &[EventRecord],
) -> Vec<Line> {
    let orders = known_orders(bot, level, fills, events);
    let told = events
        .iter()
        .filter(|event| !is_told_already(event, events));
    let mut parts: Vec<Part<'_>> = fills.iter().map(Part::Fill).collect();
    parts.extend(told.map(Part::Event));
    parts.sort_by_key(Part::place);
    let runs = in_runs(parts);
    let accepted = level.and_then(|level| accepted(level, &orders, &runs));
    let mut lines: Vec<Line> = runs
        .iter()
        .map(|run| match run {
            Run::Event(event) => Line {
                at: event.at,
                text: event_words(bot, event),
            },
            Run::Fills(fills) => Line {
                at: fills.last.committed_at,
                text: fill_words(bot, fills, &orders),
            },
        })
        .collect();
    if let Some((place, line)) = accepted {
        lines.insert(place.min(lines.len()), line);
    }
    lines
}

/// One thing that happened.
enum Part<'a> {
    Fill(&'a FillRecord),
    Event(&'a EventRecord),
}

impl Part<'_> {
    /// What happened in the same millisecond is told order by order, a placement before its fills.
    fn place(&self) -> (LocalTime, Option<OrderNumber>, u8) {
        match self {
            Self::Event(event) if leads_to_placement(event.kind) => (event.at, event.no, 0),
            Self::Fill(fill) => (fill.committed_at, Some(fill.no), 1),
            Self::Event(event) => (event.at, event.no, 2),
        }
    }
}

/// What is told in one line.
enum Run<'a> {
    Event(&'a EventRecord),
    Fills(Fills<'a>),
}

/// Fills of one order between which nothing else happened.
struct Fills<'a> {
    first: &'a FillRecord,
    last: &'a FillRecord,
    all: Vec<&'a FillRecord>,
}

/// An order of a thousand trades is told in as many lines as other things happened between them.
fn in_runs(parts: Vec<Part<'_>>) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for part in parts {
        match (part, runs.last_mut()) {
            (Part::Fill(fill), Some(Run::Fills(run)))
                if run.last.no == fill.no && run.last.caused.is_none() =>
            {
                run.last = fill;
                run.all.push(fill);
            }
            (Part::Fill(fill), _) => runs.push(Run::Fills(Fills {
                first: fill,
                last: fill,
                all: vec![fill],
            })),
            (Part::Event(event), _) => runs.push(Run::Event(event)),
        }
    }
    runs
}

/// An end that we brought about ourselves is told by what brought it about.
fn is_told_already(event: &EventRecord, events: &[EventRecord]) -> bool {
    event.kind == EventKind::Ended
        && event.no.is_some()
        && events.iter().any(|other| {
            other.kind == EventKind::Cancelled && other.no == event.no && other.at <= event.at
        })
}

/// Whether such an event is part of how an order came to be placed.
const fn leads_to_placement(kind: EventKind) -> bool {
    match kind {
        EventKind::Laid
        | EventKind::Refused
        | EventKind::Unknown
        | EventKind::Claimed
        | EventKind::WindowExpired
        | EventKind::Held
        | EventKind::Released => true,
        EventKind::Adopted
        | EventKind::Recovered
        | EventKind::Cancelled
        | EventKind::Ended
        | EventKind::Amended
        | EventKind::LateFill
        | EventKind::SecondOrder
        | EventKind::Quarantined
        | EventKind::Operator => false,
    }
}

/// What is known of the orders a level has had, by number: side, and where a record holds them quantity
/// and price.
fn known_orders(
    bot: &Bot,
    level: Option<&Level>,
    fills: &[FillRecord],
    events: &[EventRecord],
) -> BTreeMap<OrderNumber, String> {
    let quote = &bot.rules.quote;
    let mut orders: BTreeMap<OrderNumber, String> = fills
        .iter()
        .map(|fill| (fill.no, format!("a {}", fill.side)))
        .collect();
    if let Some(passed) = level.and_then(|level| level.previous.as_ref()) {
        let words = format!("{} at {} {quote}", passed.side, passed.price);
        orders.insert(passed.no, words);
    }
    // Of an order that was changed at the exchange, the level knows only what it has become.
    let changed = |no: OrderNumber| {
        let mut events = events.iter();
        events.any(|event| event.kind == EventKind::Amended && event.no == Some(no))
    };
    let current = level.and_then(|level| level.order.as_ref());
    if let Some(order) = current.filter(|order| changed(order.no)) {
        let words = format!("{} at {} {quote}", order.intent.side, order.intent.price);
        orders.insert(order.no, words);
    }
    let current = current
        .filter(|order| !changed(order.no))
        .map(|order| (order.no, OrderSummary::from(&order.intent)));
    let told = events.iter().filter_map(|event| event.no.zip(event.order));
    let caused = fills
        .iter()
        .filter_map(|fill| fill.caused.zip(fill.caused_order));
    for (no, asks) in current.into_iter().chain(told).chain(caused) {
        orders.insert(no, asks_words(bot, asks));
    }
    orders
}

/// The placement of the current order and where its line belongs: after what led to it, before the first
/// that was heard of it. The lease under which it was sent says when; where that is no longer kept, what led
/// to it does.
fn accepted(
    level: &Level,
    orders: &BTreeMap<OrderNumber, String>,
    runs: &[Run<'_>],
) -> Option<(usize, Line)> {
    let order = level.order.as_ref()?;
    let (id, words) = (order.exchange_order_id?, orders.get(&order.no)?);
    let no = order.no;
    let heard = runs.iter().position(|run| run.is_heard_of(no));
    let before = runs.get(..heard.unwrap_or(runs.len()))?;
    let led = before.iter().rposition(|run| run.leads_to(no));
    let soonest = led.map_or(0, |led| led.saturating_add(1));
    let sent = sent_at(order);
    let earlier = |sent| before.iter().rposition(|run: &Run<'_>| run.at() <= sent);
    let place = sent
        .and_then(earlier)
        .map_or(soonest, |last| last.saturating_add(1).max(soonest));
    let at = [led.and_then(|led| runs.get(led)).map(Run::at), sent];
    let at = at.into_iter().flatten().max();
    let first_heard = heard.and_then(|heard| runs.get(heard)).map(Run::at);
    let at = match (at, first_heard) {
        (Some(at), Some(heard)) => at.min(heard),
        (Some(at), None) | (None, Some(at)) => at,
        (None, None) => level.changed_at,
    };
    let (limit, sale) = if order.intent.purpose == Purpose::Liquidation {
        (" or more", ": the bot is stopped and sells what it holds")
    } else {
        ("", "")
    };
    let text = format!("number {no}: {words}{limit} is placed, as exchange order {id}{sale}");
    Some((place, Line { at, text }))
}

/// When an order's last attempt was sent, by the exchange's clock as it was known then; `None` where no
/// record says.
pub(crate) fn sent_at(order: &LevelOrder) -> Option<LocalTime> {
    let shown_by = order.shown_by()?;
    Some(LocalTime::from_millis(shown_by.before(LEASE).as_millis()))
}

impl Run<'_> {
    fn at(&self) -> LocalTime {
        match self {
            Self::Event(event) => event.at,
            Self::Fills(fills) => fills.last.committed_at,
        }
    }

    /// Whether it is part of how an order came to be placed.
    fn leads_to(&self, no: OrderNumber) -> bool {
        match self {
            Self::Event(event) => event.no == Some(no) && leads_to_placement(event.kind),
            Self::Fills(fills) => fills.last.caused == Some(no),
        }
    }

    /// Whether it tells of an order that it had been placed before.
    fn is_heard_of(&self, no: OrderNumber) -> bool {
        match self {
            Self::Event(event) => event.no == Some(no) && !leads_to_placement(event.kind),
            Self::Fills(fills) => fills.first.no == no,
        }
    }
}

/// What the trades of a run come to, in one line.
fn fill_words(bot: &Bot, run: &Fills<'_>, orders: &BTreeMap<OrderNumber, String>) -> String {
    let (base, quote) = (&bot.rules.base, &bot.rules.quote);
    let (first, last) = (run.first, run.last);
    let verb = match last.side {
        domain::Side::Buy => "bought",
        domain::Side::Sell => "sold",
    };
    let sums = run.sums().map_or_else(String::new, |(quantity, price)| {
        format!("{verb} {quantity} {base} at {price} {quote}")
    });
    let fees: Vec<String> = run
        .fees()
        .into_iter()
        .map(|(asset, fee)| format!("{fee} {asset}"))
        .collect();
    let fees = if fees.is_empty() {
        String::new()
    } else {
        format!(", fee {}", fees.join(" and "))
    };
    let trades = if run.all.len() == 1 {
        format!("trade {}", last.trade.id)
    } else {
        format!(
            "{} trades since {}, at that price on average, all listed by `gridkeeper fills`",
            run.all.len(),
            when_there(first.trade.time)
        )
    };
    let told: BTreeSet<&str> = run.all.iter().map(|fill| told_by(fill.source)).collect();
    let told = Vec::from_iter(told).join(" and ");
    let odd: BTreeSet<&str> = run
        .all
        .iter()
        .filter_map(|fill| odd_words(fill.booked_as))
        .collect();
    let odd: String = odd.iter().map(|words| format!(", {words}")).collect();
    let placed = if last.by_recovery {
        ", of an order placed by recovery"
    } else {
        ""
    };
    let caused = last.caused.map_or_else(String::new, |no| {
        let order = orders
            .get(&no)
            .map_or_else(String::new, |words| format!(", {words}"));
        format!("; led to order number {no}{order}")
    });
    format!(
        "number {}: {sums}{fees} ({trades}, {told}{odd}{placed}){caused}{}",
        last.no,
        run.late_words()
    )
}

impl Fills<'_> {
    /// Their quantity, in base, and their average price, in quote.
    fn sums(&self) -> Option<(Quantity, Decimal)> {
        let mut sums = (Quantity::ZERO, QuoteAmount::ZERO);
        for fill in &self.all {
            sums.0 = sums.0.checked_add(fill.trade.quantity)?;
            sums.1 = sums.1.checked_add(fill.trade.quote)?;
        }
        if let [fill] = self.all.as_slice() {
            return Some((sums.0, fill.trade.price.decimal()));
        }
        let average = sums.1.decimal().checked_div(sums.0.decimal())?;
        Some((sums.0, average.round_dp(8).normalize()))
    }

    fn fees(&self) -> BTreeMap<&Asset, Quantity> {
        let mut fees = BTreeMap::new();
        for fee in self.all.iter().filter_map(|fill| fill.trade.fee.as_ref()) {
            let paid = fees.entry(&fee.asset).or_insert(Quantity::ZERO);
            *paid = paid.checked_add(fee.amount).unwrap_or(*paid);
        }
        fees
    }

    /// How much later than it happened the first of them was learnt of, where that is much.
    fn late_words(&self) -> String {
        let (happened, told) = (self.first.trade.time, self.first.committed_at);
        let late = told.as_millis().saturating_sub(happened.as_millis());
        let late = Duration::from_millis(u64::try_from(late).unwrap_or(0));
        if late < NOTABLE_DELAY {
            return String::new();
        }
        let at = when_there(happened);
        format!("; traded at {at}, learnt of {} later", span(late))
    }
}

/// Where a fill was learnt from, in a story.
const fn told_by(source: Source) -> &'static str {
    match source {
        Source::Stream => "told by the stream",
        Source::Reply => "told by the reply to its order",
        Source::Recovery => "found by recovery",
    }
}

/// What is out of the ordinary about a fill. That it was fetched changes nothing about it.
const fn odd_words(booked_as: BookedAs) -> Option<&'static str> {
    match booked_as {
        BookedAs::Next | BookedAs::Fetched => None,
        BookedAs::Late => Some("late"),
        BookedAs::SecondOrder => Some("of a second order"),
    }
}

fn event_words(bot: &Bot, event: &EventRecord) -> String {
    let no = event
        .no
        .map_or_else(String::new, |no| format!("number {no}: "));
    // The first order's own words say more.
    let placing = matches!(event.kind, EventKind::Refused | EventKind::Held);
    let asks = event
        .order
        .filter(|_| placing)
        .map_or_else(String::new, |asks| format!(", {}", asks_words(bot, asks)));
    format!("{no}{}{asks}: {}", kind_words(event.kind), event.text)
}

fn asks_words(bot: &Bot, asks: OrderSummary) -> String {
    let (base, quote) = (&bot.rules.base, &bot.rules.quote);
    format!(
        "{} {} {base} at {} {quote}",
        asks.side, asks.quantity, asks.price
    )
}

const fn kind_words(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Laid => "first order",
        EventKind::Refused => "not placed",
        EventKind::Unknown => "no clear answer",
        EventKind::Claimed => "begun anew",
        EventKind::WindowExpired => "signed anew",
        EventKind::Adopted => "found at the exchange",
        EventKind::Recovered => "found by recovery",
        EventKind::Cancelled => "cancelled by us",
        EventKind::Ended => "ended early",
        EventKind::Amended => "changed by hand",
        EventKind::Held => "held",
        EventKind::Released => "quarantine ended",
        EventKind::LateFill => "late fill",
        EventKind::SecondOrder => "second order",
        EventKind::Quarantined => "records and exchange disagree",
        EventKind::Operator => "operator",
    }
}

#[cfg(test)]
mod tests;
