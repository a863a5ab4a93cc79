//! The operator's way out of a quarantine: what the exchange shows counts from now on.
//!
//! Like every wish it is only written, and the bot made due; recovery carries it out.

use domain::{AccountId, BotId, LevelIndex, LocalTime, OrderState, QuarantineReason};

use crate::{BotStore, Claim, EventKind, EventRecord, LevelStore, MAX_COMMIT_TRIES, StoreError};

/// What became of the wish to release a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LevelRelease {
    /// It is written; recovery ends the quarantine.
    Asked,
    /// It was written before.
    AskedBefore,
    /// The level is not quarantined.
    NotQuarantined,
    /// There is no such level.
    NoSuchLevel,
}

/// Writes that what the exchange shows of a quarantined level's order counts, and makes its bot due.
///
/// # Errors
/// [`StoreError`], also when others kept changing the level.
pub async fn release_level<S: LevelStore + BotStore>(
    store: &S,
    account: &AccountId,
    bot: &BotId,
    level: LevelIndex,
    now: LocalTime,
) -> Result<LevelRelease, StoreError> {
    for _ in 0..MAX_COMMIT_TRIES {
        let Some(current) = store.load(account, bot, level).await?.level else {
            return Ok(LevelRelease::NoSuchLevel);
        };
        let mut after = current.clone();
        let Some(order) = &mut after.order else {
            return Ok(LevelRelease::NotQuarantined);
        };
        let OrderState::Quarantined { why, evidence } = &mut order.state else {
            return Ok(LevelRelease::NotQuarantined);
        };
        if *why == QuarantineReason::Released {
            store.make_due(bot, now).await?;
            return Ok(LevelRelease::AskedBefore);
        }
        *why = QuarantineReason::Released;
        let text = format!("asked to release the level; it was quarantined: {evidence}");
        let no = Some(order.no);
        after.version = current.version.saturating_add(1);
        after.changed_at = now;
        if store.claim_intent(current.version, &after).await? == Claim::Lost {
            continue;
        }
        store.make_due(bot, now).await?;
        let event = EventRecord {
            bot: bot.clone(),
            level: Some(level),
            no,
            order: None,
            at: now,
            kind: EventKind::Operator,
            text,
        };
        store.add_event(&event).await?;
        return Ok(LevelRelease::Asked);
    }
    let text = format!("others kept changing level {level} of bot {bot}");
    Err(StoreError::Throttled(text))
}
