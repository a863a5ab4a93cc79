//! Request weight and order limits (`rest-api.md`, limits; `faqs/order_count_decrement.md`).
//!
//! Entry points: [`Limits::admit`], [`Limits::check_orders`], [`Limits::placed`], [`Limits::filled`]. Intervals are
//! calendar buckets. All callers share one address, and REST and WebSocket API share its weight. Time comes in.

use std::collections::BTreeMap;

use super::config::LimitsConfig;
use crate::model::Reject;

const MINUTE_MS: i64 = 60_000;
const TEN_SECONDS_MS: i64 = 10_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Requests that ignore a 429 before the address is banned.
const IGNORED_BEFORE_BAN: u32 = 20;

/// First fills give back so many unfilled orders: 5 as maker, 1 as taker (the FAQ's examples).
const MAKER_CREDIT: u64 = 5;

/// A count within a calendar interval.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    length_ms: i64,
    start_ms: i64,
    used: u64,
}

impl Bucket {
    const fn new(length_ms: i64) -> Self {
        Self {
            length_ms,
            start_ms: i64::MIN,
            used: 0,
        }
    }

    fn at(&mut self, now_ms: i64) -> &mut Self {
        let start_ms = now_ms - now_ms.rem_euclid(self.length_ms);
        if start_ms != self.start_ms {
            self.start_ms = start_ms;
            self.used = 0;
        }
        self
    }

    fn seconds_left(&self, now_ms: i64) -> u64 {
        let left_ms = self.start_ms.saturating_add(self.length_ms) - now_ms;
        u64::try_from(left_ms).unwrap_or(0).div_ceil(1000).max(1)
    }
}

/// All limits of the exchange.
#[derive(Debug)]
pub(crate) struct Limits {
    config: LimitsConfig,
    weight: Bucket,
    requests: Bucket,
    connections: Bucket,
    orders: BTreeMap<String, (Bucket, Bucket)>,
    refused_until_ms: i64,
    banned_until_ms: i64,
    ignored: u32,
}

impl Limits {
    pub(crate) fn new(config: LimitsConfig) -> Self {
        Self {
            config,
            weight: Bucket::new(MINUTE_MS),
            requests: Bucket::new(5 * MINUTE_MS),
            connections: Bucket::new(5 * MINUTE_MS),
            orders: BTreeMap::new(),
            refused_until_ms: i64::MIN,
            banned_until_ms: i64::MIN,
            ignored: 0,
        }
    }

    pub(crate) fn config(&self) -> LimitsConfig {
        self.config
    }

    pub(crate) fn set_config(&mut self, config: LimitsConfig) {
        self.config = config;
    }

    /// Counts a request's weight, or refuses it. Whoever goes on after a 429 is banned.
    pub(crate) fn admit(&mut self, now_ms: i64, weight: u64) -> Result<(), Reject> {
        if now_ms < self.banned_until_ms {
            return Err(Reject::banned(
                self.banned_until_ms,
                seconds(self.banned_until_ms - now_ms),
            ));
        }
        let used = self.weight.at(now_ms).used.saturating_add(weight);
        let requests = self.requests.at(now_ms);
        requests.used += 1;
        let too_much = !self.config.lifted
            && (used > self.config.weight_per_minute
                || requests.used > self.config.requests_per_five_minutes);
        if too_much || now_ms < self.refused_until_ms {
            self.ignored += 1;
            if self.ignored > IGNORED_BEFORE_BAN {
                self.ban(now_ms, 120);
                return Err(Reject::banned(self.banned_until_ms, 120));
            }
            let wait = seconds(self.refused_until_ms.saturating_sub(now_ms));
            let wait = if too_much {
                self.weight.seconds_left(now_ms)
            } else {
                wait
            };
            return Err(Reject::too_many_requests(
                self.config.weight_per_minute,
                wait,
            ));
        }
        self.ignored = 0;
        self.weight.used = used;
        Ok(())
    }

    /// Gives weight back: successful trading requests cost none.
    pub(crate) fn refund(&mut self, now_ms: i64, weight: u64) {
        let bucket = self.weight.at(now_ms);
        bucket.used = bucket.used.saturating_sub(weight);
    }

    /// Weight used in this minute.
    pub(crate) fn used_weight(&mut self, now_ms: i64) -> u64 {
        self.weight.at(now_ms).used
    }

    /// Refuses everything with 429 for a while.
    pub(crate) fn refuse(&mut self, now_ms: i64, seconds: u64) -> Reject {
        self.refused_until_ms = now_ms.saturating_add(milliseconds(seconds));
        Reject::too_many_requests(self.config.weight_per_minute, seconds)
    }

    /// Bans the address for a while.
    pub(crate) fn ban(&mut self, now_ms: i64, seconds: u64) -> Reject {
        self.banned_until_ms = now_ms.saturating_add(milliseconds(seconds));
        self.ignored = 0;
        Reject::banned(self.banned_until_ms, seconds)
    }

