//! The data folder: who holds it, and who may read it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::disk;

/// The database's file in a data folder.
pub(crate) const DATABASE_FILE: &str = "gridkeeper.db";
/// The file that the holder of a data folder keeps locked.
const LOCK_FILE: &str = "gridkeeper.lock";
/// The socket on which the holder answers other processes.
pub(crate) const SOCKET_FILE: &str = "gridkeeper.sock";

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder, or a file in it, cannot be created or written.
    #[error(
        "the data folder {} cannot be used: {source} ({}). Give its owner the right to write \
         there, or choose another folder", folder.display(), path.display()
    )]
    NotWritable {
        /// The folder.
        folder: PathBuf,
        /// What could not be created or written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its disk takes nothing more. What is wrong and how to mend it are parted by
    /// [`cannot_write`](crate::cannot_write).
    #[error("{0}")]
    Full(String),
    /// Another process holds the folder.
    #[error(
        "the data folder {} is in use by {holder}. Stop that process first, or choose another \
         folder", folder.display()
    )]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// The process that holds it, as far as it said.
        holder: String,
    },
    /// Another process holds the folder and does not answer on its socket.
    #[error(
        "the data folder {} is in use by {holder}, which does not answer on {}: {detail}. It may \
         be starting or stopping; try again in a moment", folder.display(), socket.display()
    )]
    Silent {
        /// The folder.
        folder: PathBuf,
        /// The process that holds it, as far as it said.
        holder: String,
        /// The socket it should answer on.
        socket: PathBuf,
        /// What happened instead.
        detail: String,
    },
    /// The database's file cannot be opened: damaged, of a newer version, or no database at all.
    #[error(
        "the database {} cannot be opened: {detail}. Nothing was changed in it; move it away, or \
         use the version of Gridkeeper that wrote it", path.display()
    )]
    Database {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
}

/// The hold of this process on a data folder. It ends with the process, however that ends.
#[derive(Debug)]
pub(crate) struct FolderLock {
    /// Held, never read: closing the file gives the lock up.
    _file: File,
}

impl FolderLock {
    /// Creates the folder if needed and takes its lock, or says who holds it.
    pub(crate) fn take(folder: &Path) -> Result<Self, OpenError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| not_writable(folder, folder, source))?;
        warn_of_readers(folder);
        let path = folder.join(LOCK_FILE);
        let mut file = private()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|source| not_writable(folder, &path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Locked {
                    folder: folder.to_owned(),
                    holder: holder(folder),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(not_writable(folder, &path, source));
            }
        }
        file.set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()))
            .and_then(|()| file.flush())
            .map_err(|source| not_writable(folder, &path, source))?;
        Ok(Self { _file: file })
    }
}

/// The process that holds a folder, in words: it writes its id into the lock file.
pub(crate) fn holder(folder: &Path) -> String {
    let mut text = String::new();
    let read =
        File::open(folder.join(LOCK_FILE)).and_then(|file| file.take(20).read_to_string(&mut text));
    match read.ok().and_then(|_| text.trim().parse::<u32>().ok()) {
        Some(id) => format!("process {id}"),
        None => "another process".to_owned(),
    }
}

/// The path of the database's file, which exists and is private to its owner when this returns.
/// SQLite gives the files beside it the same mode.
pub(crate) fn database_file(folder: &Path) -> Result<PathBuf, OpenError> {
    let path = folder.join(DATABASE_FILE);
    private()
        .append(true)
        .open(&path)
        .and_then(|file| file.set_permissions(fs::Permissions::from_mode(0o600)))
        .map_err(|source| not_writable(folder, &path, source))?;
    Ok(path)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).mode(0o600);
    options
}

fn not_writable(folder: &Path, path: &Path, source: io::Error) -> OpenError {
    if let Some(words) = disk::full(folder, &source) {
        return OpenError::Full(words);
    }
    OpenError::NotWritable {
        folder: folder.to_owned(),
        path: path.to_owned(),
        source,
    }
}

/// A folder that was there before keeps its mode; its files are private all the same.
fn warn_of_readers(folder: &Path) {
    let open_to_others =
        fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    if open_to_others {
        // Whoever opens the folder says so to its user, where that is wanted.
        tracing::info!(
            folder = %folder.display(),
            "the data folder is open to other users; chmod 700 closes it"
        );
    }
}
