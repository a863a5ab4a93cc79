//! Inputs kept in the repository: one folder per target, one file per input.
//!
//! `corpus/TARGET/` holds valid inputs (`seed-...`) and those that once made a reader go a way that
//! no input before had; `regressions/TARGET/` holds those that a reader failed on. The ordinary
//! test gives all of them to their target.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::behaviour::fingerprint;

/// One kept input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its file.
    pub path: PathBuf,
    /// What is in it.
    pub bytes: Vec<u8>,
}

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder that commands are given in.
#[must_use]
pub fn workspace() -> &'static Path {
    home().ancestors().nth(2).unwrap_or(home())
}

/// The folder of a target's inputs.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    home().join("corpus").join(target)
}

/// The folder of the inputs that a target failed on.
#[must_use]
pub fn regressions(target: &str) -> PathBuf {
    home().join("regressions").join(target)
}

/// All inputs kept for a target, by name, those it failed on included.
///
/// # Errors
/// When a folder is there and cannot be read.
pub fn load(target: &str) -> io::Result<Vec<Entry>> {
    let mut entries = read_folder(&folder(target))?;
    entries.extend(read_folder(&regressions(target))?);
    Ok(entries)
}

fn read_folder(folder: &Path) -> io::Result<Vec<Entry>> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing?,
    };
    let mut paths = listing
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            Ok(Entry {
                bytes: fs::read(&path)?,
                path,
            })
        })
        .collect()
}

/// Writes an input into a folder under the name of its content.
///
/// # Errors
/// When it cannot be written.
pub fn keep(folder: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{:016x}", fingerprint(bytes)));
    fs::write(&path, bytes)?;
    Ok(path)
}
