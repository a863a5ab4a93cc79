//! How many new orders one account may send now.
//!
//! The exchange counts an account's unfilled new orders in fixed calendar intervals, 10 seconds and
//! one day as a rule (rest-api.md, "Unfilled Order Count"; the limits are in `exchangeInfo`). Fills
//! lower its count, so the count it tells in a reply is taken over, with what is under way added.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{ExchangeTime, LocalTime};

/// The limits taken before `exchangeInfo` was read: the ones Binance's rest-api.md prints.
pub(crate) const DEFAULT_LIMITS: [(Duration, u32); 2] = [
    (Duration::from_secs(10), 50),
    (Duration::from_secs(86_400), 160_000),
];

#[derive(Debug, Clone, Copy)]
struct Interval {
    length: Duration,
    limit: u32,
    started: i64,
    used: u32,
}

#[derive(Debug)]
struct State {
    intervals: Vec<Interval>,
    under_way: u32,
    paused_until: Option<LocalTime>,
}

/// The count of one account.
#[derive(Debug)]
pub(crate) struct OrderPacing {
    state: Mutex<State>,
}

/// One order under way. Ends when dropped.
#[derive(Debug)]
pub(crate) struct UnderWay {
    pacing: Arc<OrderPacing>,
    begun: ExchangeTime,
}

impl OrderPacing {
    pub(crate) fn new(limits: &[(Duration, u32)]) -> Self {
        let pacing = Self {
            state: Mutex::new(State {
                intervals: Vec::new(),
                under_way: 0,
                paused_until: None,
            }),
        };
        pacing.learn_limits(limits);
        pacing
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over the limits the exchange states. What was counted stays.
    pub(crate) fn learn_limits(&self, limits: &[(Duration, u32)]) {
        let mut state = self.state();
        let intervals = limits.iter().map(|(length, limit)| {
            let known = state.intervals.iter().find(|known| known.length == *length);
            Interval {
                length: *length,
                limit: *limit,
                started: known.map_or(0, |known| known.started),
                used: known.map_or(0, |known| known.used),
            }
        });
        let intervals = intervals.collect();
        state.intervals = intervals;
    }

    /// How long no order may be sent; `None` when one may be sent now.
    pub(crate) fn wait(&self, now: LocalTime, exchange_now: ExchangeTime) -> Option<Duration> {
        self.state().wait(now, exchange_now)
    }

    /// Counts an order that is about to be sent, or says how long to wait.
    pub(crate) fn begin(
        self: &Arc<Self>,
        now: LocalTime,
        exchange_now: ExchangeTime,
    ) -> Result<UnderWay, Duration> {
        let mut state = self.state();
        if let Some(wait) = state.wait(now, exchange_now) {
            return Err(wait);
        }
        for interval in &mut state.intervals {
            interval.used = interval.used.saturating_add(1);
        }
        state.under_way = state.under_way.saturating_add(1);
        Ok(UnderWay {
            pacing: Arc::clone(self),
            begun: exchange_now,
        })
    }

    /// Sends no order before `until`. A longer pause stays.
    pub(crate) fn pause(&self, until: LocalTime) {
        let mut state = self.state();
        state.paused_until = state.paused_until.max(Some(until));
    }
}

impl State {
    fn wait(&mut self, now: LocalTime, exchange_now: ExchangeTime) -> Option<Duration> {
        let pause = self.paused_until.map(|until| until.since(now));
        let longest = self
            .intervals
            .iter_mut()
            .filter_map(|interval| {
                let left = interval.enter(exchange_now);
                (interval.used >= interval.limit).then_some(left)
            })
            .chain(pause)
            .max()?;
        (!longest.is_zero()).then_some(longest)
    }
}

impl Interval {
    fn length_ms(&self) -> i64 {
        i64::try_from(self.length.as_millis())
            .unwrap_or(i64::MAX)
            .max(1)
    }

    fn start_at(&self, time: ExchangeTime) -> i64 {
        let into = time.as_millis().rem_euclid(self.length_ms());
        time.as_millis().saturating_sub(into)
    }

