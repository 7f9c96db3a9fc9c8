//! `cargo xtask rehearse`: the whole chain in a throwaway local cloud, under load.
//!
//! Changes nothing in AWS and nothing in the user's checkout: it works on a private clone, in a data directory of
//! its own. What stays is the build cache, so that the second rehearsal need not compile again.

mod stage;
mod verdict;

use std::time::Instant;

use super::deployed::{Deployed, Place};
use super::provision::{self, Provisioned};
use super::release;
use super::released::{Probing, Release, follow};
use crate::cli::{Consent, Globals, ProvisionArgs, RehearseArgs, Scenario};
use crate::context::{Ctx, find_root, load_environment};
use crate::exit::Refused;
use crate::install::ensure_postgres;
use crate::outcome::Report;
use crate::session::Session;
use seatrial_project::LOCAL_ENVIRONMENT;

use stage::Stage;
use verdict::{Expectation, Verdict};

/// A release is judged by so many requests at the least.
const AT_LEAST: u64 = 2_000;

pub(crate) async fn run(
    session: &Session,
    globals: &Globals,
    args: &RehearseArgs,
) -> anyhow::Result<Report<Verdict>> {
    if let Some(name) = globals.environment.as_deref().filter(|name| *name != LOCAL_ENVIRONMENT) {
        let refused = format!("a rehearsal is in environment `{LOCAL_ENVIRONMENT}`, not in `{name}`");
        return Err(Refused::new(refused).hint("leave --environment out").into());
    }
    let globals = Globals { environment: Some(LOCAL_ENVIRONMENT.to_owned()), ..globals.clone() };
    ensure_postgres(session, args.install_missing)?;
    let root = find_root()?;
    let environment = load_environment(&root, &globals)?;
    let stage = Stage::build(session, &root, &environment).await?;
    let result = rehearse(session, &stage, args).await;
    // Also after an interruption: nothing is left running that was not asked for.
    let left = match args.keep && !session.cancel.is_cancelled() {
        true => stage.keep(session),
        false => stage.clear(&session.printer).await,
    };
    let mut report = result?;
    report.errors.extend(left.err());
    Ok(report)
}

async fn rehearse(session: &Session, stage: &Stage, args: &RehearseArgs) -> anyhow::Result<Report<Verdict>> {
    let connection = Some(stage.connection.clone());
    let (root, environment) = (stage.project.clone(), stage.environment.clone());
    let ctx = Ctx::with_connection(session, root, environment, connection).await?;
    let Report { fields: provisioned, errors } = provision_all(&ctx).await?;
    let mut verdict = Verdict::new(provisioned);
    if errors.is_empty() {
        let played = play_all(&ctx, stage, args, &mut verdict).await;
        return verdict.concluded(&ctx, played.err().into_iter().collect()).await;
    }
    verdict.concluded(&ctx, errors).await
}

async fn play_all(
    ctx: &Ctx,
    stage: &Stage,
    args: &RehearseArgs,
    verdict: &mut Verdict,
) -> anyhow::Result<()> {
    let place = Place::of(&Deployed::read(ctx).await?)?;
    let everything = [Scenario::Deploy, Scenario::Unhealthy];
    let scenarios = if args.scenario.is_empty() { &everything[..] } else { &args.scenario };
    for scenario in scenarios {
        let began = Instant::now();
        let (release, expectation) = play(ctx, stage, &place, (*scenario, args.rate)).await?;
        let took = began.elapsed().as_secs_f64();
        ctx.printer().event("rehearse", format_args!("scenario `{}` took {took:.1} s", release.scenario));
        verdict.add(release, expectation);
    }
    Ok(())
}

async fn provision_all(ctx: &Ctx) -> anyhow::Result<Report<Provisioned>> {
    let began = Instant::now();
    let consent = Consent { yes: true, dry_run: false };
    let args = ProvisionArgs { consent, allow_replace: Vec::new(), local_image: false };
    let graph = provision::read_graph(&ctx.root, &ctx.environment)?;
    let provisioned = provision::provision(ctx, &graph, &args).await?;
    let took = began.elapsed().as_secs_f64();
    ctx.printer().event("rehearse", format_args!("provisioning and the first release took {took:.1} s"));
    Ok(provisioned)
}

/// One more release of the same commit, under load; what is to go wrong is armed before it starts.
async fn play(
    ctx: &Ctx,
    stage: &Stage,
    place: &Place,
    (scenario, rate): (Scenario, u32),
) -> anyhow::Result<(Release, Expectation)> {
    let (name, expectation) = match scenario {
        Scenario::Deploy => ("deploy", Expectation::Released),
        Scenario::Unhealthy => {
            let text = "fault armed: the next tasks start, but answer no health check";
            ctx.printer().event("rehearse", text);
            stage.arm("unhealthy").await?;
            ("unhealthy", Expectation::RolledBack)
        }
    };
    let execution = release::start(ctx, place, None).await?;
    let probing = Probing { rate: rate.max(1), at_least: AT_LEAST };
    Ok((follow(ctx, place, (name, &execution), probing).await?, expectation))
}
