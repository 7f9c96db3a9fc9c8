//! `cargo xtask provision`: plan, confirm, deploy the graph in parallel, follow, outputs.
//!
//! Changes in AWS: the account's service-linked roles, where one is missing; stacks, always by change sets that were shown; the first image and the first task definition,
//! where there is none. The pipeline that is created runs once: that is the first release, and it is followed.

mod apply;
mod bridge;
mod connection;
mod consent;
mod ended;
mod first;
mod fixed;
mod forecast;
mod found;
mod handshake;
mod health_path;
mod import;
mod judge;
mod linked_roles;
mod lock;
mod plan;
mod protect;
mod queue;
mod recover;
mod repair;
mod report;
mod risk;
mod screen;
mod seed;

use std::time::Instant;

use self::consent::Consent;
use self::ended::Applied;
use super::deployed::{Deployed, Place};
use super::dns_record::DnsRecord;
use super::graph;
use super::released::{CONTINUED, Probing, Release, follow};
use super::{learned, timeline};
use crate::aws::status::{Progress, execution_progress};
use crate::cli::{DiffArgs, Globals, ProvisionArgs};
use crate::context::{Ctx, find_root, load_environment, uses_local_cloud};
use crate::exit::Failed;
use crate::install::ensure_postgres;
use crate::outcome::Report;
use crate::plan::graph::Graph;
use crate::plan::owned::Owned;
use crate::session::Session;

pub(super) use connection::kept as kept_connection;
pub(super) use ended::StackResult;
pub(super) use handshake::link as handshake_link;
pub(super) use linked_roles::LINKED;
pub(super) use report::Provisioned;

/// The first release is asked often enough to notice an outage, not to load anything.
const FIRST_RELEASE_RATE: u32 = 20;

pub(crate) async fn run(
    session: &Session,
    globals: &Globals,
    args: &ProvisionArgs,
) -> anyhow::Result<Report<Provisioned>> {
    // Before anything is started or called: most mistakes are in these files.
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    let graph = graph::read(&root, &environment)?;
    recover::check_names(&graph, args)?;
    if uses_local_cloud(&environment)? {
        ensure_postgres(session, false)?;
    }
    let mut ctx = Ctx::for_environment(session, root, environment).await?;
    if args.repair_traffic {
        return repair::run(&ctx, &args.consent).await;
    }
    let graph = match connection::existing(&ctx).await? {
        existing if existing == ctx.environment.source.connection_arn => graph,
        existing => {
            ctx.environment.source.connection_arn = existing;
            graph::read(&ctx.root, &ctx.environment)?
        }
    };
    let mut report = provision(&ctx, &graph, args).await?;
    learned::learn(&ctx);
    report.fields.timeline = timeline::chart(&ctx, &args.chart, &forecast::after(&graph), &mut report.errors);
    Ok(report)
}

/// The plan alone: what was made to be shown is deleted again.
pub(crate) async fn diff(
    session: &Session,
    globals: &Globals,
    args: &DiffArgs,
) -> anyhow::Result<Report<Provisioned>> {
    let args = ProvisionArgs {
        consent: crate::cli::Consent { yes: false, dry_run: true },
        allow_replace: args.allow_replace.clone(),
        allow_interruption: args.allow_interruption,
        ..ProvisionArgs::default()
    };
    run(session, globals, &args).await
}

