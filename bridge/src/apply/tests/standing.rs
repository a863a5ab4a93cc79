//! What a bridge says of itself to those who watch it.

use std::time::Duration;

use binance::stream::StreamEvent;

use super::rig::{Answer, Rig, account, id, refusal, report};
use crate::{ConnectionId, Input, Listing, Reconnect};

fn reconnects(rig: &Rig) -> Vec<(Reconnect, u64)> {
    let counted = &rig.state.counters().reconnects;
    counted
        .iter()
        .map(|(cause, times)| (*cause, *times))
        .collect()
}

#[test]
fn a_refused_key_is_told_from_a_stream_that_is_merely_down() {
    let mut rig = Rig::new(&["bad", "good"]);
    rig.refused = vec![("bad", refusal(400, -2015))];
    rig.pass(2_000);
    let refused = |rig: &Rig, name| rig.state.status().accounts[&id(name)].key_refused;
    assert!(refused(&rig, "bad") && !refused(&rig, "good"));
    // What ends its connection is no fault of its key.
    rig.network_up = false;
    rig.lose(1, "the network is down");
    assert!(!refused(&rig, "bad") && !refused(&rig, "good"));
    rig.network_up = true;
    rig.refused = vec![("bad", refusal(429, -1003))];
    rig.pass(5_000);
    assert!(
        !refused(&rig, "bad"),
        "the address was refused, not the key"
    );
}

#[test]
fn each_cause_of_a_new_connection_is_counted_once() {
    let mut rig = Rig::new(&["main"]);
    rig.network_up = false;
    rig.pass(100);
    assert_eq!(reconnects(&rig), [(Reconnect::NotOpened, 1)]);
    rig.network_up = true;
    rig.pass(5_000);
    rig.stream(2, StreamEvent::ServerShutdown);
    rig.pass(5_000);
    rig.lose(2, "it went away");
    assert_eq!(
        reconnects(&rig),
        [(Reconnect::NotOpened, 1), (Reconnect::ServerShutdown, 1)],
        "it was being replaced when it was lost"
    );
    rig.lose(3, "cut");
    let lost = rig.state.counters().reconnects.get(&Reconnect::Lost);
    assert_eq!(lost, Some(&1));
    let mut old = Rig::with(&["main"], |config| {
        config.lifetime = Duration::from_secs(100)
    });
    old.pass(101_000);
    assert_eq!(reconnects(&old), [(Reconnect::Age, 1)]);
    let mut deaf = Rig::new(&["main"]);
    deaf.answering = false;
    deaf.pass(16_000);
    assert_eq!(reconnects(&deaf), [(Reconnect::Unanswered, 1)]);
}

#[test]
fn how_the_list_was_read_is_told() {
    let mut rig = Rig::new(&["main"]);
    assert_eq!(rig.state.status().listing, Listing::NotYet);
    rig.pass(3_500);
    assert_eq!(rig.state.status().listing, Listing::Whole);
    rig.accounts.push(account("damaged"));
    rig.unreadable = vec!["damaged"];
    rig.pass(3_500);
    let listing = rig.state.status().listing;
    assert!(
        matches!(&listing, Listing::Partly(why) if why.contains("damaged")),
        "{listing:?}"
    );
    rig.store_up = false;
    rig.pass(3_500);
    let listing = rig.state.status().listing;
    assert!(
        matches!(&listing, Listing::Failed(why) if why == "store down"),
        "{listing:?}"
    );
    let age = rig.state.status().heartbeat_age.unwrap();
    rig.pass(10_000);
    let older = rig.state.status().heartbeat_age.unwrap();
    assert_eq!(
        older,
        age + Duration::from_secs(10),
        "none was written meanwhile"
    );
    rig.store_up = true;
    rig.pass(5_500);
    assert!(rig.state.status().heartbeat_age.unwrap() < older);
}

#[test]
fn what_the_queue_says_is_told_and_how_long_reports_waited_for_it() {
    let mut rig = Rig::up(&["main"]);
    assert_eq!(
        rig.state.counters().delays.count(),
        0,
        "comparisons do not count"
    );
    rig.queue = Answer::Refuses;
    rig.report("main", report(&[]));
    let said = rig.state.status().queue_error.unwrap();
    assert!(said.contains("queue down"), "{said}");
    rig.queue = Answer::Takes;
    rig.pass(2_000);
    let status = rig.state.status();
    assert_eq!(status.queue_error, None);
    assert_eq!(status.counters.delays.count(), 1);
    let waited = status.counters.delays.sum();
    let pause = Duration::from_millis(200)..Duration::from_secs(2);
    assert!(pause.contains(&waited), "{waited:?}");
    // A batch under way says nothing yet.
    rig.queue = Answer::Hangs;
    rig.report("main", report(&[("5210009001", "7")]));
    assert_eq!(rig.state.status().queue_error, None);
    rig.step(Input::Sent(vec![Ok(())]));
    assert_eq!(rig.state.counters().delays.count(), 2);
    assert!(rig.state.status().accounts[&id("main")].connections == [ConnectionId(1)]);
}
