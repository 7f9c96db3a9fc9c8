//! One stack's way to where it is no more: what runs is waited for, its protection lifted, its bucket emptied.

use super::bucket::{bucket_to_empty, empty_bucket};
use super::plan::refuse_protected;
use crate::aws::status::{StackPhase, stack_phase};
use crate::aws::{Parameter, Stack, StackEvent};
use crate::commands::change::{self, Overtaken};
use crate::commands::undeletable;
use crate::context::Ctx;
use crate::exit::Failed;
use crate::follow::follow_stack;
use crate::plan::resource_name::ResourceName;

/// The parameter that keeps a load balancer or a database from being deleted.
const PROTECTION: &str = "DeletionProtection";
/// Operations of others that are waited for before it is somebody's turn to ask what is going on.
const TURNS: usize = 10;

/// Deletes one stack, whatever others do to it meanwhile; what its deletion policies kept, or the user's word: `names`.
pub(super) async fn delete(
    ctx: &Ctx,
    (short, planned): (&str, &Stack),
    names: &[ResourceName],
) -> anyhow::Result<Vec<String>> {
    for _ in 0..TURNS {
        ctx.session.cancel.check()?;
        let found = ctx.reading(ctx.aws.describe_stack(&planned.id)).await?;
        let Some(stack) = found.filter(|stack| stack_phase(&stack.status) != StackPhase::Absent) else {
            return Ok(Vec::new());
        };
        if stack_phase(&stack.status) == StackPhase::InProgress {
            let text = format_args!("{}: joining the operation in flight", stack.status);
            ctx.printer().event(&stack.name, text);
            change::join(ctx, (&stack.name, &stack.id)).await?;
            continue;
        }
        refuse_protected(ctx, [&stack])?;
        match delete_at_rest(ctx, (short, &stack), names).await {
            Err(error) if error.is::<Overtaken>() => {
                ctx.printer().event(&stack.name, "somebody else was first: looking again");
            }
            ended => return ended,
        }
    }
    Err(Failed(format!("stack `{}` is changed by somebody else again and again", planned.name)).into())
}

/// # Errors
/// [`Overtaken`] among others.
async fn delete_at_rest(
    ctx: &Ctx,
    (short, stack): (&str, &Stack),
    names: &[ResourceName],
) -> anyhow::Result<Vec<String>> {
    let retained = undeletable::retained(ctx, (short, stack), names).await?;
    lift_protection(ctx, stack).await?;
    if let Some(bucket) = bucket_to_empty(ctx, short, stack).await? {
        let count = empty_bucket(ctx, &bucket).await?;
        if count > 0 {
            ctx.printer().event(&stack.name, format_args!("emptied bucket {bucket} of {count} objects"));
        }
    }
    let last = ctx.reading(ctx.aws.newest_stack_event(&stack.id)).await?;
    if stack.is_protected {
        ctx.printer().event(&stack.name, "lifting the termination protection");
        let lifted = ctx.aws.set_termination_protection(&stack.id, false).await;
        lifted.map_err(|error| change::overtaken_or(&stack.name, error))?;
    }
    let deleting = ctx.aws.delete_stack(&stack.id, &retained).await;
    deleting.map_err(|error| change::overtaken_or(&stack.name, error))?;
    let end = follow_stack(ctx.watch(), (&stack.name, &stack.id), last).await?;
    if stack_phase(&end.status) == StackPhase::Absent {
        return Ok(kept(&end.events));
    }
    let why = change::cause(&end.events);
    Err(undeletable::stuck(ctx, (short, stack), (&end.status, &why), "destroy").await?.into())
}

fn kept(events: &[StackEvent]) -> Vec<String> {
    let skipped = events.iter().filter(|event| event.status == "DELETE_SKIPPED");
    skipped.map(|event| format!("{} {}", event.resource_type, event.physical_id)).collect()
}

/// Sets `DeletionProtection` to false by an update with the template the stack has.
async fn lift_protection(ctx: &Ctx, stack: &Stack) -> anyhow::Result<()> {
    let phase = stack_phase(&stack.status);
    let updatable = matches!(phase, StackPhase::Stable | StackPhase::RolledBack);
    if !updatable || stack.parameters.get(PROTECTION).is_none_or(|value| value != "true") {
        return Ok(());
    }
    ctx.printer().event(&stack.name, "lifting the deletion protection");
    let parameters: Vec<Parameter> = stack
        .parameters
        .keys()
        .map(|name| Parameter { name: name.clone(), value: (name == PROTECTION).then(|| "false".to_owned()) })
        .collect();
    let template = ctx.reading(ctx.aws.get_template(&stack.id)).await?;
    change::update_in_place(ctx, stack, &template, &parameters).await
}
