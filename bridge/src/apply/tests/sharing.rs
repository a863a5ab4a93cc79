//! Bridges that share accounts: joining, dying, handing over, and whose word is in the record.

use std::time::Duration;

use proptest::prelude::*;
use trading::{Heartbeat, StreamState};

use super::fleet::Fleet;
use super::rig::{Rig, account};
use crate::Effect;
use crate::budget::Budget;

const MANY: usize = 60;

#[test]
fn one_holds_all_and_so_do_two() {
    let mut fleet = Fleet::of(&["a"], MANY);
    assert_eq!(fleet.spread(), [(1, MANY)].into());
    fleet.join("b", 0);
    fleet.pass(60_000);
    assert_eq!(fleet.spread(), [(2, MANY)].into());
    assert!(fleet.unsubscribed("a").is_empty() && fleet.unsubscribed("b").is_empty());
}

#[test]
fn a_bridge_that_joins_takes_its_share_and_no_account_is_held_by_fewer_meanwhile() {
    let mut fleet = Fleet::of(&["a", "b"], MANY);
    fleet.join("c", 0);
    fleet.pass_and(60_000, |fleet| {
        let fewest = fleet
            .holders()
            .values()
            .map(std::collections::BTreeSet::len)
            .min();
        assert!(fewest >= Some(2), "{:?}", fleet.holders());
    });
    assert_eq!(fleet.spread(), [(2, MANY)].into());
    let shares = ["a", "b", "c"].map(|name| fleet.held_by(name).len());
    assert!(
        shares.iter().all(|share| (30..=50).contains(share)),
        "{shares:?}"
    );
    // Only what it is to hold was ever taken up, and each account given up once, by one bridge.
    assert!(fleet.unsubscribed("c").is_empty());
    let given_up = fleet.unsubscribed("a").len() + fleet.unsubscribed("b").len();
    assert_eq!(given_up, shares[2]);
    let counted = ["a", "b"].map(|name| fleet.bridges[name].state.counters().handed_over);
    assert_eq!(counted.iter().sum::<u64>(), shares[2] as u64);
    fleet.records_are_true();
}

#[test]
fn nothing_is_given_up_to_a_bridge_that_does_not_hold_it() {
    let mut fleet = Fleet::of(&["a", "b"], MANY);
    fleet.join("c", 0);
    fleet.rig("c").network_up = false;
    fleet.pass(120_000);
    assert_eq!(fleet.held_by("a").len(), MANY);
    assert_eq!(fleet.held_by("b").len(), MANY);
    fleet.rig("c").network_up = true;
    fleet.pass(120_000);
    assert_eq!(fleet.spread(), [(2, MANY)].into());
}

#[test]
fn the_accounts_of_a_dead_bridge_are_taken_up_once_its_heartbeat_is_old() {
    let mut fleet = Fleet::of(&["a", "b", "c", "d"], MANY);
    let before = fleet.holders();
    let of_dead = fleet.held_by("c");
    assert!(!of_dead.is_empty());
    fleet.die("c");
    fleet.pass(10_000);
    let alone = of_dead.len();
    assert_eq!(fleet.spread(), [(1, alone), (2, MANY - alone)].into());
    fleet.pass(10_000);
    assert_eq!(fleet.spread(), [(2, MANY)].into());
    for (account, names) in fleet.holders() {
        let mut stayed = before[&account].clone();
        stayed.remove("c");
        assert!(
            names.is_superset(&stayed),
            "{account}: {stayed:?}, now {names:?}"
        );
    }
    fleet.pass(20_000);
    fleet.records_are_true();
}

#[test]
fn a_bridge_that_starts_again_under_its_name_finds_its_share_waiting() {
    let mut fleet = Fleet::of(&["a", "b", "c"], MANY);
    let held = fleet.held_by("b");
    for name in ["a", "c"] {
        fleet.rig(name).forget();
    }
    fleet.die("b");
    fleet.pass(1_000);
    fleet.join("b", 0);
    fleet.pass(30_000);
    assert_eq!(fleet.held_by("b"), held);
    assert!(fleet.unsubscribed("a").is_empty() && fleet.unsubscribed("c").is_empty());
}

