//! `cargo xtask browser`: the dashboard in a real browser, over real processes (`tests/browser`).
//!
//! Entry points: [`run`], [`screenshots`]. playwright-core is locked there and installed into
//! `target/browser`; the browser is the system's Chromium, from Debian's package where that can be installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::clients::Places;
use crate::clients::tools::NODE;

/// The names under which systems know it.
const CHROMIUM: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// How to get it by hand.
const REMEDY: &str = "get Chromium with `apt-get install chromium`, or from your system's packages";

/// Runs the tests (no arguments, or those of Node's test runner), or measures (`load`). Returns what was not run, and how
/// to get it.
///
/// # Errors
/// When packages cannot be installed, or a test fails.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<Vec<String>> {
    match arguments {
        ["load", rest @ ..] => play("load.mjs", &[], rest),
        _ => play(
            "tests.mjs",
            &[&["--test-reporter=spec"], arguments].concat(),
            &[],
        ),
    }
}

/// Takes a picture of every page into `target/screenshots`.
///
/// # Errors
/// As [`run`].
pub(crate) fn screenshots(arguments: &[&str]) -> anyhow::Result<Vec<String>> {
    play("screenshots.mjs", &[], arguments)
}

/// Runs one script; `before` are arguments for Node, `after` for the script.
fn play(script: &str, before: &[&str], after: &[&str]) -> anyhow::Result<Vec<String>> {
    if let Some(tool) = NODE.missing_tool() {
        let remedy = NODE.remedy;
        return Ok(vec![format!(
            "browser: not run, {tool} is missing, {remedy}"
        )]);
    }
    let Some(chromium) = browser()? else {
        return Ok(vec![format!("browser: not run, {REMEDY}")]);
    };
    let places = Places::of("browser")?;
    NODE.install(&places)?;
    crate::cargo(crate::BINARIES)?;
    crate::say(&format!("== browser: tests/browser/{script}"));
    let target = places
        .installed
        .parent()
        .context("it is installed in the target folder")?;
    let status = Command::new("node")
        .args(before)
        .arg(places.scripts.join(script))
        .args(after)
        .env("BROWSER_PACKAGES", NODE.folder(&places))
        .env("BROWSER_CHROMIUM", chromium)
        .env("BROWSER_GRIDKEEPER", &places.gridkeeper)
        .env("BROWSER_TARGET", target)
        // Nothing leaves this machine, by a proxy neither.
        .env("NO_PROXY", "*")
        .env("no_proxy", "*")
        .status()
        .context("node did not start")?;
    if !status.success() {
        bail!("tests/browser/{script} ended with {status}");
    }
    Ok(Vec::new())
}

/// Finds the system's Chromium, or has it installed where that is allowed.
fn browser() -> anyhow::Result<Option<PathBuf>> {
    if let Some(found) = find(CHROMIUM, &path()) {
        return Ok(Some(found));
    }
    if !(is_root() && find(&["apt-get"], &path()).is_some()) {
        return Ok(None);
    }
    crate::say("== installing Chromium: apt-get install chromium");
    for arguments in [
        &["update", "--quiet=2"][..],
        &["install", "--yes", "--quiet=2", "chromium"][..],
    ] {
        let status = Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .status()
            .context("apt-get did not start")?;
        if !status.success() {
            crate::say(&format!(
                "apt-get {} ended with {status}",
                arguments.join(" ")
            ));
            return Ok(None);
        }
    }
    Ok(find(CHROMIUM, &path()))
}

/// The folders in which programs are looked for.
fn path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}

/// The first of these programs that is in one of the folders.
fn find(names: &[&str], folders: &[PathBuf]) -> Option<PathBuf> {
    let mut all = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.find(|path| Path::is_file(path))
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_its_first_name_that_is_there() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = [own.join("nothing"), own.to_owned(), own.join("src")];
        assert_eq!(
            find(&["no-such-file", "main.rs", "Cargo.toml"], &folders),
            Some(own.join("src").join("main.rs"))
        );
        assert_eq!(find(&["no-such-file"], &folders), None);
        // A folder is no program.
        assert_eq!(find(&["src"], &folders), None);
    }

    #[test]
    fn every_script_that_is_run_is_there() {
        let places = Places::of("browser").unwrap();
        for script in ["tests.mjs", "load.mjs", "screenshots.mjs", NODE_LOCK] {
            assert!(places.scripts.join(script).is_file(), "{script}");
        }
    }

    const NODE_LOCK: &str = "package-lock.json";
}
