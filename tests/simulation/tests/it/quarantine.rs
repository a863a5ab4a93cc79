//! Levels whose records and the exchange disagree, and how that ends.

use std::time::Duration;

use domain::{
    BotId, DesiredStatus, ExchangeOrderId, LevelIndex, NotOurs, ObservedStatus, OrderState,
    OrderStatus, QuarantineReason, RefusalReason, Side,
};
use exchange_simulator::model::{NewOrder, Side as ModelSide};
use simulation::{Journey, Task, World, decimal};
use trading::{
    ADOPT_TOLERANCE, Claim, EventKind, EventRecord, LEASE, LOOKUP_LAG, LevelRelease,
    LevelStore as _, NOT_FOUND, Outcome, Placing, Troubled, recover_bot, release_level,
};

use crate::placing::{ours_typed_by_hand, owing, placing};
use crate::{XRP, assert_rests, fill, one_level, order};

fn accepted(world: &World) -> u64 {
    world.exchange.with_model(|model, _| model.counts().placed)
}

fn quarantined_for(world: &World, bot: &BotId) -> Option<QuarantineReason> {
    let OrderState::Quarantined { why, .. } = world.state(bot, 0) else {
        return None;
    };
    Some(why)
}

/// The level's BUY is filled or still open, and no look-up finds it any more.
fn vanished(filled: bool) -> (World, BotId) {
    let (world, bot) = one_level();
    world.set_stream(false);
    if filled {
        world.print(XRP, "3.10");
    }
    world.advance(LEASE);
    world.exchange.set_lag(Duration::from_secs(3_600));
    // The run that notices it says so, and so does each later one.
    let standing = Troubled {
        quarantined: 1,
        ..Troubled::default()
    };
    for words in ["can no longer be found", "level 0: quarantined: "] {
        let recovered = world.recover(&bot);
        assert_eq!(recovered.troubled, standing);
        let problems = recovered.problems;
        assert!(
            problems.iter().any(|problem| problem.contains(words)),
            "{problems:?}"
        );
        assert_eq!(
            quarantined_for(&world, &bot),
            Some(QuarantineReason::OrderVanished)
        );
    }
    (world, bot)
}

/// What the story says of the end of a quarantine.
fn told_of_release(world: &World) -> String {
    let story = world.store.story_now();
    let told = story
        .iter()
        .find(|event| event.kind == EventKind::Released)
        .unwrap();
    told.text.clone()
}

