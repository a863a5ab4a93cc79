//! Committing what a report means for its level, and placing what follows.

use domain::{
    Assets, Bot, FillDecision, Level, LocalTime, OrderNumber, OrderState, OrderStatus,
    QuarantineReason, Side, Trade, apply_news,
};

use crate::advance::{Conditions, advance};
use crate::aside::{book_aside, note_ahead, quarantine};
use crate::handle_fill::{
    Answer, Case, HandleFillError, Handled, Outcome, Pass, Records, done, waiting,
};
use crate::place_intent::{answer_pending, place_owned};
use crate::story::{asks_words, tell};
use crate::{
    AFTER_LEASE, BookedAs, Clock, CommitOutcome, EventKind, Exchange, Exchanges, FillCommit,
    FillRecord, LOOKUP_LAG, LevelStore, MAX_FILLS_PER_COMMIT, OrderSummary, Outside,
};

/// Carries a decision out.
pub(crate) async fn act<O: Outside>(
    outside: O,
    case: Case<'_>,
    records: Records<'_>,
    decision: FillDecision,
    booked_as: BookedAs,
) -> Result<Pass, HandleFillError> {
    match decision {
        FillDecision::NotOurs(why) => Ok(Pass::Handled(done(Outcome::NotOurs(why)))),
        FillDecision::Duplicate => {
            let (answer, placing) = answer_pending(outside, records).await;
            Ok(Pass::Handled(Handled {
                answer,
                outcome: Outcome::Duplicate,
                placing,
            }))
        }
        FillDecision::Noted(news) => book(outside, case, records, &news, &[], booked_as).await,
        FillDecision::Book { trades, news } => {
            book(outside, case, records, &news, &trades, booked_as).await
        }
        FillDecision::BookAside {
            no,
            trades,
            second_order,
        } => book_aside(outside, case, records, no, &trades, second_order).await,
        FillDecision::Quarantine(QuarantineReason::NumberAhead, evidence) => {
            note_ahead(outside, case, records, evidence).await
        }
        FillDecision::Quarantine(why, evidence) => {
            quarantine(outside, records, why, evidence).await
        }
        // Decided again with everything fetched, these come back while the exchange does not show it all.
        FillDecision::Missing(_) | FillDecision::Passed(_) | FillDecision::SecondOrder(_) => {
            Ok(Pass::Handled(waiting()))
        }
    }
}

/// Commits news and trades of the current order, in prefixes a transaction can take, and places
/// what follows.
async fn book<O: Outside>(
    outside: O,
    case: Case<'_>,
    records: Records<'_>,
    news: &domain::News,
    trades: &[Trade],
    booked_as: BookedAs,
) -> Result<Pass, HandleFillError> {
    let connection = outside.exchanges().connect(records.account).await.ok();
    let mut level = records.level.clone();
    let mut chunks = trades.chunks(MAX_FILLS_PER_COMMIT).peekable();
    loop {
        let chunk = chunks.next().unwrap_or_default();
        let Some(booked) = apply_news(&level, news, chunk, assets(records.bot)) else {
            let text = "an amount no longer fits into an exact decimal".to_owned();
            return quarantine(outside, records, QuarantineReason::TradesDisagree, text).await;
        };
        let conditions = conditions(outside, records, connection.as_ref(), case.by_recovery);
        let mut after = advance(booked, &conditions);
        after.version = level.version.saturating_add(1);
        after.changed_at = conditions.now;
        let fills = ledger(case, &level, &after, chunk, booked_as, conditions.now);
        let commit = FillCommit {
            expected_version: level.version,
            level: after,
            fills,
        };
        match outside.store().commit_fill(&commit).await? {
            CommitOutcome::Committed => level = commit.level,
            CommitOutcome::LevelChanged => return Ok(Pass::Again { fetch: false }),
            CommitOutcome::AlreadyRecorded(_) => return Ok(Pass::Again { fetch: true }),
        }
        if chunks.peek().is_none() {
            break;
        }
    }
    tell_of_end(outside, case, records, &level, news).await;
    let outcome = if trades.is_empty() {
        Outcome::Noted
    } else {
        Outcome::Booked
    };
    let mut handled = Handled {
        answer: Answer::Done,
        outcome,
        placing: None,
    };
    let newly_owed = owns_new_intent(records.level, &level);
    match (newly_owed, connection) {
        (true, Some(connection)) => {
            let (answer, placing) = place_owned(outside, &connection, records.bot, &level).await;
            handled.answer = answer;
            handled.placing = Some(placing);
        }
        (true, None) => handled.answer = Answer::Again(AFTER_LEASE),
        (false, _) if is_waiting(&level) => handled.answer = Answer::Again(LOOKUP_LAG),
        (false, _) => {}
    }
    Ok(Pass::Handled(handled))
}

