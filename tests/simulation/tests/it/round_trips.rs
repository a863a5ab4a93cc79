//! How often the store is asked before and after an order leaves.

use domain::Side;
use simulation::Task;
use trading::handle_fill;

use crate::{XRP, assert_rests, one_level};

#[test]
fn a_fill_costs_two_round_trips_before_its_order_leaves_and_one_after() {
    let (world, bot) = one_level();
    world.print(XRP, "3.10");
    let report = world.reports().remove(0);
    world.gate.forget();
    let task = Task::new(&world, handle_fill(world.ports(), &report, world.now()));
    task.finish().unwrap();
    assert_eq!(
        world.gate.passed(),
        ["load", "commit_fill", "place", "settle_intent"]
    );
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
}

#[test]
fn a_repeated_report_costs_one_round_trip() {
    let (world, _) = one_level();
    world.print(XRP, "3.10");
    let report = world.reports().remove(0);
    world.handle(&report).unwrap();
    world.gate.forget();
    world.handle(&report).unwrap();
    assert_eq!(world.gate.passed(), ["load"]);
}

#[test]
fn an_order_that_executes_at_once_is_queued_before_it_is_settled() {
    let (world, _) = one_level();
    world.print(XRP, "3.10");
    let report = world.reports().remove(0);
    world
        .exchange
        .with_model(|model, now| {
            model.print(
                now,
                XRP,
                (simulation::decimal("3.2"), simulation::decimal("1")),
            )
        })
        .unwrap();
    world.gate.forget();
    world.handle(&report).unwrap();
    assert_eq!(
        world.gate.passed(),
        [
            "load",
            "commit_fill",
            "place",
            "queue_send",
            "settle_intent"
        ]
    );
}
