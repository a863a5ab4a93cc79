//! What the exchange's price band keeps out, and from where on it no longer does.

use domain::{Bot, Level, LevelOrder, Price, Purpose, Side};
use rust_decimal::Decimal;

use super::StateWords;

/// Which line the exchange's band keeps out: the order's own, or that of a level which is to buy near the
/// market first and waits with that until its line can rest.
pub(super) fn outside_band(bot: &Bot, level: &Level, order: &LevelOrder) -> StateWords {
    let intent = &order.intent;
    let first = intent.purpose == Purpose::FirstInventory;
    let (side, price) = if first {
        (Side::Buy, level.buy_price)
    } else {
        (intent.side, intent.price)
    };
    let band = bot.rules.band.map_or_else(String::new, |band| {
        let (down, up) = match side {
            Side::Buy => (band.bid_down, band.bid_up),
            Side::Sell => (band.ask_down, band.ask_up),
        };
        let (down, up) = (down.normalize(), up.normalize());
        format!("; it takes a {side} from {down} to {up} times the market's price (PERCENT_PRICE)")
    });
    let line = format!("{side} at {price} {}", bot.rules.quote);
    let far = format!("too far from the market for the exchange to take it{band}");
    let why = if first {
        format!(
            "the level's own line, {line}, is {far}; its first BUY near the market waits with it"
        )
    } else {
        format!("its line, {line}, is {far}")
    };
    let from = market_from(bot, side, price, first).map_or_else(
        || format!("comes nearer to {price}"),
        |words| format!("{words} {}", bot.rules.quote),
    );
    StateWords {
        why,
        next: if first {
            format!("a first BUY near the market's price of then, once the market {from}")
        } else {
            format!("it is placed when the market {from}")
        },
        remedy: None,
    }
}

/// Where the market has to be for the band to take a line. A BUY that rests is too low; all other lines
/// are too high.
fn market_from(bot: &Bot, side: Side, price: Price, first: bool) -> Option<String> {
    let (band, tick) = (bot.rules.band?, bot.rules.tick());
    let at = |factor: Decimal| Price::new(price.decimal().checked_div(factor)?.round_dp(18)).ok();
    match side {
        Side::Buy if !first => {
            let highest = at(band.bid_down)?.floor_to_tick(tick)?;
            Some(format!("has fallen to {highest}"))
        }
        Side::Buy => Some(format!(
            "has risen to {}",
            at(band.bid_up)?.ceil_to_tick(tick)?
        )),
        Side::Sell => Some(format!(
            "has risen to {}",
            at(band.ask_up)?.ceil_to_tick(tick)?
        )),
    }
}