#[test]
fn a_level_found_again_while_the_bot_is_paused_sends_nothing_after_it_is_observed() {
    let (world, bot) = vanished(true);
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

/// The exchange's id of the level's order.
fn own(world: &World, bot: &BotId) -> u64 {
    let id = order(world, bot, 0).exchange_order_id.unwrap();
    id.0.try_into().unwrap()
}

#[test]
fn a_clock_that_jumps_ahead_makes_no_order_vanish() {
    let (world, bot) = one_level();
    world.set_stream(false);
    // A look-up shows neither the order nor its fill yet.
    world.exchange.set_lag(Duration::from_secs(9));
    world.print(XRP, "3.10");
    world.set_wall(60_000);
    world.recover(&bot);
    assert_eq!(quarantined_for(&world, &bot), None);
    world.exchange.set_lag(Duration::ZERO);
    world.set_wall(0);
    world.heal(std::slice::from_ref(&bot), 2);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    world.assert_sound(&bot);
}

#[test]
fn a_stop_does_not_lay_down_what_a_look_up_may_not_show_yet() {
    let (world, bot) = disagreeing();
    let id = own(&world, &bot);
    let disagree = Some(QuarantineReason::TradesDisagree);
    fill_part(&world, id, "60");
    world.exchange.set_lag(Duration::from_secs(9));
    world.desire(&bot, DesiredStatus::Stopped);
    world.recover(&bot);
    assert_eq!(
        quarantined_for(&world, &bot),
        disagree,
        "a look-up that shows nothing proves nothing yet"
    );
    world.exchange.set_lag(Duration::ZERO);
    run_often(&world, &bot);
    assert_eq!(world.store.bot_now(&bot).observed, ObservedStatus::Stopped);
    assert_eq!(world.level(&bot, 0).base.to_string(), "99.9");
    world.assert_sound(&bot);
}

/// What it had executed is booked, then a report says that it ended with less.
fn disagreeing() -> (World, BotId) {
    let (world, bot) = one_level();
    fill_part(&world, own(&world, &bot), "40");
    let mut report = world.reports().pop().unwrap();
    world.set_stream(false);
    world.handle(&report).unwrap();
    report.status = OrderStatus::Canceled;
    report.cumulative = "20".parse().unwrap();
    report.trades.clear();
    world.handle(&report).unwrap();
    let disagree = Some(QuarantineReason::TradesDisagree);
    assert_eq!(quarantined_for(&world, &bot), disagree);
    (world, bot)
}

/// The order is shown as filled, its last trades are not shown yet.
#[test]
fn a_stop_of_a_level_whose_trades_disagree_waits_for_those_that_a_look_up_may_not_show_yet() {
    let moment = Duration::from_millis(1);
    for (passed, waits) in [(LOOKUP_LAG - moment, true), (LOOKUP_LAG, false)] {
        let (world, bot) = disagreeing();
        fill_part(&world, own(&world, &bot), "60");
        world.advance(passed);
        stop(&world, &bot);
        let mut run = Task::new(&world, recover_bot(world.ports(), &bot));
        run.run_to("order");
        world.exchange.set_lag(Duration::from_secs(3_600));
        run.finish().unwrap();
        let expected = waits.then_some(QuarantineReason::TradesDisagree);
        assert_eq!(quarantined_for(&world, &bot), expected, "{passed:?}");
        if waits {
            world.exchange.set_lag(Duration::ZERO);
            run_often(&world, &bot);
            assert_eq!(world.store.bot_now(&bot).observed, ObservedStatus::Stopped);
            assert_eq!(world.level(&bot, 0).base.to_string(), "99.9");
            world.assert_sound(&bot);
        }
    }
}

/// Ends the quarantine of a level whose order fills, while what comes after the call `lagging` shows less.
fn nothing_is_lost_while_it_lags(ended: fn(&World, &BotId), lagging: &str, part: Option<&str>) {
    let (world, bot) = vanished(false);
    let id = own(&world, &bot);
    if let Some(part) = part {
        fill_part(&world, id, part);
        world.advance(LOOKUP_LAG);
    }
    fill_part(&world, id, part.map_or("100", |_| "60"));
    ended(&world, &bot);
    // Only a look-up by the exchange's own id shows what has just happened.
    world.exchange.set_lag(Duration::ZERO);
    let mut run = Task::new(&world, recover_bot(world.ports(), &bot));
    run.run_to(lagging);
    world.exchange.set_lag(Duration::from_secs(9));
    run.finish().unwrap();
    assert!(
        quarantined_for(&world, &bot).is_some(),
        "it waits for what the exchange does not show yet"
    );
    world.exchange.set_lag(Duration::ZERO);
    run_often(&world, &bot);
    assert_eq!(quarantined_for(&world, &bot), None);
    world.assert_sound(&bot);
}

fn stop(world: &World, bot: &BotId) {
    world.desire(bot, DesiredStatus::Stopped);
}

fn released(world: &World, bot: &BotId) {
    assert_eq!(release(world, bot), LevelRelease::Asked);
}

const fn left_alone(_: &World, _: &BotId) {}

#[test]
fn a_quarantined_level_is_not_left_before_its_trades_are_shown() {
    for ended in [left_alone, stop, released] {
        nothing_is_lost_while_it_lags(ended, "order", None);
    }
}

/// By then a look-up shows everything, so what it does not show is not there.
#[test]
fn a_release_waits_for_trades_as_long_as_a_look_up_may_lag_and_no_longer() {
    let moment = Duration::from_millis(1);
    for (passed, waits) in [(LOOKUP_LAG - moment, true), (LOOKUP_LAG, false)] {
        let (world, bot) = vanished(false);
        fill_part(&world, own(&world, &bot), "100");
        world.advance(passed);
        released(&world, &bot);
        world.exchange.set_lag(Duration::ZERO);
        let mut run = Task::new(&world, recover_bot(world.ports(), &bot));
        run.run_to("order");
        world.exchange.set_lag(Duration::from_secs(3_600));
        run.finish().unwrap();
        let expected = waits.then_some(QuarantineReason::Released);
        assert_eq!(quarantined_for(&world, &bot), expected, "{passed:?}");
    }
}

#[test]
fn a_quarantined_level_is_not_left_before_its_order_is_shown_as_ended() {
    for ended in [stop, released] {
        nothing_is_lost_while_it_lags(ended, "cancel", Some("40"));
    }
}

/// Somebody types an order under one of our ids.
fn by_hand(world: &World, side: ModelSide, at: (&str, &str), id: &str) -> u64 {
    let typed = NewOrder::limit(XRP, side, decimal(at.0), decimal(at.1), id);
    let placed = world
        .exchange
        .with_model(|model, now| model.place(now, "main", typed));
    placed.unwrap().order.order_id
}

/// The level's SELL never arrived, and an order for more stands under its id.
fn foreign() -> (World, BotId, u64) {
    let (world, bot) = owing();
    world.exchange.script(Journey::request_lost());
    let mut task = placing(&world, &bot);
    task.run_to("place");
    let typed = by_hand(&world, ModelSide::Sell, ("3.15", "200"), "gk-demo-0-2");
    task.finish();
    assert_eq!(
        quarantined_for(&world, &bot),
        Some(QuarantineReason::ForeignOrder)
    );
    (world, bot, typed)
}

fn fill_part(world: &World, id: u64, part: &str) {
    world
        .exchange
        .with_model(|model, now| model.fill_order(now, (XRP, id), 1, Some(decimal(part))))
        .unwrap();
}

/// Lets recovery run as it would, with look-ups as they are.
fn run_often(world: &World, bot: &BotId) {
    for _ in 0..6 {
        world.recover(bot);
        world.quiet();
        world.advance(trading::RECOVERY_EVERY);
    }
}

#[test]
fn a_stop_takes_down_a_level_whose_order_cannot_be_found() {
    for (filled, found, base) in [
        (true, true, "99.9"),
        (true, false, "0"),
        (false, true, "0"),
        (false, false, "0"),
    ] {
        let (world, bot) = vanished(filled);
        if found {
            world.exchange.set_lag(Duration::ZERO);
        }
        world.desire(&bot, DesiredStatus::Stopped);
        run_often(&world, &bot);
        assert_eq!(world.store.bot_now(&bot).observed, ObservedStatus::Stopped);
        assert_eq!(world.state(&bot, 0), OrderState::Idle);
        assert_eq!(world.open_order_ids(XRP), Vec::<u64>::new());
        assert_eq!(world.level(&bot, 0).base.to_string(), base);
    }
}

#[test]
fn a_stop_cancels_a_foreign_order_under_the_bots_id_without_booking_it() {
    let (world, bot, typed) = foreign();
    world.set_stream(false);
    fill_part(&world, typed, "50");
    world.desire(&bot, DesiredStatus::Stopped);
    world.recover(&bot);
    assert_eq!(
        quarantined_for(&world, &bot),
        Some(QuarantineReason::ForeignOrder),
        "its own request may still be on its way"
    );
    world.advance(LEASE);
    run_often(&world, &bot);
    assert_eq!(world.store.bot_now(&bot).observed, ObservedStatus::Stopped);
    assert_eq!(world.open_order_ids(XRP), Vec::<u64>::new());
    assert_eq!(world.level(&bot, 0).base.to_string(), "99.9");
}

/// An older order stands under the id of the level's SELL and asks for just what the level owes; the
/// level's own request was lost.
fn too_old() -> (World, BotId, u64) {
    let (world, bot) = owing();
    ours_typed_by_hand(&world);
    world.advance(ADOPT_TOLERANCE + Duration::from_millis(1));
    world.exchange.script(Journey::request_lost());
    assert_eq!(placing(&world, &bot).finish(), Placing::Quarantined);
    let typed = world.open_order_ids(XRP)[0];
    (world, bot, typed)
}

#[test]
fn a_stop_does_not_book_an_order_that_its_age_alone_tells_from_the_levels_own() {
    let (world, bot, typed) = too_old();
    world.set_stream(false);
    fill_part(&world, typed, "50");
    stop(&world, &bot);
    world.advance(LEASE);
    run_often(&world, &bot);
    assert_eq!(world.store.bot_now(&bot).observed, ObservedStatus::Stopped);
    assert_eq!(world.open_order_ids(XRP), Vec::<u64>::new());
    assert_eq!(world.level(&bot, 0).base.to_string(), "99.9");
}

#[test]
fn the_age_of_a_foreign_order_is_not_forgotten_while_its_level_is_quarantined() {
    let (world, bot, typed) = too_old();
    fill_part(&world, typed, "50");
    world.quiet();
    let foreign = Some(QuarantineReason::ForeignOrder);
    assert_eq!(quarantined_for(&world, &bot), foreign, "its report came");
    assert_eq!(world.level(&bot, 0).base.to_string(), "99.9");
    released(&world, &bot);
    world.advance(LEASE);
    run_often(&world, &bot);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    assert_eq!(order(&world, &bot, 0).no.0, 3);
    assert_eq!(world.open_order_ids(XRP), [own(&world, &bot)]);
}

#[test]
fn what_an_order_without_a_price_trades_is_never_booked_as_the_levels_own() {
    let (world, _, typed) = foreign();
    fill_part(&world, typed, "50");
    let mut report = world.reports().pop().unwrap();
    report.order_price = None;
    report.order_quantity = simulation::quantity("50");
    let outcome = world.handle(&report).unwrap().outcome;
    assert_eq!(outcome, Outcome::NotOurs(NotOurs::OtherPrice));
}

#[test]
fn a_foreign_order_that_has_ended_is_told_as_it_ended_and_not_cancelled() {
    let (world, bot, typed) = foreign();
    world.set_stream(false);
    fill_part(&world, typed, "200");
    world.desire(&bot, DesiredStatus::Stopped);
    world.advance(LEASE);
    world.gate.forget();
    world.recover(&bot);
    assert_eq!(world.gate.count("cancel"), 0);
    assert_eq!(world.state(&bot, 0), OrderState::Idle);
    let text = told_of_release(&world);
    let ended = format!("exchange order {typed} was filled whole, 200 XRP executed");
    assert!(text.contains(&ended), "{text}");
    assert_eq!(world.level(&bot, 0).base.to_string(), "99.9");
}

#[test]
fn a_foreign_order_is_never_booked_as_the_levels_own() {
    for stream in [true, false] {
        let (world, bot, typed) = foreign();
        world.set_stream(stream);
        fill_part(&world, typed, "50");
        world.quiet();
        let recovered = world.recover(&bot);
        let told = recovered.problems.iter();
        assert!(told.clone().any(|text| text.contains("quarantined")));
        assert_eq!(world.level(&bot, 0).base.to_string(), "99.9");
        assert_eq!(
            quarantined_for(&world, &bot),
            Some(QuarantineReason::ForeignOrder)
        );
    }
}

#[test]
fn a_disagreement_is_told_once() {
    let (world, bot) = one_level();
    fill(&world, &order(&world, &bot, 0), 1, Some("40"));
    let mut report = world.reports().remove(0);
    assert_eq!(world.handle(&report).unwrap().outcome, Outcome::Booked);
    report.cumulative = simulation::quantity("10");
    report.status = OrderStatus::Canceled;
    report.trades.clear();
    for _ in 0..2 {
        let handled = world.handle(&report).unwrap();
        assert_eq!(handled.outcome, Outcome::Quarantined);
        assert_eq!(
            quarantined_for(&world, &bot),
            Some(QuarantineReason::TradesDisagree)
        );
        let story = world.store.story_now();
        let told = |event: &&EventRecord| event.kind == EventKind::Quarantined;
        let told: Vec<&EventRecord> = story.iter().filter(told).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].text.contains("10 executed"), "{:?}", told[0]);
    }
}

