//! What `provision` would do to each stack. Reads; the only writes are the change sets it shows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::ended::StackResult;
use super::found::Found;
use super::judge::{Candidate, Judge, Judged};
use super::protect::Protection;
use super::{fixed, recover};
use crate::aws::status::{StackPhase, stack_phase};
use crate::aws::{ResourceChange, Stack};
use crate::cli::ProvisionArgs;
use crate::commands::at_once::all;
use crate::commands::change::{self, Overtaken};
use crate::commands::deployed::{Deployed, find_stack};
use crate::context::Ctx;
use crate::plan::difference::Difference;
use crate::plan::graph::{Graph, NodeId, Outputs};
use crate::plan::limits::MAXIMUM_BODY;
use crate::plan::node::{Action, Attempts, Inputs, next};
use crate::plan::owned::Owned;
use crate::plan::template::StackTemplate;

/// What is to happen to one stack.
#[derive(Debug, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(super) enum Step {
    Unchanged,
    /// By this change set, where all that it takes is known already.
    Create {
        change_set: Option<String>,
        changes: Vec<ResourceChange>,
    },
    /// A creation that failed left a stack that can only be deleted: deleted, then made.
    Recreate,
    /// An operation runs: afterwards it is looked at again.
    Join,
    /// An update failed, and its rollback must be begun or continued: afterwards it is looked at again.
    RollBack,
    /// Changed by this change set.
    Update {
        change_set: String,
        changes: Vec<ResourceChange>,
    },
    /// What it takes from another stack is not there yet: looked at when it is.
    Later,
    /// Nothing that this program may do leads out of its state.
    GiveUp,
}

/// One stack's plan, and what it was made from: where that has changed when its turn comes, it is planned again.
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
    /// Parameters whose values are not known yet, each by the stack that will give it.
    pub unknown: BTreeMap<String, String>,
    /// Stacks that are to be changed and whose outputs it takes: what comes of that is not known yet.
    pub follows: Vec<String>,
    /// The stack is to be protected, and is not yet.
    pub unprotected: bool,
    /// The live target group for which the change set was made.
    #[serde(skip)]
    pub live: Option<String>,
    #[serde(skip)]
    inputs: BTreeMap<String, String>,
    #[serde(skip)]
    seen: Option<Seen>,
}

/// A stack as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    id: String,
    status: String,
    updated: Option<Timestamp>,
}

