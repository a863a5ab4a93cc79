//! What is under examination now, written down before it starts: a stack that overflows or memory
//! that runs out ends the process, and a hang never ends; the file then still names the culprit.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One thread's record of what it examines.
#[derive(Debug)]
pub struct Flight {
    file: File,
    path: PathBuf,
    /// Milliseconds after the epoch of the watch at which the present input was begun, plus one; 0
    /// between inputs.
    begun: AtomicU64,
    epoch: Instant,
}

impl Flight {
    /// A record in a new file.
    ///
    /// # Errors
    /// When the file cannot be made.
    #[expect(
        clippy::disallowed_methods,
        reason = "a hang is told by the machine's own clock"
    )]
    pub fn new(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::options()
                .create(true)
                .truncate(true)
                .read(true)
                .write(true)
                .open(path)?,
            path: path.to_owned(),
            begun: AtomicU64::new(0),
            epoch: Instant::now(),
        })
    }

    /// Notes what is examined from now on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(&self, target: &str, input: &[u8]) -> io::Result<()> {
        let mut record = format!("{target} {}\n", input.len()).into_bytes();
        record.extend_from_slice(input);
        self.file.write_all_at(&record, 0)?;
        self.begun.store(self.now() + 1, Ordering::Release);
        Ok(())
    }

    /// Notes that it was survived.
    pub fn end(&self) {
        self.begun.store(0, Ordering::Release);
    }

    /// For how long the present input has been under examination.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        match self.begun.load(Ordering::Acquire) {
            0 => Duration::ZERO,
            begun => Duration::from_millis((self.now() + 1).saturating_sub(begun)),
        }
    }

    /// The input noted last, and whose it is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last(&self) -> io::Result<(String, Vec<u8>)> {
        read(&self.path)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The input noted last in a record, and the name of its target.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> io::Result<(String, Vec<u8>)> {
    let record = std::fs::read(path)?;
    let last = || {
        let at = record.iter().position(|byte| *byte == b'\n')?;
        let (target, length) = std::str::from_utf8(&record[..at]).ok()?.split_once(' ')?;
        let input = record.get(at + 1..)?.get(..length.parse().ok()?)?;
        Some((target.to_owned(), input.to_vec()))
    };
    last().ok_or_else(|| io::Error::other("the record holds no input"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_input_is_there_even_after_a_longer_one() {
        let folder = tempfile::tempdir().unwrap();
        let flight = Flight::new(&folder.path().join("f")).unwrap();
        flight.begin("one", b"a longer one\nof two lines").unwrap();
        flight.end();
        assert_eq!(flight.lasts(), Duration::ZERO);
        flight.begin("two", b"short").unwrap();
        assert_eq!(
            flight.last().unwrap(),
            ("two".to_owned(), b"short".to_vec())
        );
    }
}
