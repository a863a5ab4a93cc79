//! Orders that end or change by somebody else's hand.

use std::time::Duration;

use domain::{
    BotId, DesiredStatus, HoldReason, LevelIndex, LevelOrder, OrderState, RefusalReason, Side,
};
use exchange_simulator::model::{Exchange, StpMode};
use simulation::audit::Past;
use simulation::{BotSpec, Task, World, bot_id, decimal, rung, xrp_rules};
use trading::{EventKind, recover_bot};

use crate::{XRP, assert_rests, fill, one_level, order};

fn exchange_id(order: &LevelOrder) -> u64 {
    u64::try_from(order.exchange_order_id.unwrap().0).unwrap()
}

fn from_outside<T: std::fmt::Debug>(
    world: &World,
    order: &LevelOrder,
    act: impl FnOnce(&mut Exchange, i64, u64) -> T,
) -> T {
    let id = exchange_id(order);
    world.exchange.with_model(|model, now| act(model, now, id))
}

fn cancel_by_hand(world: &World, order: &LevelOrder) {
    from_outside(world, order, |model, now, id| {
        model.cancel_from_outside(now, XRP, id)
    })
    .unwrap();
}

fn healed(world: &World, bot: &BotId) {
    world.heal(std::slice::from_ref(bot), 4);
    world.assert_sound(bot);
}

#[test]
fn a_buy_cancelled_by_hand_after_a_partial_fill_sells_what_it_bought() {
    for reported in [true, false] {
        let (world, bot) = one_level();
        world.set_stream(reported);
        let buy = order(&world, &bot, 0);
        fill(&world, &buy, 2, Some("40"));
        cancel_by_hand(&world, &buy);
        healed(&world, &bot);
        // 40 less the fee of 0.04, floored to the step.
        assert_rests(&world, &bot, 0, Side::Sell, "39.9");
    }
}

#[test]
fn a_buy_cancelled_after_too_small_a_fill_buys_the_rest() {
    let (world, bot) = one_level();
    let buy = order(&world, &bot, 0);
    fill(&world, &buy, 1, Some("1"));
    cancel_by_hand(&world, &buy);
    healed(&world, &bot);
    assert_rests(&world, &bot, 0, Side::Buy, "99");
    world.print(XRP, "3.10");
    world.quiet();
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    world.assert_sound(&bot);
}

#[test]
fn a_sell_cancelled_by_hand_after_a_partial_fill_sells_the_rest() {
    let (world, bot) = one_level();
    world.print(XRP, "3.10");
    world.quiet();
    let sell = order(&world, &bot, 0);
    fill(&world, &sell, 1, Some("60"));
    cancel_by_hand(&world, &sell);
    world.quiet();
    assert!(matches!(
        world.state(&bot, 0),
        OrderState::Refused {
            why: RefusalReason::Backoff,
            ..
        }
    ));
    healed(&world, &bot);
    assert_rests(&world, &bot, 0, Side::Sell, "39.9");
    assert_eq!(world.level(&bot, 0).round_trips, 0);
    world.print(XRP, "3.15");
    world.quiet();
    assert_eq!(world.level(&bot, 0).round_trips, 1);
    world.assert_sound(&bot);
}

#[test]
fn the_cancel_arrives_before_the_fills_that_came_before_it() {
    let (world, bot) = one_level();
    let buy = order(&world, &bot, 0);
    fill(&world, &buy, 3, Some("60"));
    cancel_by_hand(&world, &buy);
    world.listen();
    world.queue.tamper(|waiting| waiting.reverse());
    healed(&world, &bot);
    assert_rests(&world, &bot, 0, Side::Sell, "59.9");
}

#[test]
fn an_order_amended_by_hand_is_followed_by_what_it_executed() {
    for id in [None, Some("gk-demo-0-1")] {
        let (world, bot) = one_level();
        let buy = order(&world, &bot, 0);
        from_outside(&world, &buy, |model, now, at| {
            model.amend(now, (XRP, at), decimal("60"), id).map(|_| ())
        })
        .unwrap();
        healed(&world, &bot);
        assert_eq!(order(&world, &bot, 0).intent.quantity.to_string(), "60");
        assert!(
            world
                .store
                .story_now()
                .iter()
                .any(|event| event.kind == EventKind::Amended)
        );
        world.print(XRP, "3.10");
        healed(&world, &bot);
        assert_rests(&world, &bot, 0, Side::Sell, "59.9");
    }
}

#[test]
fn an_order_that_recovery_asks_for_and_nobody_changed_is_not_told_as_amended() {
    let (world, bot) = one_level();
    world.set_stream(false);
    fill(&world, &order(&world, &bot, 0), 1, Some("40"));
    world.recover(&bot);
    let asked = order(&world, &bot, 0);
    assert_eq!(asked.executed.to_string(), "40");
    let story = world.store.story_now();
    let kinds: Vec<EventKind> = story.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Laid, EventKind::Recovered]);
}

