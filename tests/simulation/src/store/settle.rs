//! What a settlement changes in its level, and when it changes nothing.

use domain::{Lease, Level, OrderNumber, OrderState};
use trading::Settlement;

/// Writes a settlement into a level; `false` when the level has moved on.
///
/// `wrongly` says what a mistaken handler writes instead.
pub(super) fn apply(
    level: &mut Level,
    no: OrderNumber,
    settlement: &Settlement,
    wrongly: Wrongly,
) -> bool {
    let Some(order) = level.order.as_mut().filter(|order| order.no == no) else {
        return false;
    };
    let pending = match &order.state {
        OrderState::Pending { lease } => Some(*lease),
        // What it wrote down as placed before it was sent is its own to take back.
        OrderState::Open if wrongly == Wrongly::MarkedBefore => settlement_lease(settlement),
        OrderState::Open
        | OrderState::Refused { .. }
        | OrderState::Held { .. }
        | OrderState::Quarantined { .. }
        | OrderState::Idle => None,
    };
    let own = |attempt: u32| {
        pending.filter(|lease: &Lease| wrongly == Wrongly::OfAnyAttempt || lease.attempt == attempt)
    };
    let state = match settlement {
        Settlement::Accepted { exchange_order_id } => {
            let marked = wrongly == Wrongly::MarkedBefore && order.exchange_order_id.is_none();
            let awaited = matches!(
                order.state,
                OrderState::Pending { .. } | OrderState::Refused { .. } | OrderState::Held { .. }
            ) || marked;
            if awaited {
                order.exchange_order_id = Some(*exchange_order_id);
            }
            awaited.then_some(OrderState::Open)
        }
        Settlement::Refused {
            attempt,
            why,
            detail,
            retry_at,
        } => own(*attempt).map(|lease| OrderState::Refused {
            why: *why,
            detail: detail.clone(),
            retry_at: *retry_at,
            lease: Some(lease),
        }),
        Settlement::Held { attempt, why } => own(*attempt).map(|lease| OrderState::Held {
            why: *why,
            lease: Some(lease),
        }),
        Settlement::Renewed { attempt, lease } => {
            own(*attempt).map(|_| OrderState::Pending { lease: *lease })
        }
        Settlement::Quarantined {
            attempt,
            why,
            evidence,
        } => own(*attempt).map(|_| OrderState::Quarantined {
            why: *why,
            evidence: evidence.clone(),
        }),
    };
    match state {
        Some(state) => {
            order.enter(state);
            true
        }
        None => false,
    }
}

/// What is wrong with the way a settlement is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrongly {
    /// Nothing.
    Not,
    /// It settles whatever attempt is under way.
    OfAnyAttempt,
    /// The order was written down as placed before it was sent.
    MarkedBefore,
}

/// A lease that stands for the attempt a settlement is about.
fn settlement_lease(settlement: &Settlement) -> Option<Lease> {
    let attempt = match settlement {
        Settlement::Accepted { .. } => return None,
        Settlement::Refused { attempt, .. }
        | Settlement::Held { attempt, .. }
        | Settlement::Renewed { attempt, .. }
        | Settlement::Quarantined { attempt, .. } => *attempt,
    };
    let start = domain::ExchangeTime::from_millis(0);
    Some(Lease {
        attempt,
        first_start: start,
        start,
        until: start,
        unknown: false,
    })
}