#[test]
fn heartbeats_that_cannot_be_read_change_nothing() {
    let mut fleet = Fleet::of(&["a", "b", "c"], MANY);
    let before = fleet.holders();
    for name in ["a", "b", "c"] {
        fleet.rig(name).table = Err("damaged".to_owned());
    }
    fleet.pass(60_000);
    assert_eq!(fleet.holders(), before);
    let warned = fleet.bridges["a"].effects.iter().filter(
        |effect| matches!(effect, Effect::Warn(text) if text.contains("heartbeats") && text.contains("damaged")),
    );
    assert_eq!(warned.count(), 1);
    fleet.accounts.push(account("new"));
    fleet.pass(10_000);
    assert_eq!(
        fleet.holders()["new"].len(),
        2,
        "as the last ones that were read say"
    );
    for name in ["a", "b", "c"] {
        fleet.rig(name).table = Ok(Vec::new());
    }
    fleet.pass(60_000);
    assert_eq!(fleet.spread(), [(2, MANY + 1)].into());
}

/// What they said last may no longer be so: whoever was to take the rest over may have died since.
#[test]
fn a_bridge_that_cannot_read_them_gives_nothing_more_up() {
    let mut fleet = Fleet::of(&["a", "b"], MANY);
    fleet.rig("a").state.config.subscriptions_per_second = 2;
    fleet.join("c", 0);
    let mut millis = 0;
    while fleet.unsubscribed("a").is_empty() && millis < 60_000 {
        fleet.pass(100);
        millis += 100;
    }
    let given_up = fleet.unsubscribed("a");
    assert_eq!(given_up.len(), 2, "it keeps its pace");
    fleet.rig("a").table = Err("denied".to_owned());
    fleet.pass(60_000);
    assert_eq!(fleet.unsubscribed("a"), given_up);
    fleet.rig("a").table = Ok(Vec::new());
    fleet.pass(60_000);
    assert_eq!(fleet.spread(), [(2, MANY)].into());
}

/// Whoever has come, said that it holds accounts and died while this one could not see it is taken for alive.
#[test]
fn a_bridge_that_could_not_read_them_for_long_gives_nothing_up_for_what_it_missed() {
    let mut fleet = Fleet::of(&["a", "b"], MANY);
    fleet.join("c", 0);
    fleet.pass(3_500);
    assert!(fleet.unsubscribed("a").is_empty());
    fleet.rig("a").table = Err("denied".to_owned());
    fleet.pass(10_000);
    assert!(!fleet.heartbeats["c"].accounts.is_empty());
    fleet.die("c");
    fleet.pass(60_000);
    fleet.rig("a").table = Ok(Vec::new());
    fleet.pass(60_000);
    assert!(fleet.unsubscribed("a").is_empty());
    assert_eq!(fleet.spread(), [(2, MANY)].into());
}

#[test]
fn a_hand_over_leaves_half_of_the_weight_to_subscriptions() {
    let mut fleet = Fleet::of(&["a", "b"], MANY);
    let state = &mut fleet.rig("a").state;
    (state.config.weight_burst, state.config.weight_per_minute) = (20, 0);
    state.budget = Budget::new(&state.config);
    fleet.join("c", 0);
    fleet.pass(60_000);
    assert_eq!(fleet.unsubscribed("a").len(), 5);
}

#[test]
fn a_bridge_that_never_could_read_them_holds_everything() {
    let mut fleet = Fleet::of(&["a", "b", "c"], MANY);
    fleet.join("d", 0);
    fleet.rig("d").table = Err("denied".to_owned());
    fleet.pass(60_000);
    assert_eq!(fleet.held_by("d").len(), MANY);
}

