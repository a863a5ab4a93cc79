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
use trading::{Answer, Clock, HandleFillError, Handled, Message, handle_fill, retry_pause};

use super::{Happening, Parts, recovery};

/// How many messages are handled at once.
const AT_ONCE: usize = 64;

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

/// What becomes of a message that was handled, or was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Deleted,
    /// It comes back after this time.
    Postponed(Duration),
    /// It can never be handled: the operator is to see it.
    Buried,
}

async fn answer(parts: &Parts, wake: &Notify, received: Received) {
    let fate = match &received.message {
        Message::Execution {
            execution,
            received_at,
        } => report(parts, execution, *received_at, received.receives).await,
        Message::Reconcile { account, bot, why } => {
            tracing::info!(%account, %why, "reconciliation asked for");
            parts.flow.count("reconcile");
            match recovery::reconcile(parts, account, bot.as_ref()).await {
                Ok(()) => {
                    wake.notify_one();
                    Fate::Deleted
                }
                Err(error) => {
                    tracing::warn!(%error, %account, "reconciliation not noted");
                    Fate::Postponed(retry_pause(received.receives))
                }
            }
        }
    };
    let ours = match fate {
        Fate::Deleted => parts.queue.delete(received.receipt),
        Fate::Postponed(after) => parts.queue.postpone(received.receipt, after),
        Fate::Buried => parts.queue.bury(received.receipt),
    };
    if !ours {
        // It took longer than its invisibility: somebody handles it again, which is harmless.
        parts.flow.count("receipt_outdated");
    }
}

/// Handles one report; says what is to become of its message.
async fn report(
    parts: &Parts,
    execution: &Execution,
    received_at: LocalTime,
    receives: u32,
) -> Fate {
    let account = &execution.account;
    let handling = Box::pin(handle_fill(parts.ports(), execution, received_at));
    // A connection that died while nothing happened is found out beside the load, not by the order.
    let ((), handled) = tokio::join!(parts.exchanges.prove(account), handling);
    match handled {
        Ok(handled) => {
            tell(parts, execution, received_at, handled);
            match handled.answer {
                Answer::Done => Fate::Deleted,
                Answer::Again(after) => Fate::Postponed(after.max(retry_pause(receives))),
            }
        }
        Err(error @ HandleFillError::RetryLater(_)) => {
            tracing::info!(%error, order = %execution.client_order_id, "report handled later");
            parts.flow.count("retried");
            if let Ok(order) = execution.client_order_id.parse() {
                parts.flow.touch(&order);
            }
            Fate::Postponed(retry_pause(receives))
        }
        Err(error @ HandleFillError::Poison(_)) => {
            tracing::error!(%error, order = %execution.client_order_id, ?execution, "report given up");
            parts.flow.count("poison");
            Fate::Buried
        }
    }
}

fn tell(parts: &Parts, execution: &Execution, received_at: LocalTime, handled: Handled) {
    let Ok(order) = execution.client_order_id.parse::<ClientOrderId>() else {
        parts.flow.count(handled.outcome.word());
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
        outcome: handled.outcome.word(),
        placing: handled.placing.map(trading::Placing::word),
        took_ms,
    });
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;
    use bridge::LocalQueue;
    use domain::{ExchangeOrderId, ExchangeTime, OrderStatus, Quantity, Side, Source};
    use dynamo_store::{DynamoStore, EmbeddedDynamo};
    use trading::{Queue as _, VISIBILITY};

    use super::*;
    use crate::clock::SystemClock;
    use crate::connections::connections;
    use crate::environs::Environs;
    use crate::keys::KeyFile;
    use crate::node::Tally;
    use crate::vault::Vault;

    const TABLE: &str = "handlers";

    /// Parts over a store in which the record of the bot `brokenbot` was written by another version.
    async fn parts(dir: &std::path::Path) -> Parts {
        let client = EmbeddedDynamo::memory().unwrap().client();
        let store = DynamoStore::new(client.clone(), TABLE);
        store.create_table().await.unwrap();
        client
            .put_item()
            .table_name(TABLE)
            .item("pk", AttributeValue::S("BOT#brokenbot".to_owned()))
            .item("sk", AttributeValue::S("BOT".to_owned()))
            .item("fv", AttributeValue::N("99".to_owned()))
            .send()
            .await
            .unwrap();
        let keys = KeyFile::open_or_create(dir).unwrap();
        let exchanges = connections(store.clone(), Vault::File(keys), Environs::default());
        Parts {
            store: Arc::new(store),
            exchanges: Arc::new(exchanges),
            queue: Arc::new(LocalQueue::new(10, VISIBILITY)),
            clock: Arc::new(SystemClock),
            flow: Arc::default(),
            recovery_every: None,
        }
    }

    fn execution(client_order_id: &str) -> Execution {
        Execution {
            account: "main".parse().unwrap(),
            symbol: "BTCUSDT".parse().unwrap(),
            client_order_id: client_order_id.to_owned(),
            exchange_order_id: ExchangeOrderId(7),
            side: Side::Buy,
            order_price: None,
            order_quantity: Quantity::ZERO,
            cumulative: Quantity::ZERO,
            status: OrderStatus::Filled,
            trades: Vec::new(),
            created_at: None,
            time: ExchangeTime::from_millis(1),
            source: Source::Stream,
        }
    }

    #[tokio::test]
    async fn a_report_about_a_record_that_cannot_be_read_is_kept_for_the_operator() {
        let dir = tempfile::tempdir().unwrap();
        let parts = parts(dir.path()).await;
        let wake = Notify::new();
        for id in ["gk-brokenbot-0-1", "gk-nobodysbot-0-1"] {
            let message = Message::Execution {
                execution: Box::new(execution(id)),
                received_at: LocalTime::from_millis(1),
            };
            parts.queue.send(&message, Duration::ZERO).await.unwrap();
            let received = parts.queue.receive().await;
            answer(&parts, &wake, received).await;
        }
        assert!(parts.queue.is_empty());
        let letters = parts.queue.dead_letters();
        let counts = parts.flow.counts();
        assert_eq!((counts["poison"], counts["nobodys_level"]), (1, 1));
        let tally = Tally::of(counts, &bridge::Counters::default(), &letters);
        assert_eq!(tally.dead_letters.len(), 1);
        assert!(tally.dead_letters[0].contains("gk-brokenbot-0-1"));
    }
}
