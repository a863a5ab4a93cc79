//! A small world on its way from one state to the next.

use std::cell::RefCell;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::time::Duration;

use domain::OrderState;
use trading::{Answer, RECV_WINDOW, VISIBILITY};

use super::choice::{Choice, Mark, Offer, READS, Touches};
use super::process::{Became, Kind, Process};
use super::{Bounds, bot};
use crate::World;
use crate::audit::{Finding, findings, order_findings};
use crate::exchange::Journey;
use crate::task::Task;

const SYMBOL: &str = "XRPUSDT";

/// How many handlers are under way at most.
const HANDLERS: usize = 2;

/// The calls with which handlers and recovery begin.
const FIRST_OF_HANDLER: &str = "load";
const FIRST_OF_RECOVERY: &str = "best_prices";

/// A small world.
pub(super) struct Small<'w> {
    world: &'w World,
    left: Bounds,
    processes: Vec<Process<'w>>,
    /// The market's last price.
    price: &'static str,
    /// The level's record by its version.
    known: RefCell<BTreeMap<u64, u64>>,
    /// How much of the exchange's journal was read, and what it said.
    journal: RefCell<(usize, u64)>,
}

impl<'w> Small<'w> {
    pub(super) fn new(world: &'w World, bounds: Bounds) -> Self {
        Self {
            world,
            left: bounds,
            processes: Vec::new(),
            price: "3.12",
            known: RefCell::default(),
            journal: RefCell::default(),
        }
    }

    /// Everything that may happen now. Of two things that are the same, one.
    pub(super) fn offers(&self) -> Vec<Offer> {
        let mut offers: Vec<Offer> = Vec::new();
        let mut offer = |choice: Choice, (kind, about): (&str, u64), touches: Touches| {
            let id = hash(&(kind, about));
            if offers.iter().all(|offer| offer.mark.id != id) {
                let mark = Mark { id, about, touches };
                offers.push(Offer { choice, mark });
            }
        };
        for (at, process) in self.processes.iter().enumerate() {
            if let Some(call) = process.next {
                offer(Choice::Step(at), ("step", process.past), Touches::of(call));
            }
        }
        let messages = self.messages();
        let handlers = self.processes.iter().filter(|process| process.is_handler());
        if handlers.count() < HANDLERS {
            for (at, text) in &messages {
                let touches = Touches::HANDLERS.and(Touches::of(FIRST_OF_HANDLER));
                offer(Choice::Handle(*at), ("handle", *text), touches);
            }
        }
        let recovers = self.processes.iter().any(|process| !process.is_handler());
        if self.left.recoveries > 0 && !recovers {
            let touches = Touches::RECOVERIES.and(Touches::of(FIRST_OF_RECOVERY));
            offer(Choice::Recover, ("recover", 1), touches);
        }
        if self.left.prints > 0 {
            // A second print at one price changes nothing: what it could fill, the first one did.
            for price in ["3.09", "3.16"] {
                if price != self.price {
                    offer(Choice::Print(price), (price, 2), Touches::EXCHANGE);
                }
            }
        }
        if self.left.waits > 0 && self.next_instant().is_some() {
            offer(Choice::Wait, ("wait", 3), Touches::EVERYTHING);
        }
        if self.left.faults > 0 {
            self.offer_faults(&messages, &mut offer);
        }
        offers
    }

    fn offer_faults(
        &self,
        messages: &[(usize, u64)],
        offer: &mut impl FnMut(Choice, (&str, u64), Touches),
    ) {
        for (at, process) in self.processes.iter().enumerate() {
            if process.may_die() {
                offer(Choice::Kill(at), ("kill", process.past), Touches::FAULTS);
            }
            if process.next == Some("place") {
                let touches = Touches::FAULTS.and(Touches::EXCHANGE);
                offer(Choice::LoseReply(at), ("lost", process.past), touches);
                offer(Choice::Delay(at), ("late", process.past), touches);
                offer(Choice::Miss(at), ("missed", process.past), touches);
            }
        }
        for (at, text) in messages {
            offer(Choice::Lose(*at), ("lose", *text), Touches::FAULTS);
            offer(Choice::Repeat(*at), ("repeat", *text), Touches::FAULTS);
        }
    }

    /// Where on the queue the messages are that may be received now, each text once.
    fn messages(&self) -> Vec<(usize, u64)> {
        let now = self.world.clock.millis();
        self.world.queue.look(|waiting| {
            let mut texts = BTreeSet::new();
            let visible = waiting.iter().enumerate();
            visible
                .filter(|(_, one)| one.visible_ms <= now)
                .map(|(at, one)| (at, hash(&one.text)))
                .filter(|(_, text)| texts.insert(*text))
                .collect()
        })
    }

