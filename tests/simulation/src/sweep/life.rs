//! One life: what happens next is drawn by lot, again and again, until the faults stop.
//!
//! Several processes are under way at once and are stepped in an order drawn by lot; any of them may
//! die between two port calls. The bridges run between the steps.

use std::time::Duration;

use domain::{BotId, DesiredStatus};
use rand::Rng;
use rand::seq::{IndexedMutRandom, IndexedRandom};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use trading::{Answer, LEASE, Message, RECOVERY_EVERY, VISIBILITY};

use super::hands::ids;
use super::mix::{Market, Mix};
use crate::bridge::BridgeProcess;
use crate::queue::Delivery;
use crate::task::{Step, Task};
use crate::{World, account_id};

/// How many processes are under way at most.
const MOST_PROCESSES: usize = 6;

/// How many deliveries are made at one instant before a system counts as one that never rests.
const MOST_DELIVERIES: u32 = 20_000;

const BRIDGES: [&str; 2] = ["bridge-1", "bridge-2"];

/// What a process was started for.
enum Process<'w> {
    Message(Delivery, Task<'w, Answer>),
    Recovery(Task<'w, ()>),
}

/// A system under the hands of chance.
pub(super) struct Life<'w> {
    pub(super) world: &'w World,
    pub(super) bots: Vec<BotId>,
    pub(super) accounts: Vec<&'static str>,
    pub(super) markets: Vec<&'static Market>,
    pub(super) random: ChaCha8Rng,
    mix: &'w Mix,
    bridges: Vec<BridgeProcess>,
    processes: Vec<Process<'w>>,
    /// Drift that is not a whole millisecond yet, in microseconds.
    drifted_us: i64,
    /// How often a process died.
    pub(super) deaths: u64,
}

impl<'w> Life<'w> {
    pub(super) fn new(world: &'w World, mix: &'w Mix, mut random: ChaCha8Rng) -> Self {
        let bridges = BRIDGES[..mix.bridges].iter().map(|name| {
            let dice = ChaCha8Rng::seed_from_u64(random.random());
            let mut bridge = BridgeProcess::start(world, name, dice, mix.troubles);
            if mix.by_messages {
                bridge.hear_makers_only();
            }
            bridge
        });
        Self {
            world,
            bots: ids(&mix.bots()),
            accounts: mix.accounts().to_vec(),
            markets: mix.markets(),
            bridges: bridges.collect(),
            mix,
            processes: Vec::new(),
            drifted_us: 0,
            deaths: 0,
            random,
        }
    }

    /// Lets one thing happen.
    pub(super) fn make_a_move(&mut self) {
        match self.random.random_range(0..1_000_u32) {
            0..540 => self.step_a_process(),
            540..670 => self.start_a_message(),
            670..700 if !self.mix.by_messages => self.start_a_recovery(),
            700..800 => self.market(),
            800..910 => self.pass_time(),
            910..940 => self.kill(),
            940..960 => self.break_the_store(),
            960..970 => self.operate(),
            970..975 => self.ambush(),
            975..980 if !self.mix.by_messages => self.pace(),
            980..985 if !self.mix.by_messages => self.move_funds(),
            985..990 if self.mix.unsteady_rules => self.change_rules(),
            990..995 if self.mix.rotation => self.rotate(),
            995.. if self.mix.strangers => self.stranger(),
            _ => self.step_a_process(),
        }
    }

    fn operate(&mut self) {
        if self.mix.operators {
            self.operator();
        }
    }

    fn pick(&mut self) -> Option<usize> {
        let many = self.processes.len();
        (many > 0).then(|| self.random.random_range(0..many))
    }

    fn step_a_process(&mut self) {
        let Some(at) = self.pick() else {
            return self.start_a_message();
        };
        let (finished, called) = match &mut self.processes[at] {
            Process::Message(_, task) => match task.step() {
                Step::Done(answer) => (Some(Some(answer)), None),
                Step::Called(call) => (None, Some(call)),
                Step::Blocked => (None, None),
            },
            Process::Recovery(task) => match task.step() {
                Step::Done(()) => (Some(None), None),
                Step::Called(call) => (None, Some(call)),
                Step::Blocked => (None, None),
            },
        };
        if let Some(call) = called {
            self.world.note(|| format!("process {at} called {call}"));
            self.tell_bridges();
        }
        let Some(answer) = finished else { return };
        self.world
            .note(|| format!("process {at} ended: {answer:?}"));
        if let Process::Message(delivery, _) = self.processes.swap_remove(at)
            && let Some(Answer::Again(after)) = answer
        {
            self.world.queue.again(delivery, after);
        }
    }

    fn start_a_message(&mut self) {
        if self.processes.len() >= MOST_PROCESSES {
            return;
        }
        self.shuffle_queue();
        let Some(delivery) = self.receive() else {
            return;
        };
        match self.random.random_range(0..100) {
            // Delivered twice: another receiver may take it at any time.
            0..5 => self.world.queue.again(delivery.clone(), Duration::ZERO),
            5 if !self.mix.by_messages => {
                return self.world.note(|| format!("lost: {}", delivery.text));
            }
            _ => {}
        }
        let world = self.world;
        let message: Message = delivery.message();
        world.note(|| format!("received: {}", delivery.text));
        let task = Task::new(world, world.process(message));
        self.processes.push(Process::Message(delivery, task));
    }

