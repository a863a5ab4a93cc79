//! Placements that arrive late, twice, never, or under somebody else's hands.

use std::time::Duration;

use domain::{
    BotId, DesiredStatus, ExchangeTime, LocalTime, OrderState, QuarantineReason, RefusalReason,
    Side,
};
use exchange_simulator::model::{NewOrder, Reject, Side as ModelSide};
use simulation::{Answered, Journey, Task, World, decimal};
use trading::{
    Admission, EventKind, LEASE, Outcome, PlaceMode, Placing, RECV_WINDOW, Troubled, UnknownCause,
    place_intent,
};

use crate::{XRP, assert_rests, one_level, order};

/// The level has bought and owes its SELL, which nobody has sent yet.
pub(crate) fn owing() -> (World, BotId) {
    let (world, bot) = one_level();
    world.desire(&bot, DesiredStatus::Paused);
    world.print(XRP, "3.10");
    world.quiet();
    world.desire(&bot, DesiredStatus::Running);
    world.print(XRP, "3.12");
    (world, bot)
}

pub(crate) fn placing<'w>(world: &'w World, bot: &BotId) -> Task<'w, Placing> {
    let bot = bot.clone();
    Task::new(world, async move {
        let account = "main".parse().unwrap();
        let level = domain::LevelIndex(0);
        place_intent(world.ports(), &account, &bot, level, PlaceMode::Send)
            .await
            .unwrap()
    })
}

pub(crate) fn sends(world: &World) -> u64 {
    world.gate.count("place")
}

pub(crate) fn healed(world: &World, bot: &BotId) {
    world.heal(std::slice::from_ref(bot), 6);
    world.assert_sound(bot);
    assert_rests(world, bot, 0, Side::Sell, "99.9");
}

#[test]
fn a_pending_order_is_left_alone_while_its_lease_lives_and_taken_over_after() {
    for journey in [
        Journey::reply_lost(),
        Journey::request_lost(),
        Journey::silence(),
    ] {
        let (world, bot) = owing();
        world.exchange.script(journey);
        // No look-up sees the order.
        world.exchange.set_lag(Duration::from_secs(3_600));
        let placed = placing(&world, &bot).finish();
        assert!(matches!(placed, Placing::Unknown(_)), "{placed:?}");
        world.exchange.set_lag(Duration::ZERO);
        world.gate.forget();
        let OrderState::Pending { lease } = world.state(&bot, 0) else {
            panic!("{:?}", world.state(&bot, 0));
        };
        let left = lease
            .until
            .since(ExchangeTime::from_millis(world.now().as_millis()));
        world.advance(left - Duration::from_millis(1));
        assert_eq!(placing(&world, &bot).finish(), Placing::Leased(lease.until));
        world.recover(&bot);
        assert_eq!(sends(&world), 0);
        world.advance(Duration::from_millis(1));
        assert_eq!(placing(&world, &bot).finish(), Placing::Accepted);
        healed(&world, &bot);
    }
}

#[test]
fn a_refusal_of_the_first_attempt_arrives_after_the_second_was_accepted() {
    let (world, bot) = owing();
    let refused = Journey::refused(Reject::insufficient_balance());
    world.exchange.script(Journey {
        back: Duration::from_secs(11),
        to_door: Duration::ZERO,
        ..refused
    });
    // The first sender is so slow to look at the answer that its lease ends meanwhile.
    let mut first = placing(&world, &bot);
    first.run_to("place");
    world.advance(LEASE + Duration::from_secs(1));
    assert_eq!(placing(&world, &bot).finish(), Placing::Accepted);
    let accepted = world.level(&bot, 0);
    assert_eq!(
        first.finish(),
        Placing::Refused(RefusalReason::InsufficientBalance)
    );
    assert_eq!(
        world.level(&bot, 0),
        accepted,
        "only its own attempt is refused"
    );
    healed(&world, &bot);
}

#[test]
fn a_request_that_missed_its_window_is_signed_anew_by_its_owner() {
    for late in [
        Journey::late(RECV_WINDOW + Duration::from_millis(1)),
        Journey::held(RECV_WINDOW + Duration::from_millis(1)),
    ] {
        let (world, bot) = owing();
        world.gate.forget();
        world.exchange.script(late);
        assert_eq!(placing(&world, &bot).finish(), Placing::Accepted);
        assert_eq!(sends(&world), 2);
        assert_eq!(
            order(&world, &bot, 0).no.0,
            2,
            "the same intent under the same id"
        );
        healed(&world, &bot);
    }
}