/// Everything once the environment is known.
pub(super) async fn provision(
    ctx: &Ctx,
    graph: &Graph,
    args: &ProvisionArgs,
) -> anyhow::Result<Report<Provisioned>> {
    if !args.import.is_empty() && !import::run(ctx, graph, args).await? {
        return Ok(Report::done(Provisioned::default()));
    }
    let plan = match plan::plan(ctx, graph, args).await {
        Ok(plan) => plan,
        Err(errors) => return Ok(Report { fields: Provisioned::default(), errors }),
    };
    if args.consent.dry_run {
        let left = || Failed("change sets that were made to be shown are left".to_owned()).into();
        let errors = if plan.discard(ctx).await { Vec::new() } else { vec![left()] };
        return Ok(Report { fields: Provisioned::planned(plan), errors });
    }
    if !plan.has_changes() {
        let orphans = plan.orphans.clone();
        let applied = Applied { stacks: plan.results(), orphans, ..Applied::default() };
        if let Some(pipeline) = plan.deployed.output(Owned::PipelineName) {
            lock::open_left(ctx, pipeline).await?;
        }
        return report(ctx, &plan.deployed, applied, false).await;
    }
    // Whatever is agreed to, and however this run ends.
    plan.close_left(protect::Protection { ctx, graph, allowed: &[] }).await;
    let consent = match Consent::to(ctx, &plan, &args.consent).await {
        Ok(consent) => consent,
        Err(refused) => {
            plan.discard(ctx).await;
            return Ok(Report { fields: Provisioned::refused(plan), errors: vec![refused] });
        }
    };
    linked_roles::make(ctx, graph, &plan).await;
    let began = Instant::now();
    let shown = ctx.printer().together("provision", forecast::whole(ctx, graph, &plan));
    let applied = apply::apply(ctx, graph, (&plan, args, consent)).await;
    drop(shown);
    if !applied.errors.is_empty() {
        // Of what was not reached the change sets are still there.
        plan.discard(ctx).await;
    }
    let deployed = Deployed::read(ctx).await;
    if applied.errors.is_empty() {
        let took = began.elapsed().as_secs_f64();
        ctx.printer().event("provision", format_args!("stacks done in {took:.1} s"));
    }
    match deployed {
        Ok(deployed) => report(ctx, &deployed, applied, plan.creates_pipeline()).await,
        // What was done is told all the same.
        Err(error) => {
            let fields = Provisioned::done(&applied, &plan.deployed, None);
            let errors = if applied.errors.is_empty() { vec![error] } else { applied.errors };
            Ok(Report { fields, errors })
        }
    }
}

/// Follows the first release where there is one to follow.
async fn report(
    ctx: &Ctx,
    deployed: &Deployed,
    applied: Applied,
    created: bool,
) -> anyhow::Result<Report<Provisioned>> {
    let mut release = None;
    let mut errors = Vec::new();
    if applied.errors.is_empty() {
        match first_release(ctx, deployed, created).await {
            // What a run left that was killed.
            Ok(None) => resume_scaling(ctx, deployed).await,
            Ok(followed) => release = followed,
            Err(error) => errors.push(error),
        }
    }
    errors.extend(release.iter().flat_map(|release: &Release| release.errors(None)));
    let mut fields = Provisioned::done(&applied, deployed, release);
    fields.dns_record = DnsRecord::of(&ctx.environment, deployed);
    errors.extend(applied.errors);
    Ok(Report { fields, errors })
}

async fn resume_scaling(ctx: &Ctx, deployed: &Deployed) {
    if let Ok(place) = Place::of(deployed) {
        place.scaling(ctx).resume().await;
    }
}

/// The pipeline runs once when it is created; a run that an earlier, interrupted provision left is joined.
async fn first_release(ctx: &Ctx, deployed: &Deployed, created: bool) -> anyhow::Result<Option<Release>> {
    let Some(pipeline) = deployed.output(Owned::PipelineName) else { return Ok(None) };
    let listing = ctx.aws.list_executions(pipeline, |found| found.len() > 1);
    let executions = ctx.reading(listing).await?.unwrap_or_default();
    let [only] = &executions[..] else { return Ok(None) };
    if !created && execution_progress(&only.status) != Progress::Running {
        return Ok(None);
    }
    let place = Place::of(deployed)?;
    ctx.printer().event("provision", format_args!("first release, execution {}", only.id));
    let probing = Probing { rate: Some(FIRST_RELEASE_RATE), at_least: 0 };
    Ok(Some(follow(ctx, &place, ("first", &only.id), (probing, CONTINUED)).await?))
}
