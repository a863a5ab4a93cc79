//! What recovery has to do for a bot, and how often.

use std::time::Duration;

use domain::{DesiredStatus, ObservedStatus};

use crate::{ADDRESS_WEIGHT, STOPPED_EVERY};

/// What recovery has to do for a bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was never started: no order can be anywhere.
    NotStarted,
    /// It was stopped: nothing is to be made true, but an order may still surface.
    Stopped,
    /// Anything else.
    AtWork,
}

impl Standing {
    /// How a bot of this wish and this status stands.
    #[must_use]
    pub const fn of(desired: DesiredStatus, observed: ObservedStatus) -> Self {
        match (desired, observed) {
            (DesiredStatus::Ready, ObservedStatus::Ready) => Self::NotStarted,
            (DesiredStatus::Stopped, ObservedStatus::Stopped) => Self::Stopped,
            _ => Self::AtWork,
        }
    }

    /// How long until the next run, where bots at work wait as long as given.
    #[must_use]
    pub fn cadence(self, at_work: Duration) -> Duration {
        match self {
            Self::NotStarted | Self::AtWork => at_work,
            Self::Stopped => at_work.max(STOPPED_EVERY),
        }
    }
}

/// What one run asks of the address's request weight: time, prices, open orders, a few queries.
const WEIGHT_PER_RUN: u32 = 15;

/// The share of the address's weight per minute that periodic runs may take.
const WEIGHT_PER_MINUTE: u32 = ADDRESS_WEIGHT / 2;

/// How often each of so many bots is compared that share the request weight of one address: `ordinary`,
/// or less often when that would take too much of it.
#[must_use]
pub fn compared_every(bots: usize, ordinary: Duration) -> Duration {
    let bots = u32::try_from(bots).unwrap_or(u32::MAX);
    let seconds = bots.saturating_mul(WEIGHT_PER_RUN).saturating_mul(60) / WEIGHT_PER_MINUTE;
    ordinary.max(Duration::from_secs(u64::from(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stopped_bots_are_looked_at_rarely_and_others_as_ever() {
        let often = Duration::from_secs(10);
        for (desired, observed, next) in [
            (DesiredStatus::Ready, ObservedStatus::Ready, often),
            (DesiredStatus::Running, ObservedStatus::Running, often),
            (DesiredStatus::Running, ObservedStatus::Stopped, often),
            (DesiredStatus::Stopped, ObservedStatus::Stopping, often),
            (
                DesiredStatus::Stopped,
                ObservedStatus::Stopped,
                STOPPED_EVERY,
            ),
        ] {
            let standing = Standing::of(desired, observed);
            assert_eq!(standing.cadence(often), next, "{desired:?} {observed:?}");
        }
        let longer = STOPPED_EVERY * 2;
        assert_eq!(Standing::Stopped.cadence(longer), longer);
    }
    #[test]
    fn many_bots_are_looked_at_less_often() {
        let ordinary = Duration::from_secs(10);
        for (bots, seconds) in [(0, 10), (1, 10), (33, 10), (34, 10), (37, 11), (1_000, 300)] {
            let every = compared_every(bots, ordinary);
            assert_eq!(every, Duration::from_secs(seconds), "{bots} bots");
        }
    }
}
