//! The `gridkeeper` binary beside the test executable, built if it is missing or older than its sources.
//!
//! Start at [`gridkeeper`]. Cargo hands a binary's path only to the tests of its own package; a whole-workspace test
//! run builds it anyway, a run of this package alone does not.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context as _, ensure};

/// Where the binary of this profile is: beside this executable, or one folder above where that is a test.
///
/// # Errors
/// Says what is missing, and with which command to build it.
pub fn gridkeeper() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("this executable has no path")?;
    // target/<profile>/chaos, or target/<profile>/deps/it-<hash>
    let folder = own.parent().context("this executable is in no folder")?;
    let profile = if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    let binary = profile.join("gridkeeper");
    if !is_current(&binary)? {
        build(profile)?;
    }
    ensure!(
        binary.is_file(),
        "there is no gridkeeper at {}: build it with `cargo build -p gridkeeper`",
        binary.display()
    );
    Ok(binary)
}

/// Whether the binary is there and no source of the workspace's crates is newer. Cargo keeps no list of
/// sources beside a binary that a test run has built.
fn is_current(binary: &Path) -> anyhow::Result<bool> {
    let Some(built) = changed(binary) else {
        return Ok(false);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let crates = root.join("crates");
    let entries =
        std::fs::read_dir(&crates).with_context(|| format!("{} not read", crates.display()))?;
    let mut folders = vec![root.join("bridge/src")];
    for entry in entries {
        folders.push(entry?.path().join("src"));
    }
    let newest = folders.iter().filter_map(|folder| newest(folder)).max();
    Ok(newest <= Some(built))
}

fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}

/// When the last of a folder's files changed.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            if path.is_dir() {
                newest(&path)
            } else {
                changed(&path)
            }
        })
        .max()
}

fn build(profile: &Path) -> anyhow::Result<()> {
    let release = profile.ends_with("release");
    // As a test run of the whole workspace builds it: with other features, all it depends on would be built once more.
    let package: &[&str] = if release {
        &["-p", "gridkeeper"]
    } else {
        &["--workspace", "--all-features"]
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--locked", "--bin", "gridkeeper"])
        .args(package)
        .arg("--target-dir")
        .arg(profile.parent().unwrap_or(profile))
        .args(release.then_some("--release"))
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let status = cargo.status().context("cargo did not start")?;
    ensure!(
        status.success(),
        "gridkeeper could not be built by {cargo:?}: {status}"
    );
    Ok(())
}
