//! Processes that die between any two steps, and start again.

use std::time::Duration;

use domain::{BotId, DesiredStatus, OrderState, Side};
use simulation::{Journey, StoreFault, Task, World, bot_id, rung};
use trading::{LEASE, PlaceMode, handle_fill, place_intent, recover_bot};

use crate::{XRP, assert_rests, fill, one_level, order};

/// What a process was doing when it died.
type Work = for<'w> fn(&'w World, &BotId) -> Task<'w, ()>;

fn handling_the_next_message<'w>(world: &'w World, _: &BotId) -> Task<'w, ()> {
    world.listen();
    let delivery = world.queue.receive().unwrap();
    // The queue shows the message again once its receiver has been silent for too long.
    world.queue.again(delivery.clone(), trading::VISIBILITY);
    Task::new(world, async move {
        world.process(delivery.message()).await;
    })
}

fn placing<'w>(world: &'w World, bot: &BotId) -> Task<'w, ()> {
    let bot = bot.clone();
    Task::new(world, async move {
        let account = "main".parse().unwrap();
        let placed = place_intent(
            world.ports(),
            &account,
            &bot,
            domain::LevelIndex(0),
            PlaceMode::Send,
        );
        placed.await.unwrap();
    })
}

fn recovering<'w>(world: &'w World, bot: &BotId) -> Task<'w, ()> {
    let bot = bot.clone();
    Task::new(world, async move {
        recover_bot(world.ports(), &bot).await.unwrap();
    })
}

/// Lets a process die after each number of steps, and the system heal; returns how many steps the
/// whole work takes.
fn die_everywhere(prepare: impl Fn() -> (World, BotId), work: Work, stream: bool) -> u64 {
    for steps in 0.. {
        let (world, bot) = prepare();
        world.set_stream(stream);
        let finished = work(&world, &bot).die_after(steps).is_some();
        if !stream {
            world.queue.tamper(Vec::clear);
        }
        world.heal(std::slice::from_ref(&bot), 8);
        world.assert_sound(&bot);
        let level = world.level(&bot, 0);
        assert_eq!(
            order(&world, &bot, 0).state,
            OrderState::Open,
            "after {steps} steps"
        );
        assert!(level.round_trips <= 1);
        if finished {
            return steps;
        }
    }
    unreachable!("the loop ends when the work is finished")
}

/// The level's BUY has just been filled.
fn bought() -> (World, BotId) {
    let (world, bot) = one_level();
    fill(&world, &order(&world, &bot, 0), 3, None);
    (world, bot)
}

/// The level's BUY has just been filled, and its SELL will be too as soon as it is placed.
fn bought_below_the_market() -> (World, BotId) {
    let (world, bot) = bought();
    world.print(XRP, "3.30");
    (world, bot)
}

/// The level owes its SELL and has not sent it.
fn owing() -> (World, BotId) {
    let (world, bot) = one_level();
    world.desire(&bot, DesiredStatus::Paused);
    world.print(XRP, "3.10");
    world.quiet();
    world.desire(&bot, DesiredStatus::Running);
    world.print(XRP, "3.12");
    (world, bot)
}

/// The same, with a market that fills the SELL at once.
fn owing_below_the_market() -> (World, BotId) {
    let (world, bot) = owing();
    world.print(XRP, "3.30");
    (world, bot)
}

/// An attempt has vanished without a trace, and its lease is over.
fn abandoned(journey: &Journey) -> (World, BotId) {
    let (world, bot) = owing();
    world.exchange.script(journey.clone());
    world.exchange.set_lag(Duration::from_secs(9));
    world.recover(&bot);
    world.exchange.set_lag(Duration::ZERO);
    world.advance(LEASE);
    (world, bot)
}

#[test]
fn killed_between_any_two_steps_of_handle_fill() {
    for stream in [true, false] {
        let steps = die_everywhere(bought, handling_the_next_message, stream);
        assert!(steps >= 2, "{steps}");
        let steps = die_everywhere(
            || {
                let (world, bot) = bought_below_the_market();
                // Only the last of the three reports comes through.
                world.listen();
                world.queue.tamper(|waiting| drop(waiting.drain(..2)));
                (world, bot)
            },
            handling_the_next_message,
            stream,
        );
        assert!(
            steps >= 7,
            "load, trades, fills, commit, place, queue, settle: {steps}"
        );
    }
}

