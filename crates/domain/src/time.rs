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

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
