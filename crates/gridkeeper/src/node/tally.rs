//! What a node has done since it started, in numbers, for its operator.

use std::collections::BTreeMap;
use std::fmt;

use bridge::{Counters, DeadLetter};
use serde::Serialize;
use trading::Message;

use crate::table::{count, count_of};

/// What a node has done since it started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// What reports turned out to be, what became of orders, and what recovery did, by kind.
    pub handled: BTreeMap<&'static str, u64>,
    /// What the bridge saw and did, by kind; what never happened is left out.
    pub bridge: BTreeMap<&'static str, u64>,
    /// Messages that could not be handled, oldest first, in words.
    pub dead_letters: Vec<String>,
}

impl Tally {
    pub(crate) fn of(
        handled: BTreeMap<&'static str, u64>,
        bridge: &Counters,
        dead_letters: &[DeadLetter],
    ) -> Self {
        Self {
            handled,
            bridge: bridge_counts(bridge),
            dead_letters: dead_letters.iter().map(letter_words).collect(),
        }
    }
}

impl Tally {
    /// What an operator wants to know at the end: what was done, what stays, what was not understood.
    /// The counts of every kind are for the log.
    #[must_use]
    pub fn for_the_operator(&self) -> String {
        let of = |kinds: &[&str]| -> u64 {
            let counts = kinds.iter().filter_map(|kind| self.handled.get(kind));
            counts.fold(0, |sum, times| sum.saturating_add(*times))
        };
        let mut text = format!(
            "ended: {} of fills booked, {} placed in answer to them; orders at the exchange stay there, and what they \
             do meanwhile is booked when `gridkeeper up` is started again",
            count(of(&["booked", "booked_aside"]), "report"),
            count(of(&["accepted"]), "order"),
        );
        let quarantined = of(&["quarantined", "order_quarantined"]);
        if quarantined > 0 {
            text.push_str(&format!(
                "\nrecords and exchange disagreed {}: `gridkeeper doctor` says which levels wait for you",
                count(quarantined, "time")
            ));
        }
        if !self.dead_letters.is_empty() {
            text.push_str(&format!(
                "\n{} could not be handled; recovery finds what they were about with its next looks:",
                count_of(self.dead_letters.len(), "message")
            ));
        }
        for letter in &self.dead_letters {
            text.push_str("\n  ");
            text.push_str(letter);
        }
        text
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "handled: {}; bridge: {}; dead letters: {}",
            Listed(&self.handled),
            Listed(&self.bridge),
            self.dead_letters.len()
        )?;
        for letter in &self.dead_letters {
            write!(f, "\n  could not be handled: {letter}")?;
        }
        Ok(())
    }
}

struct Listed<'a>(&'a BTreeMap<&'static str, u64>);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        for (at, (kind, times)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{kind} {times}")?;
        }
        Ok(())
    }
}

fn bridge_counts(counters: &Counters) -> BTreeMap<&'static str, u64> {
    let all = [
        ("forwarded", counters.forwarded),
        ("not_ours", counters.not_ours),
        ("no_news", counters.no_news),
        ("other_events", counters.other_events),
        ("unreadable", counters.unreadable),
        ("ignored", counters.ignored),
        ("reconciles", counters.reconciles),
        ("gaps", counters.gaps),
        ("subscribed", counters.subscribed),
        ("refused", counters.refused),
        ("ended", counters.ended),
        ("failed_requests", counters.failed_requests),
        ("opened", counters.opened),
        ("lost", counters.lost),
        ("closed", counters.closed),
        ("sent", counters.sent),
        ("send_failures", counters.send_failures),
        ("overflowed", counters.overflowed),
        ("store_failures", counters.store_failures),
    ];
    all.into_iter().filter(|(_, times)| *times > 0).collect()
}

fn letter_words(letter: &DeadLetter) -> String {
    match &letter.message {
        Message::Execution { execution, .. } => format!(
            "order {} ({}) of account {}: {:?} with {} executed; taken {} times",
            execution.client_order_id,
            execution.exchange_order_id,
            execution.account,
            execution.status,
            execution.cumulative,
            letter.receives
        ),
        Message::Reconcile { account, why, .. } => format!(
            "comparing account {account} ({why}); taken {} times",
            letter.receives
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_listed_and_what_did_not_is_left_out() {
        let counters = Counters {
            forwarded: 7,
            gaps: 1,
            ..Counters::default()
        };
        let letter = DeadLetter {
            message: Message::Reconcile {
                account: "main".parse().unwrap(),
                bot: None,
                why: "a gap".to_owned(),
            },
            receives: 10,
        };
        let tally = Tally::of(BTreeMap::from([("booked", 3)]), &counters, &[letter]);
        assert_eq!(
            tally.to_string(),
            "handled: booked 3; bridge: forwarded 7, gaps 1; dead letters: 1\n  \
             could not be handled: comparing account main (a gap); taken 10 times"
        );
        assert_eq!(
            tally.for_the_operator(),
            "ended: 3 reports of fills booked, 0 orders placed in answer to them; orders at the exchange stay there, \
             and what they do meanwhile is booked when `gridkeeper up` is started again\n\
             1 message could not be handled; recovery finds what they were about with its next looks:\n  \
             comparing account main (a gap); taken 10 times"
        );
        assert!(
            Tally::default()
                .to_string()
                .starts_with("handled: nothing; bridge: nothing; dead letters: 0")
        );
    }
}
