//! `cargo xtask destroy`: deletes everything that `provision` made.
//!
//! Changes in AWS: lifts the protections, empties the artifact bucket unless it is retained, deletes the stacks in
//! reverse order and deregisters the task definitions; in environment `local` it deletes the local cloud with all its
//! data, unless somebody else's stacks or buckets are in it. No other bucket is ever emptied: one that holds something
//! keeps its stack from being deleted. Stacks are found by their tags, so one whose template is gone is deleted too.

mod bucket;
mod database;
mod plan;
mod stack;
mod unmade;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::at_once::all;
use super::deployed::Deployed;
use super::local::not_ours;
use super::timeline::{self, Chart};
use super::{learned, undeletable};
use crate::ask::ask;
use crate::aws::status::{StackPhase, stack_phase};
use crate::cli::{DestroyArgs, Globals};
use crate::context::Ctx;
use crate::exit::Refused;
use crate::follow::Watch;
use crate::local;
use crate::outcome::Report;
use crate::plan::resource_name::ResourceName;

use plan::{DestroyPlan, refuse_protected};
use stack::delete;

/// What `destroy` prints: the plan, or what was done.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Destroying {
    Planned(DestroyPlan),
    Ended(Destroyed),
}

impl fmt::Display for Destroying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Planned(plan) => plan.fmt(f),
            Self::Ended(destroyed) => destroyed.fmt(f),
        }
    }
}

pub(crate) async fn run(
    ctx: &Ctx,
    globals: &Globals,
    args: &DestroyArgs,
) -> anyhow::Result<Report<Destroying>> {
    let deployed = Deployed::read(ctx).await?;
    let plan = DestroyPlan::make(ctx, &deployed, args.delete_data).await?;
    if args.consent.dry_run {
        return Ok(Report::done(Destroying::Planned(plan)));
    }
    refuse_protected(ctx, deployed.stacks.values())?;
    check_retained(ctx, &deployed, &args.retain_resource).await?;
    if !plan.is_empty() {
        ctx.printer().plan(&plan, !is_agreed(ctx, globals, args));
        confirm(ctx, globals, args).await?;
    }
    let shown = ctx.printer().together("destroy", plan.whole(ctx));
    let (mut destroyed, mut errors) = apply(ctx, &deployed, (&plan, &args.retain_resource)).await;
    drop(shown);
    learned::learn(ctx);
    destroyed.timeline = timeline::chart(ctx, &args.chart, &plan.after(), &mut errors);
    errors.extend(
        database::settle(ctx, &plan.databases, (&destroyed.deleted, &mut destroyed.kept)).await.err(),
    );
    if let Some(data_dir) = &plan.data_dir
        && errors.is_empty()
    {
        errors.extend(end_local_cloud(ctx, data_dir, &mut destroyed).await.err());
    }
    Ok(Report { fields: Destroying::Ended(destroyed), errors })
}

/// The local cloud goes with the environment, unless there is something of others in it.
async fn end_local_cloud(ctx: &Ctx, data_dir: &Path, destroyed: &mut Destroyed) -> anyhow::Result<()> {
    let kept = |bucket: &String| destroyed.kept.iter().any(|kept| kept.ends_with(&format!(" {bucket}")));
    let stacks = ctx.reading(ctx.aws.describe_stacks()).await?.into_iter().map(|stack| stack.name);
    let buckets = ctx.reading(ctx.aws.list_buckets()).await?.into_iter().filter(|bucket| !kept(bucket));
    let others = stacks.map(|name| format!("stack {name}"));
    destroyed.others = others.chain(buckets.map(|name| format!("bucket {name}"))).collect();
    if !destroyed.others.is_empty() {
        let reset = ctx.session.command("local reset");
        let text =
            format_args!("the local cloud stays for what others made in it; `{reset}` ends it with all that");
        ctx.printer().note(text);
        return Ok(());
    }
    let gone = local::reset(&ctx.session, data_dir).await?;
    // With the data, what deletion policies would have kept is gone too.
    destroyed.kept.clear();
    destroyed.left = gone.left;
    destroyed.data_dir = Some(data_dir.to_owned());
    Ok(())
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Destroyed {
    deleted: Vec<String>,
    /// What was left on purpose, by its deletion policy or by `--retain-resource`: type and name of each, final snapshots
    /// too.
    kept: Vec<String>,
    deregistered_task_definitions: usize,
    /// Where the local cloud's data was that is gone.
    data_dir: Option<PathBuf>,
    /// Files in the local cloud's directory that are somebody else's.
    left: Vec<PathBuf>,
    /// Stacks and buckets of others in the local cloud, for which it stays.
    others: Vec<String>,
    /// When each stack was deleted, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline: Option<Chart>,
}

impl fmt::Display for Destroyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.deleted[..] {
            [] if self.data_dir.is_some() => {}
            [] => writeln!(f, "no stack was deleted")?,
            [_] => writeln!(f, "deleted 1 stack")?,
            deleted => writeln!(f, "deleted {} stacks", deleted.len())?,
        }
        for other in &self.others {
            writeln!(f, "left, as it is not the environment's: {other}")?;
        }
        for kept in &self.kept {
            writeln!(f, "kept, by its deletion policy or by your word: {kept}")?;
            database::deletion(kept).iter().try_for_each(|how| writeln!(f, "  to delete it: `{how}`"))?;
        }
        if let Some(path) = &self.data_dir {
            writeln!(f, "the local cloud and its data under `{}` are gone", path.display())?;
        }
        self.left.iter().try_for_each(|path| writeln!(f, "{}", not_ours(path)))?;
        self.timeline.as_ref().map_or(Ok(()), |chart| chart.fmt(f))
    }
}

