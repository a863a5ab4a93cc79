//! What is not ours: Python programs, each in an environment of its own, locked with hashes in `tests/aws`.
//!
//! Start at [`Tool::installed`]. Installed once for each lock file; a change of that installs anew.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::{Places, say};

/// A Python program, by the name of its lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Ministack,
    Sam,
    Checkov,
}

impl Tool {
    const fn name(self) -> &'static str {
        match self {
            Self::Ministack => "ministack",
            Self::Sam => "sam",
            Self::Checkov => "checkov",
        }
    }

    /// The folder of its programs, installed if just that is not there yet.
    pub(crate) fn installed(self, places: &Places) -> anyhow::Result<PathBuf> {
        let name = self.name();
        let lock = places.root.join(format!("tests/aws/{name}.txt"));
        let folder = places.work.join(name);
        let done = folder.join("installed.lock");
        let programs = folder.join("bin");
        let locked =
            std::fs::read(&lock).with_context(|| format!("{} not read", lock.display()))?;
        if std::fs::read(&done).is_ok_and(|installed| installed == locked) {
            return Ok(programs);
        }
        say(&format!(
            "== installing {name}, as locked in {}",
            lock.display()
        ));
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("{} cannot be removed", folder.display()))?;
        }
        let mut environment = Command::new("python3");
        environment.args(["-m", "venv"]).arg(&folder);
        finish(&mut environment).context(
            "Python 3.10 or later with venv is needed: get it with `apt-get install python3 python3-venv`",
        )?;
        install(&programs, &lock).with_context(|| {
            format!("{name} could not be installed; this needs the package registry")
        })?;
        std::fs::write(&done, &locked)
            .with_context(|| format!("{} cannot be written", done.display()))?;
        Ok(programs)
    }
}

fn install(programs: &Path, lock: &Path) -> anyhow::Result<()> {
    let mut packages = Command::new(programs.join("python"));
    packages
        .args(["-m", "pip", "install", "--quiet", "--no-input"])
        // The lock names all there is, and built packages only are taken: building one runs its code.
        .args([
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary",
            ":all:",
        ])
        .args(["--require-hashes", "--requirement"])
        .arg(lock);
    finish(&mut packages)
}

/// Runs a command to its end; what it said is told if it fails.
pub(crate) fn finish(command: &mut Command) -> anyhow::Result<()> {
    let output = command
        .stdin(std::process::Stdio::null())
        .output()
        .with_context(|| format!("{} did not start", command.get_program().display()))?;
    if !output.status.success() {
        bail!(
            "{command:?} ended with {}:\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
