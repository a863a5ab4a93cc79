//! Small worlds in which everything happens in every order.
//!
//! Entry point: [`explore`]. One level, a few prints of the market, two handlers and one recovery at
//! once, and a few faults. Each state offers choices (let a process make its next call, take a
//! message, let time go by, kill somebody); every choice of every state is tried, and no state twice.
//! The use cases are the shipped ones. What must never happen is judged in every state, and where no
//! choice is left the system heals and is judged as a whole.
//!
//! A state is reached by repeating the way that leads to it, so a choice that leads only to where
//! others lead is not tried: of two choices that have nothing to do with each other, one order is
//! enough (sleep sets; Godefroid, "Partial-Order Methods", 1996). That leaves out no state, which
//! [`Bounds::every_order`] shows.

mod choice;
mod process;
mod small;

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;

use domain::BotId;

pub use choice::Choice;
use choice::{Mark, Offer};
use small::Small;

use crate::audit::Finding;
use crate::mistake::Mistake;
use crate::{World, bot_id, rung};

/// How far a small world goes.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Prints of the outside market; two make a round trip.
    pub prints: u32,
    /// Runs of recovery.
    pub recoveries: u32,
    /// Faults: deaths, lost replies, late requests, lost and repeated messages.
    pub faults: u32,
    /// How often time goes by until something happens by itself.
    pub waits: u32,
    /// Whether choices are tried, too, that lead to nothing new.
    pub every_order: bool,
}

/// What exploring has found.
#[derive(Debug, Default)]
pub struct Explored {
    /// Different states.
    pub states: u64,
    /// Choices tried.
    pub choices: u64,
    /// States in which no choice was left.
    pub ends: u64,
    /// The first way that led to something that must not be.
    pub wrong: Option<(Vec<Choice>, Vec<Finding>)>,
}

/// Tries everything within the bounds on so many threads, with a mistaken handler if asked to.
#[must_use]
pub fn explore(bounds: Bounds, mistake: Option<Mistake>, jobs: usize) -> Explored {
    let search = Search {
        bounds,
        mistake,
        state: Mutex::new(Progress {
            todo: vec![Way::default()],
            ..Progress::default()
        }),
        more: Condvar::new(),
    };
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| search.work());
        }
    });
    search.state.into_inner().unwrap().explored
}

/// The choices that lead to a state, and those that need not be tried in it.
#[derive(Debug, Default, Clone)]
struct Way {
    made: Vec<Choice>,
    asleep: Vec<Mark>,
}

#[derive(Debug, Default)]
struct Progress {
    todo: Vec<Way>,
    busy: usize,
    /// Each state, with the choices that have not been tried in it.
    seen: BTreeMap<u64, Vec<u64>>,
    explored: Explored,
}

/// One search, by several threads.
struct Search {
    bounds: Bounds,
    mistake: Option<Mistake>,
    state: Mutex<Progress>,
    more: Condvar,
}

impl Search {
    fn work(&self) {
        while let Some(way) = self.next() {
            let world = begin(self.mistake);
            let mut small = Small::new(&world, self.bounds);
            for choice in &way.made {
                small.make(*choice);
            }
            self.follow(small, way);
            self.progress().busy -= 1;
            self.more.notify_all();
        }
    }

    /// The next way to try; `None` when all are tried, or something was wrong.
    fn next(&self) -> Option<Way> {
        let mut progress = self.progress();
        loop {
            if progress.explored.wrong.is_some() {
                return None;
            }
            if let Some(way) = progress.todo.pop() {
                progress.busy += 1;
                return Some(way);
            }
            if progress.busy == 0 {
                return None;
            }
            progress = self.more.wait(progress).unwrap();
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.state.lock().unwrap()
    }

    /// Follows a way to its end, always by the first choice, and keeps the others for later.
    fn follow(&self, mut small: Small<'_>, mut way: Way) {
        let mut judged = None;
        loop {
            let offers = small.offers();
            let Some(untried) = self.arrive(small.fingerprint(), &offers, &mut way.asleep) else {
                return;
            };
            // Orders go wrong only where something happens at the exchange.
            let events = small.events();
            if judged.replace(events) != Some(events) {
                let found = small.judge();
                if !found.is_empty() {
                    return self.wrong(way, found);
                }
            }
            if offers.is_empty() {
                let found = small.end();
                let mut progress = self.progress();
                progress.explored.ends += 1;
                drop(progress);
                if !found.is_empty() {
                    self.wrong(way, found);
                }
                return;
            }
            let mut ways = self.branch(&way, &untried).into_iter();
            let Some(first) = ways.next() else { return };
            {
                let mut progress = self.progress();
                progress.todo.extend(ways);
                self.more.notify_all();
            }
            way = first;
            small.make(way.made[way.made.len() - 1]);
        }
    }

    /// Notes a state; the choices that must be tried in it, or `None` when it has nothing new.
    ///
    /// Leaves asleep only what nobody has tried in this state.
    fn arrive(&self, state: u64, offers: &[Offer], asleep: &mut Vec<Mark>) -> Option<Vec<Offer>> {
        let mut progress = self.progress();
        let known = progress.seen.get(&state);
        let new = known.is_none();
        let left = |id: &u64| known.is_none_or(|left| left.contains(id));
        let sleeps = |offer: &&Offer| asleep.iter().any(|mark| mark.id == offer.mark.id);
        let (waiting, untried): (Vec<&Offer>, Vec<&Offer>) = offers
            .iter()
            .filter(|offer| left(&offer.mark.id))
            .partition(sleeps);
        if !new && untried.is_empty() {
            return None;
        }
        let untried: Vec<Offer> = untried.into_iter().copied().collect();
        let waiting: Vec<u64> = waiting.iter().map(|offer| offer.mark.id).collect();
        asleep.retain(|mark| waiting.contains(&mark.id));
        progress.seen.insert(state, waiting);
        progress.explored.states += u64::from(new);
        progress.explored.choices += u64::try_from(untried.len()).unwrap();
        Some(untried)
    }

    /// The ways on from here, each with what need not be tried after it.
    fn branch(&self, way: &Way, untried: &[Offer]) -> Vec<Way> {
        let mut asleep = way.asleep.clone();
        let mut ways = Vec::with_capacity(untried.len());
        for offer in untried {
            let mut made = way.made.clone();
            made.push(offer.choice);
            let unconcerned = asleep.iter().filter(|mark| !mark.concerns(&offer.mark));
            ways.push(Way {
                made,
                asleep: unconcerned.copied().collect(),
            });
            if !self.bounds.every_order {
                asleep.push(offer.mark);
            }
        }
        ways
    }

    fn wrong(&self, way: Way, found: Vec<Finding>) {
        let mut progress = self.progress();
        progress.explored.wrong.get_or_insert((way.made, found));
        self.more.notify_all();
    }
}

/// The bot of a small world.
fn bot() -> BotId {
    bot_id("demo")
}

/// A level that buys at 3.10 and sells at 3.15, its BUY resting.
fn begin(mistake: Option<Mistake>) -> World {
    let world = World::demo("3.12", vec![rung("3.10", "3.15", "100")]);
    world.lay(&bot());
    world.gate.let_pass(&choice::OF_NO_MOMENT);
    world.gate.keep_answers();
    if let Some(mistake) = mistake {
        world.gate.make(mistake);
    }
    world
}
