//! Pause, resume, stop and sale while fills arrive and placements are under way.

use std::time::Duration;

use domain::{BotId, DesiredStatus, HoldReason, ObservedStatus, OrderState, Purpose, Side};
use simulation::{Journey, Step, Task, World, bot_id, rung};
use trading::{LEASE, PlaceMode, handle_fill, place_intent, recover_bot};

use crate::{XRP, assert_rests, fill, one_level, order};

fn recover_often(world: &World, bot: &BotId, runs: u32) -> ObservedStatus {
    world.heal(std::slice::from_ref(bot), runs);
    world.store.bot_now(bot).observed
}

#[test]
fn paused_fills_are_booked_and_their_orders_held_until_it_runs_again() {
    let (world, bot) = one_level();
    world.desire(&bot, DesiredStatus::Paused);
    assert_eq!(recover_often(&world, &bot, 2), ObservedStatus::Paused);
    assert_eq!(
        order(&world, &bot, 0).state,
        OrderState::Open,
        "resting orders stay"
    );
    world.gate.forget();
    world.print(XRP, "3.10");
    recover_often(&world, &bot, 3);
    assert_eq!(world.gate.count("place"), 0);
    assert_eq!(world.level(&bot, 0).base.to_string(), "99.9");
    assert!(matches!(
        world.state(&bot, 0),
        OrderState::Held {
            why: HoldReason::Paused,
            ..
        }
    ));
    world.assert_sound(&bot);
    world.desire(&bot, DesiredStatus::Running);
    assert_eq!(recover_often(&world, &bot, 2), ObservedStatus::Running);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    world.assert_sound(&bot);
}

/// How many orders the exchange has accepted. A request that its window refuses is none.
fn accepted(world: &World) -> u64 {
    world.exchange.with_model(|model, _| model.counts().placed)
}

/// Lets something that began before the change go on at each step after it: once the bot is seen
/// paused or stopped, nothing more is sent.
fn nothing_is_sent_once_observed(desired: DesiredStatus, expected: ObservedStatus) {
    for steps in 0..6 {
        let (world, bot) = one_level();
        fill(&world, &order(&world, &bot, 0), 1, None);
        let report = world.reports().remove(0);
        let mut handler = Task::new(&world, handle_fill(world.ports(), &report, world.now()));
        let mut finished = false;
        for _ in 0..steps {
            finished = finished || matches!(handler.step(), Step::Done(_));
        }
        world.desire(&bot, desired);
        let mut runs = 0;
        while world.store.bot_now(&bot).observed != expected {
            world.recover(&bot);
            world.quiet();
            world.advance(Duration::from_secs(10));
            runs += 1;
            assert!(runs < 20, "never observed after {steps} steps");
        }
        let before = accepted(&world);
        if !finished {
            handler.finish().unwrap();
        }
        recover_often(&world, &bot, 4);
        assert_eq!(
            accepted(&world),
            before,
            "sent after it was observed, step {steps}"
        );
        world.assert_sound(&bot);
    }
}

#[test]
fn a_fill_being_handled_while_the_bot_is_paused_sends_nothing_after_it_is_observed() {
    nothing_is_sent_once_observed(DesiredStatus::Paused, ObservedStatus::Paused);
}

#[test]
fn a_fill_being_handled_while_the_bot_is_stopped_sends_nothing_after_it_is_observed() {
    nothing_is_sent_once_observed(DesiredStatus::Stopped, ObservedStatus::Stopped);
}

