//! The named cases: everything that has ever broken a grid bot, each as a test that tells its story.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test shall stop at whatever is not as it expects"
)]

mod archived;
mod damaged;
mod delisted;
mod endings;
mod exhaust;
mod founding;
mod funds;
mod given_up;
mod keys;
mod kills;
mod mistakes;
mod money;
mod placing;
mod plans;
mod quarantine;
mod redriven;
mod reports;
mod restored;
mod round_trips;
mod runs;
mod silence;
mod slow;
mod status;
mod strays;
mod sweep;
mod symbol;

use domain::{BotId, LevelOrder, OrderState, Side};
use simulation::{World, bot_id, decimal, rung};

/// The symbol of most cases.
const XRP: &str = "XRPUSDT";

/// A bot with one level that buys 100 at 3.10 and sells at 3.15, its BUY resting, the market at 3.12.
fn one_level() -> (World, BotId) {
    let bot = bot_id("demo");
    let world = World::demo("3.12", vec![rung("3.10", "3.15", "100")]);
    world.lay(&bot);
    assert_eq!(order(&world, &bot, 0).state, OrderState::Open);
    (world, bot)
}

/// A level's order now.
fn order(world: &World, bot: &BotId, level: u16) -> LevelOrder {
    world.level(bot, level).order.unwrap()
}

/// Asserts side and quantity of a level's open order.
fn assert_rests(world: &World, bot: &BotId, level: u16, side: Side, quantity: &str) {
    let order = order(world, bot, level);
    assert_eq!(
        (
            order.intent.side,
            order.intent.quantity.to_string(),
            order.state
        ),
        (side, quantity.to_owned(), OrderState::Open)
    );
}

/// Fills a resting order from outside, in so many trades, in part or whole.
fn fill(world: &World, order: &LevelOrder, trades: u32, part: Option<&str>) {
    let id = u64::try_from(order.exchange_order_id.unwrap().0).unwrap();
    world
        .exchange
        .with_model(|model, now| model.fill_order(now, (XRP, id), trades, part.map(decimal)))
        .unwrap();
}
