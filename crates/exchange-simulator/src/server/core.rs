//! The state behind the server's one lock, and what every request does to it.
//!
//! Entry points: [`Shared`] (handed to every task), [`Core`] (under the lock). All exchange time comes from
//! [`Core::now_ms`]. The lock is never held over an await.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::SimulatorConfig;
use super::limits::Limits;
use super::slots::Slots;
use super::streams::{Delivery, Streams};
use crate::faults::FaultInjector;
use crate::model::ending::OUTSIDE_CANCEL;
use crate::model::{EventBody, Exchange, ExecutionReport, ExecutionType, OrderStatus};

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase", tag = "phase", content = "reason")]
pub enum RunPhase {
    /// Prices have not started.
    Waiting,
    /// Prices come.
    Running,
    /// Prices have ended; the system may still owe orders.
    Draining,
    /// Quiet.
    Finished,
    /// The tape could not be read on.
    Failed(String),
}

/// Everything under the lock.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) exchange: Exchange,
    pub(crate) faults: FaultInjector,
    pub(crate) limits: Limits,
    pub(crate) streams: Streams,
    pub(crate) slots: Slots,
    pub(crate) clock_offset_ms: i64,
    pub(crate) engine_ms: i64,
    pub(crate) phase: RunPhase,
    pub(crate) start_asked: bool,
    pub(crate) finish_asked: bool,
    pub(crate) prints: u64,
    pub(crate) symbol: String,
    deliveries: Vec<Delivery>,
}

impl Core {
    pub(crate) fn new(config: &SimulatorConfig, exchange: Exchange, symbol: String) -> Self {
        Self {
            exchange,
            faults: FaultInjector::new(config.faults.clone(), config.fault_seed),
            limits: Limits::new(config.limits),
            streams: Streams::default(),
            slots: Slots::default(),
            clock_offset_ms: 0,
            engine_ms: 0,
            phase: RunPhase::Waiting,
            start_asked: false,
            finish_asked: false,
            prints: 0,
            symbol,
            deliveries: Vec::new(),
        }
    }

    /// The server's clock: wall time plus its offset. It may jump back.
    pub(crate) fn now_ms(&self) -> i64 {
        wall_ms().saturating_add(self.clock_offset_ms)
    }

    /// The engine's clock: the server's, but never back.
    pub(crate) fn engine_now_ms(&mut self) -> i64 {
        self.engine_ms = self.engine_ms.max(self.now_ms());
        self.engine_ms
    }

    /// Sends what has happened to streams and limits. To be called after every change.
    fn settle(&mut self, now_us: u64) {
        let now_ms = self.now_ms();
        for event in self.exchange.drain_events() {
            if let EventBody::Execution(report) = &event.body {
                self.follow(report, (now_ms, now_us));
            }
            let later = self.streams.route(&event, &mut self.faults, now_ms);
            self.deliveries.extend(later);
        }
    }

    /// Notes what a report means for limits, and for what prices and the end of a run wait for.
    fn follow(&mut self, report: &ExecutionReport, (now_ms, now_us): (i64, u64)) {
        let order = &report.order;
        let first = report
            .trade
            .as_ref()
            .filter(|trade| trade.quantity == order.state.executed);
        if let Some(trade) = first {
            self.limits.filled(now_ms, &order.account, trade.is_maker);
        }
        if report.execution == ExecutionType::Trade && order.state.status == OrderStatus::Filled {
            self.slots.completed(&order.placed_as, now_us);
        }
        // An account that cancels by itself asks for nothing; whom others cancel or the exchange expires does.
        let expired = matches!(
            order.state.status,
            OrderStatus::Expired | OrderStatus::ExpiredInMatch
        );
        let by_others = expired
            || (report.execution == ExecutionType::Canceled
                && report.request_client_order_id.starts_with(OUTSIDE_CANCEL));
        if by_others {
            self.slots.ended(&order.placed_as, now_us);
        }
    }

    /// Hands over deliveries for later.
    pub(crate) fn deliver_later(&mut self, deliveries: Vec<Delivery>) {
        self.deliveries.extend(deliveries);
    }
}

/// What every task holds.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    core: Arc<Mutex<Core>>,
    started: Instant,
    pub(crate) config: Arc<SimulatorConfig>,
    /// Told after every change that might let prices go on.
    pub(crate) changed: Arc<Notify>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Shared {
    #[expect(
        clippy::disallowed_methods,
        reason = "the server owns its process's clock: its time is wall time"
    )]
    pub(crate) fn new(config: SimulatorConfig, core: Core) -> Self {
        Self {
            core: Arc::new(Mutex::new(core)),
            started: Instant::now(),
            config: Arc::new(config),
            changed: Arc::new(Notify::new()),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Microseconds since the start.
    pub(crate) fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Looks at the state, changing nothing that streams must hear of.
    pub(crate) fn look(&self) -> MutexGuard<'_, Core> {
        // A panic in a test's own thread must not hide the state from the others.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, then sends what happened and wakes whoever waits.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let now_us = self.now_us();
        let mut core = self.look();
        let result = change(&mut core);
        core.settle(now_us);
        let deliveries = std::mem::take(&mut core.deliveries);
        drop(core);
        for delivery in deliveries {
            self.deliver(delivery);
        }
        self.changed.notify_waiters();
        result
    }

    fn deliver(&self, delivery: Delivery) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(delivery.delay_ms)) => {
                    if delivery.to.send(delivery.what).is_err() {
                        tracing::trace!("a late event found its stream closed");
                    }
                }
                () = stop.cancelled() => {}
            }
        });
    }
}

/// Wall time, ms since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the server owns its process's clock: its time is wall time"
)]
pub(crate) fn wall_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
