//! CodePipeline: executions, their stages and actions.

use aws_sdk_codepipeline::types as sdk;

use jiff::Timestamp;

use super::Aws;
use super::error::{Attempt as _, AwsError};
use super::script::shortened;
use super::time::timestamp;

const SERVICE: &str = "CodePipeline";

/// An execution of a pipeline.
#[derive(Debug, Clone, Default)]
pub(crate) struct Execution {
    pub id: String,
    pub status: String,
    /// The source revision, once the source action took it.
    pub revision: Option<String>,
}

/// One run of one action.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ActionRun {
    /// The run's own id: an action that is tried again has another.
    pub id: String,
    pub stage: String,
    pub action: String,
    /// Who carries it out: `CodeBuild`, `CodeDeployToECS`, `CodeStarSourceConnection`, …
    pub provider: String,
    pub status: String,
    pub started: Option<Timestamp>,
    pub updated: Option<Timestamp>,
    /// The build's or the deployment's id.
    pub external_id: Option<String>,
    pub error: Option<String>,
    pub summary: Option<String>,
}

/// A stage as GetPipelineState answers it.
#[derive(Debug, Clone)]
pub(crate) struct StageState {
    pub name: String,
    pub status: String,
    /// False where the inbound transition is disabled.
    pub enabled: bool,
    /// Why it is, in the words of whoever did it.
    pub disabled_because: Option<String>,
}

/// An action of a pipeline, and its stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActionPlace {
    pub stage: String,
    pub name: String,
}

impl Aws {
    /// The executions of a pipeline, newest first, page by page until `enough` are there; `None` if there is no such
    /// pipeline. AWS keeps those of a year.
    pub(crate) async fn list_executions(
        &self,
        pipeline: &str,
        enough: impl Fn(&[Execution]) -> bool,
    ) -> Result<Option<Vec<Execution>>, AwsError> {
        let request = self.codepipeline().list_pipeline_executions().pipeline_name(pipeline).max_results(50);
        let mut pages = request.into_paginator().send();
        let mut executions = Vec::new();
        while let Some(page) = pages.next().await {
            match page.attempt(SERVICE, || format!("list the executions of pipeline `{pipeline}`")) {
                Ok(page) => {
                    let summaries = page.pipeline_execution_summaries.unwrap_or_default();
                    executions.extend(summaries.into_iter().map(summary));
                }
                Err(error) if error.is("PipelineNotFoundException") => return Ok(None),
                Err(error) => return Err(error),
            }
            if enough(&executions) {
                break;
            }
        }
        Ok(Some(executions))
    }

    /// A pipeline's first action of that provider.
    pub(crate) async fn action_of(&self, pipeline: &str, provider: &str) -> Result<ActionPlace, AwsError> {
        let answer = self.codepipeline().get_pipeline().name(pipeline).send().await;
        let attempt = || format!("get the action of provider `{provider}` of pipeline `{pipeline}`");
        let stages = answer.attempt(SERVICE, attempt)?.pipeline.map(|pipeline| pipeline.stages);
        let is_of = |action: &sdk::ActionDeclaration| {
            action.action_type_id.as_ref().is_some_and(|kind| kind.provider == provider)
        };
        let found = stages.unwrap_or_default().into_iter().find_map(|stage| {
            let name = stage.actions.into_iter().find(is_of)?.name;
            Some(ActionPlace { stage: stage.name, name })
        });
        found.ok_or_else(|| AwsError::missing(attempt(), SERVICE))
    }

    /// Starts an execution; `revision` asks for that commit of that source action instead of the branch's head.
    pub(crate) async fn start_execution(
        &self,
        pipeline: &str,
        revision: Option<(&str, &str)>,
    ) -> Result<String, AwsError> {
        let attempt = || format!("start an execution of pipeline `{pipeline}`");
        let mut request = self.codepipeline().start_pipeline_execution().name(pipeline);
        if let Some((source_action, revision)) = revision {
            let source = sdk::SourceRevisionOverride::builder()
                .action_name(source_action)
                .revision_type(sdk::SourceRevisionType::CommitId)
                .revision_value(revision)
                .build()
                .map_err(|error| AwsError::here(attempt(), SERVICE, error.to_string()))?;
            request = request.source_revisions(source);
        }
        let answer = request.send().await.attempt(SERVICE, attempt)?;
        answer.pipeline_execution_id.ok_or_else(|| AwsError::missing(attempt(), SERVICE))
    }

    /// Closes a stage to further executions. CodePipeline takes reasons of letters, digits, spaces and `!@().*?-`.
    pub(crate) async fn disable_transition(
        &self,
        (pipeline, stage): (&str, &str),
        reason: &str,
    ) -> Result<(), AwsError> {
        let request =
            self.codepipeline().disable_stage_transition().pipeline_name(pipeline).stage_name(stage);
        let request = request.transition_type(sdk::StageTransitionType::Inbound).reason(reason);
        let attempt = || format!("close stage `{stage}` of pipeline `{pipeline}`");
        request.send().await.attempt(SERVICE, attempt).map(drop)
    }

