//! The scanners and the rules of AWS's: pinned, installed under `target/scan`, and run on copies without exceptions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use seatrial::Running;

use super::exceptions::Template;
use super::findings::{self, Finding};

/// Another version may report something else: the result is of these.
pub(super) const PINNED: [&str; 4] = [CHECKOV, GUARD, REGISTRY, CONTROL_TOWER];
const CHECKOV: &str = "checkov==3.3.30";
/// Not the newest: with 3.2 rules of Control Tower's fail that say nothing of the template, for a list that is empty.
/// AWS releases them with this one (`guard-version.json` in their package).
const GUARD: &str = "cfn-guard==3.1.1";
/// AWS Labs' server for agents carries the rules of aws-cloudformation/aws-guard-rules-registry, which are in no
/// package of their own.
const REGISTRY: &str = "awslabs.aws-iac-mcp-server==1.0.26";
/// AWS's validator for the CDK carries Control Tower's proactive controls.
const CONTROL_TOWER: &str = "cdklabs.cdk-validator-cfnguard==0.0.62";

/// What is installed.
pub(super) struct Tools {
    folder: PathBuf,
}

/// Finds the scanners under `target/scan`, or installs them if told to. In an environment of their own: checkov wants
/// an older botocore than the AWS CLI under `target/python` does.
pub(super) fn ensure(running: &Running<'_>, root: &Path, install: bool) -> Result<Tools, String> {
    let folder = root.join("target/scan");
    let marks = PINNED.map(|requirement| folder.join(format!("installed-{requirement}")));
    let tools = Tools { folder };
    if marks.iter().all(|mark| mark.exists()) {
        return Ok(tools);
    }
    if !install {
        return Err(format!(
            "{} are not under `target/scan`: run `cargo xtask scan --install-missing`",
            PINNED.join(", ")
        ));
    }
    tools.install(running)?;
    for mark in marks {
        fs::write(&mark, "").map_err(|error| format!("failed to write `{}`: {error}", mark.display()))?;
    }
    Ok(tools)
}

impl Tools {
    fn install(&self, running: &Running<'_>) -> Result<(), String> {
        let python = self.folder.join("python");
        let rules = self.folder.join("rules");
        running.say("installing checkov, cfn-guard and AWS's rules under target/scan");
        run(running, Command::new("python3").args(["-m", "venv", "--clear"]).arg(&python))?;
        let pip = || {
            let mut pip = Command::new(python.join("bin/pip"));
            pip.args(["install", "--quiet", "--disable-pip-version-check"]);
            pip
        };
        run(running, pip().arg(CHECKOV))?;
        // Of these packages only the rules are wanted.
        let only_data = ["--no-deps", "--upgrade", REGISTRY, CONTROL_TOWER, "--target"];
        run(running, pip().args(only_data).arg(&rules))?;
        let packed = format!("cdk-validator-cfnguard@{}.jsii.tgz", version(CONTROL_TOWER));
        let packed = rules.join("cdklabs/cdk_validator_cfnguard/_jsii").join(packed);
        run(running, Command::new("tar").arg("-xzf").arg(packed).arg("-C").arg(&rules))?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut guard = Command::new(cargo);
        guard.args([
            "install",
            "--quiet",
            "--locked",
            "--force",
            "cfn-guard",
            "--version",
            version(GUARD),
            "--root",
        ]);
        run(running, guard.arg(&self.folder))
    }

    /// The findings in all templates, excepted or not.
    pub(super) fn scan(&self, running: &Running<'_>, templates: &[Template]) -> Result<Vec<Finding>, String> {
        let told = |error: std::io::Error| format!("failed to copy the templates: {error}");
        let copies = tempfile::Builder::new().prefix("scan-").tempdir().map_err(told)?;
        for template in templates {
            let copy = without_metadata(&template.text);
            // On one line, it would be passed over.
            if !Template::parse(&template.file, &copy)?.exceptions.is_empty() {
                return Err(format!("{}: `Metadata` stands on a line of its own", template.path()));
            }
            fs::write(copies.path().join(&template.file), copy).map_err(told)?;
        }
        let mut checkov = Command::new(self.folder.join("python/bin/checkov"));
        // No guidelines from the network.
        checkov.args(["--framework", "cloudformation", "--output", "json", "--skip-download", "--directory"]);
        let checkov = running.output(on(checkov, copies.path()))?;
        let mut found = findings::of_checkov(&checkov.stdout)
            .map_err(|why| format!("{why}\n{}", String::from_utf8_lossy(&checkov.stderr)))?;

        let mut guard = Command::new(self.folder.join("bin/cfn-guard"));
        guard.args(["validate", "--structured", "--show-summary", "none", "--output-format", "json"]);
        guard
            .arg("--rules")
            .arg(self.folder.join("rules/awslabs/aws_iac_mcp_server/data/default_guard_rules.guard"));
        guard.arg("--rules").arg(self.folder.join("rules/package/rules/control-tower/cfn-guard"));
        guard.arg("--data");
        let guard = running.output(on(guard, copies.path()))?;
        let of_guard = findings::of_guard(&guard.stdout, templates.len())
            .map_err(|why| format!("{why}\n{}", String::from_utf8_lossy(&guard.stderr)))?;
        found.extend(of_guard);
        Ok(found)
    }
}

/// What a pin says behind the package's name.
fn version(pinned: &'static str) -> &'static str {
    pinned.split_once("==").map_or("", |(_, version)| version)
}

fn on(mut command: Command, folder: &Path) -> Command {
    command.arg(folder);
    command
}

fn run(running: &Running<'_>, command: &mut Command) -> Result<(), String> {
    let named = command.get_program().to_string_lossy().into_owned();
    let command = std::mem::replace(command, Command::new("true"));
    let status = running.run(command)?;
    if status.success() { Ok(()) } else { Err(format!("`{named}` ended with {status}")) }
}

/// The template as it would be without exceptions: a scanner tells of what it is to pass over only that it did, needed
/// or not. Lines keep their numbers.
fn without_metadata(text: &str) -> String {
    let mut below = None;
    let mut kept = String::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if below.is_some_and(|metadata| !line.trim().is_empty() && indent <= metadata) {
            below = None;
        }
        // Of the template and of its resources; deeper ones are somebody else's.
        if line.trim_end() == "Metadata:" || line.trim_end() == "    Metadata:" {
            below = Some(indent);
        }
        if below.is_none() {
            kept.push_str(line);
        }
        kept.push('\n');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_without_its_metadata_is_the_same_line_by_line() {
        let resource = "  B:\n    Metadata:\n      guard:\n\n        x: 1\n    Type: T\n";
        let text = format!("Metadata:\n  Exceptions: []\nResources:\n{resource}");
        assert_eq!(without_metadata(&text), "\n\nResources:\n  B:\n\n\n\n\n    Type: T\n");
        let deeper = "      Metadata:\n        x: 1\n";
        assert_eq!(without_metadata(deeper), deeper);
    }
}
