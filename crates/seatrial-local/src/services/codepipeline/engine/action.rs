//! One action of an execution: begun, followed, ended.

use std::collections::BTreeMap;

use super::super::declaration::{Action, Provider};
use super::super::store::{ActionRun, ActionStatus, Artifact, CodePipeline, ErrorDetails, ExecutionRow};
use super::provider::{Context, Progress, failed, refused};
use super::{build, deploy, session, source, variables};
use crate::cloud::Cloud;

/// The record of an action that begins; one whose configuration refers to nothing has failed already.
pub(super) fn begin(cloud: &Cloud, row: &ExecutionRow, stage: &str, action: &Action) -> ActionRun {
    let now = cloud.clock().now();
    let (resolved, error) = match variables::resolve(row, &action.configuration) {
        Ok(resolved) => (resolved, None),
        Err(message) => (BTreeMap::new(), Some(failed("InvalidVariableReference", message))),
    };
    let bucket = row.declaration.artifact_store.as_ref().map_or("", |store| store.location.as_str());
    let output = |name: &str| Artifact {
        name: name.to_owned(),
        bucket: bucket.to_owned(),
        key: artifact_key(&row.pipeline, name),
    };
    ActionRun {
        id: crate::id::uuid(),
        stage: stage.to_owned(),
        name: action.name.clone(),
        action_type: action.action_type_id.clone(),
        status: if error.is_some() { ActionStatus::Failed } else { ActionStatus::InProgress },
        current: true,
        start: now,
        updated: now,
        configuration: action.configuration.clone(),
        resolved,
        inputs: action
            .input_artifacts
            .iter()
            .filter_map(|input| row.artifact(&input.name))
            .cloned()
            .collect(),
        outputs: action.output_artifacts.iter().map(|artifact| output(&artifact.name)).collect(),
        variables: BTreeMap::new(),
        namespace: action.namespace.clone(),
        role: action.role_arn.clone().unwrap_or_else(|| row.declaration.role_arn.clone()),
        external_id: None,
        external_url: None,
        summary: None,
        error,
    }
}

/// `PIPELINE[..20]/ARTIFACT[..10]/RANDOM`, as CodePipeline names its objects.
fn artifact_key(pipeline: &str, artifact: &str) -> String {
    let pipeline: String = pipeline.chars().take(20).collect();
    let artifact: String = artifact.chars().take(10).collect();
    format!("{pipeline}/{artifact}/{}", crate::id::secret(7))
}

/// Does or asks for the action once, and writes down what came of it. Whether anything changed.
pub(super) async fn follow(cloud: &Cloud, part: &CodePipeline, row: &ExecutionRow, run: &ActionRun) -> bool {
    let progress = progress(cloud, row, run).await;
    if matches!(progress, Ok(Progress::Running)) {
        return false;
    }
    let now = cloud.clock().now();
    let written = part.executions.update(&row.key(), |row| {
        let (actions, revisions) = (&mut row.actions, &mut row.revisions);
        // It may have been abandoned meanwhile.
        let same = |found: &&mut ActionRun| found.id == run.id && found.status == ActionStatus::InProgress;
        let Some(found) = actions.iter_mut().find(same) else { return };
        match progress {
            Ok(Progress::Running) => {}
            Ok(Progress::Started { id, url }) => {
                (found.external_id, found.external_url) = (Some(id), Some(url))
            }
            Ok(Progress::Succeeded(done)) => {
                found.status = ActionStatus::Succeeded;
                found.summary = done.summary;
                found.external_url = done.url.or(found.external_url.take());
                found.variables = done.variables;
                if let Some(revision) = done.revision {
                    revisions.retain(|existing| existing.action != revision.action);
                    revisions.push(revision);
                }
            }
            Err(error) => {
                found.status = ActionStatus::Failed;
                found.summary = Some(error.message.clone());
                found.error = Some(error);
            }
        }
        found.updated = now;
        row.updated = now;
    });
    if let Err(error) = &written {
        tracing::error!(execution = row.id, %error, "the state of an action was not kept");
    }
    written.is_ok()
}

async fn progress(cloud: &Cloud, row: &ExecutionRow, run: &ActionRun) -> Result<Progress, ErrorDetails> {
    let principal = session::principal(cloud, &run.role, &row.id).await.map_err(refused)?;
    let context = Context { cloud, row, run, principal };
    match run.action_type.provider() {
        Some(Provider::Source) => source::run(&context).await,
        Some(Provider::Build) => build::follow(&context).await,
        Some(Provider::Deploy) => deploy::follow(&context).await,
        None => Err(failed("ActionTypeNotFound", "the local cloud does not run this action")),
    }
}