/// An order that ended before it was filled belongs in the level's story, once. Nothing is sent right
/// after such an end, so this costs no order any time. What recovery finds it tells itself.
async fn tell_of_end<O: Outside>(
    outside: O,
    case: Case<'_>,
    records: Records<'_>,
    after: &Level,
    news: &domain::News,
) {
    let before = records.level;
    let Some(order) = before
        .order
        .as_ref()
        .filter(|order| order.terminal.is_none() && !case.by_recovery)
    else {
        return;
    };
    let how = match news.terminal {
        Some(OrderStatus::Canceled) => "was cancelled at the exchange",
        Some(OrderStatus::Expired) => "was ended by the exchange or its own rules",
        Some(OrderStatus::ExpiredInMatch) => {
            "was ended by self-trade prevention: it met another order of the account"
        }
        Some(OrderStatus::Rejected) => "was rejected by the exchange",
        Some(
            OrderStatus::Filled
            | OrderStatus::New
            | OrderStatus::PendingNew
            | OrderStatus::PartiallyFilled
            | OrderStatus::Unrecognized,
        )
        | None => return,
    };
    let (id, executed) = (news.exchange_order_id, news.cumulative);
    let next = after.order.as_ref().filter(|next| next.no != order.no);
    let next = next.map_or_else(String::new, |next| {
        format!(
            "; order number {} takes its place: {}",
            next.no,
            asks_words(records.bot, next)
        )
    });
    let text = format!(
        "exchange order {id} {how} with {executed} {} executed{next}",
        records.bot.rules.base
    );
    let (level, no) = (Some(before.index), Some(order.no));
    tell(outside, &before.bot, level, no, EventKind::Ended, text).await;
}

/// Whether a trade is known to be missing still.
fn is_waiting(level: &Level) -> bool {
    level
        .order
        .as_ref()
        .is_some_and(|order| order.executed < order.highest_seen)
}

fn owns_new_intent(before: &Level, after: &Level) -> bool {
    let no = |level: &Level| level.order.as_ref().map(|order| order.no);
    no(before) != no(after)
        && after
            .order
            .as_ref()
            .is_some_and(|order| matches!(order.state, OrderState::Pending { .. }))
}

pub(crate) fn assets(bot: &Bot) -> Assets<'_> {
    Assets {
        base: &bot.rules.base,
        quote: &bot.rules.quote,
    }
}

fn conditions<'a, O: Outside, X: Exchange>(
    outside: O,
    records: Records<'a>,
    connection: Option<&X>,
    by_recovery: bool,
) -> Conditions<'a> {
    let now = outside.clock().now();
    Conditions {
        bot: records.bot,
        account: records.account,
        admission: connection.map(Exchange::admission),
        exchange_now: connection.map_or(
            domain::ExchangeTime::from_millis(now.as_millis()),
            Exchange::estimated_time,
        ),
        now,
        by_recovery,
    }
}

/// The ledger entries of one commit.
fn ledger(
    case: Case<'_>,
    before: &Level,
    after: &Level,
    trades: &[Trade],
    booked_as: BookedAs,
    now: LocalTime,
) -> Vec<FillRecord> {
    let Some(order) = &before.order else {
        return Vec::new();
    };
    let caused = after.order.as_ref().filter(|next| next.no != order.no);
    let last = trades.len().saturating_sub(1);
    trades
        .iter()
        .enumerate()
        .map(|(at, trade)| FillRecord {
            caused: caused.filter(|_| at == last).map(|next| next.no),
            caused_order: caused
                .filter(|_| at == last)
                .map(|next| OrderSummary::from(&next.intent)),
            ..record(
                case,
                before,
                order.no,
                order.intent.side,
                trade,
                booked_as,
                now,
            )
        })
        .collect()
}

/// Whether the level knows this order as one that recovery placed.
fn was_by_recovery(level: &Level, no: OrderNumber) -> bool {
    let current = level.order.as_ref().filter(|order| order.no == no);
    let passed = level.previous.as_ref().filter(|order| order.no == no);
    current.map_or_else(
        || passed.is_some_and(|order| order.by_recovery),
        |order| order.by_recovery,
    )
}

pub(crate) fn record(
    case: Case<'_>,
    level: &Level,
    no: OrderNumber,
    side: Side,
    trade: &Trade,
    booked_as: BookedAs,
    now: LocalTime,
) -> FillRecord {
    FillRecord {
        bot: level.bot.clone(),
        level: level.index,
        no,
        side,
        exchange_order_id: case.execution.exchange_order_id,
        trade: trade.clone(),
        source: case.execution.source,
        booked_as,
        by_recovery: was_by_recovery(level, no),
        caused: None,
        caused_order: None,
        received_at: case.received_at,
        committed_at: now,
    }
}