    /// Counts a new WebSocket connection, or refuses it (-1034).
    pub(crate) fn connect(&mut self, now_ms: i64) -> Result<(), Reject> {
        self.admit(now_ms, 2)?;
        let bucket = self.connections.at(now_ms);
        bucket.used += 1;
        if !self.config.lifted && bucket.used > self.config.connections_per_five_minutes {
            return Err(Reject::new(429, -1034, "Too many connection attempts."));
        }
        Ok(())
    }

    fn of(&mut self, now_ms: i64, account: &str) -> (&mut Bucket, &mut Bucket) {
        let fresh = || (Bucket::new(TEN_SECONDS_MS), Bucket::new(DAY_MS));
        let (short, day) = self.orders.entry(account.to_owned()).or_insert_with(fresh);
        (short.at(now_ms), day.at(now_ms))
    }

    /// Refuses a new order if the account has too many unfilled ones (-1015).
    pub(crate) fn check_orders(&mut self, now_ms: i64, account: &str) -> Result<(), Reject> {
        let config = self.config;
        let (short, day) = self.of(now_ms, account);
        if config.lifted {
            return Ok(());
        }
        if short.used >= config.orders_per_ten_seconds {
            let wait = short.seconds_left(now_ms);
            return Err(Reject::too_many_orders(
                config.orders_per_ten_seconds,
                "10 SECOND",
                wait,
            ));
        }
        if day.used >= config.orders_per_day {
            let wait = day.seconds_left(now_ms);
            return Err(Reject::too_many_orders(
                config.orders_per_day,
                "1 DAY",
                wait,
            ));
        }
        Ok(())
    }

    /// Counts an order.
    pub(crate) fn placed(&mut self, now_ms: i64, account: &str) {
        let (short, day) = self.of(now_ms, account);
        short.used += 1;
        day.used += 1;
    }

    /// An order's first fill gives unfilled orders back.
    pub(crate) fn filled(&mut self, now_ms: i64, account: &str, is_maker: bool) {
        let credit = if is_maker { MAKER_CREDIT } else { 1 };
        let (short, day) = self.of(now_ms, account);
        short.used = short.used.saturating_sub(credit);
        day.used = day.used.saturating_sub(credit);
    }

    /// Unfilled orders in 10 seconds and in the day.
    pub(crate) fn order_counts(&mut self, now_ms: i64, account: &str) -> (u64, u64) {
        let (short, day) = self.of(now_ms, account);
        (short.used, day.used)
    }
}

fn seconds(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0).div_ceil(1000).max(1)
}

fn milliseconds(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits::new(LimitsConfig {
            orders_per_ten_seconds: 3,
            orders_per_day: 5,
            ..LimitsConfig::default()
        })
    }

    #[test]
    fn orders_are_counted_in_calendar_intervals_and_given_back_by_first_fills() {
        let mut limits = limits();
        for _ in 0..3 {
            limits.check_orders(9_000, "a").unwrap();
            limits.placed(9_000, "a");
        }
        let reject = limits.check_orders(9_999, "a").unwrap_err();
        assert_eq!((reject.code, reject.retry_after_seconds), (-1015, Some(1)));
        limits
            .check_orders(9_999, "b")
            .expect("limits are an account's own");
        limits
            .check_orders(10_000, "a")
            .expect("the next ten seconds");
        assert_eq!(limits.order_counts(10_000, "a"), (0, 3));
        for _ in 0..2 {
            limits.placed(10_000, "a");
        }
        assert!(
            limits
                .check_orders(20_000, "a")
                .unwrap_err()
                .message
                .contains("1 DAY")
        );
        limits.filled(20_000, "a", false);
        assert_eq!(limits.order_counts(20_000, "a"), (0, 4));
        limits.filled(20_000, "a", true);
        assert_eq!(
            limits.order_counts(20_000, "a"),
            (0, 0),
            "never below nothing"
        );
    }

    #[test]
    fn a_minute_holds_its_weight_and_the_next_starts_afresh() {
        let mut limits = limits();
        limits.admit(59_000, 5_990).unwrap();
        let reject = limits.admit(59_000, 20).unwrap_err();
        assert_eq!(
            (reject.http_status, reject.retry_after_seconds),
            (429, Some(1))
        );
        limits.admit(59_000, 10).expect("what still fits");
        limits.refund(59_000, 10);
        assert_eq!(limits.used_weight(59_999), 5_990);
        limits.admit(60_000, 20).unwrap();
        assert_eq!(limits.used_weight(60_000), 20);
    }

    #[test]
    fn whoever_ignores_a_refusal_is_banned_and_a_ban_ends() {
        let mut limits = limits();
        limits.refuse(0, 30);
        let statuses: Vec<u16> = (0..25)
            .map(|_| limits.admit(1, 1).unwrap_err().http_status)
            .collect();
        assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 20);
        assert_eq!(statuses.last(), Some(&418));
        limits.admit(120_001, 1).expect("over");
    }
}
