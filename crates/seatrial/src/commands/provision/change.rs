//! One stack's way through a change set: made, waited for, judged, executed, followed.

use std::time::Duration;

use crate::aws::status::{StackPhase, stack_phase};
use crate::aws::{AwsError, ChangeSet, ChangeSetRequest, Parameter, Stack, StackEvent};
use crate::context::Ctx;
use crate::exit::Failed;
use crate::follow::{Look, StackEnd, follow_stack, root_cause};

/// CloudFormation validates for a minute or two at the most.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Makes a change set and waits until it is ready. `None`: it holds no changes, and is deleted again.
pub(super) async fn make(ctx: &Ctx, request: &ChangeSetRequest<'_>) -> anyhow::Result<Option<ChangeSet>> {
    let id = ctx.aws.create_change_set(request).await?;
    let mut poll = ctx.watch().poll(format!("the change set on stack `{}`", request.stack_name), PATIENCE);
    let made = poll
        .until(async || {
            let set = ctx.aws.describe_change_set(&id).await?;
            let ended = matches!(set.status.as_str(), "CREATE_COMPLETE" | "FAILED");
            Ok(if ended { Look::Ended(set) } else { Look::Nothing })
        })
        .await;
    let failed = match made {
        Ok(set) if set.status == "CREATE_COMPLETE" => return Ok(Some(set)),
        Ok(set) => Ok(set),
        Err(error) => Err(error),
    };
    // Nobody else would: a change set that is left over hinders nothing, but it is ours.
    ctx.aws.delete_change_set(&id).await?;
    let reason = failed?.status_reason.unwrap_or_default();
    if is_empty(&reason) {
        return Ok(None);
    }
    let stack = request.stack_name;
    Err(Failed(format!("the change set on stack `{stack}` is FAILED: {reason}")).into())
}

/// AWS's two wordings for a change set without changes.
fn is_empty(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

/// A change set's name; AWS wants a letter first and at most 128 characters.
pub(super) fn name() -> String {
    format!("seatrial-{:08x}", rand::random::<u32>())
}

/// How the execution of a change set ended.
pub(super) enum Executed {
    Done(Stack),
    /// Somebody else changed the stack in between, so that the change set is gone or useless: look again.
    Overtaken,
}

/// Executes a change set and follows it.
pub(super) async fn execute(ctx: &Ctx, stack_name: &str, change_set: &str) -> anyhow::Result<Executed> {
    let Some(stack) = ctx.aws.describe_stack(stack_name).await? else { return Ok(Executed::Overtaken) };
    let last = ctx.aws.newest_stack_event(&stack.id).await?;
    match ctx.aws.execute_change_set(change_set).await {
        Ok(()) => settle(ctx, (stack_name, &stack.id), last).await.map(Executed::Done),
        Err(error) if is_overtaken(&error) => Ok(Executed::Overtaken),
        Err(error) => Err(error.into()),
    }
}

/// What AWS says when another operation came first: an executed change set deletes the others of its stack.
fn is_overtaken(error: &AwsError) -> bool {
    let busy = error.is("ValidationError") && error.reason.contains("_IN_PROGRESS");
    error.is("ChangeSetNotFound")
        || error.is("ChangeSetNotFoundException")
        || error.is("InvalidChangeSetStatus")
        || error.is("InvalidChangeSetStatusException")
        || busy
}

/// Follows the operation in flight to its end; a failure or a rollback is an error with its root cause.
async fn settle(ctx: &Ctx, (stack_name, id): (&str, &str), last: Option<String>) -> anyhow::Result<Stack> {
    let end = follow_stack(ctx.watch(), (stack_name, id), last).await?;
    if stack_phase(&end.status) != StackPhase::Stable {
        return Err(failure(stack_name, &end).into());
    }
    Ok(ctx.aws.describe_stack(id).await?.unwrap_or_default())
}

/// Follows an operation of somebody else to its end, whatever that is: what it means is seen when the stack is looked
/// at again.
pub(super) async fn join(ctx: &Ctx, (stack_name, id): (&str, &str)) -> anyhow::Result<()> {
    follow_stack(ctx.watch(), (stack_name, id), None).await.map(drop)
}

/// Follows a deletion to its end; what cannot be deleted is an error with its root cause.
pub(super) async fn settle_deletion(
    ctx: &Ctx,
    (stack_name, id): (&str, &str),
    last: Option<String>,
) -> anyhow::Result<()> {
    let end = follow_stack(ctx.watch(), (stack_name, id), last).await?;
    match stack_phase(&end.status) {
        StackPhase::Absent => Ok(()),
        _ => Err(failure(stack_name, &end).into()),
    }
}

fn failure(stack_name: &str, end: &StackEnd) -> Failed {
    Failed(format!("stack `{stack_name}` is {}{}", end.status, cause(&end.events)))
}

/// `: LogicalId (type): reason` of the root cause; empty if there is none.
pub(crate) fn cause(events: &[StackEvent]) -> String {
    let cause = root_cause(events).map(|event| {
        let reason = event.reason.as_deref().unwrap_or("no reason given");
        format!(": {} ({}): {reason}", event.logical_id, event.resource_type)
    });
    cause.unwrap_or_default()
}

/// An update with other parameters, from change set to end.
pub(crate) async fn update_in_place(
    ctx: &Ctx,
    stack: &Stack,
    template: &str,
    parameters: &[Parameter],
) -> anyhow::Result<()> {
    let name = name();
    let request = ChangeSetRequest {
        stack_name: &stack.name,
        change_set_name: &name,
        create: false,
        template,
        parameters,
        tags: &stack.tags,
        capabilities: stack.capabilities.clone(),
    };
    let Some(set) = make(ctx, &request).await? else { return Ok(()) };
    match execute(ctx, &stack.name, &set.id).await? {
        Executed::Done(_) => Ok(()),
        Executed::Overtaken => {
            let stack = &stack.name;
            Err(Failed(format!("stack `{stack}` was changed by somebody else meanwhile")).into())
        }
    }
}
