//! Connections that give way to others: without a gap, without haste, without a lost report.

use std::time::Duration;

use binance::stream::StreamEvent;

use super::rig::{Rig, id, refusal, report};

/// Every connection that opens is told at once that its server shuts down, for so long.
fn drain_all(rig: &mut Rig, millis: u64) {
    let mut told = 0;
    for _ in 0..millis / 100 {
        let latest = rig.opened().last().copied().unwrap_or(0);
        if latest > told {
            told = latest;
            rig.stream(latest, StreamEvent::ServerShutdown);
        }
        rig.pass(100);
    }
}

#[test]
fn a_server_that_shuts_down_is_left_without_a_gap() {
    let mut rig = Rig::up(&["one", "two"]);
    rig.pass(60_000);
    rig.answering = false;
    rig.stream(1, StreamEvent::ServerShutdown);
    assert_eq!(rig.opened(), [2], "the new one first, and at once");
    assert_eq!(rig.closed(), Vec::<u64>::new(), "the old one serves on");
    rig.report("one", report(&[]));
    assert_eq!(rig.executions(), 1);
    for name in ["one", "two"] {
        rig.stream(2, StreamEvent::Subscribed { account: id(name) });
    }
    rig.pass(9_000);
    assert_eq!(rig.closed(), Vec::<u64>::new(), "what is under way is read");
    rig.report("one", report(&[]));
    assert_eq!(rig.executions(), 2);
    rig.pass(2_000);
    assert_eq!(rig.closed(), [1]);
    assert!(rig.down().is_empty());
    assert_eq!(rig.state.counters().gaps, 0);
    assert!(rig.reconciled().is_empty(), "nothing can have been missed");
}

#[test]
fn the_old_connection_serves_on_while_the_new_one_refuses_an_account() {
    let mut rig = Rig::up(&["one", "two"]);
    rig.refused = vec![("two", refusal(400, -1000))];
    rig.stream(1, StreamEvent::ServerShutdown);
    rig.pass(30_000);
    assert_eq!(rig.closed(), Vec::<u64>::new());
    assert!(rig.down().is_empty());
    rig.lose(1, "gone");
    assert_eq!(
        rig.down().len(),
        1,
        "only what was not taken over: {:?}",
        rig.down()
    );
    rig.refused.clear();
    rig.pass(70_000);
    assert!(rig.down().is_empty());
}

#[test]
fn a_connection_is_replaced_before_it_reaches_a_day() {
    let mut rig = Rig::with(&["main"], |config| {
        config.accounts_every = Duration::from_secs(3_600);
    });
    rig.pass(2_000);
    rig.forget();
    rig.pass(22 * 3_600_000);
    assert_eq!(rig.opened(), Vec::<u64>::new());
    rig.pass(2 * 3_600_000 - 60_000);
    assert_eq!(rig.opened(), [2]);
    assert_eq!(rig.closed(), [1]);
    assert_eq!(rig.state.counters().gaps, 0);
}

#[test]
fn servers_that_shut_down_at_once_are_met_with_growing_pauses() {
    let mut rig = Rig::up(&["main"]);
    rig.stream(1, StreamEvent::ServerShutdown);
    drain_all(&mut rig, 300_000);
    let opened = rig.opened().len();
    assert!((8..=20).contains(&opened), "{opened} in five minutes");
    assert!(rig.down().is_empty(), "the last one serves on meanwhile");
    rig.pass(60_000);
    assert_eq!(rig.state.status().connections, 1);
    assert_eq!(rig.state.counters().gaps, 0);
}

/// The exchange takes 300 attempts in five minutes from one address.
#[test]
fn no_five_minutes_see_more_than_half_of_the_connections_the_exchange_takes() {
    let names: Vec<String> = (0..400).map(|number| format!("account-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rig = Rig::with(&names, |config| config.accounts_per_connection = 1);
    let mut opened = Vec::new();
    for _ in 0..15 {
        rig.pass(60_000);
        opened.push(rig.opened().len());
    }
    assert_eq!(opened[4], 150);
    for (before, after) in opened.iter().zip(&opened[5..]) {
        assert!(after - before <= 150, "{opened:?}");
    }
    assert!(rig.down().is_empty(), "in the end all are served");
}

/// A rig whose accounts are subscribed on connection 2 and, for some seconds more, on 1.
fn replaced(names: &[&str]) -> Rig {
    let mut rig = Rig::up(names);
    rig.pass(60_000);
    rig.forget();
    rig.stream(1, StreamEvent::ServerShutdown);
    rig.pass(1_000);
    assert_eq!(rig.opened(), [2]);
    assert_eq!(rig.closed(), Vec::<u64>::new());
    rig
}

/// What an account is compared for when something on its old connection may have been lost: once,
/// when it is visible to queries.
fn later(name: &str) -> (String, Option<String>, u64) {
    (name.to_owned(), None, 15)
}

#[test]
fn an_old_connection_that_breaks_before_it_is_read_out_is_compared() {
    let mut rig = replaced(&["one", "two"]);
    rig.lose(1, "reset by peer");
    assert!(rig.down().is_empty());
    assert_eq!(rig.reconciled(), [later("one"), later("two")]);
    assert_eq!(rig.state.counters().gaps, 0);
    rig.pass(60_000);
    assert_eq!(rig.reconciled().len(), 2);
}

#[test]
fn an_old_stream_that_ends_before_it_is_read_out_is_compared() {
    let mut rig = replaced(&["one", "two"]);
    rig.stream(
        1,
        StreamEvent::Ended {
            account: id("one"),
            why: "the exchange no longer lists the stream",
        },
    );
    assert!(rig.down().is_empty());
    assert_eq!(rig.reconciled(), [later("one")]);
}

#[test]
fn an_old_connection_serves_again_when_the_new_one_is_lost() {
    let mut rig = replaced(&["main"]);
    rig.pass(5_000);
    rig.network_up = false;
    rig.lose(2, "reset by peer");
    rig.pass(60_000);
    assert!(!rig.closed().contains(&1), "nothing else serves");
    assert!(rig.down().is_empty());
    rig.network_up = true;
    rig.pass(61_000);
    rig.pass(11_000);
    assert!(rig.closed().contains(&1));
    assert_eq!(rig.state.status().connections, 1);
    assert_eq!(rig.state.counters().gaps, 0);
}
