//! Putting the functions into the local AWS, as `template.yaml` says, with SAM.
//!
//! Start at [`deploy`]. The functions are the binaries of this profile: they run on this machine.

use std::process::Command;

use anyhow::Context as _;

use crate::tools::{Tool, finish};
use crate::{Places, Region};

/// The stack's name.
pub(crate) const STACK: &str = "gridkeeper";

/// Where SAM puts the packed functions.
const BUCKET: &str = "gridkeeper-deployments";

/// Deploys the template for a simulated exchange at this base URL (`http://127.0.0.1:PORT`).
///
/// # Errors
/// With what SAM says.
pub async fn deploy(places: &Places, region: &Region, exchange: &str) -> anyhow::Result<()> {
    let programs = Tool::Sam.installed(places)?;
    let stage = places.work.join("stage");
    std::fs::create_dir_all(&stage).context("a folder for what is deployed")?;
    std::fs::copy(
        places.root.join("template.yaml"),
        stage.join("template.yaml"),
    )
    .context("template.yaml")?;
    // As `cargo lambda build` lays them down.
    for function in ["handle_fill", "recover"] {
        let folder = stage.join("target/lambda").join(function);
        std::fs::create_dir_all(&folder).context("a folder for a function")?;
        let bootstrap = folder.join("bootstrap");
        let mut strip = Command::new("strip");
        strip
            .arg("-o")
            .arg(&bootstrap)
            .arg(places.binary(function)?);
        // What only a debugger needs makes a package of 50 MB.
        if finish(&mut strip).is_err() {
            std::fs::copy(places.binary(function)?, &bootstrap).context("a function")?;
        }
    }
    let client = reqwest::Client::builder().no_proxy().build()?;
    let bucket = format!("{}/{BUCKET}", region.url());
    let made = client.put(bucket).send().await?;
    anyhow::ensure!(
        made.status().is_success() || made.status().as_u16() == 409,
        "the bucket {BUCKET} cannot be made: {}",
        made.status()
    );
    let mut sam = Command::new(programs.join("sam"));
    sam.current_dir(&stage)
        .envs(region.environment())
        .args(["deploy", "--template-file", "template.yaml"])
        .args(["--stack-name", STACK, "--s3-bucket", BUCKET])
        .args(["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset"])
        .args(["--no-fail-on-empty-changeset", "--parameter-overrides"])
        .arg("Exchange=simulated")
        .arg(format!("ExchangeRest={exchange}"));
    finish(&mut sam)
}