#[test]
fn clocks_that_differ_change_nothing() {
    let mut fleet = Fleet::new(MANY);
    fleet.join("a", -3_600_000);
    fleet.join("b", 0);
    fleet.join("c", 40_000);
    fleet.pass(60_000);
    assert_eq!(fleet.spread(), [(2, MANY)].into());
    fleet.die("c");
    fleet.pass(20_000);
    assert_eq!(fleet.spread(), [(2, MANY)].into());
    fleet.pass(20_000);
    fleet.records_are_true();
}

/// To one whose clock is ahead everybody looks dead at first sight.
#[test]
fn a_bridge_that_joins_with_a_wrong_clock_says_nothing_against_claims_that_stand() {
    for skew in [-40_000, 0, 40_000] {
        let mut fleet = Fleet::of(&["a", "b"], MANY);
        fleet.written.clear();
        fleet.join("c", skew);
        fleet.pass(10_000);
        assert_eq!(fleet.written, [], "{skew}");
        fleet.pass(120_000);
        fleet.records_are_true();
        assert!(fleet.written.len() <= MANY, "{skew}");
    }
}

/// The record names a bridge that died; the first in rank is without a stream, the second has one.
#[test]
fn whoever_is_without_a_stream_says_so_of_no_account_that_another_brings() {
    let mut fleet = Fleet::of(&["b", "c"], MANY);
    fleet.join("a", 0);
    fleet.rig("a").network_up = false;
    fleet.pass(60_000);
    fleet.written.clear();
    fleet.die("c");
    fleet.pass(60_000);
    let downs = fleet
        .written
        .iter()
        .filter(|(.., state)| matches!(state, StreamState::Down { .. }));
    assert_eq!(downs.count(), 0);
    fleet.records_are_true();
}

#[test]
fn bridges_that_never_could_read_heartbeats_do_not_take_turns_in_the_records() {
    let mut fleet = Fleet::new(MANY);
    for name in ["a", "b"] {
        fleet.join(name, 0);
        fleet.rig(name).table = Err("denied".to_owned());
    }
    fleet.pass(60_000);
    fleet.written.clear();
    fleet.pass(60_000);
    assert_eq!(fleet.written, []);
}

#[test]
fn the_record_of_an_account_does_not_flap() {
    let mut fleet = Fleet::of(&["a", "b", "c"], MANY);
    fleet.records_are_true();
    fleet.written.clear();
    fleet.pass(300_000);
    assert_eq!(fleet.written, [], "nobody has anything new to say");
}

/// A claim passes from a bridge that lost its stream to one that has it, and the record never says
/// that the account has none.
#[test]
fn a_stream_that_another_bridge_brings_is_never_recorded_as_down() {
    let mut fleet = Fleet::of(&["a", "b"], MANY);
    let claimed = |fleet: &Fleet, name: &str| {
        let claims = fleet.accounts.iter().filter(
            |record| matches!(&record.stream, StreamState::Subscribed { bridge, .. } if bridge == name),
        );
        claims.count()
    };
    let (loser, other) = if claimed(&fleet, "a") > 0 {
        ("a", "b")
    } else {
        ("b", "a")
    };
    fleet.written.clear();
    fleet.rig(loser).network_up = false;
    fleet.rig(loser).lose(1, "reset");
    fleet.pass(60_000);
    assert_eq!(claimed(&fleet, other), MANY);
    fleet.rig(loser).network_up = true;
    fleet.pass(120_000);
    assert_eq!(fleet.spread(), [(2, MANY)].into());
    let downs = fleet
        .written
        .iter()
        .filter(|(.., state)| matches!(state, StreamState::Down { .. }));
    assert_eq!(downs.count(), 0);
    assert!(
        fleet.written.len() <= MANY,
        "each changed hands once: {}",
        fleet.written.len()
    );
}

