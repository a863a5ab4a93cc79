//! Decisions: whether something goes wrong at one opportunity, and how.
//!
//! Entry points: [`FaultInjector::on_order`], [`FaultInjector::on_query`], [`FaultInjector::on_event`],
//! [`FaultInjector::on_print`]. A decision that says "fault" is counted. Pure: the same seed and the same calls give the
//! same decisions.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::plan::{FaultKind, FaultPlan};

/// What goes wrong with one request that places or cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderFault {
    /// The connection breaks; no effect.
    RequestLost,
    /// The connection breaks; effect.
    ReplyLost,
    /// Held for so many ms, still within the window if the window allows.
    DelayedWithinWindow(u64),
    /// Held until so many ms after the window's end.
    DelayedPastWindow(u64),
    /// 5xx; no effect.
    ServerErrorBefore,
    /// 5xx; effect.
    ServerErrorAfter,
    /// -1007; no effect.
    TimeoutBefore,
    /// -1007; effect.
    TimeoutAfter,
    /// -1008; no effect.
    Overloaded,
    /// 429, `Retry-After` in seconds.
    TooManyRequests(u64),
    /// 418, ban in seconds.
    Banned(u64),
    /// The reply waits so many ms behind the events.
    ReplyHeld(u64),
}

/// What goes wrong with one query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryFault {
    /// 5xx.
    Failed,
    /// Answered as of so many ms ago.
    Lagging(u64),
}

/// What goes wrong with one event on its way to one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventFault {
    /// Never sent.
    Lost,
    /// Sent twice.
    Repeated,
    /// Held for so many ms, so that later events overtake it.
    Reordered(u64),
    /// Sent so many ms late.
    Late(u64),
    /// The connection breaks instead.
    StreamDropped,
    /// The subscription falls silent for so many ms.
    StreamSilent(u64),
    /// The subscription ends.
    StreamTerminated,
    /// `serverShutdown`; the connection ends so many ms later.
    ServerShutdown(u64),
}

/// What somebody else does at a print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarketFault {
    /// Cancels the open order at this share (of a million) of the list.
    Cancel(u32),
    /// Expires it.
    Expire(u32),
    /// Lowers its quantity.
    Amend(u32),
    /// The server's clock jumps to this offset, ms.
    Clock(i64),
}

/// Draws lots for faults and counts them.
#[derive(Debug)]
pub struct FaultInjector {
    plan: FaultPlan,
    random: BTreeMap<FaultKind, ChaCha8Rng>,
    counts: BTreeMap<FaultKind, u64>,
    enabled: bool,
}

impl FaultInjector {
    /// An injector of this plan.
    #[must_use]
    pub fn new(plan: FaultPlan, seed: u64) -> Self {
        let random = FaultKind::ALL
            .into_iter()
            .zip(1_u64..)
            .map(|(kind, stream)| {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                random.set_stream(stream);
                (kind, random)
            })
            .collect();
        Self {
            plan,
            random,
            counts: BTreeMap::new(),
            enabled: true,
        }
    }

    /// Replaces the plan and switches faults on.
    pub fn set_plan(&mut self, plan: FaultPlan) {
        self.plan = plan;
        self.enabled = true;
    }

    /// The plan, with what is left of its certain faults.
    #[must_use]
    pub fn plan(&self) -> &FaultPlan {
        &self.plan
    }

    /// Makes the next `count` opportunities of `kind` certain and switches faults on.
    pub fn inject(&mut self, kind: FaultKind, count: u64) {
        self.plan.rates.entry(kind).or_default().next = count;
        self.enabled = true;
    }

    /// Nothing more goes wrong.
    pub fn stop(&mut self) {
        self.enabled = false;
    }

