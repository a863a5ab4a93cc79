//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

/// Where things are.
#[derive(Debug, Clone)]
pub struct Places {
    /// The workspace.
    pub root: PathBuf,
    /// `target/local-aws`.
    pub work: PathBuf,
    /// The folder of the built binaries.
    pub binaries: PathBuf,
}

impl Places {
    /// Finds them from this executable, which Cargo has built beside the others.
    ///
    /// # Errors
    /// When they cannot be told from its path.
    pub fn find() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().context("the workspace's root")?;
        let own = std::env::current_exe().context("this executable has no path")?;
        let binaries = own.parent().context("this executable is in no folder")?;
        let work = root.join("target/local-aws");
        std::fs::create_dir_all(&work)
            .with_context(|| format!("{} cannot be made", work.display()))?;
        Ok(Self {
            root,
            work,
            binaries: binaries.to_owned(),
        })
    }

    /// A built binary.
    ///
    /// # Errors
    /// Says how to build it where it is not there.
    pub fn binary(&self, name: &str) -> anyhow::Result<PathBuf> {
        let binary = self.binaries.join(name);
        ensure!(
            binary.is_file(),
            "there is no {}: build it with `cargo build --workspace --all-features`",
            binary.display()
        );
        Ok(binary)
    }
}
