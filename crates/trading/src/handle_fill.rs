//! One report: load the level, decide, commit in one transaction, place what follows.
//!
//! Round trips on the ordinary road: one read, one transaction, the placement, one settling write.
//! Once fills are committed, nothing the exchange does makes this fail: what could not be placed is
//! owed in the store, and the message comes back or recovery does the rest.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{
    Bot, ClientOrderId, Execution, FillDecision, Level, LocalTime, NotOurs, OrderNumber, Trade,
    TradeId, decide_fill, resolve_fill,
};

use crate::book::act;
use crate::place_intent::Placing;
use crate::{
    AccountRecord, BookedAs, Exchange, ExchangeError, Exchanges, LOOKUP_LAG, LevelStore,
    MAX_COMMIT_TRIES, Outside, StoreError,
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

impl Outcome {
    /// One word for it, for counting and for logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotOurs(_) => "not_ours",
            Self::NobodysLevel => "nobodys_level",
            Self::Duplicate => "duplicate",
            Self::Noted => "noted",
            Self::Booked => "booked",
            Self::Waiting => "waiting",
            Self::BookedAside => "booked_aside",
            Self::Quarantined => "quarantined",
        }
    }
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
#[derive(Debug)]
pub(crate) enum Pass {
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
pub(crate) struct Records<'a> {
    pub(crate) bot: &'a Bot,
    pub(crate) level: &'a Level,
    pub(crate) account: &'a AccountRecord,
}

pub(crate) const fn done(outcome: Outcome) -> Handled {
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
    let Ok(trades) = fetch_trades(outside, records.account, case.execution).await else {
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

pub(crate) const fn waiting() -> Handled {
    Handled {
        answer: Answer::Again(LOOKUP_LAG),
        outcome: Outcome::Waiting,
        placing: None,
    }
}

async fn fetch_trades<O: Outside>(
    outside: O,
    account: &AccountRecord,
    execution: &Execution,
) -> Result<Vec<Trade>, ExchangeError> {
    let (symbol, id) = (&execution.symbol, execution.exchange_order_id);
    let connection = outside.exchanges().connect(account).await?;
    let trades = connection.trades(symbol, id).await;
    if !trades.as_ref().is_err_and(ExchangeError::is_about_key) {
        return trades;
    }
    let connection = outside
        .exchanges()
        .reconnect(&execution.account, &connection)
        .await?;
    connection.trades(symbol, id).await
}
