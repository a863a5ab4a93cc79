//! The request weight of one address, shared by all accounts behind it, and the exchange's pauses.
//!
//! Weight is counted per address and calendar minute (rest-api.md, "IP Limits"); going on after a
//! 429 gets the whole address banned for 2 minutes to 3 days. So nothing is sent while a pause
//! lasts, and ordinary questions leave a part of each minute to what settles orders.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{ExchangeTime, LocalTime};

/// How much a request matters when weight runs short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// It places, cancels or settles an order, or keeps the clock: may use all of the minute.
    Settling,
    /// Anything that can as well be asked later: leaves a fifth of the minute.
    Ordinary,
}

/// How much of its weight an address has used in the current minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightUse {
    /// Used so far, by the exchange's own count where it told one.
    pub used: u32,
    /// What may be used.
    pub limit: u32,
}

#[derive(Debug)]
struct State {
    limit: u32,
    minute: i64,
    used: u32,
    paused_until: Option<LocalTime>,
}

/// The count of one address.
#[derive(Debug)]
pub(crate) struct WeightBudget {
    configured: u32,
    state: Mutex<State>,
}

const MINUTE_MS: i64 = 60_000;

impl WeightBudget {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            configured: limit,
            state: Mutex::new(State {
                limit,
                minute: 0,
                used: 0,
                paused_until: None,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `weight` out of the current minute, or says how long to wait.
    pub(crate) fn take(
        &self,
        weight: u32,
        share: Share,
        now: LocalTime,
        exchange_now: ExchangeTime,
    ) -> Result<(), Duration> {
        let mut state = self.state();
        if let Some(wait) = state.pause_left(now) {
            return Err(wait);
        }
        state.enter(exchange_now);
        let allowed = match share {
            Share::Settling => state.limit,
            Share::Ordinary => state.limit.saturating_sub(state.limit / 5),
        };
        let used = state.used.saturating_add(weight);
        if used > allowed {
            return Err(until_next_minute(exchange_now));
        }
        state.used = used;
        Ok(())
    }

    /// How long nothing at all may be sent: a pause of the exchange, or a minute that is used up.
    pub(crate) fn wait(&self, now: LocalTime, exchange_now: ExchangeTime) -> Option<Duration> {
        let mut state = self.state();
        if let Some(wait) = state.pause_left(now) {
            return Some(wait);
        }
        state.enter(exchange_now);
        (state.used >= state.limit).then(|| until_next_minute(exchange_now))
    }

    /// Takes over the exchange's own count, told in a reply to a request of this minute. Other
    /// processes behind the same address are in it.
    pub(crate) fn counted(&self, used: u32, asked: ExchangeTime, answered: ExchangeTime) {
        // A reply that crossed the minute's end may tell the count of either minute.
        if minute_of(asked) == minute_of(answered) {
            let mut state = self.state();
            state.enter(answered);
            state.used = state.used.max(used);
        }
    }

    /// Sends nothing before `until`. A longer pause stays.
    pub(crate) fn pause(&self, until: LocalTime) {
        let mut state = self.state();
        state.paused_until = state.paused_until.max(Some(until));
    }

    /// Takes over the limit the exchange states, unless a lower one is configured.
    pub(crate) fn learn_limit(&self, limit: u32) {
        self.state().limit = limit.min(self.configured);
    }

    pub(crate) fn usage(&self, exchange_now: ExchangeTime) -> WeightUse {
        let mut state = self.state();
        state.enter(exchange_now);
        WeightUse {
            used: state.used,
            limit: state.limit,
        }
    }
}

impl State {
    fn enter(&mut self, now: ExchangeTime) {
        let minute = minute_of(now);
        if minute != self.minute {
            self.minute = minute;
            self.used = 0;
        }
    }

    fn pause_left(&mut self, now: LocalTime) -> Option<Duration> {
        let left = self.paused_until?.since(now);
        if left.is_zero() {
            self.paused_until = None;
            return None;
        }
        Some(left)
    }
}

fn minute_of(time: ExchangeTime) -> i64 {
    time.as_millis().div_euclid(MINUTE_MS)
}

fn until_next_minute(now: ExchangeTime) -> Duration {
    let into = now.as_millis().rem_euclid(MINUTE_MS);
    Duration::from_millis(u64::try_from(MINUTE_MS.saturating_sub(into)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn local(millis: i64) -> LocalTime {
        LocalTime::from_millis(millis)
    }

    const fn exchange(millis: i64) -> ExchangeTime {
        ExchangeTime::from_millis(millis)
    }

    #[test]
    fn ordinary_questions_leave_a_fifth_of_the_minute() {
        let budget = WeightBudget::new(100);
        let (now, at) = (local(0), exchange(60_000));
        assert_eq!(budget.take(80, Share::Ordinary, now, at), Ok(()));
        let wait = Err(Duration::from_secs(60));
        assert_eq!(budget.take(1, Share::Ordinary, now, at), wait);
        assert_eq!(budget.take(20, Share::Settling, now, at), Ok(()));
        assert_eq!(budget.take(1, Share::Settling, now, at), wait);
        assert_eq!(
            budget.wait(now, exchange(119_999)),
            Some(Duration::from_millis(1))
        );
        assert_eq!(budget.wait(now, exchange(120_000)), None);
        assert_eq!(
            budget.take(80, Share::Ordinary, now, exchange(120_000)),
            Ok(())
        );
    }

    #[test]
    fn the_exchanges_own_count_wins_within_its_minute() {
        let budget = WeightBudget::new(100);
        let at = exchange(60_000);
        assert_eq!(budget.take(20, Share::Ordinary, local(0), at), Ok(()));
        budget.counted(90, at, exchange(61_000));
        assert_eq!(
            budget.usage(at),
            WeightUse {
                used: 90,
                limit: 100
            }
        );
        budget.counted(30, at, exchange(62_000));
        assert_eq!(budget.usage(at).used, 90, "an older reply that came late");
        budget.counted(95, exchange(119_990), exchange(120_010));
        assert_eq!(budget.usage(exchange(120_010)).used, 0);
    }

    #[test]
    fn nothing_is_sent_while_a_pause_lasts() {
        let budget = WeightBudget::new(100);
        let at = exchange(60_000);
        budget.pause(local(10_000));
        budget.pause(local(5_000));
        assert_eq!(
            budget.take(1, Share::Settling, local(9_000), at),
            Err(Duration::from_secs(1))
        );
        assert_eq!(budget.wait(local(9_000), at), Some(Duration::from_secs(1)));
        assert_eq!(budget.take(1, Share::Settling, local(10_000), at), Ok(()));
        assert_eq!(budget.wait(local(10_000), at), None);
    }

    #[test]
    fn a_stated_limit_never_exceeds_the_configured_one() {
        let budget = WeightBudget::new(1_000);
        budget.learn_limit(6_000);
        assert_eq!(budget.usage(exchange(0)).limit, 1_000);
        budget.learn_limit(600);
        assert_eq!(budget.usage(exchange(0)).limit, 600);
    }
}
