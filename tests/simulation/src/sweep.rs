//! A whole life of a grid, drawn by lot from one seed: market, faults, deaths and the operator's hand.
//!
//! Entry point: [`run`]. Several processes are under way at once and are stepped in an order drawn by
//! lot; any of them may die between two port calls. At the end all faults stop, the system heals and
//! the audit judges. The same seed gives the same [`Outcome::trace`].

mod life;

use std::collections::BTreeMap;
use std::fmt;

use domain::BotId;
use exchange_simulator::faults::FaultPlan;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::audit::{Finding, findings};
use crate::{World, bot_id, rung};
use life::Life;

/// How a seed's life is drawn.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// How many things happen before the faults stop.
    pub moves: u32,
    /// What goes wrong at the exchange, and how often.
    pub faults: FaultPlan,
    /// How many recovery runs the system has to heal.
    pub healing_runs: u32,
}

impl Default for Sweep {
    fn default() -> Self {
        Self {
            moves: 2_500,
            faults: harsh(),
            healing_runs: 8,
        }
    }
}

/// Everything goes wrong often, except what changes whose order it is.
fn harsh() -> FaultPlan {
    let mut plan = FaultPlan::harsh();
    for rate in plan.rates.values_mut() {
        rate.per_million = (rate.per_million * 3).min(150_000);
    }
    plan.settings.lag_ms = 9_000;
    plan
}

/// What came of one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What was wrong in the end.
    pub findings: Vec<Finding>,
    /// The whole story, for a reader.
    pub story: String,
    /// Every port call in its order, folded into one number.
    pub trace: u64,
    /// How often orders were filled and opposite orders followed.
    pub trades: u64,
    /// How often a process died.
    pub deaths: u64,
    /// How often each fault, each outcome of a report and each line of the story occurred.
    pub counts: BTreeMap<String, u64>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}:{}", self.seed, self.story)
    }
}

/// Lives one seed and judges it.
#[must_use]
pub fn run(seed: u64, sweep: &Sweep) -> Outcome {
    let rungs = vec![
        rung("3.00", "3.05", "40"),
        rung("3.05", "3.10", "40"),
        rung("3.10", "3.15", "40"),
        rung("3.15", "3.20", "40"),
    ];
    let world = World::demo("3.12", rungs);
    let bot = bot_id("demo");
    world.exchange.set_faults(sweep.faults.clone(), seed);
    let random = ChaCha8Rng::seed_from_u64(seed);
    let mut life = Life::new(&world, bot.clone(), random);
    for _ in 0..sweep.moves {
        life.make_a_move();
    }
    let deaths = life.end();
    world.store.recover_from_faults();
    world.advance(trading::VISIBILITY);
    world.heal(std::slice::from_ref(&bot), sweep.healing_runs);
    judge(seed, &world, &bot, deaths)
}

fn judge(seed: u64, world: &World, bot: &BotId, deaths: u64) -> Outcome {
    let found = findings(world, bot);
    let story = if found.is_empty() {
        String::new()
    } else {
        world.tell(bot, &found)
    };
    Outcome {
        seed,
        findings: found,
        story,
        trace: fold(&world.gate.passed()),
        trades: world.exchange.with_model(|model, _| model.counts().trades),
        deaths,
        counts: count(world),
    }
}

fn count(world: &World) -> BTreeMap<String, u64> {
    let mut counts = world.tally();
    for (kind, often) in world.exchange.state().injector.counts() {
        counts.insert(format!("fault {kind:?}"), *often);
    }
    for event in world.store.story_now() {
        *counts.entry(format!("event {:?}", event.kind)).or_insert(0) += 1;
    }
    counts
}

/// FNV-1a over the names of the calls.
fn fold(calls: &[&str]) -> u64 {
    calls
        .iter()
        .flat_map(|call| call.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}
