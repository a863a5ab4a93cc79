//! Lines of a level's story. A line that cannot be written never stops the work it is about.

use domain::{Bot, BotId, Level, LevelIndex, LevelOrder, OrderNumber, Purpose};

use crate::{Clock, EventKind, EventRecord, LevelStore, OrderView, Outside};

/// Adds a line about the placement of a level's order.
pub(crate) async fn tell_of_order<O: Outside>(
    outside: O,
    level: &Level,
    kind: EventKind,
    text: String,
) {
    let order = level.order.as_ref();
    let event = EventRecord {
        bot: level.bot.clone(),
        level: Some(level.index),
        no: order.map(|order| order.no),
        order: order.map(|order| (&order.intent).into()),
        at: outside.clock().now(),
        kind,
        text,
    };
    write(outside, event).await;
}

/// Adds a line to the story of a level or a bot.
pub(crate) async fn tell<O: Outside>(
    outside: O,
    bot: &BotId,
    level: Option<LevelIndex>,
    no: Option<OrderNumber>,
    kind: EventKind,
    text: String,
) {
    let event = EventRecord {
        bot: bot.clone(),
        level,
        no,
        order: None,
        at: outside.clock().now(),
        kind,
        text,
    };
    write(outside, event).await;
}

async fn write<O: Outside>(outside: O, event: EventRecord) {
    if let Err(error) = outside.store().add_event(&event).await {
        tracing::warn!(%error, ?event, "event not written");
    }
}

/// How an order stands at the exchange, in words.
pub(crate) fn executed_words(bot: &Bot, view: &OrderView) -> String {
    format!(
        "exchange order {} {}, {} {} executed",
        view.exchange_order_id,
        view.status.in_words(),
        view.executed,
        bot.rules.base
    )
}

/// What an order asks for.
pub(crate) fn asks_words(bot: &Bot, order: &LevelOrder) -> String {
    let (intent, base, quote) = (&order.intent, &bot.rules.base, &bot.rules.quote);
    format!(
        "{} {} {base} at {} {quote}",
        intent.side, intent.quantity, intent.price
    )
}

/// A level's first order, which need not be at one of its lines.
pub(crate) fn first_order_words(bot: &Bot, level: &Level, order: &LevelOrder) -> String {
    let first = asks_words(bot, order);
    let lines = format!(
        "buys at {} and sells at {}",
        level.buy_price, level.sell_price
    );
    match order.intent.purpose {
        Purpose::FirstInventory => format!(
            "{first} or less, near the market, to have something to sell; the level itself {lines}"
        ),
        Purpose::Grid | Purpose::Liquidation => format!("{first}; the level {lines}"),
    }
}