#[test]
fn a_sell_amended_by_hand_leaves_a_rest_that_is_sold_too() {
    let (world, bot) = one_level();
    world.print(XRP, "3.10");
    world.quiet();
    let sell = order(&world, &bot, 0);
    from_outside(&world, &sell, |model, now, at| {
        model
            .amend(now, (XRP, at), decimal("60"), Some("gk-demo-0-2"))
            .map(|_| ())
    })
    .unwrap();
    world.print(XRP, "3.15");
    healed(&world, &bot);
    assert_rests(&world, &bot, 0, Side::Sell, "39.9");
    world.print(XRP, "3.15");
    healed(&world, &bot);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
    assert_eq!(world.level(&bot, 0).round_trips, 1);
}

#[test]
fn an_order_that_the_exchange_expires_again_and_again_is_placed_ever_more_slowly() {
    let (world, bot) = one_level();
    let mut pauses = Vec::new();
    for _ in 0..5 {
        let expired = order(&world, &bot, 0);
        from_outside(&world, &expired, |model, now, id| {
            model.expire(now, XRP, id)
        })
        .unwrap();
        world.quiet();
        let OrderState::Refused {
            why: RefusalReason::Backoff,
            retry_at,
            ..
        } = world.state(&bot, 0)
        else {
            panic!("{:?}", world.state(&bot, 0));
        };
        let pause = retry_at.since(world.now());
        pauses.push(pause.as_secs());
        world.recover(&bot);
        assert_ne!(
            world.state(&bot, 0),
            OrderState::Open,
            "not before its time"
        );
        world.advance(pause);
        world.recover(&bot);
        assert_eq!(world.state(&bot, 0), OrderState::Open);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16]);
    world.print(XRP, "3.10");
    healed(&world, &bot);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
}

/// The lines of the story about orders that ended early.
fn told_of_ends(world: &World) -> Vec<String> {
    let story = world.store.story_now();
    let ended = story.iter().filter(|event| event.kind == EventKind::Ended);
    ended
        .map(|event| format!("{}: {}", event.no.unwrap(), event.text))
        .collect()
}

#[test]
fn the_story_tells_once_who_ended_an_order_and_what_it_had_executed() {
    let (world, bot) = one_level();
    let cancelled = order(&world, &bot, 0);
    fill(&world, &cancelled, 2, Some("1"));
    cancel_by_hand(&world, &cancelled);
    world.listen();
    // Each report comes twice.
    for delivery in world.queue.waiting() {
        world.queue.put(&delivery.message());
    }
    healed(&world, &bot);
    let expired = order(&world, &bot, 0);
    from_outside(&world, &expired, |model, now, id| {
        model.expire(now, XRP, id)
    })
    .unwrap();
    healed(&world, &bot);
    world.print(XRP, "3.10");
    healed(&world, &bot);
    let id = |order: &LevelOrder| order.exchange_order_id.unwrap();
    assert_eq!(
        told_of_ends(&world),
        [
            format!(
                "1: exchange order {} was cancelled at the exchange with 1 XRP executed; order number 2 takes its \
                 place: BUY 99 XRP at 3.1 USDT",
                id(&cancelled)
            ),
            format!(
                "2: exchange order {} was ended by the exchange or its own rules with 0 XRP executed; order \
                 number 3 takes its place: BUY 99 XRP at 3.1 USDT",
                id(&expired)
            ),
        ]
    );
}

#[test]
fn what_recovery_cancels_or_finds_ended_is_told_as_recoverys() {
    let (world, bot) = one_level();
    world.set_stream(false);
    cancel_by_hand(&world, &order(&world, &bot, 0));
    healed(&world, &bot);
    world.set_stream(true);
    world.desire(&bot, DesiredStatus::Stopped);
    healed(&world, &bot);
    assert_eq!(told_of_ends(&world), [""; 0]);
    let kinds: Vec<EventKind> = world.store.story_now().iter().map(|e| e.kind).collect();
    assert!(kinds.contains(&EventKind::Recovered) && kinds.contains(&EventKind::Cancelled));
}

/// The level lies above the market, so its first BUY has a limit by the market of that moment. When it
/// ends without a trade, the next one has as well, instead of reaching up to the level's own price.
#[test]
fn a_first_purchase_cancelled_by_hand_is_priced_anew() {
    let bot = bot_id("demo");
    let world = World::demo("3.05", vec![rung("3.1064", "3.1537", "100")]);
    let mut laying = Task::new(&world, recover_bot(world.ports(), &bot));
    laying.run_to("claim_intent");
    world.print(XRP, "3.10");
    laying.finish().unwrap();
    world.quiet();
    let first = order(&world, &bot, 0);
    assert_eq!(first.state, OrderState::Open, "the market ran away from it");
    cancel_by_hand(&world, &first);
    world.quiet();
    world.print(XRP, "3.01");
    healed(&world, &bot);
    let past = &Past::of_bot(&world, &bot).levels[&LevelIndex(0)];
    let limits: Vec<String> = past.iter().map(|order| order.price.to_string()).collect();
    assert_eq!(limits, ["3.0654", "3.0252", "3.1537"]);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
}

