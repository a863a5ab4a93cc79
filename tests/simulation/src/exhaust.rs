//! Small worlds in which everything happens in every order.
//!
//! Entry point: [`explore`]. One level, a few prints of the market, two handlers and one recovery at
//! once, and a few faults. Each state offers choices (let a process make its next call, take a
//! message, let time go by, kill somebody); every choice of every state is tried, and no state twice.
//! The use cases are the shipped ones. What must never happen is judged in every state, and where no
//! choice is left the system heals and is judged as a whole.

use std::cell::RefCell;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::time::Duration;

use domain::{BotId, OrderState};
use trading::{Answer, RECV_WINDOW, VISIBILITY};

use crate::audit::{Finding, findings, order_findings};
use crate::exchange::Journey;
use crate::mistake::Mistake;
use crate::queue::Delivery;
use crate::task::{Step, Task};
use crate::{World, bot_id, rung};

const SYMBOL: &str = "XRPUSDT";

/// Calls that say or do the same whenever they are made: nobody else here changes what they read, or
/// reads what they change.
const OF_NO_MOMENT: [&str; 7] = [
    "account",
    "add_event",
    "best_prices",
    "bot",
    "server_time",
    "update_bot",
    "want_stream",
];

/// Calls whose answer is the exchange's.
const OF_EXCHANGE: [&str; 6] = [
    "cancel",
    "find_order",
    "open_orders",
    "order",
    "orders_since",
    "place",
];

/// Calls that a placement may follow.
const BEFORE_PLACING: [&str; 4] = [
    "claim_intent",
    "commit_fill",
    "orders_since",
    "settle_intent",
];

/// How many handlers are under way at most.
const HANDLERS: usize = 2;

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
}

/// Something that may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// A process makes its next call.
    Step(usize),
    /// A handler takes a message.
    Handle(usize),
    /// A run of recovery begins.
    Recover,
    /// The market falls below the level, or rises above it.
    Print(&'static str),
    /// Time goes by until something happens by itself.
    Wait,
    /// A process dies.
    Kill(usize),
    /// The next placement's reply is lost.
    LoseReply,
    /// The next placement arrives only just within its window, and is acted upon as late as may be.
    Delay,
    /// The next placement misses its window.
    Miss,
    /// A message is lost.
    Lose(usize),
    /// A message is delivered once more.
    Repeat(usize),
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

/// Tries everything within the bounds, with a mistaken handler if asked to.
#[must_use]
pub fn explore(bounds: Bounds, mistake: Option<Mistake>) -> Explored {
    let mut explored = Explored::default();
    let mut seen: BTreeSet<u64> = BTreeSet::new();
    let mut ways: Vec<Way> = vec![Way::new()];
    while let Some(way) = ways.pop() {
        let world = begin(mistake);
        let mut small = Small::new(&world, bounds);
        for at in &way {
            let choice = small.choices()[usize::from(*at)];
            small.make(choice);
        }
        if let Err((way, found)) = follow(small, way, (&mut seen, &mut ways, &mut explored)) {
            explored.wrong = Some((spell(&way, bounds, mistake), found));
            return explored;
        }
    }
    explored
}

/// Which of the choices was made, again and again.
type Way = Vec<u8>;

type Wrong = (Way, Vec<Finding>);

/// The choices that a way consists of.
fn spell(way: &Way, bounds: Bounds, mistake: Option<Mistake>) -> Vec<Choice> {
    let world = begin(mistake);
    let mut small = Small::new(&world, bounds);
    let mut made = Vec::new();
    for at in way {
        let choice = small.choices()[usize::from(*at)];
        small.make(choice);
        made.push(choice);
    }
    made
}

/// Follows a way to its end, always by the first choice, and keeps the others for later.
fn follow(
    mut small: Small<'_>,
    mut way: Way,
    (seen, ways, explored): (&mut BTreeSet<u64>, &mut Vec<Way>, &mut Explored),
) -> Result<(), Wrong> {
    let mut judged = None;
    loop {
        if !seen.insert(small.fingerprint()) {
            return Ok(());
        }
        explored.states += 1;
        // Orders go wrong only where something happens at the exchange.
        let events = small.journal.borrow().0;
        if judged != Some(events) {
            judged = Some(events);
            let found = order_findings(small.world, &small.bot);
            if !found.is_empty() {
                return Err((way, found));
            }
        }
        let choices = small.choices();
        explored.choices += u64::try_from(choices.len()).unwrap();
        let Some(first) = choices.first() else {
            explored.ends += 1;
            let found = small.end();
            return if found.is_empty() {
                Ok(())
            } else {
                Err((way, found))
            };
        };
        for other in 1..choices.len() {
            let mut another = way.clone();
            another.push(u8::try_from(other).unwrap());
            ways.push(another);
        }
        small.make(*first);
        way.push(0);
    }
}

/// A level that buys at 3.10 and sells at 3.15, its BUY resting.
fn begin(mistake: Option<Mistake>) -> World {
    let world = World::demo("3.12", vec![rung("3.10", "3.15", "100")]);
    world.lay(&bot_id("demo"));
    world.gate.let_pass(&OF_NO_MOMENT);
    if let Some(mistake) = mistake {
        world.gate.make(mistake);
    }
    world
}

/// What a process was started for.
enum Kind<'w> {
    Message(Delivery, Task<'w, Answer>),
    Recovery(Task<'w, ()>),
}

struct Process<'w> {
    kind: Kind<'w>,
    /// Everything it has done, and in which states of the world.
    past: u64,
    /// The last call it made.
    last: &'static str,
}

/// A small world on its way.
struct Small<'w> {
    world: &'w World,
    bot: BotId,
    left: Bounds,
    processes: Vec<Process<'w>>,
    /// The market's last price.
    price: &'static str,
    /// Whether something waits for the next placement.
    ambushed: bool,
    /// The level's record by its version.
    known: RefCell<BTreeMap<u64, u64>>,
    /// How much of the exchange's journal was read, and what it said.
    journal: RefCell<(usize, u64)>,
}