#[test]
fn a_grid_being_laid_while_the_bot_is_stopped_sends_nothing_after_it_is_observed() {
    for steps in 0..16 {
        let bot = bot_id("demo");
        let world = World::demo("3.12", vec![rung("3.10", "3.15", "100")]);
        let mut laying = Task::new(&world, recover_bot(world.ports(), &bot));
        let mut finished = false;
        for _ in 0..steps {
            finished = finished || matches!(laying.step(), Step::Done(_));
        }
        world.desire(&bot, DesiredStatus::Stopped);
        while world.store.bot_now(&bot).observed != ObservedStatus::Stopped {
            world.recover(&bot);
            world.quiet();
            world.advance(Duration::from_secs(10));
        }
        let before = accepted(&world);
        if !finished {
            laying.finish().unwrap();
        }
        assert_eq!(
            accepted(&world),
            before,
            "sent after it was observed, step {steps}"
        );
        world.assert_sound(&bot);
    }
}

#[test]
fn the_operators_mind_changes_while_a_bot_at_rest_is_started_again() {
    let (world, bot) = one_level();
    fill(&world, &order(&world, &bot, 0), 1, None);
    world.desire(&bot, DesiredStatus::Stopped);
    world.quiet();
    while world.store.bot_now(&bot).observed != ObservedStatus::Stopped {
        world.recover(&bot);
        world.advance(Duration::from_secs(10));
    }
    world.desire(&bot, DesiredStatus::Running);
    let mut starting = Task::new(&world, recover_bot(world.ports(), &bot));
    starting.run_to("list_levels");
    // The bot was read before this, and is written as running after it.
    world.desire(&bot, DesiredStatus::StoppedAndSold);
    starting.finish().unwrap();
    assert_eq!(accepted(&world), 2, "it is sold in this run");
    recover_often(&world, &bot, 2);
    world.assert_sound(&bot);
}

#[test]
fn what_was_planned_for_a_running_bot_sells_nothing_of_one_observed_paused() {
    let (world, bot) = one_level();
    world.desire(&bot, DesiredStatus::Paused);
    world.print(XRP, "3.10");
    world.quiet();
    assert_eq!(recover_often(&world, &bot, 2), ObservedStatus::Paused);
    world.desire(&bot, DesiredStatus::Running);
    let mut planned = Task::new(&world, recover_bot(world.ports(), &bot));
    planned.run_to("open_orders");
    world.desire(&bot, DesiredStatus::Paused);
    assert_eq!(recover_often(&world, &bot, 2), ObservedStatus::Paused);
    world.desire(&bot, DesiredStatus::StoppedAndSold);
    let before = accepted(&world);
    planned.finish().unwrap();
    assert_eq!(accepted(&world), before, "it is still observed paused");
    assert_eq!(recover_often(&world, &bot, 6), ObservedStatus::Stopped);
    assert_eq!(world.level(&bot, 0).base.to_string(), "0");
    world.assert_sound(&bot);
}

/// Whether the level's sale is on its way.
fn sells(world: &World, bot: &BotId) -> bool {
    let order = order(world, bot, 0);
    order.intent.purpose == Purpose::Liquidation
        && matches!(order.state, OrderState::Pending { .. })
}

#[test]
fn what_the_market_makes_worth_selling_is_not_sold_of_a_bot_observed_stopped() {
    let mut sales_under_way = 0;
    for steps in 0..40 {
        let (world, bot) = one_level();
        fill(&world, &order(&world, &bot, 0), 1, Some("1.7"));
        world.quiet();
        world.desire(&bot, DesiredStatus::StoppedAndSold);
        // Written as stopping by a run that found something to sell, and ended there.
        world.print(XRP, "3.30");
        let mut opening = Task::new(&world, recover_bot(world.ports(), &bot));
        opening.run_to("update_bot");
        drop(opening);
        // Worth less than the minimum of 5 again.
        world.print(XRP, "3.11");
        let mut observing = Task::new(&world, recover_bot(world.ports(), &bot));
        let observed = (0..steps).any(|_| matches!(observing.step(), Step::Done(_)));
        world.print(XRP, "3.30");
        let mut selling = Task::new(&world, recover_bot(world.ports(), &bot));
        let mut sold = false;
        while !sold && !sells(&world, &bot) {
            sold = matches!(selling.step(), Step::Done(_));
        }
        sales_under_way += u32::from(!sold);
        if !observed {
            observing.finish().unwrap();
        }
        if !sold {
            selling.finish().unwrap();
        }
        assert_eq!(recover_often(&world, &bot, 6), ObservedStatus::Stopped);
        assert_eq!(world.level(&bot, 0).base.to_string(), "0.0983");
        world.assert_sound(&bot);
    }
    assert!(sales_under_way > 0);
}

