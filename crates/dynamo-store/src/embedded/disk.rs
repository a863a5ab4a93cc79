//! Whether the disk under the data folder takes what is written, and what to say when it does not.
//!
//! Start at [`Disk::heard`]. Whatever SQLite refuses because of its disk it takes back as a whole, so nothing that was
//! acknowledged is touched; what was refused is tried again by its caller.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use dynoxide::DynoxideError;

use crate::error::{BEGINNING, MIDDLE};

/// What an operator is to do. Behind "; ", as [`cannot_write`] parts it.
const MEND: &str = "make room on its disk, or lift the limit on the size of its files; nothing acknowledged is lost, \
                    and what runs goes on by itself once it can write";

/// SQLite's words for a disk that takes nothing: `SQLITE_FULL` and `SQLITE_IOERR`. `dynoxide` passes them on within its
/// own; their codes do not come through.
const CAUSES: [&str; 2] = ["database or disk is full", "disk I/O error"];

/// The disk under a data folder.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    /// Whether the last write was refused.
    refuses: AtomicBool,
}

/// What a write shows of the disk that was not known before.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Nothing,
    Refuses,
    TakesAgain,
}

impl Disk {
    pub(crate) fn under(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            refuses: AtomicBool::new(false),
        }
    }

    /// Hears how a write ended, tells the log when the disk begins or ceases to refuse, and gives an error that is the
    /// disk's in words that say what to do.
    pub(crate) fn heard<T>(&self, written: Result<T, DynoxideError>) -> Result<T, DynoxideError> {
        let refused = match &written {
            Ok(_) => None,
            Err(error) => self.refusal(&error.to_string()),
        };
        match self.news(written.is_ok(), refused.is_some()) {
            News::Nothing => {}
            News::Refuses => {
                tracing::error!("{}", refused.as_deref().unwrap_or_default());
            }
            News::TakesAgain => tracing::warn!(
                "the data folder {} can be written again",
                self.folder.display()
            ),
        }
        match refused {
            Some(words) => Err(DynoxideError::InternalServerError(words)),
            None => written,
        }
    }

    fn news(&self, done: bool, refused: bool) -> News {
        if refused && !self.refuses.swap(true, Ordering::Relaxed) {
            return News::Refuses;
        }
        // An error that is not the disk's, such as a lost condition, shows nothing of the disk.
        if done && self.refuses.load(Ordering::Relaxed) {
            self.refuses.store(false, Ordering::Relaxed);
            return News::TakesAgain;
        }
        News::Nothing
    }

    /// The message for an error of the database, if the disk is its cause.
    pub(crate) fn refusal(&self, error: &str) -> Option<String> {
        let cause = CAUSES.iter().find(|cause| error.contains(*cause))?;
        Some(words(&self.folder, cause))
    }
}

/// The message for an error of the file system, if a full disk is its cause.
pub(crate) fn full(folder: &Path, error: &io::Error) -> Option<String> {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), FileTooLarge | QuotaExceeded | StorageFull)
        .then(|| words(folder, &error.to_string()))
}

fn words(folder: &Path, cause: &str) -> String {
    format!("{BEGINNING}{}{MIDDLE}{cause}; {MEND}", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::cannot_write;

    fn disk() -> Disk {
        Disk::under(Path::new("/data"))
    }

    #[test]
    fn news_are_told_once() {
        let disk = disk();
        for (done, refused, news) in [
            (true, false, News::Nothing),
            (false, true, News::Refuses),
            (false, true, News::Nothing),
            (false, false, News::Nothing),
            (true, false, News::TakesAgain),
            (true, false, News::Nothing),
            (false, true, News::Refuses),
        ] {
            assert_eq!(disk.news(done, refused), news);
        }
    }

    #[test]
    fn an_error_of_the_disk_says_what_where_and_how_to_mend_it() {
        for error in [
            "backend: database or disk is full",
            "Internal error: disk I/O error",
        ] {
            let error = DynoxideError::InternalServerError(error.to_owned());
            let heard = disk().heard::<()>(Err(error)).unwrap_err().to_string();
            let (what, mend) = cannot_write(&heard).unwrap();
            assert!(
                what.starts_with("the data folder /data cannot be written: "),
                "{what}"
            );
            assert!(mend.starts_with("make room"), "{mend}");
        }
        let other = DynoxideError::InternalServerError("backend: database is locked".to_owned());
        let heard = disk().heard::<()>(Err(other)).unwrap_err().to_string();
        assert_eq!(
            (heard.as_str(), cannot_write(&heard)),
            ("backend: database is locked", None)
        );
    }

    #[test]
    fn a_file_system_without_space_is_told_from_one_without_rights() {
        let folder = Path::new("/data");
        assert!(full(folder, &io::ErrorKind::StorageFull.into()).is_some());
        assert!(full(folder, &io::ErrorKind::PermissionDenied.into()).is_none());
    }
}
