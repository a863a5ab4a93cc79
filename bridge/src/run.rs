//! The bridge's shell: waits for what happens, hands it to [`apply_event`], performs the effects.
//!
//! Entry points: [`Bridge::new`] and [`Bridge::run`]. One loop, no locks; connections and slow
//! calls run as tasks beside it and report back as [`Input`]s. Decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use binance::stream::ConnectionConfig;
use rand::rngs::SmallRng;
use rand::{RngCore as _, SeedableRng as _};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use trading::{AccountStore, Clock};

use crate::link::{Command, run_link};
use crate::{
    AccountsRead, BatchQueue, BridgeHandle, BridgeState, BridgeStatus, Config, ConnectionId,
    Effect, Input, Moment, OpenKeys, apply_event,
};

/// How many events may wait between the connections and the loop. Beyond that the sockets wait.
const EVENTS_WAITING: usize = 1_024;

/// How many commands may wait for one connection: more than its accounts and checks ever cause.
const COMMANDS_WAITING: usize = 4_096;

/// How long connections get to close in good order at the end.
const CLOSING: Duration = Duration::from_secs(3);

/// The outside of a bridge.
#[derive(Debug)]
pub struct Ports<S, Q, K, C> {
    /// Accounts and heartbeats.
    pub store: Arc<S>,
    /// Where messages go.
    pub queue: Arc<Q>,
    /// What opens the stream keys.
    pub keys: Arc<K>,
    /// This machine's clock.
    pub clock: Arc<C>,
}

/// Why a bridge ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// A task panicked: a defect. The process should end and be started again, which reconciles
    /// every account.
    #[error("a part of the bridge died: {0}")]
    Died(#[from] JoinError),
}

/// A bridge, ready to run.
#[derive(Debug)]
pub struct Bridge<S, Q, K, C> {
    config: Config,
    ports: Ports<S, Q, K, C>,
    state: BridgeState,
    status: watch::Sender<BridgeStatus>,
    inputs: mpsc::Sender<Input>,
    links: JoinSet<()>,
    commands: BTreeMap<ConnectionId, mpsc::Sender<Command>>,
    work: JoinSet<Option<Input>>,
    arriving: mpsc::Receiver<Input>,
    dice: SmallRng,
}

