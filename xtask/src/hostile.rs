//! `cargo xtask hostile`: many hostile inputs for every reader of outside data.
//!
//! Builds with the profile of the tests, which is optimised and checks more than the release does.

use std::process::Command;

use anyhow::{Context, bail};

/// Builds the hunt and hands it its arguments: `--inputs N [--target T] [--seed S]`, or `--help`.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--locked", "--package", "hostile", "--"])
        .args(arguments)
        .status()
        .context("cargo did not start")?;
    if !status.success() {
        bail!("a reader failed, or the hunt could not be done ({status})");
    }
    Ok(())
}
