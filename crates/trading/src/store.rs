//! The ports to the store, one per capability, and the outcomes of its conditional writes.
//!
//! A lost condition is an outcome, never an error. Every read that decides something is strongly
//! consistent.

use std::future::Future;

use domain::{
    AccountId, Bot, BotId, ExchangeOrderId, HoldReason, Lease, Level, LevelIndex, LocalTime,
    OrderNumber, QuarantineReason, RefusalReason, TradeId,
};
use serde::{Deserialize, Serialize};

use crate::{
    AccountRecord, Breaker, EventRecord, FillRecord, Heartbeat, Listing, SealedKey, StreamState,
};

/// Why the store could not do what was asked. Nothing was half done.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too many requests at once; try again shortly.
    #[error("the store is throttled: {0}")]
    Throttled(String),
    /// Not reachable, or the reply was lost: a write may have happened.
    #[error("the store did not answer: {0}")]
    Unavailable(String),
    /// An item cannot be read. Nothing was changed.
    #[error("the record {key} cannot be read: {detail}")]
    Corrupt {
        /// The item's keys.
        key: String,
        /// What is wrong with it, and how to mend it.
        detail: String,
    },
    /// The request itself is not possible, such as a bot that does not exist.
    #[error("{0}")]
    Invalid(String),
}

/// What a handler needs for one report, read at once.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The bot, if there is one of that id.
    pub bot: Option<Bot>,
    /// The level, if the bot has it.
    pub level: Option<Level>,
    /// The account's record.
    pub account: Option<AccountRecord>,
}

/// One commit of fills: all of it happens, or nothing.
#[derive(Debug, Clone)]
pub struct FillCommit {
    /// The version the level had when it was read.
    pub expected_version: u64,
    /// The level after the fills, its version one higher.
    pub level: Level,
    /// The ledger entries, at most [`crate::MAX_FILLS_PER_COMMIT`].
    pub fills: Vec<FillRecord>,
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitOutcome {
    /// Committed.
    Committed,
    /// The level had changed since it was read. Nothing was written.
    LevelChanged,
    /// Some fills are in the ledger already. Nothing was written.
    AlreadyRecorded(Vec<TradeId>),
}

/// What became of a conditional write of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Written.
    Won,
    /// The record had changed since it was read. Nothing was written.
    Lost,
}

/// What became of a placement, to be written to the level. None of these conditions on the
/// version: a report may have changed the level in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The exchange has the order. Applies whatever the attempt, as long as `no` is current and
    /// not yet known to be open or ended.
    Accepted {
        /// The exchange's id.
        exchange_order_id: ExchangeOrderId,
    },
    /// Definitely not placed. Applies only to the attempt it belongs to.
    Refused {
        /// The attempt that was refused.
        attempt: u32,
        /// Why.
        why: RefusalReason,
        /// The exchange's own words.
        detail: String,
        /// When it is tried again.
        retry_at: LocalTime,
    },
    /// Not to be placed now. Applies only to the attempt it belongs to.
    Held {
        /// The attempt that ended.
        attempt: u32,
        /// Why.
        why: HoldReason,
    },
    /// The attempt missed its window; its owner takes a new lease. Applies only to that attempt.
    Renewed {
        /// The attempt that missed its window.
        attempt: u32,
        /// The new lease.
        lease: Lease,
    },
    /// What the exchange shows under this id is not this intent. Applies only to that attempt.
    Quarantined {
        /// The attempt that found it.
        attempt: u32,
        /// Why.
        why: QuarantineReason,
        /// What was seen.
        evidence: String,
    },
}

/// What became of settling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettleOutcome {
    /// Written.
    Settled,
    /// The level had moved on; nothing was written.
    MovedOn,
}

/// Levels, their fills and their story.
pub trait LevelStore: Send + Sync {
    /// Reads bot, level and account in one round trip.
    ///
    /// # Errors
    /// [`StoreError`].
    fn load(
        &self,
        account: &AccountId,
        bot: &BotId,
        level: LevelIndex,
    ) -> impl Future<Output = Result<Loaded, StoreError>> + Send;

    /// Commits fills together with the level they lead to, in one transaction: the level only if
    /// its version is the expected one, each fill only if it is not in the ledger yet.
    ///
    /// # Errors
    /// [`StoreError`].
    fn commit_fill(
        &self,
        commit: &FillCommit,
    ) -> impl Future<Output = Result<CommitOutcome, StoreError>> + Send;

