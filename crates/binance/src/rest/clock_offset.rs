//! How far the exchange's clock is ahead of this machine's, as far as one round trip can tell.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::{ExchangeTime, LocalTime};

/// The measured difference between the two clocks; none until the first measurement.
#[derive(Debug, Default)]
pub(crate) struct ClockOffset {
    measured: Mutex<Option<i64>>,
}

/// A measurement over a longer round trip says too little to replace an earlier one: a timestamp
/// may be at most 1,000 ms ahead of the exchange (rest-api.md, "Timing security"), and half of this
/// is well below.
const LONGEST_ROUND_TRIP: Duration = Duration::from_millis(1_000);

impl ClockOffset {
    /// Takes a reply of the exchange into account: it said `server` some time between the two local
    /// instants, most likely in the middle.
    pub(crate) fn measure(&self, asked: LocalTime, server: ExchangeTime, answered: LocalTime) {
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let round_trip = answered.since(asked);
        let middle = asked.after(half(round_trip));
        let offset = server.as_millis().saturating_sub(middle.as_millis());
        if let Some(known) = *measured {
            let went_back = answered < asked;
            let slow = round_trip > LONGEST_ROUND_TRIP;
            if went_back || slow && !is_disproved(known, offset, round_trip) {
                return;
            }
        }
        *measured = Some(offset);
    }

    /// The exchange's time when this machine's clock shows `now`. Without a measurement the two
    /// clocks are taken to agree.
    pub(crate) fn estimate(&self, now: LocalTime) -> ExchangeTime {
        let measured = *self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        ExchangeTime::from_millis(now.as_millis().saturating_add(measured.unwrap_or(0)))
    }
}

/// Whether a known offset cannot be right any more: the server spoke between the two instants, so
/// the true offset is within half the round trip of the new one. A clock that was set since then is
/// the usual cause, and keeping the old offset would have every request refused.
fn is_disproved(known: i64, offset: i64, round_trip: Duration) -> bool {
    u128::from(known.abs_diff(offset)) > round_trip.as_millis().div_ceil(2)
}

fn half(duration: Duration) -> Duration {
    duration.checked_div(2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate_at(clock: &ClockOffset, now: i64) -> i64 {
        clock.estimate(LocalTime::from_millis(now)).as_millis()
    }

    fn measure(clock: &ClockOffset, asked: i64, server: i64, answered: i64) {
        clock.measure(
            LocalTime::from_millis(asked),
            ExchangeTime::from_millis(server),
            LocalTime::from_millis(answered),
        );
    }

    #[test]
    fn half_the_round_trip_is_taken_off() {
        let clock = ClockOffset::default();
        assert_eq!(estimate_at(&clock, 1_000), 1_000);
        measure(&clock, 1_000, 5_100, 1_200);
        assert_eq!(estimate_at(&clock, 1_200), 5_200);
        measure(&clock, 10_000, 9_000, 10_100);
        assert_eq!(estimate_at(&clock, 10_100), 9_050);
    }

    /// Known: 50,000 ms ahead. One line per case: asked, server, answered, the offset then.
    const LATER: [(&str, [i64; 4]); 9] = [
        ("fast, the same", [20_000, 70_050, 20_100, 50_000]),
        ("fast, another", [20_000, 70_060, 20_100, 50_010]),
        ("slow, within half", [20_000, 71_000, 21_001, 50_000]),
        ("slow, just within half", [20_000, 72_000, 22_000, 50_000]),
        ("slow, just beyond half", [20_000, 72_001, 22_000, 51_001]),
        (
            "slow, just beyond it behind",
            [20_000, 69_999, 22_000, 48_999],
        ),
        (
            "slow, our clock set ahead",
            [20_000, 66_000, 22_000, 45_000],
        ),
        ("slow, our clock set back", [20_000, 76_000, 22_000, 55_000]),
        (
            "our clock set back on the way",
            [20_000, 99_000, 19_000, 50_000],
        ),
    ];

    #[test]
    fn a_slow_round_trip_replaces_only_what_it_disproves() {
        for (name, [asked, server, answered, offset]) in LATER {
            let clock = ClockOffset::default();
            measure(&clock, 10_000, 60_050, 10_100);
            assert_eq!(estimate_at(&clock, 0), 50_000);
            measure(&clock, asked, server, answered);
            assert_eq!(estimate_at(&clock, 0), offset, "{name}");
        }
    }

    #[test]
    fn a_slow_round_trip_is_better_than_none() {
        let clock = ClockOffset::default();
        measure(&clock, 0, 50_000, 4_000);
        assert_eq!(estimate_at(&clock, 4_000), 52_000);
        measure(&clock, 10_000, 60_050, 10_100);
        assert_eq!(estimate_at(&clock, 10_100), 60_100);
    }
}
