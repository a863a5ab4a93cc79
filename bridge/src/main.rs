//! The bridge as a process on AWS: table, queue and key service from the standard AWS environment.
//!
//! Reads its settings, wires the ports and runs [`bridge::Bridge`] until a signal asks for the end.
//! Decides nothing. Ends with 2 when a setting is wrong and with 1 when it cannot go on; whoever
//! started it starts it again, and every account is then compared with the exchange.

#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        reason = "tests count with small numbers, and an overflow would fail them"
    )
)]

mod settings;
mod watch;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use binance::Credentials;
use bridge::{Bridge, Config, OpenKeys, Ports};
use clap::Parser as _;
use cloud::{KmsKeys, QueueAddresses, SqsQueue};
use domain::{AccountId, LocalTime};
use dynamo_store::DynamoStore;
use rand::{Rng as _, SeedableRng as _};
use sd_notify::NotifyState;
use secrecy::ExposeSecret as _;
use settings::Settings;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use trading::{KeyPurpose, SealedKey};
use watch::Pulse;

fn main() -> ExitCode {
    let settings = match Settings::try_parse() {
        Ok(settings) => settings,
        Err(error) => error.exit(),
    };
    match start(&settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let told = writeln!(io::stderr(), "error: {error:#}");
            told.map_or(ExitCode::FAILURE, |()| ExitCode::FAILURE)
        }
    }
}

fn start(settings: &Settings) -> anyhow::Result<()> {
    start_log(&settings.log)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the process cannot start its runtime")?
        .block_on(run(settings))
}

/// Text for a person at a terminal, JSON for whatever else collects the lines.
fn start_log(wanted: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(wanted)
        .with_context(|| format!("GRIDKEEPER_LOG={wanted:?} is no filter like `info`"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    if io::stderr().is_terminal() {
        log.init();
    } else {
        log.json().init();
    }
    Ok(())
}

async fn run(settings: &Settings) -> anyhow::Result<()> {
    let mut random = rand::rngs::SmallRng::from_os_rng();
    let name = settings
        .name
        .clone()
        .unwrap_or_else(|| format!("bridge-{:08x}", random.random::<u32>()));
    let pulse = Arc::new(Pulse::default());
    // Before anything that may take long, so that it answers from the first moment on. Ends with this function.
    let mut watched = JoinSet::new();
    if let Some(address) = settings.metrics {
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("GRIDKEEPER_METRICS={address} cannot be listened on: name a free port of an address of this machine")
        })?;
        watched.spawn(watch::server::serve(
            listener,
            name.clone(),
            Arc::clone(&pulse),
        ));
    }
    let bridge = wire(settings, &name, random.random()).await?;
    let handle = bridge.handle();
    watched.spawn(async move {
        watch::follow(
            &pulse,
            handle,
            sd_notify::watchdog_enabled(),
            sd_notify::notify,
        )
        .await;
    });
    let stop = CancellationToken::new();
    tracing::info!(bridge = %name, table = %settings.table, queue = %settings.queue_url, "up");
    let running = bridge.run(stop.clone());
    tokio::pin!(running);
    tokio::select! {
        ended = &mut running => ended.context("the bridge ended by itself")?,
        asked = asked_to_stop() => {
            asked?;
            tracing::info!(bridge = %name, "asked to stop; what is buffered is still sent");
            watch::say(&sd_notify::notify, &[NotifyState::Stopping]);
            stop.cancel();
            running.await?;
        }
    }
    Ok(())
}

/// The bridge over the table, queue and key service that the settings and the standard AWS environment name.
async fn wire(
    settings: &Settings,
    name: &str,
    seed: u64,
) -> anyhow::Result<Bridge<DynamoStore, SqsQueue, StreamKeys, WallClock>> {
    let aws = aws_config::from_env().timeout_config(cloud::patience());
    let aws = aws.load().await;
    if aws.region().is_none() {
        anyhow::bail!("no AWS region is set: set AWS_REGION, such as AWS_REGION=ap-northeast-1");
    }
    let store = DynamoStore::new(aws_sdk_dynamodb::Client::new(&aws), settings.table.as_str());
    store.check_table().await.with_context(|| {
        format!(
            "the table {} (GRIDKEEPER_TABLE) cannot be used",
            settings.table
        )
    })?;
    let mut config = Config::new(name, seed).sharing_accounts();
    config.accounts_per_connection = settings.accounts_per_connection.into();
    if !settings.own_address {
        config = config.sharing_weight();
    }
    if let Some(address) = &settings.web_socket {
        config = config.with_address(address);
    }
    let ports = Ports {
        store: Arc::new(store),
        queue: Arc::new(SqsQueue::new(
            aws_sdk_sqs::Client::new(&aws),
            QueueAddresses {
                fills: settings.queue_url.clone(),
                reconcile: settings.reconcile_queue_url.clone(),
            },
        )),
        keys: Arc::new(StreamKeys(KmsKeys::new(aws_sdk_kms::Client::new(&aws)))),
        clock: Arc::new(WallClock),
    };
    Ok(Bridge::new(config, ports))
}

/// Waits for SIGTERM, with which services are stopped, or Ctrl-C.
async fn asked_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be listened to")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("Ctrl-C cannot be listened to")
        }
        _ = terminate.recv() => Ok(()),
    }
}

/// Opens stream keys, and nothing that was sealed for trading.
#[derive(Debug)]
struct StreamKeys(KmsKeys);

impl OpenKeys for StreamKeys {
    async fn open(&self, account: &AccountId, key: &SealedKey) -> Result<Credentials, String> {
        let opened = self.0.open(account, KeyPurpose::Stream, key).await;
        let secret = opened.map_err(|error| error.to_string())?;
        Credentials::parse(&key.api_key, &key.kind, secret.expose_secret())
            .map_err(|error| error.to_string())
    }
}

/// The clock of this machine.
#[derive(Debug)]
struct WallClock;

impl trading::Clock for WallClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of the process where the time is read"
    )]
    fn now(&self) -> LocalTime {
        // A clock before 1970 is wrong whatever is made of it.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        LocalTime::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
