//! The way to the queue: at once, in batches when there is a wait, never without bound.

use std::collections::BTreeSet;

use trading::Message;

use super::rig::{Answer, Rig, report};
use crate::{Effect, Input, Outgoing};

fn trade(rig: &mut Rig, id: u64) {
    rig.report("main", report(&[("5210009001", &id.to_string())]));
}

fn trades(sent: &[Outgoing]) -> Vec<i64> {
    sent.iter()
        .filter_map(|outgoing| match &outgoing.message {
            Message::Execution { execution, .. } => Some(execution.trades[0].id.0),
            Message::Reconcile { .. } => None,
        })
        .collect()
}

fn batches(rig: &Rig) -> Vec<Vec<i64>> {
    rig.effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(batch) => Some(trades(batch)),
            _ => None,
        })
        .collect()
}

#[test]
fn what_gathers_during_a_send_goes_ten_at_a_time() {
    let mut rig = Rig::up(&["main"]);
    rig.queue = Answer::Hangs;
    for id in 1..=24 {
        trade(&mut rig, id);
    }
    assert_eq!(batches(&rig), [vec![1]]);
    rig.step(Input::Sent(vec![Ok(())]));
    rig.step(Input::Sent(vec![Ok(()); 10]));
    rig.step(Input::Sent(vec![Ok(()); 10]));
    rig.step(Input::Sent(vec![Ok(()); 3]));
    let expected = [
        vec![1],
        (2..=11).collect(),
        (12..=21).collect(),
        (22..=24).collect(),
    ];
    assert_eq!(batches(&rig), expected);
    assert_eq!(rig.state.status().buffered, 0);
    assert_eq!(
        rig.state.counters().sent,
        2 + 24,
        "two for the first subscription"
    );
}

#[test]
fn a_queue_that_fails_is_tried_again_with_pauses_and_loses_nothing() {
    let mut rig = Rig::up(&["main"]);
    rig.queue = Answer::Refuses;
    for id in 1..=15 {
        trade(&mut rig, id);
    }
    rig.pass(3_000);
    assert!(rig.sent.is_empty());
    let failures = rig.state.counters().send_failures;
    assert!((20..=60).contains(&failures), "no pauses: {failures}");
    rig.queue = Answer::Takes;
    rig.pass(10_000);
    assert_eq!(
        trades(&rig.sent),
        (1..=15).collect::<Vec<_>>(),
        "and keeps the order"
    );
}

#[test]
fn only_the_refused_one_of_a_batch_is_sent_again() {
    let mut rig = Rig::up(&["main"]);
    rig.queue = Answer::Hangs;
    for id in 1..=4 {
        trade(&mut rig, id);
    }
    rig.queue = Answer::RefusesFirst;
    rig.step(Input::Sent(vec![Ok(())]));
    assert_eq!(trades(&rig.sent), [3, 4]);
    rig.queue = Answer::Takes;
    rig.pass(2_000);
    assert_eq!(trades(&rig.sent), [3, 4, 2]);
}

#[test]
fn a_report_the_queue_never_takes_becomes_a_comparison() {
    let mut rig = Rig::up(&["main"]);
    rig.queue = Answer::Refuses;
    trade(&mut rig, 1);
    rig.pass(180_000);
    rig.queue = Answer::Takes;
    rig.pass(61_000);
    assert_eq!(trades(&rig.sent), Vec::<i64>::new());
    assert_eq!(rig.reconciled(), [("main".to_owned(), None, 0)]);
}

#[test]
fn an_answer_with_too_few_outcomes_counts_as_failures() {
    let mut rig = Rig::up(&["main"]);
    rig.queue = Answer::Hangs;
    trade(&mut rig, 1);
    rig.queue = Answer::Takes;
    rig.step(Input::Sent(vec![]));
    rig.pass(2_000);
    assert_eq!(trades(&rig.sent), [1]);
}

#[test]
fn what_does_not_fit_becomes_a_comparison() {
    let mut rig = Rig::with(&["main"], |config| config.buffer = 5);
    rig.pass(2_000);
    rig.forget();
    rig.queue = Answer::Refuses;
    for id in 1..=100 {
        trade(&mut rig, id);
    }
    assert!(
        rig.state.status().buffered <= 7,
        "{}",
        rig.state.status().buffered
    );
    assert_eq!(rig.state.counters().overflowed, 95);
    rig.queue = Answer::Takes;
    rig.pass(10_000);
    assert_eq!(trades(&rig.sent), [1, 2, 3, 4, 5]);
    assert_eq!(rig.reconciled(), [("main".to_owned(), None, 0)]);
}

#[test]
fn comparisons_are_not_held_up_by_a_flood_of_reports() {
    let mut rig = Rig::up(&["main"]);
    rig.queue = Answer::Hangs;
    for id in 1..=100 {
        trade(&mut rig, id);
    }
    let amended = [(r#""x":"TRADE""#, r#""x":"REPLACED""#)];
    rig.report("main", report(&amended));
    rig.step(Input::Sent(vec![Ok(())]));
    let Some(Effect::Send(second)) = rig
        .effects
        .iter()
        .rfind(|effect| matches!(effect, Effect::Send(_)))
    else {
        panic!("nothing was sent")
    };
    assert_eq!(second.len(), 10);
    assert_eq!(trades(second).len(), 9);
}

#[test]
fn bots_that_do_not_exist_cannot_fill_the_memory() {
    let mut rig = Rig::with(&["main"], |config| config.buffer = 50);
    rig.pass(2_000);
    rig.forget();
    rig.queue = Answer::Refuses;
    for bot in 0..1_000 {
        let id = format!("gk-bot{bot}-7-3");
        rig.report(
            "main",
            report(&[
                ("gk-bot1-7-3", &id),
                (r#""x":"TRADE""#, r#""x":"REPLACED""#),
            ]),
        );
    }
    assert!(
        rig.state.status().buffered <= 52,
        "{}",
        rig.state.status().buffered
    );
    rig.queue = Answer::Takes;
    rig.pass(10_000);
    let subjects: BTreeSet<_> = rig.reconciled().into_iter().collect();
    assert!(
        subjects.contains(&("main".to_owned(), None, 0)),
        "the account stands for the rest"
    );
}
