//! What the page shows of pipelines: their executions.

use seatrial_page::{Action, Release};

use super::store::{ActionRun, ActionStatus, CodePipeline, ExecutionRow};
use crate::cloud::Cloud;

/// So many are shown.
const MOST: usize = 200;

/// The newest executions of all pipelines, each with the deployments it made, by id.
pub(crate) fn releases(cloud: &Cloud) -> Vec<(Release, Option<String>)> {
    let mut rows = cloud.part::<CodePipeline>().executions.values();
    rows.sort_by(|one, other| other.start.0.total_cmp(&one.start.0));
    rows.truncate(MOST);
    rows.into_iter().map(|row| (release(&row), deployment(&row))).collect()
}

fn deployment(row: &ExecutionRow) -> Option<String> {
    let run = row
        .actions
        .iter()
        .rev()
        .find(|run| run.current && run.action_type.provider.starts_with("CodeDeploy"));
    run.and_then(|run| run.external_id.clone())
}

fn release(row: &ExecutionRow) -> Release {
    let actions = row.declaration.stages.iter().flat_map(|stage| {
        stage.actions.iter().map(|action| match row.action(&stage.name, &action.name) {
            Some(run) => shown(run),
            None => Action { stage: stage.name.clone(), name: action.name.clone(), ..Action::default() },
        })
    });
    let revision = row.revisions.first();
    Release {
        id: row.id.clone(),
        pipeline: row.pipeline.clone(),
        revision: revision.map(|revision| revision.id.clone()).unwrap_or_default(),
        summary: revision.map(|revision| revision.summary.clone()).unwrap_or_default(),
        status: format!("{:?}", row.status),
        began: row.start.0,
        ended: (!row.status.is_running()).then_some(row.updated.0),
        actions: actions.collect(),
        deployment: None,
        why: None,
    }
}

fn shown(run: &ActionRun) -> Action {
    let error = run.error.as_ref().map(|error| error.message.clone());
    Action {
        stage: run.stage.clone(),
        name: run.name.clone(),
        status: format!("{:?}", run.status),
        began: Some(run.start.0),
        ended: (run.status != ActionStatus::InProgress).then_some(run.updated.0),
        detail: error.or_else(|| run.summary.clone()),
    }
}