#[test]
fn an_account_that_nobody_can_subscribe_is_recorded_as_down_once() {
    let mut fleet = Fleet::of(&["a", "b", "c"], MANY);
    for name in ["a", "b", "c"] {
        fleet.rig(name).network_up = false;
        fleet.rig(name).lose(1, "reset");
    }
    fleet.pass(60_000);
    assert!(
        fleet
            .accounts
            .iter()
            .all(|record| matches!(record.stream, StreamState::Down { .. }))
    );
    fleet.written.clear();
    fleet.pass(60_000);
    assert_eq!(fleet.written, [], "their reasons do not take turns");
    for name in ["a", "b", "c"] {
        fleet.rig(name).network_up = true;
    }
    fleet.pass(120_000);
    fleet.records_are_true();
}

#[test]
fn only_accounts_that_nobody_brings_are_polled() {
    let mut fleet = Fleet::of(&["a", "b"], 1);
    fleet.rig("b").network_up = false;
    fleet.rig("b").lose(1, "reset");
    fleet.rig("b").forget();
    fleet.pass(60_000);
    assert!(
        fleet.bridges["b"].reconciled().is_empty(),
        "the other one brings it"
    );
    fleet.die("a");
    fleet.pass(60_000);
    let polled = fleet.bridges["b"].reconciled().len();
    assert!((3..=5).contains(&polled), "{polled}");
}

#[test]
fn a_bridge_that_is_stopped_leaves_its_claims_to_the_others() {
    let mut fleet = Fleet::of(&["a", "b"], MANY);
    fleet.written.clear();
    fleet.stop("a");
    assert_eq!(fleet.written, [], "b has them all");
    fleet.pass(20_000);
    fleet.records_are_true();
    let downs = fleet
        .written
        .iter()
        .filter(|(.., state)| matches!(state, StreamState::Down { .. }));
    assert_eq!(downs.count(), 0);
    fleet.stop("b");
    assert!(
        fleet
            .accounts
            .iter()
            .all(|record| matches!(record.stream, StreamState::Down { .. }))
    );
}

#[test]
fn a_bridge_that_does_not_share_holds_all_whatever_the_heartbeats_say() {
    let mut rig = Rig::new(&["one", "two"]);
    rig.table = Ok(["a", "b", "c", "d", "e", "f"]
        .map(|name| Heartbeat {
            bridge: name.to_owned(),
            at: rig.wall(),
            connections: 1,
            accounts: rig
                .accounts
                .iter()
                .map(|record| record.id.clone())
                .collect(),
        })
        .into());
    rig.pass(60_000);
    assert!(rig.down().is_empty());
    assert_eq!(rig.state.accounts.len(), 2);
}

/// Something that happens to a fleet.
#[derive(Debug, Clone)]
enum Turn {
    Join {
        skew: i64,
    },
    Die {
        at: usize,
    },
    /// A bridge can neither read nor write the table for a while, or not read heartbeats.
    Blind {
        at: usize,
        store: bool,
        millis: u64,
    },
    Account,
    Pass {
        millis: u64,
    },
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        3 => (-60_000..60_000_i64).prop_map(|skew| Turn::Join { skew }),
        3 => any::<usize>().prop_map(|at| Turn::Die { at }),
        1 => (any::<usize>(), any::<bool>(), 100..40_000_u64)
            .prop_map(|(at, store, millis)| Turn::Blind { at, store, millis }),
        1 => Just(Turn::Account),
        4 => (100..12_000_u64).prop_map(|millis| Turn::Pass { millis }),
    ]
}

/// How long the others take to see a death and to make up for it: the heartbeat's life, a reading
/// each of theirs and of the list, the subscription.
const SEEN_AFTER: Duration = Duration::from_secs(25);

