//! Fills that belong to no current order, and levels whose records and exchange disagree.

use domain::{OrderNumber, OrderState, QuarantineReason, Trade, apply_aside};

use crate::book::{assets, record};
use crate::handle_fill::{Case, HandleFillError, Outcome, Pass, Records, done};
use crate::story::tell;
use crate::{
    BookedAs, CancelOutcome, Claim, Clock, CommitOutcome, EventKind, Exchange, Exchanges,
    FillCommit, LevelStore, MAX_FILLS_PER_COMMIT, Outside,
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
        cancel_second(outside, case).await;
    }
    Ok(Pass::Handled(done(Outcome::BookedAside)))
}

async fn cancel_second<O: Outside>(outside: O, case: Case<'_>) {
    let execution = case.execution;
    let Ok(connection) = outside.exchanges().connect(&execution.account).await else {
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
    let Some(order) = &mut after.order else {
        tell(
            outside,
            &level.bot,
            Some(level.index),
            None,
            EventKind::Quarantined,
            evidence,
        )
        .await;
        return Ok(Pass::Handled(done(Outcome::Quarantined)));
    };
    let known = matches!(&order.state, OrderState::Quarantined { why: known, .. } if *known == why);
    if known {
        return Ok(Pass::Handled(done(Outcome::Quarantined)));
    }
    let no = order.no;
    order.state = OrderState::Quarantined {
        why,
        evidence: evidence.clone(),
    };
    after.version = level.version.saturating_add(1);
    after.changed_at = outside.clock().now();
    match outside.store().claim_intent(level.version, &after).await? {
        Claim::Lost => Ok(Pass::Again { fetch: false }),
        Claim::Won => {
            tell(
                outside,
                &level.bot,
                Some(level.index),
                Some(no),
                EventKind::Quarantined,
                evidence,
            )
            .await;
            Ok(Pass::Handled(done(Outcome::Quarantined)))
        }
    }
}
