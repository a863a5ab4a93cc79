//! One report: load the level, decide, commit in one transaction, place what follows.
//!
//! Round trips on the ordinary road: one read, one transaction, the placement, one settling write.
//! Once fills are committed, nothing the exchange does makes this fail: what could not be placed is
//! owed in the store, and the message comes back or recovery does the rest.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{
    Assets, Bot, ClientOrderId, Execution, FillDecision, Level, LocalTime, NotOurs, OrderNumber,
    OrderState, QuarantineReason, Side, Trade, TradeId, apply_aside, apply_news, decide_fill,
    resolve_fill,
};

use crate::Clock;
use crate::advance::{Conditions, advance};
use crate::place_intent::{Placing, answer_pending, place_owned};
use crate::story::tell;
use crate::{
    AFTER_LEASE, AccountRecord, BookedAs, CancelOutcome, Claim, CommitOutcome, EventKind, Exchange,
    ExchangeError, Exchanges, FillCommit, FillRecord, LOOKUP_LAG, LevelStore, MAX_COMMIT_TRIES,
    MAX_FILLS_PER_COMMIT, Outside, StoreError,
};

/// What to do with the message that brought the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Delete it.
    Done,
    /// Make it visible again after this time.
    Again(Duration),
}

/// What a report turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Not about a level of ours.
    NotOurs(NotOurs),
    /// About a bot or level that does not exist here.
    NobodysLevel,
    /// Everything in it was known.
    Duplicate,
    /// News without fills.
    Noted,
    /// Fills were booked.
    Booked,
    /// Trades are missing that the exchange does not show yet.
    Waiting,
    /// Fills were booked beside the current order.
    BookedAside,
    /// Records and exchange disagree.
    Quarantined,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handled {
    /// What to do with its message.
    pub answer: Answer,
    /// What it was.
    pub outcome: Outcome,
    /// What became of the order that followed, if one was to be sent.
    pub placing: Option<Placing>,
}

/// Why a report could not be handled. Nothing was half done.
#[derive(Debug, thiserror::Error)]
pub enum HandleFillError {
    /// Try again: the store did not answer, or others kept changing the level.
    #[error("the report cannot be handled now: {0}")]
    RetryLater(String),
    /// It can never be handled; it belongs with the dead letters for the operator to read.
    #[error("the report cannot be handled: {0}")]
    Poison(String),
}

impl From<StoreError> for HandleFillError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Throttled(_) | StoreError::Unavailable(_) => {
                Self::RetryLater(error.to_string())
            }
            StoreError::Corrupt { .. } | StoreError::Invalid(_) => Self::Poison(error.to_string()),
        }
    }
}

/// A report on its way through the use case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) execution: &'a Execution,
    pub(crate) received_at: LocalTime,
    pub(crate) by_recovery: bool,
}

/// What one pass over the current records led to.
enum Pass {
    /// Finished.
    Handled(Handled),
    /// The records changed meanwhile, or a fill is in the ledger already: start over, with all of
    /// the order's trades if `fetch`.
    Again { fetch: bool },
}

/// Handles one report about an order.
///
/// # Errors
/// [`HandleFillError`] says whether trying again can help.
pub async fn handle_fill<O: Outside>(
    outside: O,
    execution: &Execution,
    received_at: LocalTime,
) -> Result<Handled, HandleFillError> {
    handle_case(
        outside,
        Case {
            execution,
            received_at,
            by_recovery: false,
        },
    )
    .await
}

pub(crate) async fn handle_case<O: Outside>(
    outside: O,
    case: Case<'_>,
) -> Result<Handled, HandleFillError> {
    let Ok(id) = case.execution.client_order_id.parse::<ClientOrderId>() else {
        return Ok(done(Outcome::NotOurs(NotOurs::OtherId)));
    };
    let mut fetch = false;
    for _ in 0..MAX_COMMIT_TRIES {
        match pass(outside, case, &id, fetch).await? {
            Pass::Handled(handled) => return Ok(handled),
            Pass::Again { fetch: all } => fetch |= all,
        }
    }
    Err(HandleFillError::RetryLater(format!(
        "others kept changing the level of {id}"
    )))
}

async fn pass<O: Outside>(
    outside: O,
    case: Case<'_>,
    id: &ClientOrderId,
    fetch: bool,
) -> Result<Pass, HandleFillError> {
    let loaded = outside
        .store()
        .load(&case.execution.account, &id.bot, id.level)
        .await?;
    let (Some(bot), Some(level)) = (loaded.bot, loaded.level) else {
        return Ok(Pass::Handled(done(Outcome::NobodysLevel)));
    };
    let decision = decide_fill(&bot, &level, case.execution);
    if let FillDecision::NotOurs(why) = decision {
        return Ok(Pass::Handled(done(Outcome::NotOurs(why))));
    }
    let Some(account) = loaded.account else {
        let text = format!(
            "the account {} of bot {} has no record",
            bot.account, bot.id
        );
        return Err(HandleFillError::Poison(text));
    };
    let records = Records {
        bot: &bot,
        level: &level,
        account: &account,
    };
    match decision {
        FillDecision::Missing(_) | FillDecision::Passed(_) | FillDecision::SecondOrder(_) => {
            resolve(outside, case, records, decision).await
        }
        FillDecision::Book { .. } if fetch => resolve(outside, case, records, decision).await,
        decided @ (FillDecision::NotOurs(_)
        | FillDecision::Duplicate
        | FillDecision::Noted(_)
        | FillDecision::Book { .. }
        | FillDecision::BookAside { .. }
        | FillDecision::Quarantine(..)) => {
            act(outside, case, records, decided, BookedAs::Next).await
        }
    }
}

