//! The case that started the project: recovery places a SELL at 3.1537, it fills at once, and nobody
//! places the BUY at 3.1064.

use domain::{BotId, DesiredStatus, OrderState, Side};
use simulation::audit::Past;
use simulation::{Journey, Task, World, bot_id, price, rung};
use trading::{StreamState, recover_bot};

/// A level that has bought at 3.1064 while the bot was paused, and owes its SELL at 3.1537; the
/// market has jumped above that price meanwhile.
fn owing_a_sale() -> (World, BotId) {
    let bot = bot_id("demo");
    let world = World::demo("3.12", vec![rung("3.1064", "3.1537", "100")]);
    world.lay(&bot);
    world.desire(&bot, DesiredStatus::Paused);
    world.print("XRPUSDT", "3.1064");
    world.quiet();
    assert!(matches!(world.state(&bot, 0), OrderState::Held { .. }));
    world.print("XRPUSDT", "3.17");
    world.desire(&bot, DesiredStatus::Running);
    (world, bot)
}

/// The SELL was recovery's, filled at once, is booked as a round trip, and one BUY rests.
fn assert_answered_once(world: &World, bot: &BotId) {
    world.assert_sound(bot);
    let level = world.level(bot, 0);
    assert_eq!(level.round_trips, 1);
    let order = level.order.unwrap();
    assert_eq!(
        (order.intent.side, order.intent.price, order.state),
        (Side::Buy, price("3.1064"), OrderState::Open)
    );
    let past = &Past::of_bot(world, bot).levels[&domain::LevelIndex(0)];
    let sides: Vec<bool> = past.iter().map(|order| order.is_sell).collect();
    assert_eq!(
        sides,
        [false, true, false],
        "BUY, SELL, BUY and nothing else"
    );
    assert_eq!(past[1].executed(), past[1].asked);
    let marked: Vec<(Side, bool)> = world
        .store
        .ledger_now()
        .iter()
        .map(|fill| (fill.side, fill.by_recovery))
        .collect();
    assert!(marked.contains(&(Side::Sell, true)), "{marked:?}");
    assert!(!marked.contains(&(Side::Sell, false)), "{marked:?}");
    assert!(
        !marked.contains(&(Side::Buy, true)),
        "a bot's first order is nothing that was missed: {marked:?}"
    );
}

#[test]
fn a_recovered_sell_that_fills_at_once_with_its_event_before_the_reply() {
    let (world, bot) = owing_a_sale();
    let mut recovery = Task::new(&world, recover_bot(world.ports(), &bot));
    recovery.run_to("place");
    // The exchange has filled the order; its event is handled before recovery sees the reply.
    world.pump();
    let order = world.level(&bot, 0).order.unwrap();
    assert_eq!(
        order.intent.side,
        Side::Buy,
        "the event alone leads to the opposite order"
    );
    recovery.finish().unwrap();
    world.quiet();
    assert_answered_once(&world, &bot);
}

#[test]
fn a_recovered_sell_that_fills_at_once_with_its_reply_lost() {
    for journey in [Journey::reply_lost(), Journey::silence()] {
        let (world, bot) = owing_a_sale();
        world.exchange.script(journey);
        world.recover(&bot);
        world.quiet();
        assert_answered_once(&world, &bot);
    }
}

#[test]
fn a_recovered_sell_that_fills_at_once_with_the_stream_down() {
    let (world, bot) = owing_a_sale();
    world.set_stream(false);
    world
        .store
        .change_account(&"main".parse().unwrap(), |account| {
            account.stream = StreamState::Down {
                since: world.now(),
                why: "the connection broke".to_owned(),
            };
        });
    let recovered = world.recover(&bot);
    assert!(
        recovered
            .problems
            .iter()
            .any(|problem| problem.contains("no user-data stream")),
        "{:?}",
        recovered.problems
    );
    assert!(
        world
            .store
            .account_now(&"main".parse().unwrap())
            .stream_wanted_since
            .is_some()
    );
    world.quiet();
    assert_answered_once(&world, &bot);
}

#[test]
fn a_recovered_sell_with_reply_lost_and_stream_down() {
    let (world, bot) = owing_a_sale();
    world.set_stream(false);
    world.exchange.script(Journey::reply_lost());
    // The look-ups right after it do not see it either.
    world.exchange.set_lag(std::time::Duration::from_secs(9));
    world.recover(&bot);
    assert!(matches!(world.state(&bot, 0), OrderState::Pending { .. }));
    world.heal(std::slice::from_ref(&bot), 5);
    assert_answered_once(&world, &bot);
}

#[test]
fn the_order_that_recovery_placed_is_marked_as_such() {
    let (world, bot) = owing_a_sale();
    assert!(
        !world.store.ledger_now()[0].by_recovery,
        "a level's first order"
    );
    // It does not fill: the market has come back down.
    world.print("XRPUSDT", "3.13");
    world.recover(&bot);
    let order = world.level(&bot, 0).order.unwrap();
    assert!(order.by_recovery);
    assert_eq!(
        (order.intent.side, order.state),
        (Side::Sell, OrderState::Open)
    );
    world.print("XRPUSDT", "3.1537");
    world.quiet();
    assert!(!world.level(&bot, 0).order.unwrap().by_recovery);
    assert_answered_once(&world, &bot);
}
