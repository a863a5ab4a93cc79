//! The story of a level or a bot: its trades and what happened beside them, told line by line.
//!
//! Start at [`story`]. A trade tells of its own price and quantity; what an order asked for is told by
//! the fill that led to it, and by the level while it is its current or last one.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{Bot, Intent, Level, LocalTime, OrderNumber, Purpose};
use serde::Serialize;
use trading::{EventKind, EventRecord, FillRecord, LEASE, OrderSummary};

use super::fills::{booked_words, source_words};
use crate::table::{span, when_there};

/// A fill learnt of later than this after it happened is told with its delay.
const NOTABLE_DELAY: Duration = Duration::from_secs(2);

/// One line of a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// When this system learnt of it.
    pub(super) at: LocalTime,
    /// What happened.
    pub(super) text: String,
}

/// Fills and events as one story, in the order in which this system learnt of them. `level` is the
/// one whose story it is; a bot's own has none.
pub(super) fn story(
    bot: &Bot,
    level: Option<&Level>,
    fills: &[FillRecord],
    events: &[EventRecord],
) -> Vec<Line> {
    let orders = known_orders(bot, level, fills);
    let mut lines: Vec<Line> = fills
        .iter()
        .map(|fill| Line {
            at: fill.committed_at,
            text: fill_words(bot, fill, &orders),
        })
        .chain(events.iter().map(|event| Line {
            at: event.at,
            text: event_words(event),
        }))
        .chain(level.and_then(|level| accepted(level, &orders, events)))
        .collect();
    lines.sort_by_key(|line| line.at);
    lines
}

/// What is known of the orders a level has had, by number: side, and where a record holds them quantity
/// and price.
fn known_orders(
    bot: &Bot,
    level: Option<&Level>,
    fills: &[FillRecord],
) -> BTreeMap<OrderNumber, String> {
    let (base, quote) = (&bot.rules.base, &bot.rules.quote);
    let mut orders: BTreeMap<OrderNumber, String> = fills
        .iter()
        .map(|fill| (fill.no, format!("a {}", fill.side)))
        .collect();
    if let Some(passed) = level.and_then(|level| level.previous.as_ref()) {
        let words = format!("{} at {} {quote}", passed.side, passed.price);
        orders.insert(passed.no, words);
    }
    let current = level.and_then(|level| level.order.as_ref()).map(|order| {
        let Intent {
            side,
            price,
            quantity,
            ..
        } = order.intent;
        let asks = OrderSummary {
            side,
            price,
            quantity,
        };
        (order.no, asks)
    });
    let caused = fills
        .iter()
        .filter_map(|fill| fill.caused.zip(fill.caused_order));
    for (no, asks) in caused.chain(current) {
        let words = format!(
            "{} {} {base} at {} {quote}",
            asks.side, asks.quantity, asks.price
        );
        orders.insert(no, words);
    }
    orders
}

/// The current order at the exchange, told when it was sent: the lease under which that was says so, and after
/// what was told of it before.
fn accepted(
    level: &Level,
    orders: &BTreeMap<OrderNumber, String>,
    events: &[EventRecord],
) -> Option<Line> {
    let order = level.order.as_ref()?;
    let (id, words) = (order.exchange_order_id?, orders.get(&order.no)?);
    let sent = order.shown_by().map_or(level.changed_at, |shown_by| {
        LocalTime::from_millis(shown_by.before(LEASE).as_millis())
    });
    let laid = events
        .iter()
        .filter(|event| event.no == Some(order.no) && event.kind == EventKind::Laid)
        .map(|event| event.at);
    let sale = if order.intent.purpose == Purpose::Liquidation {
        ", as the bot is stopped and sells what it holds"
    } else {
        ""
    };
    Some(Line {
        at: laid.fold(sent, Ord::max),
        text: format!(
            "number {}: {words} is placed, as exchange order {id}{sale}",
            order.no
        ),
    })
}

fn fill_words(bot: &Bot, fill: &FillRecord, orders: &BTreeMap<OrderNumber, String>) -> String {
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
    let caused = fill.caused.map_or_else(String::new, |no| {
        let order = orders
            .get(&no)
            .map_or_else(String::new, |words| format!(", {words}"));
        format!("; led to order number {no}{order}")
    });
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
        EventKind::Claimed => "begun anew",
        EventKind::WindowExpired => "signed anew",
        EventKind::Adopted => "found at the exchange",
        EventKind::Recovered => "missed, and found by recovery",
        EventKind::Cancelled => "cancelled by us",
        EventKind::Ended => "ended early",
        EventKind::Amended => "changed by hand",
        EventKind::Held => "on purpose not placed",
        EventKind::Released => "quarantine ended",
        EventKind::LateFill => "late fill",
        EventKind::SecondOrder => "second order",
        EventKind::Quarantined => "records and exchange disagree",
        EventKind::Operator => "operator",
    }
}