    /// Takes a message from the queue; where there is no recovery, nobody takes those that ask for it.
    fn receive(&self) -> Option<Delivery> {
        loop {
            let delivery = self.world.queue.receive()?;
            let asks = matches!(delivery.message(), Message::Reconcile { .. });
            if !(asks && self.mix.by_messages) {
                return Some(delivery);
            }
        }
    }

    fn shuffle_queue(&mut self) {
        let turn: usize = self.random.random_range(0..1_000);
        self.world.queue.tamper(|waiting| {
            if !waiting.is_empty() {
                let by = turn % waiting.len();
                waiting.rotate_left(by);
            }
        });
    }

    fn start_a_recovery(&mut self) {
        if self.processes.len() >= MOST_PROCESSES {
            return;
        }
        let (world, bot) = (
            self.world,
            self.bots.choose(&mut self.random).unwrap().clone(),
        );
        world.note(|| format!("recovery of {bot} begins"));
        let task = Task::new(world, async move {
            // What cannot be compared now is compared in the next run.
            world.recovery(&bot).await;
        });
        self.processes.push(Process::Recovery(task));
    }

    /// Hands what the accounts are told to every bridge.
    fn tell_bridges(&mut self) {
        for event in self.world.exchange.drain_events() {
            for bridge in &mut self.bridges {
                bridge.tell(self.world, &event);
            }
        }
        for bridge in &mut self.bridges {
            bridge.take_arrivals(self.world);
        }
    }

    fn pass_time(&mut self) {
        let (short, long) = self.mix.whiles_ms;
        let most = if self.random.random_range(0..4) == 0 {
            long
        } else {
            short
        };
        let ms = self.random.random_range(1..most);
        self.advance(ms);
    }

    /// Lets time go by, with the bridges at work.
    fn advance(&mut self, mut ms: u64) {
        while ms > 0 {
            let part = ms.min(self.mix.tick_ms);
            self.world.advance(Duration::from_millis(part));
            self.drift(part);
            self.tell_bridges();
            for bridge in &mut self.bridges {
                bridge.tick(self.world);
            }
            ms -= part;
        }
    }

    fn drift(&mut self, ms: u64) {
        if self.mix.drift != 0 {
            let by = self.mix.drift * i64::try_from(ms).unwrap();
            self.drifted_us += by;
            self.world.exchange.drift(self.drifted_us / 1_000);
            self.drifted_us %= 1_000;
        }
    }

    fn kill(&mut self) {
        if self.random.random_range(0..2) >= self.mix.killing {
            return;
        }
        if self.random.random_range(0..20) == 0 && !self.mix.by_messages {
            self.deaths += 1;
            let bridge = self.bridges.choose_mut(&mut self.random).unwrap();
            self.world.note(|| "a bridge dies".to_owned());
            return bridge.restart(self.world);
        }
        let Some(at) = self.pick() else { return };
        self.world.note(|| format!("process {at} dies"));
        self.deaths += 1;
        if let Process::Message(delivery, _) = self.processes.swap_remove(at) {
            self.world.queue.again(delivery, VISIBILITY);
        }
    }

    /// Lays the grids before anything goes wrong, and waits for the streams.
    pub(super) fn lay(&mut self) {
        self.advance(5_000);
        for _ in 0..3 {
            self.recover_all();
        }
    }

    /// All faults stop, everybody dies, and the operators say what they want for good.
    pub(super) fn end_faults(&mut self) {
        self.world.note(|| "the faults stop".to_owned());
        self.deaths += u64::try_from(self.processes.len()).unwrap();
        for process in self.processes.drain(..) {
            if let Process::Message(delivery, _) = process {
                self.world.queue.again(delivery, VISIBILITY);
            }
        }
        self.world.exchange.heal();
        self.world.exchange.set_admission(trading::Admission::Now);
        self.world.store.recover_from_faults();
        for bridge in &mut self.bridges {
            bridge.heal();
        }
        for account in self.accounts.clone() {
            self.mend_key(&account_id(account));
        }
        self.mend_rules();
        for bot in self.bots.clone() {
            let last = [
                DesiredStatus::Running,
                DesiredStatus::Running,
                DesiredStatus::Paused,
                DesiredStatus::Stopped,
            ];
            let wish = if self.mix.operators {
                *last.choose(&mut self.random).unwrap()
            } else {
                DesiredStatus::Running
            };
            self.world.desire(&bot, wish);
        }
    }

    /// Lets what is under way come to its end: leases, pauses, whatever is on the queue. Nobody
    /// compares anything meanwhile but who is asked to by a message.
    pub(super) fn let_leases_end(&mut self) {
        let most = if self.mix.by_messages {
            2 * (LEASE + VISIBILITY)
        } else {
            LEASE + VISIBILITY
        };
        // A lease written by a clock that was ahead lasts so much longer.
        let most = most + self.mix.clock_may_jump();
        for _ in 0..most.as_secs() {
            self.deliver();
            self.advance(1_000);
        }
    }

    /// One run of recovery for every bot, and what follows from it until the next.
    pub(super) fn recover_all(&mut self) {
        for bot in self.bots.clone() {
            self.world.run(self.world.recovery(&bot));
            self.deliver();
        }
        for _ in 0..RECOVERY_EVERY.as_secs() {
            self.advance(1_000);
            self.deliver();
        }
    }

    /// Delivers what may be received now.
    fn deliver(&mut self) {
        for _ in 0..MOST_DELIVERIES {
            self.tell_bridges();
            let Some(delivery) = self.receive() else {
                return;
            };
            self.world.deliver(delivery);
        }
        panic!("the system does not come to rest");
    }
}
