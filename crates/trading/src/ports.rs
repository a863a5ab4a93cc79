//! The ports bundled, so that use cases take one argument and tests choose every part of it.

use crate::{AccountStore, BotStore, Clock, Exchanges, LevelStore, Queue};

/// Everything a use case needs of the outside.
#[derive(Debug)]
pub struct Ports<'a, S, X, Q, C> {
    /// Levels, bots and accounts.
    pub store: &'a S,
    /// The trading connections.
    pub exchanges: &'a X,
    /// The queue that brings reports.
    pub queue: &'a Q,
    /// This machine's clock.
    pub clock: &'a C,
}

impl<S, X, Q, C> Clone for Ports<'_, S, X, Q, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, X, Q, C> Copy for Ports<'_, S, X, Q, C> {}

/// A store with all the capabilities that use cases need.
pub trait Store: LevelStore + BotStore + AccountStore {}

impl<S: LevelStore + BotStore + AccountStore> Store for S {}

/// What the use cases ask of a bundle of ports.
pub trait Outside: Copy + Send + Sync {
    /// The store.
    type Store: Store;
    /// The trading connections.
    type Exchanges: Exchanges;
    /// The queue.
    type Queue: Queue;
    /// The clock.
    type Clock: Clock;

    /// The store.
    fn store(&self) -> &Self::Store;
    /// The trading connections.
    fn exchanges(&self) -> &Self::Exchanges;
    /// The queue.
    fn queue(&self) -> &Self::Queue;
    /// The clock.
    fn clock(&self) -> &Self::Clock;
}

impl<S: Store, X: Exchanges, Q: Queue, C: Clock> Outside for Ports<'_, S, X, Q, C> {
    type Store = S;
    type Exchanges = X;
    type Queue = Q;
    type Clock = C;

    fn store(&self) -> &S {
        self.store
    }

    fn exchanges(&self) -> &X {
        self.exchanges
    }

    fn queue(&self) -> &Q {
        self.queue
    }

    fn clock(&self) -> &C {
        self.clock
    }
}
