//! Keys that are replaced while running, and accounts that the exchange refuses.

use std::time::Duration;

use exchange_simulator::model::Reject;
use simulation::Journey;
use trading::{AccountStop, Breaker, Outcome, Placing};

use crate::placing::{healed, owing, placing, sends};
use crate::{XRP, one_level, order};

#[test]
fn a_key_that_was_replaced_is_read_anew_and_the_order_placed() {
    let (world, bot) = owing();
    world.exchange.rotate_key(&"main".parse().unwrap(), true);
    assert_eq!(placing(&world, &bot).finish(), Placing::Accepted);
    assert_eq!(world.gate.count("reconnect"), 1);
    assert_eq!(
        world.store.account_now(&"main".parse().unwrap()).breaker,
        Breaker::Closed
    );
    healed(&world, &bot);
}

#[test]
fn a_key_that_was_replaced_is_read_anew_by_whoever_takes_an_attempt_over() {
    let (world, bot) = owing();
    world.exchange.script(Journey::request_lost());
    assert!(matches!(
        placing(&world, &bot).finish(),
        Placing::Unknown(_)
    ));
    world.advance(trading::LEASE);
    world.exchange.rotate_key(&"main".parse().unwrap(), true);
    world.gate.forget();
    assert_eq!(placing(&world, &bot).finish(), Placing::Accepted);
    assert_eq!(world.gate.count("claim_intent"), 1);
    healed(&world, &bot);
}

#[test]
fn a_key_that_was_replaced_is_read_anew_by_recovery_with_nothing_to_place() {
    let (world, bot) = one_level();
    world.set_stream(false);
    world.print(XRP, "3.10");
    world.exchange.rotate_key(&"main".parse().unwrap(), true);
    healed(&world, &bot);
}

#[test]
fn a_key_that_was_replaced_does_not_lose_a_trade_that_must_be_fetched() {
    let (world, bot) = one_level();
    world.print(XRP, "3.10");
    let mut report = world.reports().remove(0);
    report.trades.clear();
    world.exchange.rotate_key(&"main".parse().unwrap(), true);
    world.queue.put(&world.message(report));
    world.quiet();
    assert_eq!(world.gate.count("reconnect"), 1);
    assert_eq!(order(&world, &bot, 0).no.0, 2, "without a look by recovery");
    healed(&world, &bot);
}

/// Only a key that was refused is read anew: whoever gets no answer would double what is asked.
#[test]
fn a_question_without_an_answer_is_no_reason_to_read_the_key_anew() {
    let (world, bot) = one_level();
    world.exchange.fail_query("open_orders");
    assert!(world.try_recover(&bot).is_err());
    world.print(XRP, "3.10");
    let mut report = world.reports().remove(0);
    report.trades.clear();
    world.exchange.fail_query("trades");
    let handled = world.handle(&report).unwrap();
    assert_eq!(handled.outcome, Outcome::Waiting);
    assert_eq!(world.gate.count("reconnect"), 0);

    let (world, bot) = owing();
    world.exchange.script(Journey::request_lost());
    placing(&world, &bot).finish();
    world.advance(trading::LEASE);
    world.exchange.fail_query("find_order");
    assert_eq!(placing(&world, &bot).finish(), Placing::NoAnswer);
    assert_eq!(world.gate.count("reconnect"), 0);
}

#[test]
fn a_key_that_is_refused_stops_the_account_until_it_is_mended() {
    let (world, bot) = owing();
    let main = "main".parse().unwrap();
    world.exchange.rotate_key(&main, false);
    assert_eq!(placing(&world, &bot).finish(), Placing::AccountStopped);
    assert!(matches!(
        world.store.account_now(&main).breaker,
        Breaker::Stopped {
            cause: AccountStop::Permission,
            until: None,
            ..
        }
    ));
    world.gate.forget();
    world.advance(Duration::from_secs(3_600));
    assert!(
        world.try_recover(&bot).is_err(),
        "nothing can be compared without a key"
    );
    assert_eq!(sends(&world), 0);
    // The operator stores the new key and lets the account send again.
    world.exchange.store_key(&main);
    world
        .store
        .change_account(&main, |account| account.breaker = Breaker::Closed);
    healed(&world, &bot);
}

#[test]
fn a_ban_stops_the_account_for_as_long_as_the_exchange_says() {
    let (world, bot) = owing();
    world
        .exchange
        .script(Journey::refused(Reject::banned(0, 300)));
    assert_eq!(placing(&world, &bot).finish(), Placing::AccountStopped);
    world.gate.forget();
    world.advance(Duration::from_secs(299));
    world.recover(&bot);
    assert_eq!(sends(&world), 0);
    world.advance(Duration::from_secs(2));
    healed(&world, &bot);
}
