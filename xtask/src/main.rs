//! Build and check commands, run as `cargo xtask NAME`.
//!
//! `cargo xtask test` is the one command that people and CI run: formatting, lints, documentation,
//! every test, the dashboard in a browser, and a grid on a local AWS, with all its own set-up. Where a tool is missing it says which part was not run
//! and how to get it; with `CI` set that is a failure.
//!
//! The others look further than a test run may (`docs/guarantees.md`): `cargo xtask simulate` lives
//! through many seeds of the simulation, `cargo xtask exhaust` tries everything in every order in a
//! small world, `cargo xtask hostile` gives every reader bytes that nobody sane would send, `cargo xtask
//! clients` runs clients that did not come from this project against the
//! simulator, `cargo xtask chaos` lets real processes trade while everything goes wrong at once, `cargo xtask local-aws`
//! does so with the functions deployed to a local AWS. `cargo xtask browser` opens the dashboard in a browser,
//! as a test run does, and `cargo xtask screenshots` takes pictures of it.

mod browser;
mod chaos;
mod clients;
mod hostile;
mod local_aws;

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

/// What the steps need beside cargo itself: the subcommand, and the command that gets it.
const TOOLS: &[(&str, &str)] = &[
    ("fmt", "rustup component add rustfmt"),
    ("clippy", "rustup component add clippy"),
];

/// Builds the programs that are tried as processes, with the profile and the features that tests use, so that nothing is
/// compiled for them alone.
const BINARIES: &[&str] = &[
    "build",
    "--workspace",
    "--all-features",
    "--locked",
    "--quiet",
    "--bins",
];

/// A program of the simulation (`tests/simulation`), by its name.
const SIMULATION: &[&str] = &[
    "run",
    "--release",
    "--locked",
    "--quiet",
    "-p",
    "simulation",
    "--bin",
];

const USAGE: &str = "\
usage: cargo xtask test
       cargo xtask simulate [--seeds N] [--from S] [--jobs J]
       cargo xtask simulate --seed S [--trace]
       cargo xtask simulate --mistake NAME|all [--seeds N]
       cargo xtask exhaust [--prints P] [--recoveries R] [--faults F] [--waits W]
       cargo xtask hostile [--inputs N] [--target T] [--seed S]
       cargo xtask clients
       cargo xtask browser [--test-name-pattern=WORDS | load]
       cargo xtask screenshots
       cargo xtask chaos [--for DUR] [--seed S] [--kills N] [--json]
       cargo xtask local-aws up|deploy|cases|measure|check|down
       cargo xtask local-aws drive [--for DUR] [--faults HOW] [--seed S]";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["test"] => run(STEPS, answers, cargo)
            .and_then(|skipped| Ok([skipped, browser::run(&[])?, local_aws::test()?].concat()))
            .and_then(finish),
        ["simulate", rest @ ..] => cargo(&[SIMULATION, &["simulate", "--"], rest].concat()),
        ["exhaust", rest @ ..] => cargo(&[SIMULATION, &["exhaust", "--"], rest].concat()),
        ["hostile", rest @ ..] => hostile::run(rest),
        ["clients"] => clients::run().and_then(finish),
        ["browser", rest @ ..] => browser::run(rest).and_then(finish),
        ["screenshots", rest @ ..] => browser::screenshots(rest).and_then(finish),
        ["chaos", rest @ ..] => chaos::run(rest),
        ["local-aws", rest @ ..] => local_aws::run(rest),
        _ => Err(anyhow::anyhow!("{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Says what was not run, and whether that may be.
fn finish(skipped: Vec<String>) -> anyhow::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the environment of a build command is its input"
    )]
    let ci = env::var("CI").ok();
    for line in &skipped {
        say(line);
    }
    judge(&skipped, is_ci(ci.as_deref()))
}

/// Runs the steps whose tool is there; says of the others how to get theirs.
fn run(
    steps: &[Step],
    is_there: impl Fn(&str) -> bool,
    run: impl Fn(&[&str]) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<String>> {
    let mut skipped = Vec::new();
    for (name, arguments) in steps {
        if let Some(remedy) = missing_tool(arguments, &is_there) {
            skipped.push(format!("{name}: not run, get it with `{remedy}`"));
            continue;
        }
        say(&format!("== {name}: cargo {}", arguments.join(" ")));
        run(arguments).with_context(|| format!("{name} failed"))?;
    }
    Ok(skipped)
}

/// Nobody reads what CI skipped, so there a part that was not run is a failure.
fn judge(skipped: &[String], in_ci: bool) -> anyhow::Result<()> {
    if in_ci && !skipped.is_empty() {
        bail!("parts of the checks were not run");
    }
    Ok(())
}

/// Whether the variable `CI` says that nobody looks on.
fn is_ci(value: Option<&str>) -> bool {
    value.is_some_and(|value| !value.is_empty() && value != "false")
}

/// How to get the tool of a step, if it is not there.
fn missing_tool(arguments: &[&str], is_there: impl Fn(&str) -> bool) -> Option<&'static str> {
    let (subcommand, remedy) = TOOLS
        .iter()
        .find(|(subcommand, _)| arguments.first() == Some(subcommand))?;
    (!is_there(subcommand)).then_some(remedy)
}

/// Whether cargo knows a subcommand.
fn answers(subcommand: &str) -> bool {
    let probe = Command::new("cargo")
        .args([subcommand, "--version"])
        .output();
    probe.is_ok_and(|output| output.status.success())
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_step_without_its_tool_is_skipped_with_a_remedy_and_the_rest_is_run() {
        let ran = RefCell::new(Vec::new());
        let skipped = run(
            STEPS,
            |subcommand| subcommand != "clippy",
            |arguments| {
                ran.borrow_mut()
                    .push(arguments.first().copied().unwrap_or_default().to_owned());
                Ok(())
            },
        );
        assert_eq!(
            skipped.unwrap(),
            ["lints: not run, get it with `rustup component add clippy`"]
        );
        assert_eq!(*ran.borrow(), ["fmt", "doc", "test"]);
    }

    #[test]
    fn the_first_step_that_fails_ends_the_run_and_is_named() {
        let fails = |arguments: &[&str]| match arguments.first() {
            Some(&"clippy") => bail!("a lint"),
            _ => Ok(()),
        };
        let error = run(STEPS, |_| true, fails).unwrap_err();
        assert_eq!(format!("{error:#}"), "lints failed: a lint");
    }

    #[test]
    fn what_was_skipped_is_a_failure_where_nobody_looks_on() {
        let skipped = ["formatting: not run".to_owned()];
        assert!(judge(&skipped, false).is_ok());
        assert!(judge(&[], true).is_ok());
        assert!(judge(&skipped, true).is_err());
        for (value, ci) in [
            (None, false),
            (Some(""), false),
            (Some("false"), false),
            (Some("true"), true),
            (Some("1"), true),
        ] {
            assert_eq!(is_ci(value), ci, "{value:?}");
        }
    }

    #[test]
    fn every_tool_is_one_of_a_step() {
        for (subcommand, _) in TOOLS {
            assert!(
                STEPS
                    .iter()
                    .any(|(_, arguments)| arguments.first() == Some(subcommand))
            );
        }
    }
}
