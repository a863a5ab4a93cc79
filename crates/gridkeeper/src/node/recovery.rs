//! The recovery loop of one machine: takes due bots and compares them with the exchange.

use std::sync::Arc;
use std::time::Duration;

use domain::{AccountId, BotId, LocalTime};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use trading::{
    BotStore, Claim, Clock, DueBot, RECOVERY_EVERY, RecoverError, Recovered, Standing, StoreError,
    compared_every, recover_bot,
};

use super::Parts;

/// How many bots are compared with the exchange at once.
const BOTS_AT_ONCE: usize = 4;

/// The longest the loop sleeps without looking for due bots.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often connections of changed or removed accounts are closed.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// How far the wall clock may go back without due times being taken for wrong: further than the
/// corrections of a clock that is about right.
const STEP_BACK: Duration = Duration::from_secs(1);

/// Takes due bots until stopped. `wake` makes it look at once.
pub(crate) async fn run(parts: Arc<Parts>, wake: Arc<Notify>, stop: CancellationToken) {
    let mut running: JoinSet<()> = JoinSet::new();
    let mut tidied = Instant::now();
    let mut before = parts.clock.now();
    loop {
        before = keep_due(&parts, before).await;
        if tidied.elapsed() >= TIDY_EVERY {
            tidied = Instant::now();
            parts.exchanges.refresh().await;
        }
        while running.len() >= BOTS_AT_ONCE {
            if running.join_next().await.is_none() {
                break;
            }
        }
        let free = BOTS_AT_ONCE.saturating_sub(running.len());
        for (due, standing) in take_due(&parts, free).await {
            let parts = Arc::clone(&parts);
            running.spawn(async move {
                if standing != Standing::NotStarted {
                    Box::pin(recover(&parts, &due.bot)).await;
                }
                parts.flow.recovery_ended();
            });
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = wake.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            Some(_) = running.join_next(), if !running.is_empty() => {}
        }
    }
    // A run in the middle of a placement is let finish: what it learns is worth keeping.
    while running.join_next().await.is_some() {}
}

/// Makes every bot due when the wall clock was set back: due times written by the clock before lie
/// as far ahead as it was fast, and nothing would be compared until then. Gives the time to compare
/// with at the next look.
async fn keep_due(parts: &Parts, before: LocalTime) -> LocalTime {
    let now = parts.clock.now();
    if !was_set_back(before, now) {
        return now;
    }
    tracing::warn!(%before, %now, "the clock was set back; every bot is compared with the exchange");
    parts.exchanges.refresh().await;
    match make_all_due(parts).await {
        Ok(()) => now,
        Err(error) => {
            tracing::warn!(%error, "bots not made due");
            before
        }
    }
}

/// Whether the wall clock was set back between two looks at it.
fn was_set_back(before: LocalTime, now: LocalTime) -> bool {
    before.since(now) > STEP_BACK
}

/// Makes every bot due now: whatever happened before this process began is looked at first.
pub(crate) async fn make_all_due(parts: &Parts) -> Result<(), StoreError> {
    for bot in parts.store.bot_ids(None).await? {
        make_due(parts, &bot).await?;
    }
    Ok(())
}

/// Makes a bot due now. One whose entry cannot be read is named and keeps none of the others from it.
async fn make_due(parts: &Parts, bot: &BotId) -> Result<(), StoreError> {
    match parts.store.make_due(bot, parts.clock.now()).await {
        Err(error @ StoreError::Corrupt { .. }) => {
            tracing::warn!(%bot, %error, "bot not made due");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Makes a bot, or all bots of an account, due now.
pub(crate) async fn reconcile(
    parts: &Parts,
    account: &AccountId,
    bot: Option<&BotId>,
) -> Result<(), StoreError> {
    match bot {
        Some(bot) => make_due(parts, bot).await,
        None => {
            for bot in parts.store.bot_ids(Some(account)).await? {
                make_due(parts, &bot).await?;
            }
            Ok(())
        }
    }
}

async fn take_due(parts: &Parts, most: usize) -> Vec<(DueBot, Standing)> {
    let now = parts.clock.now();
    let due = match parts.store.due_bots(now, most).await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(%error, "due bots not read");
            return Vec::new();
        }
    };
    let mut taken = Vec::new();
    for bot in due {
        let standing = match parts.store.bot(&bot.bot).await {
            Ok(Some(bot)) => Standing::of(bot.desired, bot.observed),
            // The run itself says what is wrong with the record.
            Ok(None) | Err(_) => Standing::AtWork,
        };
        let next = now.after(standing.cadence(cadence(parts).await));
        match parts.store.claim_due(&bot, next).await {
            Ok(Claim::Won) => taken.push((bot, standing)),
            Ok(Claim::Lost) => {}
            Err(error) => tracing::warn!(%error, bot = %bot.bot, "due bot not claimed"),
        }
    }
    taken
}

/// How long until a bot's next run: longer when many bots share the address's weight.
async fn cadence(parts: &Parts) -> Duration {
    let bots = parts.store.bot_ids(None).await.map_or(1, |bots| bots.len());
    compared_every(bots, parts.recovery_every.unwrap_or(RECOVERY_EVERY))
}

async fn recover(parts: &Parts, bot: &BotId) {
    parts.flow.count("recovery_run");
    match Box::pin(recover_bot(parts.ports(), bot)).await {
        Ok(recovered) => {
            if changes_levels(&recovered) {
                parts.flow.recovered(bot);
            }
            for problem in &recovered.problems {
                tracing::info!(%bot, %problem, "recovery");
            }
            parts.flow.count_recovered(&recovered);
        }
        Err(error @ (RecoverError::Exchange(_) | RecoverError::Store(_))) => {
            parts.flow.recovered(bot);
            tracing::warn!(%bot, %error, "bot not compared with the exchange; tried again");
        }
        Err(error @ RecoverError::NoBot(_)) => {
            tracing::error!(%bot, %error, "due bot without a record")
        }
    }
}

/// Whether a run did more than find everything as it should be.
fn changes_levels(recovered: &Recovered) -> bool {
    let idle = ["leave", "leave_recent", "leave_leased", "wait", "rest"];
    recovered.levels_caught_up > 0
        || recovered
            .actions
            .keys()
            .any(|action| !idle.contains(action))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_is_told_from_one_that_is_corrected() {
        let two_hours = 2 * 60 * 60 * 1_000;
        for (before, now, set_back) in [
            (10_000, 10_000, false),
            (10_000, 10_500, false),
            (10_000, 10_000 + two_hours, false),
            (10_000, 9_999, false),
            (10_000, 9_000, false),
            (10_000, 8_999, true),
            (10_000 + two_hours, 10_500, true),
            (500, -501, true),
        ] {
            let at = LocalTime::from_millis;
            assert_eq!(
                was_set_back(at(before), at(now)),
                set_back,
                "{before} {now}"
            );
        }
    }
}
