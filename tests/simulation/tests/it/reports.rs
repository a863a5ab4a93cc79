//! Reports as they really come: of nobody's orders, in any order, many at once, with parts missing.

use std::time::Duration;

use domain::{DesiredStatus, LevelIndex, NotOurs, ObservedStatus, OrderNumber, OrderState, Side};
use exchange_simulator::model::{NewOrder, OutsideMarket, Side as ModelSide};
use rust_decimal::Decimal;
use simulation::{BotSpec, Task, World, bot_id, decimal, rung};
use trading::{
    AFTER_LEASE, Answer, BookedAs, FillCommit, FillRecord, LEASE, LOOKUP_LAG, LevelStore as _,
    MAX_TRADES_PER_MESSAGE, Message, OrderSummary, Outcome, Placing, handle_fill,
};

use crate::{XRP, assert_rests, fill, one_level, order};

/// Somebody places a plain order by hand under an id.
fn by_hand(world: &World, account: &str, side: ModelSide, price: &str, id: &str) {
    let order = NewOrder::limit(XRP, side, decimal(price), decimal("100"), id);
    world
        .exchange
        .with_model(|model, now| model.place(now, account, order))
        .unwrap();
}

#[test]
fn reports_of_nobodys_orders_are_counted_and_dropped() {
    let (world, bot) = one_level();
    world.open_account("other", &[("XRP", "1000"), ("USDT", "1000")]);
    let before = world.level(&bot, 0);
    // Ids of ours: of no bot, of no level, and of the level but on another account.
    by_hand(&world, "main", ModelSide::Sell, "3.12", "gk-nobody-0-1");
    by_hand(&world, "main", ModelSide::Sell, "3.12", "gk-demo-7-1");
    by_hand(&world, "other", ModelSide::Buy, "3.10", "gk-demo-0-1");
    by_hand(&world, "main", ModelSide::Sell, "3.12", "somebody-else");
    world.print(XRP, "3.125");
    let reports = world.reports();
    assert_eq!(
        reports.len(),
        2,
        "an id that is not of our form never reaches the queue"
    );
    for report in &reports {
        assert_eq!(world.handle(report).unwrap().outcome, Outcome::NobodysLevel);
    }
    let mut foreign = reports[0].clone();
    foreign.client_order_id = "somebody-else".to_owned();
    assert_eq!(
        world.handle(&foreign).unwrap().outcome,
        Outcome::NotOurs(NotOurs::OtherId)
    );
    assert_eq!(world.level(&bot, 0), before);
    // Our BUY and the one typed by hand on the other account fill at the same price.
    world.print(XRP, "3.10");
    let outcomes: Vec<Outcome> = world
        .reports()
        .iter()
        .map(|report| world.handle(report).unwrap().outcome)
        .collect();
    assert_eq!(
        outcomes,
        [Outcome::Booked, Outcome::NotOurs(NotOurs::OtherAccount)]
    );
    world.quiet();
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    world.assert_sound(&bot);
}

#[test]
fn a_report_of_another_price_under_the_levels_id_is_not_ours() {
    let (world, bot) = one_level();
    fill(&world, &order(&world, &bot, 0), 1, None);
    let mut report = world.reports().remove(0);
    report.exchange_order_id.0 += 1_000;
    report.order_price = Some(simulation::price("3.0"));
    let before = world.level(&bot, 0);
    assert_eq!(
        world.handle(&report).unwrap().outcome,
        Outcome::NotOurs(NotOurs::OtherPrice)
    );
    assert_eq!(world.level(&bot, 0), before);
}

fn hundred_levels() -> World {
    let line = |at: u32| Decimal::new(20_000 + i64::from(at) * 100, 4).to_string();
    let rungs = (0..100)
        .map(|at| rung(&line(at), &line(at + 1), "10"))
        .collect();
    let world = World::demo("3.5", rungs);
    world.lay(&bot_id("demo"));
    world
}

#[test]
fn a_hundred_levels_filled_in_one_price_jump() {
    let (world, bot) = (hundred_levels(), bot_id("demo"));
    world.print(XRP, "1.9");
    assert_eq!(world.open_order_ids(XRP).len(), 0);
    // All of it is reported at once, in reverse and twice.
    world.listen();
    world.queue.tamper(|waiting| {
        let again: Vec<_> = waiting.iter().rev().cloned().collect();
        waiting.reverse();
        waiting.extend(again);
    });
    world.quiet();
    for level in 0..100 {
        assert_eq!(order(&world, &bot, level).intent.side, Side::Sell);
    }
    world.assert_sound(&bot);
    world.print(XRP, "3.5");
    world.quiet();
    for level in 0..100 {
        assert_eq!(world.level(&bot, level).round_trips, 1);
    }
    world.assert_sound(&bot);
}

