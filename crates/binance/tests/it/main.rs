//! The adapter on the wire: against a scripted server that counts what really leaves this machine.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test may fail by panicking, its server and its fixtures too"
)]

mod limits;
mod placement;
#[cfg(test)]
mod published;
#[cfg(test)]
mod published_stream;
mod questions;
mod server;
