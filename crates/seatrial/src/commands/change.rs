//! One stack's way through a change set: made, waited for, judged, executed, followed.

use std::time::Duration;

use super::{creation, large_template};
use crate::aws::status::{StackPhase, stack_phase};
use crate::aws::{AwsError, ChangeSet, ChangeSetRequest, Parameter, Stack, StackEvent, ValidationError};
use crate::context::Ctx;
use crate::exit::Failed;
use crate::follow::{Look, StackEnd, follow_stack, rollback_of, root_cause};

/// CloudFormation validates for a minute or two at the most.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Somebody else changed the stack in between, so that a change set is gone or useless: look again.
#[derive(Debug, thiserror::Error)]
#[error("stack `{0}` was changed by somebody else meanwhile")]
pub(crate) struct Overtaken(pub String);

/// Makes a change set and waits until it is ready. `None`: it holds no changes, and is deleted again.
///
/// # Errors
/// [`Overtaken`] among others; then nothing of it is left.
pub(crate) async fn make(ctx: &Ctx, request: &ChangeSetRequest<'_>) -> anyhow::Result<Option<ChangeSet>> {
    let uploaded = large_template::upload(ctx, request.stack_name, request.template).await?;
    let made = make_from(ctx, request, uploaded.as_ref().map(|uploaded| uploaded.url.as_str())).await;
    if let Some(uploaded) = uploaded {
        large_template::remove(ctx, &uploaded).await;
    }
    made
}

async fn make_from(
    ctx: &Ctx,
    request: &ChangeSetRequest<'_>,
    url: Option<&str>,
) -> anyhow::Result<Option<ChangeSet>> {
    let stack = request.stack_name;
    let id = ctx.aws.create_change_set(request, url).await.map_err(|error| overtaken_or(stack, error))?;
    let mut poll = ctx.watch().poll(format!("the change set on stack `{stack}`"), PATIENCE);
    let made = poll
        .until(async || {
            let set = ctx.aws.describe_change_set(&id).await.map_err(|error| overtaken_or(stack, error))?;
            let ended = matches!(set.status.as_str(), "CREATE_COMPLETE" | "FAILED");
            Ok(if ended { Look::Ended(set) } else { Look::Nothing })
        })
        .await;
    let failed = match made {
        Ok(set) if set.status == "CREATE_COMPLETE" => return Ok(Some(set)),
        Ok(set) => Ok(set),
        Err(error) => Err(error),
    };
    let reason = failed.map(|set| set.status_reason.unwrap_or_default());
    // With the change set what was found wrong is gone, too.
    let found = match &reason {
        Ok(reason) if !is_empty(reason) => told(ctx.reading(ctx.aws.change_set_faults(&id)).await),
        _ => String::new(),
    };
    withdraw(ctx, stack, &id).await;
    let reason = reason?;
    if is_empty(&reason) {
        return Ok(None);
    }
    Err(Failed(format!("the change set on stack `{stack}` is FAILED: {reason}{found}")).into())
}

/// What early validation found wrong, a line each. That it cannot be read hides not what failed.
fn told(faults: anyhow::Result<Vec<ValidationError>>) -> String {
    let faults = match faults {
        Ok(faults) => faults,
        Err(error) => return format!("\n  its details cannot be read: {error:#}"),
    };
    let line = |fault: &ValidationError| {
        format!("\n  {} ({}) at {}: {}", fault.logical_id, fault.resource_type, fault.path, fault.reason)
    };
    faults.iter().map(line).collect()
}

/// Deletes a change set that is not executed: nobody else would. One that cannot be deleted is told and no more, for
/// why it is not executed says more; whether it is gone.
pub(crate) async fn discard(ctx: &Ctx, change_set: &str) -> bool {
    let deleted = ctx.aws.delete_change_set(change_set).await;
    if let Err(error) = &deleted {
        ctx.printer().warning(format_args!("a change set is left: {error}"));
    }
    deleted.is_ok()
}

