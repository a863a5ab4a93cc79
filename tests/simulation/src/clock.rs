//! A clock that stands still until the driver moves it.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use domain::LocalTime;
use trading::Clock;

/// When a simulation begins: any instant will do, as long as it is always the same.
const BEGINNING_MS: i64 = 1_790_000_000_000;

/// The local time of a simulated machine.
#[derive(Debug)]
pub struct VirtualClock {
    state: Mutex<State>,
    read: AtomicBool,
}

#[derive(Debug)]
struct State {
    now_ms: i64,
    /// How far the clock on the wall is ahead of the time that passes.
    wall_ahead_ms: i64,
    deadlines: BTreeSet<i64>,
    waiting: Vec<Waker>,
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self {
            read: AtomicBool::new(false),
            state: Mutex::new(State {
                now_ms: BEGINNING_MS,
                wall_ahead_ms: 0,
                deadlines: BTreeSet::new(),
                waiting: Vec::new(),
            }),
        }
    }
}

impl VirtualClock {
    /// The time now, in milliseconds since 1970.
    #[must_use]
    pub fn millis(&self) -> i64 {
        self.state.lock().unwrap().now_ms
    }

    /// Sets the clock on the wall, which use cases read; time passes as before. Returns by how much
    /// it jumped.
    pub(crate) fn set_wall(&self, ahead_ms: i64) -> i64 {
        let mut state = self.state.lock().unwrap();
        let jumped = ahead_ms - state.wall_ahead_ms;
        state.wall_ahead_ms = ahead_ms;
        jumped
    }

    /// Moves the clock, never backwards, and lets everybody who waits look at it again.
    pub(crate) fn set(&self, now_ms: i64) {
        let waiting = {
            let mut state = self.state.lock().unwrap();
            state.now_ms = state.now_ms.max(now_ms);
            let now = state.now_ms;
            state.deadlines.retain(|deadline| *deadline > now);
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// The next instant anybody waits for.
    pub(crate) fn next_deadline(&self) -> Option<i64> {
        self.state.lock().unwrap().deadlines.first().copied()
    }

    /// Somebody was told the time.
    pub(crate) fn was_read(&self) {
        self.read.store(true, Ordering::Relaxed);
    }

    /// Whether anybody was told the time since this was last asked.
    pub(crate) fn take_read(&self) -> bool {
        self.read.swap(false, Ordering::Relaxed)
    }

    /// Every instant anybody waits for, or waited for when they died.
    pub(crate) fn deadlines(&self) -> Vec<i64> {
        self.state
            .lock()
            .unwrap()
            .deadlines
            .iter()
            .copied()
            .collect()
    }

    /// Whether an instant has come; if not, the task is polled again when the clock moves.
    pub(crate) fn reached(&self, deadline_ms: i64, context: &Context<'_>) -> bool {
        let mut state = self.state.lock().unwrap();
        if state.now_ms >= deadline_ms {
            return true;
        }
        state.deadlines.insert(deadline_ms);
        state.waiting.push(context.waker().clone());
        false
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> LocalTime {
        self.was_read();
        let state = self.state.lock().unwrap();
        LocalTime::from_millis(state.now_ms + state.wall_ahead_ms)
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.was_read();
        let deadline = LocalTime::from_millis(self.millis())
            .after(duration)
            .as_millis();
        poll_fn(move |context| {
            if self.reached(deadline, context) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
    }
}