#[test]
fn two_levels_of_ours_that_would_cross_never_trade_with_each_other() {
    let bot = bot_id("demo");
    let world = World::demo(
        "3.22",
        vec![rung("3.10", "3.15", "100"), rung("3.15", "3.20", "100")],
    );
    world.lay(&bot);
    world.print(XRP, "3.05");
    world.quiet();
    // Both hold base. The market jumps up with too little volume: the lower one's SELL at 3.15 is
    // half filled, the upper one's is filled, and its new BUY at 3.15 meets the other half.
    world
        .exchange
        .with_model(|model, now| model.print(now, XRP, (decimal("3.21"), decimal("50"))))
        .unwrap();
    fill(&world, &order(&world, &bot, 1), 1, None);
    world.quiet();
    assert!(matches!(
        world.state(&bot, 1),
        OrderState::Refused {
            why: RefusalReason::Backoff,
            ..
        }
    ));
    assert_eq!(world.state(&bot, 0), OrderState::Open);
    let told = told_of_ends(&world);
    assert!(told[0].contains("self-trade prevention"), "{told:?}");
    // Once the SELL is done, the BUY finds its place.
    fill(&world, &order(&world, &bot, 0), 1, None);
    world.print(XRP, "3.16");
    world.heal(std::slice::from_ref(&bot), 8);
    world.assert_sound(&bot);
    assert_rests(&world, &bot, 1, Side::Buy, "100");
}

/// Where the symbol has no EXPIRE_TAKER its own default holds, and the resting order is the one to go.
#[test]
fn where_takers_cannot_be_expired_our_resting_order_makes_way() {
    let bot = bot_id("demo");
    let world = World::empty();
    let mut rules = xrp_rules();
    rules
        .allowed_stp
        .retain(|mode| *mode != StpMode::ExpireTaker);
    assert_eq!(rules.default_stp, StpMode::ExpireMaker);
    world.list(rules, "3.22");
    world.open_account("main", &[("USDT", "100000")]);
    let rungs = vec![rung("3.10", "3.15", "100"), rung("3.15", "3.20", "100")];
    world.create_bot(&BotSpec::demo(rungs));
    world.lay(&bot);
    world.print(XRP, "3.05");
    world.quiet();
    // As above: the lower SELL at 3.15 is half filled when the upper level's BUY at 3.15 meets it.
    world
        .exchange
        .with_model(|model, now| model.print(now, XRP, (decimal("3.21"), decimal("50"))))
        .unwrap();
    fill(&world, &order(&world, &bot, 1), 1, None);
    world.quiet();
    assert_rests(&world, &bot, 1, Side::Buy, "100");
    let OrderState::Refused {
        why: RefusalReason::Backoff,
        detail,
        ..
    } = world.state(&bot, 0)
    else {
        panic!("{:?}", world.state(&bot, 0));
    };
    assert_eq!(detail, "self-trade prevention ended number 2, 50 executed");
    let told = told_of_ends(&world);
    assert!(told[0].contains("self-trade prevention"), "{told:?}");
    // Once the BUY is done, the rest of the SELL finds its place.
    world.print(XRP, "3.14");
    healed(&world, &bot);
    assert_rests(&world, &bot, 0, Side::Sell, "49.9");
    assert_rests(&world, &bot, 1, Side::Sell, "99.9");
}

#[test]
fn what_is_left_after_fees_and_below_the_minimum_is_held_with_the_amount_missing() {
    let bot = bot_id("demo");
    // 1.7 at 3.00 is 5.1; less the fee it is 1.6 at 3.05, which is 4.88 and below 5.
    let world = World::demo("3.12", vec![rung("3.00", "3.05", "1.7")]);
    world.lay(&bot);
    world.print(XRP, "3.00");
    world.heal(std::slice::from_ref(&bot), 3);
    let OrderState::Held {
        why: HoldReason::BelowMinimum { value, missing },
        ..
    } = world.state(&bot, 0)
    else {
        panic!("{:?}", world.state(&bot, 0));
    };
    assert_eq!(
        (value.to_string(), missing.to_string()),
        ("4.88".into(), "0.12".into())
    );
    assert_eq!(
        world.open_order_ids(XRP).len(),
        0,
        "buying more would not be its opposite"
    );
    world.assert_sound(&bot);
    // The exchange lowers its minimum: the level goes on by itself.
    world
        .exchange
        .with_model(|model, now| {
            let mut rules = model.rules_of(XRP).unwrap().clone();
            rules.min_notional = decimal("1");
            model.set_rules(now, rules)
        })
        .unwrap();
    world.advance(Duration::from_secs(601));
    world.heal(std::slice::from_ref(&bot), 2);
    assert_rests(&world, &bot, 0, Side::Sell, "1.6");
    world.assert_sound(&bot);
}
