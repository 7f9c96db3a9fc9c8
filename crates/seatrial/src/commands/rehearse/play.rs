//! One scenario: one more release of the same commit, under load, with what is to go wrong armed before it starts.

use std::time::Duration;

use super::migration::Broken;
use super::stage::Stage;
use super::verdict::Expectation;
use crate::cli::Scenario;
use crate::commands::deployed::Place;
use crate::commands::explain::Kind;
use crate::commands::release;
use crate::commands::released::{CONTINUED, Probing, Release, follow};
use crate::context::Ctx;
use crate::follow::{Cause, Look};
use crate::rollout::Strategy as _;

/// A release is judged by so many requests at the least.
const AT_LEAST: u64 = 2_000;
/// A rollout begins once the image is built.
const BUILT: Duration = Duration::from_secs(60 * 60);

/// What a scenario is called, what it arms, and how it must end.
struct Script {
    name: &'static str,
    /// The local cloud's word for the fault, and what it does.
    fault: Option<(&'static str, &'static str)>,
    expected: Expectation,
}

impl Script {
    fn of(scenario: Scenario) -> Self {
        let (name, does, cause) = match scenario {
            Scenario::Deploy => return Self { name: "deploy", fault: None, expected: Expectation::Released },
            Scenario::BadMigration => {
                let expected = Expectation::StoppedBefore(Kind::Migration);
                return Self { name: "bad-migration", fault: None, expected };
            }
            Scenario::Stop => {
                return Self { name: "stop", fault: None, expected: Expectation::RolledBack(Kind::Stopped) };
            }
            Scenario::Unhealthy => (
                "unhealthy",
                "the next tasks start, but answer no health check",
                Kind::Task(Cause::Unhealthy),
            ),
            Scenario::Crash => {
                ("crash", "the next tasks' program ends as soon as it starts", Kind::Task(Cause::Exited))
            }
            Scenario::MissingImage => {
                ("missing-image", "the next image is not in the repository", Kind::Task(Cause::MissingImage))
            }
            Scenario::DeniedSecret => (
                "denied-secret",
                "the next tasks may not read their secrets",
                Kind::Task(Cause::DeniedSecret),
            ),
        };
        Self { name, fault: Some((name, does)), expected: Expectation::RolledBack(cause) }
    }
}

/// Plays it to its end.
pub(super) async fn play(
    ctx: &Ctx,
    stage: &Stage,
    place: &Place,
    (scenario, rate): (Scenario, u32),
) -> anyhow::Result<(Release, Expectation)> {
    let Script { name, fault, expected } = Script::of(scenario);
    if scenario == Scenario::BadMigration {
        return Ok((bad_migration(ctx, stage, (place, name)).await?, expected));
    }
    if let Some((fault, does)) = fault {
        ctx.printer().event("rehearse", format_args!("fault armed: {does}"));
        stage.arm(fault).await?;
    }
    let before = ctx.reading(place.strategy(&ctx.aws).newest()).await?;
    let execution = release::start(ctx, place, None).await?;
    let probing = Probing { rate: Some(rate.max(1)), at_least: AT_LEAST };
    let followed = follow(ctx, place, (name, &execution), (probing, CONTINUED));
    if scenario != Scenario::Stop {
        return Ok((followed.await?, expected));
    }
    let somebody = async {
        let mut poll = ctx.watch().poll("the rollout that is to be stopped", BUILT);
        let strategy = place.strategy(&ctx.aws);
        poll.until(async || {
            let Some(id) = strategy.newest().await?.filter(|id| Some(id) != before.as_ref()) else {
                return Ok(Look::Nothing);
            };
            let began = strategy.look(&id).await?.replacement().is_some_and(|share| share.desired > 0);
            if !began {
                return Ok(Look::Nothing);
            }
            strategy.stop(&id).await?;
            ctx.printer().event("rehearse", format_args!("somebody stops deployment {id}"));
            Ok(Look::Ended(()))
        })
        .await
    };
    let (release, ()) = tokio::try_join!(followed, somebody)?;
    Ok((release, expected))
}

/// A release of a commit whose migration fails. Nothing is rolled out, so that there is nothing to probe: production must
/// answer afterwards.
async fn bad_migration(ctx: &Ctx, stage: &Stage, (place, name): (&Place, &str)) -> anyhow::Result<Release> {
    let broken = Broken::commit(&stage.project)?;
    let file = broken.file.display();
    ctx.printer()
        .event("rehearse", format_args!("committed to the clone: `{file}`, which no database can do"));
    let execution = release::start(ctx, place, None).await?;
    let unprobed = Probing { rate: Some(0), at_least: 0 };
    let followed = follow(ctx, place, (name, &execution), (unprobed, Patience::default())).await;
    // Later scenarios release what can be done.
    broken.undo(&stage.project)?;
    let mut release = followed?;
    let asked = Probing { rate: Some(1), at_least: 0 }.target(ctx, place)?;
    if let Some(target) = asked
        && let Err(why) = ctx.session.cancel.unless_cancelled(target.answers()).await?
    {
        release.requests.broken = Some(format!("production does not answer: {why}"));
    }
    Ok(release)
}
