//! Levels whose records and the exchange disagree, and how that ends.

use std::time::Duration;

use domain::{BotId, DesiredStatus, ObservedStatus, OrderState, QuarantineReason};
use simulation::{Task, World};
use trading::{LOOKUP_LAG, recover_bot};

use crate::{XRP, one_level};

fn accepted(world: &World) -> u64 {
    world.exchange.with_model(|model, _| model.counts().placed)
}

fn quarantined_for(world: &World, bot: &BotId) -> Option<QuarantineReason> {
    match world.state(bot, 0) {
        OrderState::Quarantined { why, .. } => Some(why),
        _ => None,
    }
}

/// The level's BUY is filled, and no look-up finds it any more.
fn vanished() -> (World, BotId) {
    let (world, bot) = one_level();
    world.set_stream(false);
    world.print(XRP, "3.10");
    world.advance(LOOKUP_LAG);
    world.exchange.set_lag(Duration::from_secs(3_600));
    world.recover(&bot);
    assert_eq!(
        quarantined_for(&world, &bot),
        Some(QuarantineReason::OrderVanished)
    );
    (world, bot)
}

#[test]
fn a_level_found_again_while_the_bot_is_paused_sends_nothing_after_it_is_observed() {
    let (world, bot) = vanished();
    world.exchange.set_lag(Duration::ZERO);
    // The run that finds it has read a running bot; its order's fills are booked already.
    let mut run = Task::new(&world, recover_bot(world.ports(), &bot));
    run.run_to("commit_fill");
    world.desire(&bot, DesiredStatus::Paused);
    world.exchange.fail_query("order");
    world.recover(&bot);
    assert_eq!(world.store.bot_now(&bot).observed, ObservedStatus::Paused);
    let before = accepted(&world);
    run.finish().unwrap();
    assert_eq!(accepted(&world), before, "sent after it was observed");
    world.heal(std::slice::from_ref(&bot), 3);
    assert_eq!(accepted(&world), before);
    world.assert_sound(&bot);
}
