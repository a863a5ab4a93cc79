//! Everything that can happen to a bridge, one case after another, without an outside.

mod faults;
mod fleet;
mod limits;
mod replacing;
mod reports;
mod rig;
mod sending;
mod sharing;
mod standing;
mod streams;
