//! Lives drawn by lot: whatever happens, each completed order is answered once.

use std::collections::BTreeMap;

use exchange_simulator::faults::FaultKind;
use simulation::sweep::{Outcome, Sweep, run};

/// How many seeds each build lives through.
const SEEDS: u64 = 300;

#[test]
fn every_seed_ends_sound() {
    let sweep = Sweep::default();
    let (mut trades, mut deaths) = (0, 0);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut failed: Vec<Outcome> = Vec::new();
    for seed in 0..SEEDS {
        let outcome = run(seed, &sweep);
        trades += outcome.trades;
        deaths += outcome.deaths;
        for (what, often) in &outcome.counts {
            *counts.entry(what.clone()).or_insert(0) += often;
        }
        if !outcome.findings.is_empty() {
            failed.push(outcome);
        }
    }
    let seeds: Vec<u64> = failed.iter().map(|outcome| outcome.seed).collect();
    assert!(
        failed.is_empty(),
        "{} of {SEEDS} seeds failed: {seeds:?}; the first is {}",
        failed.len(),
        failed[0]
    );
    assert!(trades > SEEDS * 10, "only {trades} trades");
    assert!(deaths > SEEDS, "only {deaths} deaths");
    assert_everything_occurred(&counts);
}

/// A sweep in which something never happened says nothing about it.
fn assert_everything_occurred(counts: &BTreeMap<String, u64>) {
    let outcomes = [
        "Booked",
        "Duplicate",
        "Noted",
        "Waiting",
        "Accepted",
        "AccountStopped",
        "Held",
        "Leased",
        "MovedOn",
        "NoAnswer",
        "Refused",
        "Unknown",
    ];
    let events = [
        "Adopted",
        "Cancelled",
        "Claimed",
        "Held",
        "Laid",
        "Recovered",
        "Refused",
    ];
    let faults = FaultKind::ALL.iter().map(|kind| format!("fault {kind:?}"));
    let expected = outcomes
        .iter()
        .map(ToString::to_string)
        .chain(events.iter().map(|event| format!("event {event}")))
        .chain(faults);
    let missing: Vec<String> = expected.filter(|what| !counts.contains_key(what)).collect();
    assert!(missing.is_empty(), "never happened: {missing:?}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let sweep = Sweep::default();
    for seed in [0, 1, 77] {
        assert_eq!(run(seed, &sweep), run(seed, &sweep));
    }
    assert_ne!(run(0, &sweep).trace, run(1, &sweep).trace);
}
