//! gridkeeper