fn live_through(turns: Vec<Turn>) -> Fleet {
    let mut fleet = Fleet::new(12);
    fleet.join("bridge-0", 0);
    fleet.pass(5_000);
    assert_eq!(fleet.spread(), [(1, 12)].into());
    let (mut started, mut settled, mut judged) = (1, Duration::ZERO, Duration::ZERO);
    for turn in turns {
        let alive: Vec<String> = fleet.bridges.keys().cloned().collect();
        let named = |at: usize| alive[at % alive.len()].clone();
        match turn {
            Turn::Join { skew } if alive.len() < 6 => {
                fleet.join(&format!("bridge-{started}"), skew);
                started += 1;
                judged = fleet.now + SEEN_AFTER;
            }
            Turn::Die { at } if alive.len() > 1 => {
                // One at a time: two deaths within one reading may be both who held an account.
                while fleet.now < settled {
                    check_while(&mut fleet, 1_000);
                }
                // Nor one that alone holds an account, for want of others or of time since they came.
                let alone = [named(at)].into();
                if !fleet.holders().values().any(|holders| *holders == alone) {
                    fleet.die(&named(at));
                    settled = fleet.now + SEEN_AFTER;
                }
            }
            Turn::Blind { at, store, millis } => {
                let name = named(at);
                if store {
                    fleet.rig(&name).store_up = false;
                } else {
                    fleet.rig(&name).table = Err("blind".to_owned());
                }
                check_while(&mut fleet, millis);
                let rig = fleet.rig(&name);
                (rig.store_up, rig.table) = (true, Ok(Vec::new()));
                settled = fleet.now + SEEN_AFTER;
            }
            Turn::Account => {
                let name = format!("late-{}", fleet.accounts.len());
                fleet.accounts.push(account(&name));
                fleet.pass(5_000);
                // Until the living are told from the dead, it may be taken for the business of these.
                while fleet.now < settled.max(judged) && fleet.holders()[&name].is_empty() {
                    fleet.pass(100);
                }
                settled = settled.max(fleet.now);
            }
            Turn::Pass { millis } => check_while(&mut fleet, millis),
            Turn::Join { .. } | Turn::Die { .. } => {}
        }
    }
    fleet
}

/// Lets time go by. At no time is there an account that no living bridge holds.
fn check_while(fleet: &mut Fleet, millis: u64) {
    fleet.pass_and(millis, |fleet| {
        for (account, names) in fleet.holders() {
            assert!(
                !names.is_empty(),
                "{account} is held by nobody at {:?}",
                fleet.now
            );
        }
    });
}

/// A bridge dies, two join later, and one of these takes the dead one for alive at first sight: its clock was ahead.
/// With the next death an account was given up to both of the dead.
#[test]
fn an_account_is_not_given_up_to_a_bridge_that_was_dead_before_this_one_began() {
    let turns = vec![
        Turn::Blind {
            at: 0,
            store: false,
            millis: 11_000,
        },
        Turn::Join { skew: 40_900 },
        Turn::Die { at: 1 },
        Turn::Pass { millis: 4_500 },
        Turn::Account,
        Turn::Pass { millis: 9_500 },
        Turn::Join { skew: 12_039 },
        Turn::Join { skew: 47_083 },
        Turn::Die { at: 0 },
        Turn::Pass { millis: 25_000 },
    ];
    let mut fleet = live_through(turns);
    fleet.pass(60_000);
    assert_eq!(fleet.spread(), [(2, 13)].into());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whoever_joins_and_dies_every_account_is_held_and_in_the_end_by_two(
        turns in proptest::collection::vec(turn(), 1..30),
    ) {
        let mut fleet = live_through(turns);
        fleet.pass(60_000);
        let holders = fleet.bridges.len().min(2);
        prop_assert_eq!(fleet.spread(), [(holders, fleet.accounts.len())].into());
        fleet.records_are_true();
        fleet.written.clear();
        fleet.pass(30_000);
        prop_assert_eq!(&fleet.written, &[]);
    }
}
