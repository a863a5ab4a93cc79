//! The handling loop of one machine: takes messages from the queue, several at once.
//!
//! Two reports of one level may be handled at the same time; the level's version decides which comes
//! first, as it does between Lambda functions.

use std::sync::Arc;
use std::time::Duration;

use bridge::Received;
use domain::{ClientOrderId, Execution, LocalTime};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use trading::{Answer, Clock, HandleFillError, Handled, Message, handle_fill};

use super::flow::{outcome_word, placing_word};
use super::{Happening, Parts, recovery};

/// How many messages are handled at once.
const AT_ONCE: usize = 64;

/// How long a message rests that could not be handled now.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Takes messages until stopped, then lets those in hand finish.
pub(crate) async fn run(parts: Arc<Parts>, wake: Arc<Notify>, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut handling: JoinSet<()> = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            break;
        };
        let received = tokio::select! {
            () = stop.cancelled() => break,
            received = parts.queue.receive() => received,
        };
        while handling.try_join_next().is_some() {}
        let parts = Arc::clone(&parts);
        let wake = Arc::clone(&wake);
        handling.spawn(async move {
            answer(&parts, &wake, received).await;
            drop(permit);
        });
    }
    while handling.join_next().await.is_some() {}
}

async fn answer(parts: &Parts, wake: &Notify, received: Received) {
    let again = match &received.message {
        Message::Execution {
            execution,
            received_at,
        } => report(parts, execution, *received_at).await,
        Message::Reconcile { account, bot, why } => {
            tracing::info!(%account, %why, "reconciliation asked for");
            parts.flow.count("reconcile");
            match recovery::reconcile(parts, account, bot.as_ref()).await {
                Ok(()) => {
                    wake.notify_one();
                    None
                }
                Err(error) => {
                    tracing::warn!(%error, %account, "reconciliation not noted");
                    Some(RETRY_AFTER)
                }
            }
        }
    };
    let ours = match again {
        None => parts.queue.delete(received.receipt),
        Some(after) => parts.queue.postpone(received.receipt, after),
    };
    if !ours {
        // It took longer than its invisibility: somebody handles it again, which is harmless.
        parts.flow.count("receipt_outdated");
    }
}

/// Handles one report; says after which time its message is to come back, if it is.
async fn report(parts: &Parts, execution: &Execution, received_at: LocalTime) -> Option<Duration> {
    let account = &execution.account;
    let handling = handle_fill(parts.ports(), execution, received_at);
    // A connection that died while nothing happened is found out beside the load, not by the order.
    let ((), handled) = tokio::join!(parts.exchanges.prove(account), handling);
    match handled {
        Ok(handled) => {
            tell(parts, execution, received_at, handled);
            match handled.answer {
                Answer::Done => None,
                Answer::Again(after) => Some(after),
            }
        }
        Err(error @ HandleFillError::RetryLater(_)) => {
            tracing::info!(%error, order = %execution.client_order_id, "report handled later");
            parts.flow.count("retried");
            Some(RETRY_AFTER)
        }
        Err(error @ HandleFillError::Poison(_)) => {
            tracing::error!(%error, order = %execution.client_order_id, ?execution, "report given up");
            parts.flow.count("poison");
            None
        }
    }
}

fn tell(parts: &Parts, execution: &Execution, received_at: LocalTime, handled: Handled) {
    let Ok(order) = execution.client_order_id.parse::<ClientOrderId>() else {
        parts.flow.count(outcome_word(handled.outcome));
        return;
    };
    let at = parts.clock.now();
    let took_ms = u64::try_from(at.since(received_at).as_millis()).unwrap_or(u64::MAX);
    parts.flow.tell(Happening {
        at,
        order,
        side: execution.side,
        price: execution.order_price,
        executed: execution.cumulative,
        outcome: outcome_word(handled.outcome),
        placing: handled.placing.map(placing_word),
        took_ms,
    });
}
