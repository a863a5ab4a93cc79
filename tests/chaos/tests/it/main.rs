//! The real processes on one machine, killed while they trade.
//!
//! Start at [`kills`]. [`stage`] sets up a simulated exchange, a data folder and the commands; [`process`] holds what
//! was started and ends it by its own id, whatever becomes of the test; [`binary`] finds the `gridkeeper` to be tested.
//! Nothing here links against the project: everything is seen as an operator and the exchange see it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test stops where something is not as it should be, owns its tasks and tells what it does"
)]

mod binary;
mod kills;
mod market;
mod process;
mod stage;