#[test]
fn an_attempt_without_a_known_end_counts_as_unknown_from_the_end_of_its_lease() {
    let (world, bot) = owing();
    world.exchange.script(Journey::request_lost());
    assert!(matches!(
        placing(&world, &bot).finish(),
        Placing::Unknown(_)
    ));
    assert_eq!(
        world.recover(&bot).troubled,
        Troubled::default(),
        "its owner may still find out"
    );
    world.advance(LEASE);
    let unknown = Troubled {
        unknown: 1,
        ..Troubled::default()
    };
    assert_eq!(world.recover(&bot).troubled, unknown);
    assert_eq!(world.recover(&bot).troubled, Troubled::default());
    healed(&world, &bot);
}

#[test]
fn a_request_at_the_very_end_of_its_window_is_one_order() {
    let (world, bot) = owing();
    world.gate.forget();
    world.exchange.script(Journey {
        to_engine: RECV_WINDOW,
        inside: Duration::from_secs(9),
        ..Journey::default()
    });
    // Its client has long given up and another process takes over as soon as the lease is over.
    let mut first = placing(&world, &bot);
    first.run_to("place");
    world.exchange.set_lag(Duration::from_secs(10));
    drop(first);
    world.advance(LEASE);
    assert_eq!(placing(&world, &bot).finish(), Placing::Accepted);
    assert_eq!(
        sends(&world),
        1,
        "the first attempt's order is found and adopted"
    );
    healed(&world, &bot);
}

#[test]
fn a_missed_window_met_by_another_claimer() {
    let (world, bot) = owing();
    world.exchange.script(Journey {
        back: Duration::from_secs(60),
        ..Journey::late(RECV_WINDOW + Duration::from_millis(1))
    });
    let mut first = placing(&world, &bot);
    first.run_to("place");
    world.advance(LEASE);
    // The claimer's own request misses its window too; it signs anew, the first owner must not.
    world
        .exchange
        .script(Journey::held(RECV_WINDOW + Duration::from_millis(1)));
    assert_eq!(placing(&world, &bot).finish(), Placing::Accepted);
    world.gate.forget();
    first.finish();
    assert_eq!(sends(&world), 0);
    healed(&world, &bot);
}

#[test]
fn a_missed_window_learnt_after_somebody_else_took_over() {
    let (world, bot) = owing();
    world
        .exchange
        .script(Journey::late(RECV_WINDOW + Duration::from_millis(1)));
    let mut first = placing(&world, &bot);
    first.run_to("place");
    // The answer is there after 3 s, but this process sleeps until long after its lease.
    world.advance(LEASE);
    let mut second = placing(&world, &bot);
    second.run_to("claim_intent");
    world.gate.forget();
    assert_eq!(first.finish(), Placing::MovedOn);
    assert_eq!(sends(&world), 0, "it no longer owns the intent");
    assert_eq!(second.finish(), Placing::Accepted);
    healed(&world, &bot);
}

#[test]
fn a_clock_that_is_wrong_either_way_never_doubles_an_order() {
    for error in [
        -10_000, -3_001, -3_000, -2_000, 900, 999, 1_000, 5_000, 60_000,
    ] {
        let (world, bot) = owing();
        world.exchange.set_clock(250, error);
        placing(&world, &bot).finish();
        world.advance(Duration::from_secs(120));
        world.exchange.set_clock(250, 0);
        world.heal(std::slice::from_ref(&bot), 12);
        healed(&world, &bot);
    }
}

#[test]
fn a_query_that_finds_the_id_at_another_price_quarantines_the_level() {
    let (world, bot) = owing();
    world.exchange.script(Journey::request_lost());
    let mut task = placing(&world, &bot);
    task.run_to("place");
    let foreign = NewOrder::limit(
        XRP,
        ModelSide::Sell,
        decimal("3.25"),
        decimal("99.9"),
        "gk-demo-0-2",
    );
    world
        .exchange
        .with_model(|model, now| model.place(now, "main", foreign))
        .unwrap();
    assert_eq!(task.finish(), Placing::Quarantined);
    let OrderState::Quarantined { why, evidence } = world.state(&bot, 0) else {
        panic!("{:?}", world.state(&bot, 0));
    };
    assert_eq!(why, QuarantineReason::ForeignOrder);
    assert!(evidence.contains("3.25"), "{evidence}");
    world.gate.forget();
    let recovered = world.recover(&bot);
    assert!(
        recovered
            .problems
            .iter()
            .any(|problem| problem.contains("quarantined"))
    );
    assert_eq!(
        sends(&world),
        0,
        "only the operator can say whose order that is"
    );
}

