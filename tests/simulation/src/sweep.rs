//! A whole life of a system, drawn by lot from one seed: market, faults, deaths, operators.
//!
//! Entry point: [`run`]. First everything goes wrong, and what must never happen is judged; then all
//! faults stop, and two runs of recovery later nothing may be owed without a reason. The same seed
//! gives the same [`Outcome::trace`].

mod coverage;
mod hands;
mod life;
mod mix;

use std::collections::BTreeMap;
use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::World;
use crate::audit::{Finding, safety_findings, settled_findings, unsettled_findings};
use crate::mistake::Mistake;
use crate::store::Operation;
pub use coverage::{Coverage, never_occurred};
use life::Life;
use mix::Mix;

/// How many runs of recovery settle everything that is owed (invariant 7).
const SETTLING_RUNS: u32 = 2;

/// How many runs later the last pause has ended: the longest after an ended order is 10 minutes.
const RESTING_RUNS: u32 = 64;

/// What came of one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What was wrong.
    pub findings: Vec<Finding>,
    /// The whole story, for a reader; empty where nothing was wrong.
    pub story: String,
    /// Every port call in its order, folded into one number.
    pub trace: u64,
    /// What happened, line by line, if it was asked for.
    pub notes: Vec<String>,
    /// How often what occurred.
    pub coverage: Coverage,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}:{}", self.seed, self.story)
    }
}

/// Whether a seed's life is written down line by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notes {
    /// It is.
    Kept,
    /// It is not, which is faster.
    NotKept,
}

/// Lives one seed and judges it.
#[must_use]
pub fn run(seed: u64, notes: Notes) -> Outcome {
    live(seed, notes, None)
}

/// Lives one seed with a mistaken handler.
#[must_use]
pub fn run_mistaken(seed: u64, notes: Notes, mistake: Mistake) -> Outcome {
    live(seed, notes, Some(mistake))
}

/// Lives one seed, and tells everything that was read from the store and written to it.
#[must_use]
pub fn operations_of(seed: u64) -> Vec<Operation> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mix = Mix::draw(&mut random);
    let world = World::empty();
    world.store.keep_operations();
    mix.build(&world);
    let mut life = Life::new(&world, &mix, random);
    mix.begin_faults(&world, seed);
    for _ in 0..mix.moves {
        life.make_a_move();
    }
    life.end_faults();
    life.recover_all();
    world.store.take_operations()
}

fn live(seed: u64, notes: Notes, mistake: Option<Mistake>) -> Outcome {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mix = Mix::draw(&mut random);
    let world = World::empty();
    mix.build(&world);
    if let Some(mistake) = mistake {
        world.gate.make(mistake);
    }
    if notes == Notes::Kept {
        world.keep_notes();
        world.note(|| format!("{mix:#?}"));
    }
    let mut life = Life::new(&world, &mix, random);
    let bots = life.bots.clone();
    let unsettled = || bots.iter().flat_map(|bot| unsettled_findings(&world, bot));
    if mix.by_messages {
        life.lay();
    }
    mix.begin_faults(&world, seed);
    for _ in 0..mix.moves {
        life.make_a_move();
    }
    life.end_faults();
    life.let_leases_end();
    let mut findings: Vec<Finding> = Vec::new();
    // What is among the dead letters, only recovery knows of; and what was never answered it sends.
    if mix.by_messages && world.queue.dead().is_empty() {
        let unseen = |finding: &Finding| matches!(finding, Finding::StillUnseen(_));
        findings.extend(unsettled().filter(unseen));
    }
    for _ in 0..SETTLING_RUNS {
        life.recover_all();
    }
    findings.extend(unsettled());
    life.release();
    let mut runs = 0;
    while runs < RESTING_RUNS
        && !bots
            .iter()
            .all(|bot| settled_findings(&world, bot).is_empty())
    {
        life.recover_all();
        runs += 1;
    }
    for bot in &bots {
        findings.extend(safety_findings(&world, bot));
        findings.extend(settled_findings(&world, bot));
    }
    judge(seed, &world, &life, findings)
}

fn judge(seed: u64, world: &World, life: &Life<'_>, findings: Vec<Finding>) -> Outcome {
    let mut story = String::new();
    if !findings.is_empty() {
        for bot in &life.bots {
            story += &format!("\n{bot}:{}", world.tell(bot, &findings));
        }
    }
    Outcome {
        seed,
        findings,
        story,
        trace: world.gate.trace(),
        notes: world.take_notes(),
        coverage: coverage::of(world, life.deaths),
    }
}

/// Adds up what occurred.
pub fn add(total: &mut BTreeMap<String, u64>, more: &Coverage) {
    for (what, often) in &more.0 {
        *total.entry(what.clone()).or_insert(0) += often;
    }
}
