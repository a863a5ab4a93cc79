//! The template as the linters judge it.

use std::process::Command;

use crate::Places;
use crate::tools::{Tool, finish};

/// Has `template.yaml` judged by SAM, cfn-lint and checkov; each skip has its reason beside it in the template.
///
/// # Errors
/// With what they find.
pub fn check(places: &Places) -> anyhow::Result<()> {
    let sam = Tool::Sam.installed(places)?;
    let checkov = Tool::Checkov.installed(places)?;
    let mut validate = Command::new(sam.join("sam"));
    validate
        .args(["validate", "--lint", "--template-file", "template.yaml"])
        .env("SAM_CLI_TELEMETRY", "0")
        .env("AWS_DEFAULT_REGION", "eu-west-1");
    let mut lint = Command::new(sam.join("cfn-lint"));
    lint.arg("template.yaml");
    let mut judge = Command::new(checkov.join("checkov"));
    judge
        .args(["--framework", "cloudformation", "--skip-download"])
        .args(["--compact", "--quiet", "--file", "template.yaml"]);
    for command in [&mut validate, &mut lint, &mut judge] {
        finish(command.current_dir(&places.root))?;
    }
    Ok(())
}