#[test]
fn killed_between_any_two_steps_of_place_intent() {
    for stream in [true, false] {
        assert!(die_everywhere(owing, placing, stream) >= 4);
        assert!(die_everywhere(owing_below_the_market, placing, stream) >= 5);
    }
}

#[test]
fn killed_between_any_two_steps_of_a_take_over() {
    for journey in [Journey::reply_lost(), Journey::request_lost()] {
        for stream in [true, false] {
            let steps = die_everywhere(|| abandoned(&journey), placing, stream);
            assert!(steps >= 6, "{steps}");
        }
    }
}

#[test]
fn killed_between_any_two_steps_of_recovery() {
    for stream in [true, false] {
        for prepare in [
            bought,
            bought_below_the_market,
            owing,
            owing_below_the_market,
        ] {
            assert!(die_everywhere(prepare, recovering, stream) > 8);
        }
    }
}

#[test]
fn killed_between_any_two_steps_of_laying_a_grid() {
    let fresh = || {
        let bot = bot_id("demo");
        let rungs = vec![rung("3.10", "3.15", "100"), rung("3.15", "3.20", "100")];
        (World::demo("3.12", rungs), bot)
    };
    assert!(die_everywhere(fresh, recovering, true) > 8);
    assert!(die_everywhere(fresh, recovering, false) > 8);
}

#[test]
fn killed_between_queueing_an_immediate_fill_and_settling_it() {
    let (world, bot) = owing_below_the_market();
    world.set_stream(false);
    let mut task = placing(&world, &bot);
    task.run_to("queue_send");
    drop(task);
    assert!(matches!(world.state(&bot, 0), OrderState::Pending { .. }));
    // The queued report alone carries the grid on: nobody waits for the lease to end.
    let before = world.now();
    world.quiet();
    assert_eq!(world.now(), before);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
    world.assert_sound(&bot);
}

#[test]
fn every_answer_of_the_store_lost_once() {
    let calls = [
        "load",
        "commit_fill",
        "settle_intent",
        "claim_intent",
        "add_event",
    ];
    for call in calls {
        for fault in [StoreFault::Before, StoreFault::After] {
            for prepare in [
                bought,
                bought_below_the_market,
                owing,
                owing_below_the_market,
            ] {
                let (world, bot) = prepare();
                world.store.fail_next(call, fault);
                world.heal(std::slice::from_ref(&bot), 8);
                world.assert_sound(&bot);
                assert_eq!(
                    order(&world, &bot, 0).state,
                    OrderState::Open,
                    "{call} {fault:?}"
                );
            }
        }
    }
}

#[test]
fn two_processes_in_step_with_each_other_at_every_offset() {
    for offset in 0..8 {
        let (world, bot) = bought_below_the_market();
        let reports = world.reports();
        let mut first = Task::new(&world, handle_fill(world.ports(), &reports[2], world.now()));
        for _ in 0..offset {
            if let simulation::Step::Done(_) = first.step() {
                break;
            }
        }
        let mut second = Task::new(&world, recover_bot(world.ports(), &bot));
        let mut third = Task::new(&world, handle_fill(world.ports(), &reports[2], world.now()));
        for _ in 0..64 {
            let blocked = matches!(second.step(), simulation::Step::Done(_));
            if blocked || matches!(third.step(), simulation::Step::Done(_)) {
                break;
            }
        }
        world.heal(std::slice::from_ref(&bot), 8);
        world.assert_sound(&bot);
        assert_eq!(world.level(&bot, 0).round_trips, 1, "offset {offset}");
    }
}

#[test]
fn every_use_case_can_run_on_any_thread() {
    fn on_any_thread<T>(_: &(impl Future<Output = T> + Send)) {}
    let (world, bot) = bought();
    let report = world.reports().remove(0);
    let account = "main".parse().unwrap();
    let level = domain::LevelIndex(0);
    on_any_thread(&handle_fill(world.ports(), &report, world.now()));
    on_any_thread(&recover_bot(world.ports(), &bot));
    on_any_thread(&place_intent(
        world.ports(),
        &account,
        &bot,
        level,
        PlaceMode::Send,
    ));
}
