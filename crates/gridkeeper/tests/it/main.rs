//! The real binary against a simulated exchange on 127.0.0.1: what an operator types and reads.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test stops where something is not as it should be"
)]

mod accounts;
mod bad_input;
mod bots;
mod damaged;
mod dashboard;
mod demo;
mod full_disk;
mod reads_well;
mod restored;
mod running;
mod together;
mod world;
