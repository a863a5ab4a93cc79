//! The adapters against a small SQS on 127.0.0.1 that keeps what it is sent.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "tests count with small numbers, and an overflow would fail them"
)]

#[cfg(test)]
mod dead_letters;
#[cfg(test)]
mod sqs;
