//! Processes that end with the test, however it ends.
//!
//! Start at [`Running::start`]. Each is ended by its own id; nothing else on the machine is touched.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

/// A started process, killed when dropped.
pub(crate) struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    log: PathBuf,
}

impl Running {
    /// Starts a command; what it says on standard error goes to a file.
    pub(crate) fn start(mut command: Command, log: &Path) -> Self {
        let errors = File::create(log).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            out,
            log: log.to_owned(),
        }
    }

    /// Reads its output up to the line that holds these words.
    pub(crate) fn line_with(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.out.read_line(&mut line).unwrap();
            assert!(
                read > 0,
                "the process ended without saying {words:?}: {}",
                self.log()
            );
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Kills it at once (SIGKILL) and waits until it is gone.
    pub(crate) fn kill(mut self) {
        assert!(
            self.child.try_wait().unwrap().is_none(),
            "it had ended by itself: {}",
            self.log()
        );
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        assert!(!self.log().contains("panicked"), "{}", self.log());
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    pub(crate) fn end(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(asked.success());
        let status = self.child.wait().unwrap();
        assert!(!self.log().contains("panicked"), "{}", self.log());
        status
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
