//! What a run of the schedule saw from where the functions run: whether the exchange lets them in, written down for
//! whoever checks the deployment. No decision depends on it.

use dynamo_store::{ExchangeAnswer, ScheduleRun};
use trading::{AccountStop, Clock as _, ExchangeError};

use crate::Parts;

/// Asks the exchange for its time, and says how it answered.
pub(crate) async fn ask_exchange(parts: &Parts) -> ExchangeAnswer {
    let begun = parts.clock.now();
    let told = match parts.exchanges.address(parts.exchange) {
        Ok(address) => address.server_time().await.map(drop),
        Err(error) => Err(error),
    };
    match told {
        Ok(()) => ExchangeAnswer::LetIn {
            millis: crate::batch::millis(parts.clock.now().since(begun)),
        },
        Err(error) => in_words(&error),
    }
}

fn in_words(error: &ExchangeError) -> ExchangeAnswer {
    let text = error.to_string();
    match error {
        ExchangeError::Stopped {
            stop: AccountStop::Region,
            ..
        } => ExchangeAnswer::RegionRefused { detail: text },
        ExchangeError::Stopped {
            stop: AccountStop::Banned,
            ..
        }
        | ExchangeError::Limited { .. } => ExchangeAnswer::AddressRefused { detail: text },
        ExchangeError::Stopped { .. }
        | ExchangeError::Unavailable(_)
        | ExchangeError::UnknownSymbol(_)
        | ExchangeError::Refused(_) => ExchangeAnswer::Unreached { detail: text },
    }
}

/// Writes down what this run saw. That it cannot be is told in the log, and fails nothing.
pub(crate) async fn write_down(
    parts: &Parts,
    answered: ExchangeAnswer,
    failed: Option<&anyhow::Error>,
) {
    let run = ScheduleRun {
        at: parts.clock.now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        region: parts.region.clone(),
        address: parts.address.clone(),
        exchange: parts.exchange,
        answered,
        failed: failed.map(|error| format!("{error:#}")),
    };
    if let Err(error) = parts.store.put_schedule_run(&run).await {
        tracing::warn!(%error, "what this run saw is not written down");
    }
}

#[cfg(test)]
mod tests {
    use dynamo_store::{DynamoStore, EmbeddedDynamo};

    use super::*;

    #[test]
    fn a_region_that_is_refused_is_told_from_an_address() {
        let stopped = |stop| ExchangeError::Stopped {
            stop,
            detail: "HTTP 451".to_owned(),
        };
        let limited = ExchangeError::Limited {
            after: std::time::Duration::from_secs(1),
            detail: "too much".to_owned(),
        };
        assert!(matches!(
            in_words(&stopped(AccountStop::Region)),
            ExchangeAnswer::RegionRefused { detail } if detail.contains("451")
        ));
        for error in [stopped(AccountStop::Banned), limited] {
            let answer = in_words(&error);
            assert!(
                matches!(answer, ExchangeAnswer::AddressRefused { .. }),
                "{answer:?}"
            );
        }
        let away = ExchangeError::Unavailable("no answer".to_owned());
        assert!(matches!(
            in_words(&away),
            ExchangeAnswer::Unreached { detail } if detail.contains("no answer")
        ));
    }

    /// A run where nothing but the table answers.
    async fn run(store: &DynamoStore) -> (anyhow::Result<()>, Option<ScheduleRun>) {
        let parts = Parts::alone(store.clone());
        let until = parts.clock.now().after(std::time::Duration::from_secs(60));
        let sent = crate::send_due_on(&parts, until).await;
        (sent, store.schedule_run().await.unwrap())
    }

    #[tokio::test]
    async fn each_run_says_when_it_was_and_that_the_exchange_does_not_answer() {
        let client = EmbeddedDynamo::memory().unwrap().client();
        let store = DynamoStore::new(client, "seen");
        store.create_table().await.unwrap();
        let (sent, first) = run(&store).await;
        sent.unwrap();
        let first = first.unwrap();
        assert!(
            matches!(first.answered, ExchangeAnswer::Unreached { .. }),
            "{first:?}"
        );
        assert_eq!(first.failed, None);
        let (_, second) = run(&store).await;
        assert!(second.unwrap().at >= first.at);
    }
}
