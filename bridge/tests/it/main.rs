//! The bridge as a process sees it: real sockets, a scripted exchange, a real queue.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "tests count with small numbers, and an overflow would fail them"
)]

#[cfg(test)]
#[cfg(feature = "aws")]
mod aws;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod outside;
#[cfg(test)]
#[cfg(feature = "aws")]
mod process;
#[cfg(test)]
#[cfg(feature = "aws")]
mod queue_on_aws;
#[cfg(test)]
mod streams;
#[cfg(test)]
#[cfg(feature = "aws")]
mod watched;
