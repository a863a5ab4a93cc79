//! One machine's process: bridge, handlers and recovery over one store, in one process.
//!
//! Where to start: [`Node::start`] wires the parts and starts three loops; `handlers` takes reports
//! from the queue, `recovery` takes due bots, and the bridge holds the streams. [`Node::stop`] ends
//! them in that order and lets placements under way finish.
//!
//! The loops decide nothing: everything about money is in `trading`.

mod changes;
mod flow;
mod handlers;
mod loops;
mod recovery;
mod tally;
mod up;

use std::sync::Arc;
use std::time::Duration;

use bridge::{Bridge, BridgeHandle, LocalQueue};
use dynamo_store::DynamoStore;
use rand::Rng;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use trading::{BotStore, Ports, VISIBILITY};

pub use changes::{Changes, Touched};
pub use flow::{Flow, Happening};
pub use tally::Tally;
pub(crate) use up::asked_to_stop;
pub use up::up;

use crate::clock::SystemClock;
use crate::connections::LocalExchanges;
use crate::failure::Failure;
use crate::home::Home;
use crate::vault::Vault;
use loops::Loops;

/// How many messages the in-process queue holds. Beyond that the bridge asks for reconciliation.
const QUEUE_CAPACITY: usize = 50_000;

/// How a node is set up.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The name in heartbeats and stream states.
    pub name: String,
    /// The WebSocket API's address for every account, in place of the environment's own.
    pub ws_url: Option<String>,
    /// How often recovery looks at a bot, in place of the ordinary cadence.
    pub recovery_every: Option<Duration>,
    /// The seed of random pauses.
    pub seed: u64,
}

impl NodeConfig {
    /// The ordinary settings, with a name of its own for this process.
    #[must_use]
    pub fn new(random: &mut impl Rng) -> Self {
        Self {
            name: format!("node-{:08x}", random.random::<u32>()),
            ws_url: None,
            recovery_every: None,
            seed: random.random(),
        }
    }
}

/// What the loops share.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: Arc<DynamoStore>,
    pub(crate) exchanges: Arc<LocalExchanges>,
    pub(crate) queue: Arc<LocalQueue>,
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) flow: Arc<Flow>,
    pub(crate) recovery_every: Option<Duration>,
}

impl Parts {
    /// The ports as the use cases take them.
    pub(crate) fn ports(&self) -> Ports<'_, DynamoStore, LocalExchanges, LocalQueue, SystemClock> {
        Ports {
            store: &self.store,
            exchanges: &self.exchanges,
            queue: &self.queue,
            clock: &self.clock,
        }
    }
}

/// What a running node does, for whoever shows it.
#[derive(Debug, Clone)]
pub(crate) struct Doings {
    /// The name in heartbeats and stream states.
    pub(crate) name: String,
    /// What happens, and its counts.
    pub(crate) flow: Arc<Flow>,
    /// How its bridge stands.
    pub(crate) bridge: BridgeHandle,
}

/// The bridge as it runs on one machine.
type LocalBridge = Bridge<DynamoStore, LocalQueue, Vault, SystemClock>;

/// A running process on one machine.
#[derive(Debug)]
pub struct Node {
    name: String,
    parts: Arc<Parts>,
    bridge: BridgeHandle,
    wake: Arc<Notify>,
    stop: CancellationToken,
    loops: Loops,
}

impl Node {
    /// Opens the parts and starts the loops. Every bot is made due first, so that whatever happened
    /// before is looked at before anything else.
    ///
    /// # Errors
    /// [`Failure`] when the store cannot be read.
    pub async fn start(home: &Home, config: NodeConfig) -> Result<Self, Failure> {
        let parts = Arc::new(Parts {
            store: Arc::new(home.store().clone()),
            exchanges: Arc::new(home.exchanges()),
            queue: Arc::new(LocalQueue::new(QUEUE_CAPACITY, VISIBILITY)),
            clock: Arc::new(SystemClock),
            flow: Arc::default(),
            recovery_every: config.recovery_every,
        });
        recovery::make_all_due(&parts).await?;
        let stop = CancellationToken::new();
        let wake = Arc::new(Notify::new());
        let mut settings = bridge::Config::new(&config.name, config.seed).sharing_weight();
        if let Some(url) = &config.ws_url {
            settings = settings.with_address(url);
        }
        let ports = bridge::Ports {
            store: Arc::clone(&parts.store),
            queue: Arc::clone(&parts.queue),
            keys: Arc::new(home.vault().clone()),
            clock: Arc::clone(&parts.clock),
        };
        let bridge = Bridge::new(settings, ports);
        let handle = bridge.handle();
        let mut node = Self {
            name: config.name,
            parts,
            bridge: handle,
            wake,
            stop,
            loops: Loops::default(),
        };
        node.start_loops(bridge);
        Ok(node)
    }