    /// Whether anything can go wrong.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// How often each kind happened.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<FaultKind, u64> {
        &self.counts
    }

    /// Counts a fault somebody asked for by hand.
    pub fn count(&mut self, kind: FaultKind) {
        *self.counts.entry(kind).or_default() += 1;
    }

    /// Whether `kind` happens now.
    pub fn draw(&mut self, kind: FaultKind) -> bool {
        if !self.enabled {
            return false;
        }
        let Some(rate) = self.plan.rates.get_mut(&kind) else {
            return false;
        };
        let certain = rate.next > 0;
        rate.next = rate.next.saturating_sub(1);
        let happens = certain
            || rate.per_million > 0
                && self
                    .random
                    .get_mut(&kind)
                    .is_some_and(|random| random.random_range(0..1_000_000) < rate.per_million);
        if happens {
            self.count(kind);
        }
        happens
    }

    /// The first kind of the table that happens, with its size. Later kinds are not drawn for then.
    fn first<F>(&mut self, table: &[Choice<F>]) -> Option<F> {
        let (kind, size, fault) = table.iter().find(|(kind, _, _)| self.draw(*kind))?;
        let size = match *size {
            Size::Exactly(size) => size.into(),
            Size::UpTo(largest) => self.random.get_mut(kind).map_or(0, |random| {
                random.random_range(u64::from(largest / 2)..=u64::from(largest))
            }),
        };
        Some(fault(size))
    }

    /// What goes wrong with one request that places or cancels.
    pub fn on_order(&mut self) -> Option<OrderFault> {
        let sizes = self.plan.settings;
        self.first(&[
            (
                FaultKind::Banned,
                Size::Exactly(sizes.ban_seconds),
                OrderFault::Banned,
            ),
            (
                FaultKind::TooManyRequests,
                Size::Exactly(sizes.retry_after_seconds),
                OrderFault::TooManyRequests,
            ),
            (FaultKind::Overloaded, Size::Exactly(0), |_| {
                OrderFault::Overloaded
            }),
            (FaultKind::RequestLost, Size::Exactly(0), |_| {
                OrderFault::RequestLost
            }),
            (FaultKind::ServerErrorBefore, Size::Exactly(0), |_| {
                OrderFault::ServerErrorBefore
            }),
            (FaultKind::TimeoutBefore, Size::Exactly(0), |_| {
                OrderFault::TimeoutBefore
            }),
            (
                FaultKind::DelayedPastWindow,
                Size::UpTo(sizes.delay_past_ms),
                OrderFault::DelayedPastWindow,
            ),
            (
                FaultKind::DelayedWithinWindow,
                Size::UpTo(sizes.delay_within_ms),
                OrderFault::DelayedWithinWindow,
            ),
            (FaultKind::ReplyLost, Size::Exactly(0), |_| {
                OrderFault::ReplyLost
            }),
            (FaultKind::ServerErrorAfter, Size::Exactly(0), |_| {
                OrderFault::ServerErrorAfter
            }),
            (FaultKind::TimeoutAfter, Size::Exactly(0), |_| {
                OrderFault::TimeoutAfter
            }),
            (
                FaultKind::EventsBeforeReply,
                Size::Exactly(sizes.reply_held_ms),
                OrderFault::ReplyHeld,
            ),
        ])
    }

    /// What goes wrong with one query.
    pub fn on_query(&mut self) -> Option<QueryFault> {
        let lag_ms = self.plan.settings.lag_ms;
        self.first(&[
            (FaultKind::QueryFailed, Size::Exactly(0), |_| {
                QueryFault::Failed
            }),
            (
                FaultKind::QueryLagging,
                Size::UpTo(lag_ms),
                QueryFault::Lagging,
            ),
        ])
    }

    /// What goes wrong with one event on its way to one stream.
    pub fn on_event(&mut self) -> Option<EventFault> {
        let sizes = self.plan.settings;
        self.first(&[
            (FaultKind::StreamDropped, Size::Exactly(0), |_| {
                EventFault::StreamDropped
            }),
            (FaultKind::StreamTerminated, Size::Exactly(0), |_| {
                EventFault::StreamTerminated
            }),
            (
                FaultKind::ServerShutdown,
                Size::Exactly(sizes.shutdown_after_ms),
                EventFault::ServerShutdown,
            ),
            (
                FaultKind::StreamSilent,
                Size::Exactly(sizes.silent_ms),
                EventFault::StreamSilent,
            ),
            (FaultKind::EventLost, Size::Exactly(0), |_| EventFault::Lost),
            (FaultKind::EventRepeated, Size::Exactly(0), |_| {
                EventFault::Repeated
            }),
            (
                FaultKind::EventReordered,
                Size::Exactly(sizes.reorder_ms),
                EventFault::Reordered,
            ),
            (
                FaultKind::EventLate,
                Size::UpTo(sizes.late_ms),
                EventFault::Late,
            ),
        ])
    }

    /// What somebody else does at a print.
    pub fn on_print(&mut self) -> Option<MarketFault> {
        let largest = i64::from(self.plan.settings.clock_offset_ms);
        if self.draw(FaultKind::ClockOffset) {
            let random = self.random.get_mut(&FaultKind::ClockOffset)?;
            return Some(MarketFault::Clock(random.random_range(-largest..=largest)));
        }
        let kinds = [
            FaultKind::OrderCanceled,
            FaultKind::OrderExpired,
            FaultKind::OrderAmended,
        ];
        let kind = kinds.into_iter().find(|kind| self.draw(*kind))?;
        let share = self.random.get_mut(&kind)?.random_range(0..1_000_000);
        Some(if kind == FaultKind::OrderCanceled {
            MarketFault::Cancel(share)
        } else if kind == FaultKind::OrderExpired {
            MarketFault::Expire(share)
        } else {
            MarketFault::Amend(share)
        })
    }
}

/// A kind, how large it is, and the fault it makes.
type Choice<F> = (FaultKind, Size, fn(u64) -> F);

/// How large a fault is.
#[derive(Debug, Clone, Copy)]
enum Size {
    Exactly(u32),
    /// Between half of it and all of it.
    UpTo(u32),
}
