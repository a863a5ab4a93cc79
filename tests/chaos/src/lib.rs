//! The real processes on one machine while everything goes wrong at once, and what both audits say afterwards.
//!
//! Where to start: [`run`] lives through one run and gives its [`Report`]; `cargo xtask chaos` is its command.
//! * `stage` sets up a simulated exchange, a data folder and the commands an operator types; `process` holds what was
//!   started and ends it by its own id, whatever becomes of the run; `binary` finds the `gridkeeper` to be tried.
//! * `storm` is the time in which things go wrong: `keeper` kills `up` and starts it again and lets its disk fill up,
//!   `cuts` breaks the `network`, `operators` types commands, `weather` troubles the exchange, the `market` moves.
//!   The `founder` creates further bots and stops them.
//! * `calm` lets everything be whole again and waits until nothing is owed; `verdict` asks both audits, and `demands`
//!   says what a run had to live through before that counts.
//!
//! The seed repeats every choice, not the moments at which processes come to run. Nothing here links against the
//! project: everything is seen as an operator and the exchange see it.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "this crate exists for tests: its sums are of counts and short times, and what JSON does not have is null"
)]

mod bag;
pub mod binary;
mod bots;
mod calm;
mod cuts;
mod demands;
mod disk;
pub mod exchange;
mod founder;
mod keeper;
pub mod market;
mod network;
mod operators;
pub mod process;
mod report;
mod run;
mod stage;
mod storm;
mod tally;
mod verdict;
mod weather;

pub use report::Report;
pub use run::{Run, run};