#[test]
fn a_hundred_levels_filled_in_one_jump_and_handled_by_many_processes_at_once() {
    let (world, bot) = (hundred_levels(), bot_id("demo"));
    world.print(XRP, "1.9");
    let reports = world.reports();
    // Each report is handled by two processes, all of them in step with each other.
    let mut tasks: Vec<Task<'_, _>> = reports
        .iter()
        .chain(&reports)
        .map(|report| Task::new(&world, handle_fill(world.ports(), report, world.now())))
        .collect();
    while !tasks.is_empty() {
        tasks.retain_mut(|task| !matches!(task.step(), simulation::Step::Done(_)));
    }
    world.quiet();
    world.assert_sound(&bot);
    let sells = (0..100).filter(|level| order(&world, &bot, *level).intent.side == Side::Sell);
    assert_eq!(sells.count(), 100);
}

#[test]
fn five_partial_fills_within_a_millisecond_delivered_in_reverse_and_twice() {
    let (world, bot) = one_level();
    fill(&world, &order(&world, &bot, 0), 5, None);
    let reports = world.reports();
    assert_eq!(reports.len(), 5);
    for report in reports.iter().rev() {
        world.handle(report).unwrap();
        world.handle(report).unwrap();
    }
    for report in reports.iter().rev() {
        world.handle(report).unwrap();
    }
    assert_eq!(world.store.ledger_now().len(), 5);
    world.quiet();
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    world.assert_sound(&bot);
}

#[test]
fn every_order_of_three_partial_fills_leads_to_the_same_level() {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for delivered in orders {
        let (world, bot) = one_level();
        fill(&world, &order(&world, &bot, 0), 3, None);
        let reports = world.reports();
        // The first look-up of the order's trades does not answer.
        world.exchange.fail_query("trades");
        for at in delivered {
            world.queue.put(&world.message(reports[at].clone()));
        }
        world.quiet();
        assert_rests(&world, &bot, 0, Side::Sell, "99.9");
        world.assert_sound(&bot);
    }
}

#[test]
fn an_order_of_a_thousand_trades_of_which_only_the_last_is_reported() {
    let (world, bot) = one_level();
    fill(&world, &order(&world, &bot, 0), 1_000, None);
    let last = world.reports().pop().unwrap();
    assert_eq!(world.handle(&last).unwrap().outcome, Outcome::Booked);
    assert_eq!(world.store.ledger_now().len(), 1_000);
    world.quiet();
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    world.assert_sound(&bot);
}

#[test]
fn an_order_of_a_thousand_trades_reported_one_by_one_in_reverse() {
    let (world, bot) = one_level();
    fill(&world, &order(&world, &bot, 0), 1_000, None);
    world.listen();
    world.queue.tamper(|waiting| waiting.reverse());
    world.quiet();
    assert_eq!(world.store.ledger_now().len(), 1_000);
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    world.assert_sound(&bot);
}

#[test]
fn an_order_that_executes_at_once_in_thousands_of_trades() {
    for base in ["100", "400"] {
        let bot = bot_id("demo");
        let world = World::demo("3.00", vec![rung("3.10", "3.15", base)]);
        world.set_stream(false);
        let outside = OutsideMarket {
            max_trade_quantity: Some(decimal("0.1")),
            ..OutsideMarket::default()
        };
        world
            .exchange
            .with_model(|model, _| model.set_outside(XRP, outside))
            .unwrap();
        world.recover(&bot);
        let first = order(&world, &bot, 0);
        assert_eq!(
            first.state,
            OrderState::Open,
            "settled at once, however long the reply"
        );
        world.quiet();
        let fills = world.store.ledger_now().len();
        assert_eq!(fills, if base == "100" { 1_000 } else { 4_000 });
        assert_eq!(order(&world, &bot, 0).intent.side, Side::Sell);
        world.assert_sound(&bot);
    }
}

/// The level starts above the market and buys at once, untold by any stream.
fn buys_at_once(base: &str, outside: OutsideMarket) -> World {
    let world = World::demo("3.00", vec![rung("3.10", "3.15", base)]);
    world.set_stream(false);
    world
        .exchange
        .with_model(|model, _| model.set_outside(XRP, outside))
        .unwrap();
    world.recover(&bot_id("demo"));
    world
}

