//! Orders that were given up while nobody knew whether they had been accepted.

use std::time::Duration;

use domain::{BotId, DesiredStatus, OrderState, Side};
use simulation::{Journey, World, bot_id, decimal, rung};
use trading::{LEASE, Outcome};

use crate::{XRP, assert_rests, order};

/// A first order near the market, far from the level's own prices, stays inside the engine for so
/// long that it is given up; the level goes on with a BUY at its own price before it surfaces.
fn first_order_given_up() -> (World, BotId, u64) {
    let bot = bot_id("demo");
    let world = World::demo("3.00", vec![rung("3.10", "3.15", "100")]);
    world.exchange.script(Journey {
        inside: Duration::from_secs(100),
        ..Journey::default()
    });
    world.recover(&bot);
    world.advance(LEASE);
    world.desire(&bot, DesiredStatus::Paused);
    world.recover(&bot);
    assert!(matches!(world.state(&bot, 0), OrderState::Held { .. }));
    world.print(XRP, "3.12");
    world.desire(&bot, DesiredStatus::Running);
    world.recover(&bot);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
    assert_eq!(order(&world, &bot, 0).no.0, 2);
    world.advance(Duration::from_secs(100));
    let ids = world.open_order_ids(XRP);
    let ours = order(&world, &bot, 0).exchange_order_id.unwrap().0;
    let surfaced = ids
        .into_iter()
        .find(|id| i64::try_from(*id) != Ok(ours))
        .unwrap();
    (world, bot, surfaced)
}

fn fill_part(world: &World, id: u64, part: &str) {
    world
        .exchange
        .with_model(|model, now| model.fill_order(now, (XRP, id), 1, Some(decimal(part))))
        .unwrap();
}

#[test]
fn a_first_order_that_surfaces_after_it_was_given_up_is_booked_and_cancelled() {
    let (world, bot, surfaced) = first_order_given_up();
    world.set_stream(false);
    fill_part(&world, surfaced, "50");
    world.recover(&bot);
    assert!(!world.open_order_ids(XRP).contains(&surfaced));
    assert_eq!(world.level(&bot, 0).base.to_string(), "49.95");
}

#[test]
fn a_report_of_a_first_order_that_was_given_up_is_booked() {
    let (world, bot, surfaced) = first_order_given_up();
    fill_part(&world, surfaced, "50");
    let told = world.reports();
    let handled = world.handle(told.last().unwrap()).unwrap();
    assert_eq!(handled.outcome, Outcome::BookedAside);
    assert_eq!(world.level(&bot, 0).base.to_string(), "49.95");
}