    /// Opens it again.
    pub(crate) async fn enable_transition(&self, (pipeline, stage): (&str, &str)) -> Result<(), AwsError> {
        let request = self.codepipeline().enable_stage_transition().pipeline_name(pipeline).stage_name(stage);
        let attempt = || format!("open stage `{stage}` of pipeline `{pipeline}`");
        request
            .transition_type(sdk::StageTransitionType::Inbound)
            .send()
            .await
            .attempt(SERVICE, attempt)
            .map(drop)
    }

    pub(crate) async fn get_execution(&self, pipeline: &str, id: &str) -> Result<Execution, AwsError> {
        let answer = self
            .codepipeline()
            .get_pipeline_execution()
            .pipeline_name(pipeline)
            .pipeline_execution_id(id)
            .send()
            .await;
        let attempt = || format!("get execution `{id}` of pipeline `{pipeline}`");
        let found = answer.attempt(SERVICE, attempt)?.pipeline_execution;
        let execution = found.ok_or_else(|| AwsError::missing(attempt(), SERVICE))?;
        let mut revisions = execution.artifact_revisions.unwrap_or_default().into_iter();
        Ok(Execution {
            id: execution.pipeline_execution_id.unwrap_or_default(),
            status: execution.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            revision: revisions.find_map(|revision| revision.revision_id),
        })
    }

    /// Every run of every action of an execution, oldest first.
    pub(crate) async fn action_runs(
        &self,
        pipeline: &str,
        execution: &str,
    ) -> Result<Vec<ActionRun>, AwsError> {
        let filter = sdk::ActionExecutionFilter::builder().pipeline_execution_id(execution).build();
        let request = self.codepipeline().list_action_executions().pipeline_name(pipeline).filter(filter);
        let mut pages = request.into_paginator().send();
        let mut runs = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.attempt(SERVICE, || format!("list the actions of execution `{execution}`"))?;
            runs.extend(page.action_execution_details.unwrap_or_default().into_iter().map(action_run));
        }
        runs.reverse();
        Ok(runs)
    }

    /// The stages of a pipeline; `None` if there is no such pipeline.
    pub(crate) async fn pipeline_state(&self, pipeline: &str) -> Result<Option<Vec<StageState>>, AwsError> {
        let answer = self.codepipeline().get_pipeline_state().name(pipeline).send().await;
        match answer.attempt(SERVICE, || format!("get the state of pipeline `{pipeline}`")) {
            Ok(answer) => Ok(Some(answer.stage_states.unwrap_or_default().into_iter().map(stage).collect())),
            Err(error) if error.is("PipelineNotFoundException") => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn summary(summary: sdk::PipelineExecutionSummary) -> Execution {
    Execution {
        id: summary.pipeline_execution_id.unwrap_or_default(),
        status: summary.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        revision: summary.source_revisions.unwrap_or_default().into_iter().find_map(|r| r.revision_id),
    }
}

fn action_run(detail: sdk::ActionExecutionDetail) -> ActionRun {
    let result = detail.output.and_then(|output| output.execution_result);
    let kind = detail.input.and_then(|input| input.action_type_id);
    ActionRun {
        id: detail.action_execution_id.unwrap_or_default(),
        provider: kind.map(|kind| kind.provider).unwrap_or_default(),
        started: timestamp(detail.start_time),
        updated: timestamp(detail.last_update_time),
        stage: detail.stage_name.unwrap_or_default(),
        action: detail.action_name.unwrap_or_default(),
        status: detail.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        external_id: result
            .as_ref()
            .and_then(|r| r.external_execution_id.clone())
            .filter(|id| !id.is_empty()),
        error: result.as_ref().and_then(|r| r.error_details.clone()).and_then(|e| e.message).map(shortened),
        summary: result.and_then(|r| r.external_execution_summary).map(commit_message),
    }
}

/// A connection's source action sums a commit up as `{"ProviderType":"GitHub","CommitMessage":"…"}`: the message's
/// first line. Any other summary is plain text already.
fn commit_message(summary: String) -> String {
    let commit = serde_json::from_str::<serde_json::Value>(&summary).ok();
    let message = commit.as_ref().and_then(|commit| commit["CommitMessage"].as_str());
    message.and_then(|message| message.lines().next()).map_or(summary.clone(), str::to_owned)
}

fn stage(state: sdk::StageState) -> StageState {
    let latest = state.latest_execution;
    let transition = state.inbound_transition_state;
    StageState {
        name: state.stage_name.unwrap_or_default(),
        status: latest.as_ref().map(|latest| latest.status.as_str().to_owned()).unwrap_or_default(),
        enabled: transition.as_ref().is_none_or(|transition| transition.enabled),
        disabled_because: transition.and_then(|transition| transition.disabled_reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_summed_up_by_the_first_line_of_its_commit_message() {
        let of_a_connection = r#"{"ProviderType":"GitHub","CommitMessage":"Change the page\n\nWhy."}"#;

        assert_eq!(commit_message(of_a_connection.to_owned()), "Change the page");
        assert_eq!(commit_message("Deployment d-1 succeeded".to_owned()), "Deployment d-1 succeeded");
    }
}
