//! Symbols whose rules or status change while their orders rest.

use std::time::Duration;

use domain::{BotId, FirstInventory, HoldReason, OrderState, RefusalReason, Side};
use exchange_simulator::model::{PriceBand, SymbolRules, SymbolStatus};
use rust_decimal::Decimal;
use simulation::{Task, World, bot_id, decimal, rung, xrp_rules};
use trading::{EventKind, LevelStore as _, recover_bot};

use crate::{XRP, assert_rests, one_level, order};

fn change_rules(world: &World, change: impl FnOnce(&mut SymbolRules)) {
    world.exchange.with_model(|model, now| {
        let mut rules = model.rules_of(XRP).unwrap().clone();
        change(&mut rules);
        model.set_rules(now, rules).unwrap();
    });
}

fn held(world: &World, bot: &BotId, level: u16) -> Option<HoldReason> {
    match world.state(bot, level) {
        OrderState::Held { why, .. } => Some(why),
        OrderState::Pending { .. }
        | OrderState::Open
        | OrderState::Refused { .. }
        | OrderState::Quarantined { .. }
        | OrderState::Idle => None,
    }
}

fn heal(world: &World, bot: &BotId, runs: u32) {
    world.heal(std::slice::from_ref(bot), runs);
    world.assert_sound(bot);
}

#[test]
fn a_symbol_halted_or_open_to_cancels_only_is_waited_for() {
    for status in [
        SymbolStatus::Halt,
        SymbolStatus::CancelOnly,
        SymbolStatus::Break,
    ] {
        let (world, bot) = one_level();
        world.print(XRP, "3.10");
        change_rules(&world, |rules| rules.status = status);
        world.quiet();
        assert!(matches!(
            world.state(&bot, 0),
            OrderState::Refused {
                why: RefusalReason::MarketClosed,
                ..
            }
        ));
        heal(&world, &bot, 4);
        assert_eq!(held(&world, &bot, 0), Some(HoldReason::MarketClosed));
        world.gate.forget();
        heal(&world, &bot, 4);
        assert_eq!(world.gate.count("place"), 0, "nothing is sent in vain");
        change_rules(&world, |rules| rules.status = SymbolStatus::Trading);
        heal(&world, &bot, 3);
        assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    }
}

#[test]
fn a_delisted_symbol_ends_in_levels_that_say_so() {
    for stream in [true, false] {
        let (world, bot) = one_level();
        let before = order(&world, &bot, 0);
        world.set_stream(stream);
        world
            .exchange
            .with_model(|model, now| model.delist(now, XRP))
            .unwrap();
        world.quiet();
        world.advance(Duration::from_secs(700));
        let recovered = world.recover(&bot);
        let told = recovered
            .problems
            .iter()
            .any(|problem| problem.contains("no longer listed"));
        assert!(told, "{:?}", recovered.problems);
        world.quiet();
        world.advance(Duration::from_secs(20));
        let recovered = world.recover(&bot);
        if stream {
            assert_eq!(held(&world, &bot, 0), Some(HoldReason::MarketClosed));
        } else {
            // Nobody can say any more what became of its order; that is reported, not guessed.
            let asked = recovered
                .problems
                .iter()
                .any(|problem| problem.contains("level 0"));
            assert!(asked, "{:?}", recovered.problems);
            let known = order(&world, &bot, 0);
            assert_eq!(known, before, "what was known of it stays");
            assert_eq!(known.state, OrderState::Open);
        }
    }
}

