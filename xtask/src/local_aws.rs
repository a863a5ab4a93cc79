//! `cargo xtask local-aws`: the real functions on a local AWS (`tests/aws`).

use std::process::Command;

use anyhow::{Context as _, bail};

/// Everything that runs there is of the profile that tests use, so that nothing is compiled for it alone.
const BUILD: &[&str] = &[
    "build",
    "--workspace",
    "--all-features",
    "--locked",
    "--quiet",
    "--bins",
];

/// Builds what is needed, and carries one command out.
///
/// # Errors
/// Where it could not be carried out, or its audits found something; what, it has said then.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    crate::cargo(BUILD)?;
    // Built by Cargo into the same folder as this program, wherever that is.
    let own = std::env::current_exe().context("this program's own path")?;
    let program = own.with_file_name(format!("local-aws{}", std::env::consts::EXE_SUFFIX));
    let status = Command::new(program)
        .args(arguments)
        .status()
        .context("local-aws did not start")?;
    if !status.success() {
        bail!("local-aws {} ended with {status}", arguments.join(" "));
    }
    Ok(())
}
