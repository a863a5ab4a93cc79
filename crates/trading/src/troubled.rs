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
            let count = match &order.state {
                // That pause follows an order which was accepted and then expired.
                OrderState::Refused { why, .. } if *why != RefusalReason::Backoff => {
                    &mut found.refused
                }
                OrderState::Held { why, .. } if *why == HoldReason::AccountStopped => {
                    &mut found.refused
                }
                OrderState::Pending { lease } if lease.until <= now => &mut found.unknown,
                OrderState::Quarantined { .. } => &mut found.quarantined,
                OrderState::Pending { .. }
                | OrderState::Open
                | OrderState::Refused { .. }
                | OrderState::Held { .. }
                | OrderState::Idle => continue,
            };
            *count = count.saturating_add(1);
        }
        found
    }
}
