//! The clients of one environment, opened once and kept for all its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use binance::{Connections, Credentials, OpenTradeKeys, RestBase};
use cloud::{KmsKeys, SqsQueue};
use domain::{AccountId, LocalTime};
use dynamo_store::{DynamoStore, Identity};
use secrecy::ExposeSecret as _;
use trading::{AccountStore as _, Clock as _, Environment, KeyPurpose, Ports, SealedKey};

use crate::figures::Figures;
use crate::{Settings, SystemClock};

/// How much longer a pause must be than the last one that was told.
const NEWS: Duration = Duration::from_secs(1);

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
    pub(crate) region: Option<String>,
    pub(crate) address: Option<String>,
    stack: Option<String>,
    /// Until when the others were told to wait.
    told_to_wait: AtomicI64,
}

impl Parts {
    /// Opens the clients by the standard AWS environment. Nothing is sent.
    pub async fn open(settings: &Settings) -> Self {
        let aws = aws_config::from_env().timeout_config(cloud::patience());
        let aws = aws.load().await;
        let store = DynamoStore::new(aws_sdk_dynamodb::Client::new(&aws), settings.table.as_str());
        let store = match &settings.address {
            Some(address) => store.behind_address(address),
            None => store,
        };
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
            region: settings.region.clone(),
            address: settings.address.clone(),
            stack: settings.stack.clone(),
            told_to_wait: AtomicI64::new(0),
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

    /// Refuses to work with a table that was restored from a copy: it is behind the exchange.
    ///
    /// # Errors
    /// When it is one, or does not tell.
    pub async fn prove_table(&self) -> anyhow::Result<()> {
        let id = self.store.table_id().await?;
        anyhow::ensure!(
            self.store.prove_identity(&id).await? == Identity::Original,
            "the table was restored from a copy, so it may be behind the exchange; nothing is done until `gridkeeper \
             --aws restored` has brought it there (docs/upgrade.md)"
        );
        Ok(())
    }

    /// Lets the others behind this network address know for how long the exchange wants nothing from it. Off
    /// the road of an order, and only when that is news.
    pub(crate) async fn pass_pause_on(&self) {
        let Some(left) = self.exchanges.pause_left() else {
            return;
        };
        let now = self.clock.now();
        let until = now.after(left);
        let told = LocalTime::from_millis(self.told_to_wait.load(Ordering::Relaxed));
        if until.since(told) < NEWS {
            return;
        }
        match self.store.pause_address(now, until).await {
            Ok(()) => self
                .told_to_wait
                .store(until.as_millis(), Ordering::Relaxed),
            Err(error) => {
                tracing::warn!(%error, "others were not told that the exchange asks to pause")
            }
        }
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
            region: None,
            address: None,
            stack: None,
            told_to_wait: AtomicI64::new(0),
        }
    }
}
