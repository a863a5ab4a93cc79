//! Where the dashboard reads: a home that this process holds, or a data folder that belongs to whoever needs it.
//!
//! Start at [`Source::home`]. A folder that nobody works with is held for the length of a look only, so that an
//! `up` can be started at any time; where one runs, it answers for the store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::Mutex;

use crate::environs::Environs;
use crate::failure::Failure;
use crate::home::Home;

/// Where records are read and wishes are written.
#[derive(Debug)]
pub(crate) enum Source {
    /// This process has it open for good.
    Held(Arc<Home>),
    /// A data folder of others.
    Folder {
        /// Where it is.
        path: PathBuf,
        /// What its exchange connections take from the environment.
        environs: Box<Environs>,
        /// The connection to a running `up`.
        connected: Mutex<Option<Arc<Home>>>,
    },
}

/// What tells one state of a folder's files from another.
pub(super) type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

impl Source {
    /// A data folder of others.
    pub(crate) fn folder(path: PathBuf, environs: &Environs) -> Self {
        Self::Folder {
            path,
            environs: Box::new(environs.clone()),
            connected: Mutex::default(),
        }
    }

    /// The home, to be given back soon: as long as it is held nobody else may be able to start.
    ///
    /// # Errors
    /// [`Failure`] when the folder cannot be opened.
    pub(super) async fn home(&self) -> Result<Arc<Home>, Failure> {
        match self {
            Self::Held(home) => Ok(Arc::clone(home)),
            Self::Folder {
                path,
                environs,
                connected,
            } => {
                let mut connected = connected.lock().await;
                if let Some(home) = &*connected {
                    return Ok(Arc::clone(home));
                }
                let home = Arc::new(Box::pin(Home::open(path, environs)).await?);
                if !home.is_unattended() {
                    *connected = Some(Arc::clone(&home));
                }
                Ok(home)
            }
        }
    }

    /// Says now whether it can be opened.
    ///
    /// # Errors
    /// [`Failure`] when it cannot.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        self.home().await.map(drop)
    }

    /// The process that answered for the folder may be gone: it is opened anew the next time.
    pub(super) async fn forget(&self) {
        if let Self::Folder { connected, .. } = self {
            connected.lock().await.take();
        }
    }

    /// Whether it belongs to others, so that what hinders a look may be over at once.
    pub(super) const fn is_of_others(&self) -> bool {
        matches!(self, Self::Folder { .. })
    }

    /// The state of a folder's files; `None` where changes do not show in files here.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let Self::Folder { path, .. } = self else {
            return None;
        };
        let mut stamp = Stamp::new();
        for entry in std::fs::read_dir(path).ok()? {
            let entry = entry.ok()?;
            let found = entry.metadata().ok()?;
            stamp.push((entry.path(), found.modified().ok(), found.len()));
        }
        stamp.sort();
        Some(stamp)
    }
}