impl Seen {
    fn of(stack: &Stack) -> Self {
        Self { id: stack.id.clone(), status: stack.status.clone(), updated: stack.updated }
    }
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
///
/// # Errors
/// What is wrong with each of them. Then, or if the command is to end, no change set of any is left behind.
pub(super) async fn plan(ctx: &Ctx, graph: &Graph, args: &ProvisionArgs) -> Result<Plan, Vec<anyhow::Error>> {
    let deployed = Deployed::read(ctx).await.map_err(|error| vec![error])?;
    fixed::check(ctx, &deployed).map_err(|refused| vec![refused.into()])?;
    let protection = Protection { ctx, graph, allowed: &args.allow_replace };
    protection.check().map_err(|refused| vec![refused.into()])?;
    let outputs = deployed.outputs_by_stack();
    let routes = deployed.routes(&outputs);
    let judge = Judge { graph, args, routes: routes.as_ref() };
    let one = |template: &StackTemplate| plan_stack(ctx, judge, (template.name.clone(), &deployed, &outputs));
    let (mut stacks, mut errors) = (Vec::new(), Vec::new());
    for planned in all(graph.stacks().map(one)).await {
        match planned {
            Ok(planned) => stacks.push(planned),
            Err(error) => errors.push(error),
        }
    }
    follow(graph, &mut stacks);
    let gone = deployed.stacks.iter().filter(|(name, _)| graph.template(name).is_none());
    let orphans = gone.map(|(_, stack)| stack.name.clone()).collect();
    let plan = Plan { stacks, orphans, deployed };
    if errors.is_empty() {
        return Ok(plan);
    }
    plan.discard(ctx).await;
    Err(errors)
}

/// Tells of each stack that stays as it is whose changes it may follow.
fn follow(graph: &Graph, stacks: &mut [Planned]) {
    let changing = stacks.iter().filter(|planned| !matches!(planned.step, Step::Unchanged));
    let changing: BTreeSet<String> = changing.map(|planned| planned.stack.clone()).collect();
    for planned in stacks.iter_mut().filter(|planned| matches!(planned.step, Step::Unchanged)) {
        let id = NodeId::Stack(planned.stack.clone());
        let taken = graph.after(&id).filter_map(|id| match id {
            NodeId::Stack(name) => changing.get(name).cloned(),
            _ => None,
        });
        planned.follows = taken.collect();
    }
}

async fn plan_stack(
    ctx: &Ctx,
    judge: Judge<'_>,
    (stack, deployed, outputs): (String, &Deployed, &Outputs),
) -> anyhow::Result<Planned> {
    let (graph, name) = (judge.graph, ctx.environment.stack_name(&stack));
    // It was just read; what is not ours, or not there, is looked at by its name.
    let found = match deployed.stacks.get(&stack) {
        Some(found) => Some(found.clone()),
        None => find_stack(ctx, &stack).await?,
    };
    let found = found.map(Found::new);
    let status = found.as_ref().map(|found| found.status.clone()).unwrap_or_default();
    let values = graph.values(&NodeId::Stack(stack.clone()), outputs);
    let mut planned = Planned {
        stack: stack.clone(),
        name,
        status,
        step: Step::Unchanged,
        differences: Vec::new(),
        unknown: values.pending.clone(),
        follows: Vec::new(),
        unprotected: false,
        live: None,
        seen: found.as_deref().map(Seen::of),
        inputs: values.known.clone(),
    };
    let phase = stack_phase(&planned.status);
    let mut inputs = if values.pending.is_empty() { Inputs::Different } else { Inputs::Pending };
    let mut update = None;
    if let (Some(found), StackPhase::Stable | StackPhase::RolledBack) = (&found, phase)
        && inputs == Inputs::Different
        && let Some(template) = graph.template(&stack)
    {
        let candidate = Candidate::of(template, &ctx.environment, values.known);
        planned.differences = candidate.differences(ctx, found).await?;
        if !planned.differences.is_empty() {
            update = match judge.change_set(ctx, &candidate, Some(found)).await {
                // Somebody else has begun something since: that is waited for when its turn comes.
                Err(error) if error.is::<Overtaken>() => {
                    planned.step = Step::Join;
                    return Ok(planned);
                }
                made => made?,
            };
        }
        inputs = if update.is_some() { Inputs::Different } else { Inputs::Same };
    }
    let action = next(phase, inputs, &Attempts::default());
    recover::check(ctx, (&stack, found.as_deref()), action, judge.args).await?;
    if action == Action::Create {
        update = creation(ctx, judge, (&planned, outputs)).await?;
    }
    planned.step = match (action, update) {
        (Action::Nothing, _) => Step::Unchanged,
        // A creation waits for nothing to be shown: what it takes is there when its turn comes.
        (Action::Wait, _) if found.is_none() || phase == StackPhase::Review => {
            Step::Create { change_set: None, changes: Vec::new() }
        }
        (Action::Wait, _) => Step::Later,
        (Action::Create, Some(judged)) => {
            planned.live = judged.live;
            Step::Create { change_set: Some(judged.set.id), changes: judged.set.changes }
        }
        (Action::Create, None) => Step::Create { change_set: None, changes: Vec::new() },
        (Action::Clear, _) => Step::Recreate,
        (Action::Join, _) => Step::Join,
        (Action::RollBack | Action::ContinueRollback, _) => Step::RollBack,
        (Action::Update, Some(judged)) => {
            planned.live = judged.live;
            Step::Update { change_set: judged.set.id, changes: judged.set.changes }
        }
        (Action::Update | Action::GiveUp, _) => Step::GiveUp,
    };
    if let (Step::Unchanged, Some(found), Some(template)) = (&planned.step, &found, graph.template(&stack)) {
        let protection = Protection { ctx, graph, allowed: &judge.args.allow_replace };
        planned.unprotected = protection.missing(template, found).await?.is_any();
    }
    Ok(planned)
}

/// The change set that makes a stack, where everything for it is there.
async fn creation(
    ctx: &Ctx,
    judge: Judge<'_>,
    (planned, outputs): (&Planned, &Outputs),
) -> anyhow::Result<Option<Judged>> {
    // One that is sent through a bucket is shown once there is one.
    let can_be_sent = |template: &&StackTemplate| {
        let owned = Owned::ArtifactBucketName;
        let bucket = outputs.get(owned.stack()).is_some_and(|outputs| outputs.contains_key(owned.name()));
        template.text.len() <= MAXIMUM_BODY || bucket
    };
    let Some(template) = judge.graph.template(&planned.stack).filter(can_be_sent) else { return Ok(None) };
    let candidate = Candidate::of(template, &ctx.environment, planned.inputs.clone());
    match judge.change_set(ctx, &candidate, None).await {
        // Somebody else makes it: it is joined when its turn comes.
        Err(error) if error.is::<Overtaken>() => Ok(None),
        made => made,
    }
}

impl Planned {
    /// The change set that was shown, if it still fits: it does as long as neither what the stack takes nor the stack
    /// itself has changed since.
    pub(super) fn change_set(&self, stack: &Stack, inputs: &BTreeMap<String, String>) -> Option<&str> {
        match &self.step {
            Step::Update { change_set, .. }
                if self.inputs == *inputs && self.seen.as_ref() == Some(&Seen::of(stack)) =>
            {
                Some(change_set)
            }
            // What is made holds nothing yet, whoever has made change sets for it.
            Step::Create { change_set, .. }
                if self.inputs == *inputs && stack_phase(&stack.status) == StackPhase::Review =>
            {
                change_set.as_deref()
            }
            _ => None,
        }
    }