/// Lets an order with a number that was never given out trade, and its report be handled.
fn number_ahead(world: &World, no: u32) {
    let id = format!("gk-demo-0-{no}");
    let typed = by_hand(world, ModelSide::Buy, ("3.10", "30"), &id);
    fill_part(world, typed, "30");
    for report in world.reports() {
        let outcome = world.handle(&report).unwrap().outcome;
        assert_eq!(outcome, Outcome::Quarantined);
    }
}

#[test]
fn a_number_ahead_leaves_an_open_order_alone_and_is_never_given_out() {
    let (world, bot) = one_level();
    number_ahead(&world, 9);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
    let recovered = world.recover(&bot);
    let mut told = recovered.problems.iter();
    assert!(
        told.any(|text| text.contains("number 9")),
        "{:?}",
        recovered.problems
    );
    fill(&world, &order(&world, &bot, 0), 1, None);
    world.quiet();
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    assert_eq!(order(&world, &bot, 0).no.0, 10);
    let recovered = world.recover(&bot);
    assert_eq!(recovered.problems, Vec::<String>::new());
}

#[test]
fn a_number_ahead_leaves_an_order_on_its_way_and_its_lease_alone() {
    let (world, bot) = owing();
    world.exchange.script(Journey::reply_lost());
    let mut task = placing(&world, &bot);
    task.run_to("place");
    let before = order(&world, &bot, 0);
    assert!(matches!(before.state, OrderState::Pending { .. }));
    number_ahead(&world, 9);
    assert_eq!(order(&world, &bot, 0), before);
    task.finish();
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
}

