//! Settling: what one placement attempt changes in its level, as one conditional update.
//!
//! The update reads nothing first and does not condition on the version, because a report may have
//! changed the level in between; it conditions on the order number and the state instead.

use domain::{LocalTime, OrderNumber};
use trading::{Settlement, StoreError};

use crate::expression::Expression;
use crate::item::{cut, number, text};
use crate::level_item::{
    ATTEMPT, CHANGED_AT, DETAIL, DETAIL_BYTES, EVIDENCE_BYTES, EXCHANGE_ORDER_ID, HELD,
    HELD_MISSING, HELD_VALUE, LEASE, MARK, NUMBER, OPEN, PENDING, QUARANTINED, REFUSED, RETRY_AT,
    STATE, VERSION, WHY, hold_attributes, lease_attributes, word,
};
use crate::mark::Mark;

/// The update that writes a settlement to the level whose current number is `no`.
pub(crate) fn change(
    no: OrderNumber,
    settlement: &Settlement,
    now: LocalTime,
    mark: &Mark,
) -> Result<Expression, StoreError> {
    let change = Expression::present()
        .require(NUMBER, number(no))
        .add(VERSION, 1)
        .set(CHANGED_AT, number(now))
        .set(MARK, text(mark.as_str()));
    Ok(match settlement {
        Settlement::Accepted { exchange_order_id } => change
            .require_one_of(STATE, &[PENDING, REFUSED, HELD])
            .set(STATE, text(OPEN))
            .set(EXCHANGE_ORDER_ID, number(exchange_order_id))
            .remove(&LEASE)
            .remove(&[WHY, DETAIL, RETRY_AT, HELD_VALUE, HELD_MISSING]),
        Settlement::Refused {
            attempt,
            why,
            detail,
            retry_at,
        } => of_attempt(change, *attempt)
            .set(STATE, text(REFUSED))
            .set(WHY, text(word(why)?))
            .set(DETAIL, text(cut(detail, DETAIL_BYTES)))
            .set(RETRY_AT, number(retry_at)),
        Settlement::Held { attempt, why } => hold_attributes(why)?.into_iter().fold(
            of_attempt(change, *attempt).set(STATE, text(HELD)),
            |change, (name, value)| change.set(name, value),
        ),
        Settlement::Renewed { attempt, lease } => lease_attributes(lease)
            .into_iter()
            .fold(of_attempt(change, *attempt), |change, (name, value)| {
                change.set(name, value)
            }),
        Settlement::Quarantined {
            attempt,
            why,
            evidence,
        } => of_attempt(change, *attempt)
            .set(STATE, text(QUARANTINED))
            .set(WHY, text(word(why)?))
            .set(DETAIL, text(cut(evidence, EVIDENCE_BYTES)))
            .remove(&LEASE),
    })
}

/// Requires that the order is still pending under this attempt.
fn of_attempt(change: Expression, attempt: u32) -> Expression {
    change
        .require(STATE, text(PENDING))
        .require(ATTEMPT, number(attempt))
}
