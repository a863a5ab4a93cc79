//! Build and check commands, run as `cargo xtask NAME`.
//!
//! `cargo xtask test` is the one command that people and CI run: formatting, lints, documentation
//! and every test, with all its own set-up. Where a tool is missing it says which part was not run
//! and how to get it; with `CI` set that is a failure.

use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

/// One step: what it is called, and the arguments for cargo.
type Step = (&'static str, &'static [&'static str]);

const STEPS: &[Step] = &[
    ("formatting", &["fmt", "--all", "--check"]),
    (
        "lints",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--locked",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ],
    ),
    (
        "documentation",
        &[
            "doc",
            "--workspace",
            "--all-features",
            "--no-deps",
            "--locked",
            "--quiet",
        ],
    ),
    (
        "tests",
        &["test", "--workspace", "--all-features", "--locked"],
    ),
];

/// Parts of a Rust installation that the steps need beside cargo itself.
const TOOLS: &[(&str, &str)] = &[("fmt", "rustfmt"), ("clippy", "clippy")];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["test"] => test(),
        _ => Err(anyhow::anyhow!("usage: cargo xtask test")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn test() -> anyhow::Result<()> {
    let mut skipped = Vec::new();
    for (name, arguments) in STEPS {
        if let Some(tool) = missing_tool(arguments) {
            skipped.push(format!(
                "{name}: not run, get it with `rustup component add {tool}`"
            ));
            continue;
        }
        say(&format!("== {name}: cargo {}", arguments.join(" ")));
        cargo(arguments).with_context(|| format!("{name} failed"))?;
    }
    for line in &skipped {
        say(line);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the environment of a build command is its input"
    )]
    let in_ci = env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false");
    if in_ci && !skipped.is_empty() {
        bail!("parts of the checks were not run");
    }
    Ok(())
}

fn missing_tool(arguments: &[&str]) -> Option<&'static str> {
    let (_, tool) = TOOLS
        .iter()
        .find(|(subcommand, _)| arguments.first() == Some(subcommand))?;
    let probe = Command::new("cargo")
        .args([arguments.first()?, "--version"])
        .output();
    (!probe.is_ok_and(|output| output.status.success())).then_some(tool)
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(arguments)
        .env("RUSTDOCFLAGS", "-D warnings")
        .status()
        .context("cargo did not start")?;
    if !status.success() {
        bail!("cargo {} ended with {status}", arguments.join(" "));
    }
    Ok(())
}

#[expect(
    clippy::print_stderr,
    reason = "this is a command that talks to its user"
)]
fn say(line: &str) {
    eprintln!("{line}");
}
