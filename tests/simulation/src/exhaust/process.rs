//! A process of a small world: where it stands, and all that it knows.

use trading::Answer;

use super::small::hash;
use crate::queue::Delivery;
use crate::task::{Stand, Task};

/// What a process was started for.
pub(super) enum Kind<'w> {
    Message(Delivery, Task<'w, Answer>),
    Recovery(Task<'w, ()>),
}

/// A handler or a run of recovery.
pub(super) struct Process<'w> {
    pub(super) kind: Kind<'w>,
    /// All that it was told, and when.
    pub(super) past: u64,
    /// The call before which it stands; `None` while it waits for time to pass.
    pub(super) next: Option<&'static str>,
    /// The last call it made.
    last: &'static str,
    /// How many calls it has made.
    calls: u32,
}

/// What has become of a process.
pub(super) enum Became {
    /// It stands somewhere.
    Standing,
    /// It has finished, with this answer to the queue.
    Finished(Option<Answer>),
}

impl<'w> Process<'w> {
    pub(super) fn new(kind: Kind<'w>) -> Self {
        let past = match &kind {
            Kind::Message(delivery, _) => hash(&(&delivery.text, delivery.receives)),
            Kind::Recovery(_) => 0,
        };
        Self {
            kind,
            past,
            next: None,
            last: "",
            calls: 0,
        }
    }

    pub(super) const fn is_handler(&self) -> bool {
        matches!(self.kind, Kind::Message(..))
    }

    /// Whether something would be different if it died now rather than before its last call.
    pub(super) fn may_die(&self) -> bool {
        let took_a_message = self.calls == 1 && self.is_handler();
        took_a_message || super::choice::Touches::leaves_a_trace(self.last)
    }

    /// Makes its next call, or goes on after time has passed.
    pub(super) fn go(&mut self) -> Became {
        let call = self.next.take();
        if let Some(call) = call {
            self.last = call;
            self.calls += 1;
        }
        let stand = match &mut self.kind {
            Kind::Message(_, task) => Stand::map(with(task, call), Some),
            Kind::Recovery(task) => Stand::map(with(task, call), |()| None),
        };
        match stand {
            Stand::Before(next) => self.next = Some(next),
            Stand::Waiting => {}
            Stand::Done(answer) => return Became::Finished(answer),
        }
        Became::Standing
    }
}

fn with<T>(task: &mut Task<'_, T>, call: Option<&'static str>) -> Stand<T> {
    if call.is_some() {
        task.go()
    } else {
        task.stand()
    }
}
