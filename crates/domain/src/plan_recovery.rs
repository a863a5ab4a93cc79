//! plan_recovery
