//! Levels that do not go on by themselves, as a comparison finds them.

use domain::{ExchangeTime, HoldReason, Level, OrderState, RefusalReason};

/// How many levels of a bot a comparison found in trouble when it began, before it mended anything.
///
/// It is what stands, not what has just happened: a level is counted by each comparison until it goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Troubled {
    /// Levels whose order the exchange refused, or that hold it back because it refused the account.
    pub refused: u32,
    /// Levels whose last attempt is over, with nobody knowing what became of the order.
    pub unknown: u32,
    /// Levels of which records and exchange disagree.
    pub quarantined: u32,
}

impl Troubled {
    /// Counts them, by the exchange's own time.
    pub(crate) fn of(levels: &[Level], now: ExchangeTime) -> Self {
        let mut found = Self::default();
        for order in levels.iter().filter_map(|level| level.order.as_ref()) {
            found.add(&order.state, now);
        }
        found
    }

    fn add(&mut self, state: &OrderState, now: ExchangeTime) {
        let count = match state {
            // That pause follows an order which was accepted and then expired.
            OrderState::Refused { why, .. } if *why != RefusalReason::Backoff => &mut self.refused,
            OrderState::Held { why, .. } if *why == HoldReason::AccountStopped => &mut self.refused,
            OrderState::Pending { lease } if lease.until <= now => &mut self.unknown,
            OrderState::Quarantined { .. } => &mut self.quarantined,
            OrderState::Pending { .. }
            | OrderState::Open
            | OrderState::Refused { .. }
            | OrderState::Held { .. }
            | OrderState::Idle => return,
        };
        *count = count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use domain::{Lease, LocalTime, QuarantineReason};

    use super::*;

    fn pending(until: i64) -> OrderState {
        let start = ExchangeTime::from_millis(0);
        OrderState::Pending {
            lease: Lease {
                attempt: 1,
                first_start: start,
                start,
                until: ExchangeTime::from_millis(until),
                unknown: false,
            },
        }
    }

    fn refused(why: RefusalReason) -> OrderState {
        OrderState::Refused {
            why,
            detail: String::new(),
            retry_at: LocalTime::from_millis(0),
            lease: None,
        }
    }

    const fn held(why: HoldReason) -> OrderState {
        OrderState::Held { why, lease: None }
    }

    #[test]
    fn a_level_counts_as_what_an_operator_would_look_for() {
        let quarantined = OrderState::Quarantined {
            why: QuarantineReason::OrderVanished,
            evidence: String::new(),
        };
        for (state, counts) in [
            (pending(1_001), [0, 0, 0]),
            (pending(1_000), [0, 1, 0]),
            (OrderState::Open, [0, 0, 0]),
            (refused(RefusalReason::InsufficientBalance), [1, 0, 0]),
            (refused(RefusalReason::AccountStopped), [1, 0, 0]),
            (refused(RefusalReason::Backoff), [0, 0, 0]),
            (held(HoldReason::AccountStopped), [1, 0, 0]),
            (held(HoldReason::Paused), [0, 0, 0]),
            (held(HoldReason::OutsideBand), [0, 0, 0]),
            (quarantined, [0, 0, 1]),
            (OrderState::Idle, [0, 0, 0]),
        ] {
            let mut found = Troubled::default();
            found.add(&state, ExchangeTime::from_millis(1_000));
            let found = [found.refused, found.unknown, found.quarantined];
            assert_eq!(found, counts, "{state:?}");
        }
    }
}
