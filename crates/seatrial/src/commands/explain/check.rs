//! Why the checks of new tasks did not let traffic move, as the program that asked told it in the build's log.

use super::denied::Denied;
use super::told::{Kind, Told};

/// How the program tells its verdict, and what held before (`seatrial_image::check`).
const VERDICT: &str = "stopping deployment ";
const HELD: &str = "check held: ";
/// How it tells a line of a check's own task, and its own error.
const LINE: &str = "| ";
const ERROR: &str = "error: ";
const CAUSE: &str = "  caused by: ";
/// Lines of a task that are told.
const TOLD: usize = 10;

/// Of checks that came to a verdict against the deployment.
pub(super) fn verdict(log: &[String]) -> Option<Told> {
    let verdict = log.iter().find(|line| line.starts_with(VERDICT))?;
    let why = verdict.split_once(": ").map_or(verdict.as_str(), |(_, why)| why);
    let task: Vec<_> = log.iter().filter(|line| line.starts_with(LINE)).collect();
    let held = log.iter().filter(|line| line.starts_with(HELD));
    let evidence = held.chain(task.iter().skip(task.len().saturating_sub(TOLD)).copied());
    Some(Told {
        evidence: evidence.chain([verdict]).cloned().collect(),
        ..Told::new(
            Kind::Check,
            format!("a check stopped the deployment before any traffic was moved: {why}"),
            "mend it and commit it, or change `checks` in infra/project.yml and provision",
        )
    })
}

/// Of checks that came to none, so that CodeDeploy stopped the deployment in the end.
pub(super) fn none_reached(log: &[String]) -> Told {
    let own = |line: &&String| line.starts_with(ERROR) || line.starts_with(CAUSE);
    let evidence: Vec<String> = log.iter().filter(own).cloned().collect();
    if let Some(denied) = Denied::find(&evidence.join("\n")) {
        return Told { evidence, ..denied.told() };
    }
    let what = evidence.first().map_or("its build ended before", |line| line.trim_start_matches(ERROR));
    let what = format!("the checks came to no verdict, so that the deployment was stopped: {what}");
    Told { evidence, ..Told::new(Kind::Check, what, "`release --again` deploys the commit once more") }
}
