//! What was sent although it must not have been: against the symbol's rules, or for a bot at rest.

use domain::{BotId, ClientOrderId, ObservedStatus, OrderState, Side};
use exchange_simulator::model::{self, Fact, OrderKey};

use super::Finding;
use crate::World;

/// Filters that no order can be held against beforehand: how many others rest, and where the market is.
const OF_THE_MOMENT: [&str; 2] = ["MAX_NUM_ORDERS", "PERCENT_PRICE_BY_SIDE"];

/// Orders that the exchange refused for a filter (-1013, -1111), as long as no rule had changed.
pub(super) fn broken(world: &World, bot: &BotId) -> Vec<Finding> {
    let symbol = world.store.bot_now(bot).rules.symbol.to_string();
    world.exchange.with_model(|model, _| {
        let mut rules = 0;
        let mut found = Vec::new();
        for entry in model.journal() {
            match &entry.fact {
                Fact::Rules(listed) if listed.symbol == symbol => rules += 1,
                Fact::Refused { order, reject }
                    if rules == 1 && matches!(reject.code, -1013 | -1111) =>
                {
                    let id = order.client_order_id.as_deref().unwrap_or_default();
                    let fixed = !OF_THE_MOMENT
                        .iter()
                        .any(|name| reject.message.contains(name));
                    let ours = id.parse::<ClientOrderId>();
                    let ours = ours
                        .is_ok_and(|id| id.bot == *bot && !world.was_meddled_with(bot, id.level));
                    if ours && fixed {
                        found.push(Finding::BrokeRule(format!("{id}: {reject}")));
                    }
                }
                Fact::Rules(_)
                | Fact::Refused { .. }
                | Fact::Placed { .. }
                | Fact::Traded { .. }
                | Fact::Amended { .. }
                | Fact::Ended { .. }
                | Fact::Moved { .. } => {}
            }
        }
        found
    })
}

/// Levels whose order at the exchange has another side or price than they asked for.
pub(super) fn not_ours(world: &World, bot: &BotId) -> Vec<Finding> {
    let record = world.store.bot_now(bot);
    let symbol = record.rules.symbol.to_string();
    let mut found = Vec::new();
    for index in 0..record.levels {
        let level = world.level(bot, index);
        let Some(order) = &level.order else { continue };
        let (Some(id), OrderState::Open) = (order.exchange_order_id, &order.state) else {
            continue;
        };
        let id = u64::try_from(id.0).unwrap();
        let asked = (
            order.intent.side == Side::Sell,
            order.intent.price.decimal(),
        );
        let is = world.exchange.with_model(|model, _| {
            let key = OrderKey::id(id);
            let order = model.query(i64::MAX, record.account.as_str(), (&symbol, &key));
            order
                .ok()
                .map(|order| (order.side == model::Side::Sell, order.price))
        });
        if is != Some(asked) {
            let text = format!("level {index} asked for {asked:?}, exchange order {id} is {is:?}");
            found.push(Finding::NotOurs(text));
        }
    }
    found
}

/// Orders that came to be while the bot was observed paused or stopped. What a stalled process still
/// sends then is too old to be accepted.
pub(super) fn sent_though_paused(world: &World, bot: &BotId) -> Vec<Finding> {
    let tables = world.store.tables();
    let Some(observed) = tables.observed.get(bot) else {
        return Vec::new();
    };
    let state = world.exchange.state();
    let sent = state.accepted.iter().filter(|(_, id)| id.bot == *bot);
    sent.filter_map(|(at, id)| {
        let (since, then) = observed.iter().rev().find(|(since, _)| since < at)?;
        let resting = matches!(then, ObservedStatus::Paused | ObservedStatus::Stopped);
        let text = format!("{id} was effect {at}, the bot {then:?} since effect {since}");
        resting.then_some(Finding::SentThoughPaused(text))
    })
    .collect()
}
