//! `cargo xtask local-aws`: the real functions on a local AWS (`tests/aws`).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// How to get what it needs.
const REMEDY: &str = "get Python 3.10 or later with `apt-get install python3 python3-venv`";

/// Builds the functions as they are deployed: by themselves, for what another package of the same build asks of a shared
/// one (the embedded store) would be part of them too.
const FUNCTIONS: &[&str] = &[
    "build",
    "--release",
    "--locked",
    "--quiet",
    "--package",
    "functions",
    "--bins",
];

/// Builds what they are measured with.
const MEASURING: &[&str] = &[
    "build",
    "--release",
    "--all-features",
    "--locked",
    "--quiet",
    "--bins",
    "--package",
    "bridge",
    "--package",
    "gridkeeper",
    "--package",
    "local-aws",
];

/// A short drive, the named cases, and the template as the linters judge it. Returns what was not run, and how to get it.
///
/// # Errors
/// As [`run`].
pub(crate) fn test() -> anyhow::Result<Vec<String>> {
    let probe = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
    let python = Command::new("python3").args(["-c", probe]).output();
    if !python.is_ok_and(|python| python.status.success()) {
        return Ok(vec![format!("local AWS: not run, {REMEDY}")]);
    }
    crate::say("== local AWS: cargo xtask local-aws check");
    run(&["check"])?;
    crate::say("== local AWS: cargo xtask local-aws drive --for 30s --faults some");
    run(&["drive", "--for", "30s", "--faults", "some"])?;
    crate::say("== local AWS: cargo xtask local-aws cases");
    run(&["cases"])?;
    Ok(Vec::new())
}

/// Builds what is needed, and carries one command out.
///
/// # Errors
/// Where it could not be carried out, or its audits found something; what, it has said then.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    // What is measured is built as it is shipped.
    let is_measured = arguments.first() == Some(&"measure");
    if is_measured {
        crate::cargo(MEASURING)?;
        crate::cargo(FUNCTIONS)?;
    } else {
        crate::cargo(crate::BINARIES)?;
    }
    let program = program(is_measured)?;
    let status = Command::new(program)
        .args(arguments)
        .status()
        .context("local-aws did not start")?;
    if !status.success() {
        bail!("local-aws {} ended with {status}", arguments.join(" "));
    }
    Ok(())
}

/// The program behind the command: built by Cargo beside this one, wherever that is, or into the folder of release builds.
fn program(is_release: bool) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("this program's own path")?;
    let name = format!("local-aws{}", std::env::consts::EXE_SUFFIX);
    if !is_release {
        return Ok(own.with_file_name(name));
    }
    let target = own.parent().and_then(Path::parent);
    let target = target.context("this program is in no target folder")?;
    Ok(target.join("release").join(name))
}
