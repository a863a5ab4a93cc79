//! The points at which a use case touches the outside, one at a time.
//!
//! Every call of a test port passes through [`Gate::pass`] before it takes effect. The driver grants
//! one passage per step, so it decides between which two effects another task runs or a process dies.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::sync::{Mutex, OnceLock};
use std::task::{Poll, Waker};

use crate::mistake::Mistake;

/// Where port calls wait for the driver.
#[derive(Debug)]
pub struct Gate {
    state: Mutex<State>,
    mistake: OnceLock<Mistake>,
    free: OnceLock<&'static [&'static str]>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            mistake: OnceLock::new(),
            free: OnceLock::new(),
            state: Mutex::new(State {
                permits: 0,
                effects: 0,
                let_through: Vec::new(),
                trace: 0xcbf2_9ce4_8422_2325,
                waiting: Vec::new(),
                passed: Vec::new(),
                counts: BTreeMap::new(),
            }),
        }
    }
}

#[derive(Debug)]
struct State {
    permits: u32,
    effects: u64,
    let_through: Vec<String>,
    trace: u64,
    waiting: Vec<Waker>,
    passed: Vec<&'static str>,
    counts: BTreeMap<&'static str, u64>,
}

impl Gate {
    /// Waits until the driver lets the named call take effect.
    pub fn pass(&self, call: &'static str) -> impl Future<Output = ()> + Send + '_ {
        poll_fn(move |context| {
            if self.free.get().is_some_and(|free| free.contains(&call)) {
                return Poll::Ready(());
            }
            let mut state = self.state.lock().unwrap();
            if state.permits == 0 {
                state.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            state.permits -= 1;
            state.passed.push(call);
            state.effects += 1;
            for byte in call.bytes() {
                state.trace = (state.trace ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
            *state.counts.entry(call).or_insert(0) += 1;
            Poll::Ready(())
        })
    }

    /// Grants exactly one passage.
    pub(crate) fn grant(&self) {
        let waiting = {
            let mut state = self.state.lock().unwrap();
            state.permits = 1;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Takes back a passage nobody used; the call that used it, otherwise.
    pub(crate) fn revoke(&self) -> Option<&'static str> {
        let mut state = self.state.lock().unwrap();
        if std::mem::take(&mut state.permits) == 0 {
            state.passed.last().copied()
        } else {
            None
        }
    }

    /// Every call so far, in the order the calls took effect.
    #[must_use]
    pub fn passed(&self) -> Vec<&'static str> {
        self.state.lock().unwrap().passed.clone()
    }

    /// How many calls have taken effect since the beginning: the time by which effects are ordered.
    pub(crate) fn effects(&self) -> u64 {
        self.state.lock().unwrap().effects
    }

    /// From now on these calls pass by themselves: their moment matters to nobody.
    pub(crate) fn let_pass(&self, calls: &'static [&'static str]) {
        self.free.set(calls).unwrap();
    }

    /// From now on this mistake is made.
    pub fn make(&self, mistake: Mistake) {
        self.mistake.set(mistake).unwrap();
    }

    /// Whether this mistake is made.
    pub(crate) fn makes(&self, mistake: Mistake) -> bool {
        self.mistake.get() == Some(&mistake)
    }

    /// A mistaken handler puts on the queue what it held back about an order.
    pub(crate) fn let_through(&self, id: String) {
        self.state.lock().unwrap().let_through.push(id);
    }

    /// The orders about which something held back was put on the queue since this was last asked.
    pub(crate) fn take_let_through(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().let_through)
    }

    /// Every call since the beginning, in order, folded into one number (FNV-1a).
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.state.lock().unwrap().trace
    }

    /// Forgets the calls so far, so that a test can count those that follow.
    pub fn forget(&self) {
        let mut state = self.state.lock().unwrap();
        state.passed.clear();
        state.counts.clear();
    }

    /// How often the named call took effect since the last [`Gate::forget`].
    #[must_use]
    pub fn count(&self, call: &str) -> u64 {
        let state = self.state.lock().unwrap();
        state.counts.get(call).copied().unwrap_or(0)
    }
}