#[test]
fn a_message_carries_as_many_trades_as_it_may_hold() {
    for (base, carried) in [("50", MAX_TRADES_PER_MESSAGE), ("50.1", 0)] {
        let outside = OutsideMarket {
            max_trade_quantity: Some(decimal("0.1")),
            ..OutsideMarket::default()
        };
        let world = buys_at_once(base, outside);
        let trades: Vec<usize> = world
            .queue
            .waiting()
            .iter()
            .map(|delivery| match delivery.message() {
                Message::Execution { execution, .. } => execution.trades.len(),
                Message::Reconcile { .. } => panic!("only reports follow from placements"),
            })
            .collect();
        assert_eq!(trades, [carried], "of {base}");
    }
}

#[test]
fn what_an_order_executes_at_once_is_booked_without_the_stream_though_the_rest_is_open() {
    let outside = OutsideMarket {
        depth: Some(decimal("30")),
        ..OutsideMarket::default()
    };
    let (world, bot) = (buys_at_once("100", outside), bot_id("demo"));
    world.quiet();
    let order = order(&world, &bot, 0);
    assert_eq!(order.state, OrderState::Open);
    assert_eq!(order.executed.to_string(), "30");
    assert_eq!(world.level(&bot, 0).base.to_string(), "29.97");
    world.assert_sound(&bot);
}

#[test]
fn a_report_without_the_executed_price_has_its_trade_fetched() {
    let bot = bot_id("demo");
    // The level starts above the market: its first BUY has a limit above what it pays.
    let world = World::demo("3.00", vec![rung("3.10", "3.15", "100")]);
    let outside = OutsideMarket::default();
    world
        .exchange
        .with_model(|model, _| model.set_outside(XRP, outside))
        .unwrap();
    world.recover(&bot);
    world.queue.tamper(Vec::clear);
    let mut report = world.reports().remove(0);
    let limit = report.order_price.unwrap();
    report.trades.clear();
    assert_eq!(world.handle(&report).unwrap().outcome, Outcome::Booked);
    let fill = &world.store.ledger_now()[0];
    assert_eq!(fill.trade.price, simulation::price("3.0001"));
    assert!(
        fill.trade.price < limit,
        "the limit is never taken for the price"
    );
    world.quiet();
    world.assert_sound(&bot);
}

#[test]
fn a_report_says_which_order_it_led_to_and_sends_nothing_else() {
    let (world, bot) = one_level();
    fill(&world, &order(&world, &bot, 0), 2, Some("60"));
    fill(&world, &order(&world, &bot, 0), 2, None);
    let placing: Vec<Option<Placing>> = world
        .reports()
        .iter()
        .map(|report| world.handle(report).unwrap().placing)
        .collect();
    assert_eq!(placing, [None, None, None, Some(Placing::Accepted)]);
    let caused = |no: u32| -> Vec<Option<OrderNumber>> {
        let ledger = world.store.ledger_now();
        let of_order = ledger.iter().filter(|fill| fill.no == OrderNumber(no));
        of_order.map(|fill| fill.caused).collect()
    };
    assert_eq!(caused(1), [None, None, None, Some(OrderNumber(2))]);
    let ledger = world.store.ledger_now();
    let asked: Vec<Option<OrderSummary>> = ledger.iter().map(|fill| fill.caused_order).collect();
    let sale = OrderSummary {
        side: Side::Sell,
        price: simulation::price("3.15"),
        quantity: simulation::quantity("99.9"),
    };
    assert_eq!(asked, [None, None, None, Some(sale)]);
    // While the bot is paused what follows is written down and not sent.
    world.desire(&bot, DesiredStatus::Paused);
    world.recover(&bot);
    fill(&world, &order(&world, &bot, 0), 1, None);
    let handled = world.handle(&world.reports()[0]).unwrap();
    assert_eq!((handled.outcome, handled.placing), (Outcome::Booked, None));
    assert_eq!(caused(2), [Some(OrderNumber(3))]);
    assert!(matches!(world.state(&bot, 0), OrderState::Held { .. }));
}

