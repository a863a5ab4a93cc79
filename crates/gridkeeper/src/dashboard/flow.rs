//! What followed each fill, step by step, with the time of each as the records have it.
//!
//! Start at [`FlowRow::of`]. The exchange's clock and this machine's differ by some milliseconds: a step from
//! one to the other may come out negative, and is shown as it is. When an order was sent and accepted is kept
//! in its level's record while it is the level's current one; of older ones it is not recorded.

use domain::{
    Level, LevelIndex, LevelOrder, LocalTime, OrderNumber, OrderState, Price, Quantity, Side,
    Source,
};
use serde::Serialize;
use trading::{BookedAs, FillRecord, LEASE, OrderSummary};

use super::rows::{fill_id, state_word};
use crate::commands::story::sent_at;

/// A fill and what followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct FlowRow {
    pub(super) id: String,
    pub(super) level: LevelIndex,
    no: OrderNumber,
    pub(super) side: Side,
    pub(super) price: Price,
    pub(super) quantity: Quantity,
    source: Source,
    booked_as: BookedAs,
    traded_at: i64,
    received_at: i64,
    committed_at: i64,
    sent_at: Option<i64>,
    accepted_at: Option<i64>,
    pub(super) caused: Option<OrderNumber>,
    pub(super) caused_order: Option<OrderSummary>,
    decision: String,
    outcome: Option<&'static str>,
    steps: Vec<Step>,
    not_recorded: Vec<&'static str>,
}

/// How long a step took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Step {
    step: &'static str,
    ms: i64,
}

impl FlowRow {
    /// A fill, and what followed by its level's record.
    pub(super) fn of(fill: &FillRecord, level: Option<&Level>) -> Self {
        let order = level.and_then(|level| level.order.as_ref());
        let followed = order.filter(|order| Some(order.no) == fill.caused);
        let accepted = level
            .zip(followed)
            .and_then(|(level, order)| accepted_at(level, order, fill.committed_at));
        let sent = followed.and_then(sent_at).map(LocalTime::as_millis);
        let mut row = Self {
            id: fill_id(fill),
            level: fill.level,
            no: fill.no,
            side: fill.side,
            price: fill.trade.price,
            quantity: fill.trade.quantity,
            source: fill.source,
            booked_as: fill.booked_as,
            traded_at: fill.trade.time.as_millis(),
            received_at: fill.received_at.as_millis(),
            committed_at: fill.committed_at.as_millis(),
            sent_at: sent,
            accepted_at: accepted.map(LocalTime::as_millis),
            caused: fill.caused,
            caused_order: fill.caused_order,
            decision: decision(fill),
            outcome: followed.map(|order| state_word(&order.state)),
            steps: Vec::new(),
            not_recorded: Vec::new(),
        };
        row.count_steps();
        row
    }

    /// From receiving the fill to the acceptance of what followed, where that is recorded.
    pub(super) fn reaction_ms(&self) -> Option<i64> {
        Some(self.accepted_at?.saturating_sub(self.received_at))
    }

    /// The fill and what followed, in one line.
    pub(super) fn in_words(&self) -> String {
        let Self {
            level,
            no,
            side,
            quantity,
            price,
            decision,
            ..
        } = self;
        let by = match self.source {
            Source::Stream => "the stream",
            Source::Recovery => "recovery",
            Source::Reply => "the reply to its placement",
        };
        format!("level {level} order {no}: {side} {quantity} at {price}, told by {by}; {decision}")
    }

    /// Whether a later look knows more: what a record has lost since is not.
    pub(super) const fn is_bettered_by(&self, later: &Self) -> bool {
        later.outcome.is_some() && (self.accepted_at.is_none() || later.accepted_at.is_some())
    }

    fn count_steps(&mut self) {
        let mut last = self.traded_at;
        let steps = [
            ("traded to received", Some(self.received_at)),
            ("received to decided", Some(self.committed_at)),
            ("decided to sent", self.sent_at),
            ("sent to accepted", self.accepted_at),
        ];
        for (step, at) in steps {
            if let Some(at) = at {
                let ms = at.saturating_sub(last);
                self.steps.push(Step { step, ms });
                last = at;
            }
        }
        // What was never placed was not accepted: nothing is missing from the records then.
        let placed = matches!(self.outcome, None | Some("open" | "quarantined" | "idle"));
        if self.caused.is_some() && placed {
            if self.sent_at.is_none() {
                self.not_recorded.push("when the order was sent");
            }
            if self.accepted_at.is_none() {
                self.not_recorded.push("when the order was accepted");
            }
        }
    }
}

