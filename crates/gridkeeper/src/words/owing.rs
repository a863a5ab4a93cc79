//! Whether a level owes an order, told from its state alone: cheap enough to ask of every level again and again.

use domain::{Level, OrderState};

/// What a level owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owing {
    /// Nothing, or its order is at the exchange.
    Nothing,
    /// An order that no answer has come for: it may be there.
    PossiblyPlaced,
    /// An order that is not there.
    NotPlaced,
    /// The same, until records and exchange agree.
    Quarantined,
}

impl Owing {
    /// What this level owes.
    pub(crate) const fn of(level: &Level) -> Self {
        let Some(order) = &level.order else {
            return Self::Nothing;
        };
        match order.state {
            OrderState::Open | OrderState::Idle => Self::Nothing,
            OrderState::Pending { .. } => Self::PossiblyPlaced,
            OrderState::Refused { .. } | OrderState::Held { .. } => Self::NotPlaced,
            OrderState::Quarantined { .. } => Self::Quarantined,
        }
    }
}
