//! The templates as the linters judge them.

use std::process::Command;

use crate::Places;
use crate::tools::{Tool, finish};

/// What is judged, from the tree's root.
const TEMPLATES: [&str; 3] = ["template.yaml", "infra/bridge.yaml", "infra/kept.yaml"];

/// Has the templates judged by SAM, cfn-lint and checkov; each skip has its reason beside it in the template.
///
/// # Errors
/// With what they find.
pub fn check(places: &Places) -> anyhow::Result<()> {
    let sam = Tool::Sam.installed(places)?;
    let checkov = Tool::Checkov.installed(places)?;
    for template in TEMPLATES {
        let mut validate = Command::new(sam.join("sam"));
        validate
            .args(["validate", "--lint", "--template-file", template])
            .env("SAM_CLI_TELEMETRY", "0")
            .env("AWS_DEFAULT_REGION", "eu-west-1");
        let mut lint = Command::new(sam.join("cfn-lint"));
        lint.arg(template);
        let mut judge = Command::new(checkov.join("checkov"));
        judge
            .args(["--framework", "cloudformation", "--skip-download"])
            .args(["--compact", "--quiet", "--file", template]);
        for command in [&mut validate, &mut lint, &mut judge] {
            finish(command.current_dir(&places.root))?;
        }
    }
    Ok(())
}
