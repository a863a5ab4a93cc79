//! The pure core of Gridkeeper: what a grid is, what a level holds, and what follows from a fill.
//!
//! Where to start:
//! * [`next_intent`] says which order a level owes, from its holdings alone.
//! * [`decide_fill`] says what a report about an order means for its level.
//! * [`plan_recovery`] says what is missing when a level is compared with the exchange.
//! * [`GridPlan`] turns an operator's wishes into a ladder of levels, or says why it cannot.
//!
//! Absent on purpose: no input or output, no clock, no randomness, no floats, no serialised wire
//! format of any exchange. Decisions are total: they return values, never errors.

mod accounting;
mod amount;
mod bot;
mod decide_fill;
mod execution;
mod id;
mod level;
mod next_intent;
mod order;
mod plan;
mod plan_recovery;
mod symbol_rules;
mod time;

pub use accounting::*;
pub use amount::*;
pub use bot::*;
pub use decide_fill::*;
pub use execution::*;
pub use id::*;
pub use level::*;
pub use next_intent::*;
pub use order::*;
pub use plan::*;
pub use plan_recovery::*;
pub use symbol_rules::*;
pub use time::*;
