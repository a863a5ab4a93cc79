//! How one placement travels: how long each leg takes, whether it arrives, and what comes back.

use std::time::Duration;

use exchange_simulator::faults::OrderFault;
use exchange_simulator::model::Reject;
use trading::{RECV_WINDOW, UnknownCause};

/// Where a request ends up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// At the matching engine, if it arrives within its window.
    Engine,
    /// Nowhere: the connection broke before it arrived.
    Nowhere,
    /// At the door, which refuses it with these words.
    Refused(Reject),
}

/// What the client learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// What really happened.
    Truly,
    /// What really happened, but only the first half of it.
    Truncated,
    /// These words instead, whatever happened.
    Instead(Reject),
    /// A page of something between the exchange and us.
    Page,
    /// Nothing certain, whatever happened.
    Unclear(UnknownCause),
    /// Nothing at all: the client waits until its own timeout.
    Never,
}

/// The way of one placement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    /// From the client to the exchange's door, where its timestamp is judged first.
    pub to_door: Duration,
    /// From the door to just before the engine, where its timestamp is judged again.
    pub to_engine: Duration,
    /// Inside the engine, where nothing judges it any more.
    pub inside: Duration,
    /// From the engine back to the client.
    pub back: Duration,
    /// Where it ends up.
    pub fate: Fate,
    /// What the client learns.
    pub answered: Answered,
}

impl Default for Journey {
    fn default() -> Self {
        Self {
            to_door: Duration::ZERO,
            to_engine: Duration::ZERO,
            inside: Duration::ZERO,
            back: Duration::ZERO,
            fate: Fate::Engine,
            answered: Answered::Truly,
        }
    }
}

impl Journey {
    /// The order is accepted, the reply is lost.
    #[must_use]
    pub fn reply_lost() -> Self {
        Self {
            answered: Answered::Unclear(UnknownCause::Connection),
            ..Self::default()
        }
    }

    /// The order is accepted, the client hears nothing until its timeout.
    #[must_use]
    pub fn silence() -> Self {
        Self {
            answered: Answered::Never,
            ..Self::default()
        }
    }

    /// The request is lost before it arrives.
    #[must_use]
    pub fn request_lost() -> Self {
        Self {
            fate: Fate::Nowhere,
            answered: Answered::Unclear(UnknownCause::Connection),
            ..Self::default()
        }
    }

    /// The request arrives this late at the door.
    #[must_use]
    pub fn late(to_door: Duration) -> Self {
        Self {
            to_door,
            ..Self::default()
        }
    }

    /// The request waits this long between door and engine.
    #[must_use]
    pub fn held(to_engine: Duration) -> Self {
        Self {
            to_engine,
            ..Self::default()
        }
    }

    /// The request is refused with these words, without effect.
    #[must_use]
    pub fn refused(reject: Reject) -> Self {
        Self {
            fate: Fate::Refused(reject),
            ..Self::default()
        }
    }

    /// The reply comes this long after the effect.
    #[must_use]
    pub fn slow_reply(back: Duration) -> Self {
        Self {
            back,
            ..Self::default()
        }
    }

    /// The way of a request that met a fault drawn by lot.
    pub(super) fn through(fault: Option<OrderFault>) -> Self {
        let instead = |fate, words| Self {
            fate,
            answered: Answered::Instead(words),
            ..Self::default()
        };
        let ms = Duration::from_millis;
        match fault {
            None => Self::default(),
            Some(OrderFault::RequestLost) => Self::request_lost(),
            Some(OrderFault::ReplyLost) => Self::silence(),
            Some(OrderFault::DelayedWithinWindow(delay)) => Self {
                inside: ms(delay * 8),
                ..Self::held(ms(delay))
            },
            Some(OrderFault::DelayedPastWindow(delay)) => Self::held(RECV_WINDOW + ms(delay)),
            Some(OrderFault::ServerErrorBefore) => instead(Fate::Nowhere, Reject::server_error()),
            Some(OrderFault::ServerErrorAfter) => instead(Fate::Engine, Reject::server_error()),
            Some(OrderFault::TimeoutBefore) => instead(Fate::Nowhere, Reject::backend_timeout()),
            Some(OrderFault::TimeoutAfter) => Self {
                inside: ms(4_000),
                ..instead(Fate::Engine, Reject::backend_timeout())
            },
            Some(OrderFault::Overloaded) => Self::refused(Reject::overloaded()),
            Some(OrderFault::TooManyRequests(seconds)) => {
                Self::refused(Reject::too_many_requests(6_000, seconds))
            }
            Some(OrderFault::Banned(seconds)) => Self::refused(Reject::banned(0, seconds)),
            Some(OrderFault::ReplyHeld(delay)) => Self::slow_reply(ms(delay)),
        }
    }
}