    fn start_loops(&mut self, bridge: LocalBridge) {
        let outside = || {
            let (parts, wake) = (Arc::clone(&self.parts), Arc::clone(&self.wake));
            (parts, wake, self.stop.clone())
        };
        let stop = self.stop.clone();
        let bridging = async move { bridge.run(stop).await.map_err(|error| error.to_string()) };
        let (parts, wake, stop) = outside();
        let handling = async move {
            handlers::run(parts, wake, stop).await;
            Ok(())
        };
        let (parts, wake, stop) = outside();
        let recovering = async move {
            recovery::run(parts, wake, stop).await;
            Ok(())
        };
        self.loops.start("the bridge", bridging);
        self.loops.start("the handlers", handling);
        self.loops.start("recovery", recovering);
    }

    /// Waits until a part ends that nobody asked to, and says which. Without its stream, its
    /// handlers or recovery a node only seems to run.
    pub async fn ended(&self) -> Failure {
        self.loops.ended().await
    }

    /// What happens, as it happens.
    #[must_use]
    pub fn flow(&self) -> &Arc<Flow> {
        &self.parts.flow
    }

    /// What it does, for whoever shows it.
    pub(crate) fn doings(&self) -> Doings {
        Doings {
            name: self.name.clone(),
            flow: Arc::clone(&self.parts.flow),
            bridge: self.bridge.clone(),
        }
    }

    /// What it has done since it started.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let counters = self.bridge.status().counters;
        let dead_letters = self.parts.queue.dead_letters();
        Tally::of(self.parts.flow.counts(), &counters, &dead_letters)
    }

    /// Makes every bot due now and waits until each has been compared with the exchange.
    ///
    /// # Errors
    /// [`Failure`] when the store does not answer.
    pub async fn recover_all(&self) -> Result<(), Failure> {
        let mut ended = self.parts.flow.recoveries();
        let before = *ended.borrow_and_update();
        let bots = self.parts.store.bot_ids(None).await?.len();
        recovery::make_all_due(&self.parts).await?;
        self.wake.notify_one();
        let wanted = before.saturating_add(u64::try_from(bots).unwrap_or(u64::MAX));
        // The sender lives as long as the parts, which this node holds.
        ended
            .wait_for(|ended| *ended >= wanted)
            .await
            .map_err(Failure::refused)?;
        Ok(())
    }

    /// How the bridge stands.
    #[must_use]
    pub const fn bridge(&self) -> &BridgeHandle {
        &self.bridge
    }

    /// Makes recovery look for due bots at once.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Stops the loops and waits until placements under way are settled; gives what was done.
    pub async fn stop(mut self) -> Tally {
        self.stop.cancel();
        self.loops.all_ended().await;
        self.tally()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;
    use crate::environs::Environs;

    #[tokio::test]
    async fn a_node_says_which_of_its_parts_died_and_still_stops() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::own(dir.path(), &Environs::default()).await.unwrap();
        let config = NodeConfig::new(&mut rand::rngs::SmallRng::seed_from_u64(1));
        let mut node = Node::start(&home, config).await.unwrap();
        let ended = tokio::time::timeout(Duration::ZERO, node.ended()).await;
        assert!(ended.is_err(), "{ended:?}");
        node.loops
            .start("a part", async { Err("it broke".to_owned()) });
        let failure = node.ended().await;
        assert_eq!(failure.place.as_deref(), Some("a part"));
        node.stop().await;
    }
}