#[test]
fn an_order_amended_by_hand_before_its_acceptance_was_known_is_adopted() {
    let (world, bot) = owing();
    world.exchange.script(Journey::reply_lost());
    let mut task = placing(&world, &bot);
    task.run_to("place");
    let id = world.open_order_ids(XRP)[0];
    world
        .exchange
        .with_model(|model, now| model.amend(now, (XRP, id), decimal("60"), Some("gk-demo-0-2")))
        .unwrap();
    assert_eq!(task.finish(), Placing::Accepted);
    world.heal(std::slice::from_ref(&bot), 4);
    assert_rests(&world, &bot, 0, Side::Sell, "60");
    world.print(XRP, "3.15");
    world.heal(std::slice::from_ref(&bot), 4);
    assert_rests(&world, &bot, 0, Side::Sell, "39.9");
    world.assert_sound(&bot);
}

#[test]
fn an_unclear_answer_is_looked_up_at_once() {
    for (cause, happened) in [
        (UnknownCause::Server, "met a fault of the exchange's server"),
        (UnknownCause::Timeout, "got no answer in time"),
        (
            UnknownCause::Connection,
            "lost its connection to the exchange",
        ),
        (
            UnknownCause::Unreadable,
            "got an answer that cannot be read",
        ),
    ] {
        let (world, bot) = owing();
        world.exchange.script(Journey {
            answered: Answered::Unclear(cause),
            ..Journey::default()
        });
        assert_eq!(placing(&world, &bot).finish(), Placing::Accepted);
        let story = world.store.story_now();
        assert!(story.iter().any(|event| event.kind == EventKind::Adopted));
        let unknown = story
            .iter()
            .filter(|event| event.kind == EventKind::Unknown);
        let told: Vec<&str> = unknown.map(|event| event.text.as_str()).collect();
        let expected = format!(
            "attempt 1 {happened}, so its order counts as possibly placed and is looked for"
        );
        assert_eq!(told, [expected]);
        healed(&world, &bot);
    }
}

#[test]
fn no_room_under_our_own_limits_is_waited_for() {
    let (world, bot) = owing();
    let at = LocalTime::from_millis(world.now().as_millis() + 5_000);
    world.exchange.set_admission(Admission::NotBefore(at));
    world.gate.forget();
    assert_eq!(placing(&world, &bot).finish(), Placing::Held);
    assert_eq!(sends(&world), 0);
    assert!(matches!(
        world.state(&bot, 0),
        OrderState::Refused {
            why: RefusalReason::RateLimited,
            ..
        }
    ));
    world.exchange.set_admission(Admission::Now);
    healed(&world, &bot);
}

#[test]
fn a_late_fill_of_a_passed_order_is_booked_and_sold_with_the_rest() {
    // Look-ups that lag longer than any document says: the order exists and nobody sees it.
    let (world, bot) = one_level();
    world.print(XRP, "3.10");
    world.quiet();
    world.exchange.script(Journey::reply_lost());
    world.print(XRP, "3.15");
    world.listen();
    let mut task = Task::new(
        &world,
        world.process(world.queue.receive().unwrap().message()),
    );
    task.run_to("place");
    world.exchange.set_lag(Duration::from_secs(3_600));
    task.finish();
    // The BUY no 3 was accepted unseen; paused, its fate is asked for and not found.
    world.advance(LEASE);
    world.desire(&bot, DesiredStatus::Paused);
    world.recover(&bot);
    assert!(
        matches!(world.state(&bot, 0), OrderState::Held { .. }),
        "{:?}",
        world.state(&bot, 0)
    );
    world.desire(&bot, DesiredStatus::Running);
    world.recover(&bot);
    let current = order(&world, &bot, 0);
    assert_eq!(
        (current.no.0, current.state),
        (4, OrderState::Open),
        "a new number"
    );
    // Both BUYs fill. The passed one is booked beside, and one SELL takes everything.
    world.exchange.set_lag(Duration::ZERO);
    world.print(XRP, "3.10");
    world.quiet();
    assert_eq!(world.tallied().get("report BookedAside"), Some(&1));
    let level = world.level(&bot, 0);
    assert_eq!(level.base.to_string(), "199.8");
    assert!(
        world
            .store
            .story_now()
            .iter()
            .any(|event| event.kind == EventKind::LateFill)
    );
}

