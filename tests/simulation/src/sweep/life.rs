//! One life: what happens next is drawn by lot, again and again.

use std::time::Duration;

use domain::{BotId, DesiredStatus};
use exchange_simulator::faults::{EventFault, MarketFault};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use trading::{Answer, Message, VISIBILITY, recover_bot};

use crate::World;
use crate::queue::Delivery;
use crate::store::StoreFault;
use crate::task::{Step, Task};

const SYMBOL: &str = "XRPUSDT";

/// How many processes are under way at most.
const MOST_PROCESSES: usize = 6;

/// What a process was started for.
enum Process<'w> {
    Message(Delivery, Task<'w, Answer>),
    Recovery(Task<'w, ()>),
}

/// A system under the hands of chance.
pub(super) struct Life<'w> {
    world: &'w World,
    bot: BotId,
    random: ChaCha8Rng,
    processes: Vec<Process<'w>>,
    deaths: u64,
    /// How readily processes die: never, sometimes, often.
    killing: u32,
    /// How long a short while is at most, in milliseconds.
    short_ms: u64,
    /// How long a long while is at most, in milliseconds.
    long_ms: u64,
}

impl<'w> Life<'w> {
    /// Lives differ: some are hasty and mild, others slow and full of deaths.
    pub(super) fn new(world: &'w World, bot: BotId, mut random: ChaCha8Rng) -> Self {
        let hasty = random.random_bool(0.5);
        Self {
            world,
            bot,
            processes: Vec::new(),
            deaths: 0,
            killing: random.random_range(0..3),
            short_ms: if hasty { 300 } else { 3_000 },
            long_ms: if hasty { 12_000 } else { 40_000 },
            random,
        }
    }

    /// Lets one thing happen.
    pub(super) fn make_a_move(&mut self) {
        match self.random.random_range(0..100_u32) {
            0..55 => self.step_a_process(),
            55..68 => self.start_a_message(),
            68..73 => self.start_a_recovery(),
            73..83 => self.market(),
            83..94 => self.pass_time(),
            94..96 if self.random.random_range(0..2) < self.killing => self.kill(),
            94..96 => self.step_a_process(),
            96..98 => self.break_the_store(),
            98 => self.operator(),
            _ => self.stream(),
        }
    }

    /// Everybody dies; returns how often that happened in this life.
    pub(super) fn end(mut self) -> u64 {
        self.carry_events();
        self.deaths += u64::try_from(self.processes.len()).unwrap();
        for process in self.processes.drain(..) {
            if let Process::Message(delivery, _) = process {
                self.world.queue.again(delivery, VISIBILITY);
            }
        }
        self.world.set_stream(true);
        let bot = self.bot.clone();
        self.world.desire(&bot, DesiredStatus::Running);
        self.deaths
    }

    fn pick(&mut self) -> Option<usize> {
        let many = self.processes.len();
        (many > 0).then(|| self.random.random_range(0..many))
    }

    fn step_a_process(&mut self) {
        let Some(at) = self.pick() else {
            return self.start_a_message();
        };
        let finished = match &mut self.processes[at] {
            Process::Message(_, task) => match task.step() {
                Step::Done(answer) => Some(Some(answer)),
                Step::Called(_) | Step::Blocked => None,
            },
            Process::Recovery(task) => match task.step() {
                Step::Done(()) => Some(None),
                Step::Called(_) | Step::Blocked => None,
            },
        };
        let Some(answer) = finished else { return };
        if let Process::Message(delivery, _) = self.processes.swap_remove(at)
            && let Some(Answer::Again(after)) = answer
        {
            self.world.queue.again(delivery, after);
        }
    }

    fn start_a_message(&mut self) {
        self.carry_events();
        if self.processes.len() >= MOST_PROCESSES {
            return;
        }
        self.shuffle_queue();
        let Some(delivery) = self.world.queue.receive() else {
            return;
        };
        if self.random.random_range(0..20) == 0 {
            // Delivered twice: another receiver may take it at any time.
            self.world.queue.again(delivery.clone(), Duration::ZERO);
        }
        let world = self.world;
        let message: Message = delivery.message();
        let task = Task::new(world, world.process(message));
        self.processes.push(Process::Message(delivery, task));
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
        let (world, bot) = (self.world, self.bot.clone());
        let task = Task::new(world, async move {
            // What cannot be compared now is compared in the next run.
            drop(recover_bot(world.ports(), &bot).await);
        });
        self.processes.push(Process::Recovery(task));
    }