/// When the reply to an order was written down: the last change of its level while nothing else has happened
/// to it. A change long after the commit was another one.
fn accepted_at(level: &Level, order: &LevelOrder, committed_at: LocalTime) -> Option<LocalTime> {
    let untouched =
        order.state == OrderState::Open && order.executed.is_zero() && order.terminal.is_none();
    let at = level.changed_at;
    (untouched && at >= committed_at && at.since(committed_at) < LEASE).then_some(at)
}

fn decision(fill: &FillRecord) -> String {
    let booked = match fill.booked_as {
        BookedAs::Next => "booked",
        BookedAs::Fetched => "fetched and booked",
        BookedAs::Late => "booked late",
        BookedAs::SecondOrder => "booked, of a second order",
    };
    match fill.caused {
        Some(no) => format!("{booked}, led to order number {no}"),
        None => format!("{booked}, no order follows from it alone"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::fill;
    use crate::words::tests::{level, order};
    use domain::{ExchangeTime, Lease};

    fn followed(state: OrderState, changed_at: i64) -> Level {
        let start = ExchangeTime::from_millis(1_004);
        let mut next = order(OrderState::Pending {
            lease: Lease {
                attempt: 1,
                first_start: start,
                start,
                until: start.after(LEASE),
                unknown: false,
            },
        });
        next.no = OrderNumber(2);
        next.enter(state);
        let mut level = level();
        level.order = Some(next);
        level.changed_at = LocalTime::from_millis(changed_at);
        level
    }

    fn steps(row: &FlowRow) -> Vec<i64> {
        row.steps.iter().map(|step| step.ms).collect()
    }

    #[test]
    fn each_step_is_told_as_long_as_the_records_have_it() {
        let bought = fill(
            (1, Side::Buy),
            1_000,
            ("10", "1"),
            ("0", "ETH"),
            Some(Side::Sell),
        );
        let row = FlowRow::of(&bought, Some(&followed(OrderState::Open, 1_010)));
        assert_eq!(steps(&row), [2, 1, 1, 6]);
        assert_eq!((row.reaction_ms(), row.outcome), (Some(8), Some("open")));
        assert!(row.not_recorded.is_empty(), "{row:?}");

        // The level has gone on: nobody knows any more.
        let mut later = followed(OrderState::Open, 9_000);
        later.order.as_mut().unwrap().no = OrderNumber(3);
        for level in [Some(&later), None] {
            let row = FlowRow::of(&bought, level);
            assert_eq!(steps(&row), [2, 1]);
            assert_eq!((row.reaction_ms(), row.outcome), (None, None));
            assert_eq!(row.not_recorded.len(), 2);
        }
    }

    #[test]
    fn what_was_known_of_a_step_is_not_lost_with_its_record() {
        let bought = fill(
            (1, Side::Buy),
            1_000,
            ("10", "1"),
            ("0", "ETH"),
            Some(Side::Sell),
        );
        let open = FlowRow::of(&bought, Some(&followed(OrderState::Open, 1_010)));
        let none = FlowRow::of(&bought, None);
        assert!(none.is_bettered_by(&open) && !open.is_bettered_by(&none));
        let mut traded = followed(OrderState::Open, 1_500);
        traded.order.as_mut().unwrap().executed = "1".parse().unwrap();
        assert!(!open.is_bettered_by(&FlowRow::of(&bought, Some(&traded))));
    }

    #[test]
    fn a_change_that_is_no_acceptance_is_not_taken_for_one() {
        let bought = fill(
            (1, Side::Buy),
            1_000,
            ("10", "1"),
            ("0", "ETH"),
            Some(Side::Sell),
        );
        let mut traded = followed(OrderState::Open, 1_500);
        traded.order.as_mut().unwrap().executed = "1".parse().unwrap();
        let long_after = followed(OrderState::Open, 1_000 + 3_600_000);
        for level in [traded, long_after] {
            let row = FlowRow::of(&bought, Some(&level));
            assert_eq!(row.accepted_at, None);
            assert_eq!(row.not_recorded, ["when the order was accepted"]);
        }
        let partly = fill((1, Side::Buy), 1_000, ("5", "1"), ("0", "ETH"), None);
        let row = FlowRow::of(&partly, Some(&followed(OrderState::Open, 1_010)));
        assert_eq!(steps(&row), [2, 1]);
        assert!(row.not_recorded.is_empty() && row.outcome.is_none());
    }
}
