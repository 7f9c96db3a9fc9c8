//! What every command leaves behind: its own fields, what failed, whether anything was changed, what to type next.
//! It is always printed, also when the command fails, and the exit code follows from it.

use std::fmt;

use serde::Serialize;

use crate::aws::AwsError;
use crate::exit::{DeadlinePassed, ExitStatus, Failed, Interrupted, Refused, Stuck};
use crate::hint::{Hint, known};
use crate::output::Printer;
use crate::plan::StacksError;
use crate::session::Session;
use seatrial_git::GitError;
use seatrial_project::ProjectError;
use seatrial_project::render::RenderError;

/// What a command hands back: what it did, also where that was not all, and what went wrong.
pub(crate) struct Report<F> {
    pub fields: F,
    pub errors: Vec<anyhow::Error>,
}

impl<F> Report<F> {
    /// Everything went well.
    pub(crate) fn done(fields: F) -> Self {
        Self { fields, errors: Vec::new() }
    }
}

/// One thing that went wrong.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    status: ExitStatus,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
}

/// The object that is printed.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome<F> {
    #[serde(flatten)]
    fields: Option<F>,
    failures: Vec<Failure>,
    changed: bool,
    hints: Vec<String>,
    /// The command that goes on where this one stopped.
    resume: Option<String>,
}

impl<F: fmt::Display> fmt::Display for Outcome<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fields.as_ref().map_or(Ok(()), |fields| fields.fmt(f))
    }
}

/// Prints the outcome and answers the exit code.
pub(crate) fn conclude<F: Serialize + fmt::Display>(
    session: &Session,
    result: anyhow::Result<Report<F>>,
) -> ExitStatus {
    let outcome = Outcome::of(session, result);
    let failures = outcome.failures.iter().map(ToString::to_string);
    let hints = outcome.hints.iter().map(|hint| format!("hint: {hint}"));
    let resume = outcome.resume.iter().map(|resume| format!("to go on: `{resume}`"));
    let notes: Vec<String> = failures.chain(hints).chain(resume).collect();
    let printed = session.printer.conclude(&outcome, &notes);
    if let Err(error) = &printed {
        session.printer.note(Failure::of(error, outcome.changed));
    }
    session.printer.flush();
    let status = outcome.status();
    // Whoever cannot read the object reads the code.
    if printed.is_err() && status == ExitStatus::Done { ExitStatus::Unexpected } else { status }
}

impl<F> Outcome<F> {
    /// What has become of a command.
    pub(crate) fn of(session: &Session, result: anyhow::Result<Report<F>>) -> Self {
        let (fields, mut errors) = match result {
            Ok(report) => (Some(report.fields), report.errors),
            Err(error) => (None, vec![error]),
        };
        // What failed after somebody wanted the command to end is no reason why it ended.
        if session.cancel.is_cancelled()
            && !errors.is_empty()
            && !errors.iter().any(|error| status_of(error) == ExitStatus::Interrupted)
        {
            errors.push(Interrupted.into());
        }
        // Of several stacks that were left each says so.
        let mut told = false;
        errors.retain(|error| {
            status_of(error) != ExitStatus::Interrupted || !std::mem::replace(&mut told, true)
        });
        let changed = session.changes.any();
        let failures: Vec<Failure> = errors.iter().map(|error| Failure::of(error, changed)).collect();
        let mut hints: Vec<String> = Vec::new();
        for hint in errors.iter().flat_map(hints_of) {
            let hint = session.spelled(&hint);
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        // After a refusal half-way the same command goes on, too, once its reason is gone.
        let refused =
            |error: &anyhow::Error| refused(error) || error.chain().any(|cause| cause.is::<AwsError>());
        let stopped = errors.iter().any(refused) && changed;
        let left = matches!(worst(&failures), ExitStatus::Deadline | ExitStatus::Interrupted);
        let goes_on = left || stopped || session.changes.go_on();
        let resume = session.resume.as_ref().filter(|_| goes_on);
        // Whoever agreed agreed to what goes on, not to what was refused.
        let resume = resume.map(|resume| if left { resume.agreed.clone() } else { resume.asked.clone() });
        Self { fields, failures, changed, hints, resume }
    }

    /// The exit code that the failures stand for.
    pub(crate) fn status(&self) -> ExitStatus {
        worst(&self.failures)
    }
}

/// Prints the object for a command line that was not understood.
pub(crate) fn not_understood(printer: &Printer, message: String) -> anyhow::Result<()> {
    let failure = Failure { status: ExitStatus::Usage, message, causes: Vec::new() };
    printer.result(&Outcome::<&str> {
        fields: None,
        failures: vec![failure],
        changed: false,
        hints: Vec::new(),
        resume: None,
    })
}

/// What the worst failure makes of the whole. That something was interrupted says most: then the rest is not known.
fn worst(failures: &[Failure]) -> ExitStatus {
    let order = [
        ExitStatus::Interrupted,
        ExitStatus::Unexpected,
        ExitStatus::Failed,
        ExitStatus::Deadline,
        ExitStatus::Refused,
    ];
    let found = |status: &ExitStatus| failures.iter().any(|failure| failure.status == *status);
    order.into_iter().find(found).unwrap_or(ExitStatus::Done)
}

impl Failure {
    /// A refusal after something was changed, by us or by AWS, is a command that stopped part-way.
    fn of(error: &anyhow::Error, changed: bool) -> Self {
        let by_aws = || error.chain().any(|cause| cause.is::<AwsError>());
        let status = match status_of(error) {
            ExitStatus::Refused if changed => ExitStatus::Failed,
            ExitStatus::Unexpected if changed && by_aws() => ExitStatus::Failed,
            status => status,
        };
        let causes = error.chain().skip(1).map(ToString::to_string).collect();
        Self { status, message: error.to_string(), causes }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        self.causes.iter().try_for_each(|cause| write!(f, "\n  caused by: {cause}"))
    }
}

/// The exit code an error stands for.
fn status_of(error: &anyhow::Error) -> ExitStatus {
    for cause in error.chain() {
        if cause.is::<Interrupted>() {
            return ExitStatus::Interrupted;
        }
        if cause.is::<DeadlinePassed>() {
            return ExitStatus::Deadline;
        }
        if cause.is::<Failed>() || cause.is::<Stuck>() {
            return ExitStatus::Failed;
        }
    }
    if refused(error) { ExitStatus::Refused } else { ExitStatus::Unexpected }
}

fn refused(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<Refused>()
            || cause.is::<ProjectError>()
            || cause.is::<StacksError>()
            || cause.is::<RenderError>()
            || cause.downcast_ref::<GitError>().is_some_and(GitError::is_refusal)
            || cause
                .downcast_ref::<seatrial_image::ImageError>()
                .is_some_and(seatrial_image::ImageError::is_refusal)
            || cause.downcast_ref::<AwsError>().is_some_and(AwsError::is_missing_credentials)
    })
}

