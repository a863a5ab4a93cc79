//! Tests of what the use cases offer beside themselves, from outside.

mod listing;