#[test]
fn tick_step_and_minimum_changed_while_running() {
    let (world, bot) = one_level();
    // The step grows from 0.1 to 1 and the minimum to 200 while the BUY rests.
    change_rules(&world, |rules| {
        rules.step_size = decimal("1");
        rules.min_quantity = decimal("1");
        rules.min_notional = decimal("200");
    });
    world.print(XRP, "3.10");
    world.quiet();
    assert!(matches!(
        world.state(&bot, 0),
        OrderState::Refused {
            why: RefusalReason::Filter,
            ..
        }
    ));
    heal(&world, &bot, 4);
    assert_rests(&world, &bot, 0, Side::Sell, "99");
    // The tick grows so that the level's prices are no longer on it: it waits and says why.
    change_rules(&world, |rules| rules.tick_size = decimal("0.07"));
    world.print(XRP, "3.15");
    world.quiet();
    heal(&world, &bot, 4);
    assert_eq!(held(&world, &bot, 0), Some(HoldReason::Unsizable));
    change_rules(&world, |rules| rules.tick_size = decimal("0.01"));
    world.advance(Duration::from_secs(601));
    heal(&world, &bot, 4);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
}

#[test]
fn a_price_outside_the_band_is_held_until_the_market_comes_near() {
    let (world, bot) = one_level();
    world.print(XRP, "3.10");
    world.quiet();
    change_rules(&world, |rules| {
        rules.price_band = Some(PriceBand {
            bid_up: decimal("1.05"),
            bid_down: decimal("0.95"),
            ask_up: decimal("1.05"),
            ask_down: decimal("0.95"),
        });
    });
    world.print(XRP, "3.90");
    world.quiet();
    // Its BUY at 3.10 lies more than 5 % below 3.90.
    assert!(matches!(
        world.state(&bot, 0),
        OrderState::Refused {
            why: RefusalReason::Filter,
            ..
        }
    ));
    heal(&world, &bot, 4);
    assert_eq!(held(&world, &bot, 0), Some(HoldReason::OutsideBand));
    world.print(XRP, "3.20");
    heal(&world, &bot, 3);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
}

#[test]
fn a_process_that_has_just_begun_reads_the_limits_with_the_rules() {
    let (world, bot) = one_level();
    let read = || world.gate.count("rules");
    let before = read();
    world.recover(&bot);
    assert_eq!(read(), before, "the rules are fresh and the limits known");
    world.exchange.forget_limits();
    world.recover(&bot);
    world.recover(&bot);
    assert_eq!(read(), before + 1);
}

#[test]
fn a_first_order_outside_the_band_is_held_until_the_market_comes_near() {
    let world = World::empty();
    world.list(xrp_rules(), "3.90");
    world.open_account("main", &[("USDT", "100000")]);
    change_rules(&world, |rules| {
        rules.price_band = Some(PriceBand {
            bid_up: decimal("1.05"),
            bid_down: decimal("0.95"),
            ask_up: decimal("1.05"),
            ask_down: decimal("0.95"),
        });
    });
    world.create_bot(&simulation::BotSpec::demo(vec![rung(
        "3.1064", "3.1537", "100",
    )]));
    let bot = bot_id("demo");
    world.lay(&bot);
    heal(&world, &bot, 2);
    assert_eq!(held(&world, &bot, 0), Some(HoldReason::OutsideBand));
    let told = world.run(world.store.events(&bot, None)).unwrap();
    let kinds: Vec<_> = told.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Laid, EventKind::Held], "told once");
    assert_eq!(
        told[0].text,
        "BUY 100 XRP at 3.1064 USDT; the level buys at 3.1064 and sells at 3.1537"
    );
    let asks = told[1].order.unwrap();
    assert_eq!(
        (asks.side, asks.price.to_string().as_str()),
        (Side::Buy, "3.1064")
    );
    world.print(XRP, "3.20");
    heal(&world, &bot, 3);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
}

#[test]
fn a_level_that_the_market_passed_before_it_was_laid_buys_for_itself() {
    let world = World::empty();
    world.list(xrp_rules(), "3.20");
    world.open_account("main", &[("USDT", "100000")]);
    // When it was created its BUY lay below the market, so it took nothing from the balance.
    world.create_bot(&simulation::BotSpec {
        first_inventory: FirstInventory::FromBalance,
        ..simulation::BotSpec::demo(vec![rung("3.1064", "3.1537", "100")])
    });
    world.print(XRP, "3.05");
    let bot = bot_id("demo");
    world.lay(&bot);
    heal(&world, &bot, 3);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
}

