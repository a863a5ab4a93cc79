//! This machine's clock, the only place where the command reads the time.
//!
//! Start at [`SystemClock`]; everything else is handed a [`trading::Clock`]. Never asks the exchange
//! for its time: the two clocks are kept apart by type.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::LocalTime;

/// The wall clock of this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SystemClock;

impl trading::Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of the process where the time is read"
    )]
    fn now(&self) -> LocalTime {
        LocalTime::from_millis(millis_since_epoch(SystemTime::now()))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

fn millis_since_epoch(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        // A clock before 1970 is wrong; saying so as a negative time keeps every comparison true.
        Err(before) => {
            i64::try_from(before.duration().as_millis()).map_or(i64::MIN, i64::saturating_neg)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trading::Clock as _;

    #[test]
    fn counts_milliseconds_from_1970_both_ways() {
        let after = UNIX_EPOCH + Duration::from_millis(1_790_000_000_123);
        let before = UNIX_EPOCH - Duration::from_millis(1_500);
        assert_eq!(millis_since_epoch(after), 1_790_000_000_123);
        assert_eq!(millis_since_epoch(before), -1_500);
    }

    #[tokio::test]
    async fn goes_forward_while_it_sleeps() {
        let clock = SystemClock;
        let start = clock.now();
        clock.sleep(Duration::from_millis(20)).await;
        assert!(clock.now().since(start) >= Duration::from_millis(19));
    }
}
