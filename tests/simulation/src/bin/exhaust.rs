//! Tries everything in every order, in small worlds, and says how many states there were.
//!
//! Run as `cargo xtask exhaust`.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a command says what it found and how long it took"
)]

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use simulation::exhaust::{Bounds, explore};
use simulation::mistake::Mistake;

/// Try everything in every order, in one small world.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask exhaust")]
struct Arguments {
    /// Prints of the outside market; two make a round trip.
    #[arg(long, default_value_t = 2)]
    prints: u32,
    /// Runs of recovery.
    #[arg(long, default_value_t = 1)]
    recoveries: u32,
    /// Faults: deaths, lost replies, late requests, lost and repeated messages.
    #[arg(long, default_value_t = 1)]
    faults: u32,
    /// How often time goes by until something happens by itself.
    #[arg(long, default_value_t = 3)]
    waits: u32,
    /// Make this mistake, to see that it is noticed.
    #[arg(long)]
    mistake: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mistake = arguments.mistake.as_deref().map(Mistake::named);
    if mistake == Some(None) {
        println!("there is no such mistake; these are: {:?}", Mistake::ALL);
        return ExitCode::from(2);
    }
    let bounds = Bounds {
        prints: arguments.prints,
        recoveries: arguments.recoveries,
        faults: arguments.faults,
        waits: arguments.waits,
    };
    let started = Instant::now();
    let explored = explore(bounds, mistake.flatten());
    println!(
        "{bounds:?}: {} states, {} choices, {} ends in {:.1} s",
        explored.states,
        explored.choices,
        explored.ends,
        started.elapsed().as_secs_f64()
    );
    match explored.wrong {
        None => ExitCode::SUCCESS,
        Some((way, findings)) => {
            println!("wrong: {findings:?}");
            println!("by way of {way:?}");
            ExitCode::FAILURE
        }
    }
}
