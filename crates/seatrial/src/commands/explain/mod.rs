//! `cargo xtask explain`: why the last execution of the pipeline, or a given one, ended as it did.
//!
//! Changes nothing. What was kept while the tasks lived is read where it is there: AWS forgets stopped tasks after an
//! hour, and their targets at once.

mod build;
mod check;
mod denied;
mod facts;
mod kept;
mod migration;
mod story;
mod told;

use std::fmt;

use serde::Serialize;

use super::deployed::{Deployed, Place};
use crate::aws::AwsError;
use crate::aws::status::{Progress, execution_progress};
use crate::cli::ExplainArgs;
use crate::context::Ctx;
use crate::exit::Refused;
use crate::outcome::Report;

pub(super) use facts::Facts;
pub(super) use kept::Kept;
pub(super) use story::{Story, tell};
pub(super) use told::Kind;

/// What `explain` prints.
#[derive(Serialize)]
pub(crate) struct Explained {
    pipeline_execution_id: String,
    source_revision: Option<String>,
    /// As AWS spells it.
    status: String,
    /// `null` for an execution that went well, or still runs.
    explanation: Option<Story>,
    /// Where the evidence lies, if any was kept here.
    evidence: Option<String>,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = self.source_revision.as_deref().map_or("an unknown commit", super::released::short);
        write!(f, "execution {} of {revision}: {}", self.pipeline_execution_id, self.status)?;
        if let Some(story) = &self.explanation {
            write!(f, "\n{story}")?;
        }
        match &self.evidence {
            Some(evidence) => write!(f, "\n  evidence: {evidence}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  why: {}", self.what)?;
        for line in &self.evidence {
            write!(f, "\n    {line}")?;
        }
        write!(f, "\n  users: {}", self.users)?;
        self.next.iter().try_for_each(|next| write!(f, "\n  next: {next}"))
    }
}

pub(crate) async fn run(ctx: &Ctx, args: &ExplainArgs) -> anyhow::Result<Report<Explained>> {
    let place = Place::of(&Deployed::read(ctx).await?)?;
    let execution = match &args.execution {
        Some(execution) => execution.clone(),
        None => newest(ctx, &place).await?,
    };
    let found = match ctx.reading(ctx.aws.get_execution(&place.pipeline, &execution)).await {
        Err(error) if is_unknown(&error) => {
            let refused = format!("pipeline `{}` has no execution `{execution}`", place.pipeline);
            return Err(Refused::new(refused).into());
        }
        found => found?,
    };
    let kept = Kept::of(&ctx.root, &execution);
    // Whoever saw it happen knows more than AWS does now.
    let story = match (execution_progress(&found.status), kept.story(&found.status)) {
        (Progress::Running, _) => None,
        (_, Some(story)) => Some(story),
        _ => tell(&Facts::read(ctx, &place, found.clone()).await?).map(|story| story.spelled(&ctx.session)),
    };
    Ok(Report::done(Explained {
        pipeline_execution_id: execution,
        source_revision: found.revision,
        status: found.status,
        explanation: story,
        evidence: kept.there(),
    }))
}

fn is_unknown(error: &anyhow::Error) -> bool {
    let is_it = |error: &AwsError| error.is("PipelineExecutionNotFoundException");
    error.chain().any(|cause| cause.downcast_ref::<AwsError>().is_some_and(is_it))
}

async fn newest(ctx: &Ctx, place: &Place) -> anyhow::Result<String> {
    let executions = ctx.aws.list_executions(&place.pipeline, |found| !found.is_empty());
    let newest = ctx.reading(executions).await?.unwrap_or_default().into_iter().next();
    let none = || Refused::new(format!("pipeline `{}` has had no execution yet", place.pipeline));
    Ok(newest.map(|execution| execution.id).ok_or_else(none)?)
}

#[cfg(test)]
mod tests;