#[test]
fn a_number_ahead_that_is_only_seen_in_the_list_of_open_orders_is_reported_too() {
    let (world, bot) = one_level();
    world.set_stream(false);
    by_hand(&world, ModelSide::Buy, ("3.10", "30"), "gk-demo-0-9");
    world.recover(&bot);
    let recovered = world.recover(&bot);
    let mut told = recovered.problems.iter();
    assert!(told.any(|text| text.contains("number 9")));
    assert_rests(&world, &bot, 0, Side::Buy, "100");
}

/// The operator releases the level.
fn release(world: &World, bot: &BotId) -> LevelRelease {
    let (account, at) = ("main".parse().unwrap(), LevelIndex(0));
    world
        .run(release_level(&world.store, &account, bot, at, world.now()))
        .unwrap()
}

#[test]
fn a_released_level_whose_order_cannot_be_found_goes_on_under_a_new_number() {
    let (world, bot) = vanished(false);
    assert_eq!(release(&world, &bot), LevelRelease::Asked);
    assert_eq!(release(&world, &bot), LevelRelease::AskedBefore);
    world.recover(&bot);
    let text = told_of_release(&world);
    assert!(text.contains("was cancelled, 0 XRP executed"), "{text}");
    world.exchange.set_lag(Duration::ZERO);
    run_often(&world, &bot);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
    assert_eq!(order(&world, &bot, 0).no.0, 2);
    assert_eq!(world.open_order_ids(XRP).len(), 1, "the first is cancelled");
    assert_eq!(release(&world, &bot), LevelRelease::NotQuarantined);
    world.heal(std::slice::from_ref(&bot), 3);
    world.assert_sound(&bot);
}

