//! A deployment on AWS as the operator's commands see it: its table, its queues, its key.
//!
//! Start at [`Deployment::open`]. All names are made of the stack's, as `template.yaml` makes them, so that
//! nothing has to be looked up. Places no order: the functions do.

use std::fmt;
use std::time::Duration;

use aws_config::Region;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use binance::Credentials;
use cloud::{DeadLetters, KmsKeys, SqsQueue};
use domain::{AccountId, BotId};
use dynamo_store::DynamoStore;
use secrecy::{ExposeSecret as _, SecretString};
use trading::{Message, Queue as _, SealedKey};

use crate::cli::AwsArgs;
use crate::failure::Failure;
use crate::keys::Purpose;

/// A deployment on AWS. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Deployment {
    stack: String,
    region: String,
    store: DynamoStore,
    keys: KeyService,
    queues: aws_sdk_sqs::Client,
}

impl Deployment {
    /// The deployment that the arguments name, by the standard AWS environment. Nothing is asked of it
    /// yet.
    ///
    /// # Errors
    /// [`Failure`] when no region is named.
    pub async fn open(args: &AwsArgs) -> Result<Self, Failure> {
        let mut loader = aws_config::from_env().timeout_config(cloud::patience());
        let profile_regions = args.profile.as_ref().map(|profile| {
            let builder = ProfileFileRegionProvider::builder();
            builder.profile_name(profile).build()
        });
        if let Some(profile) = &args.profile {
            loader = loader.profile_name(profile);
        }
        // Nothing is asked of a machine's metadata service: an operator's machine has none.
        let regions = RegionProviderChain::first_try(args.region.clone().map(Region::new))
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(profile_regions.unwrap_or_default());
        let Some(region) = regions.region().await else {
            return Err(Failure::bad_input("no AWS region is named")
                .at("the AWS environment")
                .mend("name it with --region, AWS_REGION or a profile, such as --region ap-northeast-1"));
        };
        let aws = loader.region(region.clone()).load().await;
        let stack = &args.stack;
        Ok(Self {
            stack: stack.clone(),
            region: region.to_string(),
            store: DynamoStore::new(aws_sdk_dynamodb::Client::new(&aws), stack.as_str()),
            keys: KeyService {
                service: KmsKeys::new(aws_sdk_kms::Client::new(&aws)),
                key: format!("alias/{stack}"),
            },
            queues: aws_sdk_sqs::Client::new(&aws),
        })
    }

    /// Its table.
    #[must_use]
    pub fn store(&self) -> DynamoStore {
        self.store.clone()
    }

    /// Its key.
    #[must_use]
    pub fn keys(&self) -> KeyService {
        self.keys.clone()
    }

    /// Its dead letters.
    ///
    /// # Errors
    /// [`Failure`] when one of their queues is not there or may not be asked for.
    pub async fn dead_letters(&self) -> Result<DeadLetters, Failure> {
        let found = DeadLetters::of_stack(self.queues.clone(), &self.stack).await;
        found.map_err(|error| {
            Failure::refused(format!("the dead letters cannot be reached: {error}"))
                .at(self)
                .mend("see that the stack is deployed, and that you have its OperatorPolicy")
        })
    }

    /// Its queues.
    ///
    /// # Errors
    /// [`Failure`] when one of them is not there or may not be asked for.
    pub async fn queues(&self) -> Result<SqsQueue, Failure> {
        let found = SqsQueue::of_stack(self.queues.clone(), &self.stack).await;
        found.map_err(|error| {
            Failure::refused(error)
                .at(self)
                .mend("see that the stack is deployed, and that you have its OperatorPolicy")
        })
    }

