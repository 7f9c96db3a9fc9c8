//! `cargo xtask rollback`: the way back. A deployment that runs is stopped, with its traffic put back; else what was live
//! before is deployed again, blue to green like any release.
//!
//! Changes in AWS: stops or creates a deployment. The pipeline is left as it is: its next execution goes forward again.

use std::fmt;

use serde::Serialize;

use super::deployed::{Deployed, Place};
use super::released::{CONTINUED, Probing, follow_alone};
use crate::ask::agrees;
use crate::aws::EarlierDeployment;
use crate::aws::status::Progress;
use crate::cli::RollbackArgs;
use crate::context::Ctx;
use crate::exit::{Failed, Refused};
use crate::follow::{Followed, Left, Requests, Scaling};
use crate::outcome::Report;
use crate::output::table;
use crate::rollout::{RolloutId, Strategy as _};

/// How a way back is described, by whoever goes it: from that others know it.
const BACK: &str = "back to ";

/// What `rollback` prints.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum RollingBack {
    Listed { earlier: Vec<Earlier> },
    Planned(Plan),
    Ended(Ended),
}

/// What was live once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Earlier {
    deployment_id: String,
    /// `FAMILY:REVISION`.
    task_definition: String,
    /// When it was deployed.
    time: Option<String>,
    is_live: bool,
    #[serde(skip)]
    app_spec: String,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum Plan {
    /// This deployment runs.
    Stop { deployment_id: String },
    /// This one runs, and is a way back already: somebody else's, or CodeDeploy's own.
    Join { deployment_id: String },
    /// Nothing runs: this was live before.
    Deploy { to: Earlier, live: Option<String> },
}

/// What was done.
#[derive(Serialize)]
pub(crate) struct Ended {
    #[serde(flatten)]
    plan: Plan,
    /// The deployment that brought the earlier revision back.
    rollback_deployment_id: Option<String>,
    /// As AWS spells it.
    status: String,
    requests: Requests,
}

impl Plan {
    /// Two who go back at once want the same: the second does not stop the first.
    fn of_active(deployment_id: String, (description, is_rollback): &(String, bool)) -> Self {
        match *is_rollback || description.starts_with(BACK) {
            true => Self::Join { deployment_id },
            false => Self::Stop { deployment_id },
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stop { deployment_id } => {
                write!(f, "deployment {deployment_id} runs: it is stopped, and traffic goes back")
            }
            Self::Join { deployment_id } => {
                write!(f, "deployment {deployment_id} goes back already: it is followed")
            }
            Self::Deploy { to, live } => {
                let live = live.as_deref().unwrap_or("nothing");
                write!(f, "{live} is live; {} is deployed again", to.task_definition)
            }
        }
    }
}

impl fmt::Display for RollingBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listed { earlier } => {
                let row = |earlier: &Earlier| {
                    let live = if earlier.is_live { "live" } else { "" };
                    let time = earlier.time.clone().unwrap_or_default();
                    vec![
                        earlier.task_definition.clone(),
                        time,
                        earlier.deployment_id.clone(),
                        live.to_owned(),
                    ]
                };
                let header = ["task definition", "deployed", "deployment", ""];
                f.write_str(&table(&header, earlier.iter().map(row)))
            }
            Self::Planned(plan) => plan.fmt(f),
            Self::Ended(ended) => {
                writeln!(f, "{}", ended.plan)?;
                let by = ended.rollback_deployment_id.as_deref().map(|id| format!(" by deployment {id}"));
                write!(f, "{}{}", ended.status, by.unwrap_or_default())?;
                let Requests { sent, failed, .. } = ended.requests;
                if sent > 0 { write!(f, "; {failed} of {sent} requests failed") } else { Ok(()) }
            }
        }
    }
}

pub(crate) async fn run(ctx: &Ctx, args: &RollbackArgs) -> anyhow::Result<Report<RollingBack>> {
    let place = Place::of(&Deployed::read(ctx).await?)?;
    if args.list {
        return Ok(Report::done(RollingBack::Listed { earlier: earlier(ctx, &place).await?.0 }));
    }
    let plan = plan(ctx, &place, args.to.as_deref()).await?;
    if args.consent.dry_run {
        return Ok(Report::done(RollingBack::Planned(plan)));
    }
    if !args.consent.yes {
        ctx.printer().plan(&plan, true);
        if !ctx.printer().can_ask() {
            return Err(Refused::new("there is nobody to agree to it").hint("say so with --yes").into());
        }
        if !agrees(&ctx.session, "go back? (yes/no)").await? {
            return Err(Refused::new("nothing was changed").into());
        }
    }
    carry_out(ctx, &place, plan).await
}

