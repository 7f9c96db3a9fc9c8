//! `cargo xtask rehearse`: the whole chain in a throwaway local cloud, under load.
//!
//! Changes nothing in AWS and nothing in the user's checkout: it works on a private clone, in a data directory of
//! its own. What stays is the build cache, so that the second rehearsal need not compile again.

mod stage;
mod verdict;

use std::time::Instant;

use super::check::ensure_postgres;
use super::deployed::Deployed;
use super::provision::{self, Provisioned};
use super::release::{self, Place, Probing, Release};
use crate::cli::{Globals, ProvisionArgs, RehearseArgs, Scenario};
use crate::context::{Ctx, find_root, load_environment};
use crate::exit::{ExitStatus, Refused, StackFailed};
use crate::output::Printer;
use crate::project::LOCAL_ENVIRONMENT;

use stage::Stage;
use verdict::{Expectation, Verdict};

/// A release is judged by so many requests at the least.
const AT_LEAST: u64 = 2_000;

pub(crate) async fn run(
    globals: Globals,
    printer: Printer,
    args: RehearseArgs,
) -> anyhow::Result<ExitStatus> {
    if let Some(name) = globals.environment.as_deref().filter(|name| *name != LOCAL_ENVIRONMENT) {
        let refused = format!("a rehearsal is in environment `{LOCAL_ENVIRONMENT}`, not in `{name}`");
        return Err(Refused::new(refused).hint("leave --environment out").into());
    }
    let globals = Globals { environment: Some(LOCAL_ENVIRONMENT.to_owned()), ..globals };
    ensure_postgres(&printer, args.install_missing)?;
    let root = find_root()?;
    let environment = load_environment(&root, &globals)?;
    let stage = Stage::build(&root, &environment, &printer).await?;
    let result = rehearse(&stage, &printer, &args).await;
    if args.keep {
        stage.keep(&printer);
    } else {
        stage.clear(&printer).await?;
    }
    let verdict = result?;
    printer.result(&verdict)?;
    Ok(verdict.exit_status())
}

async fn rehearse(stage: &Stage, printer: &Printer, args: &RehearseArgs) -> anyhow::Result<Verdict> {
    let connection = Some(stage.connection.clone());
    let (root, environment) = (stage.source.clone(), stage.environment.clone());
    let ctx = Ctx::with_connection(root, environment, printer.clone(), connection).await?;
    let provisioned = provision_all(&ctx).await?;
    let deployed = Deployed::read(&ctx.aws, &ctx.environment).await?;
    let place = Place::of(&deployed)?;
    let mut releases: Vec<(Release, Expectation)> =
        provisioned.release.clone().map(|first| (first, Expectation::Released)).into_iter().collect();
    let everything = [Scenario::Deploy, Scenario::Unhealthy];
    let scenarios = if args.scenario.is_empty() { &everything[..] } else { &args.scenario };
    for scenario in scenarios {
        let began = Instant::now();
        let release = play(&ctx, stage, &place, (*scenario, args.rate)).await?;
        let took = began.elapsed().as_secs_f64();
        printer.event("rehearse", format_args!("scenario `{}` took {took:.1} s", release.scenario));
        releases.push(release_with_expectation(*scenario, release));
    }
    Verdict::of(&ctx, provisioned, releases).await
}

fn release_with_expectation(scenario: Scenario, release: Release) -> (Release, Expectation) {
    let expectation = match scenario {
        Scenario::Deploy => Expectation::Released,
        Scenario::Unhealthy => Expectation::RolledBack,
    };
    (release, expectation)
}

async fn provision_all(ctx: &Ctx) -> anyhow::Result<Provisioned> {
    let began = Instant::now();
    let consent = crate::cli::Consent { yes: true, dry_run: false };
    let args = ProvisionArgs { consent, allow_replace: Vec::new(), local_image: false };
    let provisioned = provision::provision(ctx, &args).await?;
    if !provisioned.failures.is_empty() {
        return Err(StackFailed(provisioned.failures.join("; ")).into());
    }
    let took = began.elapsed().as_secs_f64();
    ctx.printer.event("rehearse", format_args!("provisioning and the first release took {took:.1} s"));
    Ok(provisioned)
}

/// One more release of the same commit, under load; what is to go wrong is armed before it starts.
async fn play(
    ctx: &Ctx,
    stage: &Stage,
    place: &Place,
    (scenario, rate): (Scenario, u32),
) -> anyhow::Result<Release> {
    let name = match scenario {
        Scenario::Deploy => "deploy",
        Scenario::Unhealthy => {
            ctx.printer.event("rehearse", "fault armed: the next tasks start, but answer no health check");
            stage.arm("unhealthy").await?;
            "unhealthy"
        }
    };
    let execution = release::start(ctx, place, None).await?;
    let probing = Probing { rate: rate.max(1), at_least: AT_LEAST };
    release::follow(ctx, place, (name, &execution), probing).await
}