#[test]
fn a_sale_planned_before_the_bot_was_sold_out_is_not_begun_after_it() {
    let mut met = 0;
    for (first, then) in (4..20).flat_map(|first| (1..8).map(move |then| (first, then))) {
        let (world, bot) = one_level();
        fill(&world, &order(&world, &bot, 0), 1, Some("1.7"));
        world.quiet();
        world.desire(&bot, DesiredStatus::StoppedAndSold);
        world.print(XRP, "3.30");
        let mut opening = Task::new(&world, recover_bot(world.ports(), &bot));
        opening.run_to("update_bot");
        drop(opening);
        world.print(XRP, "3.11");
        let mut observing = Task::new(&world, recover_bot(world.ports(), &bot));
        let mut observed = (0..first).any(|_| matches!(observing.step(), Step::Done(_)));
        // One that sees a better market plans a sale, and stands just before it reads the level again.
        world.print(XRP, "3.30");
        let mut selling = Task::new(&world, recover_bot(world.ports(), &bot));
        selling.run_to("open_orders");
        observed |= !observed && (0..then).any(|_| matches!(observing.step(), Step::Done(_)));
        let sold_out = world.store.bot_now(&bot).sold_out;
        let mut sold = false;
        while !sold && !sells(&world, &bot) {
            sold = matches!(selling.step(), Step::Done(_));
        }
        if !observed {
            observing.finish().unwrap();
        }
        if !sold {
            selling.finish().unwrap();
        }
        met += u32::from(sold_out && !observed);
        assert_eq!(recover_often(&world, &bot, 6), ObservedStatus::Stopped);
        world.assert_sound(&bot);
    }
    assert!(met > 0);
}

#[test]
fn paused_while_a_placement_is_unknown() {
    for journey in [Journey::reply_lost(), Journey::request_lost()] {
        for (desired, expected) in [
            (DesiredStatus::Paused, ObservedStatus::Paused),
            (DesiredStatus::Stopped, ObservedStatus::Stopped),
        ] {
            let (world, bot) = one_level();
            world.print(XRP, "3.10");
            world.listen();
            world.set_stream(false);
            world.exchange.script(journey.clone());
            let message = world.queue.receive().unwrap().message();
            let mut task = Task::new(&world, world.process(message));
            task.run_to("place");
            world.exchange.set_lag(Duration::from_secs(9));
            task.finish();
            world.desire(&bot, desired);
            world.recover(&bot);
            assert_ne!(
                world.store.bot_now(&bot).observed,
                expected,
                "its fate is not known"
            );
            world.advance(LEASE);
            world.exchange.set_lag(Duration::ZERO);
            world.gate.forget();
            assert_eq!(recover_often(&world, &bot, 4), expected);
            assert_eq!(world.gate.count("place"), 0);
            world.assert_sound(&bot);
            world.desire(&bot, DesiredStatus::Running);
            recover_often(&world, &bot, 4);
            assert_rests(&world, &bot, 0, Side::Sell, "99.9");
            world.assert_sound(&bot);
        }
    }
}

