//! The Lambda functions of Gridkeeper: the same use cases as on one machine, called by AWS.
//!
//! Where to start:
//! * [`handle_batch`] takes a batch of reports from the queue; [`trading::handle_fill`] does the rest.
//! * [`send_due_on`] is what the schedule calls: it sends bots that are due on, a message each.
//! * [`recover_batch`] takes those messages, and those of bridges and operators;
//!   [`trading::recover_bot`] does the rest.
//! * [`Parts`] are the clients, opened once for each environment.
//!
//! Decides nothing about money. One bad message never fails its neighbours: each has its own answer.

mod batch;
mod clock;
mod due;
mod figures;
mod log;
mod parts;
mod recover;
mod seen;
mod settings;

pub use batch::handle_batch;
pub use clock::{SystemClock, deadline};
pub use due::send_due_on;
pub use log::start_log;
pub use parts::{CloudExchanges, Parts, TradeKeys};
pub use recover::{Wake, recover_batch};
pub use settings::Settings;
