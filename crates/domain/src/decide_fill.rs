//! decide_fill
