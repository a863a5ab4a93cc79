//! Time, as the use cases see it.

use std::time::Duration;

use domain::LocalTime;

/// This machine's clock.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> LocalTime;

    /// Waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}
