//! Levels in trouble, as a comparison finds and leaves them.

use domain::{ExchangeTime, HoldReason, Level, OrderState, QuarantineReason, RefusalReason};

/// How many levels of a bot somebody should know of.
///
/// It is what stands, not what has just happened: a level counts anew in each comparison. Not counted is what is
/// held on purpose, and a level whose record cannot be read, of which the run tells its problems.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Troubled {
    /// Levels that the run left with a refused order ([`is_trouble`]), or with one held back because the
    /// account is stopped.
    pub refused: u32,
    /// Levels that the run found with an attempt whose lease was over and whose fate nobody knew. Where
    /// it came to them, it asked, or sent again under a new lease.
    pub unknown: u32,
    /// Levels that the run left standing still, because records and exchange disagree.
    pub quarantined: u32,
}

/// Whether a refusal is more than waiting: for the market, for a pause to end or for room under a limit.
#[must_use]
pub const fn is_trouble(why: RefusalReason) -> bool {
    match why {
        RefusalReason::WouldTake | RefusalReason::RateLimited | RefusalReason::Backoff => false,
        RefusalReason::InsufficientBalance
        | RefusalReason::MarketClosed
        | RefusalReason::Filter
        | RefusalReason::Overloaded
        | RefusalReason::AccountStopped
        | RefusalReason::BadRequest
        | RefusalReason::WindowExpired => true,
    }
}

impl Troubled {
    /// Counts what is told before a run begins with its work, by the exchange's own time.
    pub(crate) fn found(levels: &[Level], now: ExchangeTime) -> Self {
        let is_unknown = |state: &OrderState| matches!(state, OrderState::Pending { lease } if lease.until <= now);
        Self {
            unknown: count(levels, is_unknown),
            ..Self::default()
        }
    }

    /// Counts what is told once the work is done.
    pub(crate) fn left(&mut self, levels: &[Level]) {
        self.refused = count(levels, is_refused);
        self.quarantined = count(levels, stands_still);
    }
}

fn count(levels: &[Level], is_one: impl Fn(&OrderState) -> bool) -> u32 {
    let states = levels.iter().filter_map(|level| level.order.as_ref());
    let states = states.map(|order| &order.state);
    u32::try_from(states.filter(|state| is_one(state)).count()).unwrap_or(u32::MAX)
}

fn is_refused(state: &OrderState) -> bool {
    match state {
        OrderState::Refused { why, .. } => is_trouble(*why),
        OrderState::Held { why, .. } => *why == HoldReason::AccountStopped,
        OrderState::Pending { .. }
        | OrderState::Open
        | OrderState::Quarantined { .. }
        | OrderState::Idle => false,
    }
}

/// One that the operator has released goes on by itself.
fn stands_still(state: &OrderState) -> bool {
    matches!(state, OrderState::Quarantined { why, .. } if *why != QuarantineReason::Released)
}

#[cfg(test)]
mod tests {
    use domain::LocalTime;

    use super::*;

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

    const fn quarantined(why: QuarantineReason) -> OrderState {
        OrderState::Quarantined {
            why,
            evidence: String::new(),
        }
    }

    #[test]
    fn what_waits_for_market_pause_or_room_is_no_trouble() {
        for (state, refused, still) in [
            (OrderState::Open, false, false),
            (refused(RefusalReason::InsufficientBalance), true, false),
            (refused(RefusalReason::AccountStopped), true, false),
            (refused(RefusalReason::Filter), true, false),
            (refused(RefusalReason::WouldTake), false, false),
            (refused(RefusalReason::RateLimited), false, false),
            (refused(RefusalReason::Backoff), false, false),
            (held(HoldReason::AccountStopped), true, false),
            (held(HoldReason::Paused), false, false),
            (held(HoldReason::OutsideBand), false, false),
            (quarantined(QuarantineReason::OrderVanished), false, true),
            (quarantined(QuarantineReason::ForeignOrder), false, true),
            (quarantined(QuarantineReason::Released), false, false),
            (OrderState::Idle, false, false),
        ] {
            let found = (is_refused(&state), stands_still(&state));
            assert_eq!(found, (refused, still), "{state:?}");
        }
    }
}
