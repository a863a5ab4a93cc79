//! Bots of a symbol that the exchange no longer lists.

use std::time::Duration;

use domain::{BotId, DesiredStatus, ObservedStatus, OrderState};
use simulation::{Journey, World};
use trading::{LEASE, Placing};

use crate::placing::{owing, placing};
use crate::{XRP, one_level};

/// The symbol is gone before anybody hears how its orders ended.
fn delist(world: &World) {
    world.set_stream(false);
    world
        .exchange
        .with_model(|model, now| model.delist(now, XRP))
        .unwrap();
}

/// Stops the bot, and returns what recovery says of it meanwhile.
fn stops(world: &World, bot: &BotId, desired: DesiredStatus) -> Vec<String> {
    world.desire(bot, desired);
    let mut problems = Vec::new();
    for _ in 0..6 {
        problems.extend(world.recover(bot).problems);
        world.quiet();
        world.advance(Duration::from_secs(200));
    }
    assert_eq!(world.store.bot_now(bot).observed, ObservedStatus::Stopped);
    assert_eq!(world.state(bot, 0), OrderState::Idle);
    problems
}

fn tells_of(world: &World, words: &str) -> bool {
    let story = world.store.story_now();
    story.iter().any(|event| event.text.contains(words))
}

#[test]
fn a_bot_with_an_open_order_of_a_delisted_symbol_can_be_stopped() {
    for desired in [DesiredStatus::Stopped, DesiredStatus::StoppedAndSold] {
        let (world, bot) = one_level();
        delist(&world);
        let problems = stops(&world, &bot, desired);
        let words = "what became of exchange order";
        assert!(tells_of(&world, words));
        assert!(
            problems.iter().any(|problem| problem.contains(words)),
            "{problems:?}"
        );
    }
}

#[test]
fn a_bot_that_holds_base_of_a_delisted_symbol_can_be_stopped() {
    let (world, bot) = one_level();
    world.print(XRP, "3.10");
    world.quiet();
    delist(&world);
    stops(&world, &bot, DesiredStatus::StoppedAndSold);
    assert!(tells_of(&world, "unsold"));
}

#[test]
fn a_bot_with_an_order_on_its_way_to_a_delisted_symbol_can_be_stopped() {
    let (world, bot) = owing();
    world.exchange.script(Journey::request_lost());
    world.exchange.set_lag(Duration::from_secs(3_600));
    placing(&world, &bot).finish();
    assert!(matches!(world.state(&bot, 0), OrderState::Pending { .. }));
    world.exchange.set_lag(Duration::ZERO);
    delist(&world);
    world.advance(LEASE);
    stops(&world, &bot, DesiredStatus::Stopped);
}

/// That nobody can be asked about it any more does not say that it never arrived.
#[test]
fn an_order_on_its_way_to_a_delisted_symbol_is_not_sent_again() {
    let (world, bot) = owing();
    world.exchange.script(Journey::request_lost());
    placing(&world, &bot).finish();
    delist(&world);
    world.advance(LEASE);
    world.gate.forget();
    assert_eq!(placing(&world, &bot).finish(), Placing::NoAnswer);
    assert_eq!(world.gate.count("place"), 0);
    assert!(matches!(world.state(&bot, 0), OrderState::Pending { .. }));
}

#[test]
fn a_bot_with_a_quarantined_level_of_a_delisted_symbol_can_be_stopped() {
    let (world, bot) = one_level();
    world.set_stream(false);
    world.advance(LEASE);
    world.exchange.set_lag(Duration::from_secs(3_600));
    world.recover(&bot);
    assert!(matches!(
        world.state(&bot, 0),
        OrderState::Quarantined { .. }
    ));
    delist(&world);
    stops(&world, &bot, DesiredStatus::Stopped);
}
