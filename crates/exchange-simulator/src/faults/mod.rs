//! What goes wrong, how often, and a count of everything that did.
//!
//! Entry points: [`FaultPlan`] (how often), [`FaultInjector`] (pure decisions from a seed). Each kind draws from its own
//! stream of random numbers, so that adding one kind does not change the others. Never carries a fault out: that is the
//! server's, or a simulation's, business.

mod decisions;
mod plan;

pub use decisions::{EventFault, FaultInjector, MarketFault, OrderFault, QueryFault};
pub use plan::{FaultKind, FaultPlan, FaultRate, FaultSettings};
