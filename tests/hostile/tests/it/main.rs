//! The kept inputs and a short hunt for every target. A long one: `cargo xtask hostile --inputs N`.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test shall stop at whatever is not as it expects"
)]

mod bounds;
mod round_trips;
mod short;
