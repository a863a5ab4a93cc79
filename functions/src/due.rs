//! What the schedule calls for: bots that are due are sent on, a message each.

use std::time::Duration;

use domain::LocalTime;
use trading::{
    AccountStore as _, BatchQueue as _, BotStore as _, Claim, Clock as _, DueBot, Message,
    Outgoing, RECOVERY_EVERY_ON_AWS, Standing, StoreError, compared_every,
};

use crate::Parts;
use crate::figures::{Figure, Figures};
use crate::recover::standing;
use crate::seen;

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
/// When the list of due bots cannot be read, or any bot could not be taken or sent on: the others were, and
/// the call counts as failed, so that somebody hears of it.
pub async fn send_due_on(parts: &Parts, until: LocalTime) -> anyhow::Result<()> {
    // The exchange is asked beside the sending, which it must not hold up.
    let (sent, answered) = tokio::join!(send(parts, until), seen::ask_exchange(parts));
    seen::write_down(parts, answered, sent.as_ref().err()).await;
    sent
}

async fn send(parts: &Parts, until: LocalTime) -> anyhow::Result<()> {
    let (mut sent, mut failed) = (0_usize, 0_usize);
    let bots = parts.store.bot_ids(None).await?.len();
    let every = compared_every(bots, RECOVERY_EVERY_ON_AWS);
    tell_of_bridges(parts).await;
    for _ in 0..PAGES {
        let now = parts.clock.now();
        if until.since(now) < RESERVE {
            break;
        }
        let due = parts.store.due_bots(now, PAGE).await?;
        let all = due.len() < PAGE;
        let mut messages = Vec::new();
        for bot in due {
            match take(parts, &bot, now, every).await {
                Ok(message) => messages.extend(message),
                Err(error) => {
                    failed = failed.saturating_add(1);
                    tracing::warn!(%error, bot = %bot.bot, "due bot not claimed");
                }
            }
        }
        for outcome in parts.queue.send_batch(&messages).await {
            match outcome {
                Ok(()) => sent = sent.saturating_add(1),
                Err(error) => {
                    failed = failed.saturating_add(1);
                    tracing::warn!(%error, "a due bot was not sent on; a later run does");
                }
            }
        }
        if all {
            break;
        }
    }
    tracing::info!(sent, failed, "due bots sent on");
    anyhow::ensure!(
        failed == 0,
        "{failed} due bots were not sent on, {sent} were; the log says why"
    );
    Ok(())
}

/// Claims one due bot; its message, if it is ours to send and there is anything to do for it.
async fn take(
    parts: &Parts,
    due: &DueBot,
    now: LocalTime,
    every: Duration,
) -> Result<Option<Outgoing>, StoreError> {
    let standing = standing(parts, &due.bot).await;
    let next = now.after(standing.cadence(every));
    let claimed = parts.store.claim_due(due, next).await?;
    let ours = claimed == Claim::Won && standing != Standing::NotStarted;
    Ok(ours.then(|| Outgoing {
        message: Message::Reconcile {
            account: due.account.clone(),
            bot: Some(due.bot.clone()),
            why: "it is due".to_owned(),
        },
        delay: Duration::ZERO,
    }))
}

/// Tells how many bridges were heard of lately, and how many accounts they hold.
async fn tell_of_bridges(parts: &Parts) {
    match parts.store.heartbeats().await {
        Ok(beats) => {
            let now = parts.clock.now();
            let alive = beats.iter().filter(|beat| beat.is_fresh(now));
            let mut figures = Figures::default();
            figures.add(Figure::BridgesAlive, 0);
            for beat in alive {
                figures.count(Figure::BridgesAlive);
                let accounts = u64::try_from(beat.accounts.len()).unwrap_or(u64::MAX);
                figures.add(Figure::ConnectedAccounts, accounts);
            }
            parts.tell(&figures);
        }
        Err(error) => tracing::warn!(%error, "the bridges' heartbeats cannot be read"),
    }
}
