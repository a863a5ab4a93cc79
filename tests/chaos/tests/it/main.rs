//! The short form of `cargo xtask chaos`, and what the command does when it is interrupted.
//!
//! Nothing here links against the project: everything is seen as an operator and the exchange see it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where something is not as it should be"
)]

mod interrupted;
mod short;
