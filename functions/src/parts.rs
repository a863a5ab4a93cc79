//! The clients of one environment, opened once and kept for all its calls.

use std::sync::Arc;

use binance::{Connections, Credentials, OpenTradeKeys, RestBase};
use cloud::{KmsKeys, SqsQueue};
use domain::AccountId;
use dynamo_store::DynamoStore;
use secrecy::ExposeSecret as _;
use trading::{AccountStore as _, Clock as _, Environment, KeyPurpose, Ports, SealedKey};

use crate::figures::Figures;
use crate::{Settings, SystemClock};

/// Opens trade keys, and nothing that was sealed for a stream.
#[derive(Debug, Clone)]
pub struct TradeKeys(KmsKeys);

impl OpenTradeKeys for TradeKeys {
    async fn open_trade_key(
        &self,
        account: &AccountId,
        key: &SealedKey,
    ) -> Result<Credentials, String> {
        let opened = self.0.open(account, KeyPurpose::Trade, key).await;
        let secret = opened.map_err(|error| error.to_string())?;
        Credentials::parse(&key.api_key, &key.kind, secret.expose_secret())
            .map_err(|error| error.to_string())
    }
}

/// The trading connections of a function.
pub type CloudExchanges = Connections<DynamoStore, TradeKeys>;

/// What the functions work with.
#[derive(Debug)]
pub struct Parts {
    /// The table.
    pub store: DynamoStore,
    /// The trading connections. An account's key is unsealed once, and again when its record changes.
    pub exchanges: CloudExchanges,
    /// The queues.
    pub queue: SqsQueue,
    /// The clock.
    pub clock: SystemClock,
    pub(crate) exchange: Environment,
    stack: Option<String>,
}

impl Parts {
    /// Opens the clients by the standard AWS environment. Nothing is sent.
    pub async fn open(settings: &Settings) -> Self {
        let aws = aws_config::from_env().timeout_config(cloud::patience());
        let aws = aws.load().await;
        let store = DynamoStore::new(aws_sdk_dynamodb::Client::new(&aws), settings.table.as_str());
        let keys = TradeKeys(KmsKeys::new(aws_sdk_kms::Client::new(&aws)));
        let rest = settings.rest.clone();
        let rest_base: RestBase = Arc::new(move |environment| {
            let real = || binance::rest_endpoint(environment).map(str::to_owned);
            rest.clone().or_else(real).ok_or_else(|| {
                "the account trades on a simulated exchange, and GRIDKEEPER_BINANCE_REST does not say \
                 where that is"
                    .to_owned()
            })
        });
        Self {
            exchanges: Connections::new(
                store.clone(),
                keys,
                rest_base,
                Arc::new(|| SystemClock.now()),
            ),
            store,
            queue: SqsQueue::new(aws_sdk_sqs::Client::new(&aws), settings.queues.clone()),
            clock: SystemClock,
            exchange: settings.exchange,
            stack: settings.stack.clone(),
        }
    }

    /// Connects to the table and to the exchange, so that the first message finds both connections
    /// open. That neither answers is no reason not to start: the messages find out for themselves.
    pub async fn warm(&self) {
        let (store, exchange) =
            tokio::join!(self.store.heartbeats(), self.exchanges.warm(self.exchange));
        if let Err(error) = store {
            tracing::warn!(%error, "the table was not reached while starting");
        }
        if let Err(error) = exchange {
            tracing::warn!(%error, "the exchange was not reached while starting");
        }
    }

    /// Writes what a call has done into the log, for metrics.
    pub(crate) fn tell(&self, figures: &Figures) {
        figures.tell(self.stack.as_deref(), self.clock.now());
    }

    /// The ports as the use cases take them.
    #[must_use]
    pub fn ports(&self) -> Ports<'_, DynamoStore, CloudExchanges, SqsQueue, SystemClock> {
        Ports {
            store: &self.store,
            exchanges: &self.exchanges,
            queue: &self.queue,
            clock: &self.clock,
        }
    }
}

#[cfg(test)]
impl Parts {
    /// Parts over this store, where neither queue, key service nor exchange answers.
    pub(crate) fn alone(store: DynamoStore) -> Self {
        use aws_sdk_sqs::config::{BehaviorVersion, Credentials as Signer, Region};

        const NOBODY: &str = "http://127.0.0.1:9";
        let signer = Signer::new("id", "secret", None, None, "test");
        let queue = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(signer.clone())
            .endpoint_url(NOBODY)
            .retry_config(aws_sdk_sqs::config::retry::RetryConfig::disabled())
            .build();
        let keys = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(signer)
            .endpoint_url(NOBODY)
            .build();
        let keys = TradeKeys(KmsKeys::new(aws_sdk_kms::Client::from_conf(keys)));
        let addresses = cloud::QueueAddresses {
            fills: format!("{NOBODY}/fills"),
            reconcile: format!("{NOBODY}/reconcile"),
        };
        let rest_base: RestBase = Arc::new(|_| Ok(NOBODY.to_owned()));
        let now: binance::Now = Arc::new(|| SystemClock.now());
        Self {
            exchanges: Connections::new(store.clone(), keys, rest_base, now),
            store,
            queue: SqsQueue::new(aws_sdk_sqs::Client::from_conf(queue), addresses),
            clock: SystemClock,
            exchange: Environment::Simulated,
            stack: None,
        }
    }
}
