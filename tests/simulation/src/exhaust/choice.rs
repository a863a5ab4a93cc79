//! What may happen next, and which of it has to do with what else.

/// Calls that say or do the same whenever they are made: nobody else here changes what they read, or
/// reads what they change.
pub(super) const OF_NO_MOMENT: [&str; 6] = [
    "account",
    "add_event",
    "bot",
    "server_time",
    "update_bot",
    "want_stream",
];

/// Calls that change what the tables hold.
const WRITES: [&str; 3] = ["claim_intent", "commit_fill", "settle_intent"];

/// Calls that read what the tables hold, without their answers being kept.
pub(super) const READS: [&str; 3] = ["fills_of_order", "list_levels", "load"];

/// Calls that ask the exchange.
const QUESTIONS: [&str; 7] = [
    "balances",
    "best_prices",
    "find_order",
    "open_orders",
    "order",
    "orders_since",
    "trades",
];

/// Calls that change something at the exchange.
const ORDERS: [&str; 2] = ["cancel", "place"];

/// Something that may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// A process makes its next call.
    Step(usize),
    /// A handler takes a message.
    Handle(usize),
    /// A run of recovery begins.
    Recover,
    /// The market falls below the level, or rises above it.
    Print(&'static str),
    /// Time goes by until something happens by itself.
    Wait,
    /// A process dies.
    Kill(usize),
    /// A process places its order, and the reply is lost.
    LoseReply(usize),
    /// A process places its order, which arrives only just within its window, and is acted upon as
    /// late as may be.
    Delay(usize),
    /// A process places its order, which misses its window.
    Miss(usize),
    /// A message is lost.
    Lose(usize),
    /// A message is delivered once more.
    Repeat(usize),
}

/// A choice, and what it has to do with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    pub(super) choice: Choice,
    pub(super) mark: Mark,
}

/// A choice by what it is, whichever way led to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) id: u64,
    /// The process or message it is about.
    pub(super) about: u64,
    pub(super) touches: Touches,
}

/// What a choice reads and changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Touches(u16);

impl Touches {
    const TABLES_READ: Self = Self(1).and(Self::NOTHING);
    const TABLES: Self = Self(1 | 2).and(Self::NOTHING);
    const EXCHANGE_READ: Self = Self(4).and(Self::NOTHING);
    pub(super) const EXCHANGE: Self = Self(4 | 8).and(Self::NOTHING);
    /// How many handlers there are.
    pub(super) const HANDLERS: Self = Self(16 | 32).and(Self::NOTHING);
    /// How many faults are left.
    pub(super) const FAULTS: Self = Self(64 | 128).and(Self::NOTHING);
    /// How many runs of recovery are left.
    pub(super) const RECOVERIES: Self = Self(256 | 512).and(Self::NOTHING);
    /// Nothing but the time.
    const NOTHING: Self = Self(1024);
    /// Time has to do with everything.
    pub(super) const EVERYTHING: Self = Self(0xfff);

    /// What is read, each as its own bit; what is changed has the next bit as well.
    const READ: u16 = 0x555;

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What a call reads and changes. One that is not known counts as one that changes everything.
    pub(super) fn of(call: &str) -> Self {
        if READS.contains(&call) {
            Self::TABLES_READ
        } else if WRITES.contains(&call) {
            Self::TABLES
        } else if QUESTIONS.contains(&call) {
            Self::EXCHANGE_READ
        } else if ORDERS.contains(&call) {
            Self::EXCHANGE
        } else if call == "queue_send" {
            // Another message on the queue hinders nobody.
            Self::NOTHING
        } else {
            Self::EVERYTHING
        }
    }

    /// Whether a process that died after this call left something behind.
    pub(super) fn leaves_a_trace(call: &str) -> bool {
        !READS.contains(&call) && !QUESTIONS.contains(&call)
    }

    const fn meets(self, other: Self) -> bool {
        let (one, other) = (self.0, other.0);
        ((one >> 1) & other | (other >> 1) & one) & Self::READ != 0
    }
}

impl Mark {
    /// Whether it makes a difference which of the two comes first.
    pub(super) const fn concerns(&self, other: &Self) -> bool {
        self.about == other.about || self.touches.meets(other.touches)
    }
}
