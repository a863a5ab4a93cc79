//! Hostile bytes in numbers: `cargo xtask hostile --inputs N [--target T] [--seed S]`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::arithmetic_side_effects,
    reason = "this is a command of the tests that talks to its user"
)]

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;
use hostile::corpus;
use hostile::crew::{self, Orders, Result as Came, on_worker, replay_line};
use hostile::examine::examine;
use hostile::flight;
use hostile::hunt::worth_keeping;
use hostile::targets::{ALL, Target, named};

/// Gives the readers of outside data many hostile inputs.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many inputs in all.
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    inputs: u64,
    /// Only this target; without it, all.
    #[arg(long, value_name = "NAME", value_parser = target)]
    target: Option<&'static Target>,
    /// What the inputs are drawn from: the same seed and number give the same inputs.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How many threads [default: one for each core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Keep the inputs that went a way of their own in the corpus, the shortest so many of each target.
    #[arg(long, default_value_t = 0, value_name = "N")]
    keep: usize,
    /// The folder of a run that is watched from outside.
    #[arg(long, hide = true, value_name = "DIR")]
    watched: Option<PathBuf>,
    /// Give the target this one file instead, and say what it made of it.
    #[arg(long, value_name = "FILE", requires = "target")]
    replay: Option<PathBuf>,
}

fn target(name: &str) -> Result<&'static Target, String> {
    named(name).ok_or_else(|| {
        let names: Vec<&str> = ALL.iter().map(|target| target.name).collect();
        format!("there is no such target; there are {}", names.join(", "))
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match (&arguments.replay, arguments.target, &arguments.watched) {
        (Some(file), Some(target), _) => replay(target, file),
        (_, _, Some(scratch)) => hunt(&arguments, scratch),
        _ => watched(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hostile: {error}");
            ExitCode::FAILURE
        }
    }
}

fn replay(target: &'static Target, file: &Path) -> std::io::Result<bool> {
    let input = std::fs::read(file)?;
    match on_worker(|| examine(target, &input))? {
        Ok(survived) => {
            println!("{:?}", survived.seen);
            println!("{} bytes held at most, {:?}", survived.peak, survived.took);
            Ok(true)
        }
        Err(fault) => {
            println!("{fault}");
            Ok(false)
        }
    }
}

/// Hunts in a process of its own: a stack that overflows or memory that runs out ends that one.
fn watched() -> std::io::Result<bool> {
    let scratch = tempfile::tempdir()?;
    let program = std::env::current_exe()?;
    let status = Command::new(&program)
        .args(std::env::args_os().skip(1))
        .arg("--watched")
        .arg(scratch.path())
        .status()?;
    let Some(signal) = status.signal() else {
        return Ok(status.success());
    };
    println!("the hunt was ended by signal {signal}");
    for record in std::fs::read_dir(scratch.path())? {
        let (target, input) = flight::read(&record?.path())?;
        let path = corpus::keep(&corpus::regressions(&target), &input)?;
        let again = Command::new(&program)
            .args(["--target", &target, "--replay"])
            .arg(&path)
            .status()?;
        if again.success() {
            std::fs::remove_file(path)?;
        } else {
            println!("{target} FAILED");
            println!("{}", replay_line(&target, Ok(&path)));
        }
    }
    Ok(false)
}

fn hunt(arguments: &Arguments, scratch: &Path) -> std::io::Result<bool> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let orders = Orders {
        targets: arguments
            .target
            .map_or_else(|| ALL.iter().collect(), |target| vec![target]),
        inputs: arguments.inputs,
        seed: arguments.seed,
        threads: arguments.threads.unwrap_or(cores),
        scratch: scratch.to_owned(),
    };
    let results = crew::run(&orders, &|line| eprintln!("{line}"))?;
    print(&results);
    for result in &results {
        if let Some(found) = &result.found {
            println!("\n{} FAILED: {}", result.target.name, found.fault);
            println!("{}", replay_line(result.target.name, Ok(&found.path)));
        } else {
            keep(result, arguments.keep)?;
        }
    }
    Ok(results.iter().all(|result| result.found.is_none()))
}

fn print(results: &[Came]) {
    println!(
        "{:<18} {:>9} {:>9} {:>9} {:>6} {:>5} {:>10} {:>9} {:>9} {:>8}",
        "target", "inputs", "accepted", "refused", "ways", "new", "peak", "for", "slowest", "mean"
    );
    let mut sum = (0, std::time::Duration::ZERO);
    for Came {
        target,
        tally,
        spent,
        ..
    } in results
    {
        let inputs = u32::try_from(tally.inputs.max(1)).unwrap_or(u32::MAX);
        println!(
            "{:<18} {:>9} {:>9} {:>9} {:>6} {:>5} {:>10} {:>9} {:>6} us {:>5} us",
            target.name,
            tally.inputs,
            tally.accepted,
            tally.inputs - tally.accepted,
            tally.behaviours.len(),
            tally.fresh.len(),
            tally.peak.0,
            tally.peak.1,
            tally.slowest.0.as_micros(),
            (*spent / inputs).as_micros(),
        );
        sum = (sum.0 + tally.inputs, sum.1 + *spent);
    }
    println!("{} inputs, {:.1?} of computing", sum.0, sum.1);
}

/// Adds the shortest inputs that went a way of their own to the corpus.
fn keep(result: &Came, most: usize) -> std::io::Result<()> {
    let mut fresh = result.tally.fresh.clone();
    fresh.sort_by_key(Vec::len);
    let known: Vec<Vec<u8>> = corpus::load(result.target.name)?
        .into_iter()
        .map(|entry| entry.bytes)
        .collect();
    for input in worth_keeping(result.target, &known, fresh)
        .into_iter()
        .take(most)
    {
        corpus::keep(&corpus::folder(result.target.name), &input)?;
    }
    Ok(())
}
