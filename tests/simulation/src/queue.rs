//! The queue: what was put on it, as text, until the test decides what becomes of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use trading::{Message, Queue, QueueError};

use crate::clock::VirtualClock;
use crate::gate::Gate;
use crate::mistake::Mistake;

/// One message on the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message as it is written.
    pub text: String,
    /// From when it may be received, in milliseconds.
    pub visible_ms: i64,
    /// How often it was received.
    pub receives: u32,
}

impl Delivery {
    /// The message as it is read.
    #[must_use]
    pub fn message(&self) -> Message {
        Message::from_text(&self.text).unwrap()
    }
}

/// A queue that may be made to lose, repeat, reorder and delay.
#[derive(Debug)]
pub struct TestQueue {
    gate: Arc<Gate>,
    clock: Arc<VirtualClock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Delivery>,
    dead: Vec<Delivery>,
    /// What a mistaken handler sends only after it has settled, by order.
    held_back: BTreeMap<String, String>,
    closed: bool,
}

impl TestQueue {
    pub(crate) fn new(gate: Arc<Gate>, clock: Arc<VirtualClock>) -> Self {
        Self {
            gate,
            clock,
            state: Mutex::default(),
        }
    }

    /// Puts a message on the queue as the bridge would.
    pub fn put(&self, message: &Message) {
        self.put_at(message, self.clock.millis());
    }

    /// Puts a message on the queue, to be received from an instant on.
    pub fn put_at(&self, message: &Message, visible_ms: i64) {
        let text = message.to_text().unwrap();
        self.state.lock().unwrap().waiting.push(Delivery {
            text,
            visible_ms,
            receives: 0,
        });
    }

    /// Takes the first message that may be received now.
    pub fn receive(&self) -> Option<Delivery> {
        let now = self.clock.millis();
        let mut state = self.state.lock().unwrap();
        for id in self.gate.take_let_through() {
            let text = state.held_back.remove(&id);
            state.waiting.extend(text.map(|text| Delivery {
                text,
                visible_ms: now,
                receives: 0,
            }));
        }
        let at = state.waiting.iter().position(|one| one.visible_ms <= now)?;
        let mut taken = state.waiting.remove(at);
        taken.receives += 1;
        Some(taken)
    }

    /// Makes a received message visible again after a time, or lays it with the dead ones.
    pub fn again(&self, mut delivery: Delivery, after: Duration) {
        let after = i64::try_from(after.as_millis()).unwrap();
        delivery.visible_ms = self.clock.millis() + after;
        let mut state = self.state.lock().unwrap();
        if delivery.receives >= trading::MAX_RECEIVES {
            state.dead.push(delivery);
        } else {
            state.waiting.push(delivery);
        }
    }

    /// Changes what waits: loses, repeats, reorders.
    pub fn tamper(&self, change: impl FnOnce(&mut Vec<Delivery>)) {
        change(&mut self.state.lock().unwrap().waiting);
    }

    /// Refuses messages from now on, or takes them again.
    pub fn close(&self, closed: bool) {
        self.state.lock().unwrap().closed = closed;
    }

    /// Everything that waits.
    #[must_use]
    pub fn waiting(&self) -> Vec<Delivery> {
        self.state.lock().unwrap().waiting.clone()
    }

    /// Looks at everything that waits.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&[Delivery]) -> T) -> T {
        at(&self.state.lock().unwrap().waiting)
    }

    /// The dead letters.
    #[must_use]
    pub fn dead(&self) -> Vec<Delivery> {
        self.state.lock().unwrap().dead.clone()
    }

    /// When the next message may be received.
    pub(crate) fn next_visible(&self) -> Option<i64> {
        let state = self.state.lock().unwrap();
        state.waiting.iter().map(|one| one.visible_ms).min()
    }
}

impl Queue for TestQueue {
    async fn send(&self, message: &Message, delay: Duration) -> Result<(), QueueError> {
        if self.gate.makes(Mistake::SettleBeforeQueue) {
            let Message::Execution { execution, .. } = message else {
                panic!("only reports follow from placements");
            };
            let id = execution.client_order_id.clone();
            let text = message.to_text().unwrap();
            self.state.lock().unwrap().held_back.insert(id, text);
            return Ok(());
        }
        self.gate.pass("queue_send").await;
        if self.state.lock().unwrap().closed {
            return Err(QueueError::Unavailable("closed by the test".to_owned()));
        }
        let text = message
            .to_text()
            .map_err(|error| QueueError::Unavailable(error.to_string()))?;
        let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        self.state.lock().unwrap().waiting.push(Delivery {
            text,
            visible_ms: self.clock.millis().saturating_add(delay),
            receives: 0,
        });
        Ok(())
    }
}
