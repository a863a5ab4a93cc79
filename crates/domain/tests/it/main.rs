//! Tests of the pure core from outside.

mod fixtures;
mod protocol;
mod recovery;