impl<'w> Small<'w> {
    fn new(world: &'w World, bounds: Bounds) -> Self {
        Self {
            world,
            bot: bot_id("demo"),
            left: bounds,
            processes: Vec::new(),
            price: "3.12",
            ambushed: false,
            known: RefCell::default(),
            journal: RefCell::default(),
        }
    }

    /// Everything that may happen now.
    fn choices(&self) -> Vec<Choice> {
        let mut choices: Vec<Choice> = (0..self.processes.len()).map(Choice::Step).collect();
        let handlers = self.processes.iter().filter(|process| process.is_handler());
        let messages = self.messages();
        if handlers.count() < HANDLERS {
            choices.extend(messages.iter().map(|at| Choice::Handle(*at)));
        }
        let recovers = self.processes.iter().any(|process| !process.is_handler());
        if self.left.recoveries > 0 && !recovers {
            choices.push(Choice::Recover);
        }
        if self.left.prints > 0 {
            // A second print at one price changes nothing: what it could fill, the first one did.
            let others = ["3.09", "3.16"]
                .into_iter()
                .filter(|price| *price != self.price);
            choices.extend(others.map(Choice::Print));
        }
        if self.left.waits > 0 && self.next_instant().is_some() {
            choices.push(Choice::Wait);
        }
        if self.left.faults > 0 {
            let begun = self.processes.iter().enumerate();
            let begun = begun.filter(|(_, process)| !process.last.is_empty());
            choices.extend(begun.map(|(at, _)| Choice::Kill(at)));
            if self.may_place() && !self.ambushed {
                choices.extend([Choice::LoseReply, Choice::Delay, Choice::Miss]);
            }
            choices.extend(messages.iter().map(|at| Choice::Lose(*at)));
            choices.extend(messages.iter().map(|at| Choice::Repeat(*at)));
        }
        choices
    }

    /// Whether the next call of somebody may be a placement.
    fn may_place(&self) -> bool {
        let places = |process: &Process<'_>| BEFORE_PLACING.contains(&process.last);
        self.processes.iter().any(places)
    }

    /// Where on the queue the messages are that may be received now, each text once.
    fn messages(&self) -> Vec<usize> {
        let now = self.world.clock.millis();
        self.world.queue.look(|waiting| {
            let mut texts = BTreeSet::new();
            let visible = waiting.iter().enumerate();
            visible
                .filter(|(_, one)| one.visible_ms <= now && texts.insert(&one.text))
                .map(|(at, _)| at)
                .collect()
        })
    }

