//! The CodeDeployToECS action: registers the task definition of the artifacts, starts a deployment and follows
//! it to its end, which includes the wait before the original task set is ended.

use serde_json::Value;

use super::super::store::ErrorDetails;
use super::provider::{Context, Done, Progress, failed, refused};
use crate::archive;
use crate::operation::Operation;
use crate::retry;
use crate::services::codedeploy::{
    CreateDeployment, GetApplication, GetDeployment, RegisterApplicationRevision, Revision,
};
use crate::services::ecs::RegisterTaskDefinition;
use crate::services::s3::objects;

/// AWS's limit of an input artifact of this action.
const LARGEST: usize = 3 * 1024 * 1024;
/// Images a task definition may take from artifacts.
const IMAGES: u8 = 4;

pub(super) async fn follow(context: &Context<'_>) -> Result<Progress, ErrorDetails> {
    match &context.run.external_id {
        None => start(context).await,
        Some(id) => ask(context, id).await,
    }
}

async fn start(context: &Context<'_>) -> Result<Progress, ErrorDetails> {
    let registered = call(context, task_definition(context).await?).await?;
    let arn = registered.task_definition.task_definition_arn;
    let artifact = context.required("AppSpecTemplateArtifact")?;
    let path = context.value("AppSpecTemplatePath").unwrap_or("appspec.yaml");
    let spec = file(context, artifact, path, "AppSpec").await?.replace("<TASK_DEFINITION>", &arn);
    let revision = Revision::of_app_spec(spec);
    let application_name = context.required("ApplicationName")?.to_owned();
    // The guide's policy for this action has it (CodePipeline user guide, Create a custom service role).
    call(context, GetApplication { application_name: application_name.clone() }).await?;
    let registration =
        RegisterApplicationRevision { application_name, description: None, revision: revision.clone() };
    call(context, registration).await?;
    let id = create_deployment(context, revision).await?;
    let url = format!(
        "https://console.aws.amazon.com/codesuite/codedeploy/deployments/{id}?region={}",
        context.cloud.region()
    );
    Ok(Progress::Started { id, url })
}

/// Creates the deployment. A restart may have come between an earlier call and its record: then the deployment
/// that holds the group is this action's own, which its description tells, and is taken over.
async fn create_deployment(context: &Context<'_>, revision: Revision) -> Result<String, ErrorDetails> {
    let description = format!("pipeline {}, execution {}", context.row.pipeline, context.row.id);
    let input = CreateDeployment {
        application_name: context.required("ApplicationName")?.to_owned(),
        deployment_group_name: context.required("DeploymentGroupName")?.to_owned(),
        revision: Some(revision),
        description: Some(description.clone()),
        ..CreateDeployment::default()
    };
    match retry::call(context.cloud, &context.principal, input).await {
        Ok(answer) => Ok(answer.deployment_id),
        Err(error) if error.code == "DeploymentLimitExceededException" => {
            let words = error.message.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
            let Some(id) = words.into_iter().find(|word| word.starts_with("d-")) else {
                return Err(refused(error));
            };
            let active = call(context, GetDeployment { deployment_id: id.to_owned() }).await?;
            match active.deployment_info.description == Some(description) {
                true => Ok(id.to_owned()),
                false => Err(refused(error)),
            }
        }
        Err(error) => Err(refused(error)),
    }
}

async fn call<O: Operation + Clone>(context: &Context<'_>, input: O) -> Result<O::Output, ErrorDetails> {
    retry::call(context.cloud, &context.principal, input).await.map_err(refused)
}

/// The input of RegisterTaskDefinition: `taskdef.json` with each `<PLACEHOLDER>` replaced by the image that the
/// `imageDetail.json` of its artifact names.
async fn task_definition(context: &Context<'_>) -> Result<RegisterTaskDefinition, ErrorDetails> {
    let artifact = context.required("TaskDefinitionTemplateArtifact")?;
    let path = context.value("TaskDefinitionTemplatePath").unwrap_or("taskdef.json");
    let mut text = file(context, artifact, path, "task definition").await?;
    for number in 1..=IMAGES {
        let Some(artifact) = context.value(&format!("Image{number}ArtifactName")) else { continue };
        let placeholder = context.required(&format!("Image{number}ContainerName"))?;
        let detail = file(context, artifact, "imageDetail.json", "image").await?;
        let detail: Value =
            serde_json::from_str(&detail).map_err(|error| unreadable("image", artifact, &error))?;
        let Some(uri) = detail.get("ImageURI").and_then(Value::as_str) else {
            return Err(unreadable("image", artifact, &"imageDetail.json has no ImageURI"));
        };
        text = text.replace(&format!("<{placeholder}>"), uri);
    }
    serde_json::from_str(&text).map_err(|error| unreadable("task definition", artifact, &error))
}

/// The text of a file in an input artifact.
async fn file(context: &Context<'_>, artifact: &str, path: &str, what: &str) -> Result<String, ErrorDetails> {
    let place = context.input(artifact)?;
    let bytes = objects::get_artifact(context.cloud, &context.principal, place.place())
        .await
        .map_err(|error| unreadable(what, artifact, &error))?;
    if bytes.len() > LARGEST {
        let reason = format!("it has {} bytes, and this action takes at most 3 MB", bytes.len());
        return Err(unreadable(what, artifact, &reason));
    }
    let found = archive::read(&bytes, path).map_err(|error| unreadable(what, artifact, &error))?;
    let found = found.ok_or_else(|| unreadable(what, artifact, &format!("it holds no `{path}`")))?;
    String::from_utf8(found).map_err(|error| unreadable(what, artifact, &error))
}

/// AWS's words, and the reason it does not give.
fn unreadable(what: &str, artifact: &str, reason: &dyn std::fmt::Display) -> ErrorDetails {
    let message =
        format!("Exception while trying to read the {what} artifact file from: {artifact}: {reason}");
    failed("ConfigurationError", message)
}

async fn ask(context: &Context<'_>, id: &str) -> Result<Progress, ErrorDetails> {
    let info = call(context, GetDeployment { deployment_id: id.to_owned() }).await?.deployment_info;
    match info.status.as_str() {
        "Succeeded" => {
            let variables = [("DeploymentId".to_owned(), id.to_owned())].into();
            let summary = Some(format!("Deployment {id} succeeded"));
            Ok(Progress::Succeeded(Done { summary, variables, ..Done::default() }))
        }
        status @ ("Failed" | "Stopped") => {
            let error = info.error_information.as_ref();
            let code = error.map_or("none", |error| &error.code);
            let reason = error.map_or("no reason was given", |error| &error.message);
            let status = status.to_lowercase();
            Err(failed(
                "JobFailed",
                format!("Deployment {id} {status}. Error code: {code}. Reason: {reason}"),
            ))
        }
        _ => Ok(Progress::Running),
    }
}
