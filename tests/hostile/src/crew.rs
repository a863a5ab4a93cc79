//! Many hunts on several threads, each watched: an input that takes too long ends the run.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::corpus::{self, Entry};
use crate::examine::Fault;
use crate::flight::Flight;
use crate::hunt::{Quota, Stopped, Tally, hunt};
use crate::reduce::reduce;
use crate::targets::Target;

/// An input that takes more of the processor's time counts as a hang.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// An input that is not done after this time counts as one too, whatever it waits for.
pub const LONGEST_WAIT: Duration = Duration::from_secs(180);

/// How often the watch looks.
const WATCH: Duration = Duration::from_millis(200);

/// The stack of a worker of the async runtime, on which the real readers run.
const STACK: usize = 2 * 1024 * 1024;

/// What a run is asked for.
#[derive(Debug, Clone)]
pub struct Orders {
    /// The targets.
    pub targets: Vec<&'static Target>,
    /// How many inputs in all.
    pub inputs: u64,
    /// What the inputs are drawn from.
    pub seed: u64,
    /// How many threads.
    pub threads: usize,
    /// A folder for the records of what is examined.
    pub scratch: PathBuf,
}

/// What came of one target.
#[derive(Debug)]
pub struct Result {
    /// The target.
    pub target: &'static Target,
    /// What its hunts came to.
    pub tally: Tally,
    /// The time spent on it, over all threads.
    pub spent: Duration,
    /// What it failed on, already kept among the regressions.
    pub found: Option<Found>,
}

/// A failure.
#[derive(Debug)]
pub struct Found {
    /// Where the input is kept.
    pub path: PathBuf,
    /// What it did.
    pub fault: String,
}

/// One hunt to be done.
#[derive(Debug, Clone, Copy)]
struct Job {
    target: &'static Target,
    quota: Quota,
}

/// Splits a run into hunts, so that threads have an equal share of every target.
fn jobs(orders: &Orders) -> VecDeque<Job> {
    let shares: u64 = orders
        .targets
        .iter()
        .map(|target| u64::from(target.share))
        .sum();
    let threads = u64::try_from(orders.threads.max(1)).unwrap_or(1);
    let mut jobs = VecDeque::new();
    for target in &orders.targets {
        let inputs = orders.inputs * u64::from(target.share) / shares.max(1);
        for part in 0..threads {
            let quota = Quota {
                inputs: inputs.div_ceil(threads),
                seed: orders
                    .seed
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .wrapping_add(part),
            };
            jobs.push_back(Job { target, quota });
        }
    }
    jobs
}

/// Hunts as ordered. A target that fails is not hunted on; the others are.
///
/// # Errors
/// When the corpus cannot be read, or something cannot be recorded.
pub fn run(orders: &Orders, told: &(dyn Fn(&str) + Sync)) -> io::Result<Vec<Result>> {
    let queue = Mutex::new(jobs(orders));
    let results: Mutex<Vec<Result>> = Mutex::new(Vec::new());
    let done = AtomicBool::new(false);
    let flights = (0..orders.threads.max(1))
        .map(|number| Flight::new(&orders.scratch.join(format!("flight-{number}"))))
        .collect::<io::Result<Vec<_>>>()?;
    thread::scope(|scope| {
        let watch = scope.spawn(|| watch(&flights, &done, told));
        let workers: Vec<_> = flights
            .iter()
            .map(|flight| {
                let work = || work(&queue, &results, flight, told);
                thread::Builder::new()
                    .stack_size(STACK)
                    .spawn_scoped(scope, work)
            })
            .collect::<io::Result<_>>()?;
        let outcomes: Vec<io::Result<()>> = workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("a hunt panicked")))
            })
            .collect();
        done.store(true, Ordering::Release);
        watch.thread().unpark();
        outcomes.into_iter().collect::<io::Result<()>>()
    })?;
    Ok(results.into_inner().unwrap())
}

fn work(
    queue: &Mutex<VecDeque<Job>>,
    results: &Mutex<Vec<Result>>,
    flight: &Flight,
    told: &(dyn Fn(&str) + Sync),
) -> io::Result<()> {
    loop {
        let Some(job) = queue.lock().unwrap().pop_front() else {
            return Ok(());
        };
        let failed =
            |result: &Result| result.target.name == job.target.name && result.found.is_some();
        if results.lock().unwrap().iter().any(failed) {
            continue;
        }
        let known = corpus::load(job.target.name)?;
        let started = now();
        let result = hunted(job, &known, flight)?;
        let spent = started.elapsed();
        if let Some(found) = &result.1 {
            told(&format!("{}: {}", job.target.name, found.fault));
        }
        take_in(&mut results.lock().unwrap(), job.target, result, spent);
    }
}

fn hunted(job: Job, known: &[Entry], flight: &Flight) -> io::Result<(Tally, Option<Found>)> {
    match hunt(job.target, known, job.quota, flight).map_err(|stopped| *stopped) {
        Ok(tally) => Ok((tally, None)),
        Err(Stopped::Unrecorded(error)) => Err(error),
        Err(Stopped::Found { input, fault }) => {
            let found = keep(job.target, &input, &fault)?;
            Ok((Tally::default(), Some(found)))
        }
    }
}