#[test]
fn of_more_levels_than_the_symbol_allows_orders_the_nearest_rest() {
    let bot = bot_id("demo");
    let line = |at: u32| Decimal::new(20_000 + i64::from(at) * 100, 4).to_string();
    let rungs = (0..30)
        .map(|at| rung(&line(at), &line(at + 1), "10"))
        .collect();
    let world = World::empty();
    let rules = SymbolRules {
        max_num_orders: 10,
        ..xrp_rules()
    };
    world.list(rules, "2.35");
    world.open_account("main", &[("USDT", "100000"), ("XRP", "1000")]);
    world.create_bot(&simulation::BotSpec::demo(rungs));
    world.lay(&bot);
    world.advance(Duration::from_secs(10));
    world.recover(&bot);
    let resting = |world: &World| -> Vec<u16> {
        let open = |level: &u16| {
            let order = world.level(&bot, *level).order;
            order.is_some_and(|order| order.state == OrderState::Open)
        };
        (0..30).filter(open).collect()
    };
    assert_eq!(resting(&world), (20..30).collect::<Vec<_>>());
    let refused = world.exchange.with_model(|model, _| model.counts().refused);
    assert_eq!(refused, 0, "none is sent that has no room");
    for level in 0..20 {
        let why = held(&world, &bot, level);
        assert_eq!(why, Some(HoldReason::TooManyOrders), "level {level}");
    }
    // The market falls below the lowest of them: the next ones take their turn.
    world.print(XRP, "2.195");
    for _ in 0..8 {
        world.heal(std::slice::from_ref(&bot), 1);
        assert!(world.open_order_ids(XRP).len() <= 10);
    }
    let near = resting(&world);
    assert!(
        near.contains(&18) && near.contains(&19) && near.contains(&20),
        "{near:?}"
    );
    assert!(simulation::audit::safety_findings(&world, &bot).is_empty());
}

#[test]
fn orders_of_others_on_the_symbol_take_their_room_too() {
    let (world, bot) = one_level();
    change_rules(&world, |rules| rules.max_num_orders = 2);
    for at in 0..2 {
        let id = format!("foreign-{at}");
        let order = exchange_simulator::model::NewOrder::limit(
            XRP,
            exchange_simulator::model::Side::Sell,
            decimal("4"),
            decimal("10"),
            &id,
        );
        if at == 0 {
            world
                .exchange
                .with_model(|model, now| model.place(now, "main", order))
                .unwrap();
        } else {
            world.print(XRP, "3.10");
            world
                .exchange
                .with_model(|model, now| model.place(now, "main", order))
                .unwrap();
        }
    }
    world.quiet();
    heal(&world, &bot, 4);
    assert_eq!(held(&world, &bot, 0), Some(HoldReason::TooManyOrders));
    let ids = world.open_order_ids(XRP);
    world
        .exchange
        .with_model(|model, now| model.cancel_from_outside(now, XRP, ids[0]))
        .unwrap();
    heal(&world, &bot, 3);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
}

#[test]
fn a_run_over_an_old_listing_never_cancels_or_doubles_anything() {
    let (world, bot) = one_level();
    // The listing is read before the BUY fills and used after its SELL rests.
    let mut run = Task::new(&world, recover_bot(world.ports(), &bot));
    run.run_to("open_orders");
    world.print(XRP, "3.10");
    world.quiet();
    run.finish().unwrap();
    world.assert_sound(&bot);
    // The listing itself is old: it still shows the filled BUY.
    world.advance(Duration::from_secs(5));
    world.print(XRP, "3.15");
    world.quiet();
    world.advance(Duration::from_secs(4));
    world.exchange.set_lag(Duration::from_secs(6));
    let recovered = world.recover(&bot);
    assert_eq!(
        recovered.problems,
        Vec::<String>::new(),
        "an old listing is no second order"
    );
    world.exchange.set_lag(Duration::ZERO);
    heal(&world, &bot, 2);
    assert_eq!(order(&world, &bot, 0).intent.side, Side::Buy);
}

