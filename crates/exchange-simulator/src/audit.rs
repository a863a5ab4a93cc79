//! placeholder
use crate::model::JournalEntry;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
/// ladder
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditRequest {
    /// x
    pub ladder: Vec<Decimal>,
}
/// report
#[derive(Debug, Clone, Serialize)]
pub struct AuditReport {
    /// x
    pub missing: u64,
}
pub(crate) fn audit(_journal: &[JournalEntry], _request: &AuditRequest) -> AuditReport {
    AuditReport { missing: 0 }
}
