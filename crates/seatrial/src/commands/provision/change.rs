//! One stack's way through a change set: made, waited for, judged, executed, followed.

use std::time::Duration;

use crate::aws::status::{StackPhase, stack_phase};
use crate::aws::{Aws, ChangeSet, ChangeSetRequest, Parameter, Stack, StackEvent};
use crate::context::Ctx;
use crate::exit::StackFailed;
use crate::follow::{Pace, follow_stack, root_cause};

/// CloudFormation validates for a minute or two at the most.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Makes a change set and waits until it is ready. `None`: it holds no changes, and is deleted again.
pub(super) async fn make(ctx: &Ctx, request: &ChangeSetRequest<'_>) -> anyhow::Result<Option<ChangeSet>> {
    let id = ctx.aws.create_change_set(request).await?;
    let mut pace = Pace::new(ctx.aws.is_local(), PATIENCE);
    loop {
        let set = ctx.aws.describe_change_set(&id).await?;
        match set.status.as_str() {
            "CREATE_COMPLETE" => return Ok(Some(set)),
            "FAILED" => {
                let reason = set.status_reason.unwrap_or_default();
                ctx.aws.delete_change_set(&id).await?;
                if is_empty(&reason) {
                    return Ok(None);
                }
                let stack = request.stack_name;
                return Err(
                    StackFailed(format!("the change set on stack `{stack}` is FAILED: {reason}")).into()
                );
            }
            _ => pace.pause(|| format!("the change set on stack `{}`", request.stack_name)).await?,
        }
    }
}

/// AWS's two wordings for a change set without changes.
fn is_empty(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

/// A change set's name; AWS wants a letter first and at most 128 characters.
pub(super) fn name() -> String {
    format!("seatrial-{:08x}", rand::random::<u32>())
}

/// The id of the newest event: what comes after it belongs to the next operation.
pub(crate) async fn newest_event(aws: &Aws, stack_id: &str) -> anyhow::Result<Option<String>> {
    Ok(aws.newest_stack_event(stack_id).await?)
}

/// Executes a change set and follows it; answers the stack as it is then.
pub(super) async fn execute(ctx: &Ctx, stack_name: &str, change_set: &str) -> anyhow::Result<Stack> {
    let id = match ctx.aws.describe_stack(stack_name).await? {
        Some(stack) => stack.id,
        None => stack_name.to_owned(),
    };
    let last = newest_event(&ctx.aws, &id).await?;
    ctx.aws.execute_change_set(change_set).await?;
    settle(ctx, (stack_name, &id), last).await
}

/// Follows the operation in flight to its end; a failure or a rollback is an error with its root cause.
pub(super) async fn settle(
    ctx: &Ctx,
    (stack_name, id): (&str, &str),
    last: Option<String>,
) -> anyhow::Result<Stack> {
    let end = follow_stack(&ctx.aws, (stack_name, id), last, &ctx.sink()).await?;
    if stack_phase(&end.status) != StackPhase::Stable {
        let cause = cause(&end.events);
        return Err(StackFailed(format!("stack `{stack_name}` is {}{cause}", end.status)).into());
    }
    Ok(ctx.aws.describe_stack(id).await?.unwrap_or_default())
}

/// Follows a deletion to its end; what cannot be deleted is an error with its root cause.
pub(super) async fn settle_deletion(
    ctx: &Ctx,
    (stack_name, id): (&str, &str),
    last: Option<String>,
) -> anyhow::Result<()> {
    let end = follow_stack(&ctx.aws, (stack_name, id), last, &ctx.sink()).await?;
    if stack_phase(&end.status) == StackPhase::Absent {
        return Ok(());
    }
    let cause = cause(&end.events);
    Err(StackFailed(format!("stack `{stack_name}` is {}{cause}", end.status)).into())
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
    if let Some(set) = make(ctx, &request).await? {
        execute(ctx, &stack.name, &set.id).await?;
    }
    Ok(())
}