    /// The change set that was made to be shown, whether or not it still fits.
    pub(super) fn shown_change_set(&self) -> Option<&str> {
        match &self.step {
            Step::Update { change_set, .. } => Some(change_set),
            Step::Create { change_set, .. } => change_set.as_deref(),
            _ => None,
        }
    }

    /// What was shown of this stack.
    pub(super) fn shown_changes(&self) -> &[ResourceChange] {
        match &self.step {
            Step::Update { changes, .. } | Step::Create { changes, .. } => changes,
            _ => &[],
        }
    }
}

impl Plan {
    /// Closes what an earlier run has left open of the stacks that are to change; of the others the plan tells it.
    pub(super) async fn close_left(&self, protection: Protection<'_>) {
        let one = |planned: &Planned| {
            let (short, stack) = (planned.stack.clone(), self.deployed.stacks.get(&planned.stack).cloned());
            let stack = stack.filter(|_| !matches!(planned.step, Step::Unchanged));
            async move {
                match stack {
                    Some(stack) => protection.close_left(&short, &stack).await,
                    None => Ok(()),
                }
            }
        };
        for closed in all(self.stacks.iter().map(one)).await {
            if let Err(error) = closed {
                protection.ctx.printer().warning(format_args!("a stack policy may be open: {error:#}"));
            }
        }
    }

    pub(super) fn has_changes(&self) -> bool {
        self.stacks.iter().any(|planned| planned.unprotected || !matches!(planned.step, Step::Unchanged))
    }

    /// True if the stack that holds the pipeline is to be made: the pipeline runs when it is.
    pub(super) fn creates_pipeline(&self) -> bool {
        self.creates("pipeline")
    }

    /// True if the stack of that short name is to be made.
    pub(super) fn creates(&self, stack: &str) -> bool {
        self.of(stack).is_some_and(|planned| matches!(planned.step, Step::Create { .. } | Step::Recreate))
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

    /// Deletes the change sets that were made to be shown; whether all could be.
    pub(super) async fn discard(&self, ctx: &Ctx) -> bool {
        let one = |planned: &Planned| {
            let (name, set) = (planned.name.clone(), planned.shown_change_set().map(str::to_owned));
            let creates = matches!(planned.step, Step::Create { .. });
            async move {
                match set {
                    Some(set) if creates => change::withdraw(ctx, &name, &set).await,
                    Some(set) => change::discard(ctx, &set).await,
                    None => true,
                }
            }
        };
        all(self.stacks.iter().map(one)).await.into_iter().all(|gone| gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(updated: i64) -> Stack {
        Stack {
            id: "arn:s".to_owned(),
            status: "UPDATE_COMPLETE".to_owned(),
            updated: Timestamp::from_second(updated).ok(),
            ..Stack::default()
        }
    }

    #[test]
    fn a_change_set_fits_only_the_inputs_and_the_stack_it_was_made_for() {
        let inputs = |value: &str| BTreeMap::from([("VpcId".to_owned(), value.to_owned())]);
        let planned = Planned {
            stack: "s".to_owned(),
            name: "s".to_owned(),
            status: String::new(),
            step: Step::Update { change_set: "arn:set".to_owned(), changes: Vec::new() },
            differences: Vec::new(),
            unknown: BTreeMap::new(),
            follows: Vec::new(),
            unprotected: false,
            live: None,
            inputs: inputs("vpc-1"),
            seen: Some(Seen::of(&stack(1))),
        };

        assert_eq!(planned.change_set(&stack(1), &inputs("vpc-1")), Some("arn:set"));
        assert_eq!(planned.change_set(&stack(1), &inputs("vpc-2")), None);
        assert_eq!(planned.change_set(&stack(2), &inputs("vpc-1")), None);
    }
}