/// The records one pass works on.
#[derive(Debug, Clone, Copy)]
struct Records<'a> {
    bot: &'a Bot,
    level: &'a Level,
    account: &'a AccountRecord,
}

const fn done(outcome: Outcome) -> Handled {
    Handled {
        answer: Answer::Done,
        outcome,
        placing: None,
    }
}

/// Fetches all trades of the reported order and decides again with the ledger beside them.
async fn resolve<O: Outside>(
    outside: O,
    case: Case<'_>,
    records: Records<'_>,
    first: FillDecision,
) -> Result<Pass, HandleFillError> {
    let (no, news) = match first {
        FillDecision::Passed(no) | FillDecision::SecondOrder(no) => (Some(no), None),
        FillDecision::Missing(news) | FillDecision::Book { news, .. } => (None, Some(news)),
        FillDecision::NotOurs(_)
        | FillDecision::Duplicate
        | FillDecision::Noted(_)
        | FillDecision::BookAside { .. }
        | FillDecision::Quarantine(..) => (None, None),
    };
    let Ok(trades) = fetch_trades(outside, case.execution).await else {
        // What the report told is kept, so that recovery knows of it even if the message is lost.
        if let Some(news) = news {
            let noted = FillDecision::Noted(news);
            let pass = act(outside, case, records, noted, BookedAs::Fetched).await?;
            if let Pass::Again { .. } = pass {
                return Ok(pass);
            }
        }
        return Ok(Pass::Handled(waiting()));
    };
    let current = records.level.order.as_ref().map(|order| order.no);
    let no = no.or(current).unwrap_or(OrderNumber::FIRST);
    let level = records.level;
    let fills = outside
        .store()
        .fills_of_order(&level.bot, level.index, no)
        .await?;
    let recorded: BTreeSet<TradeId> = fills
        .iter()
        .filter(|fill| fill.exchange_order_id == case.execution.exchange_order_id)
        .map(|fill| fill.trade.id)
        .collect();
    let decided = resolve_fill(records.bot, level, case.execution, &trades, &recorded);
    act(outside, case, records, decided, BookedAs::Fetched).await
}

const fn waiting() -> Handled {
    Handled {
        answer: Answer::Again(LOOKUP_LAG),
        outcome: Outcome::Waiting,
        placing: None,
    }
}

async fn fetch_trades<O: Outside>(
    outside: O,
    execution: &Execution,
) -> Result<Vec<Trade>, ExchangeError> {
    let connection = outside.exchanges().connect(&execution.account).await?;
    connection
        .trades(&execution.symbol, execution.exchange_order_id)
        .await
}

/// Carries a decision out.
async fn act<O: Outside>(
    outside: O,
    case: Case<'_>,
    records: Records<'_>,
    decision: FillDecision,
    booked_as: BookedAs,
) -> Result<Pass, HandleFillError> {
    match decision {
        FillDecision::NotOurs(why) => Ok(Pass::Handled(done(Outcome::NotOurs(why)))),
        FillDecision::Duplicate => {
            let (answer, placing) = answer_pending(outside, records.bot, records.level).await;
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
        FillDecision::Quarantine(why, evidence) => {
            quarantine(outside, records, why, evidence).await
        }
        // Decided again with everything fetched, these cannot come back; if they do, wait.
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
    let connection = outside.exchanges().connect(&records.bot.account).await.ok();
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

fn assets(bot: &Bot) -> Assets<'_> {
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
    let caused = after
        .order
        .as_ref()
        .map(|next| next.no)
        .filter(|no| *no != order.no);
    let last = trades.len().saturating_sub(1);
    trades
        .iter()
        .enumerate()
        .map(|(at, trade)| FillRecord {
            caused: caused.filter(|_| at == last),
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

fn record(
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
        caused: None,
        received_at: case.received_at,
        committed_at: now,
    }
}

/// Commits trades that do not belong to the current order, says so, and cancels a second order.
async fn book_aside<O: Outside>(
    outside: O,
    case: Case<'_>,
    records: Records<'_>,
    no: OrderNumber,
    trades: &[Trade],
    second_order: bool,
) -> Result<Pass, HandleFillError> {
    let side = case.execution.side;
    let booked_as = if second_order {
        BookedAs::SecondOrder
    } else {
        BookedAs::Late
    };
    let mut level = records.level.clone();
    for chunk in trades.chunks(MAX_FILLS_PER_COMMIT) {
        let Some(mut after) = apply_aside(&level, no, side, chunk, assets(records.bot)) else {
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
async fn quarantine<O: Outside>(
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