    /// Starts counting anew when a new interval has begun, and says how long it still lasts.
    fn enter(&mut self, now: ExchangeTime) -> Duration {
        let started = self.start_at(now);
        if started != self.started {
            self.started = started;
            self.used = 0;
        }
        let end = started.saturating_add(self.length_ms());
        ExchangeTime::from_millis(end).since(now)
    }
}

impl UnderWay {
    /// The reply came and told the exchange's counts.
    pub(crate) fn counted(&self, counts: &[(Duration, u32)], exchange_now: ExchangeTime) {
        let mut state = self.pacing.state();
        let others = state.under_way.saturating_sub(1);
        for interval in &mut state.intervals {
            let told = counts.iter().find(|(length, _)| *length == interval.length);
            // A reply that crossed the interval's end may tell the count of either one.
            let crossed = interval.start_at(self.begun) != interval.start_at(exchange_now);
            if let (Some((_, count)), false) = (told, crossed) {
                interval.enter(exchange_now);
                interval.used = count.saturating_add(others);
            }
        }
    }

    /// The exchange refused for too many orders: nothing more before `until`.
    pub(crate) fn pause(&self, until: LocalTime) {
        self.pacing.pause(until);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.pacing.state();
        state.under_way = state.under_way.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_secs(10);
    const DAY: Duration = Duration::from_secs(86_400);
    const NOW: LocalTime = LocalTime::from_millis(0);

    fn pacing(limits: &[(Duration, u32)]) -> Arc<OrderPacing> {
        Arc::new(OrderPacing::new(limits))
    }

    const fn at(millis: i64) -> ExchangeTime {
        ExchangeTime::from_millis(millis)
    }

    #[test]
    fn waits_for_the_next_calendar_interval() {
        let pacing = pacing(&[(TEN, 2), (DAY, 3)]);
        assert!(pacing.begin(NOW, at(13_000)).is_ok());
        assert!(pacing.begin(NOW, at(14_000)).is_ok());
        assert_eq!(pacing.wait(NOW, at(14_000)), Some(Duration::from_secs(6)));
        assert_eq!(
            pacing.begin(NOW, at(19_999)).unwrap_err(),
            Duration::from_millis(1)
        );
        assert_eq!(pacing.wait(NOW, at(20_000)), None);
        assert!(pacing.begin(NOW, at(20_000)).is_ok());
        let left = Duration::from_millis(86_400_000 - 30_000);
        assert_eq!(
            pacing.wait(NOW, at(30_000)),
            Some(left),
            "the day is used up"
        );
        assert_eq!(pacing.wait(NOW, at(86_400_000)), None);
    }

    #[test]
    fn takes_over_the_exchanges_count_and_adds_what_is_under_way() {
        let pacing = pacing(&[(TEN, 4)]);
        let first = pacing.begin(NOW, at(0)).unwrap();
        let second = pacing.begin(NOW, at(0)).unwrap();
        first.counted(&[(TEN, 3), (DAY, 70)], at(100));
        assert_eq!(
            pacing.wait(NOW, at(100)),
            Some(Duration::from_millis(9_900))
        );
        drop(first);
        second.counted(&[(TEN, 1)], at(200));
        drop(second);
        assert_eq!(pacing.wait(NOW, at(200)), None, "fills lowered the count");
        for _ in 0..3 {
            drop(pacing.begin(NOW, at(200)).unwrap());
        }
        assert!(pacing.begin(NOW, at(200)).is_err());
        let late = pacing.begin(NOW, at(19_999)).unwrap();
        late.counted(&[(TEN, 4)], at(20_001));
        assert_eq!(
            pacing.wait(NOW, at(20_001)),
            None,
            "the count of the interval before"
        );
    }

    #[test]
    fn learns_limits_and_keeps_what_was_counted() {
        let pacing = pacing(&DEFAULT_LIMITS);
        for _ in 0..10 {
            drop(pacing.begin(NOW, at(0)).unwrap());
        }
        pacing.learn_limits(&[(TEN, 10), (DAY, 100)]);
        assert!(pacing.wait(NOW, at(0)).is_some());
        pacing.learn_limits(&[(TEN, 11), (DAY, 100)]);
        assert_eq!(pacing.wait(NOW, at(0)), None);
    }

    #[test]
    fn a_refusal_for_too_many_orders_pauses() {
        let pacing = pacing(&DEFAULT_LIMITS);
        let order = pacing.begin(NOW, at(0)).unwrap();
        order.pause(LocalTime::from_millis(7_000));
        order.pause(LocalTime::from_millis(3_000));
        assert_eq!(pacing.wait(NOW, at(0)), Some(Duration::from_secs(7)));
        assert_eq!(pacing.wait(LocalTime::from_millis(7_000), at(7_000)), None);
    }
}
