//! Every reader of outside data, and what has to hold of what it accepts.
//!
//! Each target takes any bytes and says what its reader made of them; a broken promise is a panic.
//! The answer to an accepted input names what was found in it (kinds, statuses, counts), so that
//! another shape counts as another behaviour.

mod command_line;
mod keys;
mod orders;
mod plan;
mod rest;
mod simulator;
mod socket;
mod store;
mod stream;
mod tape;
mod words;

use crate::examine::Seen;

/// One reader of outside data.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its folder in the corpus.
    pub name: &'static str,
    /// Gives it an input.
    pub read: fn(&[u8]) -> Seen,
    /// How many of all inputs it gets, beside the others' shares.
    pub share: u32,
    /// The longest input it is given, in bytes.
    pub longest: usize,
    /// The memory it may hold at one moment whatever it reads, in bytes.
    pub fixed: u64,
    /// The memory it may hold beside that for each byte of the input, in bytes.
    pub per_byte: u64,
}

impl Target {
    const fn new(name: &'static str, read: fn(&[u8]) -> Seen) -> Self {
        Self {
            name,
            read,
            share: 100,
            longest: 64 * 1024,
            fixed: 64 * 1024,
            per_byte: 40,
        }
    }

    const fn share(self, share: u32) -> Self {
        Self { share, ..self }
    }

    pub(crate) const fn holds(self, fixed: u64, per_byte: u64) -> Self {
        Self {
            fixed,
            per_byte,
            ..self
        }
    }

    const fn longest(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// The memory it may hold at one moment for an input of this length, in bytes.
    #[must_use]
    pub fn allowed(&self, length: usize) -> u64 {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.per_byte
            .saturating_mul(length)
            .saturating_add(self.fixed)
    }

    /// A target to test with.
    #[cfg(test)]
    pub(crate) const fn example() -> Self {
        Self::new("example", |_| Seen::Accepted(String::new()))
    }
}

/// All targets. The memory allowed is about one and a half times what the costliest inputs take
/// (`tests/it/bounds.rs`): a frame becomes a tree of JSON values, of which `{"":0},` costs most; an
/// internally tagged value is kept in memory until its tag is known; fields of a reply that nobody
/// asked for cost nothing.
pub const ALL: &[Target] = &[
    Target::new("stream_frame", stream::frame).holds(64 << 10, 150),
    Target::new("stream_session", stream::session).holds(64 << 10, 150),
    Target::new("rest_placed", orders::placed),
    Target::new("rest_order", orders::order),
    Target::new("rest_orders", orders::orders),
    Target::new("rest_canceled", orders::canceled),
    Target::new("rest_trades", orders::trades),
    Target::new("rest_balances", rest::balances),
    Target::new("rest_commission", rest::commission),
    Target::new("rest_permissions", rest::permissions),
    Target::new("rest_rules", rest::rules).holds(64 << 10, 70),
    Target::new("rest_best_prices", rest::best_prices),
    Target::new("rest_server_time", rest::server_time),
    Target::new("rest_refusal", rest::refusal),
    // Most of it is the map of headers, which the HTTP client bounds.
    Target::new("rest_headers", rest::headers).holds(64 << 10, 128),
    Target::new("rest_base_url", rest::base_url).holds(256 << 10, 1),
    Target::new("queue_message", stream::message).holds(64 << 10, 70),
    Target::new("store_level", store::level).holds(128 << 10, 128),
    Target::new("store_record", store::record).holds(128 << 10, 128),
    // The buffers of the unpacker and of the reader of lines; nothing grows with the file.
    Target::new("tape", tape::plain).holds(384 << 10, 1),
    Target::new("tape_packed", tape::packed)
        .holds(384 << 10, 1)
        .share(50),
    Target::new("simulator", simulator::session)
        .holds(512 << 10, 128)
        .share(50),
    Target::new("simulator_socket", socket::connection)
        .holds(1 << 20, 64)
        .share(1),
    Target::new("words", words::words),
    // A grid has up to 5,000 levels.
    Target::new("plan", plan::plan)
        .holds(8 << 20, 16)
        .longest(4 << 10)
        .share(20),
    // The description of all commands and their help.
    Target::new("command_line", command_line::arguments)
        .holds(512 << 10, 64)
        .share(10),
    Target::new("keys", keys::keys),
    Target::new("secret_input", keys::typed),
];

/// The target of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Target> {
    ALL.iter().find(|target| target.name == name)
}

/// The text of an input, or the refusal that a reader of texts never gets to make.
fn text(input: &[u8]) -> Result<&str, Seen> {
    std::str::from_utf8(input).map_err(|_broken| Seen::Refused("it is no UTF-8".to_owned()))
}

/// A count in few words: none, one, two, a few, many.
fn few(count: usize) -> &'static str {
    match count {
        0 => "none",
        1 => "one",
        2 => "two",
        3..10 => "a few",
        _ => "many",
    }
}

/// What refused an input, kept short where it is printed: an error must not repeat a whole input.
fn refused(error: impl std::fmt::Display) -> Seen {
    const LONGEST_ERROR: usize = 4_096;
    let told = error.to_string();
    assert!(
        told.len() <= LONGEST_ERROR,
        "an error of {} bytes: {}",
        told.len(),
        told.chars().take(200).collect::<String>()
    );
    Seen::Refused(told)
}
