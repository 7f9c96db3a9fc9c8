//! The templates: what this tool wants of them, and what cfn-lint says.

use tokio::process::Command;

use super::checking::Checking;
use crate::exit::Refused;
use crate::install::{CFN_LINT, ensure_python};
use crate::plan::{self, STACKS_FOLDER};
use crate::process;

/// Errors, warnings and informational findings: there are none.
pub(super) async fn check(checking: &Checking<'_>) -> anyhow::Result<()> {
    let templates = plan::load(checking.root)?;
    let bin = ensure_python(checking.session, checking.root, checking.install_missing, CFN_LINT)?;
    let lint = bin.join("cfn-lint");
    let mut command = Command::new(lint);
    command.args(["--include-checks", "I", "--"]).current_dir(checking.root);
    command.args(templates.iter().map(|template| &template.path));
    let output = process::output(checking.session, command).await?;
    let findings = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && findings.trim().is_empty() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let said = format!("{}{}", findings.trim_end(), errors.trim_end());
    Err(Refused::new(format!("cfn-lint reports on `{STACKS_FOLDER}`:\n{said}")).into())
}
