//! One scenario: one more release of the same commit, under load, with what is to go wrong armed before it starts, or done
//! while it runs.

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
use crate::exit::Refused;
use crate::follow::{Cause, Look};
use crate::rollout::{Rollout, RolloutId, Strategy as _};

/// A release is judged by so many requests at the least.
const AT_LEAST: u64 = 2_000;
/// A rollout begins once the image is built.
const BUILT: Duration = Duration::from_secs(60 * 60);

/// What a release of a scenario is called, what goes wrong in it, and how it must end.
pub(super) struct Script {
    name: &'static str,
    /// The local cloud's word for the fault is the name; what it does.
    fault: Option<&'static str>,
    /// What somebody does while it runs.
    meddling: Option<Meddling>,
    expected: Expectation,
}

/// What somebody does to a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meddling {
    /// Stops it once its tasks start.
    Stop,
    /// Raises an alarm of its deployment group once traffic goes to the new revision.
    Alarm,
}

impl Script {
    /// The releases of a scenario, in their order.
    pub(super) fn of(scenario: Scenario) -> Vec<Self> {
        let well = |name, fault| Self { name, fault, meddling: None, expected: Expectation::Released };
        let back = |name, fault, cause| Self {
            name,
            fault,
            meddling: None,
            expected: Expectation::RolledBack(cause),
        };
        let spoiled = |name, does, cause| vec![back(name, Some(does), Kind::Task(cause))];
        match scenario {
            Scenario::Deploy => vec![well("deploy", None)],
            Scenario::Unhealthy => {
                spoiled("unhealthy", "the next tasks start, but answer no health check", Cause::Unhealthy)
            }
            Scenario::Crash => {
                spoiled("crash", "the next tasks' program ends as soon as it starts", Cause::Exited)
            }
            Scenario::SlowStart => vec![
                well("slow-start", Some("the next tasks' program starts some seconds late, in time")),
                back(
                    "late-start",
                    Some("the next tasks' program starts too late for its health checks"),
                    Kind::Task(Cause::Unhealthy),
                ),
            ],
            Scenario::BadMigration => vec![Self {
                expected: Expectation::StoppedBefore(Kind::Migration),
                ..well("bad-migration", None)
            }],
            Scenario::MissingImage => {
                spoiled("missing-image", "the next image is not in the repository", Cause::MissingImage)
            }
            Scenario::DeniedSecret => {
                spoiled("denied-secret", "the next tasks may not read their secrets", Cause::DeniedSecret)
            }
            Scenario::Alarm => {
                vec![Self { meddling: Some(Meddling::Alarm), ..back("alarm", None, Kind::Alarm) }]
            }
            Scenario::Stop => {
                vec![Self { meddling: Some(Meddling::Stop), ..back("stop", None, Kind::Stopped) }]
            }
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// # Errors
    /// Refused where an alarm has no time to stop anything.
    pub(super) fn check(&self, ctx: &Ctx) -> Result<(), Refused> {
        let deployment = &ctx.environment.deployment;
        let waits = deployment.traffic.minutes() > 0 || deployment.terminate_blue_after.0 > 0;
        if waits || self.meddling != Some(Meddling::Alarm) {
            return Ok(());
        }
        let refused =
            Refused::new("scenario `alarm`: all traffic moves at once and the original tasks end at once");
        Err(refused.hint("with `terminate_blue_after: 5m`, or a canary, an alarm can stop a release"))
    }
}

/// Plays it to its end.
pub(super) async fn play(
    ctx: &Ctx,
    stage: &Stage,
    place: &Place,
    (script, rate): (Script, u32),
) -> anyhow::Result<(Release, Expectation)> {
    let Script { name, fault, meddling, expected } = script;
    if matches!(expected, Expectation::StoppedBefore(_)) {
        return Ok((bad_migration(ctx, stage, (place, name)).await?, expected));
    }
    if let Some(does) = fault {
        ctx.printer().event("rehearse", format_args!("fault armed: {does}"));
        stage.arm(name).await?;
    }
    let before = ctx.reading(place.strategy(&ctx.aws).newest()).await?;
    let execution = release::start(ctx, place, None).await?;
    let probing = Probing { rate: Some(rate.max(1)), at_least: AT_LEAST };
    let followed = follow(ctx, place, (name, &execution), (probing, CONTINUED));
    let release = match meddling {
        None => followed.await?,
        Some(meddling) => tokio::try_join!(followed, meddle(ctx, place, before, meddling))?.0,
    };
    match &release.left {
        Some(left) => Err(left.error()),
        None => Ok((release, expected)),
    }
}

/// Waits for a rollout that is not the one of `before` to come so far, and does it.
async fn meddle(
    ctx: &Ctx,
    place: &Place,
    before: Option<RolloutId>,
    meddling: Meddling,
) -> anyhow::Result<()> {
    let mut poll = ctx.watch().poll("the rollout that somebody meddles with", BUILT);
    let strategy = place.strategy(&ctx.aws);
    poll.until(async || {
        let Some(id) = strategy.newest().await?.filter(|id| Some(id) != before.as_ref()) else {
            return Ok(Look::Nothing);
        };
        if !meddling.is_due(&strategy.look(&id).await?) {
            return Ok(Look::Nothing);
        }
        match meddling {
            Meddling::Stop => {
                strategy.stop(&id).await?;
                ctx.printer().event("rehearse", format_args!("somebody stops deployment {id}"));
            }
            Meddling::Alarm => {
                let found = ctx.aws.alarm_settings(place.deployment_group()).await?;
                let names = found.filter(|found| found.enabled).map(|found| found.names).unwrap_or_default();
                let none = || Refused::new("the deployment group has no alarm that stops a deployment");
                let alarm = names.first().ok_or_else(none)?;
                ctx.aws.raise_alarm(alarm, "a rehearsal raised it").await?;
                ctx.printer().event("rehearse", format_args!("somebody raises alarm {alarm}"));
            }
        }
        Ok(Look::Ended(()))
    })
    .await
}

impl Meddling {
    fn is_due(self, rollout: &Rollout) -> bool {
        rollout.replacement().is_some_and(|share| match self {
            Self::Stop => share.desired > 0,
            Self::Alarm => share.weight > 0.0,
        })
    }
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
    let followed = follow(ctx, place, (name, &execution), (unprobed, CONTINUED)).await;
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

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn each_scenario_has_releases_of_names_of_their_own_and_ends_in_one_way() {
        let mut names = std::collections::BTreeSet::new();
        for scenario in Scenario::value_variants() {
            let scripts = Script::of(*scenario);
            let named = scenario.to_possible_value().unwrap();
            assert_eq!(scripts[0].name, named.get_name());
            for script in scripts {
                assert!(names.insert(script.name), "{}", script.name);
                let migrates = matches!(script.expected, Expectation::StoppedBefore(_));
                let goes_wrong = migrates || script.fault.is_some() || script.meddling.is_some();
                let goes_well = script.expected == Expectation::Released;
                assert!(goes_wrong || goes_well, "{}", script.name);
            }
        }
    }
}
