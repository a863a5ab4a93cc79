//! A queue inside one process, with the habits of the one on AWS: bounded, at least once, in no
//! particular order, a message that is not deleted comes back.
//!
//! Entry points: [`LocalQueue::receive`], [`LocalQueue::delete`]; sending is
//! [`trading::Queue::send`] or [`BatchQueue::send_batch`]. Keeps nothing over a restart: recovery
//! runs first at every start, so nothing is lost with it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use trading::{MAX_RECEIVES, Message, Queue, QueueError};

use crate::{BatchQueue, Outgoing};

/// How many dead letters are kept for the operator; the oldest go first.
const DEAD_LETTERS_KEPT: usize = 1_000;

/// Proof of having received a message once. Worthless after the message was received again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receipt {
    message: u64,
    receive: u32,
}

/// A message and the right to delete it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The message.
    pub message: Message,
    /// For [`LocalQueue::delete`] and [`LocalQueue::postpone`].
    pub receipt: Receipt,
    /// How often it has been received, this time included.
    pub receives: u32,
}

/// A message that was received too often, or can never be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The message.
    pub message: Message,
    /// How often it was received.
    pub receives: u32,
}

#[derive(Debug)]
struct Held {
    message: Message,
    receives: u32,
    visible_at: Instant,
}

#[derive(Debug, Default)]
struct Inner {
    held: BTreeMap<u64, Held>,
    /// The same messages by when they can be received.
    by_time: BTreeSet<(Instant, u64)>,
    dead: VecDeque<DeadLetter>,
    last: u64,
}

/// The queue. Share it behind an `Arc`.
#[derive(Debug)]
pub struct LocalQueue {
    inner: Mutex<Inner>,
    changed: Notify,
    capacity: usize,
    visibility: Duration,
}

impl LocalQueue {
    /// A queue of at most `capacity` messages, each of which stays hidden for `visibility` after
    /// it was received.
    #[must_use]
    pub fn new(capacity: usize, visibility: Duration) -> Self {
        Self {
            inner: Mutex::default(),
            changed: Notify::new(),
            capacity,
            visibility,
        }
    }

    /// Waits for a message and takes it. It comes back unless it is deleted in time.
    pub async fn receive(&self) -> Received {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listening starts before looking, or a message sent in between would go unnoticed.
            changed.as_mut().enable();
            let next = match self.take_visible(Instant::now()) {
                Ok(received) => return received,
                Err(next) => next,
            };
            match next {
                Some(next) => tokio::select! {
                    () = changed => {}
                    () = sleep_until(next) => {}
                },
                None => changed.await,
            }
        }
    }

    /// Deletes a message. Tells whether the receipt was still good.
    pub fn delete(&self, receipt: Receipt) -> bool {
        let mut inner = self.lock();
        let Some(visible_at) = inner.current(receipt) else {
            return false;
        };
        inner.by_time.remove(&(visible_at, receipt.message));
        inner.held.remove(&receipt.message);
        true
    }

    /// Lets a message come back after `delay` instead of the usual time. Tells whether the receipt
    /// was still good.
    pub fn postpone(&self, receipt: Receipt, delay: Duration) -> bool {
        let mut inner = self.lock();
        let Some(visible_at) = inner.current(receipt) else {
            return false;
        };
        inner.by_time.remove(&(visible_at, receipt.message));
        inner.show_at(receipt.message, later(delay));
        drop(inner);
        self.changed.notify_waiters();
        true
    }

    /// Puts a message with the dead letters that can never be handled. Tells whether the receipt was
    /// still good.
    pub fn bury(&self, receipt: Receipt) -> bool {
        let mut inner = self.lock();
        let Some(visible_at) = inner.current(receipt) else {
            return false;
        };
        inner.by_time.remove(&(visible_at, receipt.message));
        inner.bury(receipt.message);
        true
    }

    /// How many messages are on the queue, hidden ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().held.len()
    }

    /// Whether no message is on the queue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().held.is_empty()
    }

    /// The messages that were received [`MAX_RECEIVES`] times and never deleted, or buried, oldest
    /// first.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.lock().dead.iter().cloned().collect()
    }

    fn put(&self, message: &Message, delay: Duration) -> Result<(), QueueError> {
        let mut inner = self.lock();
        if inner.held.len() >= self.capacity {
            return Err(QueueError::Full);
        }
        inner.last = inner.last.saturating_add(1);
        let id = inner.last;
        let held = Held {
            message: message.clone(),
            receives: 0,
            visible_at: Instant::now(),
        };
        inner.held.insert(id, held);
        inner.show_at(id, later(delay));
        drop(inner);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Takes the message that has been visible longest; else tells when to look again.
    fn take_visible(&self, now: Instant) -> Result<Received, Option<Instant>> {
        let mut inner = self.lock();
        loop {
            let Some(&(visible_at, id)) = inner.by_time.first() else {
                return Err(None);
            };
            if visible_at > now {
                return Err(Some(visible_at));
            }
            inner.by_time.pop_first();
            let Some(held) = inner.held.get_mut(&id) else {
                continue;
            };
            if held.receives >= MAX_RECEIVES {
                inner.bury(id);
                continue;
            }
            held.receives = held.receives.saturating_add(1);
            let received = Received {
                message: held.message.clone(),
                receipt: Receipt {
                    message: id,
                    receive: held.receives,
                },
                receives: held.receives,
            };
            inner.show_at(id, later(self.visibility));
            return Ok(received);
        }
    }

    /// The queue stays whole whatever a holder of the lock did: every change is made in one step.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn show_at(&mut self, id: u64, at: Instant) {
        if let Some(held) = self.held.get_mut(&id) {
            held.visible_at = at;
            self.by_time.insert((at, id));
        }
    }

    /// When the message of a receipt becomes visible, if the receipt is its latest.
    fn current(&self, receipt: Receipt) -> Option<Instant> {
        self.held
            .get(&receipt.message)
            .filter(|held| held.receives == receipt.receive)
            .map(|held| held.visible_at)
    }

    fn bury(&mut self, id: u64) {
        if let Some(held) = self.held.remove(&id) {
            if self.dead.len() >= DEAD_LETTERS_KEPT {
                self.dead.pop_front();
            }
            self.dead.push_back(DeadLetter {
                message: held.message,
                receives: held.receives,
            });
        }
    }
}

fn later(delay: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(delay).unwrap_or(now)
}

impl Queue for LocalQueue {
    async fn send(&self, message: &Message, delay: Duration) -> Result<(), QueueError> {
        self.put(message, delay)
    }
}

impl BatchQueue for LocalQueue {
    async fn send_batch(&self, batch: &[Outgoing]) -> Vec<Result<(), QueueError>> {
        batch
            .iter()
            .map(|outgoing| self.put(&outgoing.message, outgoing.delay))
            .collect()
    }
}

#[cfg(test)]
mod tests;
