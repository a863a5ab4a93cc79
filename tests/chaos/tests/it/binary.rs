//! The `gridkeeper` binary beside the test executable, built if it is missing or older than its sources.
//!
//! Start at [`gridkeeper`]. Cargo hands a binary's path only to the tests of its own package; a whole-workspace test
//! run builds it anyway, a run of this package alone does not.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Where the binary is.
///
/// # Panics
/// Says what is missing, and with which command to build it.
pub(crate) fn gridkeeper() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        // target/<profile>/deps/it-<hash>
        let own = std::env::current_exe().unwrap();
        let profile = own.parent().and_then(Path::parent).unwrap();
        let binary = profile.join("gridkeeper");
        if !is_current(&binary) {
            build(profile);
        }
        assert!(
            binary.is_file(),
            "there is no gridkeeper at {}: build it with `cargo build -p gridkeeper`",
            binary.display()
        );
        binary
    })
}

/// Whether the binary is there and no source of the workspace's crates is newer. Cargo keeps no list of
/// sources beside a binary that a test run has built.
fn is_current(binary: &Path) -> bool {
    let Some(built) = changed(binary) else {
        return false;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let crates = std::fs::read_dir(root.join("crates")).unwrap();
    let mut folders: Vec<PathBuf> = crates.map(|one| one.unwrap().path().join("src")).collect();
    folders.push(root.join("bridge/src"));
    folders.iter().filter_map(|folder| newest(folder)).max() <= Some(built)
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

fn build(profile: &Path) {
    let release = profile.ends_with("release");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "-p", "gridkeeper", "--bin", "gridkeeper"])
        .arg("--target-dir")
        .arg(profile.parent().unwrap())
        .args(release.then_some("--release"))
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let status = cargo.status().unwrap();
    assert!(
        status.success(),
        "gridkeeper could not be built by {cargo:?}: {status}"
    );
}
