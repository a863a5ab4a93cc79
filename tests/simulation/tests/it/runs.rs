//! What a run of recovery tells of itself, where it begins, and what it asks for anew.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{DesiredStatus, LevelIndex, OrderState};
use simulation::{Task, World, bot_id, rung};
use trading::{LEVELS_AT_ONCE, PlaceMode, Placing, RULES_LAST, place_intent, recover_bot};

use crate::{XRP, fill, one_level, order};

#[test]
fn each_level_is_counted_under_what_was_done_about_it() {
    let bot = bot_id("demo");
    let rungs = vec![rung("3.05", "3.10", "100"), rung("3.10", "3.15", "100")];
    let world = World::demo("3.12", rungs);
    let run = || world.recover(&bot).actions;
    assert_eq!(run(), BTreeMap::from([("lay", 2)]));
    world.set_stream(false);
    world.advance(Duration::from_secs(10));
    assert_eq!(run(), BTreeMap::from([("leave", 2)]));
    fill(&world, &order(&world, &bot, 1), 1, None);
    assert_eq!(run(), BTreeMap::from([("leave", 1), ("query", 1)]));
    world.desire(&bot, DesiredStatus::Stopped);
    assert_eq!(run(), BTreeMap::from([("cancel", 2)]));
}

/// Should the run end early, what the market reaches first is done.
#[test]
fn the_levels_nearest_to_the_market_are_worked_on_first() {
    let bot = bot_id("demo");
    let levels: u16 = 30;
    let line = |at: u16| format!("2.{at:02}");
    let at_once = u16::try_from(LEVELS_AT_ONCE).unwrap();
    for (market, nearest) in [("2.40", levels - at_once..levels), ("1.90", 0..at_once)] {
        let rungs = (0..levels).map(|at| rung(&line(at), &line(at + 1), "10"));
        let world = World::demo(market, rungs.collect());
        let mut laying = Task::new(&world, recover_bot(world.ports(), &bot));
        laying.run_to("place");
        drop(laying);
        let begun: Vec<u16> = (0..levels)
            .filter(|level| world.level(&bot, *level).order.is_some())
            .collect();
        assert!(!begun.is_empty());
        assert!(
            begun.iter().all(|level| nearest.contains(level)),
            "{begun:?}"
        );
    }
}

#[test]
fn the_rules_of_the_symbol_are_read_anew_as_soon_as_they_are_old() {
    let (world, bot) = one_level();
    let read = || world.gate.count("rules");
    let read_at = world.store.bot_now(&bot).rules_read_at.unwrap();
    let before = read();
    let moment = Duration::from_millis(1);
    world.advance(RULES_LAST - world.now().since(read_at) - moment);
    world.recover(&bot);
    assert_eq!(read(), before);
    world.advance(moment);
    world.recover(&bot);
    assert_eq!(read(), before + 1);
}

/// What a first purchase has brought is sold at the level's line, wherever the market is.
#[test]
fn what_a_first_purchase_has_brought_is_sold_without_a_look_at_the_market() {
    let bot = bot_id("demo");
    let world = World::demo("3.00", vec![rung("3.10", "3.15", "100")]);
    let mut laying = Task::new(&world, recover_bot(world.ports(), &bot));
    laying.run_to("claim_intent");
    world.print(XRP, "3.09");
    laying.finish().unwrap();
    fill(&world, &order(&world, &bot, 0), 1, Some("50"));
    world.quiet();
    world.desire(&bot, DesiredStatus::Stopped);
    world.heal(std::slice::from_ref(&bot), 2);
    assert_eq!(world.state(&bot, 0), OrderState::Idle);
    world.desire(&bot, DesiredStatus::Running);
    world
        .store
        .change_bot(&bot, |bot| bot.observed = domain::ObservedStatus::Running);
    world.exchange.fail_query("best_prices");
    let account = "main".parse().unwrap();
    let at = LevelIndex(0);
    let placing = place_intent(world.ports(), &account, &bot, at, PlaceMode::Send);
    assert_eq!(world.run(placing).unwrap(), Placing::Accepted);
    crate::assert_rests(&world, &bot, 0, domain::Side::Sell, "49.9");
}
