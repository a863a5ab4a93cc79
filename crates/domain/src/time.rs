//! Two clocks that must never be mixed: the exchange's and ours.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

macro_rules! instant {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Milliseconds since 1970-01-01 UTC.
            #[must_use]
            pub const fn from_millis(millis: i64) -> Self {
                Self(millis)
            }

            /// Milliseconds since 1970-01-01 UTC.
            #[must_use]
            pub const fn as_millis(self) -> i64 {
                self.0
            }

            /// As people read it, to the second: `2026-03-01 12:00:05 UTC`.
            #[must_use]
            pub fn in_words(self) -> String {
                date(self.0)
            }

            /// The instant `duration` later.
            #[must_use]
            pub fn after(self, duration: Duration) -> Self {
                Self(self.0.saturating_add(millis(duration)))
            }

            /// The instant `duration` earlier.
            #[must_use]
            pub fn before(self, duration: Duration) -> Self {
                Self(self.0.saturating_sub(millis(duration)))
            }

            /// How long after `earlier` this is; zero when it is not after it.
            #[must_use]
            pub fn since(self, earlier: Self) -> Duration {
                Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

instant! {
    /// An instant on the exchange's clock: order and trade times, request timestamps, leases.
    ExchangeTime
}
instant! {
    /// An instant on this machine's clock: retry times, heartbeats, when a record changed.
    LocalTime
}

/// The proleptic Gregorian date of an instant, with the days of each 400 years counted from a 1 March, so
/// that a leap day ends its year.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "days and years within an era, and seconds within a day, are small"
)]
fn date(millis: i64) -> String {
    const DAYS_TO_1970: i64 = 719_468;
    let seconds = millis.div_euclid(1_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let days = days.saturating_add(DAYS_TO_1970);
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era.saturating_mul(400).saturating_add(year + later);
    let (hour, minute, second) = (second / 3_600, second % 3_600 / 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
