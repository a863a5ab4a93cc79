//! What a run did and what came of it, in numbers.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::calm::STOPPED;
use crate::keeper::REFUSED_WRITES;
use crate::tally::Tally;
use crate::verdict::Verdict;

/// One run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// What repeats its choices.
    pub seed: u64,
    /// How long everything went wrong, ms.
    pub storm_ms: u64,
    /// How long the system took to come to rest then, ms.
    pub rest_ms: u64,
    /// How often `up` was killed with `-9`.
    pub kills: u64,
    /// How often it was started again.
    pub restarts: u64,
    /// How often it did not start because a command held its folder.
    pub starts_refused: u64,
    /// How often the network was cut, by link and kind.
    pub cuts: BTreeMap<String, u64>,
    /// How often the disk was full, in which way, and what `up` did.
    pub disk_full: BTreeMap<String, u64>,
    /// How often a write was refused by a full disk, as `up` told it (once until it could write again) and as
    /// commands did.
    pub refused_writes: u64,
    /// How often the exchange's clock was changed by command.
    pub clock_changes: u64,
    /// What was done to streams by command.
    pub streams: BTreeMap<String, u64>,
    /// What else was done to the exchange by command.
    pub trades_split: u64,
    /// What operators typed, by kind.
    pub typed: BTreeMap<String, u64>,
    /// What became of it.
    pub commands: BTreeMap<String, u64>,
    /// How many bots were created on the way, and how often one was told to stop for good.
    pub bots: BTreeMap<String, u64>,
    /// Why commands were refused.
    pub refusals: BTreeMap<String, u64>,
    /// Faults that the exchange made by itself, by kind.
    pub faults: BTreeMap<String, u64>,
    /// What could not be tried here, and why.
    pub not_possible: Vec<String>,
    /// Troubles that a run of this length has to have, and this one had not.
    pub never: Vec<String>,
    /// What the audits say; nothing if it did not come to that.
    pub verdict: Option<Verdict>,
    /// Why the run ended early.
    pub failure: Option<String>,
    /// Where logs and data are kept if something was wrong.
    pub kept: Option<String>,
}

impl Report {
    /// Takes over what was counted.
    pub(crate) fn add(&mut self, tally: &Tally) {
        self.kills = tally.of("kills");
        self.restarts = tally.of("starts").saturating_sub(1);
        self.refused_writes = tally.of(REFUSED_WRITES);
        self.trades_split = tally.of("trades split");
        self.typed = tally.group("typed: ");
        self.bots = tally.group("bots ");
        self.starts_refused = tally.of("starts refused");
        self.clock_changes = tally.of("clock changes");
        self.cuts = tally.group("cut: ");
        self.disk_full = tally.group("disk full: ");
        self.streams = tally.group("streams ");
        self.commands = tally.group("commands: ");
        self.refusals = tally.group("refusal: ");
    }

    /// Whether nothing is missing, doubled, broken or left over.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.failure.is_none()
            && self.never.is_empty()
            && self.verdict.as_ref().is_some_and(Verdict::is_clean)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}: {} s of storm, at rest {} s later",
            self.seed,
            self.storm_ms / 1_000,
            self.rest_ms / 1_000
        )?;
        writeln!(
            f,
            "kills {}, restarts {} ({} refused while a command held the folder), clock changes {}, \
             writes refused by a full disk {}, trades split anew {}",
            self.kills,
            self.restarts,
            self.starts_refused,
            self.clock_changes,
            self.refused_writes,
            self.trades_split
        )?;
        for (name, counts) in [
            ("cuts of the network", &self.cuts),
            ("disk full", &self.disk_full),
            ("streams", &self.streams),
            ("operators' commands", &self.typed),
            ("what became of them", &self.commands),
            ("further bots", &self.bots),
            ("refused because", &self.refusals),
            ("faults made by the exchange", &self.faults),
        ] {
            let sum: u64 = counts.values().sum();
            writeln!(f, "{name} {sum}: {}", Listed(counts))?;
        }
        for what in &self.not_possible {
            writeln!(f, "not possible here: {what}")?;
        }
        for what in &self.never {
            writeln!(f, "NEVER: {what}")?;
        }
        if let Some(verdict) = &self.verdict {
            write_verdict(verdict, f)?;
        }
        if let Some(failure) = &self.failure {
            writeln!(f, "FAILED: {failure}")?;
        }
        if let Some(kept) = &self.kept {
            writeln!(f, "logs and data are kept in {kept}")?;
        }
        Ok(())
    }
}

fn write_verdict(verdict: &Verdict, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(
        f,
        "fills {} (ledger {}: {}), completed orders {}, opposite orders {}, missing {}, duplicates {}",
        verdict.fills,
        verdict.ledger_entries,
        Listed(&verdict.learnt_from),
        verdict.completed_orders,
        verdict.opposite_orders,
        verdict.missing,
        verdict.duplicates
    )?;
    let (stopped, held): (Vec<_>, Vec<_>) = verdict
        .levels_without
        .iter()
        .partition(|(_, why)| why.starts_with(STOPPED));
    writeln!(
        f,
        "levels: {} with an order, {} without one for a stated reason, {} of bots that were stopped",
        verdict.levels_with_order,
        held.len(),
        stopped.len()
    )?;
    for (level, why) in held {
        writeln!(f, "  {level}: {why}")?;
    }
    for finding in &verdict.findings {
        writeln!(f, "WRONG: {finding}")?;
    }
    if verdict.is_clean() {
        writeln!(f, "both audits are clean")?;
    }
    Ok(())
}

struct Listed<'a>(&'a BTreeMap<String, u64>);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (at, (kind, times)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{kind} {times}")?;
        }
        Ok(())
    }
}
