//! How the process can be watched: `/health` and `/metrics` over HTTP, and systemd's watchdog.
//!
//! Entry points: [`Pulse`], [`follow`], [`server::serve`]. Whether the bridge is alive is told by its loop alone: each
//! of its turns that says how it stands is a beat. Changes nothing about the bridge.

pub(crate) mod health;
pub(crate) mod server;

use std::io;
use std::sync::{OnceLock, RwLock};
use std::time::Duration;

use bridge::{BridgeHandle, BridgeStatus};
use sd_notify::NotifyState;
use tokio::time::Instant;

/// What is known of the bridge's loop from outside.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    bridge: OnceLock<BridgeHandle>,
    last: RwLock<Option<Instant>>,
}

impl Pulse {
    /// How the bridge stands, and how long ago it said so. `None` before its first turn.
    pub(crate) fn status(&self) -> Option<(BridgeStatus, Duration)> {
        // A beat is one value: nothing that panicked could have left half of it.
        let last = *self
            .last
            .read()
            .unwrap_or_else(|poison| poison.into_inner());
        Some((self.bridge.get()?.status(), last?.elapsed()))
    }

    fn beat(&self) {
        let mut last = self
            .last
            .write()
            .unwrap_or_else(|poison| poison.into_inner());
        *last = Some(Instant::now());
    }
}

/// Follows the bridge's loop to its end: notes each turn, and tells systemd that the bridge is up after the first one
/// and alive with the others, four times in each period of its watchdog.
pub(crate) async fn follow(
    pulse: &Pulse,
    bridge: BridgeHandle,
    watchdog: Option<Duration>,
    tell: impl Fn(&[NotifyState<'_>]) -> io::Result<()>,
) {
    let mut turns = bridge.clone();
    let _known = pulse.bridge.set(bridge);
    let mut told: Option<Instant> = None;
    while turns.refreshed().await.is_some() {
        pulse.beat();
        if told.is_none() {
            say(&tell, &[NotifyState::Ready]);
        }
        let due = match (watchdog, told) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(period), Some(at)) => at.elapsed() >= period.checked_div(4).unwrap_or_default(),
        };
        if due {
            say(&tell, &[NotifyState::Watchdog]);
        }
        if due || told.is_none() {
            told = Some(Instant::now());
        }
    }
}

/// Tells systemd something. It may not be there at all, and what it cannot be told changes nothing here.
pub(crate) fn say(tell: &impl Fn(&[NotifyState<'_>]) -> io::Result<()>, what: &[NotifyState<'_>]) {
    if let Err(error) = tell(what) {
        tracing::warn!(%error, "the service manager cannot be told {what:?}");
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::sync::watch;
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn turn(bridge: &watch::Sender<BridgeStatus>) {
        bridge.send_replace(BridgeStatus::default());
        tokio::task::yield_now().await;
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_loop_that_turns_counts_as_alive() {
        let (bridge, status) = watch::channel(BridgeStatus::default());
        let pulse = Pulse::default();
        let said = RefCell::new(Vec::new());
        let tell = |what: &[NotifyState<'_>]| {
            said.borrow_mut()
                .extend(what.iter().map(ToString::to_string));
            Ok(())
        };
        let following = follow(&pulse, BridgeHandle::new(status), Some(SECOND * 8), tell);
        let turning = async {
            tokio::task::yield_now().await;
            assert!(pulse.status().is_none(), "it has not turned yet");
            turn(&bridge).await;
            assert_eq!(*said.borrow(), ["READY=1", "WATCHDOG=1"]);
            advance(SECOND).await;
            turn(&bridge).await;
            assert_eq!(
                said.borrow().len(),
                2,
                "a quarter of the period has not passed"
            );
            advance(SECOND).await;
            turn(&bridge).await;
            assert_eq!(said.borrow().last().unwrap(), "WATCHDOG=1");
            assert_eq!(said.borrow().len(), 3);
            // The loop stands still: nobody speaks for it.
            advance(SECOND * 60).await;
            tokio::task::yield_now().await;
            assert_eq!(said.borrow().len(), 3);
            assert_eq!(pulse.status().unwrap().1, SECOND * 60);
            drop(bridge);
        };
        tokio::join!(following, turning);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_watchdog_only_the_start_is_told() {
        let (bridge, status) = watch::channel(BridgeStatus::default());
        let pulse = Pulse::default();
        let said = RefCell::new(0);
        let tell = |_: &[NotifyState<'_>]| {
            *said.borrow_mut() += 1;
            // A service manager that does not listen changes nothing.
            Err(io::Error::from(io::ErrorKind::NotFound))
        };
        let following = follow(&pulse, BridgeHandle::new(status), None, tell);
        let turning = async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
                turn(&bridge).await;
                advance(SECOND * 60).await;
            }
            drop(bridge);
        };
        tokio::join!(following, turning);
        assert_eq!(*said.borrow(), 1);
    }
}
