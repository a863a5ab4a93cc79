//! What was read from the tables and written to them, with what came of it.

use domain::{AccountId, Bot, BotId, Level, LevelIndex, LocalTime, OrderNumber};
use trading::{
    AccountRecord, Breaker, Claim, CommitOutcome, EventRecord, FillCommit, FillRecord, Loaded,
    SettleOutcome, Settlement, StreamState,
};

/// One call and its outcome. Calls that failed without effect are none.
#[derive(Debug, Clone)]
pub enum Operation {
    /// An account was created.
    CreateAccount(AccountRecord),
    /// A bot was created with its levels.
    CreateBot(Box<Bot>, Vec<Level>),
    /// Bot, level and account were read.
    Load((AccountId, BotId, LevelIndex), Box<Loaded>),
    /// Fills were committed, or not.
    Commit(Box<FillCommit>, CommitOutcome),
    /// A level was written without fills, or not.
    ClaimIntent(u64, Box<Level>, Claim),
    /// A placement was settled, or the level had moved on.
    Settle(
        (BotId, LevelIndex, OrderNumber, LocalTime),
        Settlement,
        SettleOutcome,
    ),
    /// The levels of a bot were read.
    Levels(BotId, Vec<Level>),
    /// The fills of an order were read.
    FillsOfOrder((BotId, LevelIndex, OrderNumber), Vec<FillRecord>),
    /// A line was added to a story.
    AddEvent(EventRecord),
    /// A bot was written, or not.
    UpdateBot(u64, Box<Bot>, Claim),
    /// What is known of a stream was written.
    SetStream(AccountId, StreamState),
    /// A missing stream was noted, or the note cleared.
    WantStream(AccountId, Option<LocalTime>),
    /// An account was stopped, or lets send again.
    SetBreaker(AccountId, Breaker),
}
