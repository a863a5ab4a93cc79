//! The full audit: does every level hold what the exchange says it should, and is every completed
//! order followed by exactly one opposite order or one recorded reason?
//!
//! Start at [`full_audit`], which reads store and exchange, or at [`judge`], the pure verdict over
//! [`Evidence`]. The numbers of the invariants are those of `docs/guarantees.md`.
//!
//! It shares no code with the decisions it judges: its arithmetic, its idea of a chain of orders and
//! its reading of the rules are its own, over plain decimals. It writes nothing and sends no order.

mod chains;
mod evidence;
mod holdings;
mod judge;
mod ledger;
mod report;
mod rules;
#[cfg(test)]
mod tests;
mod text;

use std::time::Duration;

pub use evidence::{AuditError, Evidence, full_audit};
pub use judge::judge;
pub use report::{BotAudit, Invariant, LevelAudit, Verdict, Violation};

/// How young something may be to count as under way: two recovery runs of 10 s each, and the time a
/// query of the exchange may lag behind.
pub const GRACE: Duration = Duration::from_secs(30);
