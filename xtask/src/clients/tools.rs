//! What the clients are run by: Python in an environment of its own, Node with a folder of its own.
//!
//! Entry points: [`PYTHON`], [`NODE`]. Both are installed once per lock file; a change of that installs anew. Nothing
//! that comes from a registry is run while it is installed.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::{Places, finish};
use crate::say;

/// A probe for a tool: what it is called, and a command that succeeds if it is there.
type Probe = (&'static str, &'static [&'static str]);

/// One way to run scripts.
pub(crate) struct Runtime {
    pub(crate) name: &'static str,
    probes: &'static [Probe],
    /// How to get the tools.
    pub(crate) remedy: &'static str,
    /// The file of the scripts' folder that locks what is installed.
    lock: &'static str,
    /// What is installed beside it, if anything.
    beside: &'static [&'static str],
    /// Its folder in `target/clients`, or wherever it is installed.
    folder: &'static str,
    steps: fn(&Path) -> Vec<Command>,
    interpreter: fn(&Path) -> PathBuf,
    needs_folder: bool,
}

/// Python 3.10 or later.
pub(crate) static PYTHON: Runtime = Runtime {
    name: "Python",
    probes: &[
        ("python3", &["python3", "--version"]),
        (
            "Python 3.10 or later",
            &[
                "python3",
                "-c",
                "import sys; sys.exit(sys.version_info < (3, 10))",
            ],
        ),
        (
            "Python's module venv",
            &["python3", "-c", "import ensurepip, venv"],
        ),
    ],
    remedy: "get it with `apt-get install python3 python3-venv`",
    lock: "requirements.txt",
    beside: &[],
    folder: "python",
    steps: |folder| {
        let mut environment = Command::new("python3");
        environment.args(["-m", "venv"]).arg(folder);
        let mut packages = Command::new(folder.join("bin").join("python"));
        packages
            .args(["-m", "pip", "install", "--quiet", "--no-input"])
            .arg("--disable-pip-version-check")
            // Built packages only: building one runs its code.
            .args([
                "--only-binary",
                ":all:",
                "--require-hashes",
                "--requirement",
            ])
            .arg(folder.join("requirements.txt"));
        vec![environment, packages]
    },
    interpreter: |folder| folder.join("bin").join("python"),
    needs_folder: false,
};

/// Node 20.19 or later, with npm.
pub(crate) static NODE: Runtime = Runtime {
    name: "Node",
    probes: &[
        ("node", &["node", "--version"]),
        (
            "Node 20.19 or later",
            &[
                "node",
                "-e",
                "const [a, b] = process.versions.node.split('.'); process.exit(a * 1000 + +b >= 20019 ? 0 : 1)",
            ],
        ),
        ("npm", &["npm", "--version"]),
    ],
    remedy: "get it with `apt-get install nodejs npm`, or from nodejs.org",
    lock: "package-lock.json",
    beside: &["package.json"],
    folder: "node",
    steps: |folder| {
        let mut packages = Command::new("npm");
        packages
            .args(["ci", "--omit=optional", "--no-audit", "--no-fund"])
            // Built packages only: building one runs its code.
            .arg("--ignore-scripts")
            .current_dir(folder);
        vec![packages]
    },
    interpreter: |_| PathBuf::from("node"),
    needs_folder: true,
};

impl Runtime {
    /// The first tool that is not there.
    pub(crate) fn missing_tool(&self) -> Option<&'static str> {
        let missing = self.probes.iter().find(|(_, command)| !answers(command));
        missing.map(|(tool, _)| *tool)
    }

    /// Installs what is locked, unless just that is installed already.
    pub(crate) fn install(&self, places: &Places) -> anyhow::Result<()> {
        let folder = self.folder(places);
        let lock = places.scripts.join(self.lock);
        let done = folder.join("installed.lock");
        if is_current(&lock, &done) {
            return Ok(());
        }
        say(&format!(
            "== installing for {}, as locked in {}",
            self.name,
            lock.display()
        ));
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("{} cannot be removed", folder.display()))?;
        }
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        for file in self.beside.iter().chain([&self.lock]) {
            let from = places.scripts.join(file);
            fs::copy(&from, folder.join(file))
                .with_context(|| format!("{} cannot be copied", from.display()))?;
        }
        for mut step in (self.steps)(&folder) {
            finish(&mut step).with_context(|| {
                format!(
                    "the packages for {} could not be installed; this needs the package registry",
                    self.name
                )
            })?;
        }
        fs::copy(&lock, &done).with_context(|| format!("{} cannot be written", done.display()))?;
        Ok(())
    }

    /// Where its packages are installed.
    pub(crate) fn folder(&self, places: &Places) -> PathBuf {
        places.installed.join(self.folder)
    }

    /// A command that runs a script.
    pub(crate) fn command(&self, places: &Places) -> Command {
        Command::new((self.interpreter)(&self.folder(places)))
    }

    /// What a script is told beside the simulator's address.
    pub(crate) fn arguments(&self, places: &Places) -> Option<OsString> {
        let folder = self.folder(places);
        self.needs_folder.then(|| folder.into_os_string())
    }
}

/// Whether what was installed is what the lock file asks for now.
fn is_current(lock: &Path, done: &Path) -> bool {
    match (fs::read(lock), fs::read(done)) {
        (Ok(asked), Ok(installed)) => asked == installed,
        _ => false,
    }
}

fn answers(command: &[&str]) -> bool {
    let Some((program, arguments)) = command.split_first() else {
        return false;
    };
    let probe = Command::new(program).args(arguments).output();
    probe.is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_fails_or_is_not_there_is_missing() {
        let runtime = |probes| Runtime { probes, ..NODE };
        assert_eq!(
            runtime(&[("cargo", &["cargo", "--version"])]).missing_tool(),
            None
        );
        let broken: &[Probe] = &[
            ("cargo", &["cargo", "--version"]),
            ("a tool", &["cargo", "no-such-command"]),
            ("another", &["no-such-program-anywhere"]),
        ];
        assert_eq!(runtime(broken).missing_tool(), Some("a tool"));
        assert!(!answers(&["no-such-program-anywhere"]));
        assert!(!answers(&[]));
    }

    #[test]
    fn another_lock_file_installs_anew() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (asked, other) = (own.join("Cargo.toml"), own.join("src").join("main.rs"));
        assert!(is_current(&asked, &asked));
        assert!(!is_current(&asked, &other));
        assert!(!is_current(&asked, &own.join("nothing")));
        assert!(!is_current(&own.join("nothing"), &own.join("nothing")));
    }
}
