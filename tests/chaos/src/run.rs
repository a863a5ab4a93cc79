//! One run from the empty stage to the verdict.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep};

use crate::bots::create;
use crate::calm::{Haste, come_to_rest, heal};
use crate::demands::{LONG, never};
use crate::report::Report;
use crate::stage::{Setting, Stage};
use crate::storm::{Plan, rage};
use crate::tally::Tally;
use crate::verdict::judge;

/// How long a run may take beside thrice its storm.
const AFTERWARDS: Duration = Duration::from_secs(60 * 60);

/// What a run is to be.
#[derive(Debug, Clone)]
pub struct Run {
    /// The `gridkeeper` to be tried.
    pub gridkeeper: PathBuf,
    /// How long everything goes wrong.
    pub length: Duration,
    /// How often `up` is killed at least.
    pub kills: u64,
    /// Repeats every choice.
    pub seed: u64,
    /// Which faults the exchange makes by itself: `none`, `some` or `harsh`.
    pub faults: &'static str,
    /// Whether this process may mount a file system of its own, so that the disk can be really full.
    pub own_mounts: bool,
}

/// Lives through one run. Whatever becomes of it, every process it started is gone at its end.
pub async fn run(run: &Run) -> Report {
    let mut report = Report {
        seed: run.seed,
        ..Report::default()
    };
    let tally = Tally::default();
    let outcome = live(run, &tally, &mut report).await;
    if let Err(error) = outcome {
        report.failure = Some(format!("{error:#}"));
    }
    report
}

async fn live(run: &Run, tally: &Tally, report: &mut Report) -> anyhow::Result<()> {
    let mut stream = 0;
    let mut random = || {
        let mut random = ChaCha8Rng::seed_from_u64(run.seed);
        random.set_stream(stream);
        stream += 1;
        random
    };
    let setting = Setting {
        gridkeeper: run.gridkeeper.clone(),
        length: run.length,
        seed: run.seed,
        faults: run.faults,
        own_mounts: run.own_mounts,
    };
    // Listened to before anything is started that would be left behind.
    let mut interrupts = Interrupts::listen()?;
    let mut of_market = random();
    let mut stage = tokio::select! {
        stage = Stage::set(&setting, &mut of_market) => stage?,
        error = interrupts.heard() => return Err(error),
    };
    report.not_possible.clone_from(&stage.disk.not_possible);
    let outcome = tokio::select! {
        outcome = perform(&stage, run, tally, report, &mut random) => outcome,
        error = interrupts.heard() => Err(error),
        () = sleep(run.length * 3 + AFTERWARDS) => Err(anyhow::anyhow!("it does not come to an end")),
    };
    report.add(tally);
    if outcome.is_ok() {
        let ways: Vec<&str> = stage.disk.ways().iter().map(|way| way.word()).collect();
        report.never = never(report, run.length, &ways);
    }
    if outcome.is_err() || !report.is_clean() {
        report.kept = Some(stage.keep().await.display().to_string());
        return outcome;
    }
    stage.close().await
}

/// Ctrl-C and SIGTERM.
struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for one of them.
    async fn heard(&mut self) -> anyhow::Error {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        anyhow::anyhow!("it was interrupted")
    }
}

async fn perform(
    stage: &Stage,
    run: &Run,
    tally: &Tally,
    report: &mut Report,
    random: &mut impl FnMut() -> ChaCha8Rng,
) -> anyhow::Result<()> {
    let bots = create(stage).await?;
    for bot in &bots {
        stage.yes(&["bot", "start", bot]).await?;
    }
    let plan = Plan {
        length: run.length,
        kills: run.kills,
    };
    let begin = Instant::now();
    rage(stage, &bots, tally, plan, random).await?;
    report.storm_ms = millis(begin);
    let stats = stage.exchange.stats().await?;
    for (kind, times) in stats["faults"].as_object().into_iter().flatten() {
        let times = times.as_u64().unwrap_or_default();
        report.faults.insert(kind.clone(), times);
    }
    let begin = Instant::now();
    let (mut up, fleet) = heal(stage, &bots).await?;
    let haste = if run.length < LONG {
        Haste::Asks
    } else {
        Haste::No
    };
    let without = come_to_rest(stage, &fleet, &mut up, haste).await?;
    report.rest_ms = millis(begin);
    let mut verdict = judge(stage, &fleet, without).await?;
    // The promise does not hang on a kill: asked to end, it ends well, and the ledger stands without it.
    let ended = up.end().await?;
    ensure!(ended.success(), "`up` was asked to end: {ended}");
    let bot = bots.first().map(String::as_str).unwrap_or_default();
    let command = ["audit", bot, "--json"];
    verdict.add_own_audit(stage, &command).await?;
    report.verdict = Some(verdict);
    Ok(())
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
