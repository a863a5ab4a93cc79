//! Lives drawn by lot: whatever happens, each completed order is answered once.

use std::collections::BTreeMap;

use simulation::sweep::{Notes, Outcome, add, never_occurred, run};

/// How many seeds each build lives through.
const SEEDS: u64 = 2_000;

#[test]
fn every_seed_ends_sound_and_everything_occurs() {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut failed: Vec<Outcome> = Vec::new();
    for seed in 0..SEEDS {
        let outcome = run(seed, Notes::NotKept);
        add(&mut counts, &outcome.coverage);
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
    let missing = never_occurred(&counts);
    assert!(missing.is_empty(), "never happened: {missing:?}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [0, 1, 77] {
        assert_eq!(run(seed, Notes::Kept), run(seed, Notes::Kept));
    }
    assert_ne!(run(0, Notes::NotKept).trace, run(1, Notes::NotKept).trace);
}
