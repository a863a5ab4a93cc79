//! Lines of a level's story. A line that cannot be written never stops the work it is about.

use domain::{BotId, LevelIndex, OrderNumber};

use crate::{Clock, EventKind, EventRecord, LevelStore, Outside};

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
        at: outside.clock().now(),
        kind,
        text,
    };
    if let Err(error) = outside.store().add_event(&event).await {
        tracing::warn!(%error, ?event, "event not written");
    }
}
