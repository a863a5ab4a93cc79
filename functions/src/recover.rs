//! Comparisons with the exchange that were asked for: by the schedule, a bridge or an operator.

use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use cloud::QueueKind;
use domain::{AccountId, BotId, LocalTime};
use serde::Deserialize;
use trading::{
    BatchQueue as _, BotStore as _, Message, Outgoing, Queue as _, RecoverError, recover_bot,
};

use crate::Parts;
use crate::batch::{answer, give_back, pause};

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

/// Carries out what messages ask to be compared; says which are to stay on the queue.
pub async fn recover_batch(
    parts: &Parts,
    records: Vec<SqsMessage>,
    _until: LocalTime,
) -> SqsBatchResponse {
    let mut failed = Vec::new();
    for record in records {
        let body = record.body.unwrap_or_default();
        let (id, receipt) = (
            record.message_id.unwrap_or_default(),
            record.receipt_handle.unwrap_or_default(),
        );
        let tries = record.attributes.get("ApproximateReceiveCount");
        let tries = tries.and_then(|tries| tries.parse().ok()).unwrap_or(1);
        let again = match Message::from_text(&body) {
            Ok(message) => carry_out(parts, message).await.then(|| pause(tries)),
            Err(error) => {
                tracing::error!(%error, message_id = %id, "unreadable message");
                Some(Duration::ZERO)
            }
        };
        if let Some(after) = again {
            give_back(parts, QueueKind::Reconcile, &receipt, after).await;
            failed.push(id);
        }
    }
    answer(failed)
}

/// Carries one message out; says whether it is to come again.
async fn carry_out(parts: &Parts, message: Message) -> bool {
    match message {
        Message::Reconcile {
            account,
            bot: Some(bot),
            why,
        } => compare(parts, &account, &bot, &why).await,
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

/// A message for each bot of an account: each is compared by itself.
async fn spread(parts: &Parts, account: &AccountId, why: &str) -> bool {
    let bots = match parts.store.bot_ids(Some(account)).await {
        Ok(bots) => bots,
        Err(error) => {
            tracing::warn!(%error, %account, "the account's bots cannot be read");
            return true;
        }
    };
    let messages: Vec<Outgoing> = bots
        .into_iter()
        .map(|bot| Outgoing {
            message: Message::Reconcile {
                account: account.clone(),
                bot: Some(bot),
                why: why.to_owned(),
            },
            delay: Duration::ZERO,
        })
        .collect();
    let sent = parts.queue.send_batch(&messages).await;
    // Comparing a bot twice costs request weight only, forgetting one costs a minute.
    sent.iter().any(Result::is_err)
}

async fn compare(parts: &Parts, account: &AccountId, bot: &BotId, why: &str) -> bool {
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
                "compared"
            );
            false
        }
        Err(error @ (RecoverError::Exchange(_) | RecoverError::Store(_))) => {
            tracing::warn!(%bot, %account, why, %error, "not compared; tried again");
            true
        }
        Err(error @ RecoverError::NoBot(_)) => {
            tracing::error!(%bot, %account, why, %error, "nothing to compare");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