/// The same, with the empty stack that was made for it: a stack that holds change sets of others is theirs.
pub(crate) async fn withdraw(ctx: &Ctx, stack_name: &str, change_set: &str) -> bool {
    let discarded = discard(ctx, change_set).await;
    let withdrawn = withdraw_empty(ctx, stack_name).await;
    if let Err(error) = &withdrawn {
        ctx.printer().warning(format_args!("an empty stack is left: {error:#}"));
    }
    discarded && withdrawn.is_ok()
}

async fn withdraw_empty(ctx: &Ctx, stack_name: &str) -> anyhow::Result<()> {
    let Some(stack) = ctx.aws.describe_stack(stack_name).await? else { return Ok(()) };
    let empty = stack_phase(&stack.status) == StackPhase::Review
        && ctx.aws.list_change_sets(&stack.id).await?.is_empty();
    if empty {
        ctx.aws.delete_empty_stack(&stack.id).await?;
    }
    Ok(())
}

/// AWS's two wordings for a change set without changes.
fn is_empty(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

/// A change set's name; AWS wants a letter first and at most 128 characters.
pub(crate) fn name() -> String {
    format!("seatrial-{:08x}", rand::random::<u32>())
}

/// Executes a change set and follows it.
///
/// # Errors
/// [`Overtaken`] among others; one that was not executed is not left.
pub(crate) async fn execute(ctx: &Ctx, stack_name: &str, change_set: &str) -> anyhow::Result<Stack> {
    match begin(ctx, stack_name, change_set).await {
        Ok((id, last)) => settle(ctx, (stack_name, &id), last).await,
        Err(error) => {
            withdraw(ctx, stack_name, change_set).await;
            Err(error)
        }
    }
}

/// Starts the execution; answers the stack's id and its newest event before.
async fn begin(ctx: &Ctx, stack_name: &str, change_set: &str) -> anyhow::Result<(String, Option<String>)> {
    let stack = ctx.aws.describe_stack(stack_name).await?;
    let id = stack.ok_or_else(|| Overtaken(stack_name.to_owned()))?.id;
    let last = ctx.aws.newest_stack_event(&id).await?;
    ctx.session.cancel.check()?;
    let executed = ctx.aws.execute_change_set(change_set).await;
    executed.map_err(|error| overtaken_or(stack_name, error))?;
    Ok((id, last))
}

pub(crate) fn overtaken_or(stack_name: &str, error: AwsError) -> anyhow::Error {
    if is_overtaken(&error) { Overtaken(stack_name.to_owned()).into() } else { error.into() }
}

/// What AWS says when another operation came first: an executed change set deletes the others of its stack, and a
/// stack that is busy, made or gone meanwhile takes none.
fn is_overtaken(error: &AwsError) -> bool {
    const WORDS: [&str; 5] = [
        "_IN_PROGRESS",
        "cannot be created again",
        "can not be created again",
        "can not be rolled back",
        "does not exist",
    ];
    error.is_change_set_gone()
        || (error.is("ValidationError") && WORDS.iter().any(|words| error.reason.contains(words)))
}

/// Follows the operation in flight to its end; a failure or a rollback is an error with its root cause.
async fn settle(ctx: &Ctx, (stack_name, id): (&str, &str), last: Option<String>) -> anyhow::Result<Stack> {
    let end = creation::follow(ctx, (stack_name, id), last).await?;
    if stack_phase(&end.status) != StackPhase::Stable {
        // Where no resource failed, it ended before any was touched.
        let found = match root_cause(&end.events) {
            Some(event) if event.physical_id != id => String::new(),
            _ => told(ctx.reading(ctx.aws.operation_faults(id)).await),
        };
        return Err(failure(stack_name, &end, &found).into());
    }
    // Somebody has deleted it since.
    let stack =
        ctx.aws.describe_stack(id).await?.filter(|stack| stack_phase(&stack.status) != StackPhase::Absent);
    stack.ok_or_else(|| Overtaken(stack_name.to_owned()).into())
}

/// Follows an operation of somebody else to its end, whatever that is: what it means is seen when the stack is looked
/// at again.
pub(crate) async fn join(ctx: &Ctx, (stack_name, id): (&str, &str)) -> anyhow::Result<()> {
    let events = ctx.aws.stack_events_after(id, None).await?;
    follow_stack(ctx.watch(), (stack_name, id), before_operation(&events, id)).await.map(drop)
}

/// The event before the first of the operation that runs: what came earlier was told to others.
fn before_operation(events: &[StackEvent], stack: &str) -> Option<String> {
    let begins =
        |event: &StackEvent| event.physical_id == stack && event.reason.as_deref() == Some("User Initiated");
    let first = events.iter().rposition(begins)?;
    events.get(first.checked_sub(1)?).map(|event| event.id.clone())
}

/// Why the operation failed that a stack shows: empty if it did not, or nothing says so.
pub(crate) async fn last_cause(ctx: &Ctx, id: &str) -> anyhow::Result<String> {
    let events = ctx.reading(ctx.aws.stack_events_after(id, None)).await?;
    let before = before_operation(&events, id);
    let first = events.iter().position(|event| Some(&event.id) == before.as_ref()).map_or(0, |at| at + 1);
    Ok(cause(events.get(first..).unwrap_or_default()))
}

fn failure(stack_name: &str, end: &StackEnd, found: &str) -> Failed {
    let rolling = rollback_of(&end.events).and_then(root_cause);
    let rolling = rolling.map(|event| format!("; its rollback failed: {}", shown(event))).unwrap_or_default();
    Failed(format!("stack `{stack_name}` is {}{}{rolling}{found}", end.status, cause(&end.events)))
}

/// `: LogicalId (type): reason` of the root cause; empty if there is none.
pub(crate) fn cause(events: &[StackEvent]) -> String {
    root_cause(events).map(|event| format!(": {}", shown(event))).unwrap_or_default()
}

fn shown(event: &StackEvent) -> String {
    let reason = event.reason.as_deref().unwrap_or("no reason given");
    format!("{} ({}): {reason}", event.logical_id, event.resource_type)
}

/// Makes the change set of an update that keeps tags and capabilities as they are.
///
/// # Errors
/// Those of [`make`].
pub(crate) async fn make_update(
    ctx: &Ctx,
    stack: &Stack,
    template: &str,
    parameters: &[Parameter],
) -> anyhow::Result<Option<ChangeSet>> {
    let request = ChangeSetRequest {
        stack_name: &stack.name,
        change_set_name: &name(),
        create: false,
        revert_drift: false,
        template,
        parameters,
        tags: &stack.tags,
        capabilities: stack.capabilities.clone(),
        imports: &[],
    };
    make(ctx, &request).await
}

/// An update with other parameters, from change set to end.
///
/// # Errors
/// [`Overtaken`] among others.
pub(crate) async fn update_in_place(
    ctx: &Ctx,
    stack: &Stack,
    template: &str,
    parameters: &[Parameter],
) -> anyhow::Result<()> {
    let Some(set) = make_update(ctx, stack, template, parameters).await? else { return Ok(()) };
    execute(ctx, &stack.name, &set.id).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::error;

    #[test]
    fn what_aws_says_when_somebody_else_was_first_is_told_from_what_is_wrong() {
        let first = [
            ("ChangeSetNotFound", "ChangeSet [arn:set] does not exist"),
            ("InvalidChangeSetStatus", "ChangeSet [arn:set] cannot be executed in its current status"),
            ("ValidationError", "Stack:arn:s is in UPDATE_IN_PROGRESS state and can not be updated."),
            (
                "ValidationError",
                "Stack [s] already exists and cannot be created again with the changeSet [c].",
            ),
            ("ValidationError", "Stack [s] does not exist"),
            (
                "ValidationError",
                "Stack:arn:s is in UPDATE_ROLLBACK_COMPLETE state and can not be rolled back from it.",
            ),
        ];
        for (code, message) in first {
            assert!(overtaken_or("s", error(code, message, false)).is::<Overtaken>(), "{code}: {message}");
        }
        let wrong = [
            ("AccessDenied", "User: arn:u is not authorized to perform: cloudformation:ExecuteChangeSet"),
            ("ValidationError", "Parameters: [Days] must have values"),
            ("ValidationError", "Stack:arn:s is in ROLLBACK_COMPLETE state and can not be updated."),
        ];
        for (code, message) in wrong {
            assert!(overtaken_or("s", error(code, message, false)).is::<AwsError>(), "{code}: {message}");
        }
    }
}
