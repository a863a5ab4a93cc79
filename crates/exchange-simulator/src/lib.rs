//! A small Binance Spot that runs alone: matching as a pure model, REST and WebSocket API server, faults, tapes, audit.
//!
//! * [`model::Exchange`]: the pure matching model; drive it directly under a virtual clock.
//! * [`Simulator::start`]: the server over it, on the wall clock.
//! * [`faults`]: what goes wrong, how often; decisions are pure and counted.
//! * [`tape`]: Binance's public trade files as prices.
//! * [`audit`]: the verdict on each level of a grid, from the exchange's own history.
//!
//! It depends on none of the project's other crates: it has its own spelling of the wire format, so that a client and
//! the simulator cannot share a misreading. It never touches a real exchange.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "amounts are bounded where they enter (model::filters::check_number), counters cannot overflow"
)]

pub mod audit;
pub mod faults;
pub mod model;
mod number;
mod server;
pub mod signing;
pub mod tape;
pub mod walk;
pub mod written;

#[cfg(feature = "readers")]
pub use server::readers;

pub use server::{
    AccountControl, Control, DEMO_API_KEY, DEMO_API_SECRET, LimitsConfig, MarketControl,
    PriceSource, RunPhase, RunningSimulator, Simulator, SimulatorConfig, SimulatorError, Speed,
    StartWhen, Stats, Timing,
};