/// The hints of every error in the chain, outermost first.
fn hints_of(error: &anyhow::Error) -> Vec<String> {
    let mut hints = Vec::new();
    for cause in error.chain() {
        if let Some(hinted) = cause.downcast_ref::<AwsError>() {
            hints.extend(hinted.hints());
        } else if let Some(hinted) = cause.downcast_ref::<Refused>() {
            hints.extend(hinted.hints());
        } else if let Some(hinted) = cause.downcast_ref::<Stuck>() {
            hints.extend(hinted.hints());
        } else if let Some(hinted) = cause.downcast_ref::<RenderError>() {
            hints.push(hinted.hint().to_owned());
        } else if let Some(hinted) = cause.downcast_ref::<GitError>() {
            hints.extend(hinted.hint().map(str::to_owned));
        } else if let Some(hinted) = cause.downcast_ref::<seatrial_image::ImageError>() {
            hints.extend(hinted.hint().map(str::to_owned));
        }
    }
    hints.extend(known(&format!("{error:#}")));
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::error;
    use crate::output::{Format, Printer};
    use crate::session::Resume;

    fn status(errors: &[anyhow::Error], changed: bool) -> ExitStatus {
        let failures: Vec<Failure> = errors.iter().map(|error| Failure::of(error, changed)).collect();
        worst(&failures)
    }

    #[test]
    fn a_refusal_after_a_change_is_a_command_that_stopped_part_way() {
        let refused = || anyhow::Error::from(Refused::new("no")).context("while provisioning");

        assert_eq!(status(&[refused()], false), ExitStatus::Refused);
        assert_eq!(status(&[refused()], true), ExitStatus::Failed);
        assert_eq!(status(&[], true), ExitStatus::Done);
    }

    #[test]
    fn an_error_of_aws_after_a_change_is_a_command_that_stopped_part_way_too() {
        let denied = || error("AccessDenied", "no", false);

        assert_eq!(status(&[denied().into()], false), ExitStatus::Unexpected);
        assert_eq!(status(&[denied().into()], true), ExitStatus::Failed);
        assert_eq!(status(&[anyhow::anyhow!("what?")], true), ExitStatus::Unexpected);
    }

    #[test]
    fn a_deadline_that_passed_is_told_from_a_failure() {
        let late = || DeadlinePassed { what: "it".to_owned(), patience: std::time::Duration::from_secs(60) };

        assert_eq!(status(&[late().into()], true), ExitStatus::Deadline);
        assert_eq!(
            status(&[anyhow::Error::from(late()).context("while provisioning")], true),
            ExitStatus::Deadline
        );
    }

    #[test]
    fn the_worst_failure_decides() {
        let failed = || anyhow::Error::from(Failed("rolled back".to_owned()));

        assert_eq!(status(&[Refused::new("no").into(), failed()], false), ExitStatus::Failed);
        assert_eq!(status(&[failed(), Interrupted.into()], true), ExitStatus::Interrupted);
        assert_eq!(status(&[failed(), anyhow::anyhow!("what?")], true), ExitStatus::Unexpected);
    }

    #[test]
    fn what_fails_once_the_command_is_to_end_is_an_interruption_and_that_is_told_once() {
        let mut session = Session::new(Printer::new(Format::Text), "cargo xtask");
        let resume = "cargo xtask provision".to_owned();
        session.resume = Some(Resume { agreed: format!("{resume} --yes"), asked: resume });
        let failed = || anyhow::anyhow!("the call under way failed");
        let outcome = |errors| Outcome::<String>::of(&session, Ok(Report { fields: String::new(), errors }));
        assert_eq!(outcome(vec![failed()]).status(), ExitStatus::Unexpected);

        session.cancel.cancel();

        let ended = outcome(vec![failed()]);
        assert_eq!((ended.status(), ended.failures.len()), (ExitStatus::Interrupted, 2));
        assert_eq!(ended.resume.as_deref(), Some("cargo xtask provision --yes"));
        assert_eq!(outcome(vec![Interrupted.into(), Interrupted.into()]).failures.len(), 1);
        // Done is done.
        assert_eq!(outcome(Vec::new()).status(), ExitStatus::Done);
    }

    #[test]
    fn every_outcome_is_one_object_with_the_same_four_fields() {
        let outcome =
            Outcome::<String> { fields: None, failures: vec![], changed: false, hints: vec![], resume: None };

        let text = serde_json::to_string(&outcome).unwrap();

        assert_eq!(text, r#"{"failures":[],"changed":false,"hints":[],"resume":null}"#);
        assert_eq!(outcome.to_string(), "");
    }
}
