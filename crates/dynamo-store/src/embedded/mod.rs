//! A DynamoDB inside this process, in memory or on a file, behind the ordinary SDK client.
//!
//! The client's HTTP connector hands each request to `dynoxide`, which keeps the tables in SQLite.
//! No port and no socket is opened here.

pub(crate) mod config;
pub(crate) mod connector;
mod direct;
pub(crate) mod disk;
pub(crate) mod dispatch;
mod folder;
pub(crate) mod value;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use dynoxide::{Database, DynoxideError};
use trading::StoreError;

use crate::DynamoStore;

pub use folder::OpenError;
pub(crate) use folder::{DATABASE_FILE, SOCKET_FILE, holder};

use crate::known::{Known, Touched};
use config::config;
use connector::EmbeddedClient;
use disk::Disk;
use dispatch::Answer;
use folder::FolderLock;

/// What an acknowledged commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process in any way, `kill -9` included: SQLite's write-ahead log with
    /// `synchronous=NORMAL`. A commit is in the operating system's hands when it is acknowledged; if
    /// the machine itself loses power or its kernel crashes, the last commits may be missing, and
    /// the file stays consistent.
    Process,
    /// The loss of power as well: the write-ahead log with `synchronous=FULL`. Each commit is synced
    /// to the disk before it is acknowledged, which is as true as the disk's own word.
    PowerLoss,
}

/// A DynamoDB inside this process. Cheap to clone; the data folder stays locked until the last clone
/// and the last client are gone.
#[derive(Clone)]
pub struct EmbeddedDynamo {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    /// Whose turn it is, where every write waits for the disk: SQLite writes one at a time, and those
    /// waiting should not each hold a thread. `None` where a call is over sooner than it could be
    /// handed to another thread: in memory, and where a commit is the operating system's to keep.
    turn: Option<Arc<tokio::sync::Mutex<()>>>,
    /// What the file lies on; none in memory.
    disk: Option<Disk>,
    /// Records that need not be read again.
    known: Arc<Known>,
    /// Held, never read: the folder is free again when this is dropped.
    _lock: Option<FolderLock>,
}

impl fmt::Debug for EmbeddedDynamo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedDynamo")
            .field("disk", &self.inner.disk)
            .finish_non_exhaustive()
    }
}

impl EmbeddedDynamo {
    /// A database that is gone when its last clone is.
    ///
    /// # Errors
    /// [`OpenError::Database`] when SQLite cannot start.
    pub fn memory() -> Result<Self, OpenError> {
        let database = Database::memory().map_err(|error| OpenError::Database {
            path: ":memory:".into(),
            detail: error.to_string(),
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                database,
                turn: None,
                disk: None,
                known: Arc::default(),
                _lock: None,
            }),
        })
    }

    /// The database of a data folder, both created if they are not there: the folder with mode 0700,
    /// the file with mode 0600. Nobody else can open the folder meanwhile.
    ///
    /// # Errors
    /// [`OpenError`], which says what is wrong with the folder and how to mend it.
    pub fn open(folder: &Path, durability: Durability) -> Result<Self, OpenError> {
        let lock = FolderLock::take(folder)?;
        let path = folder::database_file(folder)?;
        let disk = Disk::under(folder);
        let failed = |error: DynoxideError| {
            let detail = error.to_string();
            match disk.refusal(&detail) {
                Some(words) => OpenError::Full(words),
                None => OpenError::Database {
                    path: path.clone(),
                    detail,
                },
            }
        };
        let text = path.to_str().ok_or_else(|| OpenError::Database {
            path: path.clone(),
            detail: "its path is not valid UTF-8".to_owned(),
        })?;
        let database = Database::new(text).map_err(failed)?;
        match durability {
            // A fresh connection of SQLite has `synchronous=FULL`, and `dynoxide` opens its own with
            // a write-ahead log and changes nothing else.
            Durability::PowerLoss => {}
            // "Back to normal" after a bulk load is how `dynoxide` lets `synchronous=NORMAL` be set.
            Durability::Process => database.disable_bulk_loading().map_err(failed)?,
        }
        Ok(Self {
            inner: Arc::new(Inner {
                database,
                turn: (durability == Durability::PowerLoss).then(Arc::default),
                disk: Some(disk),
                known: Arc::default(),
                _lock: Some(lock),
            }),
        })
    }

    /// An SDK client that reaches this database.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::from_conf(config(EmbeddedClient(self.clone())).build())
    }

    /// A store in a table of this database. It calls the database where it can without the SDK's
    /// client in between.
    #[must_use]
    pub fn store(&self, table: impl Into<Arc<str>>) -> DynamoStore {
        DynamoStore {
            address: None,
            direct: Some(self.clone()),
            ..DynamoStore::new(self.client(), table)
        }
    }

    /// Answers one request without stalling the runtime it is called on.
    pub(crate) async fn call(&self, target: String, body: Vec<u8>) -> Answer {
        let only_reads = dispatch::only_reads(&target);
        let named = target.clone();
        let reply = move |database: &Database| dispatch::reply(database, &named, &body);
        let replied = if only_reads {
            self.run(reply).await
        } else {
            self.write(&Touched::Anything, reply).await
        };
        let unfinished =
            |error: StoreError| Err(DynoxideError::InternalServerError(error.to_string()));
        dispatch::answer(&target, replied.unwrap_or_else(unfinished))
    }

    /// Lets the database look something up. Where nobody writes, that waits for no disk and is over
    /// sooner than it could be handed to another thread.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.inner.turn.as_ref();
        match turn.map(|turn| Arc::clone(turn).try_lock_owned()) {
            Some(Ok(_our_turn)) => Ok(work(&self.inner.database)),
            Some(Err(_somebody_writes)) => self.run(work).await,
            None => Ok(work(&self.inner.database)),
        }
    }

    /// Lets the database write. What is known of the items it touches is forgotten first.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        touched: &Touched,
        work: impl FnOnce(&Database) -> Result<T, DynoxideError> + Send + 'static,
    ) -> Result<Result<T, DynoxideError>, StoreError> {
        let writing = self.inner.known.writing(touched);
        // Goes with the work, which is done even if nobody waits for it any more.
        let inner = Arc::clone(&self.inner);
        self.run(move |database| {
            let done = work(database);
            drop(writing);
            match &inner.disk {
                Some(disk) => disk.heard(done),
                None => done,
            }
        })
        .await
    }

    /// The records that need not be read again.
    pub(crate) fn known(&self) -> &Known {
        &self.inner.known
    }

    /// Lets the database do something, elsewhere if that may take as long as a disk takes.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let Some(turn) = &self.inner.turn else {
            return Ok(work(&self.inner.database));
        };
        let turn = Arc::clone(turn).lock_owned().await;
        let inner = Arc::clone(&self.inner);
        let work = move || {
            let done = work(&inner.database);
            drop(turn);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| {
            StoreError::Unavailable(format!("the embedded database did not finish: {error}"))
        })
    }
}
