//! Items of the table, in DynamoDB's own JSON: read strictly, and written again as they were.

use domain::{
    Assets, BestPrices, Level, OrderState, first_intent, floating_profit, liquidation_intent,
    next_intent,
};
use dynamo_store::DETAIL_BYTES;
use dynamo_store::readers::{self, Item};

use super::{orders, refused};
use crate::examine::Seen;

/// The item of a level.
pub(super) fn level(input: &[u8]) -> Seen {
    match readers::item(input) {
        Ok(Item::Level(level)) => {
            let written = readers::level_item(&level).unwrap();
            let again = match readers::item(&written) {
                Ok(Item::Level(again)) => *again,
                other => panic!("{level:?} is read again as {other:?}"),
            };
            if !has_long_detail(&level) {
                assert_eq!(again, *level);
            }
            // What was cut once is not cut again.
            let written = readers::level_item(&again).unwrap();
            assert!(matches!(readers::item(&written), Ok(Item::Level(third)) if *third == again));
            Seen::Accepted(judged(&level))
        }
        Ok(_) => Seen::Refused("another kind of item".to_owned()),
        Err(error) => refused(&error),
    }
}

/// Only this program's own texts are that short; a longer one was written by hand.
fn has_long_detail(level: &Level) -> bool {
    level
        .order
        .as_ref()
        .is_some_and(|order| match &order.state {
            OrderState::Refused { detail, .. } => detail.len() > DETAIL_BYTES,
            OrderState::Quarantined { evidence, .. } => evidence.len() > DETAIL_BYTES,
            OrderState::Pending { .. }
            | OrderState::Open
            | OrderState::Held { .. }
            | OrderState::Idle => false,
        })
}

/// What is decided from a level alone: total, whatever its amounts.
fn judged(level: &Level) -> String {
    let bot = orders::bot();
    let prices = BestPrices {
        bid: level.buy_price,
        ask: level.sell_price,
    };
    let owed = next_intent(bot, level);
    let first = first_intent(bot, level, &prices);
    let sale = liquidation_intent(bot, level, &prices);
    let _profit = floating_profit(level, level.sell_price);
    let assets = Assets {
        base: &bot.rules.base,
        quote: &bot.rules.quote,
    };
    let trade = orders::a_trade();
    let sold = domain::book_trade(level, domain::Side::Sell, &trade, assets);
    let named = |next: &domain::Next| match next {
        domain::Next::Place(_) => "place",
        domain::Next::Hold(..) => "hold",
        domain::Next::Nothing => "nothing",
    };
    let state = level.order.as_ref().map(|order| match order.state {
        OrderState::Pending { .. } => "pending",
        OrderState::Open => "open",
        OrderState::Refused { .. } => "refused",
        OrderState::Held { .. } => "held",
        OrderState::Quarantined { .. } => "quarantined",
        OrderState::Idle => "idle",
    });
    format!(
        "{state:?} {} {} {} {} {}",
        named(&owed),
        named(&first),
        sale.is_some(),
        sold.is_some(),
        level.previous.is_some()
    )
}

/// Any other item: a bot, an account, a fill, an event, a due time, a sealed key, a heartbeat.
pub(super) fn record(input: &[u8]) -> Seen {
    let item = match readers::item(input) {
        Ok(Item::Level(_)) => return Seen::Refused("another kind of item".to_owned()),
        Ok(item) => item,
        Err(error) => return refused(&error),
    };
    let written = readers::record_item(&item).unwrap();
    assert_eq!(readers::item(&written).unwrap(), item);
    Seen::Accepted(match &item {
        Item::Level(_) => "level".to_owned(),
        Item::Bot(bot) => format!(
            "bot {} {} {:?}",
            bot.desired, bot.observed, bot.plan.spacing
        )
        .replace(|letter: char| letter.is_ascii_digit(), ""),
        Item::Account(account) => format!("account {:?}", account.environment),
        Item::Fill(fill) => format!(
            "fill {:?} {:?} {}",
            fill.source,
            fill.booked_as,
            fill.trade.fee.is_some()
        ),
        Item::Event(event) => format!("event {:?} {}", event.kind, event.level.is_some()),
        Item::Due(_) => "due".to_owned(),
        Item::SealedKey(_) => "sealed key".to_owned(),
        Item::Heartbeat(beat) => format!("heartbeat {}", super::few(beat.accounts.len())),
    })
}
