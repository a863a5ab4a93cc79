//! Pauses after failures: doubled each time, half of each random, never longer than a limit.

use std::time::Duration;

use crate::{Config, Moment};

/// How long something has to work before earlier failures no longer count.
const PROVEN: Duration = Duration::from_secs(30);

/// When something may be tried again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backoff {
    failures: u32,
    not_before: Duration,
}

impl Backoff {
    /// Whether it may be tried now.
    pub(crate) fn ready(self, now: Moment) -> bool {
        now.elapsed >= self.not_before
    }

    /// How often it failed in a row.
    pub(crate) const fn failures(self) -> u32 {
        self.failures
    }

    /// Notes a failure.
    pub(crate) fn fail(&mut self, now: Moment, config: &Config) {
        let factor = 1_u32 << self.failures.min(16);
        let pause = config
            .backoff_first
            .saturating_mul(factor)
            .min(config.backoff_longest);
        let half = pause.checked_div(2).unwrap_or_default();
        let pause = half.saturating_add(random_part(half, now));
        self.failures = self.failures.saturating_add(1);
        self.wait(now, pause);
    }

    /// Notes a failure of something that had worked since `since`: a long life makes up for
    /// earlier failures.
    pub(crate) fn fail_after(&mut self, since: Duration, now: Moment, config: &Config) {
        if now.elapsed.saturating_sub(since) >= PROVEN {
            self.failures = 0;
        }
        self.fail(now, config);
    }

    /// Lets it rest for at least `pause`.
    pub(crate) fn wait(&mut self, now: Moment, pause: Duration) {
        self.not_before = self.not_before.max(now.elapsed.saturating_add(pause));
    }

    /// Forgets all failures.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

/// From nothing up to, but not including, all of a span, in whole milliseconds.
pub(crate) fn random_part(span: Duration, now: Moment) -> Duration {
    let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(span.saturating_mul(u64::from(now.jitter)) >> u32::BITS)
}

#[cfg(test)]
mod tests {
    use domain::LocalTime;

    use super::*;

    fn at(millis: u64, jitter: u32) -> Moment {
        Moment {
            wall: LocalTime::from_millis(0),
            elapsed: Duration::from_millis(millis),
            jitter,
        }
    }

    /// The pause after each of a run of failures, in milliseconds.
    fn pauses(jitter: u32) -> Vec<u64> {
        let config = Config::new("b", 0);
        let mut backoff = Backoff::default();
        let mut now = 0;
        (0..10)
            .map(|_| {
                backoff.fail(at(now, jitter), &config);
                let pause = (0..)
                    .find(|later| backoff.ready(at(now + later, 0)))
                    .unwrap();
                now += pause;
                pause
            })
            .collect()
    }

    #[test]
    fn pauses_double_up_to_the_limit_and_half_of_each_is_random() {
        assert_eq!(
            pauses(0),
            [
                250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000
            ]
        );
        assert_eq!(
            pauses(u32::MAX),
            [
                499, 999, 1_999, 3_999, 7_999, 15_999, 31_999, 59_999, 59_999, 59_999
            ]
        );
    }

    #[test]
    fn a_long_life_makes_up_for_earlier_failures() {
        let config = Config::new("b", 0);
        let mut backoff = Backoff::default();
        for _ in 0..8 {
            backoff.fail(at(0, 0), &config);
        }
        let mut soon = backoff;
        soon.fail_after(Duration::from_secs(100), at(101_000, 0), &config);
        assert!(!soon.ready(at(101_300, 0)));
        backoff.fail_after(Duration::from_secs(60), at(101_000, 0), &config);
        assert!(backoff.ready(at(101_300, 0)));
    }
}
