//! The use cases of Gridkeeper over ports: what happens with a report, an owed order, a due bot.
//!
//! Where to start:
//! * [`handle_fill`] takes one report: load the level, decide, commit, place what follows.
//! * [`place_intent`] sends one owed order exactly once, or finds out what became of it.
//! * [`recover_bot`] compares a bot with the exchange and feeds what is missing through the same two.
//!
//! The ports ([`LevelStore`], [`Exchange`], [`Queue`], [`Clock`], ...) are all this crate knows of
//! the outside. It opens no connection, reads no clock and starts no task. Nothing but
//! [`place_intent`] ever sends an order.

mod advance;
mod aside;
mod book;
mod excerpt;
mod exchange;
mod handle_fill;
mod late;
mod limits;
mod listing;
mod message;
mod observe;
mod place_intent;
mod ports;
mod records;
mod recover_bot;
mod recover_level;
mod reexamine;
mod release_level;
mod replay;
mod send;
mod standing;
mod store;
mod story;
mod stray;
mod surroundings;
mod troubled;

pub use excerpt::excerpt;
pub use exchange::*;
pub use handle_fill::{Answer, HandleFillError, Handled, Outcome, handle_fill};
pub use limits::*;
pub use listing::*;
pub use message::*;
pub use place_intent::{PlaceMode, Placing, place_intent};
pub use ports::*;
pub use records::*;
pub use recover_bot::{RecoverError, Recovered, recover_bot};
pub use reexamine::NOT_FOUND;
pub use release_level::{LevelRelease, release_level};
pub use replay::{Replayed, replay_bot};
pub use standing::{Standing, compared_every};
pub use store::*;
pub use surroundings::*;
pub use troubled::{Troubled, is_trouble};
