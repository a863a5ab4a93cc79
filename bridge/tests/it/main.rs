//! The bridge as a process sees it: real sockets, a scripted exchange, a real queue.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "tests count with small numbers, and an overflow would fail them"
)]

#[cfg(test)]
mod exchange;
#[cfg(test)]
mod outside;
#[cfg(test)]
#[cfg(feature = "sqs")]
mod queue_on_aws;
#[cfg(test)]
mod streams;
