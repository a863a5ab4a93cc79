//! Hostile bytes for every reader of outside data: no panic, no hang, no memory beyond a bound, and
//! whatever is accepted means something.
//!
//! Where to start:
//! * [`targets`] lists the readers, and what has to hold of what each accepts.
//! * [`examine`] gives a reader one input under guard; [`hunt`] gives it many.
//! * [`mutate`] makes new inputs out of known ones; [`corpus`] keeps those that mattered.
//! * [`crew`] hunts on several threads and watches over them (`cargo xtask hostile`).
//!
//! What an input is worth is told by the reader's own answer: a new kind of refusal or a new shape
//! of what was accepted is a new [`behaviour`], and its input is built upon. Coverage of the
//! compiled code would tell more, but to have it takes a compiler of nightly or a C++ compiler and
//! everything built a second time; these readers say in their errors which way they went.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "this crate exists for tests: whatever is not as expected shall stop the run at once"
)]

pub mod behaviour;
pub mod corpus;
pub mod crew;
pub mod examine;
pub mod flight;
pub mod hunt;
pub mod mutate;
pub mod reduce;
pub mod targets;