/// The detail of the order that waits after the released one.
fn waits_because(world: &World, bot: &BotId) -> String {
    let state = world.state(bot, 0);
    if let OrderState::Refused {
        why: RefusalReason::Backoff,
        detail,
        ..
    } = state
    {
        detail
    } else {
        format!("it does not wait: {state:?}")
    }
}

#[test]
fn an_order_that_waits_after_a_release_says_how_the_one_before_it_ended_or_that_nobody_knows() {
    let (world, bot) = vanished(false);
    released(&world, &bot);
    world.recover(&bot);
    assert_eq!(
        waits_because(&world, &bot),
        "order number 1 was cancelled with 0 executed"
    );
    // Filled, and no look-up shows it.
    let (world, bot) = vanished(true);
    released(&world, &bot);
    world.recover(&bot);
    let unseen = format!("order number 1 {NOT_FOUND}");
    assert_eq!(waits_because(&world, &bot), unseen);
}

/// Both have read the released level; the one that is late finds the level's next order in its place.
#[test]
fn a_release_that_two_runs_meet_leads_to_one_order() {
    let (world, bot) = vanished(false);
    released(&world, &bot);
    world.exchange.set_lag(Duration::ZERO);
    let mut late = Task::new(&world, recover_bot(world.ports(), &bot));
    late.run_to("cancel");
    run_often(&world, &bot);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
    let before = world.level(&bot, 0);
    late.finish().unwrap();
    assert_eq!(world.level(&bot, 0), before);
    assert_eq!(world.open_order_ids(XRP), [own(&world, &bot)]);
    world.assert_sound(&bot);
}

