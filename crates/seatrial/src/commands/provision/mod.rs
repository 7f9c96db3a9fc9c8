//! `cargo xtask provision`: plan, confirm, deploy the graph in parallel, follow, outputs.
//!
//! Changes in AWS: stacks, always by change sets that were shown; the first image and the first task definition,
//! where there is none. The pipeline that is created runs once: that is the first release, and it is followed.

mod apply;
pub(super) mod change;
mod first;
mod handshake;
mod judge;
mod plan;
mod report;

use std::path::Path;
use std::time::Instant;

use self::apply::Applied;
use super::check::ensure_postgres;
use super::deployed::Deployed;
use super::release::{self, Place, Probing, Release};
use crate::aws::status::{Progress, execution_progress};
use crate::cli::{Globals, ProvisionArgs};
use crate::context::{Ctx, find_root, load_environment, uses_local_cloud};
use crate::exit::{ExitStatus, Refused};
use crate::output::Printer;
use crate::project::{Environment, Project};
use crate::stacks;
use crate::stacks::graph::Graph;

pub(super) use first::task_variables;
pub(super) use report::{Provisioned, StackResult};

/// The first release is asked often enough to notice an outage, not to load anything.
const FIRST_RELEASE_RATE: u32 = 20;

pub(crate) async fn run(
    globals: Globals,
    printer: Printer,
    args: ProvisionArgs,
) -> anyhow::Result<ExitStatus> {
    // Before anything is started or called: most mistakes are in these files.
    let root = find_root()?;
    let environment = load_environment(&root, &globals)?;
    read_graph(&root, &environment)?;
    if uses_local_cloud(&environment)? {
        ensure_postgres(&printer, false)?;
    }
    let ctx = Ctx::for_environment(root, environment, printer).await?;
    let provisioned = provision(&ctx, &args).await?;
    ctx.printer.result(&provisioned)?;
    Ok(provisioned.exit_status())
}

/// Everything but the printing of the result.
pub(super) async fn provision(ctx: &Ctx, args: &ProvisionArgs) -> anyhow::Result<Provisioned> {
    let graph = read_graph(&ctx.root, &ctx.environment)?;
    let plan = plan::plan(ctx, &graph, args).await?;
    if args.consent.dry_run {
        plan.discard(ctx).await?;
        return Ok(Provisioned::planned(&plan));
    }
    if !plan.has_changes() {
        let release = first_release(ctx, &plan.deployed, false).await?;
        return Ok(Provisioned::done(Applied::nothing(&plan), &plan.deployed, release));
    }
    ctx.printer.note(&plan);
    if let Err(refused) = confirm(ctx, args) {
        plan.discard(ctx).await?;
        return Err(refused);
    }
    let began = Instant::now();
    let applied = apply::apply(ctx, &graph, (&plan, args)).await?;
    let deployed = Deployed::read(&ctx.aws, &ctx.environment).await?;
    ctx.printer.event("provision", format_args!("stacks done in {:.1} s", began.elapsed().as_secs_f64()));
    let release = match applied.failures.is_empty() {
        true => first_release(ctx, &deployed, plan.creates_pipeline()).await?,
        false => None,
    };
    Ok(Provisioned::done(applied, &deployed, release))
}

/// The graph of the environment, from the templates and project.yml as they are in the tree.
pub(super) fn read_graph(root: &Path, environment: &Environment) -> anyhow::Result<Graph> {
    let project = Project::load(root)?;
    Ok(Graph::infer(stacks::load(root)?, &project, environment)?)
}

fn confirm(ctx: &Ctx, args: &ProvisionArgs) -> anyhow::Result<()> {
    if args.consent.yes {
        return Ok(());
    }
    if !ctx.printer.can_ask() {
        let refused = Refused::new("there are changes, and nobody to confirm them");
        return Err(refused.hint("run `cargo xtask provision --yes`").into());
    }
    match ctx.printer.ask("go ahead? (yes/no)")?.as_str() {
        "yes" | "y" => Ok(()),
        _ => Err(Refused::new("nothing was changed").into()),
    }
}

/// The pipeline runs once when it is created; a run that an earlier, interrupted provision left is joined.
async fn first_release(ctx: &Ctx, deployed: &Deployed, created: bool) -> anyhow::Result<Option<Release>> {
    let Some(pipeline) = deployed.output("PipelineName") else { return Ok(None) };
    let executions = ctx.aws.list_executions(pipeline).await?.unwrap_or_default();
    let [only] = &executions[..] else { return Ok(None) };
    if !created && execution_progress(&only.status) != Progress::Running {
        return Ok(None);
    }
    let place = Place::of(deployed)?;
    ctx.printer.event("provision", format_args!("first release, execution {}", only.id));
    let probing = Probing { rate: FIRST_RELEASE_RATE, at_least: 0 };
    Ok(Some(release::follow(ctx, &place, ("first", &only.id), probing).await?))
}
