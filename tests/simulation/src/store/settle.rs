//! What a settlement changes in its level, and when it changes nothing.

use domain::{Lease, Level, OrderNumber, OrderState};
use trading::Settlement;

/// Writes a settlement into a level; `false` when the level has moved on.
pub(super) fn apply(level: &mut Level, no: OrderNumber, settlement: &Settlement) -> bool {
    let Some(order) = level.order.as_mut().filter(|order| order.no == no) else {
        return false;
    };
    let pending = match &order.state {
        OrderState::Pending { lease } => Some(*lease),
        OrderState::Open
        | OrderState::Refused { .. }
        | OrderState::Held { .. }
        | OrderState::Quarantined { .. }
        | OrderState::Idle => None,
    };
    let own = |attempt: u32| pending.filter(|lease: &Lease| lease.attempt == attempt);
    let state = match settlement {
        Settlement::Accepted { exchange_order_id } => {
            let awaited = matches!(
                order.state,
                OrderState::Pending { .. } | OrderState::Refused { .. } | OrderState::Held { .. }
            );
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
            order.state = state;
            true
        }
        None => false,
    }
}
