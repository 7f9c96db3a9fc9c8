//! `cargo xtask destroy`: deletes everything that `provision` made.
//!
//! Changes in AWS: lifts the protections, empties the artifact bucket unless it is retained, deletes the stacks in
//! reverse order and deregisters the task definitions; in environment `local` it deletes the local cloud with all its
//! data. No other bucket is ever emptied: one that holds something keeps its stack from being deleted. Stacks are found
//! by their tags, so one whose template is gone is deleted too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use futures_util::future::join_all;
use serde::Serialize;

use super::deployed::Deployed;
use super::local::not_ours;
use super::provision::change;
use crate::ask::ask;
use crate::aws::status::{StackPhase, stack_phase};
use crate::aws::{AwsError, Parameter, Stack, StackEvent};
use crate::cli::{DestroyArgs, Globals};
use crate::context::Ctx;
use crate::exit::{Failed, Refused};
use crate::follow::{Watch, follow_stack};
use crate::local;
use crate::outcome::Report;

/// The parameter that keeps a load balancer or a database from being deleted.
const PROTECTION: &str = "DeletionProtection";
/// The one bucket that is emptied, by stack and logical ID: what is in it was put there by our own pipeline. It is
/// kept whole where its template retains it.
const ARTIFACT_BUCKET: (&str, &str) = ("build", "ArtifactBucket");

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
    let plan = plan(ctx, &deployed);
    if args.consent.dry_run {
        return Ok(Report::done(Destroying::Planned(plan)));
    }
    if !plan.is_empty() {
        ctx.printer().note(&plan);
        confirm(ctx, globals, args).await?;
    }
    let (mut destroyed, mut errors) = apply(ctx, &deployed, &plan).await;
    if let Some(data_dir) = &plan.data_dir
        && errors.is_empty()
    {
        match local::reset(&ctx.session, data_dir).await {
            Ok(gone) => {
                // With the data, what deletion policies would have kept is gone too.
                destroyed.kept.clear();
                destroyed.left = gone.left;
                destroyed.data_dir.clone_from(&plan.data_dir);
            }
            Err(error) => errors.push(error),
        }
    }
    Ok(Report { fields: Destroying::Ended(destroyed), errors })
}

#[derive(Debug, Serialize)]
pub(crate) struct DestroyPlan {
    environment: String,
    /// Short names of stacks; those of one wave do not need each other.
    waves: Vec<Vec<String>>,
    /// Where the local cloud's data is, in environment `local`: it goes with its stacks.
    data_dir: Option<PathBuf>,
}

impl DestroyPlan {
    fn is_empty(&self) -> bool {
        self.waves.is_empty() && self.data_dir.is_none()
    }
}

impl fmt::Display for DestroyPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return write!(f, "nothing of environment `{}` is there", self.environment);
        }
        writeln!(f, "to be deleted of environment `{}`, in this order:", self.environment)?;
        for wave in &self.waves {
            writeln!(f, "  {}", wave.join(", "))?;
        }
        match &self.data_dir {
            Some(path) => writeln!(f, "  the local cloud and its data under `{}`", path.display()),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Destroyed {
    deleted: Vec<String>,
    /// What was left on purpose, by its deletion policy.
    kept: Vec<String>,
    deregistered_task_definitions: usize,
    /// Where the local cloud's data was that is gone.
    data_dir: Option<PathBuf>,
    /// Files in the local cloud's directory that are somebody else's.
    left: Vec<PathBuf>,
}

impl fmt::Display for Destroyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "deleted {} stacks", self.deleted.len())?;
        for kept in &self.kept {
            writeln!(f, "kept by its deletion policy: {kept}")?;
        }
        if let Some(path) = &self.data_dir {
            writeln!(f, "the local cloud and its data under `{}` are gone", path.display())?;
        }
        self.left.iter().try_for_each(|path| writeln!(f, "{}", not_ours(path)))
    }
}

/// A stack is deleted after every stack that takes one of its outputs.
fn plan(ctx: &Ctx, deployed: &Deployed) -> DestroyPlan {
    let mut left: BTreeMap<&String, &Stack> = deployed.stacks.iter().collect();
    let mut waves = Vec::new();
    while !left.is_empty() {
        let needed: BTreeSet<&String> = left
            .iter()
            .filter(|(name, stack)| {
                left.iter().any(|(other, user)| other != *name && takes_output(user, stack))
            })
            .map(|(name, _)| *name)
            .collect();
        let mut wave: Vec<String> =
            left.keys().filter(|name| !needed.contains(**name)).map(|n| (*n).clone()).collect();
        if wave.is_empty() {
            // Stacks that take each other's outputs cannot have been made by us: delete them together.
            wave = left.keys().map(|name| (*name).clone()).collect();
        }
        left.retain(|name, _| !wave.contains(name));
        waves.push(wave);
    }
    let data_dir = ctx.local.as_ref().map(|local| local.data_dir.clone());
    DestroyPlan { environment: ctx.environment.name.clone(), waves, data_dir }
}

fn takes_output(user: &Stack, stack: &Stack) -> bool {
    stack.outputs.iter().any(|(name, value)| user.parameters.get(name) == Some(value))
}

