//! The bridge's share of the request weight that everything on one address has in common. A ban of
//! the address (rest-api.md, "IP Limits") would stop every account, which is worse than any delay.

use std::collections::VecDeque;
use std::time::Duration;

use crate::{Config, Moment};

/// What connecting costs (web-socket-api.md, "General API Information").
pub(crate) const CONNECT: u32 = 2;
/// What asking for the time costs, once per connection.
pub(crate) const TIME: u32 = 1;
/// What subscribing costs.
pub(crate) const SUBSCRIBE: u32 = 2;
/// What giving a subscription up costs.
pub(crate) const UNSUBSCRIBE: u32 = 2;
/// What listing a connection's subscriptions costs.
pub(crate) const LIST: u32 = 2;

/// Parts of one weight, so that each millisecond adds a whole number of them.
const PARTS: u64 = 60_000;

/// A bucket of weight that fills with time.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    parts: u64,
    full: u64,
    parts_per_ms: u64,
    filled_at: Duration,
}

impl Budget {
    pub(crate) fn new(config: &Config) -> Self {
        let full = u64::from(config.weight_burst).saturating_mul(PARTS);
        Self {
            parts: full,
            full,
            parts_per_ms: u64::from(config.weight_per_minute),
            filled_at: Duration::ZERO,
        }
    }

    /// Takes weight, if there is so much.
    pub(crate) fn take(&mut self, weight: u32, now: Moment) -> bool {
        let enough = self.holds(weight, now);
        if enough {
            let taken = u64::from(weight).saturating_mul(PARTS);
            self.parts = self.parts.saturating_sub(taken);
        }
        enough
    }

    /// Whether there is so much weight.
    pub(crate) fn holds(&mut self, weight: u32, now: Moment) -> bool {
        let since = now.elapsed.saturating_sub(self.filled_at).as_millis();
        let added = u64::try_from(since)
            .unwrap_or(u64::MAX)
            .saturating_mul(self.parts_per_ms);
        // Time that is too short to add anything must not be forgotten.
        if added > 0 {
            self.parts = self.parts.saturating_add(added).min(self.full);
            self.filled_at = now.elapsed;
        }
        self.parts >= u64::from(weight).saturating_mul(PARTS)
    }

    /// Takes weight that has to be spent in any case, down to nothing left.
    pub(crate) fn spend(&mut self, weight: u32, now: Moment) {
        if !self.take(weight, now) {
            self.parts = 0;
        }
    }
}

/// The exchange counts attempts to connect from one address over this time (web-socket-api.md,
/// "IP Limits").
const CONNECT_WINDOW: Duration = Duration::from_secs(300);

/// The most attempts in it: half of the 300 allowed, because a bridge that is started again counts
/// anew.
const CONNECTS: usize = 150;

/// When connections were asked for lately.
#[derive(Debug, Default)]
pub(crate) struct ConnectRate {
    asked: VecDeque<Duration>,
}

impl ConnectRate {
    /// Whether one more may be asked for.
    pub(crate) fn ready(&mut self, now: Moment) -> bool {
        let over = |asked: &Duration| now.elapsed.saturating_sub(*asked) >= CONNECT_WINDOW;
        while self.asked.front().is_some_and(over) {
            self.asked.pop_front();
        }
        self.asked.len() < CONNECTS
    }

    /// Notes that one was asked for.
    pub(crate) fn note(&mut self, now: Moment) {
        self.asked.push_back(now.elapsed);
    }
}

#[cfg(test)]
mod tests {
    use domain::LocalTime;
    use trading::{ADDRESS_WEIGHT, SHARED_REST_WEIGHT};

    use super::*;

    /// The weight that is used in each of three minutes when there is always something to ask for.
    fn minutes(config: &Config) -> [u32; 3] {
        let mut budget = Budget::new(config);
        let mut minutes = [0_u32; 3];
        for millis in 0..180_000_u64 {
            let now = Moment {
                wall: LocalTime::from_millis(0),
                elapsed: Duration::from_millis(millis),
                jitter: 0,
            };
            while budget.take(SUBSCRIBE, now) {
                minutes[usize::try_from(millis / 60_000).unwrap()] += SUBSCRIBE;
            }
        }
        minutes
    }

    #[test]
    fn no_minute_sees_more_than_burst_and_rate() {
        let [first, second, third] = minutes(&Config::new("b", 0));
        assert!((4_396..=4_400).contains(&first), "{first}");
        assert!((2_398..=2_402).contains(&second), "{second}");
        assert!((2_398..=2_402).contains(&third), "{third}");
    }

    #[test]
    fn a_shared_address_never_sees_more_than_the_exchange_takes() {
        for minute in minutes(&Config::new("b", 0).sharing_weight()) {
            let sum = minute + SHARED_REST_WEIGHT;
            assert!(sum <= ADDRESS_WEIGHT, "{minute} beside trading");
        }
    }
}
