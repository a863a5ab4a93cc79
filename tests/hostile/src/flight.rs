//! What is under examination now, written down before it starts: a stack that overflows or memory
//! that runs out ends the process, and a hang never ends; the file then still names the culprit.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One thread's record of what it examines.
#[derive(Debug)]
pub struct Flight {
    file: File,
    path: PathBuf,
    /// How many inputs were begun, and how many of them ended.
    begun: AtomicU64,
    ended: AtomicU64,
    /// The thread that examines, as the system numbers it; 0 before the first input.
    thread: AtomicU64,
}

impl Flight {
    /// A record in a new file.
    ///
    /// # Errors
    /// When the file cannot be made.
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
            ended: AtomicU64::new(0),
            thread: AtomicU64::new(0),
        })
    }

    /// Notes what this thread examines from now on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(&self, target: &str, input: &[u8]) -> io::Result<()> {
        let mut record = format!("{target} {}\n", input.len()).into_bytes();
        record.extend_from_slice(input);
        self.file.write_all_at(&record, 0)?;
        if self.thread.load(Ordering::Relaxed) == 0 {
            self.thread.store(thread_number()?, Ordering::Relaxed);
        }
        self.begun.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Notes that it was survived.
    pub fn end(&self) {
        self.ended.fetch_add(1, Ordering::Release);
    }

    /// Which input is under examination now; `None` between two of them.
    #[must_use]
    pub fn present(&self) -> Option<u64> {
        let begun = self.begun.load(Ordering::Acquire);
        (begun > self.ended.load(Ordering::Acquire)).then_some(begun)
    }

    /// The processor's time that the thread has had so far: on a busy machine that is much less than
    /// the time that went by. Zero where the system does not tell.
    #[must_use]
    pub fn computed(&self) -> Duration {
        let thread = self.thread.load(Ordering::Relaxed);
        let told = std::fs::read_to_string(format!("/proc/self/task/{thread}/schedstat"));
        let nanos = told
            .ok()
            .and_then(|told| told.split(' ').next()?.parse().ok());
        Duration::from_nanos(nanos.unwrap_or(0))
    }

    /// The input noted last, and whose it is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last(&self) -> io::Result<(String, Vec<u8>)> {
        read(&self.path)
    }
}

/// The number of the calling thread; 0 where the system has no such numbers.
fn thread_number() -> io::Result<u64> {
    let link = match std::fs::read_link("/proc/thread-self") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        link => link?,
    };
    let number = link
        .file_name()
        .and_then(|name| name.to_str()?.parse().ok());
    Ok(number.unwrap_or(0))
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
        assert_eq!(flight.present(), Some(1));
        flight.end();
        assert_eq!(flight.present(), None);
        flight.begin("two", b"short").unwrap();
        assert_eq!(
            flight.last().unwrap(),
            ("two".to_owned(), b"short".to_vec())
        );
    }
}
