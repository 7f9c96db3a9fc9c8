//! A stack's operation while a service in it is made: its tasks are watched, and where none will ever run the operation
//! is cancelled instead of waited for.

use tokio::sync::watch;

use super::remedy;
use crate::aws::status::{Cancellation, cancellation, creation_runs};
use crate::aws::{AwsError, StackEvent};
use crate::context::Ctx;
use crate::exit::Stuck;
use crate::follow::{Cause, Doomed, StackEnd, doomed_tasks, follow_stack_seeing};

const SERVICE: &str = "AWS::ECS::Service";

/// Follows an operation of ours to its end.
///
/// # Errors
/// [`Stuck`] with the tasks' own words where the operation was cancelled for them.
pub(super) async fn follow(
    ctx: &Ctx,
    (stack, id): (&str, &str),
    last: Option<String>,
) -> anyhow::Result<StackEnd> {
    let (tell, told) = watch::channel(None);
    let seen = |event: &StackEvent| {
        let begun = event.resource_type == SERVICE && creation_runs(&event.status);
        if begun && !event.physical_id.is_empty() {
            tell.send_replace(Some(event.physical_id.clone()));
        }
    };
    let following = follow_stack_seeing(ctx.watch(), (stack, id), last, seen);
    tokio::pin!(following);
    let doomed = tokio::select! {
        biased;
        end = &mut following => return end,
        doomed = doomed_tasks(ctx.watch(), told) => doomed,
    };
    ctx.printer().event(stack, "no task of the service will run: cancelling");
    let end = match cancel(ctx, id).await {
        Ok(true) => format!("it was cancelled, and is {}", following.await?.status),
        Ok(false) => format!("it ended by itself, and is {}", following.await?.status),
        Err(error) => format!("it cannot be cancelled, and goes on in AWS: {error}"),
    };
    deregister(ctx, &doomed).await;
    let hints = vec![next(ctx, doomed.cause)];
    Err(Stuck { message: format!("no task of stack `{stack}` will run; {end}{}", evidence(&doomed)), hints }
        .into())
}

/// Ends the operation that runs; whether there was one to end.
async fn cancel(ctx: &Ctx, id: &str) -> Result<bool, AwsError> {
    let status = ctx.aws.describe_stack(id).await?.map(|stack| stack.status).unwrap_or_default();
    match cancellation(&status) {
        Some(Cancellation::Delete) => ctx.aws.delete_stack(id, &[]).await?,
        Some(Cancellation::RollBack) => ctx.aws.cancel_update_stack(id).await?,
        None => return Ok(false),
    }
    Ok(true)
}

/// A revision that cannot run is not to be taken for the first one again: another is made with what was mended.
async fn deregister(ctx: &Ctx, doomed: &Doomed) {
    let definition = &doomed.task.task_definition;
    match ctx.aws.deregister_task_definition(definition).await {
        Ok(()) => ctx
            .printer()
            .event("task definition", format_args!("{definition}: deregistered, as it cannot run")),
        Err(error) => {
            ctx.printer().warning(format_args!("a task definition that cannot run is left: {error}"))
        }
    }
}

fn evidence(Doomed { task, log, .. }: &Doomed) -> String {
    let id = task.arn.rsplit('/').next().unwrap_or(&task.arn);
    let containers: String = task.containers.iter().map(|text| format!("\n  {text}")).collect();
    let log: String = log.iter().map(|line| format!("\n  | {line}")).collect();
    format!("\n  task {id}: {}{containers}{log}", task.reason)
}

/// What to do next.
fn next(ctx: &Ctx, cause: Cause) -> String {
    let again = ctx.session.command("provision");
    format!("{}; then `{again}` makes it anew, the first image too", remedy::of(cause))
}
