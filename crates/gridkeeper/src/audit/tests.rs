//! Tests of the verdicts over made-up evidence.
