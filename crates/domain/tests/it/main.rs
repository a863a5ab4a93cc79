//! Tests of the pure core from outside.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where something is not as it should be"
)]

mod accounting;
mod decide;
mod fixtures;
mod levels;
mod next;
mod owed;
mod passed;
mod protocol;
mod reconcile;
mod recovery;
mod resolve;
mod words;
