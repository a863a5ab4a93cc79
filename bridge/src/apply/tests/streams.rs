//! Connections and subscriptions: up, down, replaced, refused, checked.

use std::time::Duration;

use binance::stream::StreamEvent;
use trading::{Environment, StreamState};

use super::rig::{Rig, account, id, key, refusal, report};
use crate::{ConnectionId, Effect, Input};

/// What a stream's return is always followed by.
fn twice(name: &str) -> Vec<(String, Option<String>, u64)> {
    vec![(name.to_owned(), None, 0), (name.to_owned(), None, 15)]
}

#[test]
fn the_first_subscription_is_recorded_and_compared_twice() {
    let mut rig = Rig::new(&["main"]);
    rig.pass(1_000);
    assert_eq!(rig.opened(), [1]);
    assert_eq!(rig.asked(), [(1, "main".to_owned(), "first".to_owned())]);
    assert_eq!(rig.reconciled(), twice("main"));
    let (_, last) = rig.streams.last().unwrap();
    assert!(
        matches!(last, StreamState::Subscribed { bridge, .. } if bridge == "bridge-1"),
        "{last:?}"
    );
    rig.pass(6_000);
    let heartbeat = rig.heartbeats.last().unwrap();
    assert_eq!(heartbeat.connections, 1);
    assert_eq!(heartbeat.accounts, [id("main")]);
}

#[test]
fn a_lost_connection_is_a_gap_that_is_polled_and_healed() {
    let mut rig = Rig::up(&["one", "two"]);
    rig.network_up = false;
    rig.lose(1, "reset by peer");
    assert_eq!(rig.state.counters().gaps, 2);
    let downs: Vec<_> = rig.streams.iter().map(|(id, _)| id.to_string()).collect();
    assert_eq!(downs, ["one", "two"]);
    rig.pass(25_000);
    let polled = rig
        .reconciled()
        .iter()
        .filter(|entry| entry.0 == "one")
        .count();
    assert_eq!(polled, 2, "every 10 s while it is down");
    assert!(
        rig.opened().len() < 12,
        "with growing pauses: {:?}",
        rig.opened()
    );
    rig.forget();
    rig.network_up = true;
    rig.pass(60_000);
    assert!(rig.down().is_empty());
    for name in ["one", "two"] {
        let mut reconciled = rig.reconciled();
        reconciled.retain(|entry| entry.0 == name);
        let healed = reconciled.split_off(reconciled.len() - 2);
        assert_eq!(healed, twice(name), "after {reconciled:?}");
    }
}

#[test]
fn a_stream_that_ends_alone_is_subscribed_again_on_the_same_connection() {
    let mut rig = Rig::up(&["one", "two"]);
    rig.pass(40_000);
    rig.forget();
    rig.stream(
        1,
        StreamEvent::Ended {
            account: id("one"),
            why: "the exchange ended the stream",
        },
    );
    assert_eq!(
        rig.down(),
        [("one".to_owned(), "the exchange ended the stream".to_owned())]
    );
    rig.pass(1_000);
    assert_eq!(rig.asked(), [(1, "one".to_owned(), "first".to_owned())]);
    assert_eq!(rig.reconciled(), twice("one"));
    assert_eq!(rig.opened(), Vec::<u64>::new());
}

#[test]
fn a_stream_that_keeps_ending_is_asked_for_with_growing_pauses() {
    let mut rig = Rig::up(&["main"]);
    for _ in 0..600 {
        rig.stream(
            1,
            StreamEvent::Ended {
                account: id("main"),
                why: "again",
            },
        );
        rig.pass(100);
    }
    let asked = rig.asked().len();
    assert!((4..=12).contains(&asked), "{asked} in a minute");
}

#[test]
fn a_refused_key_stops_its_account_alone() {
    let mut rig = Rig::new(&["bad", "good"]);
    rig.refused = vec![("bad", refusal(401, -2015))];
    rig.pass(60_000);
    let down = rig.down();
    assert_eq!(down.len(), 1);
    assert_eq!(down[0].0, "bad");
    assert!(down[0].1.contains("code -2015"), "{}", down[0].1);
    let tries = rig.asked().iter().filter(|asked| asked.1 == "bad").count();
    assert!((4..=10).contains(&tries), "{tries} tries in a minute");
    let written = rig
        .streams
        .iter()
        .filter(|(name, _)| *name == id("bad"))
        .count();
    assert!(written <= 3, "the same reason is written once: {written}");
    rig.report("good", report(&[]));
    assert_eq!(rig.executions(), 1);
    rig.refused.clear();
    rig.pass(61_000);
    assert!(rig.down().is_empty());
}

#[test]
fn a_key_that_cannot_be_opened_stops_its_account_alone() {
    let mut rig = Rig::new(&["bad", "good"]);
    rig.answering = false;
    rig.pass(500);
    rig.step(Input::KeyUnusable {
        connection: ConnectionId(1),
        account: id("bad"),
        why: "the key file is gone".to_owned(),
    });
    rig.stream(
        1,
        StreamEvent::Subscribed {
            account: id("good"),
        },
    );
    let down = rig.down();
    assert_eq!(
        down,
        [("bad".to_owned(), "the key file is gone".to_owned())]
    );
}

