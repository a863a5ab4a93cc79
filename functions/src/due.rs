//! What the schedule calls for: bots that are due are sent on, a message each.

use std::time::Duration;

use domain::LocalTime;
use trading::{
    BatchQueue as _, BotStore as _, Claim, Clock as _, DueBot, Message, Outgoing,
    RECOVERY_EVERY_ON_AWS, Standing, StoreError,
};

use crate::Parts;

/// How many due bots are read at once.
const PAGE: usize = 50;

/// The most pages of one run; the next run goes on from there.
const PAGES: usize = 20;

/// What is left of a call's time when no new page is begun.
const RESERVE: Duration = Duration::from_secs(20);

/// Takes the bots that are due and sends each on as a message, longest due first. A bot whose message is
/// lost is due again with a later run.
///
/// # Errors
/// [`StoreError`] when the list of due bots cannot be read.
pub async fn send_due_on(parts: &Parts, until: LocalTime) -> Result<(), StoreError> {
    let mut sent = 0_usize;
    for _ in 0..PAGES {
        let now = parts.clock.now();
        if until.since(now) < RESERVE {
            break;
        }
        let due = parts.store.due_bots(now, PAGE).await?;
        let all = due.len() < PAGE;
        let mut messages = Vec::new();
        for bot in due {
            messages.extend(take(parts, bot, now).await);
        }
        for outcome in parts.queue.send_batch(&messages).await {
            match outcome {
                Ok(()) => sent = sent.saturating_add(1),
                Err(error) => tracing::warn!(%error, "a due bot was not sent on; a later run does"),
            }
        }
        if all {
            break;
        }
    }
    tracing::info!(sent, "due bots sent on");
    Ok(())
}

/// Claims one due bot; its message, if it is ours to send and there is anything to do for it.
async fn take(parts: &Parts, due: DueBot, now: LocalTime) -> Option<Outgoing> {
    let standing = match parts.store.bot(&due.bot).await {
        Ok(Some(bot)) => Standing::of(bot.desired, bot.observed),
        // The run itself says what is wrong with the record.
        Ok(None) | Err(_) => Standing::AtWork,
    };
    let next = now.after(standing.cadence(RECOVERY_EVERY_ON_AWS));
    match parts.store.claim_due(&due, next).await {
        Ok(Claim::Won) if standing != Standing::NotStarted => Some(Outgoing {
            message: Message::Reconcile {
                account: due.account,
                bot: Some(due.bot),
                why: "it is due".to_owned(),
            },
            delay: Duration::ZERO,
        }),
        Ok(Claim::Won | Claim::Lost) => None,
        Err(error) => {
            tracing::warn!(%error, bot = %due.bot, "due bot not claimed");
            None
        }
    }
}
