//! `gridkeeper demo`: a grid trading on a simulated exchange, the whole system in one process.
//!
//! Nothing here is a mock-up: real HTTP and WebSocket on 127.0.0.1, real signing, the real store on a
//! file, the bridge, the handlers and recovery. Start at [`run`]; `stage` sets the exchange,
//! `snapshot` and `screen` show it, `report` judges it.

mod args;
mod excuse;
mod play;
mod report;
mod screen;
mod snapshot;
mod stage;
mod watch;

use std::io::Write;

pub use args::{DemoArgs, Faults, ReportForm};
pub use play::run;
pub use report::{Latency, Report};
pub use screen::draw;
pub use snapshot::{Snapshot, Totals};

/// Writes a line for people. A closed pipe is no reason to stop trading.
fn say(out: &mut dyn Write, line: &str) {
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("nobody reads the output any more");
    }
}