/// A yes without a question is meant for the environment that was typed beside it: a variable that was set once
/// must not choose what is deleted.
async fn confirm(ctx: &Ctx, globals: &Globals, args: &DestroyArgs) -> anyhow::Result<()> {
    let name = &ctx.environment.name;
    if ctx.local.is_some() || (args.consent.yes && globals.environment_typed) {
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

async fn apply(ctx: &Ctx, deployed: &Deployed, plan: &DestroyPlan) -> (Destroyed, Vec<anyhow::Error>) {
    let mut destroyed = Destroyed::default();
    let mut errors = Vec::new();
    for wave in &plan.waves {
        let stacks = wave.iter().filter_map(|name| deployed.stacks.get_key_value(name));
        for end in join_all(stacks.map(|(short, stack)| delete(ctx, short, stack))).await {
            match end {
                Ok((stack, kept)) => {
                    destroyed.deleted.push(stack);
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
    let count = &mut destroyed.deregistered_task_definitions;
    if let Err(error) = deregister(ctx.watch(), &ctx.environment.full_name(), count).await {
        errors.push(error);
    }
    (destroyed, errors)
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

/// Deletes every object, version and delete marker of a bucket, page by page; answers how many.
async fn empty_bucket(ctx: &Ctx, bucket: &str) -> anyhow::Result<usize> {
    let mut count = 0;
    loop {
        let found = reading(ctx, ctx.aws.first_objects(bucket, "")).await?;
        if found.len() == 0 {
            return Ok(count);
        }
        count += found.len();
        ctx.aws.delete_objects(bucket, found).await?;
    }
}

/// A call that only reads is left when the command is to end. One that writes is not: whether it was carried out
/// must be known.
async fn reading<T>(ctx: &Ctx, call: impl Future<Output = Result<T, AwsError>>) -> anyhow::Result<T> {
    Ok(ctx.session.cancel.unless_cancelled(call).await??)
}

/// Deletes one stack; its name, and what its deletion policies kept.
async fn delete(ctx: &Ctx, short: &str, stack: &Stack) -> anyhow::Result<(String, Vec<String>)> {
    ctx.session.cancel.check()?;
    lift_protection(ctx, stack).await?;
    if let Some(bucket) = bucket_to_empty(ctx, short, stack).await? {
        let count = empty_bucket(ctx, &bucket).await?;
        ctx.printer().event(&stack.name, format_args!("emptied bucket {bucket} of {count} objects"));
    }
    let last = reading(ctx, ctx.aws.newest_stack_event(&stack.id)).await?;
    ctx.aws.delete_stack(&stack.id).await?;
    let end = follow_stack(ctx.watch(), (&stack.name, &stack.id), last).await?;
    if stack_phase(&end.status) == StackPhase::Absent {
        return Ok((stack.name.clone(), kept(&end.events)));
    }
    let cause = change::cause(&end.events);
    Err(Failed(format!("stack `{}` is {}{cause}", stack.name, end.status)).into())
}

/// The artifact bucket, if this stack has it and deletes it.
async fn bucket_to_empty(ctx: &Ctx, short: &str, stack: &Stack) -> anyhow::Result<Option<String>> {
    let (of_stack, logical_id) = ARTIFACT_BUCKET;
    if short != of_stack {
        return Ok(None);
    }
    let resources = reading(ctx, ctx.aws.list_stack_resources(&stack.id)).await?;
    let bucket = resources.into_iter().find(|resource| resource.logical_id == logical_id);
    let Some(bucket) = bucket.filter(|bucket| !bucket.physical_id.is_empty()) else { return Ok(None) };
    let template = reading(ctx, ctx.aws.get_template(&stack.id)).await?;
    Ok(is_deleted_with_stack(&template, logical_id)?.then_some(bucket.physical_id))
}

/// Whether a stack's deletion deletes the resource, by the template the stack has. A policy that is not understood
/// is no reason to delete.
fn is_deleted_with_stack(template: &str, logical_id: &str) -> anyhow::Result<bool> {
    let template = seatrial_template::parse("the stack's template", template.as_bytes())?.to_json();
    // Without a policy CloudFormation deletes a bucket.
    Ok(match template["Resources"].get(logical_id) {
        Some(resource) => resource.get("DeletionPolicy").is_none_or(|policy| policy == "Delete"),
        None => false,
    })
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
    let template = reading(ctx, ctx.aws.get_template(&stack.id)).await?;
    change::update_in_place(ctx, stack, &template, &parameters).await
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

    #[test]
    fn only_a_resource_that_its_template_deletes_is_deleted_with_the_stack() {
        let cases = [
            ("", true),
            ("DeletionPolicy: Delete", true),
            ("DeletionPolicy: Retain", false),
            ("DeletionPolicy: RetainExceptOnCreate", false),
            ("DeletionPolicy: Snapshot", false),
            ("DeletionPolicy: !If [Always, Delete, Retain]", false),
        ];
        for (policy, deleted) in cases {
            let template = format!("Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n    {policy}\n");
            assert_eq!(is_deleted_with_stack(&template, "Bucket").unwrap(), deleted, "{policy}");
            assert!(!is_deleted_with_stack(&template, "Other").unwrap());
        }
        assert!(is_deleted_with_stack("Resources: [", "Bucket").is_err());
    }
}
