//! What occurred in a seed's life, and what has to occur in a sweep for it to prove anything.

use std::collections::BTreeMap;

use exchange_simulator::faults::FaultKind;

use crate::World;

/// How often what occurred.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage(pub BTreeMap<String, u64>);

/// What became of the reports, and of placements by the shipped use cases.
const REPORTS: [&str; 7] = [
    "Booked",
    "BookedAside",
    "Duplicate",
    "NotOurs",
    "Noted",
    "Quarantined",
    "Waiting",
];

/// Every `domain::FillDecision` that a report alone can lead to. The remaining one, `BookAside`, is
/// made of fetched trades: it is the report `BookedAside`.
const DECISIONS: [&str; 8] = [
    "Book",
    "Duplicate",
    "Missing",
    "NotOurs",
    "Noted",
    "Passed",
    "Quarantine",
    "SecondOrder",
];

/// Every `domain::RecoveryAction`.
const ACTIONS: [&str; 14] = [
    "cancel",
    "find_out",
    "hold",
    "lay",
    "lay_down",
    "leave",
    "leave_leased",
    "leave_recent",
    "liquidate",
    "place",
    "query",
    "reexamine",
    "rest",
    "wait",
];

/// Every `trading::PlaceOutcome`, the unknown ones by cause.
const OUTCOMES: [&str; 8] = [
    "Accepted",
    "AlreadyThere",
    "Refused",
    "Unknown(Connection)",
    "Unknown(Server)",
    "Unknown(Timeout)",
    "Unknown(Unreadable)",
    "WindowExpired",
];

/// Every outcome of every conditional write but one: a fill that is in the ledger already is found by
/// the level's version first. That the ledger would refuse it too is shown by the store's own tests
/// and by the known-bad handlers.
const WRITES: [&str; 8] = [
    "claim_intent Lost",
    "claim_intent Won",
    "commit_fill Committed",
    "commit_fill LevelChanged",
    "settle_intent MovedOn",
    "settle_intent Settled",
    "update_bot Lost",
    "update_bot Won",
];

const EVENTS: [&str; 7] = [
    "Adopted",
    "Cancelled",
    "Claimed",
    "Held",
    "Laid",
    "Recovered",
    "Refused",
];

/// What occurred in a world.
pub(super) fn of(world: &World, deaths: u64) -> Coverage {
    let mut counts = world.tallied();
    let mut add = |what: String, often: u64| *counts.entry(what).or_insert(0) += often;
    let state = world.exchange.state();
    for (kind, often) in state.injector.counts() {
        add(format!("fault {kind:?}"), *often);
    }
    for (outcome, often) in &state.outcomes {
        add(format!("place {outcome}"), *often);
    }
    add("trades".to_owned(), state.model.counts().trades);
    drop(state);
    let tables = world.store.tables();
    for ((write, outcome), often) in &tables.outcomes {
        add(format!("write {write} {outcome}"), *often);
    }
    for event in &tables.events {
        add(format!("event {:?}", event.kind), 1);
    }
    add("fills".to_owned(), tables.fills.len() as u64);
    add("deaths".to_owned(), deaths);
    Coverage(counts)
}

/// What a sweep has not seen: it says nothing about that.
#[must_use]
pub fn never_occurred(counts: &BTreeMap<String, u64>) -> Vec<String> {
    let named = |prefix: &'static str, names: &'static [&'static str]| {
        names.iter().map(move |name| format!("{prefix} {name}"))
    };
    let faults = FaultKind::ALL.iter().map(|kind| format!("fault {kind:?}"));
    named("report", &REPORTS)
        .chain(named("decision", &DECISIONS))
        .chain(named("action", &ACTIONS))
        .chain(named("place", &OUTCOMES))
        .chain(named("write", &WRITES))
        .chain(named("event", &EVENTS))
        .chain(faults)
        .filter(|what| !counts.contains_key(what))
        .collect()
}
