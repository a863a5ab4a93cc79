//! Orders that were given up while nobody knew whether they had been accepted.

use std::time::Duration;

use domain::{BotId, DesiredStatus, OrderState, Side};
use simulation::{Journey, World, bot_id, decimal, rung};
use trading::{Answer, LATE_ORDERS_WATCHED, LEASE, LOOKUP_LAG, Outcome};

use crate::placing::{owing, placing};
use crate::{XRP, assert_rests, order};

/// A first order near the market, far from the level's own prices, stays inside the engine for 100 s,
/// so long that it is held as never placed.
fn first_order_held() -> (World, BotId) {
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
    (world, bot)
}

/// The same, and the level goes on with a BUY at its own price before that order surfaces.
fn first_order_given_up() -> (World, BotId, u64) {
    let (world, bot) = first_order_held();
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

#[test]
fn a_report_of_an_order_given_up_waits_for_trades_that_are_not_shown_yet() {
    let (world, bot, surfaced) = first_order_given_up();
    fill_part(&world, surfaced, "20");
    world.advance(LOOKUP_LAG);
    fill_part(&world, surfaced, "30");
    let told = world.reports();
    for lag in [Duration::from_secs(3_600), Duration::from_secs(9)] {
        world.exchange.set_lag(lag);
        let handled = world.handle(told.last().unwrap()).unwrap();
        assert_eq!(handled.outcome, Outcome::Waiting);
        assert_eq!(handled.answer, Answer::Again(LOOKUP_LAG));
    }
    world.exchange.set_lag(Duration::ZERO);
    let handled = world.handle(told.last().unwrap()).unwrap();
    assert_eq!(handled.outcome, Outcome::BookedAside);
    assert_eq!(world.level(&bot, 0).base.to_string(), "49.95");
}

/// The order surfaces and fills at once while no stream tells of it.
fn surfaces_filled(world: &World) {
    world.set_stream(false);
    world.advance(Duration::from_secs(100));
    assert_eq!(world.open_order_ids(XRP), Vec::<u64>::new());
}

fn booked(world: &World, bot: &BotId, base: &str) {
    let recovered = world.recover(bot);
    assert_eq!(world.level(bot, 0).base.to_string(), base);
    assert_eq!(recovered.levels_caught_up, 1);
    let mut told = recovered.problems.iter();
    assert!(
        told.any(|text| text.contains("given up")),
        "{:?}",
        recovered.problems
    );
    // Looked at again, it counts once.
    world.advance(Duration::from_secs(10));
    assert_eq!(world.recover(bot).levels_caught_up, 0);
    assert_eq!(world.level(bot, 0).base.to_string(), base);
}

#[test]
fn an_order_that_surfaces_filled_while_its_level_is_held_is_booked() {
    let (world, bot) = first_order_held();
    surfaces_filled(&world);
    booked(&world, &bot, "99.9");
    world.desire(&bot, DesiredStatus::Running);
    world.heal(std::slice::from_ref(&bot), 3);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    world.assert_sound(&bot);
}

#[test]
fn an_order_that_surfaces_filled_as_the_bot_goes_on_is_answered_instead_of_repeated() {
    let (world, bot) = first_order_held();
    surfaces_filled(&world);
    world.desire(&bot, DesiredStatus::Running);
    world.heal(std::slice::from_ref(&bot), 3);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    world.assert_sound(&bot);
}

#[test]
fn an_order_that_surfaces_filled_after_its_level_came_to_rest_is_booked() {
    let (world, bot) = first_order_held();
    world.desire(&bot, DesiredStatus::Stopped);
    world.recover(&bot);
    assert_eq!(world.state(&bot, 0), OrderState::Idle);
    surfaces_filled(&world);
    booked(&world, &bot, "99.9");
}

#[test]
fn an_order_that_surfaces_filled_two_orders_later_is_booked() {
    let (world, bot) = first_order_held();
    world.desire(&bot, DesiredStatus::Running);
    world.recover(&bot);
    // The order in its place has filled at once and is answered.
    world.listen();
    while let Some(delivery) = world.queue.receive() {
        world.deliver(delivery);
        world.listen();
    }
    let sale = order(&world, &bot, 0);
    assert_eq!((sale.no.0, sale.intent.side), (3, Side::Sell));
    world.set_stream(false);
    world.advance(Duration::from_secs(100));
    booked(&world, &bot, "199.8");
}

#[test]
fn an_order_that_surfaces_filled_is_told_of_its_own_level() {
    let bot = bot_id("demo");
    let rungs = vec![rung("3.05", "3.10", "100"), rung("3.10", "3.15", "100")];
    let world = World::demo("3.00", rungs);
    for inside in [Duration::from_secs(3_600), Duration::from_secs(100)] {
        world.exchange.script(Journey {
            inside,
            ..Journey::default()
        });
    }
    world.recover(&bot);
    world.advance(LEASE);
    world.desire(&bot, DesiredStatus::Paused);
    world.recover(&bot);
    for level in [0, 1] {
        assert!(matches!(world.state(&bot, level), OrderState::Held { .. }));
    }
    surfaces_filled(&world);
    let told = world.recover(&bot).problems;
    let booked: Vec<u16> = (0..2)
        .filter(|level| !world.level(&bot, *level).base.decimal().is_zero())
        .collect();
    let [level] = booked.as_slice() else {
        panic!("{booked:?}");
    };
    let of_it = format!("level {level}: exchange order");
    let given_up: Vec<&String> = told
        .iter()
        .filter(|text| text.contains("given up"))
        .collect();
    assert!(
        given_up.len() == 1 && given_up[0].starts_with(&of_it),
        "{told:?}"
    );
}

#[test]
fn orders_are_listed_for_a_given_up_one_only_and_not_for_ever() {
    let (world, bot) = crate::one_level();
    world.gate.forget();
    world.recover(&bot);
    assert_eq!(world.gate.count("orders_since"), 0);
    let (world, bot) = first_order_held();
    world.gate.forget();
    world.recover(&bot);
    assert_eq!(world.gate.count("orders_since"), 1);
    world.advance(LATE_ORDERS_WATCHED + LEASE);
    world.gate.forget();
    world.recover(&bot);
    assert_eq!(world.gate.count("orders_since"), 0);
}

#[test]
fn an_order_that_trades_before_it_is_found_open_beside_a_level_at_rest_is_cancelled() {
    let (world, bot) = owing();
    world.exchange.script(Journey::reply_lost());
    world.exchange.set_lag(Duration::from_secs(3_600));
    placing(&world, &bot).finish();
    world.advance(LEASE);
    world.desire(&bot, DesiredStatus::Stopped);
    world.recover(&bot);
    world.recover(&bot);
    assert_eq!(world.state(&bot, 0), OrderState::Idle);
    fill_part(&world, world.open_order_ids(XRP)[0], "50");
    world.quiet();
    assert_eq!(world.level(&bot, 0).base.to_string(), "49.9");
    world.exchange.set_lag(Duration::ZERO);
    world.recover(&bot);
    assert_eq!(world.open_order_ids(XRP), Vec::<u64>::new());
    world.assert_sound(&bot);
}
