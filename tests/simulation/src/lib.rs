//! The shipped use cases under a seeded, single-threaded simulation with a virtual clock.
//!
//! Where to start:
//! * [`World`] is one simulated system: an exchange, a store, a queue, a clock.
//! * [`Task`] is one use case under way; a test steps it from port call to port call and may drop it
//!   anywhere, which is the death of its process.
//! * [`Journey`] scripts how one placement travels.
//! * [`audit`] judges the outcome from the exchange's own history alone.
//! * [`sweep`] draws everything by lot from a seed; [`bridge`] is its bridges.
//! * [`exhaust`] tries everything in every order, in small worlds.
//! * [`mistake`] has the ways in which handlers may be wrong, to show that each would be noticed.
//!
//! Nothing here knows how the use cases work inside, and none of them knows that it is simulated.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "this crate exists for tests: whatever is not as expected shall stop the run at once"
)]

pub mod audit;
pub mod bridge;
mod build;
mod clock;
mod exchange;
pub mod exhaust;
mod gate;
pub mod mistake;
mod queue;
mod store;
pub mod sweep;
mod task;
mod world;

pub use build::{BotSpec, account_id, bot_id, decimal, price, quantity, rung, xrp_rules};
pub use clock::VirtualClock;
pub use exchange::{
    Answered, Connection, Fate, Journey, ModelExchange, ModelExchanges, execution_of_report,
};
pub use gate::Gate;
pub use queue::{Delivery, TestQueue};
pub use store::{Copied, MemoryStore, Operation, StoreFault};
pub use task::{Step, Task};
pub use world::{Outside, World};
