//! Comparisons with the exchange that were asked for: by the schedule, a bridge or an operator.

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use cloud::QueueKind;
use domain::{AccountId, BotId, LocalTime};
use serde::Deserialize;
use trading::{
    BatchQueue as _, BotStore as _, Clock as _, ExchangeError, Message, Outgoing, Queue as _,
    RecoverError, Standing, Troubled, recover_bot, retry_pause,
};

use crate::Parts;
use crate::batch::{answer, give_back, millis};
use crate::figures::{Figure, Figures};

/// What calls the function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Wake {
    /// The queue, with what is to be compared.
    Asked(SqsEvent),
    /// The schedule.
    Scheduled(Schedule),
}

/// What the schedule says: nothing that matters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// That it is the schedule.
    #[serde(rename = "schedule")]
    _schedule: String,
}

/// How far the queue's clock and ours may be apart.
const CLOCKS_APART: Duration = Duration::from_secs(2);

/// After how long without a comparison that came to its end a bot's next failure is told. Before that it is
/// one answer that did not come; the next run asks again.
const OVERDUE_AFTER: Duration = Duration::from_secs(600);

/// Carries out what messages ask to be compared; says which are to stay on the queue. A call takes as long
/// as one comparison, which bounds itself ([`trading::RECOVERY_RUN`]): the queue gives one message a call.
pub async fn recover_batch(parts: &Parts, records: Vec<SqsMessage>) -> SqsBatchResponse {
    let mut failed = Vec::new();
    let mut figures = Figures::default();
    for record in records {
        let body = record.body.unwrap_or_default();
        let (id, receipt) = (
            record.message_id.unwrap_or_default(),
            record.receipt_handle.unwrap_or_default(),
        );
        let tries = record.attributes.get("ApproximateReceiveCount");
        let tries = tries.and_then(|tries| tries.parse().ok()).unwrap_or(1);
        let asked_at = record.attributes.get("SentTimestamp");
        let asked_at = asked_at.and_then(|at| at.parse().ok());
        let asked_at = asked_at.map(LocalTime::from_millis);
        let again = match Message::from_text(&body) {
            Ok(message) => {
                let again = carry_out(parts, message, asked_at, &mut figures).await;
                again.then(|| retry_pause(tries))
            }
            Err(error) => {
                tracing::error!(%error, message_id = %id, "unreadable message");
                figures.count(Figure::NotHandled);
                Some(Duration::ZERO)
            }
        };
        if let Some(after) = again {
            give_back(parts, QueueKind::Reconcile, &receipt, after).await;
            failed.push(id);
        }
    }
    if let Ok(address) = parts.exchanges.address(parts.exchange) {
        figures.add(Figure::WeightUsed, u64::from(address.weight().used));
    }
    parts.pass_pause_on().await;
    parts.tell(&figures);
    answer(failed)
}

/// Carries one message out; says whether it is to come again.
async fn carry_out(
    parts: &Parts,
    message: Message,
    asked_at: Option<LocalTime>,
    figures: &mut Figures,
) -> bool {
    match message {
        Message::Reconcile {
            account,
            bot: Some(bot),
            why,
        } => {
            if was_compared_since(parts, &bot, asked_at).await {
                tracing::info!(%bot, %account, why, "compared since that was asked for");
                return false;
            }
            compare(parts, &account, &bot, &why, figures).await
        }
        Message::Reconcile {
            account,
            bot: None,
            why,
        } => spread(parts, &account, &why).await,
        // Whoever sent it here knows one queue only.
        message @ Message::Execution { .. } => {
            let sent = parts.queue.send(&message, Duration::ZERO).await;
            if let Err(error) = &sent {
                tracing::warn!(%error, "a report was not passed on");
            }
            sent.is_err()
        }
    }
}

/// Whether the exchange was asked how a bot stands after this message was sent. A message for one bot is
/// never sent to come later, so that its time is when it was asked for; many of them may be waiting.
async fn was_compared_since(parts: &Parts, bot: &BotId, asked_at: Option<LocalTime>) -> bool {
    let Some(asked_at) = asked_at else {
        return false;
    };
    // The comparison itself says what is wrong with the record.
    let Ok(Some(bot)) = parts.store.bot(bot).await else {
        return false;
    };
    bot.recovered_at
        .is_some_and(|at| at > asked_at.after(CLOCKS_APART))
}

