//! The deployment that waits to be continued, and the execution that waits for it.

use super::{ReleasePlan, Step, running};
use crate::commands::deployed::Place;
use crate::context::Ctx;
use crate::exit::Refused;
use crate::rollout::{Rollout, Strategy as _};

/// # Errors
/// Refused where none waits, or none waits for a person.
pub(super) async fn plan(ctx: &Ctx, place: &Place) -> anyhow::Result<ReleasePlan> {
    if !ctx.environment.checks.is_empty() {
        let refused = "a deployment of this environment goes on when its `checks` hold";
        let hint = "without `checks` in infra/project.yml, `deployment.ready_wait` has it wait for you";
        return Err(Refused::new(refused).hint(hint).into());
    }
    let strategy = place.strategy(&ctx.aws);
    // A group has one deployment at a time: what waits is the newest.
    let newest = match ctx.reading(strategy.newest()).await? {
        Some(id) => Some(ctx.reading(strategy.look(&id)).await?),
        None => None,
    };
    let Some(rollout) = newest.filter(Rollout::awaits_word) else {
        let status = ctx.session.command("status");
        let refused = Refused::new("no deployment waits to be continued");
        return Err(refused.hint(format!("`{status}` shows what runs")).into());
    };
    let deployment_id = rollout.id.0;
    let found = ctx.reading(ctx.aws.list_executions(&place.pipeline, |_| true)).await?.unwrap_or_default();
    for execution in found.into_iter().filter(running) {
        let runs = ctx.reading(ctx.aws.action_runs(&place.pipeline, &execution.id)).await?;
        if runs.iter().any(|run| run.external_id.as_ref() == Some(&deployment_id)) {
            return Ok(ReleasePlan {
                revision: execution.revision,
                step: Step::Continue,
                pipeline_execution_id: Some(execution.id),
                deployment_id: Some(deployment_id),
                ignore_alarms: false,
                runs: true,
                place: place.clone(),
            });
        }
    }
    // Made by hand.
    Ok(ReleasePlan {
        revision: None,
        step: Step::Continue,
        pipeline_execution_id: None,
        deployment_id: Some(deployment_id),
        ignore_alarms: false,
        runs: true,
        place: place.clone(),
    })
}
