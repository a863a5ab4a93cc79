//! Random faults: whatever happens, every gap is followed by a comparison, and once the faults end
//! every stream is up and nothing waits.

use std::time::Duration;

use binance::stream::StreamEvent;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use trading::{Message, SECOND_RECONCILE, StreamState};

use super::rig::{Answer, Rig, id, key, refusal, report};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn fault(rig: &mut Rig, dice: &mut SmallRng) {
    let name = NAMES[dice.random_range(0..NAMES.len())];
    let connection = dice.random_range(1..=rig.opened().len().max(1) as u64 + 1);
    match dice.random_range(0..14) {
        0 => rig.lose(connection, "reset"),
        1 => rig.stream(connection, StreamEvent::ServerShutdown),
        2 => rig.stream(
            connection,
            StreamEvent::Ended {
                account: id(name),
                why: "ended",
            },
        ),
        3 => {
            rig.refused = vec![(
                name,
                refusal(400, [-2015, -2035, -1021][dice.random_range(0..3)]),
            )]
        }
        4 => rig.refused.clear(),
        5 => rig.network_up = !rig.network_up,
        6 => rig.store_up = !rig.store_up,
        7 => {
            rig.queue =
                [Answer::Takes, Answer::Refuses, Answer::RefusesFirst][dice.random_range(0..3)]
        }
        8 => rig.answering = !rig.answering,
        9 => {
            let at = dice.random_range(0..rig.accounts.len());
            rig.accounts[at].stream_key = key(&dice.random::<u32>().to_string());
        }
        10 => {
            let unreadable = StreamEvent::Unreadable {
                account: None,
                ids: None,
                error: "?".to_owned(),
            };
            rig.stream(connection, unreadable);
        }
        11 => rig.stream(connection, StreamEvent::Subscribed { account: id(name) }),
        _ => rig.report(name, report(&[])),
    }
}

#[test]
fn after_any_faults_every_gap_was_compared_and_every_stream_is_up() {
    for seed in 0..150 {
        let mut dice = SmallRng::seed_from_u64(seed);
        let mut rig = Rig::with(&NAMES, |config| {
            config.buffer = 20;
            config.account_silence = std::time::Duration::from_secs(3_600);
        });
        for _ in 0..60 {
            rig.jitter = dice.random();
            fault(&mut rig, &mut dice);
            rig.pass(dice.random_range(1..80) * 100);
        }
        rig.network_up = true;
        rig.store_up = true;
        rig.answering = true;
        rig.queue = Answer::Takes;
        rig.refused.clear();
        rig.pass(200_000);
        assert_eq!(rig.down(), [], "seed {seed}");
        assert_eq!(rig.state.status().buffered, 0, "seed {seed}");
        for record in &rig.accounts {
            assert!(
                matches!(record.stream, StreamState::Subscribed { .. }),
                "seed {seed}: {record:?}"
            );
        }
        every_stream_has_one_subscription(&rig, seed);
        compared_after_each_gap(&rig, seed);
    }
}

fn every_stream_has_one_subscription(rig: &Rig, seed: u64) {
    for (id, status) in rig.state.status().accounts {
        assert_eq!(status.connections.len(), 1, "seed {seed}: {id} {status:?}");
    }
}

/// Since each stream last came up, its account was compared at once and a second time.
fn compared_after_each_gap(rig: &Rig, seed: u64) {
    for (account, status) in rig.state.status().accounts {
        let StreamState::Subscribed { since, .. } = status.stream else {
            panic!("seed {seed}: {account} is down")
        };
        for wanted in [Duration::ZERO, SECOND_RECONCILE] {
            let compared = rig.sent.iter().zip(&rig.sent_at).any(|(outgoing, at)| {
                *at >= since
                    && outgoing.delay == wanted
                    && matches!(&outgoing.message,
                        Message::Reconcile { account: told, bot: None, .. } if *told == account)
            });
            assert!(
                compared,
                "seed {seed}: {account} not compared after {since}, {wanted:?}"
            );
        }
    }
}

/// A lost report is only ever lost together with a request to compare its account.
#[test]
fn every_report_is_sent_or_stands_for_a_comparison() {
    for seed in 0..200 {
        let mut dice = SmallRng::seed_from_u64(seed);
        let mut rig = Rig::with(&["a"], |config| config.buffer = 10);
        rig.pass(2_000);
        rig.forget();
        let mut reported = 0;
        for _ in 0..80 {
            rig.queue =
                [Answer::Takes, Answer::Refuses, Answer::RefusesFirst][dice.random_range(0..3)];
            for _ in 0..dice.random_range(0..8) {
                rig.report("a", report(&[]));
                reported += 1;
            }
            rig.pass(dice.random_range(1..100) * 100);
        }
        rig.queue = Answer::Takes;
        rig.pass(200_000);
        assert_eq!(rig.state.status().buffered, 0);
        assert!(
            rig.executions() == reported || !rig.reconciled().is_empty(),
            "seed {seed}: {} of {reported} sent and no comparison asked for",
            rig.executions()
        );
        assert!(
            rig.executions() <= reported,
            "seed {seed}: nothing is sent twice once it was taken"
        );
    }
}
