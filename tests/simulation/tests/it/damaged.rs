//! One level whose record cannot be read: the others go on, and nobody is told that all is at rest.

use std::time::Duration;

use domain::{BotId, DesiredStatus, HoldReason, ObservedStatus, OrderState, Side};
use simulation::{BotSpec, World, bot_id, rung, xrp_rules};
use trading::Recovered;

use crate::{XRP, assert_rests, order};

/// Three levels below the market, their BUYs resting, then the record of the middle one is damaged.
fn one_of_three_damaged() -> (World, BotId) {
    let bot = bot_id("demo");
    let rungs = vec![
        rung("3.00", "3.05", "100"),
        rung("3.05", "3.10", "100"),
        rung("3.10", "3.15", "100"),
    ];
    let world = World::demo("3.12", rungs);
    world.lay(&bot);
    assert_eq!(world.open_order_ids(XRP).len(), 3);
    world.store.damage_level(&bot, 1, true);
    world.advance(Duration::from_secs(10));
    (world, bot)
}

fn run(world: &World, bot: &BotId) -> Recovered {
    let recovered = world.recover(bot);
    world.quiet();
    world.advance(Duration::from_secs(10));
    recovered
}

fn assert_named(recovered: &Recovered) {
    let named = |problem: &String| problem.contains("LEVEL#0001");
    assert!(
        recovered.problems.iter().any(named),
        "{:?}",
        recovered.problems
    );
}

#[test]
fn the_other_levels_go_on() {
    let (world, bot) = one_of_three_damaged();
    world.set_stream(false);
    world.print(XRP, "3.10");
    assert_named(&run(&world, &bot));
    assert_rests(&world, &bot, 2, Side::Sell, "99.9");
    world.store.damage_level(&bot, 1, false);
    assert_eq!(run(&world, &bot).problems, [""; 0]);
    world.assert_sound(&bot);
}

#[test]
fn the_bot_is_never_seen_paused() {
    let (world, bot) = one_of_three_damaged();
    world.desire(&bot, DesiredStatus::Paused);
    for _ in 0..3 {
        let recovered = run(&world, &bot);
        assert_named(&recovered);
        assert_eq!(recovered.observed, ObservedStatus::Running);
    }
    world.store.damage_level(&bot, 1, false);
    assert_eq!(run(&world, &bot).observed, ObservedStatus::Paused);
    world.assert_sound(&bot);
}

#[test]
fn the_other_orders_of_a_stopped_bot_are_taken_down() {
    let (world, bot) = one_of_three_damaged();
    world.desire(&bot, DesiredStatus::Stopped);
    for _ in 0..3 {
        let recovered = run(&world, &bot);
        assert_named(&recovered);
        assert_eq!(recovered.observed, ObservedStatus::Stopping);
    }
    for level in [0, 2] {
        assert_eq!(order(&world, &bot, level).state, OrderState::Idle);
    }
    assert_eq!(world.open_order_ids(XRP).len(), 1, "the damaged level's");
    world.store.damage_level(&bot, 1, false);
    run(&world, &bot);
    assert_eq!(run(&world, &bot).observed, ObservedStatus::Stopped);
    assert_eq!(world.open_order_ids(XRP).len(), 0);
    world.assert_sound(&bot);
}

/// Its open order takes one of the places that the symbol has.
#[test]
fn its_order_counts_against_what_the_symbol_allows() {
    let bot = bot_id("demo");
    let world = World::empty();
    let mut rules = xrp_rules();
    rules.max_num_orders = 2;
    world.list(rules, "3.12");
    world.open_account("main", &[("USDT", "100000")]);
    let rungs = vec![
        rung("3.00", "3.05", "100"),
        rung("3.05", "3.10", "100"),
        rung("3.10", "3.15", "100"),
    ];
    world.create_bot(&BotSpec::demo(rungs));
    world.lay(&bot);
    let crowded_out = OrderState::Held {
        why: HoldReason::TooManyOrders,
        lease: None,
    };
    assert_eq!(world.state(&bot, 0), crowded_out);
    world.store.damage_level(&bot, 1, true);
    run(&world, &bot);
    assert_eq!(world.state(&bot, 0), crowded_out);
    assert_eq!(order(&world, &bot, 2).state, OrderState::Open);
}
