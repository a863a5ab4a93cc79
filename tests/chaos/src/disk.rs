//! The disk under the data folder, and how it fills up without asking anybody for rights.
//!
//! Start at [`Disk::prepare`]. There are two ways, and a run uses each that works here:
//! * **space**: the data folder lies on a small file system in memory, mounted in a name space of this run alone, and
//!   is then given no more room than is used (`ENOSPC`, as on a disk that is really full);
//! * **size**: files may not grow beyond a limit (`ulimit -f`, `EFBIG` and the signal `SIGXFSZ`), which every system
//!   has. A running process is given it, and freed of it, with `prlimit` where that is there.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use tokio::process::Command;

/// The most the file system in memory may take; only what is used is taken.
const AMPLE: &str = "size=2g";

/// How often room is taken away again when something was written just then.
const TRIES: u32 = 50;

/// `ulimit -f` counts in these, bytes.
const BLOCK: u64 = 512;

/// A way in which a disk is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// No space is left.
    Space,
    /// Files may not grow.
    Size,
}

impl Way {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Space => "no space left",
            Self::Size => "file size limited",
        }
    }
}

/// The disk under the data folder.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    mounted: bool,
    /// Why a way does not work here, or works in part.
    pub(crate) not_possible: Vec<String>,
    prlimit: bool,
}

impl Disk {
    /// Mounts a file system of its own where the data will be, if this process may.
    pub(crate) async fn prepare(folder: &Path, own_mounts: bool) -> anyhow::Result<Self> {
        std::fs::create_dir(folder)?;
        let mut disk = Self {
            folder: folder.to_owned(),
            mounted: false,
            not_possible: Vec::new(),
            prlimit: tried(Command::new("prlimit").arg("--version"))
                .await
                .is_ok(),
        };
        if !disk.prlimit {
            let told = "a limit on file size given to a running process: there is no `prlimit`; \
                        `up` is started under it instead";
            disk.not_possible.push(told.to_owned());
        }
        let mounted = if own_mounts {
            let options = ["-t", "tmpfs", "-o", AMPLE, "-o", "mode=0700", "chaos"];
            disk.mount_with(&options).await
        } else {
            Err(anyhow::anyhow!(
                "`unshare --user --map-root-user --mount` is not allowed"
            ))
        };
        match mounted {
            Ok(()) => disk.mounted = true,
            Err(error) => disk.not_possible.push(format!(
                "a disk without space, as a file system of this run's own: {error:#}"
            )),
        }
        Ok(disk)
    }

    /// In which ways it can be full here.
    pub(crate) fn ways(&self) -> Vec<Way> {
        let space = self.mounted.then_some(Way::Space);
        space.into_iter().chain([Way::Size]).collect()
    }

    /// Whether a running process can be given a limit on file size.
    pub(crate) const fn limits_the_running(&self) -> bool {
        self.prlimit
    }

    /// A command whose files may have at most so many bytes.
    pub(crate) fn under_limit(&self, program: &Path, bytes: Option<u64>) -> Command {
        let Some(bytes) = bytes else {
            return Command::new(program);
        };
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", r#"ulimit -S -f "$0" && exec "$@""#])
            .arg((bytes / BLOCK).to_string())
            .arg(program);
        shell
    }

    /// From now on a running process can write no file beyond so many bytes; without a number there is no limit.
    pub(crate) async fn limit(&self, process: &str, bytes: Option<u64>) -> anyhow::Result<()> {
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let mut command = Command::new("prlimit");
        // Only the soft limit: that one may be raised again by anybody.
        command.args(["--pid", process, &format!("--fsize={limit}:")]);
        tried(&mut command).await
    }

    /// Leaves no room but what is used.
    pub(crate) async fn fill(&self) -> anyhow::Result<()> {
        for _ in 0..TRIES {
            let size = format!("remount,size={}", self.used().await?);
            if self.mount_with(&["-o", &size]).await.is_ok() {
                return Ok(());
            }
            // More was written in between than was used before.
        }
        bail!("the room of {} cannot be taken away", self.folder.display())
    }

    /// There is room again.
    pub(crate) async fn empty(&self) -> anyhow::Result<()> {
        let ample = format!("remount,{AMPLE}");
        self.mount_with(&["-o", &ample]).await
    }

    /// Bytes used on the file system in memory.
    async fn used(&self) -> anyhow::Result<u64> {
        let mut stat = Command::new("stat");
        stat.args(["-f", "-c", "%S %b %f"]).arg(&self.folder);
        let text = String::from_utf8(stat.output().await?.stdout)?;
        let figures: Vec<u64> = text
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let [block, blocks, free] = figures.as_slice() else {
            bail!("stat -f says {text:?}");
        };
        Ok((blocks - free) * block)
    }

    async fn mount_with(&self, options: &[&str]) -> anyhow::Result<()> {
        let mut mount = Command::new("mount");
        mount.args(options).arg(&self.folder);
        tried(&mut mount).await
    }

    /// Copies what lies in memory to where it stays.
    pub(crate) async fn keep(&self, beside: &Path) {
        if !self.mounted {
            return;
        }
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(&self.folder).arg(beside.join("kept"));
        // Whoever looks finds at least the logs.
        drop(tried(&mut copy).await);
    }

    /// Gives the file system in memory back. It is gone with this run anyway.
    pub(crate) async fn release(&self) {
        if self.mounted {
            drop(tried(Command::new("umount").arg(&self.folder)).await);
        }
    }
}

/// Runs a command of the system; what it said if it did not succeed.
async fn tried(command: &mut Command) -> anyhow::Result<()> {
    let name = command.as_std().get_program().to_owned();
    let output = command.output().await;
    let output = output.with_context(|| format!("there is no {}", name.display()))?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{}: {}",
        name.display(),
        told.trim()
    );
    Ok(())
}