/// A yes without a question is meant for the environment that was typed beside it: a variable that was set once
/// must not choose what is deleted.
fn is_agreed(ctx: &Ctx, globals: &Globals, args: &DestroyArgs) -> bool {
    ctx.local.is_some() || (args.consent.yes && globals.environment_typed)
}

async fn confirm(ctx: &Ctx, globals: &Globals, args: &DestroyArgs) -> anyhow::Result<()> {
    let name = &ctx.environment.name;
    if is_agreed(ctx, globals, args) {
        return Ok(());
    }
    if !ctx.printer().can_ask() {
        let refused = Refused::new(format!("environment `{name}` would be deleted"));
        let typed = format!("{} destroy --yes --environment {name}", ctx.session.program);
        return Err(refused.hint(format!("say so: `{typed}`")).into());
    }
    let question = format!("type the environment's name to delete it ({name}):");
    let answer = ask(&ctx.session, &question).await?;
    if &answer == name { Ok(()) } else { Err(Refused::new("nothing was deleted").into()) }
}

/// # Errors
/// Refused where what is to be left is not there, or its stack would be deleted with it: before anything is done.
async fn check_retained(ctx: &Ctx, deployed: &Deployed, names: &[ResourceName]) -> anyhow::Result<()> {
    for name in names {
        let Some((short, stack)) = deployed.stacks.get_key_value(&name.stack) else {
            let stacks: Vec<&str> = deployed.stacks.keys().map(String::as_str).collect();
            let refused = format!("`--retain-resource {name}` must name the stack, too: STACK.LOGICAL_ID");
            return Err(Refused::new(refused).hint(format!("there are: {}", stacks.join(", "))).into());
        };
        // What runs ends in a state that is not known yet.
        if stack_phase(&stack.status) != StackPhase::InProgress {
            undeletable::retained(ctx, (short, stack), names).await?;
        }
    }
    Ok(())
}

async fn apply(
    ctx: &Ctx,
    deployed: &Deployed,
    (plan, names): (&DestroyPlan, &[ResourceName]),
) -> (Destroyed, Vec<anyhow::Error>) {
    let mut destroyed = Destroyed::default();
    let mut errors = Vec::new();
    for stack in &plan.unmade {
        match ctx.aws.delete_empty_stack(&stack.id).await {
            Ok(()) => destroyed.deleted.push(stack.name.clone()),
            Err(error) => errors.push(error.into()),
        }
    }
    for wave in &plan.waves {
        let stacks = wave.iter().filter_map(|name| deployed.stacks.get_key_value(name));
        let ends = stacks.map(async |(short, stack)| {
            let deleting = delete(ctx, (short, stack), names);
            (&stack.name, ctx.printer().one(&stack.name, deleting, |_| true).await)
        });
        for (name, end) in all(ends).await {
            match end {
                Ok(kept) => {
                    destroyed.deleted.push(name.clone());
                    destroyed.kept.extend(kept);
                }
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            // What is left needs the stacks that could not be deleted.
            return (destroyed, errors);
        }
    }
    if let Err(error) = nothing_was_made(ctx).await {
        errors.push(error);
        return (destroyed, errors);
    }
    let count = &mut destroyed.deregistered_task_definitions;
    let environment = &ctx.environment;
    for family in [environment.full_name(), environment.migrate_family(), environment.check_family()] {
        if let Err(error) = deregister(ctx.watch(), &family, count).await {
            errors.push(error);
            break;
        }
    }
    (destroyed, errors)
}

/// # Errors
/// Somebody else has made stacks of the environment since it was looked at.
async fn nothing_was_made(ctx: &Ctx) -> anyhow::Result<()> {
    let stacks = Deployed::read(ctx).await?.stacks;
    match stacks.is_empty() {
        true => Ok(()),
        false => {
            let names: Vec<String> = stacks.into_values().map(|stack| stack.name).collect();
            let refused = format!("there are stacks that were made meanwhile: `{}`", names.join("`, `"));
            Err(Refused::new(refused).into())
        }
    }
}

/// Deregisters every active revision of a family, one after another, and counts them.
async fn deregister(watch: Watch<'_>, family: &str, count: &mut usize) -> anyhow::Result<()> {
    let cancel = &watch.session.cancel;
    for arn in cancel.unless_cancelled(watch.aws.active_revisions(family)).await?? {
        cancel.check()?;
        watch.aws.deregister_task_definition(&arn).await?;
        *count += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::tests::stub;
    use crate::exit::Interrupted;
    use crate::output::{Format, Printer};
    use crate::session::Session;

    #[tokio::test]
    async fn a_family_of_many_revisions_is_left_between_two_of_them() {
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        let interrupts = session.clone();
        let (aws, calls) = stub(move |operation, before, _| {
            if (operation, before) == ("DeregisterTaskDefinition", 1) {
                interrupts.cancel.cancel();
            }
            let arns: Vec<String> =
                (0..100).map(|number| format!("arn:task-definition/web:{number}")).collect();
            json!({ "taskDefinitionArns": arns })
        })
        .await;
        let mut count = 0;

        let ended = deregister(Watch { aws: &aws, session: &session }, "web", &mut count).await;

        assert!(ended.unwrap_err().is::<Interrupted>());
        // The one that was under way is carried out, and counted.
        assert_eq!(count, 2);
        assert_eq!(calls.made().len(), 3);
    }
}