    /// The name of its stack.
    #[must_use]
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// Has a bot compared with the exchange at once, instead of with the next run of the schedule.
    ///
    /// # Errors
    /// [`Failure`] when the queue did not take it.
    pub async fn ask(&self, account: &AccountId, bot: &BotId) -> Result<(), Failure> {
        let unasked = |error: &dyn fmt::Display| {
            Failure::refused(format!(
                "recovery could not be asked to look at bot {bot} now: {error}"
            ))
            .at(self)
            .mend("nothing is lost: the schedule looks at it within a minute or two")
        };
        let queue = SqsQueue::of_stack(self.queues.clone(), &self.stack).await;
        let queue = queue.map_err(|error| unasked(&error))?;
        let message = Message::Reconcile {
            account: account.clone(),
            bot: Some(bot.clone()),
            why: "an operator asked".to_owned(),
        };
        let sent = queue.send(&message, Duration::ZERO).await;
        sent.map_err(|error| unasked(&error))
    }
}

impl fmt::Display for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stack {} in {}", self.stack, self.region)
    }
}

/// The key of a deployment.
#[derive(Debug, Clone)]
pub struct KeyService {
    service: KmsKeys,
    key: String,
}

impl KeyService {
    /// Seals something and opens it again, as an account's key is.
    ///
    /// # Errors
    /// [`Failure`] when the key does not do both.
    pub async fn probe(&self) -> Result<(), Failure> {
        const NOTHING_SECRET: &str = "a probe";
        let failed = |error: &dyn fmt::Display| {
            Failure::refused(format!("the key cannot be used: {error}"))
                .at(&self.key)
                .mend(
                    "see that the stack is deployed, that its key is enabled, and that you have its OperatorPolicy",
                )
        };
        let account: AccountId = "deploy-check".parse().map_err(|error| failed(&error))?;
        let secret = SecretString::from(NOTHING_SECRET);
        let sealed = self
            .service
            .seal(&self.key, &account, Purpose::Stream, &secret)
            .await
            .map_err(|error| failed(&error))?;
        let key = SealedKey {
            api_key: String::new(),
            kind: "hmac".to_owned(),
            sealed,
        };
        let opened = self.service.open(&account, Purpose::Stream, &key).await;
        let opened = opened.map_err(|error| failed(&error))?;
        if opened.expose_secret() == NOTHING_SECRET {
            Ok(())
        } else {
            Err(failed(&"it opened something else than was sealed"))
        }
    }

    /// Seals a key that can sign, for one account and one purpose.
    ///
    /// # Errors
    /// [`Failure`] when it cannot sign, or the key service does not do it.
    pub async fn seal(
        &self,
        account: &AccountId,
        purpose: Purpose,
        (api_key, kind): (&str, &str),
        secret: &SecretString,
    ) -> Result<SealedKey, Failure> {
        let credentials = credentials(account, purpose, (api_key, kind), secret)?;
        let sealed = self.service.seal(&self.key, account, purpose, secret).await;
        let sealed = sealed.map_err(|error| {
            Failure::refused(format!(
                "the {purpose} key of account {account} was not sealed: {error}"
            ))
            .at(&self.key)
            .mend("see that the stack is deployed and that you may use its key (kms:Encrypt)")
        })?;
        Ok(SealedKey {
            api_key: credentials.api_key().to_owned(),
            kind: kind.to_owned(),
            sealed,
        })
    }

    /// Opens a key sealed for this account and purpose.
    ///
    /// # Errors
    /// [`Failure`] when it does not open.
    pub async fn open(
        &self,
        account: &AccountId,
        purpose: Purpose,
        key: &SealedKey,
    ) -> Result<Credentials, Failure> {
        let opened = self.service.open(account, purpose, key).await;
        let secret = opened.map_err(|error| {
            Failure::refused(format!(
                "the {purpose} key of account {account} does not open: {error}"
            ))
            .at(&self.key)
            .mend(format!(
                "see that you may use the stack's key (kms:Decrypt), or give the key again with `gridkeeper account \
                 rotate {account}`"
            ))
        })?;
        credentials(account, purpose, (&key.api_key, &key.kind), &secret)
    }
}

fn credentials(
    account: &AccountId,
    purpose: Purpose,
    (api_key, kind): (&str, &str),
    secret: &SecretString,
) -> Result<Credentials, Failure> {
    Credentials::parse(api_key, kind, secret.expose_secret()).map_err(|source| {
        crate::keys::KeyError::Credentials {
            account: account.clone(),
            purpose,
            source,
        }
        .into()
    })
}
