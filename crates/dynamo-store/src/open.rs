//! Opening a data folder, or reaching the process that holds it.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;

use crate::DynamoStore;
use crate::embedded::{DATABASE_FILE, Durability, EmbeddedDynamo, OpenError, SOCKET_FILE, holder};
use crate::socket::{connect_unix, probe};

/// The one table of a data folder.
const TABLE: &str = "gridkeeper";

/// How long a process that holds the folder may take to open its socket, or a short command to let
/// go of the folder.
const PATIENCE: [Duration; 6] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1_600),
];

/// A data folder that was opened.
#[derive(Debug)]
pub enum OpenedStore {
    /// This process holds the folder.
    Owned(EmbeddedDynamo),
    /// Another process holds it and answers for it.
    Remote(Client),
}

impl OpenedStore {
    /// The client to the database, wherever it is.
    #[must_use]
    pub fn client(&self) -> Client {
        match self {
            Self::Owned(database) => database.client(),
            Self::Remote(client) => client.clone(),
        }
    }

    /// The store of the folder. Its table may have to be created first.
    #[must_use]
    pub fn store(&self) -> DynamoStore {
        match self {
            Self::Owned(database) => database.store(TABLE),
            Self::Remote(client) => DynamoStore::new(client.clone(), TABLE),
        }
    }
}

/// The socket of a data folder.
#[must_use]
pub fn socket_path(folder: &Path) -> PathBuf {
    folder.join(SOCKET_FILE)
}

/// What tells the file of a data folder from every copy of it: its number in the file system and when it was made. A
/// file that was overwritten in place is not told from what it was.
///
/// # Errors
/// When the file cannot be looked at.
pub fn folder_identity(folder: &Path) -> io::Result<String> {
    let found = std::fs::metadata(folder.join(DATABASE_FILE))?;
    let made = found.created().ok();
    let made = made.and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    let made = made.map_or(0, |made| made.as_millis());
    Ok(format!("file {} made at {made}", found.ino()))
}

/// Opens a data folder if nobody holds it, else connects to the process that does.
///
/// # Errors
/// [`OpenError`]; [`OpenError::Silent`] when the holder does not answer for some seconds.
pub async fn open_data_dir(
    folder: &Path,
    durability: Durability,
) -> Result<OpenedStore, OpenError> {
    let socket = socket_path(folder);
    let mut pauses = PATIENCE.iter();
    loop {
        match EmbeddedDynamo::open(folder, durability) {
            Ok(database) => return Ok(OpenedStore::Owned(database)),
            Err(OpenError::Locked { .. }) => {}
            Err(error) => return Err(error),
        }
        let Err(silence) = probe(&socket).await else {
            return Ok(OpenedStore::Remote(connect_unix(&socket)));
        };
        let Some(pause) = pauses.next() else {
            return Err(OpenError::Silent {
                folder: folder.to_owned(),
                holder: holder(folder),
                socket,
                detail: silence.to_string(),
            });
        };
        tokio::time::sleep(*pause).await;
    }
}
