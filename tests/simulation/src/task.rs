//! Driving futures by hand: one port call per step, no runtime, no second thread.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::World;

/// How often a task may ask to be polled again within one step without a port call.
const POLLS_PER_STEP: u32 = 64;

/// What one step of a task led to.
#[derive(Debug)]
pub enum Step<T> {
    /// It made this port call and waits before the next.
    Called(&'static str),
    /// It waits for time to pass.
    Blocked,
    /// It has finished.
    Done(T),
}

/// Where a task stands that goes by the names of its calls.
#[derive(Debug)]
pub(crate) enum Stand<T> {
    /// Just before this port call.
    Before(&'static str),
    /// It waits for time to pass.
    Waiting,
    /// It has finished.
    Done(T),
}

impl<T> Stand<T> {
    pub(crate) fn map<U>(self, with: impl FnOnce(T) -> U) -> Stand<U> {
        match self {
            Self::Before(call) => Stand::Before(call),
            Self::Waiting => Stand::Waiting,
            Self::Done(done) => Stand::Done(with(done)),
        }
    }
}

/// A use case under way in one process. Dropping it is the death of that process.
pub struct Task<'w, T> {
    world: &'w World,
    future: Pin<Box<dyn Future<Output = T> + 'w>>,
    woken: Arc<Woken>,
}

impl<T> std::fmt::Debug for Task<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<'w, T> Task<'w, T> {
    /// A task that has not made its first step yet.
    pub fn new(world: &'w World, future: impl Future<Output = T> + 'w) -> Self {
        Self {
            world,
            future: Box::pin(future),
            woken: Arc::default(),
        }
    }

    /// Runs up to and including the next port call.
    pub fn step(&mut self) -> Step<T> {
        self.world.gate.grant();
        let done = self.poll();
        let called = self.world.gate.revoke();
        match done {
            Some(done) => Step::Done(done),
            None => called.map_or(Step::Blocked, Step::Called),
        }
    }

    /// Goes on as far as is possible without a port call.
    pub(crate) fn stand(&mut self) -> Stand<T> {
        self.world.gate.take_next();
        match self.poll() {
            Some(done) => Stand::Done(done),
            None => (self.world.gate.take_next()).map_or(Stand::Waiting, Stand::Before),
        }
    }

    /// Makes the port call before which it stands, and goes on to the next.
    pub(crate) fn go(&mut self) -> Stand<T> {
        self.world.gate.grant();
        let stand = self.stand();
        self.world.gate.revoke();
        stand
    }

    fn poll(&mut self) -> Option<T> {
        let waker = Waker::from(self.woken.clone());
        let mut context = Context::from_waker(&waker);
        for _ in 0..POLLS_PER_STEP {
            self.woken.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(done) = self.future.as_mut().poll(&mut context) {
                return Some(done);
            }
            if !self.woken.0.load(Ordering::Relaxed) {
                break;
            }
        }
        None
    }

    /// Runs until the named call has taken effect; panics if the task finishes without it.
    pub fn run_to(&mut self, call: &str) {
        loop {
            match self.step() {
                Step::Called(made) if made == call => return,
                Step::Called(_) => {}
                Step::Blocked => self.world.pass_time(),
                Step::Done(_) => panic!("the task finished without calling {call}"),
            }
        }
    }

    /// Runs to the end, moving the clock whenever nothing else can happen.
    pub fn finish(mut self) -> T {
        loop {
            match self.step() {
                Step::Done(done) => return done,
                Step::Called(_) => {}
                Step::Blocked => self.world.pass_time(),
            }
        }
    }

    /// Runs until `calls` port calls have taken effect, then dies; `None` if it did not finish before.
    pub fn die_after(mut self, calls: u64) -> Option<T> {
        let mut made = 0;
        while made < calls {
            match self.step() {
                Step::Done(done) => return Some(done),
                Step::Called(_) => made += 1,
                Step::Blocked => self.world.pass_time(),
            }
        }
        None
    }
}
