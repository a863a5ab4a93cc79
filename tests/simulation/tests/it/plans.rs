//! What a plan may ask for beside its lines: reinvested profit, and orders that never take.

use std::time::Duration;

use domain::{BotId, OrderState, RefusalReason, Side};
use exchange_simulator::model::OrderType;
use simulation::audit::Past;
use simulation::{BotSpec, World, bot_id, rung, xrp_rules};
use trading::REFUSAL_PAUSE;

use crate::{XRP, assert_rests, order};

fn world(last_price: &str, change: impl FnOnce(&mut BotSpec)) -> (World, BotId) {
    let world = World::empty();
    world.list(xrp_rules(), last_price);
    world.open_account("main", &[("XRP", "1000000"), ("USDT", "1000000")]);
    let mut spec = BotSpec::demo(vec![rung("3.00", "3.30", "100")]);
    change(&mut spec);
    world.create_bot(&spec);
    let bot = bot_id("demo");
    world.lay(&bot);
    (world, bot)
}

#[test]
fn a_compounding_level_buys_with_what_it_has_earned() {
    let (world, bot) = world("3.12", |spec| spec.compounding = true);
    // 99.9 bought for 300 and sold for 329.67 less 0.32967 earn 29.34033, which buy 9.7 more at 3.
    // 109.5 of the next 109.5903 bought for 329.1 earn 32.15..., which makes 61.50: 20.5 more.
    for bought in ["100", "109.7", "120.5"] {
        assert_rests(&world, &bot, 0, Side::Buy, bought);
        world.print(XRP, "3.00");
        world.quiet();
        assert_eq!(order(&world, &bot, 0).intent.side, Side::Sell);
        world.print(XRP, "3.30");
        world.quiet();
        world.assert_sound(&bot);
    }
}

/// The audit allows a compounding level what it has earned, and nothing more.
#[test]
fn the_audit_sees_a_compounding_level_that_buys_more_than_it_earned() {
    let (world, bot) = world("3.12", |spec| spec.compounding = true);
    world.print(XRP, "3.00");
    world.quiet();
    world.print(XRP, "3.30");
    world.quiet();
    assert_rests(&world, &bot, 0, Side::Buy, "109.7");
    world.print(XRP, "3.00");
    world.quiet();
    world.assert_sound(&bot);
    world
        .store
        .change_bot(&bot, |bot| bot.plan.compounding = false);
    let found = simulation::audit::findings(&world, &bot);
    assert_eq!(found.len(), 1, "{found:?}");
}

fn types(world: &World, bot: &BotId) -> Vec<OrderType> {
    let past = Past::of_bot(world, bot);
    let orders = past.levels.values().flatten();
    orders.map(|order| order.order_type).collect()
}

#[test]
fn a_post_only_order_that_would_take_is_tried_again_until_it_rests() {
    let (world, bot) = world("3.12", |spec| spec.post_only = true);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
    world.print(XRP, "3.00");
    world.print(XRP, "3.40");
    world.quiet();
    for tries in 1..4 {
        let state = world.state(&bot, 0);
        let would_take = matches!(
            state,
            OrderState::Refused {
                why: RefusalReason::WouldTake,
                ..
            }
        );
        assert!(would_take, "{state:?}");
        let refused = world.exchange.with_model(|model, _| model.counts().refused);
        assert_eq!(refused, tries);
        world.advance(REFUSAL_PAUSE);
        world.recover(&bot);
        world.quiet();
    }
    world.print(XRP, "3.20");
    world.advance(REFUSAL_PAUSE);
    world.recover(&bot);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    world.print(XRP, "3.30");
    world.quiet();
    world.advance(Duration::from_secs(20));
    world.recover(&bot);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
    world.assert_sound(&bot);
    assert_eq!(types(&world, &bot), [OrderType::LimitMaker; 3]);
}

/// It is to trade at once, which a post-only order never does.
#[test]
fn a_first_purchase_is_never_post_only() {
    let (world, bot) = world("2.90", |spec| spec.post_only = true);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    let expected = [OrderType::Limit, OrderType::LimitMaker];
    assert_eq!(types(&world, &bot), expected);
    world.assert_sound(&bot);
}
