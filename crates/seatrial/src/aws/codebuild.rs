//! CodeBuild: builds started by hand and their phases.

use aws_sdk_codebuild::types::{
    self as sdk, ArtifactsType, EnvironmentVariable, EnvironmentVariableType, ProjectArtifacts, SourceType,
    StatusType,
};

use jiff::Timestamp;

use super::Aws;
use super::error::{Attempt as _, AwsError};
use super::script::shortened;
use super::time::timestamp;

const SERVICE: &str = "CodeBuild";
/// Tells a build the revision of sources that come without history.
const REVISION_VARIABLE: &str = "SOURCE_REVISION";

/// A build as BatchGetBuilds answers it.
#[derive(Debug, Clone)]
pub(crate) struct Build {
    pub status: String,
    pub phases: Vec<BuildPhase>,
    pub log_group: Option<String>,
    pub log_stream: Option<String>,
    /// What the buildspec exports.
    pub exported: Vec<(String, String)>,
}

/// One phase of a build.
#[derive(Debug, Clone)]
pub(crate) struct BuildPhase {
    pub name: String,
    pub status: Option<String>,
    /// When it ended, else when it began.
    pub time: Option<Timestamp>,
    pub duration_s: Option<i64>,
    /// Why it failed.
    pub contexts: Vec<String>,
}

/// A build outside a pipeline: source from S3, no artifacts.
pub(crate) struct FirstBuild<'a> {
    pub project: &'a str,
    /// `bucket/key` of the source archive.
    pub source: &'a str,
    /// Becomes [`REVISION_VARIABLE`].
    pub revision: &'a str,
}

impl Aws {
    /// Starts a build and answers its id.
    pub(crate) async fn start_build(&self, build: &FirstBuild<'_>) -> Result<String, AwsError> {
        let attempt = || format!("start a build of project `{}`", build.project);
        let variable = |name: &str, value: &str| {
            EnvironmentVariable::builder()
                .name(name)
                .value(value)
                .r#type(EnvironmentVariableType::Plaintext)
                .build()
        };
        let invalid = |error: aws_sdk_codebuild::error::BuildError| {
            AwsError::here(attempt(), SERVICE, error.to_string())
        };
        let revision = variable(REVISION_VARIABLE, build.revision).map_err(invalid)?;
        let none = ProjectArtifacts::builder().r#type(ArtifactsType::NoArtifacts).build();
        let answer = self
            .codebuild()
            .start_build()
            .project_name(build.project)
            .source_type_override(SourceType::S3)
            .source_location_override(build.source)
            .artifacts_override(none.map_err(invalid)?)
            .environment_variables_override(revision)
            .send()
            .await
            .attempt(SERVICE, attempt)?;
        answer.build_value.and_then(|build| build.id).ok_or_else(|| AwsError::missing(attempt(), SERVICE))
    }

    /// The build of a revision that was started by hand and still runs: its id and `bucket/key` of its source. What runs
    /// is among the hundred newest.
    pub(crate) async fn running_build(
        &self,
        project: &str,
        revision: &str,
    ) -> Result<Option<(String, String)>, AwsError> {
        let attempt = || format!("list the builds of project `{project}`");
        let listed = self.codebuild().list_builds_for_project().project_name(project).send().await;
        let ids = listed.attempt(SERVICE, attempt)?.ids.unwrap_or_default();
        if ids.is_empty() {
            return Ok(None);
        }
        let answer = self.codebuild().batch_get_builds().set_ids(Some(ids)).send().await;
        let builds = answer.attempt(SERVICE, attempt)?.builds.unwrap_or_default();
        Ok(builds.into_iter().find_map(|build| {
            let variables = build.environment?.environment_variables.unwrap_or_default();
            let ours = variables.iter().any(|v| v.name() == REVISION_VARIABLE && v.value() == revision);
            let runs = build.build_status == Some(StatusType::InProgress);
            let source = build.source?;
            let from_s3 = source.r#type == SourceType::S3;
            (ours && runs && from_s3).then_some((build.id?, source.location?))
        }))
    }

    pub(crate) async fn get_build(&self, id: &str) -> Result<Build, AwsError> {
        let answer = self.codebuild().batch_get_builds().ids(id).send().await;
        let attempt = || format!("get build `{id}`");
        let found = answer.attempt(SERVICE, attempt)?.builds.unwrap_or_default().into_iter().next();
        found.map(build).ok_or_else(|| AwsError::missing(attempt(), SERVICE))
    }
}

fn build(build: sdk::Build) -> Build {
    let phase = |phase: sdk::BuildPhase| BuildPhase {
        name: phase.phase_type.map(|name| name.as_str().to_owned()).unwrap_or_default(),
        status: phase.phase_status.map(|status| status.as_str().to_owned()),
        time: timestamp(phase.end_time.or(phase.start_time)),
        duration_s: phase.duration_in_seconds,
        contexts: phase
            .contexts
            .unwrap_or_default()
            .into_iter()
            .filter_map(|c| c.message.map(shortened))
            .collect(),
    };
    let exported = build.exported_environment_variables.unwrap_or_default();
    let logs = build.logs;
    Build {
        status: build.build_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        phases: build.phases.unwrap_or_default().into_iter().map(phase).collect(),
        log_group: logs.as_ref().and_then(|logs| logs.group_name.clone()),
        log_stream: logs.and_then(|logs| logs.stream_name),
        exported: exported.into_iter().filter_map(|v| Some((v.name?, v.value?))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::aws::tests::stub;

    #[tokio::test]
    async fn what_aws_does_not_know_is_no_build_execution_or_deployment_that_runs() {
        // AWS answers so for a build; the others must not be taken for running either.
        let (aws, _) = stub(|_, _, _| json!({ "builds": [], "buildsNotFound": ["web:1"] })).await;

        let told = [
            aws.get_build("web:1").await.unwrap_err(),
            aws.get_execution("web", "1").await.unwrap_err(),
            aws.get_deployment("d-1").await.unwrap_err(),
        ];

        assert!(told.iter().all(|error| !error.passing && error.reason == "it is not there"), "{told:?}");
        assert!(told[0].to_string().starts_with("failed to get build `web:1`\n"), "{}", told[0]);
    }
}