#[test]
fn a_rotated_key_is_used_at_once() {
    let mut rig = Rig::up(&["one", "two"]);
    rig.accounts[0].stream_key = key("second");
    rig.pass(4_000);
    assert!(rig.effects.contains(&Effect::Unsubscribe {
        connection: ConnectionId(1),
        account: id("one"),
    }));
    assert_eq!(rig.asked(), [(1, "one".to_owned(), "second".to_owned())]);
    assert_eq!(rig.reconciled(), twice("one"));
    assert!(rig.down().is_empty());
}

#[test]
fn accounts_come_and_go() {
    let mut rig = Rig::up(&["one"]);
    rig.accounts.push(account("two"));
    rig.pass(4_000);
    assert_eq!(rig.asked(), [(1, "two".to_owned(), "first".to_owned())]);
    rig.accounts.remove(0);
    rig.pass(4_000);
    assert!(rig.effects.contains(&Effect::Unsubscribe {
        connection: ConnectionId(1),
        account: id("one"),
    }));
    assert_eq!(rig.closed(), Vec::<u64>::new());
    rig.accounts.clear();
    rig.pass(4_000);
    assert_eq!(rig.closed(), [1], "a connection without accounts");
}

#[test]
fn an_account_that_cannot_be_read_keeps_its_stream() {
    let mut rig = Rig::up(&["one", "two"]);
    let left = |rig: &Rig, name: &str| {
        rig.effects.contains(&Effect::Unsubscribe {
            connection: ConnectionId(1),
            account: id(name),
        })
    };
    rig.unreadable = vec!["one"];
    rig.accounts.push(account("three"));
    rig.pass(4_000);
    assert_eq!(rig.asked(), [(1, "three".to_owned(), "first".to_owned())]);
    rig.accounts.retain(|record| record.id.as_str() != "two");
    rig.pass(4_000);
    let known = left(&rig, "one") || left(&rig, "two");
    assert!(!known, "nobody knows which of them the damaged one is");
    rig.unreadable.clear();
    rig.pass(4_000);
    assert!(left(&rig, "two"), "now it is known to be gone");
    assert!(!left(&rig, "one"));
}

#[test]
fn a_confirmation_for_an_account_that_left_is_taken_back() {
    let mut rig = Rig::new(&["one", "two"]);
    rig.answering = false;
    rig.pass(500);
    rig.accounts.remove(0);
    rig.pass(4_000);
    rig.forget();
    rig.stream(1, StreamEvent::Subscribed { account: id("one") });
    assert_eq!(
        rig.effects,
        [Effect::Unsubscribe {
            connection: ConnectionId(1),
            account: id("one"),
        }]
    );
}

