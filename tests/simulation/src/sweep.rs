//! A seeded run.