impl<S, Q, K, C> Bridge<S, Q, K, C>
where
    S: AccountStore + 'static,
    Q: BatchQueue + 'static,
    K: OpenKeys + 'static,
    C: Clock + 'static,
{
    /// A bridge over these ports. Nothing happens before it runs.
    #[must_use]
    pub fn new(config: Config, ports: Ports<S, Q, K, C>) -> Self {
        let (inputs, arriving) = mpsc::channel(EVENTS_WAITING);
        let (status, _) = watch::channel(BridgeStatus::default());
        Self {
            state: BridgeState::new(config.clone()),
            dice: SmallRng::seed_from_u64(config.seed),
            config,
            ports,
            status,
            inputs,
            links: JoinSet::new(),
            commands: BTreeMap::new(),
            work: JoinSet::new(),
            arriving,
        }
    }

    /// A look at the bridge while it runs.
    #[must_use]
    pub fn handle(&self) -> BridgeHandle {
        BridgeHandle::new(self.status.subscribe())
    }

    /// Runs until `stop` is cancelled: then what is buffered is still sent, within
    /// [`Config::drain`], and every stream is recorded as down.
    ///
    /// # Errors
    /// [`BridgeError`] when a part of the bridge died.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), BridgeError> {
        let started = Instant::now();
        // No time at all between two ticks would be a panic of the timer's.
        let mut ticks = interval(self.config.tick.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut deadline: Option<Instant> = None;
        loop {
            let Some(input) = self
                .next_input(&mut ticks, &stop, deadline.is_some())
                .await?
            else {
                continue;
            };
            if input == Input::Stop {
                deadline = Instant::now().checked_add(self.config.drain);
            }
            if let Input::Lost { connection, .. } = &input {
                self.commands.remove(connection);
            }
            let ticked = input == Input::Tick;
            let moment = Moment {
                wall: self.ports.clock.now(),
                elapsed: started.elapsed(),
                jitter: self.dice.next_u32(),
            };
            for effect in apply_event(&mut self.state, moment, input) {
                self.perform(effect);
            }
            let over = deadline.is_some_and(|end| self.state.is_drained() || Instant::now() >= end);
            if ticked || over {
                self.status.send_replace(self.state.status());
            }
            if over {
                break;
            }
        }
        self.finish().await
    }

    /// What happens next; `None` when it was only some task that ended with nothing to say.
    async fn next_input(
        &mut self,
        ticks: &mut Interval,
        stop: &CancellationToken,
        stopping: bool,
    ) -> Result<Option<Input>, BridgeError> {
        tokio::select! {
            Some(input) = self.arriving.recv() => Ok(Some(input)),
            Some(done) = self.work.join_next() => Ok(done?),
            Some(ended) = self.links.join_next() => {
                ended?;
                Ok(None)
            }
            _ = ticks.tick() => Ok(Some(Input::Tick)),
            () = stop.cancelled(), if !stopping => Ok(Some(Input::Stop)),
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Open { connection, url } => self.open(connection, url),
            Effect::Close { connection } => drop(self.commands.remove(&connection)),
            Effect::Subscribe {
                connection,
                account,
                key,
            } => {
                let Some(commands) = self.commands.get(&connection).cloned() else {
                    return;
                };
                let keys = Arc::clone(&self.ports.keys);
                self.work.spawn(async move {
                    let credentials = match keys.open(&account, &key).await {
                        Ok(credentials) => credentials,
                        Err(why) => {
                            let why = format!("the stream key cannot be used: {why}");
                            return Some(Input::KeyUnusable {
                                connection,
                                account,
                                why,
                            });
                        }
                    };
                    let command = Command::Subscribe {
                        account,
                        credentials,
                    };
                    // A connection that is gone has said so itself.
                    commands.send(command).await.err().and(None)
                });
            }
            Effect::Unsubscribe {
                connection,
                account,
            } => {
                self.command(connection, Command::Unsubscribe { account });
            }
            Effect::Check { connection } => self.command(connection, Command::Check),
            Effect::Send(batch) => {
                let queue = Arc::clone(&self.ports.queue);
                self.work
                    .spawn(async move { Some(Input::Sent(queue.send_batch(&batch).await)) });
            }
            Effect::Inform(text) => tracing::info!(bridge = %self.config.name, "{text}"),
            Effect::Warn(text) => tracing::warn!(bridge = %self.config.name, "{text}"),
            Effect::WriteStream { .. }
            | Effect::ClearWant { .. }
            | Effect::WriteHeartbeat(_)
            | Effect::ListAccounts => self.use_store(effect),
        }
    }

    fn use_store(&mut self, effect: Effect) {
        let store = Arc::clone(&self.ports.store);
        let shares_accounts = self.config.shares_accounts;
        self.work.spawn(async move {
            match effect {
                Effect::WriteStream { account, state } => {
                    let outcome = store.set_stream(&account, &state).await;
                    Some(Input::StreamWritten {
                        account,
                        state,
                        outcome: outcome.map_err(|error| error.to_string()),
                    })
                }
                Effect::WriteHeartbeat(heartbeat) => {
                    let outcome = store.put_heartbeat(&heartbeat).await;
                    Some(Input::HeartbeatWritten(
                        outcome.map_err(|error| error.to_string()),
                    ))
                }
                Effect::ListAccounts => {
                    Some(Input::Accounts(list(store.as_ref(), shares_accounts).await))
                }
                Effect::ClearWant { account } => {
                    if let Err(error) = store.want_stream(&account, None).await {
                        tracing::warn!(%account, %error, "the note that the stream is missing stays");
                    }
                    None
                }
                Effect::Open { .. }
                | Effect::Close { .. }
                | Effect::Subscribe { .. }
                | Effect::Unsubscribe { .. }
                | Effect::Check { .. }
                | Effect::Send(_)
                | Effect::Inform(_)
                | Effect::Warn(_) => None,
            }
        });
    }

    fn open(&mut self, connection: ConnectionId, url: String) {
        let (commands, waiting) = mpsc::channel(COMMANDS_WAITING);
        self.commands.insert(connection, commands);
        let config = ConnectionConfig {
            url,
            timeout: self.config.connect_timeout,
            silence: self.config.silence,
        };
        let clock = Arc::clone(&self.ports.clock);
        let inputs = self.inputs.clone();
        self.links
            .spawn(run_link(connection, config, clock, waiting, inputs));
    }

    fn command(&mut self, connection: ConnectionId, command: Command) {
        let Some(commands) = self.commands.get(&connection) else {
            return;
        };
        if let Err(error) = commands.try_send(command) {
            // It takes no commands any more, or has taken none for thousands: it is given up, and
            // says so itself or is found out by an unanswered request.
            tracing::warn!(%connection, %error, "the connection takes no commands");
        }
    }

    async fn finish(mut self) -> Result<(), BridgeError> {
        self.commands.clear();
        drop(self.arriving);
        let closing = async {
            while let Some(ended) = self.links.join_next().await {
                ended?;
            }
            Ok::<(), JoinError>(())
        };
        match timeout(CLOSING, closing).await {
            Ok(ended) => Ok(ended?),
            Err(_elapsed) => Ok(()), // Dropping the set ends what is left.
        }
    }
}

async fn list<S: AccountStore>(store: &S, shares_accounts: bool) -> Result<AccountsRead, String> {
    let listing = store
        .list_accounts()
        .await
        .map_err(|error| error.to_string())?;
    let heartbeats = if shares_accounts {
        store.heartbeats().await.map_err(|error| error.to_string())
    } else {
        Ok(Vec::new())
    };
    Ok(AccountsRead {
        readable: listing.readable,
        unreadable: listing.unreadable.iter().map(ToString::to_string).collect(),
        heartbeats,
    })
}