/// What was live, newest first, each revision once; and the revision that is live.
async fn earlier(ctx: &Ctx, place: &Place) -> anyhow::Result<(Vec<Earlier>, Option<String>)> {
    let (application, group) = place.deployment_group();
    let primary = ctx.reading(ctx.aws.primary_task_set(&place.cluster, &place.service)).await?;
    let live = primary.map(|primary| short(&primary.task_definition));
    let found = ctx.reading(ctx.aws.earlier_deployments(application, group)).await?;
    Ok((distinct(found, live.as_deref()), live))
}

fn distinct(found: Vec<EarlierDeployment>, live: Option<&str>) -> Vec<Earlier> {
    let mut distinct: Vec<Earlier> = Vec::new();
    for deployment in found {
        let task_definition = short(&deployment.task_definition);
        if distinct.iter().any(|known| known.task_definition == task_definition) {
            continue;
        }
        distinct.push(Earlier {
            deployment_id: deployment.id,
            time: deployment.time.map(|time| time.strftime("%F %T").to_string()),
            is_live: live == Some(task_definition.as_str()),
            task_definition,
            app_spec: deployment.app_spec,
        });
    }
    distinct
}

/// `FAMILY:REVISION` of an ARN.
fn short(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

async fn plan(ctx: &Ctx, place: &Place, to: Option<&str>) -> anyhow::Result<Plan> {
    let (application, group) = place.deployment_group();
    let active = ctx.reading(ctx.aws.active_deployments(application, group)).await?;
    if let Some(deployment_id) = active.into_iter().next() {
        if to.is_some() {
            let refused = format!("deployment {deployment_id} runs: nothing else can be deployed meanwhile");
            let stop = ctx.session.command("rollback");
            return Err(Refused::new(refused).hint(format!("`{stop}` without --to stops it")).into());
        }
        let origin = ctx.reading(ctx.aws.origin_of(&deployment_id)).await?;
        return Ok(Plan::of_active(deployment_id, &origin));
    }
    let (earlier, live) = earlier(ctx, place).await?;
    let to = chosen(&earlier, to)?;
    Ok(Plan::Deploy { to, live })
}

/// The one that was asked for, else the newest that is not live.
fn chosen(earlier: &[Earlier], to: Option<&str>) -> Result<Earlier, Refused> {
    let is_it = |earlier: &&Earlier| match to {
        None => !earlier.is_live,
        Some(to) => {
            let revision = earlier.task_definition.rsplit(':').next();
            to == earlier.deployment_id || short(to) == earlier.task_definition || Some(to) == revision
        }
    };
    match (earlier.iter().find(is_it), to) {
        (Some(found), _) if found.is_live => Err(Refused::new(format!("{} is live", found.task_definition))),
        (Some(found), _) => Ok(found.clone()),
        (None, None) => Err(Refused::new("nothing else was live before")),
        (None, Some(to)) => Err(Refused::new(format!("`{to}` was not live among the last deployments"))
            .hint("`rollback --list` shows what was")),
    }
}

async fn carry_out(ctx: &Ctx, place: &Place, plan: Plan) -> anyhow::Result<Report<RollingBack>> {
    let scaling = place.scaling(ctx);
    let followed = async {
        let id = begin(ctx, (place, &scaling), &plan).await?;
        follow_alone(ctx, (place, &scaling), id, (Probing::default(), CONTINUED)).await
    };
    let followed = followed.await;
    scaling.resume().await;
    Ok(concluded(plan, followed?))
}

/// Stops or creates the deployment that leads back.
async fn begin(
    ctx: &Ctx,
    (place, scaling): (&Place, &Scaling<'_>),
    plan: &Plan,
) -> anyhow::Result<RolloutId> {
    match plan {
        Plan::Stop { deployment_id } => {
            let id = RolloutId(deployment_id.clone());
            place.strategy(&ctx.aws).stop(&id).await?;
            Ok(id)
        }
        Plan::Join { deployment_id } => Ok(RolloutId(deployment_id.clone())),
        Plan::Deploy { to, .. } => {
            scaling.suspend().await;
            let description = format!("{BACK}{}", to.task_definition);
            let made =
                ctx.aws.create_deployment(place.deployment_group(), &to.app_spec, &description).await?;
            Ok(RolloutId(made))
        }
    }
}

fn concluded(plan: Plan, followed: Followed) -> Report<RollingBack> {
    let Followed { rollout, rollback, requests, left, .. } = followed;
    let back = match &plan {
        // One that was stopped before it began has nothing to put back.
        Plan::Stop { .. } => rollback.or(rollout),
        Plan::Join { .. } | Plan::Deploy { .. } => rollout,
    };
    let stopped = matches!(plan, Plan::Stop { .. });
    let status = back.as_ref().map(|back| back.status.clone()).unwrap_or_default();
    let went_well = back.as_ref().is_some_and(|back| back.progress == Progress::Succeeded);
    let requests = requests.unwrap_or_default();
    let mut errors: Vec<anyhow::Error> = left.iter().map(Left::error).collect();
    let is_left = left.is_some();
    if !went_well && !is_left {
        let what =
            if stopped { "the deployment was stopped, and its rollback is" } else { "the way back is" };
        errors.push(Failed(format!("{what} {status}")).into());
    }
    if requests.failed > 0 && !is_left {
        errors.push(
            Failed(format!("{} of {} requests failed meanwhile", requests.failed, requests.sent)).into(),
        );
    }
    let rollback_deployment_id = back.map(|back| back.id.0);
    Report { fields: RollingBack::Ended(Ended { plan, rollback_deployment_id, status, requests }), errors }
}

#[cfg(test)]
mod tests {
    use seatrial_project::Project;
    use serde_json::json;

    use super::*;
    use crate::aws::tests::stub;
    use crate::output::{Format, Printer};
    use crate::session::Session;

    fn deployment(id: &str, revision: u32) -> EarlierDeployment {
        EarlierDeployment {
            id: id.to_owned(),
            time: None,
            task_definition: format!("arn:aws:ecs:eu-central-1:1:task-definition/web:{revision}"),
            app_spec: String::new(),
        }
    }

    #[tokio::test]
    async fn scaling_is_suspended_before_the_way_back_is_made_and_resumed_where_it_is_refused() {
        let (aws, calls) = stub(|operation, before, _| {
            let state = |is_it: bool| json!({ "DynamicScalingInSuspended": is_it, "DynamicScalingOutSuspended": is_it });
            match operation {
                "DescribeScalableTargets" => {
                    json!({ "ScalableTargets": [{ "SuspendedState": state(before > 0) }] })
                }
                "CreateDeployment" => json!({ "__type": "DeploymentLimitExceededException", "__status": 400 }),
                _ => json!({}),
            }
        })
        .await;
        let project = b"project: web\nsource: {repository: o/n}\nenvironments:\n  local: {}\n";
        let environment = Project::parse(project).unwrap().environment(None).unwrap().clone();
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        let place = Place::of(&Deployed::of_outputs(&environment)).unwrap();
        let ctx = Ctx { aws, session, root: std::path::PathBuf::new(), environment, local: None };
        let to = distinct(vec![deployment("d-1", 1)], None).remove(0);

        let refused = carry_out(&ctx, &place, Plan::Deploy { to, live: None }).await.err().unwrap();

        assert!(format!("{refused:#}").contains("DeploymentLimitExceededException"), "{refused:#}");
        let (read, written) = ("DescribeScalableTargets", "RegisterScalableTarget");
        assert_eq!(calls.made(), [read, written, "CreateDeployment", read, written]);
    }

    #[test]
    fn a_way_back_that_runs_is_joined_and_any_other_deployment_is_stopped() {
        let plan = |description: &str, by_code_deploy| {
            let plan = Plan::of_active("d-1".to_owned(), &(description.to_owned(), by_code_deploy));
            plan.to_string()
        };
        assert!(plan("pipeline web, execution 7", false).ends_with("is stopped, and traffic goes back"));
        assert!(plan(&format!("{BACK}web:2"), false).ends_with("goes back already: it is followed"));
        assert!(plan("", true).ends_with("goes back already: it is followed"));
    }

    #[test]
    fn the_way_back_leads_to_the_newest_revision_that_is_not_live_or_to_the_one_that_is_named() {
        // 4 went wrong after 3 had come back once.
        let found =
            vec![deployment("d-4", 3), deployment("d-3", 3), deployment("d-2", 2), deployment("d-1", 1)];
        let earlier = distinct(found, Some("web:3"));
        let to = |to: Option<&str>| chosen(&earlier, to).map(|earlier| earlier.task_definition);

        assert_eq!(earlier.len(), 3);
        assert_eq!(to(None).unwrap(), "web:2");
        for name in ["1", "web:1", "d-1", "arn:aws:ecs:eu-central-1:1:task-definition/web:1"] {
            assert_eq!(to(Some(name)).unwrap(), "web:1", "{name}");
        }
        assert_eq!(to(Some("3")).unwrap_err().to_string(), "web:3 is live");
        assert!(to(Some("9")).unwrap_err().to_string().contains("was not live"));
    }
}