/// A message for each bot of an account that may have orders at the exchange: each is compared by itself.
async fn spread(parts: &Parts, account: &AccountId, why: &str) -> bool {
    let bots = match parts.store.bot_ids(Some(account)).await {
        Ok(bots) => bots,
        Err(error) => {
            tracing::warn!(%error, %account, "the account's bots cannot be read");
            return true;
        }
    };
    let mut messages = Vec::new();
    for bot in bots {
        if standing(parts, &bot).await == Standing::AtWork {
            messages.push(Outgoing {
                message: Message::Reconcile {
                    account: account.clone(),
                    bot: Some(bot),
                    why: why.to_owned(),
                },
                delay: Duration::ZERO,
            });
        }
    }
    let sent = parts.queue.send_batch(&messages).await;
    // Comparing a bot twice costs request weight only, forgetting one costs a minute.
    sent.iter().any(Result::is_err)
}

/// How a bot stands; one that cannot be read counts as at work, so that its run says what is wrong.
pub(crate) async fn standing(parts: &Parts, bot: &BotId) -> Standing {
    match parts.store.bot(bot).await {
        Ok(Some(bot)) => Standing::of(bot.desired, bot.observed),
        Ok(None) | Err(_) => Standing::AtWork,
    }
}

async fn compare(
    parts: &Parts,
    account: &AccountId,
    bot: &BotId,
    why: &str,
    figures: &mut Figures,
) -> bool {
    let begun = parts.clock.now();
    match Box::pin(recover_bot(parts.ports(), bot)).await {
        Ok(recovered) => {
            for problem in &recovered.problems {
                tracing::warn!(%bot, %problem, "recovery");
            }
            tracing::info!(
                %bot, %account, why,
                observed = %recovered.observed,
                actions = ?recovered.actions,
                levels_caught_up = recovered.levels_caught_up,
                took_ms = millis(parts.clock.now().since(begun)),
                "compared"
            );
            figures.count(Figure::Compared);
            figures.add(Figure::CaughtUp, u64::from(recovered.levels_caught_up));
            let placed = ["lay", "place", "find_out", "liquidate"];
            let placed = placed.iter().filter_map(|name| recovered.actions.get(name));
            let placed: u32 = placed.fold(0, |sum, count| sum.saturating_add(*count));
            figures.add(Figure::Recovered, u64::from(placed));
            note(figures, recovered.troubled);
            false
        }
        // The schedule asks again within a minute, so that an exchange which is away for long leaves no
        // dead letters.
        Err(error @ RecoverError::Exchange(_)) => {
            tracing::warn!(%bot, %account, why, %error, "not compared; the schedule asks again");
            note_failure(parts, bot, &error, figures).await;
            false
        }
        Err(error @ RecoverError::Store(_)) => {
            tracing::warn!(%bot, %account, why, %error, "not compared; tried again");
            note_failure(parts, bot, &error, figures).await;
            true
        }
        Err(error @ RecoverError::NoBot(_)) => {
            tracing::error!(%bot, %account, why, %error, "nothing to compare");
            note_failure(parts, bot, &error, figures).await;
            false
        }
    }
}

/// What a comparison that came to its end adds to the figures alarms look at. Where there is nothing to tell
/// it says so: an alarm that finds no figures for a while judges by the last ones it had.
fn note(figures: &mut Figures, troubled: Troubled) {
    for (figure, levels) in [
        (Figure::Refused, troubled.refused),
        (Figure::Unknown, troubled.unknown),
        (Figure::Quarantined, troubled.quarantined),
        (Figure::NotCompared, 0),
    ] {
        figures.add(figure, u64::from(levels));
    }
}

/// What a comparison that did not come to its end adds to them. An account that is refused, by the exchange or
/// for a key that cannot be opened, cannot be asked about at all.
async fn note_failure(parts: &Parts, bot: &BotId, error: &RecoverError, figures: &mut Figures) {
    if is_overdue(parts, bot).await {
        figures.count(Figure::NotCompared);
    }
    if let RecoverError::Exchange(ExchangeError::Stopped { .. }) = error {
        figures.count(Figure::Refused);
    }
}