#[test]
fn an_order_that_surfaces_after_every_bound_is_taken_down() {
    for (desired, filled) in [
        (DesiredStatus::Paused, None),
        (DesiredStatus::Stopped, None),
        (DesiredStatus::Stopped, Some("50")),
    ] {
        let (world, bot) = owing();
        world.set_stream(false);
        world.exchange.script(Journey::reply_lost());
        world.exchange.set_lag(Duration::from_secs(3_600));
        placing(&world, &bot).finish();
        world.advance(LEASE);
        world.desire(&bot, desired);
        // Its fate is asked for twice, and it is not found: held, or put to rest.
        world.recover(&bot);
        world.recover(&bot);
        let id = world.open_order_ids(XRP)[0];
        if let Some(part) = filled {
            world
                .exchange
                .with_model(|model, now| model.fill_order(now, (XRP, id), 1, Some(decimal(part))))
                .unwrap();
        }
        world.exchange.set_lag(Duration::ZERO);
        world.advance(Duration::from_secs(10));
        let recovered = world.recover(&bot);
        assert!(
            recovered
                .problems
                .iter()
                .any(|problem| problem.contains("beside the level's own")),
            "{:?}",
            recovered.problems
        );
        assert_eq!(
            world.open_order_ids(XRP).len(),
            0,
            "nothing unknown stays open"
        );
        if desired == DesiredStatus::Paused {
            let given_up = world.level(&bot, 0).last_given_up();
            assert_eq!(given_up, None, "how it ended is known now");
        }
        world.assert_sound(&bot);
        world.desire(&bot, DesiredStatus::Running);
        world.heal(std::slice::from_ref(&bot), 4);
        let rest = if filled.is_some() { "49.9" } else { "99.9" };
        assert_rests(&world, &bot, 0, Side::Sell, rest);
        world.assert_sound(&bot);
    }
}

#[test]
fn a_second_order_under_one_id_is_booked_reported_and_cancelled() {
    let (world, bot) = one_level();
    // Somebody repeats our order by hand after it was partly filled and cancelled.
    let ours = order(&world, &bot, 0);
    crate::fill(&world, &ours, 1, Some("50"));
    let id = u64::try_from(ours.exchange_order_id.unwrap().0).unwrap();
    let reports = world.reports();
    world
        .exchange
        .with_model(|model, now| model.cancel_from_outside(now, XRP, id))
        .unwrap();
    world.set_stream(false);
    let twin = NewOrder::limit(
        XRP,
        ModelSide::Buy,
        decimal("3.10"),
        decimal("100"),
        "gk-demo-0-1",
    );
    let twin = world
        .exchange
        .with_model(|model, now| model.place(now, "main", twin))
        .unwrap();
    world.set_stream(true);
    world
        .exchange
        .with_model(|model, now| {
            model.fill_order(now, (XRP, twin.order.order_id), 1, Some(decimal("30")))
        })
        .unwrap();
    let of_twin = world.reports();
    world.handle(&reports[0]).unwrap();
    assert_eq!(
        world.handle(&of_twin[0]).unwrap().outcome,
        Outcome::BookedAside
    );
    assert_eq!(world.open_order_ids(XRP).len(), 0, "it is cancelled");
    let level = world.level(&bot, 0);
    assert_eq!(level.base.to_string(), "79.92");
    assert!(
        world
            .store
            .story_now()
            .iter()
            .any(|event| event.kind == EventKind::SecondOrder)
    );
    // One that has ended is not cancelled again.
    world.set_stream(true);
    let again = NewOrder::limit(
        XRP,
        ModelSide::Buy,
        decimal("3.10"),
        decimal("20"),
        "gk-demo-0-1",
    );
    let again = world
        .exchange
        .with_model(|model, now| model.place(now, "main", again))
        .unwrap();
    let id = again.order.order_id;
    world
        .exchange
        .with_model(|model, now| model.fill_order(now, (XRP, id), 1, None))
        .unwrap();
    world.gate.forget();
    let told = world.reports();
    let last = told.last().unwrap();
    assert_eq!(world.handle(last).unwrap().outcome, Outcome::BookedAside);
    assert_eq!(world.gate.count("cancel"), 0);
}

