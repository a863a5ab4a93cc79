//! One input given to one reader, under guard.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::time::{Duration, Instant};

use crate::targets::Target;

/// What a reader made of an input. The text says which way it went, or which ways, one to a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It was read, and what it says holds together.
    Accepted(String),
    /// It was refused.
    Refused(String),
}

impl Seen {
    /// The reader's answer.
    #[must_use]
    pub fn answer(&self) -> &str {
        match self {
            Self::Accepted(answer) | Self::Refused(answer) => answer,
        }
    }
}

/// An input that was survived.
#[derive(Debug, Clone)]
pub struct Survived {
    /// What the reader made of it.
    pub seen: Seen,
    /// The most memory held at one moment on its behalf, in bytes.
    pub peak: u64,
    /// How long it took.
    pub took: Duration,
}

/// What an input must not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Something panicked, or what was accepted does not hold together.
    Panicked(String),
    /// More memory was held at one moment than the target allows.
    TooMuchMemory {
        /// Held, in bytes.
        peak: u64,
        /// Allowed for an input of this length, in bytes.
        allowed: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(message) => f.write_str(message),
            Self::TooMuchMemory { peak, allowed } => write!(
                f,
                "{peak} bytes were held at one moment, more than the {allowed} allowed"
            ),
        }
    }
}

impl Fault {
    /// Whether another fault is of the same kind, for a smaller input to be as good.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Panicked(one), Self::Panicked(other)) => place_of(one) == place_of(other),
            (Self::TooMuchMemory { .. }, Self::TooMuchMemory { .. }) => true,
            _ => false,
        }
    }
}

/// The first line of a panic's message names its place in the source.
fn place_of(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}

thread_local! {
    static EXAMINING: Cell<bool> = const { Cell::new(false) };
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Gives an input to a reader.
///
/// # Errors
/// [`Fault`], also for a panic that the reader's own runtime caught.
pub fn examine(target: &Target, input: &[u8]) -> Result<Survived, Fault> {
    note_panics();
    PANIC.take();
    EXAMINING.set(true);
    let started = now();
    let mut seen = None;
    let held = allocation_counter::measure(|| {
        seen = panic::catch_unwind(AssertUnwindSafe(|| (target.read)(input))).ok();
    });
    let took = started.elapsed();
    EXAMINING.set(false);
    if let Some(message) = PANIC.take() {
        return Err(Fault::Panicked(message));
    }
    let Some(seen) = seen else {
        return Err(Fault::Panicked("it unwound without a panic".to_owned()));
    };
    let allowed = target.allowed(input.len());
    if held.bytes_max > allowed {
        return Err(Fault::TooMuchMemory {
            peak: held.bytes_max,
            allowed,
        });
    }
    Ok(Survived {
        seen,
        peak: held.bytes_max,
        took,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a reader takes is measured by the machine's own clock"
)]
fn now() -> Instant {
    Instant::now()
}

/// Panics under examination are kept instead of printed: a runtime may catch them before we do.
fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if EXAMINING.get() {
                PANIC.with_borrow_mut(|kept| _ = kept.get_or_insert_with(|| info.to_string()));
            } else {
                usual(info);
            }
        }));
    });
}