#[test]
fn a_released_level_books_what_its_own_order_executed() {
    let (world, bot) = vanished(true);
    assert_eq!(release(&world, &bot), LevelRelease::Asked);
    world.exchange.set_lag(Duration::ZERO);
    run_often(&world, &bot);
    let text = told_of_release(&world);
    assert!(text.contains("100 XRP executed"), "{text}");
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    world.assert_sound(&bot);
}

#[test]
fn a_released_level_goes_on_beside_a_foreign_order_once_its_own_can_no_longer_arrive() {
    let (world, bot, _) = foreign();
    assert_eq!(release(&world, &bot), LevelRelease::Asked);
    world.recover(&bot);
    assert_eq!(
        quarantined_for(&world, &bot),
        Some(QuarantineReason::Released),
        "its own request may still be on its way"
    );
    world.advance(LEASE);
    run_often(&world, &bot);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    assert_eq!(order(&world, &bot, 0).no.0, 3);
    assert_eq!(
        world.open_order_ids(XRP).len(),
        1,
        "the foreign one is cancelled"
    );
}

#[test]
fn a_level_released_after_a_number_ahead_goes_on_above_it() {
    let (world, bot) = one_level();
    world.desire(&bot, DesiredStatus::Paused);
    world.print(XRP, "3.10");
    world.quiet();
    world.print(XRP, "3.12");
    number_ahead(&world, 7);
    assert_eq!(
        quarantined_for(&world, &bot),
        Some(QuarantineReason::NumberAhead)
    );
    world.desire(&bot, DesiredStatus::Running);
    run_often(&world, &bot);
    assert_eq!(
        quarantined_for(&world, &bot),
        Some(QuarantineReason::NumberAhead)
    );
    assert_eq!(release(&world, &bot), LevelRelease::Asked);
    world.advance(LEASE);
    run_often(&world, &bot);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    assert_eq!(order(&world, &bot, 0).no.0, 8);
}

#[test]
fn a_level_at_rest_that_met_a_number_ahead_says_so_when_its_bot_starts_again() {
    let (world, bot) = one_level();
    stop(&world, &bot);
    run_often(&world, &bot);
    assert_eq!(world.state(&bot, 0), OrderState::Idle);
    number_ahead(&world, 7);
    world.desire(&bot, DesiredStatus::Running);
    let problems = world.recover(&bot).problems;
    let told = |text: &String| text.starts_with("level 0: quarantined: ");
    assert!(problems.iter().any(told), "{problems:?}");
    assert_eq!(
        quarantined_for(&world, &bot),
        Some(QuarantineReason::NumberAhead)
    );
}

