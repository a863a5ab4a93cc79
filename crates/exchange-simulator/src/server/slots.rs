//! What completed orders ask for, and how long the answer takes.
//!
//! Entry points: [`Slots::completed`], [`Slots::received`], [`Slots::answered`], [`Slots::waits_until`]. A client order id
//! `a-b-7` is number 7 of slot `a-b`; an order of a slot that completes asks for one with a higher number. Time comes in,
//! in microseconds since the start. Never looks into the exchange.

use std::collections::BTreeMap;

/// Slot and number of a client order id, if it has that form.
pub(crate) fn slot_of(client_order_id: &str) -> Option<(&str, u64)> {
    let (slot, number) = client_order_id.rsplit_once('-')?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (digits && slot.contains('-')).then_some((slot, number.parse().ok()?))
}

/// A completed order whose next one has not come yet.
#[derive(Debug, Clone, Copy)]
struct Owed {
    number: u64,
    since_us: u64,
    waits: bool,
}

#[derive(Debug, Default)]
struct Slot {
    received: u64,
    written: Option<(u64, u64)>,
}

/// All slots seen.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    slots: BTreeMap<String, Slot>,
    owed: BTreeMap<String, Owed>,
    samples_us: Vec<u64>,
    overdue: u64,
    last_activity_us: u64,
    placements: u64,
}

impl Slots {
    /// A placement arrived. Gives a sample if the slot's last completion had been written to a stream before.
    pub(crate) fn received(&mut self, client_order_id: &str, now_us: u64) {
        self.last_activity_us = now_us;
        self.placements += 1;
        let Some((name, number)) = slot_of(client_order_id) else {
            return;
        };
        let slot = self.slots.entry(name.to_owned()).or_default();
        if number <= slot.received {
            return;
        }
        slot.received = number;
        if let Some((completed, written_us)) = slot.written.take()
            && number > completed
        {
            self.samples_us.push(now_us.saturating_sub(written_us));
        }
    }

    /// A placement was accepted or refused for certain: the slot owes nothing older.
    pub(crate) fn answered(&mut self, client_order_id: &str) {
        let Some((name, number)) = slot_of(client_order_id) else {
            return;
        };
        if self.owed.get(name).is_some_and(|owed| owed.number < number) {
            self.owed.remove(name);
        }
    }

    /// An order completed.
    pub(crate) fn completed(&mut self, client_order_id: &str, now_us: u64) {
        self.last_activity_us = now_us;
        let Some((name, number)) = slot_of(client_order_id) else {
            return;
        };
        if self
            .slots
            .get(name)
            .is_some_and(|slot| slot.received > number)
        {
            return;
        }
        self.owed.insert(
            name.to_owned(),
            Owed {
                number,
                since_us: now_us,
                waits: true,
            },
        );
    }

    /// An order ended before it was complete, by somebody else's doing. Prices do not wait for its replacement, but the
    /// end of a run does.
    pub(crate) fn ended(&mut self, client_order_id: &str, now_us: u64) {
        self.last_activity_us = now_us;
        let Some((name, number)) = slot_of(client_order_id) else {
            return;
        };
        if self
            .slots
            .get(name)
            .is_some_and(|slot| slot.received > number)
        {
            return;
        }
        self.owed.insert(
            name.to_owned(),
            Owed {
                number,
                since_us: now_us,
                waits: false,
            },
        );
    }

    /// The report of a completion goes out on a stream.
    pub(crate) fn written(&mut self, client_order_id: &str, now_us: u64) {
        let Some((name, number)) = slot_of(client_order_id) else {
            return;
        };
        let slot = self.slots.entry(name.to_owned()).or_default();
        let known = slot.written.is_some_and(|(before, _)| before >= number);
        if slot.received <= number && !known {
            slot.written = Some((number, now_us));
        }
    }

    /// Until when prices wait, us; none if nothing keeps them. A slot waited for in vain is not waited for again.
    pub(crate) fn waits_until(&mut self, now_us: u64, wait_us: u64) -> Option<u64> {
        let mut latest = None;
        for owed in self.owed.values_mut().filter(|owed| owed.waits) {
            let until = owed.since_us.saturating_add(wait_us);
            if until <= now_us {
                owed.waits = false;
                self.overdue += 1;
            } else {
                latest = latest.max(Some(until));
            }
        }
        latest
    }

