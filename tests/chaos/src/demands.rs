//! What a run has to have lived through before its verdict says anything.
//!
//! Start at [`never`].

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cuts;
use crate::operators;
use crate::report::Report;
use crate::weather;

/// A run at least so long has to have had every kind of trouble: each has its turn within this time, even where a machine
/// is slow. A shorter one has to have had some of each sort.
pub(crate) const LONG: Duration = Duration::from_secs(75);

/// The fewest fills per second of an ordinary run. A market that stands still proves nothing.
const FILLS_PER_SECOND: u64 = 1;

/// What never happened in a run of this length, though it had to.
pub(crate) fn never(report: &Report, length: Duration, ways: &[&str]) -> Vec<String> {
    let mut demands = Demands(Vec::new());
    demands.some("kills", report.kills);
    demands.some("restarts", report.restarts);
    demands.some("clock changes", report.clock_changes);
    demands.some("refused writes", report.refused_writes);
    demands.some("commands done", of(&report.commands, "done"));
    demands.some("cuts", report.cuts.values().sum());
    demands.some("streams troubled", report.streams.values().sum());
    demands.some("faults", report.faults.values().sum());
    for way in ways {
        demands.some(&format!("disk full: {way}"), of(&report.disk_full, way));
    }
    if let Some(verdict) = &report.verdict {
        demands.some("completed orders", verdict.completed_orders);
        for source in ["stream", "recovery"] {
            let learnt = of(&verdict.learnt_from, source);
            demands.some(&format!("fills learnt from {source}"), learnt);
        }
        let least = FILLS_PER_SECOND * length.as_secs();
        demands.is(verdict.fills > least, || {
            format!("more than {least} fills, but only {}", verdict.fills)
        });
    }
    if length >= LONG {
        demands.every_kind(report);
    }
    demands.0
}

struct Demands(Vec<String>);

impl Demands {
    fn is(&mut self, met: bool, what: impl FnOnce() -> String) {
        if !met {
            self.0.push(what());
        }
    }

    fn some(&mut self, what: &str, times: u64) {
        self.is(times > 0, || what.to_owned());
    }

    fn every_kind(&mut self, report: &Report) {
        for kind in cuts::KINDS {
            let cuts = report.cuts.iter().filter(|(name, _)| name.ends_with(kind));
            let times = cuts.map(|(_, times)| times).sum();
            self.some(&format!("network {kind}"), times);
        }
        for kind in weather::KINDS {
            if let Some(kind) = kind.strip_prefix("streams ") {
                let times = of(&report.streams, kind);
                self.some(&format!("streams {kind}"), times);
            }
        }
        self.some("trades split", report.trades_split);
        for kind in operators::KINDS {
            self.some(&format!("command {kind}"), of(&report.typed, kind));
        }
        for kind in ["created", "stopped"] {
            self.some(&format!("further bots {kind}"), of(&report.bots, kind));
        }
    }
}

fn of(counts: &BTreeMap<String, u64>, name: &str) -> u64 {
    counts.get(name).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Verdict;

    type Change = fn(&mut Report);

    const WAYS: [&str; 1] = ["no space left"];

    /// A run that had everything, each of it a hundred times.
    fn full() -> Report {
        let each = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), 100)).collect();
        let cuts: Vec<String> = cuts::KINDS
            .iter()
            .map(|kind| format!("REST {kind}"))
            .collect();
        let cuts: Vec<&str> = cuts.iter().map(String::as_str).collect();
        let streams: Vec<&str> = weather::KINDS
            .iter()
            .filter_map(|kind| kind.strip_prefix("streams "))
            .collect();
        Report {
            kills: 100,
            restarts: 100,
            clock_changes: 100,
            refused_writes: 100,
            trades_split: 100,
            cuts: each(&cuts),
            streams: each(&streams),
            typed: each(&operators::KINDS),
            commands: each(&["done"]),
            bots: each(&["created", "stopped"]),
            disk_full: each(&WAYS),
            faults: each(&["dropAnswer"]),
            verdict: Some(Verdict {
                fills: 100,
                completed_orders: 100,
                learnt_from: each(&["stream", "recovery"]),
                ..Verdict::default()
            }),
            ..Report::default()
        }
    }

    fn told(change: impl Fn(&mut Report)) -> (Vec<String>, Vec<String>) {
        let mut report = full();
        change(&mut report);
        let short = never(&report, Duration::from_secs(15), &WAYS);
        (short, never(&report, LONG, &WAYS))
    }

    #[test]
    fn a_run_that_had_everything_lacks_nothing() {
        assert_eq!(told(|_| {}), (vec![], vec![]));
    }

    #[test]
    fn what_never_happened_is_named() {
        let one = |word: &str| vec![word.to_owned()];
        let changes: [(Change, &str); 8] = [
            (|report| report.kills = 0, "kills"),
            (|report| report.clock_changes = 0, "clock changes"),
            (|report| report.refused_writes = 0, "refused writes"),
            (|report| report.faults.clear(), "faults"),
            (|report| report.commands.clear(), "commands done"),
            (
                |report| report.disk_full.clear(),
                "disk full: no space left",
            ),
            (
                |report| report.verdict.as_mut().unwrap().completed_orders = 0,
                "completed orders",
            ),
            (
                |report| {
                    _ = report
                        .verdict
                        .as_mut()
                        .unwrap()
                        .learnt_from
                        .remove("recovery")
                },
                "fills learnt from recovery",
            ),
        ];
        for (change, word) in changes {
            assert_eq!(told(change), (one(word), one(word)));
        }
        // One of its sort is enough for a short run, not for a long one.
        let changes: [(Change, &str); 5] = [
            (|report| _ = report.cuts.remove("REST lost"), "network lost"),
            (
                |report| _ = report.streams.remove("terminated"),
                "streams terminated",
            ),
            (|report| report.trades_split = 0, "trades split"),
            (|report| _ = report.typed.remove("pause"), "command pause"),
            (|report| report.bots.clear(), "further bots created"),
        ];
        for (change, word) in changes {
            let (short, long) = told(change);
            assert!(
                short.is_empty() && long.contains(&word.to_owned()),
                "{word}: {short:?} {long:?}"
            );
        }
    }

    #[test]
    fn a_market_that_hardly_moves_is_not_enough() {
        let (short, long) = told(|report| report.verdict.as_mut().unwrap().fills = 20);
        assert!(short.is_empty(), "{short:?}");
        assert_eq!(long, ["more than 75 fills, but only 20"]);
    }
}