#[test]
fn stopped_while_its_orders_fill_at_every_step() {
    for steps in 0..20 {
        let bot = bot_id("demo");
        let rungs = vec![rung("3.05", "3.10", "100"), rung("3.10", "3.15", "100")];
        let world = World::demo("3.12", rungs);
        world.lay(&bot);
        world.set_stream(steps % 2 == 0);
        world.desire(&bot, DesiredStatus::Stopped);
        let mut stopping = Task::new(&world, recover_bot(world.ports(), &bot));
        let mut finished = false;
        for _ in 0..steps {
            finished = finished || matches!(stopping.step(), Step::Done(_));
        }
        world.print(XRP, "3.10");
        if !finished {
            stopping.finish().unwrap();
        }
        assert_eq!(recover_often(&world, &bot, 5), ObservedStatus::Stopped);
        assert_eq!(world.open_order_ids(XRP).len(), 0);
        world.assert_sound(&bot);
        // It can be started again, and sells what it holds.
        world.desire(&bot, DesiredStatus::Running);
        recover_often(&world, &bot, 4);
        world.assert_sound(&bot);
        assert_eq!(order(&world, &bot, 0).state, OrderState::Open);
    }
}

#[test]
fn a_stopped_bot_sells_what_it_holds_before_it_counts_as_stopped() {
    let bot = bot_id("demo");
    let rungs = vec![rung("3.05", "3.10", "100"), rung("3.10", "3.15", "100")];
    let world = World::demo("3.12", rungs);
    world.lay(&bot);
    world.print(XRP, "3.05");
    world.quiet();
    world.desire(&bot, DesiredStatus::StoppedAndSold);
    for _ in 0..8 {
        world.quiet();
        world.advance(Duration::from_secs(10));
        world.gate.forget();
        let stopped = world.store.bot_now(&bot).observed == ObservedStatus::Stopped;
        world.recover(&bot);
        assert!(
            !stopped || world.gate.count("place") == 0,
            "an order of a bot that was observed stopped"
        );
    }
    assert_eq!(world.store.bot_now(&bot).observed, ObservedStatus::Stopped);
    for level in [0, 1] {
        assert_eq!(world.level(&bot, level).base.to_string(), "0");
        assert_eq!(world.level(&bot, level).round_trips, 1);
    }
    assert_eq!(world.open_order_ids(XRP).len(), 0);
    assert_eq!(simulation::audit::findings(&world, &bot), []);
}

#[test]
fn a_bot_is_sold_out_once_it_has_come_to_rest_and_no_sooner() {
    let sold_out = |world: &World, bot| world.store.bot_now(bot).sold_out;
    let (world, bot) = one_level();
    world.desire(&bot, DesiredStatus::Paused);
    assert_eq!(recover_often(&world, &bot, 2), ObservedStatus::Paused);
    assert!(!sold_out(&world, &bot), "a pause sells nothing");
    world.gate.forget();
    world.recover(&bot);
    assert_eq!(world.gate.count("claim_intent"), 0, "at rest already");
    world.desire(&bot, DesiredStatus::Running);
    recover_often(&world, &bot, 2);
    world.print(XRP, "3.10");
    world.quiet();
    world.desire(&bot, DesiredStatus::StoppedAndSold);
    while world.store.bot_now(&bot).observed != ObservedStatus::Stopped {
        assert!(!sold_out(&world, &bot), "it still sells");
        world.recover(&bot);
        world.quiet();
        world.advance(Duration::from_secs(10));
    }
    assert!(sold_out(&world, &bot));
    world.desire(&bot, DesiredStatus::Running);
    world.recover(&bot);
    assert!(!sold_out(&world, &bot));
    world.assert_sound(&bot);
}

#[test]
fn a_bot_with_nothing_to_sell_is_stopped_in_one_run_unless_somebody_else_writes_it() {
    let (world, bot) = one_level();
    world.desire(&bot, DesiredStatus::StoppedAndSold);
    world.recover(&bot);
    assert_eq!(world.store.bot_now(&bot).observed, ObservedStatus::Stopped);
    for steps in 0..24 {
        let (world, bot) = one_level();
        world.desire(&bot, DesiredStatus::StoppedAndSold);
        let mut observing = Task::new(&world, recover_bot(world.ports(), &bot));
        if (0..steps).any(|_| matches!(observing.step(), Step::Done(_))) {
            break;
        }
        // Another look has read the rules anew.
        world.store.change_bot(&bot, |bot| bot.rules_doubted = true);
        observing.finish().unwrap();
        let after = world.store.bot_now(&bot);
        assert!(
            after.sold_out || after.observed != ObservedStatus::Stopped,
            "stopped and not sold out, step {steps}"
        );
    }
}