    /// When something happens next by itself: a reply, a pause, a message, the end of a lease.
    fn next_instant(&self) -> Option<i64> {
        let now = self.world.clock.millis();
        let lease = self.world.level(&self.bot, 0).order.and_then(|order| {
            let OrderState::Pending { lease } = order.state else {
                return None;
            };
            Some(lease.until.as_millis())
        });
        let later = |instant: &i64| *instant > now;
        let visible = self.world.queue.look(|waiting| {
            let visible = waiting.iter().map(|one| one.visible_ms);
            visible.filter(later).min()
        });
        [
            self.world.next_event().filter(later),
            lease.filter(later),
            visible,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn make(&mut self, choice: Choice) {
        match choice {
            Choice::Step(at) => self.step(at),
            Choice::Handle(at) => {
                let mut taken = None;
                self.world
                    .queue
                    .tamper(|waiting| taken = Some(waiting.remove(at)));
                let mut delivery = taken.unwrap();
                delivery.receives += 1;
                let message = delivery.message();
                let past = hash(&delivery.text);
                let task = Task::new(self.world, self.world.process(message));
                let kind = Kind::Message(delivery, task);
                let last = "";
                self.processes.push(Process { kind, past, last });
            }
            Choice::Recover => {
                self.left.recoveries -= 1;
                let (world, bot) = (self.world, self.bot.clone());
                let task = Task::new(world, async move {
                    world.recovery(&bot).await;
                });
                let kind = Kind::Recovery(task);
                let (past, last) = (0, "");
                self.processes.push(Process { kind, past, last });
            }
            Choice::Print(price) => {
                self.left.prints -= 1;
                self.price = price;
                self.world.print(SYMBOL, price);
            }
            Choice::Wait => {
                self.left.waits -= 1;
                let now = self.world.clock.millis();
                let span = self.next_instant().unwrap_or(now) - now;
                let span = u64::try_from(span).unwrap();
                self.world.advance(Duration::from_millis(span));
            }
            Choice::Kill(_)
            | Choice::LoseReply
            | Choice::Delay
            | Choice::Miss
            | Choice::Lose(_)
            | Choice::Repeat(_) => self.fail(choice),
        }
        self.world.listen();
    }

    fn fail(&mut self, fault: Choice) {
        self.left.faults -= 1;
        self.ambushed |= matches!(fault, Choice::LoseReply | Choice::Delay | Choice::Miss);
        match fault {
            Choice::Kill(at) => {
                if let Kind::Message(delivery, _) = self.processes.remove(at).kind {
                    self.world.queue.again(delivery, VISIBILITY);
                }
            }
            Choice::LoseReply => self.world.exchange.script(Journey::reply_lost()),
            Choice::Delay => self.world.exchange.script(Journey {
                to_engine: RECV_WINDOW.saturating_sub(Duration::from_millis(1)),
                inside: trading::ENGINE_DELAY,
                ..Journey::default()
            }),
            Choice::Miss => self.world.exchange.script(Journey::held(RECV_WINDOW * 2)),
            Choice::Lose(at) => self.world.queue.tamper(|waiting| {
                waiting.remove(at);
            }),
            Choice::Repeat(at) => self.world.queue.tamper(|waiting| {
                let again = waiting[at].clone();
                waiting.push(again);
            }),
            Choice::Step(_)
            | Choice::Handle(_)
            | Choice::Recover
            | Choice::Print(_)
            | Choice::Wait => panic!("{fault:?} is no fault"),
        }
    }

    fn step(&mut self, at: usize) {
        let (tables, exchange) = (self.tables(), self.exchange());
        let now = self.world.clock.millis();
        let process = &mut self.processes[at];
        let (done, called) = match &mut process.kind {
            Kind::Message(_, task) => match task.step() {
                Step::Done(answer) => (Some(Some(answer)), None),
                Step::Called(call) => (None, Some(call)),
                Step::Blocked => (None, None),
            },
            Kind::Recovery(task) => match task.step() {
                Step::Done(()) => (Some(None), None),
                Step::Called(call) => (None, Some(call)),
                Step::Blocked => (None, None),
            },
        };
        if let Some(call) = called {
            let seen = if OF_EXCHANGE.contains(&call) {
                exchange
            } else {
                tables
            };
            process.past = hash(&(process.past, call, seen, now));
            process.last = call;
            self.ambushed &= call != "place";
        }
        let Some(answer) = done else { return };
        if let Kind::Message(delivery, _) = self.processes.remove(at).kind
            && let Some(Answer::Again(after)) = answer
        {
            self.world.queue.again(delivery, after);
        }
    }

    /// What the tables hold. A version says all about a record within one world.
    fn tables(&self) -> u64 {
        let tables = self.world.store.tables();
        let mut known = self.known.borrow_mut();
        let levels = tables.levels.values().map(|level| {
            *known
                .entry(level.version)
                .or_insert_with(|| hash(&format!("{level:?}")))
        });
        let levels: Vec<u64> = levels.collect();
        hash(&(levels, tables.fills.len()))
    }

    /// What the exchange holds, and what is on its way to it.
    fn exchange(&self) -> u64 {
        let mut journal = self.journal.borrow_mut();
        self.world.exchange.fingerprint(&mut journal)
    }

    fn fingerprint(&self) -> u64 {
        let mut pasts: Vec<u64> = self.processes.iter().map(|process| process.past).collect();
        pasts.sort_unstable();
        let waiting = self.world.queue.look(|waiting| {
            let waiting = waiting.iter().map(|one| (&one.text, one.visible_ms));
            hash(&waiting.collect::<Vec<_>>())
        });
        let left = self.left;
        hash(&(
            (pasts, self.tables(), self.exchange(), waiting),
            self.world.clock.millis(),
            (self.price, self.ambushed),
            [left.prints, left.recoveries, left.faults, left.waits],
        ))
    }

    /// Everybody dies, the system heals, and is judged.
    fn end(self) -> Vec<Finding> {
        for process in self.processes {
            if let Kind::Message(delivery, _) = process.kind {
                self.world.queue.again(delivery, VISIBILITY);
            }
        }
        self.world.heal(std::slice::from_ref(&self.bot), 8);
        findings(self.world, &self.bot)
    }
}

impl Process<'_> {
    const fn is_handler(&self) -> bool {
        matches!(self.kind, Kind::Message(..))
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
