//! The deployment that waits to be continued, and the execution that waits for it.

use crate::aws::Execution;
use crate::aws::status::{Progress, execution_progress};
use crate::commands::deployed::Place;
use crate::context::Ctx;
use crate::exit::Refused;
use crate::rollout::{Rollout, RolloutId, Strategy as _};

/// What waits for somebody's word.
pub(super) struct Waiting {
    pub deployment: RolloutId,
    /// `None` for a deployment that was made by hand.
    pub execution: Option<Execution>,
}

/// # Errors
/// Refused where none waits, or none waits for a person.
pub(super) async fn find(ctx: &Ctx, place: &Place) -> anyhow::Result<Waiting> {
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
    let deployment = rollout.id;
    let found = ctx.reading(ctx.aws.list_executions(&place.pipeline, |_| true)).await?.unwrap_or_default();
    for execution in found {
        if execution_progress(&execution.status) != Progress::Running {
            continue;
        }
        let runs = ctx.reading(ctx.aws.action_runs(&place.pipeline, &execution.id)).await?;
        if runs.iter().any(|run| run.external_id.as_ref() == Some(&deployment.0)) {
            return Ok(Waiting { deployment, execution: Some(execution) });
        }
    }
    Ok(Waiting { deployment, execution: None })
}