#[test]
fn what_is_sold_in_two_orders_is_one_round_trip() {
    for (desired, trips) in [
        (DesiredStatus::StoppedAndSold, 1),
        (DesiredStatus::Stopped, 0),
    ] {
        let (world, bot) = one_level();
        world.print(XRP, "3.10");
        world.quiet();
        fill(&world, &order(&world, &bot, 0), 1, Some("30"));
        world.quiet();
        world.desire(&bot, desired);
        assert_eq!(recover_often(&world, &bot, 6), ObservedStatus::Stopped);
        assert_eq!(world.level(&bot, 0).round_trips, trips);
        world.desire(&bot, DesiredStatus::Running);
        recover_often(&world, &bot, 2);
        world.print(XRP, "3.15");
        world.quiet();
        assert_eq!(world.level(&bot, 0).round_trips, 1);
        world.assert_sound(&bot);
    }
}

#[test]
fn a_sale_that_the_market_ran_away_from_is_priced_anew() {
    let (world, bot) = one_level();
    world.print(XRP, "3.10");
    world.quiet();
    world.desire(&bot, DesiredStatus::StoppedAndSold);
    world.recover(&bot);
    world.quiet();
    world.advance(Duration::from_secs(10));
    // The sale's request arrives when the bid has fallen 2 %.
    let mut run = Task::new(&world, recover_bot(world.ports(), &bot));
    run.run_to("claim_intent");
    world.print(XRP, "3.02");
    run.finish().unwrap();
    world.quiet();
    assert_eq!(
        order(&world, &bot, 0).state,
        OrderState::Open,
        "it rests above the market"
    );
    assert_eq!(recover_often(&world, &bot, 6), ObservedStatus::Stopped);
    assert_eq!(world.level(&bot, 0).base.to_string(), "0");
    world.assert_sound(&bot);
}

#[test]
fn an_intent_started_while_the_bot_is_paused_is_held() {
    let (world, bot) = one_level();
    world.desire(&bot, DesiredStatus::Paused);
    world.print(XRP, "3.10");
    world.quiet();
    world.gate.forget();
    let account = "main".parse().unwrap();
    let level = domain::LevelIndex(0);
    world
        .run(place_intent(
            world.ports(),
            &account,
            &bot,
            level,
            PlaceMode::Send,
        ))
        .unwrap();
    assert_eq!(world.gate.count("place"), 0);
    world.assert_sound(&bot);
}

#[test]
fn a_rest_too_small_for_the_market_stays_unsold_and_is_reported() {
    let (world, bot) = one_level();
    // 1.6 XRP is worth 5.04 at the level's sell price, and 4.97 at the market: the minimum is 5.
    fill(&world, &order(&world, &bot, 0), 1, Some("1.7"));
    world.quiet();
    world.desire(&bot, DesiredStatus::StoppedAndSold);
    let mut told = Vec::new();
    for _ in 0..6 {
        told.extend(world.recover(&bot).problems);
        world.quiet();
        world.advance(Duration::from_secs(10));
    }
    assert_eq!(world.store.bot_now(&bot).observed, ObservedStatus::Stopped);
    assert_eq!(world.level(&bot, 0).base.to_string(), "1.6983");
    let left = |text: &String| text.contains("1.6983 XRP") && text.contains("unsold");
    assert!(told.iter().any(left), "{told:?}");
    let story = world.store.story_now();
    assert_eq!(story.iter().filter(|event| left(&event.text)).count(), 1);
    world.assert_sound(&bot);
}
