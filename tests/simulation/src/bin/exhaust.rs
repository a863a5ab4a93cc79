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

/// Prints, recoveries, faults and waits of the worlds that are tried when none is asked for.
const WORLDS: [(u32, u32, u32, u32); 4] = [(2, 0, 0, 1), (1, 1, 1, 1), (1, 0, 2, 2), (2, 0, 1, 1)];

/// Try everything in every order, in one small world or in a few.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask exhaust")]
struct Arguments {
    /// Prints of the outside market; two make a round trip.
    #[arg(long, requires_all = ["recoveries", "faults", "waits"])]
    prints: Option<u32>,
    /// Runs of recovery.
    #[arg(long, requires = "prints")]
    recoveries: Option<u32>,
    /// Faults: deaths, lost replies, late requests, lost and repeated messages.
    #[arg(long, requires = "prints")]
    faults: Option<u32>,
    /// How often time goes by until something happens by itself.
    #[arg(long, requires = "prints")]
    waits: Option<u32>,
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
    let asked = (
        arguments.prints,
        arguments.recoveries,
        arguments.faults,
        arguments.waits,
    );
    let worlds = match asked {
        (Some(prints), Some(recoveries), Some(faults), Some(waits)) => {
            vec![(prints, recoveries, faults, waits)]
        }
        _ => WORLDS.to_vec(),
    };
    let sound: Vec<bool> = worlds
        .into_iter()
        .map(|world| tried(world, mistake.flatten()))
        .collect();
    if sound.iter().all(|sound| *sound) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Tries one world; whether nothing was wrong.
fn tried(
    (prints, recoveries, faults, waits): (u32, u32, u32, u32),
    mistake: Option<Mistake>,
) -> bool {
    let bounds = Bounds {
        prints,
        recoveries,
        faults,
        waits,
    };
    let started = Instant::now();
    let explored = explore(bounds, mistake);
    println!(
        "{prints} prints, {recoveries} recoveries, {faults} faults, {waits} waits: {} states, {} choices, {} ends in {:.1} s",
        explored.states,
        explored.choices,
        explored.ends,
        started.elapsed().as_secs_f64()
    );
    let Some((way, findings)) = explored.wrong else {
        return true;
    };
    println!("wrong: {findings:?}");
    println!("by way of {way:?}");
    false
}
