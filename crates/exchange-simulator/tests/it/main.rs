//! Everything from outside: a bare client over real sockets against a running simulator, and the pure parts' tables.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails, as it should"
)]

#[cfg(test)]
mod audit;
#[cfg(test)]
mod client;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod lookups;
#[cfg(test)]
mod model;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod stream;
#[cfg(test)]
mod tape;