/// Keeps a failing input, as small as it can be made.
fn keep(target: &Target, input: &[u8], fault: &Fault) -> io::Result<Found> {
    let smallest = reduce(target, input, fault);
    Ok(Found {
        path: corpus::keep(&corpus::regressions(target.name), &smallest)?,
        fault: fault.to_string(),
    })
}

fn take_in(
    results: &mut Vec<Result>,
    target: &'static Target,
    (tally, found): (Tally, Option<Found>),
    spent: Duration,
) {
    let known = results
        .iter_mut()
        .find(|result| result.target.name == target.name);
    if let Some(known) = known {
        known.tally.join(tally);
        known.spent += spent;
        known.found = known.found.take().or(found);
    } else {
        results.push(Result {
            target,
            tally,
            spent,
            found,
        });
    }
}

/// Ends the process when an input takes too long: no other thread can be ended from outside.
fn watch(flights: &[Flight], done: &AtomicBool, told: &(dyn Fn(&str) + Sync)) {
    let mut looks: Vec<Look> = flights.iter().map(|_| Look::default()).collect();
    while !done.load(Ordering::Acquire) {
        thread::park_timeout(WATCH);
        for (flight, look) in flights.iter().zip(&mut looks) {
            if look.is_hang(flight.present(), flight.computed(), now()) {
                give_up(flight, told);
            }
        }
    }
}

fn give_up(flight: &Flight, told: &(dyn Fn(&str) + Sync)) {
    told(&format!(
        "an input takes longer than {PATIENCE:?} of computing, or {LONGEST_WAIT:?} in all"
    ));
    told(&match flight.last() {
        Ok((target, input)) => {
            let kept = corpus::keep(&corpus::regressions(&target), &input);
            replay_line(&target, kept.as_deref())
        }
        Err(error) => error.to_string(),
    });
    std::process::exit(1);
}

/// When an input was first seen under examination, and how much its thread had computed by then.
#[derive(Debug, Default)]
struct Look {
    seen: Option<(u64, Duration, Instant)>,
}

impl Look {
    fn is_hang(&mut self, present: Option<u64>, computed: Duration, now: Instant) -> bool {
        match (self.seen, present) {
            (Some((input, before, since)), Some(present)) if input == present => {
                computed.saturating_sub(before) > PATIENCE
                    || now.duration_since(since) > LONGEST_WAIT
            }
            (_, present) => {
                self.seen = present.map(|present| (present, computed, now));
                false
            }
        }
    }
}

/// Does something on a thread with the stack that readers have.
///
/// # Errors
/// When there is no thread for it.
pub fn on_worker<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK);
        let worker = worker.spawn_scoped(scope, work)?;
        worker
            .join()
            .map_err(|_panic| io::Error::other("it panicked"))
    })
}

/// How to see a failure again.
#[must_use]
pub fn replay_line(target: &str, kept: std::result::Result<&Path, &io::Error>) -> String {
    match kept {
        Ok(path) => {
            let path = path
                .strip_prefix(corpus::workspace())
                .unwrap_or(path)
                .display();
            format!("kept in {path}; again: cargo xtask hostile --target {target} --replay {path}")
        }
        Err(error) => format!("it could not be kept: {error}"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a hunt takes is measured by the machine's own clock"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_hangs_that_computes_or_waits_too_long_and_not_one_that_gets_no_processor() {
        let seconds = Duration::from_secs;
        let start = now();
        let mut look = Look::default();
        assert!(!look.is_hang(Some(7), seconds(3), start));
        assert!(!look.is_hang(Some(7), seconds(4), start + seconds(60)));
        assert!(look.is_hang(Some(7), seconds(9), start + seconds(61)));
        assert!(look.is_hang(Some(7), seconds(4), start + seconds(181)));
        assert!(!look.is_hang(Some(8), seconds(4), start + seconds(181)));
        assert!(!look.is_hang(None, seconds(99), start + seconds(999)));
        assert!(!look.is_hang(Some(9), seconds(99), start + seconds(999)));
    }

    #[test]
    fn every_target_gets_its_share_on_every_thread() {
        let orders = Orders {
            targets: crate::targets::ALL.iter().collect(),
            inputs: 1_000_000,
            seed: 1,
            threads: 3,
            scratch: PathBuf::new(),
        };
        let jobs = jobs(&orders);
        assert_eq!(jobs.len(), 3 * orders.targets.len());
        let sum: u64 = jobs.iter().map(|job| job.quota.inputs).sum();
        assert!((999_000..=1_001_000).contains(&sum), "{sum}");
        let seeds: std::collections::BTreeSet<u64> =
            jobs.iter().map(|job| job.quota.seed).collect();
        assert_eq!(seeds.len(), 3);
    }
}
