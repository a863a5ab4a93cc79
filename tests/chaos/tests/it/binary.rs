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

/// Whether the binary is there and no source is newer, by the list that cargo keeps beside it.
fn is_current(binary: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    let Some(built) = changed(binary) else {
        return false;
    };
    let Ok(list) = std::fs::read_to_string(binary.with_extension("d")) else {
        return false;
    };
    let sources = list.split_once(": ").map_or("", |(_, sources)| sources);
    let newest = sources.split_whitespace().map(Path::new).map(changed);
    newest.flatten().max().unwrap_or(SystemTime::UNIX_EPOCH) <= built
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
