//! The real binary against a simulated exchange on 127.0.0.1: what an operator types and reads.

mod accounts;
mod bad_input;
mod bots;
mod together;
mod world;