#[test]
fn many_accounts_are_spread_over_connections_and_asked_for_at_a_pace() {
    let names: Vec<String> = (0..450)
        .map(|number| format!("account-{number:03}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rig = Rig::new(&names);
    rig.pass(1_000);
    let asked = rig.asked().len();
    assert!((50..=101).contains(&asked), "{asked}");
    assert_eq!(rig.opened(), [1, 2, 3]);
    rig.pass(9_000);
    assert!(rig.down().is_empty());
    let mut loads = [0; 3];
    for (connection, ..) in rig.asked() {
        loads[usize::try_from(connection).unwrap() - 1] += 1;
    }
    assert_eq!(loads, [200, 200, 50]);
}

#[test]
fn silence_only_asks_for_a_comparison() {
    let mut rig = Rig::with(&["main"], |config| {
        config.account_silence = Duration::from_secs(600);
    });
    rig.pass(2_000);
    rig.forget();
    rig.pass(500_000);
    rig.stream(
        1,
        StreamEvent::Other {
            account: id("main"),
            kind: "balanceUpdate".to_owned(),
        },
    );
    rig.pass(599_000);
    assert!(rig.reconciled().is_empty());
    rig.pass(2_000);
    assert_eq!(rig.reconciled(), [("main".to_owned(), None, 0)]);
    rig.pass(600_000);
    assert_eq!(rig.reconciled().len(), 2);
    assert!(rig.down().is_empty());
}

#[test]
fn connections_are_asked_what_they_still_serve() {
    let mut rig = Rig::up(&["main"]);
    rig.pass(300_000);
    let check = Effect::Check {
        connection: ConnectionId(1),
    };
    assert!(rig.effects.contains(&check));
}

#[test]
fn a_connection_that_does_not_answer_is_given_up() {
    let mut rig = Rig::new(&["main"]);
    rig.answering = false;
    rig.pass(14_000);
    assert_eq!(rig.closed(), Vec::<u64>::new());
    rig.answering = true;
    rig.pass(3_000);
    assert_eq!(rig.closed(), [1]);
    assert_eq!(rig.opened(), [1, 2]);
    assert!(rig.down().is_empty());
}

#[test]
fn an_exchange_that_holds_a_stream_we_do_not_know_gets_a_new_connection() {
    for code in [-2035, -2042] {
        let mut rig = Rig::up(&["one", "two"]);
        rig.pass(60_000);
        rig.stream(
            1,
            StreamEvent::Ended {
                account: id("one"),
                why: "ended",
            },
        );
        rig.refused = vec![("one", refusal(400, code))];
        rig.pass(1_000);
        assert_eq!(rig.opened(), [2], "{code}");
        rig.refused.clear();
        rig.pass(15_000);
        assert_eq!(rig.closed(), [1]);
        assert!(rig.down().is_empty());
    }
}

#[test]
fn recovery_can_ask_for_a_stream_it_misses() {
    let mut rig = Rig::up(&["main"]);
    rig.accounts[0].stream_wanted_since = Some(rig.wall());
    rig.pass(4_000);
    assert!(
        rig.asked().is_empty(),
        "just subscribed: the note is cleared, no more"
    );
    assert_eq!(rig.accounts[0].stream_wanted_since, None);
    rig.pass(60_000);
    rig.accounts[0].stream_wanted_since = Some(rig.wall());
    rig.pass(4_000);
    assert_eq!(rig.asked().len(), 1);
    assert_eq!(rig.accounts[0].stream_wanted_since, None);
    assert!(rig.down().is_empty());
}

#[test]
fn a_stream_that_has_brought_something_since_is_left_alone() {
    let mut rig = Rig::up(&["main"]);
    rig.pass(60_000);
    let missed = rig.wall();
    rig.pass(1_000);
    rig.report("main", report(&[]));
    rig.pass(5_000);
    rig.accounts[0].stream_wanted_since = Some(missed);
    rig.pass(4_000);
    assert!(rig.asked().is_empty(), "it lives: the note is cleared");
    assert_eq!(rig.accounts[0].stream_wanted_since, None);
    let missed = rig.wall();
    rig.pass(6_000);
    rig.accounts[0].stream_wanted_since = Some(missed);
    rig.pass(4_000);
    assert_eq!(rig.asked().len(), 1, "nothing was heard since");
    assert!(rig.down().is_empty());
}

/// Asking for a comparison is not hearing.
#[test]
fn a_stream_that_was_compared_for_its_silence_is_still_silent() {
    let mut rig = Rig::with(&["main"], |config| {
        config.account_silence = Duration::from_secs(600);
    });
    rig.pass(599_000);
    let missed = rig.wall();
    rig.pass(5_000);
    rig.forget();
    rig.accounts[0].stream_wanted_since = Some(missed);
    rig.pass(4_000);
    assert_eq!(rig.asked().len(), 1);
}

#[test]
fn somebody_elses_word_about_a_stream_is_put_right() {
    let mut rig = Rig::up(&["main"]);
    rig.accounts[0].stream = StreamState::Never;
    rig.pass(4_000);
    assert!(matches!(
        rig.accounts[0].stream,
        StreamState::Subscribed { .. }
    ));
    let by_another = StreamState::Subscribed {
        since: rig.wall(),
        bridge: "bridge-2".to_owned(),
    };
    rig.accounts[0].stream = by_another.clone();
    rig.pass(4_000);
    assert_eq!(rig.accounts[0].stream, by_another);
}

#[test]
fn an_environment_without_an_address_is_named() {
    let mut rig = Rig::with(&["main"], |config| {
        config.endpoints.remove(&Environment::Simulated);
    });
    rig.pass(1_000);
    assert!(rig.down()[0].1.contains("no address"), "{:?}", rig.down());
    assert!(rig.opened().is_empty());
}

#[test]
fn a_store_that_fails_stops_nothing() {
    let mut rig = Rig::up(&["main"]);
    rig.store_up = false;
    rig.accounts.clear();
    rig.pass(60_000);
    rig.report("main", report(&[]));
    assert_eq!(rig.executions(), 1);
    rig.stream(
        1,
        StreamEvent::Ended {
            account: id("main"),
            why: "ended",
        },
    );
    rig.pass(10_000);
    assert!(
        rig.down().is_empty(),
        "subscribed again with the key it knows"
    );
    rig.store_up = true;
    rig.accounts.push(account("main"));
    rig.pass(61_000);
    assert!(matches!(
        rig.accounts[0].stream,
        StreamState::Subscribed { .. }
    ));
}

#[test]
fn stopping_sends_what_waits_and_records_the_streams_as_down() {
    let mut rig = Rig::up(&["one", "two"]);
    rig.queue = super::rig::Answer::Hangs;
    rig.report("one", report(&[]));
    rig.report("one", report(&[]));
    rig.step(Input::Stop);
    assert_eq!(rig.closed(), [1]);
    assert!(!rig.state.is_drained());
    rig.queue = super::rig::Answer::Takes;
    rig.step(Input::Sent(vec![Ok(())]));
    rig.pass(200);
    assert!(rig.state.is_drained());
    assert_eq!(rig.down().len(), 2);
    assert!(
        rig.accounts
            .iter()
            .all(|account| matches!(account.stream, StreamState::Down { .. }))
    );
    rig.pass(60_000);
    assert_eq!(rig.opened(), Vec::<u64>::new());
}
