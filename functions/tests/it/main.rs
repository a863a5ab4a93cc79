//! The functions as they are deployed.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "tests count with small numbers, and an overflow would fail them"
)]

#[cfg(test)]
mod template;