    /// The caller knows why this slot sends nothing: nobody waits for it.
    pub(crate) fn excuse(&mut self, slot: &str) -> bool {
        self.owed.remove(slot).is_some()
    }

    /// Slots that owe an order.
    pub(crate) fn owing(&self) -> Vec<String> {
        self.owed.keys().cloned().collect()
    }

    /// Time from a completion's report to the slot's next order, us, oldest first.
    pub(crate) fn samples_us(&self) -> &[u64] {
        &self.samples_us
    }

    /// Completions that prices waited for in vain.
    pub(crate) fn overdue(&self) -> u64 {
        self.overdue
    }

    /// Last time an order came or completed, us.
    pub(crate) fn last_activity_us(&self) -> u64 {
        self.last_activity_us
    }

    /// Placements that arrived.
    pub(crate) fn placements(&self) -> u64 {
        self.placements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT_US: u64 = 5_000_000;

    #[test]
    fn ids_of_another_form_belong_to_no_slot() {
        assert_eq!(slot_of("gk-ab-7-12"), Some(("gk-ab-7", 12)));
        for id in ["gk-7", "plain", "gk-ab-x", "gk-ab-", "-7", ""] {
            assert_eq!(slot_of(id), None, "{id}");
        }
    }

    #[test]
    fn a_completion_is_waited_for_until_its_answer_or_in_vain() {
        let mut slots = Slots::default();
        slots.completed("a-b-1", 100);
        assert_eq!(slots.waits_until(200, WAIT_US), Some(100 + WAIT_US));
        slots.received("a-b-2", 300);
        assert_eq!(
            slots.waits_until(300, WAIT_US),
            Some(100 + WAIT_US),
            "received is not answered"
        );
        slots.answered("a-b-1");
        assert_eq!(
            slots.waits_until(300, WAIT_US),
            Some(100 + WAIT_US),
            "an older one does not count"
        );
        slots.answered("a-b-2");
        assert_eq!(slots.waits_until(300, WAIT_US), None);
        slots.completed("a-b-2", 400);
        assert_eq!(slots.waits_until(400 + WAIT_US, WAIT_US), None);
        assert_eq!(
            (slots.overdue(), slots.owing()),
            (1, vec!["a-b".to_owned()])
        );
    }

    #[test]
    fn an_answer_already_on_its_way_needs_no_wait() {
        let mut slots = Slots::default();
        slots.received("a-b-2", 50);
        slots.completed("a-b-1", 100);
        assert_eq!(slots.waits_until(100, WAIT_US), None);
    }

    #[test]
    fn an_end_by_others_holds_the_run_but_not_prices() {
        let mut slots = Slots::default();
        slots.ended("a-b-1", 100);
        assert_eq!(
            (slots.waits_until(100, WAIT_US), slots.overdue()),
            (None, 0)
        );
        assert_eq!(slots.owing(), ["a-b"]);
        assert!(slots.excuse("a-b") && slots.owing().is_empty());
    }

    #[test]
    fn a_completion_that_is_excused_is_neither_waited_for_nor_overdue() {
        let mut slots = Slots::default();
        slots.completed("a-b-1", 100);
        slots.completed("a-c-1", 150);
        assert!(slots.excuse("a-b"));
        assert_eq!(slots.waits_until(200, WAIT_US), Some(150 + WAIT_US));
        assert!(slots.excuse("a-c"));
        assert_eq!(slots.waits_until(200 + WAIT_US, WAIT_US), None);
        assert_eq!((slots.overdue(), slots.owing().len()), (0, 0));
        assert!(!slots.excuse("a-b"), "there is nothing to excuse any more");
        slots.completed("a-b-2", 300);
        assert_eq!(
            slots.waits_until(300, WAIT_US),
            Some(300 + WAIT_US),
            "the next one is waited for again"
        );
    }

    #[test]
    fn reaction_counts_from_the_report_to_the_first_next_order() {
        let mut slots = Slots::default();
        slots.received("a-b-1", 10);
        slots.written("a-b-1", 100);
        slots.written("a-b-1", 150);
        slots.received("a-b-1", 200);
        slots.received("a-b-2", 350);
        slots.received("a-b-2", 400);
        assert_eq!(slots.samples_us(), [250]);
        slots.received("a-b-4", 500);
        slots.written("a-b-3", 600);
        slots.received("a-b-5", 700);
        assert_eq!(
            slots.samples_us(),
            [250],
            "an order ahead of the stream is no sample"
        );
    }
}
