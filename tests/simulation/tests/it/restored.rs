//! A table that was restored from a copy is behind the exchange.

use domain::{BotId, DesiredStatus, OrderState};
use simulation::{Copied, Step, Task, World, bot_id, rung};
use trading::{Replayed, handle_fill, replay_bot};

use crate::{XRP, fill, one_level, order};

/// Lets the market move so that the level's order is filled and the next one placed.
fn next_order(world: &World, bot: &BotId) {
    let order = order(world, bot, 0);
    assert_eq!(order.state, OrderState::Open);
    fill(world, &order, 1, None);
    world.listen();
    world.quiet();
}

fn replay(world: &World, bot: &BotId) -> Replayed {
    world.run(replay_bot(world.ports(), bot)).unwrap()
}

/// Everything that trading with this bot needs to go on is whole: resumed, it has one order, and the ledger is
/// the exchange's.
fn goes_on(world: &World, bot: &BotId) {
    world.desire(bot, DesiredStatus::Running);
    world.heal(std::slice::from_ref(bot), 3);
    assert_eq!(order(world, bot, 0).state, OrderState::Open);
    assert_eq!(world.open_order_ids(XRP).len(), 1);
    world.assert_sound(bot);
    next_order(world, bot);
    world.heal(std::slice::from_ref(bot), 1);
    world.assert_sound(bot);
}

/// A copy with order 5 open, and the exchange at 7.
fn at_five_and_seven() -> (World, BotId, Copied) {
    let (world, bot) = one_level();
    for _ in 1..5 {
        next_order(&world, &bot);
    }
    assert_eq!(order(&world, &bot, 0).no.0, 5);
    let copied = world.store.copy();
    next_order(&world, &bot);
    next_order(&world, &bot);
    assert_eq!(order(&world, &bot, 0).no.0, 7);
    (world, bot, copied)
}

#[test]
fn an_old_copy_with_order_5_open_while_the_exchange_is_at_7_places_no_second_6() {
    let (world, bot, copied) = at_five_and_seven();
    world.store.restore(copied);
    world.gate.forget();
    let replayed = replay(&world, &bot);
    assert_eq!(world.gate.count("place"), 0);
    assert_eq!(
        replayed,
        Replayed {
            paused: true,
            orders: 3,
            levels_caught_up: 1,
            problems: Vec::new()
        }
    );
    let level = world.level(&bot, 0);
    assert_eq!((level.order.unwrap().no.0, level.round_trips), (7, 3));
    goes_on(&world, &bot);
}

/// Why that is needed: this is what happens without it.
#[test]
fn a_copy_that_is_worked_with_as_it_is_places_a_second_6() {
    let (world, bot, copied) = at_five_and_seven();
    world.store.restore(copied);
    world.advance(trading::RECOVERY_EVERY);
    world.gate.forget();
    world.recover(&bot);
    assert_eq!(world.gate.count("place"), 1);
}

#[test]
fn any_copy_is_brought_to_where_the_exchange_is() {
    for copied_at in 0..6 {
        for more in 0..5 {
            for part in [false, true] {
                let bot = bot_id("demo");
                let world = World::demo("3.12", vec![rung("3.10", "3.15", "100")]);
                let mut copied = world.store.copy();
                world.lay(&bot);
                for step in 1..copied_at + more {
                    if step == copied_at {
                        copied = world.store.copy();
                    }
                    next_order(&world, &bot);
                }
                if copied_at > 0 && more < 2 {
                    copied = world.store.copy();
                }
                if part {
                    fill(&world, &order(&world, &bot, 0), 2, Some("40"));
                    world.listen();
                    world.quiet();
                }
                let before = world.level(&bot, 0);
                world.store.restore(copied);
                world.gate.forget();
                let replayed = replay(&world, &bot);
                assert_eq!(world.gate.count("place"), 0);
                let told = format!("copied at {copied_at}, {more} more, part {part}: {replayed:?}");
                assert_eq!(replayed.problems, Vec::<String>::new(), "{told}");
                let after = world.level(&bot, 0);
                let of = |level: &domain::Level| {
                    let order = level.order.as_ref();
                    (
                        order.map(|order| (order.no, order.executed, order.state.clone())),
                        level.base,
                        level.cost,
                        level.realized_profit,
                        level.round_trips,
                    )
                };
                assert_eq!(of(&after), of(&before), "{told}");
                let again = replay(&world, &bot);
                assert_eq!(again.levels_caught_up, 0, "{told}");
                assert_eq!(of(&world.level(&bot, 0)), of(&after), "{told}");
                goes_on(&world, &bot);
            }
        }
    }
}

#[test]
fn a_copy_taken_while_an_order_was_on_its_way_sends_no_second_one() {
    for more in 0..3 {
        let (world, bot) = one_level();
        fill(&world, &order(&world, &bot, 0), 1, None);
        let report = world.reports().remove(0);
        let mut handler = Task::new(&world, handle_fill(world.ports(), &report, world.now()));
        while !matches!(handler.step(), Step::Called("commit_fill")) {}
        let copied = world.store.copy();
        handler.finish().unwrap();
        for _ in 0..more {
            next_order(&world, &bot);
        }
        world.advance(trading::LEASE * 2);
        world.store.restore(copied);
        world.gate.forget();
        let replayed = replay(&world, &bot);
        assert_eq!(world.gate.count("place"), 0);
        assert_eq!(replayed.problems, Vec::<String>::new());
        assert_eq!(order(&world, &bot, 0).no.0, 2 + more);
        goes_on(&world, &bot);
    }
}

#[test]
fn an_order_that_the_exchange_never_saw_goes_on_under_a_number_nobody_can_have_used() {
    let (world, bot) = one_level();
    fill(&world, &order(&world, &bot, 0), 1, None);
    let report = world.reports().remove(0);
    let mut handler = Task::new(&world, handle_fill(world.ports(), &report, world.now()));
    while !matches!(handler.step(), Step::Called("commit_fill")) {}
    drop(handler);
    world.advance(trading::LEASE * 2);
    let replayed = replay(&world, &bot);
    assert_eq!(replayed.problems, Vec::<String>::new());
    assert!(order(&world, &bot, 0).no.0 > 1_000);
    goes_on(&world, &bot);
}

#[test]
fn orders_that_do_not_follow_from_one_another_are_left_to_the_operator() {
    let (world, bot, copied) = at_five_and_seven();
    world.store.restore(copied);
    // By the copy the level sells elsewhere than it did.
    world.store.change_level(&bot, 0, |level| {
        level.sell_price = simulation::price("3.20");
    });
    world.gate.forget();
    let replayed = replay(&world, &bot);
    assert!(
        replayed
            .problems
            .iter()
            .any(|problem| problem.contains("is quarantined")),
        "{replayed:?}"
    );
    assert!(matches!(
        world.state(&bot, 0),
        OrderState::Quarantined { .. }
    ));
    world.desire(&bot, DesiredStatus::Running);
    world.heal(std::slice::from_ref(&bot), 3);
    assert_eq!(world.gate.count("place"), 0, "nothing is sent for it");
}
