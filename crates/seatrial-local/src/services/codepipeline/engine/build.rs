//! The CodeBuild action: starts a build with the artifacts of the execution and follows it by its id.

use super::super::store::{Artifact, ErrorDetails};
use super::provider::{Context, Done, Progress, failed, refused};
use crate::retry;
use crate::services::codebuild::{
    BatchGetBuilds, Build, PipelineArtifact, PipelineJob, StartBuild, Variable,
};

pub(super) async fn follow(context: &Context<'_>) -> Result<Progress, ErrorDetails> {
    match &context.run.external_id {
        None => start(context).await,
        Some(id) => ask(context, id).await,
    }
}

async fn start(context: &Context<'_>) -> Result<Progress, ErrorDetails> {
    let artifact = |artifact: &Artifact| PipelineArtifact {
        name: artifact.name.clone(),
        bucket: artifact.bucket.clone(),
        key: artifact.key.clone(),
    };
    let mut inputs: Vec<_> = context.run.inputs.iter().map(artifact).collect();
    if let Some(primary) = context.value("PrimarySource") {
        inputs.sort_by_key(|input| input.name != primary);
    }
    let revisions = &context.row.revisions;
    let revision =
        inputs.first().and_then(|input| revisions.iter().find(|found| found.artifact == input.name));
    let revision = revision.map(|revision| revision.id.clone());
    let input = StartBuild {
        project_name: context.required("ProjectName")?.to_owned(),
        source_type_override: Some("CODEPIPELINE".to_owned()),
        source_version: inputs.first().map(|input| format!("arn:aws:s3:::{}/{}", input.bucket, input.key)),
        environment_variables_override: environment(context)?,
        // A restart between the call and its record must not build twice.
        idempotency_token: Some(context.run.id.clone()),
        job: Some(PipelineJob {
            pipeline: context.row.pipeline.clone(),
            inputs,
            outputs: context.run.outputs.iter().map(artifact).collect(),
            revision,
        }),
        ..StartBuild::default()
    };
    let build = retry::call(context.cloud, &context.principal, input).await.map_err(refused)?.build;
    Ok(Progress::Started { url: url(context, &build.id), id: build.id })
}

/// `EnvironmentVariables`: a JSON list of name, value and type.
fn environment(context: &Context<'_>) -> Result<Vec<Variable>, ErrorDetails> {
    let Some(text) = context.value("EnvironmentVariables") else { return Ok(Vec::new()) };
    serde_json::from_str(text).map_err(|error| {
        failed("ConfigurationError", format!("EnvironmentVariables is no list of variables: {error}"))
    })
}

fn url(context: &Context<'_>, id: &str) -> String {
    format!(
        "https://console.aws.amazon.com/codebuild/home?region={}#/builds/{id}/view/new",
        context.cloud.region()
    )
}

async fn ask(context: &Context<'_>, id: &str) -> Result<Progress, ErrorDetails> {
    let input = BatchGetBuilds { ids: vec![id.to_owned()] };
    let answer = retry::call(context.cloud, &context.principal, input).await.map_err(refused)?;
    let Some(build) = answer.builds.into_iter().next() else {
        return Err(failed("JobFailed", format!("the build {id} is gone")));
    };
    match build.build_status.as_str() {
        "IN_PROGRESS" => Ok(Progress::Running),
        "SUCCEEDED" => {
            let exported = build.exported_environment_variables.into_iter();
            let variables = exported.map(|variable| (variable.name, variable.value)).collect();
            Ok(Progress::Succeeded(Done { variables, ..Done::default() }))
        }
        _ => Err(failed("JobFailed", why(&build))),
    }
}

/// In CodePipeline's words: the state, and the phase in which it came with its reason.
fn why(build: &Build) -> String {
    let state = &build.build_status;
    let bad = |status: &Option<String>| status.as_deref().is_some_and(|status| status != "SUCCEEDED");
    let Some(phase) = build.phases.iter().find(|phase| bad(&phase.phase_status)) else {
        return format!("Build terminated with state: {state}");
    };
    let (code, message) = match phase.contexts.first() {
        Some(context) => (context.status_code.as_str(), context.message.as_str()),
        None => ("", ""),
    };
    format!(
        "Build terminated with state: {state}. Phase: {}, Code: {code}, Message: {message}",
        phase.phase_type
    )
}
