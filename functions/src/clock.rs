//! This environment's clock, and until when a call may run.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::LocalTime;
use lambda_runtime::Context;
use trading::Clock;

/// The clock of the environment.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of the functions where the time is read"
    )]
    fn now(&self) -> LocalTime {
        // A clock before 1970 is wrong whatever is made of it.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        LocalTime::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// When Lambda ends this call, by this environment's clock, which is Lambda's own.
#[must_use]
pub fn deadline(context: &Context, clock: &SystemClock) -> LocalTime {
    let at = i64::try_from(context.deadline).unwrap_or(i64::MAX);
    if at == 0 {
        // Whoever calls it without saying so has no end in mind.
        return clock.now().after(Duration::from_secs(3600));
    }
    LocalTime::from_millis(at)
}