    /// Writes a level without fills (a claim, a hold, a release) if its version is the expected one.
    ///
    /// # Errors
    /// [`StoreError`].
    fn claim_intent(
        &self,
        expected_version: u64,
        level: &Level,
    ) -> impl Future<Output = Result<Claim, StoreError>> + Send;

    /// Writes what became of a placement, by the condition each [`Settlement`] states, and raises
    /// the level's version.
    ///
    /// # Errors
    /// [`StoreError`].
    fn settle_intent(
        &self,
        bot: &BotId,
        level: LevelIndex,
        no: OrderNumber,
        settlement: &Settlement,
        now: LocalTime,
    ) -> impl Future<Output = Result<SettleOutcome, StoreError>> + Send;

    /// The levels of a bot, lowest first, with those that cannot be read told apart.
    ///
    /// # Errors
    /// [`StoreError`] when nothing can be read.
    fn list_levels(
        &self,
        bot: &BotId,
    ) -> impl Future<Output = Result<Listing<Level>, StoreError>> + Send;

    /// All levels of a bot, lowest first.
    ///
    /// # Errors
    /// [`StoreError`], also when a single one of them cannot be read.
    fn levels(&self, bot: &BotId) -> impl Future<Output = Result<Vec<Level>, StoreError>> + Send {
        async move { self.list_levels(bot).await?.all() }
    }

    /// The ledger entries of one order number, by trade id.
    ///
    /// # Errors
    /// [`StoreError`].
    fn fills_of_order(
        &self,
        bot: &BotId,
        level: LevelIndex,
        no: OrderNumber,
    ) -> impl Future<Output = Result<Vec<FillRecord>, StoreError>> + Send;

    /// The ledger entries of a level, or of the whole bot, in the order of level, number, trade,
    /// with those that cannot be read told apart.
    ///
    /// # Errors
    /// [`StoreError`] when nothing can be read.
    fn list_fills(
        &self,
        bot: &BotId,
        level: Option<LevelIndex>,
    ) -> impl Future<Output = Result<Listing<FillRecord>, StoreError>> + Send;

    /// All ledger entries of a level, or of the whole bot.
    ///
    /// # Errors
    /// [`StoreError`], also when a single one of them cannot be read.
    fn fills(
        &self,
        bot: &BotId,
        level: Option<LevelIndex>,
    ) -> impl Future<Output = Result<Vec<FillRecord>, StoreError>> + Send {
        async move { self.list_fills(bot, level).await?.all() }
    }

    /// Adds a line to a level's story.
    ///
    /// # Errors
    /// [`StoreError`].
    fn add_event(&self, event: &EventRecord)
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The story of a level, or of the whole bot, oldest first, with the lines that cannot be read
    /// told apart.
    ///
    /// # Errors
    /// [`StoreError`] when nothing can be read.
    fn list_events(
        &self,
        bot: &BotId,
        level: Option<LevelIndex>,
    ) -> impl Future<Output = Result<Listing<EventRecord>, StoreError>> + Send;

    /// The whole story of a level, or of the whole bot.
    ///
    /// # Errors
    /// [`StoreError`], also when a single line of it cannot be read.
    fn events(
        &self,
        bot: &BotId,
        level: Option<LevelIndex>,
    ) -> impl Future<Output = Result<Vec<EventRecord>, StoreError>> + Send {
        async move { self.list_events(bot, level).await?.all() }
    }
}

/// A bot due for recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueBot {
    /// The bot.
    pub bot: BotId,
    /// Its account.
    pub account: AccountId,
    /// Since when it is due.
    pub due_at: LocalTime,
}