/// Whether a bot at work was not compared for long; one that cannot be read counts as that. Nobody need hear of
/// one that is gone, nor of one at rest: it is compared rarely, and its key may have been taken away for good.
async fn is_overdue(parts: &Parts, bot: &BotId) -> bool {
    match parts.store.bot(bot).await {
        Ok(Some(bot)) => {
            let standing = Standing::of(bot.desired, bot.observed);
            let compared_at = bot.recovered_at.unwrap_or(bot.created_at);
            is_missed(standing, compared_at, parts.clock.now())
        }
        Ok(None) => false,
        Err(_) => true,
    }
}

fn is_missed(standing: Standing, compared_at: LocalTime, now: LocalTime) -> bool {
    standing == Standing::AtWork && now.since(compared_at) >= OVERDUE_AFTER
}

#[cfg(test)]
mod tests {
    use trading::AccountStop;

    use super::*;

    fn told(figures: &[(Figure, u64)]) -> Figures {
        let mut told = Figures::default();
        for (figure, count) in figures {
            told.add(*figure, *count);
        }
        told
    }

    #[test]
    fn alarms_are_told_what_stands_also_when_that_is_nothing() {
        let mut figures = Figures::default();
        note(&mut figures, Troubled::default());
        let nothing = [
            (Figure::Refused, 0),
            (Figure::Unknown, 0),
            (Figure::Quarantined, 0),
            (Figure::NotCompared, 0),
        ];
        assert_eq!(figures, told(&nothing));
        let troubled = Troubled {
            refused: 2,
            unknown: 1,
            quarantined: 3,
        };
        note(&mut figures, troubled);
        let some = [
            (Figure::Refused, 2),
            (Figure::Unknown, 1),
            (Figure::Quarantined, 3),
            (Figure::NotCompared, 0),
        ];
        assert_eq!(figures, told(&some));
    }

    #[tokio::test]
    async fn an_account_that_cannot_be_asked_about_is_a_refused_one() {
        let parts = crate::batch::tests::parts().await;
        let stopped = ExchangeError::Stopped {
            stop: AccountStop::Key,
            detail: "Invalid API-key, IP, or permissions for action.".to_owned(),
        };
        let silent = ExchangeError::Unavailable("timeout".to_owned());
        for (error, refused) in [(stopped, true), (silent, false)] {
            let (mut figures, bot) = (Figures::default(), "broken".parse().unwrap());
            note_failure(&parts, &bot, &RecoverError::Exchange(error), &mut figures).await;
            let mut expected = vec![(Figure::NotCompared, 1)];
            expected.extend(refused.then_some((Figure::Refused, 1)));
            assert_eq!(figures, told(&expected));
        }
    }

    #[test]
    fn a_failure_is_told_of_a_bot_at_work_that_was_not_compared_for_long() {
        let now = LocalTime::from_millis(1_790_000_000_000);
        let long_ago = now.before(OVERDUE_AFTER);
        let lately = long_ago.after(Duration::from_millis(1));
        for (standing, compared_at, missed) in [
            (Standing::AtWork, long_ago, true),
            (Standing::AtWork, lately, false),
            (Standing::Stopped, long_ago, false),
            (Standing::NotStarted, long_ago, false),
        ] {
            let found = is_missed(standing, compared_at, now);
            assert_eq!(found, missed, "{standing:?} {compared_at:?}");
        }
    }

    #[tokio::test]
    async fn a_bot_that_cannot_be_read_comes_again_and_is_told_and_one_that_is_gone_does_not() {
        let parts = crate::batch::tests::parts().await;
        for (bot, again, figures_told) in [
            ("broken", true, vec![(Figure::NotCompared, 1)]),
            ("gone", false, vec![]),
        ] {
            let (account, bot) = ("main".parse().unwrap(), bot.parse().unwrap());
            let mut figures = Figures::default();
            let comes_again = compare(&parts, &account, &bot, "a test", &mut figures).await;
            assert_eq!(comes_again, again, "{bot}");
            assert_eq!(figures, told(&figures_told), "{bot}");
        }
    }

    #[test]
    fn the_schedule_is_told_from_the_queue() {
        let read = |text: &str| serde_json::from_str::<Wake>(text);
        assert!(matches!(
            read(r#"{"schedule":"due"}"#),
            Ok(Wake::Scheduled(_))
        ));
        let queue =
            r#"{"Records":[{"messageId":"a","body":"b","attributes":{},"messageAttributes":{}}]}"#;
        assert!(matches!(read(queue), Ok(Wake::Asked(event)) if event.records.len() == 1));
        for text in ["{}", r#"{"detail-type":"Scheduled Event"}"#, "[]", "1"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
