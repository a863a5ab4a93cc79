//! A local AWS on this machine, with the real functions deployed to it by the real template.
//!
//! Where to start:
//! * `tools` installs what is not ours, pinned with hashes: ministack, a local AWS without Docker, SAM with cfn-lint,
//!   and checkov. Each has a Python environment of its own under `target/local-aws`.
//! * `region` starts and ends the local AWS; `deploy` puts the functions into it as `template.yaml` says.
//! * [`drive`] lets a grid trade through bridge, queues, functions and table while parts are killed at any moment;
//!   [`cases`] has one thing happen at a time, at the moment that matters. Both ask both audits in the end.
//! * [`measure`] tells what a deployment takes: sizes, times, calls and units.
//! * `check` has the template judged by the three linters.
//!
//! Everything listens on 127.0.0.1; only what was started here is ended, by its id.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "this crate exists for tests: its sums are of counts and short times, and what JSON does not have is null"
)]

mod cases;
mod check;
mod deploy;
mod drive;
mod gate;
mod measure;
mod operator;
mod places;
mod region;
mod scene;
mod tools;
mod wire;

/// Tells whoever runs this what goes on.
#[expect(
    clippy::print_stderr,
    reason = "this is behind a command that talks to its user"
)]
pub fn say(line: &str) {
    eprintln!("{line}");
}

pub use cases::{CasesReport, cases};
pub use check::check;
pub use deploy::deploy;
pub use drive::{Drive, Report, drive};
pub use measure::{Measured, Spread, Written, measure};
pub use places::Places;
pub use region::{Region, down, up};