/// Bots and when they are due.
pub trait BotStore: Send + Sync {
    /// Creates a bot with all its levels and makes it due at `bot.created_at`. All of it happens or
    /// nothing is visible: the bot's own record comes last.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when a bot of that id exists.
    fn create_bot(
        &self,
        bot: &Bot,
        levels: &[Level],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// One bot.
    ///
    /// # Errors
    /// [`StoreError`].
    fn bot(&self, id: &BotId) -> impl Future<Output = Result<Option<Bot>, StoreError>> + Send;

    /// The ids of all bots, or of those of one account, in order. It reads no bot's own record, so
    /// one that cannot be read hides none of the others.
    ///
    /// # Errors
    /// [`StoreError`].
    fn bot_ids(
        &self,
        account: Option<&AccountId>,
    ) -> impl Future<Output = Result<Vec<BotId>, StoreError>> + Send;

    /// All bots, or those of one account, by id.
    ///
    /// # Errors
    /// [`StoreError`], also when a single one of them cannot be read.
    fn bots(
        &self,
        account: Option<&AccountId>,
    ) -> impl Future<Output = Result<Vec<Bot>, StoreError>> + Send;

    /// Writes a bot if its version is the expected one; `bot.version` is one higher.
    ///
    /// # Errors
    /// [`StoreError`].
    fn update_bot(
        &self,
        expected_version: u64,
        bot: &Bot,
    ) -> impl Future<Output = Result<Claim, StoreError>> + Send;

    /// Removes a stopped bot from the listings and the due list. Its fills and story stay.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when it is not stopped, or is to be anything else.
    fn remove_bot(&self, id: &BotId) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Bots due at `now`, longest due first, at most `limit`. A hint: the claim decides. An entry
    /// that cannot be read is named in the log and hides none of the others.
    ///
    /// # Errors
    /// [`StoreError`].
    fn due_bots(
        &self,
        now: LocalTime,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<DueBot>, StoreError>> + Send;

    /// Takes a due bot and makes it due again at `next`, if nobody else has taken it.
    ///
    /// # Errors
    /// [`StoreError`].
    fn claim_due(
        &self,
        due: &DueBot,
        next: LocalTime,
    ) -> impl Future<Output = Result<Claim, StoreError>> + Send;

    /// Makes a bot due at `at`, if it is not due earlier.
    ///
    /// # Errors
    /// [`StoreError`].
    fn make_due(
        &self,
        bot: &BotId,
        at: LocalTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Accounts as the bridge sees them: no trade key is reachable from here.
pub trait AccountStore: Send + Sync {
    /// Adds an account.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when one of that name exists.
    fn create_account(
        &self,
        account: &AccountRecord,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// One account.
    ///
    /// # Errors
    /// [`StoreError`].
    fn account(
        &self,
        id: &AccountId,
    ) -> impl Future<Output = Result<Option<AccountRecord>, StoreError>> + Send;

    /// The accounts, by name, with those that cannot be read told apart.
    ///
    /// # Errors
    /// [`StoreError`] when nothing can be read.
    fn list_accounts(
        &self,
    ) -> impl Future<Output = Result<Listing<AccountRecord>, StoreError>> + Send;

    /// The accounts that can be read, by name; the others are named in the log.
    ///
    /// # Errors
    /// [`StoreError`] when nothing can be read.
    fn accounts(&self) -> impl Future<Output = Result<Vec<AccountRecord>, StoreError>> + Send {
        async move { Ok(self.list_accounts().await?.warn_of_unreadable()) }
    }

    /// Replaces the stream key.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when there is no such account.
    fn set_stream_key(
        &self,
        id: &AccountId,
        key: &SealedKey,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes what is known of the stream. Touches nothing else of the record.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when there is no such account.
    fn set_stream(
        &self,
        id: &AccountId,
        state: &StreamState,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes that the stream is missing and wanted, or clears the note.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when there is no such account.
    fn want_stream(
        &self,
        id: &AccountId,
        since: Option<LocalTime>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Stops the account or lets it send again. Touches nothing else of the record.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when there is no such account.
    fn set_breaker(
        &self,
        id: &AccountId,
        breaker: &Breaker,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes an account that has no bots.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when it still has bots.
    fn remove_account(&self, id: &AccountId)
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes a bridge's heartbeat.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put_heartbeat(
        &self,
        heartbeat: &Heartbeat,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// All heartbeats.
    ///
    /// # Errors
    /// [`StoreError`].
    fn heartbeats(&self) -> impl Future<Output = Result<Vec<Heartbeat>, StoreError>> + Send;
}

/// Trade keys, for those who place orders only.
pub trait TradeKeyStore: Send + Sync {
    /// The sealed trade key of an account.
    ///
    /// # Errors
    /// [`StoreError`].
    fn trade_key(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Option<SealedKey>, StoreError>> + Send;

    /// Writes or replaces the sealed trade key of an account.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put_trade_key(
        &self,
        account: &AccountId,
        key: &SealedKey,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes the trade key of an account.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove_trade_key(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
