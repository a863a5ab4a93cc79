//! The kinds of faults and how often each happens.
//!
//! Entry points: [`FaultPlan::none`], [`FaultPlan::some`], [`FaultPlan::harsh`], [`FaultPlan::next`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything that can be made to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The connection breaks before the order request reaches the engine.
    RequestLost,
    /// The order request takes effect, then the connection breaks without a reply.
    ReplyLost,
    /// The order request is held back, but still enters within its window.
    DelayedWithinWindow,
    /// The order request is held back beyond its window: -1021 at the second check.
    DelayedPastWindow,
    /// 5xx without effect.
    ServerErrorBefore,
    /// 5xx although the order request took effect.
    ServerErrorAfter,
    /// -1007 without effect.
    TimeoutBefore,
    /// -1007 although the order request took effect.
    TimeoutAfter,
    /// -1008, without effect.
    Overloaded,
    /// 429 with `Retry-After`.
    TooManyRequests,
    /// 418 with `Retry-After`; every request is refused until then.
    Banned,
    /// Events of the order leave well before the reply.
    EventsBeforeReply,
    /// A query answers 5xx.
    QueryFailed,
    /// A query answers as of an earlier moment.
    QueryLagging,
    /// The server's clock jumps to another offset.
    ClockOffset,
    /// An event is never sent.
    EventLost,
    /// An event is sent twice.
    EventRepeated,
    /// An event is overtaken by later ones.
    EventReordered,
    /// An event is sent late.
    EventLate,
    /// The stream's connection breaks.
    StreamDropped,
    /// The subscription stays, but nothing more comes over it for a while.
    StreamSilent,
    /// `eventStreamTerminated`: the subscription ends, the connection stays.
    StreamTerminated,
    /// `serverShutdown`, then the connection ends.
    ServerShutdown,
    /// Somebody cancels one of the orders.
    OrderCanceled,
    /// The exchange expires one of the orders.
    OrderExpired,
    /// Somebody lowers the quantity of one of the orders.
    OrderAmended,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 26] = [
        Self::RequestLost,
        Self::ReplyLost,
        Self::DelayedWithinWindow,
        Self::DelayedPastWindow,
        Self::ServerErrorBefore,
        Self::ServerErrorAfter,
        Self::TimeoutBefore,
        Self::TimeoutAfter,
        Self::Overloaded,
        Self::TooManyRequests,
        Self::Banned,
        Self::EventsBeforeReply,
        Self::QueryFailed,
        Self::QueryLagging,
        Self::ClockOffset,
        Self::EventLost,
        Self::EventRepeated,
        Self::EventReordered,
        Self::EventLate,
        Self::StreamDropped,
        Self::StreamSilent,
        Self::StreamTerminated,
        Self::ServerShutdown,
        Self::OrderCanceled,
        Self::OrderExpired,
        Self::OrderAmended,
    ];
}

/// How often one kind happens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FaultRate {
    /// Chance in a million, at each opportunity.
    pub per_million: u32,
    /// The next so many opportunities for certain.
    pub next: u64,
}

/// How large faults are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FaultSettings {
    /// Longest hold within the window, ms.
    pub delay_within_ms: u32,
    /// Longest hold beyond the window's end, ms.
    pub delay_past_ms: u32,
    /// How long the reply waits behind the events, ms.
    pub reply_held_ms: u32,
    /// Longest lag of a query, ms.
    pub lag_ms: u32,
    /// Longest delay of a late event, ms.
    pub late_ms: u32,
    /// How long a reordered event is held, ms.
    pub reorder_ms: u32,
    /// How long a silent stream stays silent, ms.
    pub silent_ms: u32,
    /// Time between `serverShutdown` and the end of the connection, ms.
    pub shutdown_after_ms: u32,
    /// Largest clock offset either way, ms.
    pub clock_offset_ms: u32,
    /// `Retry-After` of an injected 429, seconds.
    pub retry_after_seconds: u32,
    /// How long an injected ban lasts, seconds.
    pub ban_seconds: u32,
    /// Whether an amend from outside keeps the client order id (the exchange gives a new one by default).
    pub amend_keeps_id: bool,
}

impl Default for FaultSettings {
    fn default() -> Self {
        Self {
            delay_within_ms: 1_000,
            delay_past_ms: 500,
            reply_held_ms: 100,
            lag_ms: 1_000,
            late_ms: 2_000,
            reorder_ms: 50,
            silent_ms: 30_000,
            shutdown_after_ms: 2_000,
            clock_offset_ms: 400,
            retry_after_seconds: 1,
            ban_seconds: 2,
            amend_keeps_id: true,
        }
    }
}

/// How often each kind happens, and how large it is then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FaultPlan {
    /// Rates; a kind that is not named does not happen.
    pub rates: BTreeMap<FaultKind, FaultRate>,
    /// Sizes.
    pub settings: FaultSettings,
}

impl FaultPlan {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A bad day.
    #[must_use]
    pub fn some() -> Self {
        let mut plan = Self::default();
        for kind in FaultKind::ALL {
            plan.rates.insert(
                kind,
                FaultRate {
                    per_million: usual_rate(kind),
                    next: 0,
                },
            );
        }
        plan
    }

    /// Everything goes wrong, often and at once.
    #[must_use]
    pub fn harsh() -> Self {
        let mut plan = Self::some();
        for (kind, rate) in &mut plan.rates {
            rate.per_million = rate.per_million.saturating_mul(4);
            if matches!(kind, FaultKind::Banned | FaultKind::OrderAmended) {
                rate.per_million = 400;
            }
        }
        plan.settings.lag_ms = 5_000;
        plan.settings.late_ms = 8_000;
        plan
    }

    /// The preset of this name: `none`, `some` or `harsh`.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::none()),
            "some" => Some(Self::some()),
            "harsh" => Some(Self::harsh()),
            _ => None,
        }
    }

    /// This plan, with the next `count` opportunities of `kind` certain.
    #[must_use]
    pub fn next(mut self, kind: FaultKind, count: u64) -> Self {
        self.rates.entry(kind).or_default().next = count;
        self
    }

    /// This plan, with `kind` at a chance in a million.
    #[must_use]
    pub fn rate(mut self, kind: FaultKind, per_million: u32) -> Self {
        self.rates.entry(kind).or_default().per_million = per_million;
        self
    }
}

/// Chances in a million per order, query, event or print on a bad day.
const fn usual_rate(kind: FaultKind) -> u32 {
    match kind {
        FaultKind::EventsBeforeReply | FaultKind::QueryLagging => 50_000,
        FaultKind::EventLost
        | FaultKind::EventRepeated
        | FaultKind::EventReordered
        | FaultKind::EventLate
        | FaultKind::ReplyLost
        | FaultKind::DelayedWithinWindow => 10_000,
        FaultKind::RequestLost
        | FaultKind::DelayedPastWindow
        | FaultKind::ServerErrorBefore
        | FaultKind::ServerErrorAfter
        | FaultKind::TimeoutBefore
        | FaultKind::TimeoutAfter
        | FaultKind::QueryFailed => 5_000,
        FaultKind::Overloaded | FaultKind::TooManyRequests => 2_000,
        FaultKind::StreamDropped | FaultKind::StreamTerminated => 2_000,
        FaultKind::StreamSilent | FaultKind::ServerShutdown => 1_000,
        FaultKind::OrderCanceled | FaultKind::OrderExpired => 200,
        FaultKind::ClockOffset => 100,
        FaultKind::Banned | FaultKind::OrderAmended => 0,
    }
}