    /// Carries what the stream has told to the queue: lost, repeated or late, as the lot falls.
    fn carry_events(&mut self) {
        for execution in self.world.reports() {
            let message = self.world.message(execution);
            let now = self.world.clock.millis();
            let fault = self.world.exchange.state().injector.on_event();
            let late = |ms: u64| now + i64::try_from(ms).unwrap();
            match fault {
                None | Some(EventFault::ServerShutdown(_)) => self.world.queue.put(&message),
                Some(EventFault::Repeated) => {
                    self.world.queue.put(&message);
                    self.world.queue.put(&message);
                }
                Some(EventFault::Late(ms) | EventFault::Reordered(ms)) => {
                    self.world.queue.put_at(&message, late(ms));
                }
                Some(
                    EventFault::Lost
                    | EventFault::StreamDropped
                    | EventFault::StreamTerminated
                    | EventFault::StreamSilent(_),
                ) => {}
            }
        }
    }

    fn market(&mut self) {
        let ticks = self.random.random_range(2_960..3_240_i64);
        let price = Decimal::new(ticks, 3);
        let largest = if self.random.random_bool(0.5) {
            1_000
        } else {
            40
        };
        let quantity = Decimal::from(self.random.random_range(1..=largest));
        let share = |of: usize, share: u32| of * usize::try_from(share).unwrap() / 1_000_000;
        let fault = self.world.exchange.state().injector.on_print();
        if let Some(MarketFault::Clock(offset)) = fault {
            let error = self.random.random_range(-4_000..1_500);
            self.world.exchange.set_clock(offset, error);
        }
        self.world.exchange.with_model(|model, now| {
            let ids = model.open_order_ids(SYMBOL);
            let chosen = |at: u32| ids.get(share(ids.len(), at)).copied();
            match fault {
                Some(MarketFault::Cancel(at)) => {
                    chosen(at).map(|id| model.cancel_from_outside(now, SYMBOL, id));
                }
                Some(MarketFault::Expire(at)) => {
                    chosen(at).map(|id| model.expire(now, SYMBOL, id));
                }
                Some(MarketFault::Amend(at)) => {
                    // An order amended to another id before we know of it cannot be told from
                    // somebody else's: here amends keep the id.
                    let half = |id| {
                        let state = model.order_state(SYMBOL, id)?;
                        let half = (state.quantity / Decimal::TWO).trunc();
                        Some((id, half, state.client_order_id.to_string()))
                    };
                    if let Some((id, half, name)) = chosen(at).and_then(half) {
                        // Refused where half of it is executed already.
                        drop(model.amend(now, (SYMBOL, id), half, Some(&name)));
                    }
                }
                Some(MarketFault::Clock(_)) | None => {}
            }
            model.print(now, SYMBOL, (price, quantity)).unwrap();
        });
    }

    fn pass_time(&mut self) {
        let most = if self.random.random_range(0..4) == 0 {
            self.long_ms
        } else {
            self.short_ms
        };
        let ms = self.random.random_range(1..most);
        self.world.advance(Duration::from_millis(ms));
    }

    fn kill(&mut self) {
        let Some(at) = self.pick() else { return };
        self.deaths += 1;
        if let Process::Message(delivery, _) = self.processes.swap_remove(at) {
            self.world.queue.again(delivery, VISIBILITY);
        }
    }

    fn break_the_store(&mut self) {
        let calls = [
            "load",
            "commit_fill",
            "settle_intent",
            "claim_intent",
            "list_levels",
        ];
        let call = calls[self.random.random_range(0..calls.len())];
        let fault = if self.random.random_bool(0.5) {
            StoreFault::Before
        } else {
            StoreFault::After
        };
        self.world.store.fail_next(call, fault);
    }

    fn operator(&mut self) {
        let wishes = [
            DesiredStatus::Paused,
            DesiredStatus::Running,
            DesiredStatus::Running,
            DesiredStatus::Stopped,
        ];
        let wish = wishes[self.random.random_range(0..wishes.len())];
        self.world.desire(&self.bot.clone(), wish);
    }

    fn stream(&mut self) {
        self.carry_events();
        let up = self.random.random_bool(0.7);
        self.world.set_stream(up);
    }
}
