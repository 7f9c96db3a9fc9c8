//! Ways out of a state that a failed operation left, each with the user's word where something may be lost.

use crate::aws::status::{StackPhase, resource_is_held, resource_may_be_skipped, stack_phase};
use crate::aws::{Stack, StackResource};
use crate::cli::ProvisionArgs;
use crate::commands::{change, undeletable};
use crate::context::Ctx;
use crate::exit::{Failed, Refused, Stuck};
use crate::follow::follow_stack;
use crate::plan::graph::Graph;
use crate::plan::guard::is_stateful;
use crate::plan::node::Action;
use crate::plan::resource_name::named_of;

/// # Errors
/// Refused where a resource that was typed is spelled so that it can be none of this environment's.
pub(super) fn check_names(graph: &Graph, args: &ProvisionArgs) -> Result<(), Refused> {
    let flags = [
        ("--allow-replace", &args.allow_replace),
        ("--skip-resource", &args.skip_resource),
        ("--retain-resource", &args.retain_resource),
    ];
    let imports = args.import.iter().map(|import| ("--import", &import.resource));
    let faults =
        flags.into_iter().flat_map(|(flag, names)| names.iter().map(move |name| (flag, name))).chain(imports);
    let faults: Vec<String> = faults.filter_map(|(flag, name)| name.fault(flag, graph)).collect();
    if faults.is_empty() { Ok(()) } else { Err(Refused::new(faults.join("; "))) }
}

/// Looks, before anything is done, whether the way out that comes next may be taken, and whether what was typed of the
/// stack's resources fits it.
///
/// # Errors
/// Refused where it may not.
pub(super) async fn check(
    ctx: &Ctx,
    (short, stack): (&str, Option<&Stack>),
    action: Action,
    args: &ProvisionArgs,
) -> anyhow::Result<()> {
    let nothing = Stack::default();
    let stack = stack.unwrap_or(&nothing);
    // What runs ends in a state that is not known yet.
    if stack_phase(&stack.status) == StackPhase::InProgress {
        return Ok(());
    }
    if action == Action::Clear {
        to_be_left(ctx, (short, stack), args).await?;
    } else if let Some(id) = named_of(&args.retain_resource, short).first() {
        return Err(useless("--retain-resource", (short, id), stack).into());
    }
    if action == Action::ContinueRollback {
        to_be_skipped(ctx, (short, stack), args).await?;
    } else if let Some(id) = named_of(&args.skip_resource, short).first() {
        return Err(useless("--skip-resource", (short, id), stack).into());
    }
    Ok(())
}

fn useless(flag: &str, (short, id): (&str, &str), stack: &Stack) -> Refused {
    let status = shown_status(&stack.status);
    Refused::new(format!("`{flag} {short}.{id}` does nothing here: stack `{short}` is {status}"))
        .hint(format!("leave `{flag}` out"))
}

/// What the deletion of a failed stack leaves, by the user's word.
///
/// # Errors
/// Refused where it would delete what holds data, without the user's word.
async fn to_be_left(
    ctx: &Ctx,
    (short, stack): (&str, &Stack),
    args: &ProvisionArgs,
) -> anyhow::Result<Vec<String>> {
    let retained = undeletable::retained(ctx, (short, stack), &args.retain_resource).await?;
    let resources = ctx.reading(ctx.aws.list_stack_resources(&stack.id)).await?;
    let lost = |resource: &&StackResource| {
        let allowed = args.allow_replace.iter().any(|name| name.is(short, &resource.logical_id));
        is_stateful(&resource.resource_type)
            && resource_is_held(&resource.status)
            && !resource.physical_id.is_empty()
            && !retained.contains(&resource.logical_id)
            && !allowed
    };
    let lost: Vec<&StackResource> = resources.iter().filter(lost).collect();
    if lost.is_empty() {
        return Ok(retained);
    }
    let told: Vec<String> = lost
        .iter()
        .map(|one| format!("{} `{}` ({})", one.resource_type, one.logical_id, one.physical_id))
        .collect();
    let flags: String =
        lost.iter().map(|one| format!(" --allow-replace {short}.{}", one.logical_id)).collect();
    let refused = format!(
        "stack `{}` is {} and must be deleted before it can be made again; it holds what is not made again: {}",
        stack.name,
        stack.status,
        told.join(", ")
    );
    let allows = ctx.session.command(&format!("provision{flags}"));
    Err(Refused::new(refused).hint(format!("if that may be lost: `{allows}`")).into())
}

/// Deletes a stack whose creation or deletion failed, so that it can be made again.
///
/// # Errors
/// [`Stuck`] where it cannot be deleted.
pub(super) async fn clear(
    ctx: &Ctx,
    (short, stack): (&str, &Stack),
    args: &ProvisionArgs,
) -> anyhow::Result<()> {
    let retained = to_be_left(ctx, (short, stack), args).await?;
    let why = change::last_cause(ctx, &stack.id).await?;
    ctx.printer().event(&stack.name, format_args!("{}{why}; deleting what is left", stack.status));
    let last = ctx.aws.newest_stack_event(&stack.id).await?;
    let deleting = ctx.aws.delete_stack(&stack.id, &retained).await;
    deleting.map_err(|error| change::overtaken_or(&stack.name, error))?;
    let end = follow_stack(ctx.watch(), (&stack.name, &stack.id), last).await?;
    if stack_phase(&end.status) == StackPhase::Absent {
        return Ok(());
    }
    let why = change::cause(&end.events);
    Err(undeletable::stuck(ctx, (short, stack), (&end.status, &why), "provision").await?.into())
}

