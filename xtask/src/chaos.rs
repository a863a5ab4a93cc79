//! `cargo xtask chaos`: real processes while everything goes wrong at once (`tests/chaos`).

/// Builds in the release profile and lives through one run. What is to be tried is built by the program itself.
const CHAOS: &[&str] = &[
    "run",
    "--release",
    "--locked",
    "--quiet",
    "-p",
    "chaos",
    "--bin",
    "chaos",
    "--",
];

/// One run, as its arguments say.
///
/// # Errors
/// Where anything was wrong; what, it has said then.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    crate::cargo(&[CHAOS, arguments].concat())
}
