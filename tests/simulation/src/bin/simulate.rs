//! Lives through many seeds and says what was wrong in which, and what occurred.
//!
//! Run as `cargo xtask simulate`. Ends with exit code 1 when an invariant was broken or something
//! that must occur never did.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::arithmetic_side_effects,
    reason = "a command says what it found and how long it took, and its sums are of counts"
)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use simulation::mistake::Mistake;
use simulation::sweep::{Notes, Outcome, add, never_occurred, run, run_mistaken};

/// How many failed seeds are told in full.
const TOLD: usize = 20;

/// How often the state of affairs is printed.
const NEWS_EVERY: Duration = Duration::from_secs(30);

/// Live through simulated systems, each drawn by lot from its seed.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask simulate")]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 10_000, conflicts_with = "seed")]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0, conflicts_with = "seed")]
    from: u64,
    /// Only this seed, told in full.
    #[arg(long)]
    seed: Option<u64>,
    /// Tell everything that happens, line by line.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Make this mistake, to see that it is noticed; `all` finds the first seed that notices each.
    #[arg(long)]
    mistake: Option<String>,
    /// How many seeds at once [default: one for each core].
    #[arg(long)]
    jobs: Option<usize>,
}

/// What has been found so far.
#[derive(Debug, Default)]
struct Found {
    seeds: u64,
    failed: Vec<Outcome>,
    counts: BTreeMap<String, u64>,
    by_invariant: BTreeMap<u32, u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mistake = match arguments.mistake.as_deref() {
        None => None,
        Some("all") => return notice_all(&arguments),
        Some(name) => match Mistake::named(name) {
            Some(mistake) => Some(mistake),
            None => {
                println!("there is no mistake {name}; these are: {:?}", Mistake::ALL);
                return ExitCode::from(2);
            }
        },
    };
    match (arguments.seed, mistake) {
        (Some(seed), mistake) => replay(seed, arguments.trace, mistake),
        (None, Some(mistake)) => notice(&arguments, mistake),
        (None, None) => sweep(&arguments),
    }
}

fn live(seed: u64, notes: Notes, mistake: Option<Mistake>) -> Outcome {
    match mistake {
        Some(mistake) => run_mistaken(seed, notes, mistake),
        None => run(seed, notes),
    }
}

/// Finds the first seed that notices each mistake.
fn notice_all(arguments: &Arguments) -> ExitCode {
    let noticed = Mistake::ALL.map(|mistake| notice(arguments, mistake) == ExitCode::SUCCESS);
    if noticed.iter().all(|noticed| *noticed) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Finds the first seed that notices a mistake.
fn notice(arguments: &Arguments, mistake: Mistake) -> ExitCode {
    let end = arguments.from.saturating_add(arguments.seeds);
    let found = (arguments.from..end).find_map(|seed| {
        let outcome = run_mistaken(seed, Notes::NotKept, mistake);
        outcome
            .findings
            .first()
            .cloned()
            .map(|finding| (seed, finding))
    });
    match found {
        Some((seed, finding)) => {
            let invariant = finding.invariant();
            println!("{mistake:?}: seed {seed}, invariant {invariant}: {finding:?}");
            ExitCode::SUCCESS
        }
        None => {
            println!("{mistake:?}: NOT NOTICED by {} seeds", arguments.seeds);
            ExitCode::FAILURE
        }
    }
}

fn replay(seed: u64, trace: bool, mistake: Option<Mistake>) -> ExitCode {
    let notes = if trace { Notes::Kept } else { Notes::NotKept };
    let outcome = live(seed, notes, mistake);
    for line in &outcome.notes {
        println!("{line}");
    }
    if outcome.findings.is_empty() {
        println!(
            "seed {seed}: nothing was wrong (trace {:016x})",
            outcome.trace
        );
        return ExitCode::SUCCESS;
    }
    println!("{outcome}");
    tell(&outcome);
    ExitCode::FAILURE
}

fn tell(outcome: &Outcome) {
    for finding in &outcome.findings {
        let text = format!("{finding:?}");
        println!(
            "seed {}: invariant {}: {text}",
            outcome.seed,
            finding.invariant()
        );
    }
}

fn sweep(arguments: &Arguments) -> ExitCode {
    let jobs = arguments
        .jobs
        .or_else(|| thread::available_parallelism().ok().map(Into::into))
        .unwrap_or(1);
    let end = arguments.from.saturating_add(arguments.seeds);
    let next = AtomicU64::new(arguments.from);
    let found = Mutex::new(Found::default());
    let started = Instant::now();
    let last_news = Mutex::new(started);
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    take_in(&found, run(seed, Notes::NotKept));
                    say_how_far(&found, &last_news, started);
                }
            });
        }
    });
    let found = found
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    conclude(&found, started, jobs)
}

fn take_in(found: &Mutex<Found>, outcome: Outcome) {
    let Ok(mut found) = found.lock() else { return };
    found.seeds += 1;
    add(&mut found.counts, &outcome.coverage);
    if outcome.findings.is_empty() {
        return;
    }
    for finding in &outcome.findings {
        *found.by_invariant.entry(finding.invariant()).or_insert(0) += 1;
    }
    if found.failed.len() < TOLD {
        tell(&outcome);
    }
    found.failed.push(Outcome {
        story: String::new(),
        ..outcome
    });
}

fn say_how_far(found: &Mutex<Found>, last_news: &Mutex<Instant>, started: Instant) {
    let Ok(mut last) = last_news.lock() else {
        return;
    };
    if last.elapsed() < NEWS_EVERY {
        return;
    }
    *last = Instant::now();
    if let Ok(found) = found.lock() {
        println!(
            "{} seeds in {} s, {} failed",
            found.seeds,
            started.elapsed().as_secs(),
            found.failed.len()
        );
    }
}

fn conclude(found: &Found, started: Instant, jobs: usize) -> ExitCode {
    let took = started.elapsed();
    let per_minute = u128::from(found.seeds) * 60_000 / took.as_millis().max(1);
    for (what, often) in &found.counts {
        println!("{often:>12} {what}");
    }
    println!(
        "{} seeds in {:.1} s, {per_minute} a minute on {jobs} cores; {} failed",
        found.seeds,
        took.as_secs_f64(),
        found.failed.len()
    );
    for (invariant, often) in &found.by_invariant {
        println!("invariant {invariant} was broken {often} times");
    }
    if let Some(first) = found.failed.iter().min_by_key(|outcome| outcome.seed) {
        println!("again: cargo xtask simulate --seed {} --trace", first.seed);
    }
    let missing = never_occurred(&found.counts);
    if !missing.is_empty() {
        println!("never occurred: {}", missing.join(", "));
    }
    if found.failed.is_empty() && missing.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