#[test]
fn a_level_released_while_its_bot_is_paused_sends_nothing() {
    let (world, bot) = vanished(true);
    world.desire(&bot, DesiredStatus::Paused);
    assert_eq!(release(&world, &bot), LevelRelease::Asked);
    world.exchange.set_lag(Duration::ZERO);
    let before = accepted(&world);
    run_often(&world, &bot);
    assert_eq!(accepted(&world), before);
    assert!(matches!(world.state(&bot, 0), OrderState::Held { .. }));
    world.assert_sound(&bot);
}

/// The exchange has started its ids anew, as a test network does when it is reset: the level's order is
/// gone, and somebody else's stands under its exchange id.
fn reset(side: ModelSide, at: (&str, &str), client_id: &str) -> (World, BotId, u64) {
    let (world, bot) = one_level();
    world.set_stream(false);
    let gone = own(&world, &bot);
    let cancelled = world
        .exchange
        .with_model(|model, now| model.cancel_from_outside(now, XRP, gone));
    cancelled.unwrap();
    let anothers = by_hand(&world, side, at, client_id);
    let mut level = world.level(&bot, 0);
    let before = level.version;
    level.version += 1;
    level.order.as_mut().unwrap().exchange_order_id =
        Some(ExchangeOrderId(anothers.try_into().unwrap()));
    let claimed = world.run(world.store.claim_intent(before, &level)).unwrap();
    assert_eq!(claimed, Claim::Won);
    world.advance(LEASE);
    (world, bot, anothers)
}

const ANOTHERS: [(ModelSide, (&str, &str), &str); 4] = [
    (ModelSide::Sell, ("3.16", "100"), "by-hand"),
    (ModelSide::Buy, ("3.05", "100"), "by-hand"),
    (ModelSide::Buy, ("3.10", "100"), "gk-other-0-1"),
    (ModelSide::Buy, ("3.10", "100"), "gk-demo-7-1"),
];

#[test]
fn an_order_of_somebody_else_under_a_known_exchange_id_is_never_taken_for_the_levels_own() {
    for (side, at, client_id) in ANOTHERS {
        let (world, bot, anothers) = reset(side, at, client_id);
        run_often(&world, &bot);
        let vanished = Some(QuarantineReason::OrderVanished);
        assert_eq!(
            quarantined_for(&world, &bot),
            vanished,
            "{client_id} {at:?}"
        );
        assert_eq!(world.open_order_ids(XRP), [anothers]);
    }
}

#[test]
fn neither_a_release_nor_a_stop_takes_down_an_order_of_somebody_else() {
    for (side, at, client_id) in ANOTHERS {
        let (world, bot, anothers) = reset(side, at, client_id);
        run_often(&world, &bot);
        assert_eq!(release(&world, &bot), LevelRelease::Asked);
        run_often(&world, &bot);
        assert_rests(&world, &bot, 0, Side::Buy, "100");
        assert_eq!(order(&world, &bot, 0).no.0, 2);
        assert!(world.open_order_ids(XRP).contains(&anothers), "{client_id}");

        let (world, bot, anothers) = reset(side, at, client_id);
        world.desire(&bot, DesiredStatus::Stopped);
        run_often(&world, &bot);
        assert_eq!(world.store.bot_now(&bot).observed, ObservedStatus::Stopped);
        assert_eq!(world.open_order_ids(XRP), [anothers], "{client_id}");
    }
}

#[test]
fn an_order_whose_client_id_was_changed_by_hand_is_the_levels_own_still() {
    let (world, bot, own) = reset(ModelSide::Buy, ("3.10", "90"), "by-hand");
    run_often(&world, &bot);
    assert_rests(&world, &bot, 0, Side::Buy, "90");
    world.desire(&bot, DesiredStatus::Stopped);
    run_often(&world, &bot);
    assert!(!world.open_order_ids(XRP).contains(&own));
}
