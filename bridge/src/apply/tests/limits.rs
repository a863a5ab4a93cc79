//! What the exchange allows an address: weight, pauses, bans.

use std::time::Duration;

use binance::stream::{Refusal, StreamEvent, WeightCount};
use trading::{ADDRESS_WEIGHT, SHARED_REST_WEIGHT, StreamState};

use super::rig::{Rig, account, refusal};
use crate::{Config, ConnectionId, Effect, Input};

#[test]
fn nothing_is_asked_while_the_exchange_wants_quiet() {
    let pause = Duration::from_secs(100);
    for refusal in [
        Refusal {
            retry_after: Some(pause),
            ..refusal(429, -1003)
        },
        Refusal {
            retry_after: Some(pause),
            ..refusal(418, -1003)
        },
    ] {
        let mut rig = Rig::new(&["one", "two"]);
        rig.refused = vec![("one", refusal)];
        rig.pass(1_000);
        let asked = rig.asked().len();
        rig.accounts.push(account("three"));
        rig.refused.clear();
        rig.pass(98_000);
        assert_eq!(rig.asked().len(), asked);
        rig.pass(62_000);
        assert!(rig.down().is_empty(), "{:?}", rig.down());
    }
}

#[test]
fn an_address_that_has_used_most_of_its_weight_is_spared() {
    let weight = |used| {
        let limit = 6_000;
        StreamEvent::Weight(WeightCount { used, limit })
    };
    let mut rig = Rig::up(&["one"]);
    rig.stream(1, weight(4_799));
    rig.accounts.push(account("two"));
    rig.pass(4_000);
    assert_eq!(rig.asked().len(), 1);
    rig.stream(1, weight(4_800));
    rig.accounts.push(account("three"));
    rig.pass(9_000);
    assert_eq!(rig.asked().len(), 1, "nothing is asked for");
    rig.stream(1, weight(5_990));
    rig.pass(9_000);
    assert_eq!(rig.asked().len(), 1, "and still nothing");
    rig.stream(1, weight(17));
    rig.pass(2_000);
    assert_eq!(rig.asked().len(), 2);
}

#[test]
fn a_banned_address_does_not_connect_before_its_time() {
    let mut rig = Rig::up(&["main"]);
    rig.step(Input::Lost {
        connection: ConnectionId(1),
        why: "HTTP status 418".to_owned(),
        retry_after: Some(Duration::from_secs(300)),
    });
    rig.pass(299_000);
    assert_eq!(rig.opened(), Vec::<u64>::new());
    rig.pass(2_000);
    assert_eq!(rig.opened(), [2]);
}

#[test]
fn flapping_connections_never_exceed_the_weight() {
    let names: Vec<String> = (0..200)
        .map(|number| format!("account-{number:03}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rig = Rig::new(&names);
    let mut connection = 0;
    for _ in 0..60 {
        rig.pass(1_000);
        if let Some(latest) = rig.opened().last().copied()
            && latest > connection
        {
            connection = latest;
            rig.lose(connection, "flap");
        }
    }
    let weight = rig.asked().len() * 2 + rig.opened().len() * 3;
    assert!(weight <= 4_400, "{weight}");
}

/// Loses all connections of 1,000 accounts at once, and waits until all their streams are up again: the most weight asked
/// for within any minute, and how many seconds it took.
fn a_thousand_reconnect(set: impl FnOnce(&mut Config)) -> (usize, u64) {
    let names: Vec<String> = (0..1_000)
        .map(|number| format!("account-{number:03}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rig = Rig::with(&names, set);
    let mut by_second = Vec::new();
    let mut second = |rig: &mut Rig| {
        rig.effects.clear();
        rig.pass(1_000);
        let listed = rig.effects.iter();
        let listed = listed.filter(|effect| matches!(effect, Effect::Check { .. }));
        by_second.push(rig.asked().len() * 2 + rig.opened().len() * 3 + listed.count() * 2);
    };
    let all_up = |rig: &Rig| {
        let streams = rig.state.status().accounts.into_values();
        let up = streams.filter(|status| matches!(status.stream, StreamState::Subscribed { .. }));
        up.count() == 1_000
    };
    // The budget is full again after the start's own subscriptions.
    for _ in 0..180 {
        second(&mut rig);
    }
    assert!(all_up(&rig), "{:?}", rig.down());
    for connection in 1..=5 {
        rig.lose(connection, "the exchange restarts");
    }
    let mut seconds = 0;
    while !all_up(&rig) {
        second(&mut rig);
        seconds += 1;
        assert!(seconds < 300, "{} are down", rig.down().len());
    }
    let minutes = by_second.windows(60).map(|minute| minute.iter().sum());
    (minutes.max().unwrap(), seconds)
}

#[test]
fn a_thousand_accounts_reconnect_within_the_weight() {
    let (most, seconds) = a_thousand_reconnect(|_| {});
    // Each costs 2 to subscribe, so that less than 2,000 would mean that not all were.
    assert!((2_000..=4_400).contains(&most), "{most}");
    assert!(seconds <= 60, "{seconds}");
}

#[test]
fn a_thousand_accounts_reconnect_beside_trading_on_one_address() {
    let (most, seconds) = a_thousand_reconnect(|config| *config = config.clone().sharing_weight());
    let left = usize::try_from(ADDRESS_WEIGHT - SHARED_REST_WEIGHT).unwrap();
    assert!(most <= left, "{most} of {left}");
    // 2,000 for the subscriptions, of which 600 at once and then 600 a minute.
    assert!((140..=180).contains(&seconds), "{seconds}");
}
