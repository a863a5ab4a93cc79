//! Fills that belong to no current order, and levels whose records and exchange disagree.

use domain::{
    ClientOrderId, Execution, Level, OrderNumber, OrderState, QuarantineReason, Trade, apply_aside,
};

use crate::book::{assets, record};
use crate::handle_fill::{Case, HandleFillError, Outcome, Pass, Records, done};
use crate::place_intent::claim;
use crate::story::tell;
use crate::{
    AccountRecord, BookedAs, CancelOutcome, Clock, CommitOutcome, EventKind, Exchange, Exchanges,
    FARTHEST_AHEAD, FillCommit, LevelStore, MAX_FILLS_PER_COMMIT, Outside,
};

/// Commits trades that do not belong to the current order, says so, and cancels a second order.
pub(crate) async fn book_aside<O: Outside>(
    outside: O,
    case: Case<'_>,
    records: Records<'_>,
    no: OrderNumber,
    trades: &[Trade],
    second_order: bool,
) -> Result<Pass, HandleFillError> {
    let side = case.execution.side;
    let order = (no, case.execution.exchange_order_id);
    let booked_as = if second_order {
        BookedAs::SecondOrder
    } else {
        BookedAs::Late
    };
    let mut level = records.level.clone();
    for chunk in trades.chunks(MAX_FILLS_PER_COMMIT) {
        let Some(mut after) = apply_aside(&level, order, side, chunk, assets(records.bot)) else {
            let text = "an amount no longer fits into an exact decimal".to_owned();
            return quarantine(outside, records, QuarantineReason::TradesDisagree, text).await;
        };
        let now = outside.clock().now();
        after.version = level.version.saturating_add(1);
        after.changed_at = now;
        let fills = chunk
            .iter()
            .map(|trade| record(case, &level, no, side, trade, booked_as, now))
            .collect();
        let commit = FillCommit {
            expected_version: level.version,
            level: after,
            fills,
        };
        match outside.store().commit_fill(&commit).await? {
            CommitOutcome::Committed => level = commit.level,
            CommitOutcome::LevelChanged | CommitOutcome::AlreadyRecorded(_) => {
                return Ok(Pass::Again { fetch: true });
            }
        }
    }
    let kind = if second_order {
        EventKind::SecondOrder
    } else {
        EventKind::LateFill
    };
    let execution = case.execution;
    let text = format!(
        "exchange order {} ({} {}) executed {} beside the level's current order",
        execution.exchange_order_id, side, execution.client_order_id, execution.cumulative
    );
    tell(outside, &level.bot, Some(level.index), Some(no), kind, text).await;
    if second_order && !execution.status.is_terminal() {
        cancel_second(outside, records.account, case.execution).await;
    }
    Ok(Pass::Handled(done(Outcome::BookedAside)))
}

async fn cancel_second<O: Outside>(outside: O, account: &AccountRecord, execution: &Execution) {
    let Ok(connection) = outside.exchanges().connect(account).await else {
        return;
    };
    let cancelled = connection
        .cancel(&execution.symbol, execution.exchange_order_id)
        .await;
    match cancelled {
        Ok(CancelOutcome::Canceled(_) | CancelOutcome::NotOpen) => {}
        // Recovery finds it in its listing and tries again.
        Err(error) => {
            tracing::warn!(%error, order = %execution.exchange_order_id, "second order not cancelled")
        }
    }
}

/// Keeps a number that the level has not given out, so that it never will be. An order that is or may
/// be live keeps its state and its lease: what somebody else's order does says nothing about it.
pub(crate) async fn note_ahead<O: Outside>(
    outside: O,
    case: Case<'_>,
    records: Records<'_>,
    evidence: String,
) -> Result<Pass, HandleFillError> {
    let level = records.level;
    let mut after = level.clone();
    after.given_up = level.last_given_up();
    after.seen_no = level.seen_no.max(number_to_keep(level, case));
    let at_rest = after.order.as_mut().filter(|order| !order.may_be_live());
    if let Some(order) = at_rest {
        order.enter(OrderState::Quarantined {
            why: QuarantineReason::NumberAhead,
            evidence: evidence.clone(),
        });
    }
    write_quarantine(outside, level, after, evidence).await
}

fn number_to_keep(level: &Level, case: Case<'_>) -> Option<OrderNumber> {
    let id = case.execution.client_order_id.parse::<ClientOrderId>();
    let given_out = level.order.as_ref().map_or(0, |order| order.no.0);
    let farthest = given_out.saturating_add(FARTHEST_AHEAD);
    id.ok().map(|id| id.no).filter(|no| no.0 <= farthest)
}

/// Writes that records and exchange disagree. The order's own data stay, so that later reports of
/// it are still booked.
pub(crate) async fn quarantine<O: Outside>(
    outside: O,
    records: Records<'_>,
    why: QuarantineReason,
    evidence: String,
) -> Result<Pass, HandleFillError> {
    let level = records.level;
    let mut after = level.clone();
    if let Some(order) = &mut after.order {
        // What the operator has released is not taken back by the same disagreement.
        let known = matches!(&order.state, OrderState::Quarantined { why: known, .. }
            if *known == why || *known == QuarantineReason::Released);
        if known {
            return Ok(Pass::Handled(done(Outcome::Quarantined)));
        }
        order.enter(OrderState::Quarantined {
            why,
            evidence: evidence.clone(),
        });
    }
    write_quarantine(outside, level, after, evidence).await
}

async fn write_quarantine<O: Outside>(
    outside: O,
    level: &Level,
    after: Level,
    evidence: String,
) -> Result<Pass, HandleFillError> {
    let changes = after != *level;
    if changes && claim(outside, level, after).await?.is_none() {
        return Ok(Pass::Again { fetch: false });
    }
    if changes || level.order.is_none() {
        let (at, no) = (
            Some(level.index),
            level.order.as_ref().map(|order| order.no),
        );
        let kind = EventKind::Quarantined;
        tell(outside, &level.bot, at, no, kind, evidence).await;
    }
    Ok(Pass::Handled(done(Outcome::Quarantined)))
}
