//! What `provision` would do to each stack. Reads; the only writes are the change sets it shows.

use std::collections::BTreeMap;
use std::fmt;

use futures_util::future::try_join_all;
use serde::Serialize;

use super::judge::{self, Candidate};
use super::report::StackResult;
use crate::aws::status::{StackPhase, stack_phase};
use crate::aws::{ResourceChange, Stack};
use crate::cli::ProvisionArgs;
use crate::commands::deployed::Deployed;
use crate::context::Ctx;
use crate::stacks::graph::{Graph, NodeId, Outputs};
use crate::stacks::plan::Difference;
use crate::stacks::template::StackTemplate;

/// What is to happen to one stack.
#[derive(Debug, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(super) enum Step {
    Unchanged,
    Create,
    /// A creation that failed left a stack that can only be deleted: deleted, then made.
    Recreate,
    /// An operation runs, or a rollback must be continued: afterwards it is looked at again.
    Join,
    /// Changed by this change set.
    Update {
        change_set: String,
        changes: Vec<ResourceChange>,
    },
    /// What it takes from another stack is not there yet: looked at when it is.
    Later,
}

/// One stack's plan.
#[derive(Debug, Serialize)]
pub(super) struct Planned {
    /// The short name.
    pub stack: String,
    /// The name in AWS.
    pub name: String,
    pub status: String,
    #[serde(flatten)]
    pub step: Step,
    pub differences: Vec<Difference>,
}

/// The plan of all stacks, in the graph's order.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    pub stacks: Vec<Planned>,
    /// Stacks of this environment whose template is gone.
    pub orphans: Vec<String>,
    /// What was there.
    #[serde(skip)]
    pub deployed: Deployed,
}

/// Looks at every stack, several at a time.
pub(super) async fn plan(ctx: &Ctx, graph: &Graph, args: &ProvisionArgs) -> anyhow::Result<Plan> {
    let deployed = Deployed::read(&ctx.aws, &ctx.environment).await?;
    let outputs = deployed.outputs_by_stack();
    let one = |template: &StackTemplate| plan_stack(ctx, graph, (template.name.clone(), &outputs, args));
    let stacks = try_join_all(graph.stacks().map(one)).await?;
    let gone = deployed.stacks.iter().filter(|(name, _)| graph.template(name).is_none());
    let orphans = gone.map(|(_, stack)| stack.name.clone()).collect();
    Ok(Plan { stacks, orphans, deployed })
}

async fn plan_stack(
    ctx: &Ctx,
    graph: &Graph,
    (stack, outputs, args): (String, &Outputs, &ProvisionArgs),
) -> anyhow::Result<Planned> {
    let name = ctx.environment.stack_name(&stack);
    let found = ctx.aws.describe_stack(&name).await?;
    let status = found.as_ref().map(|found| found.status.clone()).unwrap_or_default();
    let mut planned =
        Planned { stack: stack.clone(), name, status, step: Step::Unchanged, differences: Vec::new() };
    match (&found, stack_phase(&planned.status)) {
        (None, _) | (_, StackPhase::Absent | StackPhase::Review) => planned.step = Step::Create,
        (_, StackPhase::DeleteOnly) => planned.step = Step::Recreate,
        (_, StackPhase::InProgress | StackPhase::ContinueRollback | StackPhase::Failed) => {
            planned.step = Step::Join
        }
        (Some(found), StackPhase::Stable | StackPhase::RolledBack) => {
            let values = graph.values(&NodeId::Stack(stack.clone()), outputs);
            if !values.pending.is_empty() {
                planned.step = Step::Later;
                return Ok(planned);
            }
            update(ctx, graph, (&mut planned, found, &values.known), args).await?;
        }
    }
    Ok(planned)
}

async fn update(
    ctx: &Ctx,
    graph: &Graph,
    (planned, found, values): (&mut Planned, &Stack, &BTreeMap<String, String>),
    args: &ProvisionArgs,
) -> anyhow::Result<()> {
    let Some(candidate) = Candidate::of(graph, &ctx.environment, &planned.stack, values) else {
        return Ok(());
    };
    planned.differences = candidate.differences(ctx, found).await?;
    if planned.differences.is_empty() {
        return Ok(());
    }
    if let Some(set) = judge::change_set(ctx, graph, (&candidate, Some(found)), args).await? {
        planned.step = Step::Update { change_set: set.id, changes: set.changes };
    }
    Ok(())
}

impl Plan {
    pub(super) fn has_changes(&self) -> bool {
        self.stacks.iter().any(|planned| !matches!(planned.step, Step::Unchanged))
    }

    /// True if the stack that holds the pipeline is to be made: the pipeline runs when it is.
    pub(super) fn creates_pipeline(&self) -> bool {
        let pipeline = self.stacks.iter().find(|planned| planned.stack == "pipeline");
        pipeline.is_some_and(|planned| matches!(planned.step, Step::Create | Step::Recreate))
    }

    pub(super) fn of(&self, stack: &str) -> Option<&Planned> {
        self.stacks.iter().find(|planned| planned.stack == stack)
    }

    pub(super) fn results(&self) -> Vec<StackResult> {
        let result = |planned: &Planned| StackResult {
            name: planned.name.clone(),
            status: planned.status.clone(),
            changed: !matches!(planned.step, Step::Unchanged),
            duration_s: 0.0,
        };
        self.stacks.iter().map(result).collect()
    }

    /// Deletes the change sets that were made to be shown.
    pub(super) async fn discard(&self, ctx: &Ctx) -> anyhow::Result<()> {
        for planned in &self.stacks {
            if let Step::Update { change_set, .. } = &planned.step {
                ctx.aws.delete_change_set(change_set).await?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for planned in &self.stacks {
            let step = match &planned.step {
                Step::Unchanged => "unchanged",
                Step::Create => "create",
                Step::Recreate => "delete what is left, then create",
                Step::Join => "wait for the operation in flight, then look again",
                Step::Update { .. } => "update",
                Step::Later => "look again when the stacks it needs are there",
            };
            writeln!(f, "  {:<36} {step}", planned.name)?;
            for difference in &planned.differences {
                writeln!(f, "      {difference}")?;
            }
            if let Step::Update { changes, .. } = &planned.step {
                changes.iter().try_for_each(|change| writeln!(f, "      {}", shown(change)))?;
            }
        }
        for orphan in &self.orphans {
            writeln!(f, "  {orphan:<36} has no template any more: left alone (`destroy` includes it)")?;
        }
        Ok(())
    }
}

/// One line a change.
pub(super) fn shown(change: &ResourceChange) -> String {
    let replacement = match change.replacement.as_deref() {
        Some("True") => ", REPLACED",
        Some("Conditional") => ", perhaps replaced",
        _ => "",
    };
    let properties = match change.properties.is_empty() {
        true => String::new(),
        false => format!(" [{}]", change.properties.join(", ")),
    };
    format!("{} {} ({}){properties}{replacement}", change.action, change.logical_id, change.resource_type)
}
