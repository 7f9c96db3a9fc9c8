//! Why a migration failed: what its task wrote and how it ended, as the program that ran it told it in the build's log.

use super::build;
use super::denied::Denied;
use super::told::{Kind, Told};
use crate::aws::{ActionRun, Build};

/// The action of the stack `pipeline` that migrates.
const ACTION: &str = "Migrate";
/// How the program tells a line of the task (`seatrial_image::one_off`).
const LINE: &str = "| ";
/// Lines that are told.
const TOLD: usize = 10;

/// Whether the action runs before the deployment, and migrates.
pub(super) fn is_it(failed: Option<&ActionRun>) -> bool {
    failed.is_some_and(|run| run.action == ACTION && run.provider == "CodeBuild")
}

/// Of one whose build ran.
pub(super) fn told(build: &Build, log: &[String], error: &str) -> Told {
    let of_program: Vec<&String> = log.iter().filter(|line| is_of_program(line)).collect();
    let all: Vec<String> = of_program.iter().map(|line| (*line).clone()).collect();
    if let Some(denied) = Denied::find(&all.join("\n")) {
        return Told { evidence: all, ..denied.told() };
    }
    let Some(what) = of_program.first().filter(|_| build.status == "FAILED") else {
        // Its build was stopped, ran out of time or did not come to the program.
        return build::told(build, log, error);
    };
    let what = what.trim_start_matches("error: ").trim_start_matches("failed to migrate: ");
    let lines: Vec<&String> = log.iter().filter(|line| line.starts_with(LINE)).collect();
    let from = lines.len().saturating_sub(TOLD);
    let evidence = lines[from..].iter().map(|line| (*line).clone()).chain(all.iter().cloned()).collect();
    Told {
        evidence,
        ..Told::new(
            Kind::Migration,
            format!("the migration failed before any traffic was moved: {what}"),
            "mend the migration and commit it; what it had changed before it failed is still there (`docs/runbook.md`)",
        )
    }
}

/// The program's own error, and what caused it.
fn is_of_program(line: &str) -> bool {
    line.starts_with("error: ") || line.starts_with("  caused by: ")
}