    /// When something happens next by itself: a reply, a pause, a message, the end of a lease.
    fn next_instant(&self) -> Option<i64> {
        let now = self.world.clock.millis();
        let lease = self.world.level(&bot(), 0).order.and_then(|order| {
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

    pub(super) fn make(&mut self, choice: Choice) {
        match choice {
            Choice::Step(at) => self.go(at),
            Choice::Handle(at) => {
                let mut taken = None;
                self.world
                    .queue
                    .tamper(|waiting| taken = Some(waiting.remove(at)));
                let mut delivery = taken.unwrap();
                delivery.receives += 1;
                let message = delivery.message();
                let task = Task::new(self.world, self.world.process(message));
                self.start(Kind::Message(delivery, task));
            }
            Choice::Recover => {
                self.left.recoveries -= 1;
                let world = self.world;
                let task = Task::new(world, async move {
                    world.recovery(&bot()).await;
                });
                self.start(Kind::Recovery(task));
            }
            Choice::Print(price) => {
                self.left.prints -= 1;
                self.price = price;
                self.world.print(SYMBOL, price);
            }
            Choice::Wait => self.wait(),
            Choice::Kill(_)
            | Choice::LoseReply(_)
            | Choice::Delay(_)
            | Choice::Miss(_)
            | Choice::Lose(_)
            | Choice::Repeat(_) => self.fail(choice),
        }
        self.world.listen();
    }

    fn wait(&mut self) {
        self.left.waits -= 1;
        let now = self.world.clock.millis();
        let span = self.next_instant().unwrap_or(now) - now;
        let span = u64::try_from(span).unwrap();
        self.world.advance(Duration::from_millis(span));
        for at in (0..self.processes.len()).rev() {
            if self.processes[at].next.is_none() {
                self.go(at);
            }
        }
    }

    fn fail(&mut self, fault: Choice) {
        self.left.faults -= 1;
        match fault {
            Choice::Kill(at) => {
                if let Kind::Message(delivery, _) = self.processes.remove(at).kind {
                    self.world.queue.again(delivery, VISIBILITY);
                }
            }
            Choice::LoseReply(at) => self.place(at, Journey::reply_lost()),
            Choice::Delay(at) => {
                let journey = Journey {
                    to_engine: RECV_WINDOW.saturating_sub(Duration::from_millis(1)),
                    inside: trading::ENGINE_DELAY,
                    ..Journey::default()
                };
                self.place(at, journey);
            }
            Choice::Miss(at) => self.place(at, Journey::held(RECV_WINDOW * 2)),
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

    /// A process places its order, which travels like this.
    fn place(&mut self, at: usize, journey: Journey) {
        self.world.exchange.script(journey);
        self.go(at);
    }

    /// Starts a process and lets it make its first call: before that it knows nothing, and might as
    /// well have started later.
    fn start(&mut self, kind: Kind<'w>) {
        let process = Process::new(kind);
        let first = if process.is_handler() {
            FIRST_OF_HANDLER
        } else {
            FIRST_OF_RECOVERY
        };
        self.processes.push(process);
        let at = self.processes.len() - 1;
        self.go(at);
        assert_eq!(self.processes[at].next, Some(first), "its first call");
        self.go(at);
    }

    /// Lets a process make its next call, and go on as far as it can without another.
    fn go(&mut self, at: usize) {
        let now = self.world.clock.millis();
        let call = self.processes[at].next;
        let seen = match call {
            Some("place") => self.exchange(),
            Some(call) if READS.contains(&call) => self.tables(),
            Some(_) | None => 0,
        };
        let process = &mut self.processes[at];
        self.world.gate.take_answers();
        self.world.clock.take_read();
        let became = process.go();
        let told = (seen, self.world.gate.take_answers());
        let read = self.world.clock.take_read().then_some(now);
        process.past = hash(&(process.past, call, told, read));
        if let Became::Finished(answer) = became
            && let Kind::Message(delivery, _) = self.processes.remove(at).kind
            && let Some(Answer::Again(after)) = answer
        {
            self.world.queue.again(delivery, after);
        }
    }

    /// How much has happened at the exchange.
    pub(super) fn events(&self) -> usize {
        self.exchange();
        self.journal.borrow().0
    }

    /// What must not be, as far as the orders tell.
    pub(super) fn judge(&self) -> Vec<Finding> {
        order_findings(self.world, &bot())
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

    /// What the exchange holds, and what is on its way to it and back.
    fn exchange(&self) -> u64 {
        let mut journal = self.journal.borrow_mut();
        self.world.exchange.fingerprint(&mut journal)
    }

    pub(super) fn fingerprint(&self) -> u64 {
        let mut pasts: Vec<u64> = self.processes.iter().map(|process| process.past).collect();
        pasts.sort_unstable();
        let mut waiting: Vec<u64> = self.world.queue.look(|waiting| {
            let waiting = waiting.iter();
            let told = waiting.map(|one| hash(&(&one.text, one.visible_ms, one.receives)));
            told.collect()
        });
        waiting.sort_unstable();
        let left = self.left;
        hash(&(
            (pasts, self.tables(), self.exchange(), waiting),
            (self.world.clock.millis(), self.world.clock.deadlines()),
            self.price,
            [left.prints, left.recoveries, left.faults, left.waits],
        ))
    }

    /// Everybody dies, the system heals, and is judged.
    pub(super) fn end(self) -> Vec<Finding> {
        for process in self.processes {
            if let Kind::Message(delivery, _) = process.kind {
                self.world.queue.again(delivery, VISIBILITY);
            }
        }
        self.world.heal(&[bot()], 8);
        findings(self.world, &bot())
    }
}

pub(super) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