/// The ledger knows the first of two trades, though the level's record does not count it.
#[test]
fn of_a_report_only_what_the_ledger_lacks_is_booked() {
    let (world, bot) = one_level();
    fill(&world, &order(&world, &bot, 0), 2, None);
    let reports = world.reports();
    let (first, mut both) = (reports[0].trades[0].clone(), reports[1].clone());
    both.trades.insert(0, first.clone());
    let mut level = world.level(&bot, 0);
    let expected_version = level.version;
    level.version += 1;
    let known = FillRecord {
        bot: bot.clone(),
        level: LevelIndex(0),
        no: OrderNumber(1),
        side: Side::Buy,
        exchange_order_id: both.exchange_order_id,
        trade: first,
        source: both.source,
        booked_as: BookedAs::SecondOrder,
        by_recovery: false,
        caused: None,
        caused_order: None,
        received_at: world.now(),
        committed_at: world.now(),
    };
    let commit = FillCommit {
        expected_version,
        level,
        fills: vec![known],
    };
    world.run(world.store.commit_fill(&commit)).unwrap();
    assert_eq!(world.handle(&both).unwrap().outcome, Outcome::Booked);
    assert_eq!(world.store.ledger_now().len(), 2);
    let level = world.level(&bot, 0);
    assert_eq!(
        level.base.to_string(),
        "49.95",
        "booked twice or not at all"
    );
    assert_eq!(
        level.order.unwrap().no,
        OrderNumber(1),
        "answered too early"
    );
}

/// The report of the first trade is lost, and the exchange's list does not show it yet.
#[test]
fn a_trade_that_is_not_shown_yet_is_asked_for_again_once_it_must_be() {
    let (world, bot) = one_level();
    fill(&world, &order(&world, &bot, 0), 2, None);
    let last = world.reports().pop().unwrap();
    world.exchange.set_lag(Duration::from_secs(3_600));
    let handled = world.handle(&last).unwrap();
    assert_eq!(handled.outcome, Outcome::Noted);
    assert_eq!(handled.answer, Answer::Again(LOOKUP_LAG));
    world.exchange.set_lag(Duration::ZERO);
    let handled = world.handle(&last).unwrap();
    assert_eq!(handled.outcome, Outcome::Booked);
    assert_eq!(handled.answer, Answer::Done);
    world.quiet();
    assert_rests(&world, &bot, 0, Side::Sell, "99.9");
    world.assert_sound(&bot);
}

#[test]
fn two_bots_on_one_symbol_never_answer_each_others_fills() {
    let world = World::demo("3.12", vec![rung("3.10", "3.15", "100")]);
    let spec = BotSpec {
        id: "twin",
        ..BotSpec::demo(vec![
            rung("3.10", "3.15", "100"),
            rung("3.05", "3.10", "50"),
        ])
    };
    world.create_bot(&spec);
    let bots = [bot_id("demo"), bot_id("twin")];
    bots.iter().for_each(|bot| world.lay(bot));
    for price in ["3.10", "3.16", "3.00", "3.20"] {
        world.print(XRP, price);
        world.quiet();
        bots.iter().for_each(|bot| {
            world.recover(bot);
            world.assert_sound(bot);
        });
    }
    assert_eq!(world.level(&bots[0], 0).round_trips, 2);
    assert_eq!(world.level(&bots[1], 0).round_trips, 2);
    assert_eq!(world.level(&bots[1], 1).round_trips, 1);
    let ours = world.store.ledger_now();
    assert!(ours.iter().any(|fill| fill.level == LevelIndex(1)));
}

#[test]
fn a_repeated_report_of_an_owed_order_waits_for_its_lease_and_then_sends_for_a_running_bot_alone() {
    let running = (DesiredStatus::Running, ObservedStatus::Running);
    for (desired, observed) in [
        running,
        (DesiredStatus::Paused, ObservedStatus::Running),
        (DesiredStatus::Running, ObservedStatus::Paused),
    ] {
        let (world, bot) = one_level();
        world.print(XRP, "3.10");
        let report = world.reports().remove(0);
        // It dies between the fill's commit and the placement.
        let handling = Task::new(&world, handle_fill(world.ports(), &report, world.now()));
        assert!(handling.die_after(2).is_none());
        world.store.change_bot(&bot, |bot| {
            (bot.desired, bot.observed) = (desired, observed)
        });
        for (passed, left) in [
            (Duration::ZERO, LEASE),
            (LEASE - Duration::from_secs(1), Duration::from_secs(1)),
        ] {
            world.advance(passed);
            world.gate.forget();
            let handled = world.handle(&report).unwrap();
            assert_eq!(handled.outcome, Outcome::Duplicate);
            assert_eq!(handled.answer, Answer::Again(left + AFTER_LEASE));
            assert_eq!(world.gate.passed(), ["load"]);
        }
        world.advance(Duration::from_secs(1));
        world.gate.forget();
        let handled = world.handle(&report).unwrap();
        assert_eq!(handled.answer, Answer::Done);
        let sends = (desired, observed) == running;
        assert_eq!(world.gate.count("place"), u64::from(sends));
        let expected = if sends {
            Placing::Accepted
        } else {
            Placing::Held
        };
        assert_eq!(handled.placing, Some(expected));
    }
}