#[test]
fn orders_of_another_bot_take_their_room_too() {
    let world = World::empty();
    let rules = SymbolRules {
        max_num_orders: 1,
        ..xrp_rules()
    };
    world.list(rules, "3.12");
    world.open_account("main", &[("USDT", "100000")]);
    let near = vec![rung("3.10", "3.15", "100")];
    world.create_bot(&simulation::BotSpec::demo(near));
    world.create_bot(&simulation::BotSpec {
        id: "other",
        ..simulation::BotSpec::demo(vec![rung("3.00", "3.05", "100")])
    });
    world.lay(&bot_id("demo"));
    // Its level has the same number as the one whose order is there.
    world.lay(&bot_id("other"));
    let refused = world.exchange.with_model(|model, _| model.counts().refused);
    assert_eq!(refused, 0, "none is sent that has no room");
    let why = held(&world, &bot_id("other"), 0);
    assert_eq!(why, Some(HoldReason::TooManyOrders));
}

#[test]
fn an_order_of_ours_that_no_answer_told_of_takes_one_place_only() {
    let bot = bot_id("demo");
    let world = World::empty();
    let rules = SymbolRules {
        max_num_orders: 3,
        ..xrp_rules()
    };
    world.list(rules, "3.12");
    world.open_account("main", &[("USDT", "100000")]);
    let rungs = ["3.00", "3.05", "3.10"].map(|buys| rung(buys, "3.15", "100"));
    world.create_bot(&simulation::BotSpec::demo(rungs.to_vec()));
    world.set_stream(false);
    world.exchange.script(simulation::Journey::reply_lost());
    world.exchange.set_lag(Duration::from_secs(3_600));
    world.recover(&bot);
    world.exchange.set_lag(Duration::ZERO);
    assert_eq!(world.open_order_ids(XRP).len(), 3);
    let unanswered = |level: &u16| order(&world, &bot, *level).exchange_order_id.is_none();
    let unknown: Vec<u16> = (0..3).filter(unanswered).collect();
    assert_eq!(unknown.len(), 1);
    // The farthest of the others is ended from outside, and owed anew while the first is not known.
    let ended = if unknown == [0] { 1 } else { 0 };
    let id = order(&world, &bot, ended).exchange_order_id.unwrap();
    let id = u64::try_from(id.0).unwrap();
    world
        .exchange
        .with_model(|model, now| model.cancel_from_outside(now, XRP, id))
        .unwrap();
    for _ in 0..4 {
        world.advance(Duration::from_secs(5));
        world.recover(&bot);
        assert_eq!(held(&world, &bot, ended), None);
    }
    assert!(unanswered(&unknown[0]), "it is not known yet");
    assert_eq!(order(&world, &bot, ended).state, OrderState::Open);
    assert_eq!(world.open_order_ids(XRP).len(), 3);
}

#[test]
fn a_bot_started_again_while_its_symbol_is_halted_owes_a_new_order() {
    let (world, bot) = one_level();
    world.desire(&bot, domain::DesiredStatus::Stopped);
    world.heal(std::slice::from_ref(&bot), 2);
    assert_eq!(order(&world, &bot, 0).state, OrderState::Idle);
    change_rules(&world, |rules| rules.status = SymbolStatus::Halt);
    world.desire(&bot, domain::DesiredStatus::Running);
    world.advance(trading::RULES_LAST);
    world.recover(&bot);
    let owed = order(&world, &bot, 0);
    assert_eq!(held(&world, &bot, 0), Some(HoldReason::MarketClosed));
    assert_eq!(
        (owed.no.0, owed.exchange_order_id, owed.terminal),
        (2, None, None)
    );
    change_rules(&world, |rules| rules.status = SymbolStatus::Trading);
    heal(&world, &bot, 4);
    assert_rests(&world, &bot, 0, Side::Buy, "100");
}