/// The first attempt is signed with a clock 60 s ahead and refused for it; the clock is set right,
/// the second attempt is accepted, and its reply is lost.
fn accepted_by_the_second_attempt() -> (World, BotId, Vec<domain::Execution>) {
    let (world, bot) = owing();
    world.exchange.set_clock(250, 60_000);
    world.exchange.script(Journey::default());
    world.exchange.script(Journey::reply_lost());
    let mut task = placing(&world, &bot);
    task.run_to("claim_intent");
    world.exchange.set_clock(250, 0);
    task.run_to("settle_intent");
    task.run_to("place");
    // The order fills before anybody knows that it was accepted.
    world.exchange.set_lag(Duration::from_secs(3_600));
    task.finish();
    world.print(XRP, "3.15");
    let told = world.reports();
    assert!(matches!(world.state(&bot, 0), OrderState::Pending { .. }));
    (world, bot, told)
}

#[test]
fn an_order_of_a_second_attempt_is_ours_though_the_first_was_signed_ahead_of_time() {
    let (world, bot, _) = accepted_by_the_second_attempt();
    world.exchange.set_lag(Duration::ZERO);
    world.advance(LEASE);
    assert_eq!(placing(&world, &bot).finish(), Placing::Accepted);
    world.heal(std::slice::from_ref(&bot), 6);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
    world.assert_sound(&bot);
}

#[test]
fn a_fill_of_a_second_attempt_is_ours_though_the_first_was_signed_ahead_of_time() {
    let (world, bot, told) = accepted_by_the_second_attempt();
    for report in &told {
        let handled = world.handle(report).unwrap();
        assert_eq!(handled.outcome, Outcome::Booked, "{report:?}");
    }
    assert!(!told.is_empty());
    world.heal(std::slice::from_ref(&bot), 6);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
    world.assert_sound(&bot);
}

#[test]
fn what_an_order_has_executed_before_it_is_found_is_booked_without_the_stream() {
    let (world, bot) = owing();
    world.set_stream(false);
    world.exchange.script(Journey::reply_lost());
    world.exchange.set_lag(Duration::from_secs(3_600));
    assert!(matches!(
        placing(&world, &bot).finish(),
        Placing::Unknown(_)
    ));
    world.exchange.set_lag(Duration::ZERO);
    let id = world.open_order_ids(XRP)[0];
    world
        .exchange
        .with_model(|model, now| model.fill_order(now, (XRP, id), 1, Some(decimal("40"))))
        .unwrap();
    world.advance(LEASE);
    assert_eq!(placing(&world, &bot).finish(), Placing::Accepted);
    world.quiet();
    let order = order(&world, &bot, 0);
    assert_eq!((order.no.0, order.executed.to_string().as_str()), (2, "40"));
}

/// The SELL that the level owes stands under its id before anybody has sent it.
pub(crate) fn ours_typed_by_hand(world: &World) {
    let old = NewOrder::limit(
        XRP,
        ModelSide::Sell,
        decimal("3.15"),
        decimal("99.9"),
        "gk-demo-0-2",
    );
    world
        .exchange
        .with_model(|model, now| model.place(now, "main", old))
        .unwrap();
}

#[test]
fn an_order_older_than_the_first_attempt_is_not_taken_for_its_own() {
    let (world, bot) = owing();
    ours_typed_by_hand(&world);
    world.advance(trading::ADOPT_TOLERANCE + Duration::from_millis(1));
    world.exchange.script(Journey::request_lost());
    assert_eq!(placing(&world, &bot).finish(), Placing::Quarantined);
    let OrderState::Quarantined { why, evidence } = world.state(&bot, 0) else {
        panic!("{:?}", world.state(&bot, 0));
    };
    assert_eq!(why, QuarantineReason::ForeignOrder);
    assert!(evidence.contains("was created at"), "{evidence}");
}

/// The clocks of the exchange's own parts may differ by so much.
#[test]
fn an_order_as_old_as_clocks_may_differ_is_adopted() {
    let (world, bot) = owing();
    ours_typed_by_hand(&world);
    world.advance(trading::ADOPT_TOLERANCE);
    world.exchange.script(Journey::request_lost());
    assert_eq!(placing(&world, &bot).finish(), Placing::Accepted);
    healed(&world, &bot);
}