/// What the continued rollback takes for rolled back as it is, by the user's word.
///
/// # Errors
/// Refused where the rollback did not fail on it: AWS would not leave it out.
async fn to_be_skipped(
    ctx: &Ctx,
    (short, stack): (&str, &Stack),
    args: &ProvisionArgs,
) -> anyhow::Result<Vec<String>> {
    let named = named_of(&args.skip_resource, short);
    if named.is_empty() {
        return Ok(named);
    }
    let failed = skippable(ctx, stack).await?;
    match named.iter().find(|id| !failed.contains(id)) {
        None => Ok(named),
        Some(id) => {
            let failed: Vec<String> = failed.iter().map(|id| format!("{short}.{id}")).collect();
            let refused = format!("the rollback of stack `{}` did not fail on a resource `{id}`", stack.name);
            Err(Refused::new(refused).hint(format!("it failed on: {}", failed.join(", "))).into())
        }
    }
}

/// The logical IDs that a rollback failed on.
async fn skippable(ctx: &Ctx, stack: &Stack) -> anyhow::Result<Vec<String>> {
    let resources = ctx.reading(ctx.aws.list_stack_resources(&stack.id)).await?;
    let failed = resources.into_iter().filter(|resource| resource_may_be_skipped(&resource.status));
    Ok(failed.map(|resource| resource.logical_id).collect())
}

/// Continues a rollback that failed; answers why it failed again, empty if it did not.
///
/// # Errors
/// [`change::Overtaken`] among others.
pub(super) async fn continue_rollback(
    ctx: &Ctx,
    (short, stack): (&str, &Stack),
    args: &ProvisionArgs,
) -> anyhow::Result<String> {
    let skipped = to_be_skipped(ctx, (short, stack), args).await?;
    let without = match skipped.is_empty() {
        true => String::new(),
        false => format!(" without {}, which stays as it is", skipped.join(", ")),
    };
    ctx.printer().event(&stack.name, format_args!("{}: continuing the rollback{without}", stack.status));
    let last = ctx.aws.newest_stack_event(&stack.id).await?;
    let continued = ctx.aws.continue_update_rollback(&stack.id, &skipped).await;
    continued.map_err(|error| change::overtaken_or(&stack.name, error))?;
    let end = follow_stack(ctx.watch(), (&stack.name, &stack.id), last).await?;
    Ok(change::cause(&end.events))
}

/// Rolls back an update that kept what it had made; what it ends in is seen when the stack is looked at again.
///
/// # Errors
/// [`change::Overtaken`] among others.
pub(super) async fn roll_back(ctx: &Ctx, stack: &Stack) -> anyhow::Result<()> {
    let why = change::last_cause(ctx, &stack.id).await?;
    ctx.printer().event(&stack.name, format_args!("{}{why}; rolling it back", stack.status));
    let last = ctx.aws.newest_stack_event(&stack.id).await?;
    let begun = ctx.aws.rollback_stack(&stack.id).await;
    begun.map_err(|error| change::overtaken_or(&stack.name, error))?;
    follow_stack(ctx.watch(), (&stack.name, &stack.id), last).await.map(drop)
}

/// The error for a stack whose state nothing leads out of that this program may do by itself. `why` is what the last
/// attempt said; empty if there was none in this run.
pub(super) async fn explain(ctx: &Ctx, (short, stack): (&str, &Stack), why: &str) -> anyhow::Error {
    let told = async {
        let why = if why.is_empty() { change::last_cause(ctx, &stack.id).await? } else { why.to_owned() };
        let failed = match stack_phase(&stack.status) {
            StackPhase::ContinueRollback => skippable(ctx, stack).await?,
            _ => Vec::new(),
        };
        anyhow::Ok((why, failed))
    };
    let (why, failed) = match told.await {
        Ok(told) => told,
        Err(error) => return error,
    };
    let message = format!("stack `{}` is {}{why}", stack.name, shown_status(&stack.status));
    if failed.is_empty() {
        return Failed(message).into();
    }
    let flags: String = failed.iter().map(|id| format!(" --skip-resource {short}.{id}")).collect();
    let skips = ctx.session.command(&format!("provision{flags}"));
    let again = ctx.session.command("provision");
    let hints = vec![
        format!("once the reason is gone: `{again}` continues the rollback"),
        format!(
            "to take it for rolled back as it is now, which CloudFormation then knows no better: `{skips}`"
        ),
    ];
    Stuck { message, hints }.into()
}

/// A status as it is told.
fn shown_status(status: &str) -> &str {
    if status.is_empty() { "not there" } else { status }
}
