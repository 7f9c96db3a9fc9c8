//! What the tests of pipelines run in: a git repository, a build project, a stand-in for what deploys.

use std::path::PathBuf;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::super::*;
use crate::cloud::{Part, Setup};
use crate::error::ServiceError;
use crate::operation::Call;
use crate::services::codeconnections;
use crate::services::codedeploy::{
    CreateDeployment, CreateDeploymentOutput, ErrorInformation, GetDeployment, GetDeploymentOutput, Info,
};
use crate::tests::{cloud_with, prepare_builds};

const TASK_DEFINITION: &str =
    r#"{"family": "app", "containerDefinitions": [{"name": "app", "image": "<IMAGE1_NAME>"}]}"#;

/// Stands in for CodeDeploy's deployments: what was deployed, and how the deployment stands.
pub(super) struct Deployments {
    pub revisions: Mutex<Vec<String>>,
    pub status: Mutex<&'static str>,
    /// The description of the deployment.
    pub holder: Mutex<Option<String>>,
}

impl Part for Deployments {
    fn open(_setup: &Setup) -> Self {
        Self { revisions: Mutex::default(), status: Mutex::new("InProgress"), holder: Mutex::default() }
    }
}

fn create_deployment(input: CreateDeployment, call: &Call) -> Result<CreateDeploymentOutput, ServiceError> {
    let part = call.cloud.part::<Deployments>();
    let mut holder = part.holder.lock().unwrap();
    if holder.is_some() && *part.status.lock().unwrap() == "InProgress" {
        let message = "The Deployment Group 'app' already has an active Deployment 'd-TEST12345'";
        return Err(ServiceError::new("DeploymentLimitExceededException", message));
    }
    *holder = input.description;
    part.revisions.lock().unwrap().push(input.revision.unwrap().app_spec_content.unwrap().content);
    Ok(CreateDeploymentOutput { deployment_id: "d-TEST12345".to_owned() })
}

fn get_deployment(_input: GetDeployment, call: &Call) -> Result<GetDeploymentOutput, ServiceError> {
    let part = call.cloud.part::<Deployments>();
    let (code, message) = ("HEALTH_CONSTRAINTS".to_owned(), "too few healthy tasks".to_owned());
    Ok(GetDeploymentOutput {
        deployment_info: Info {
            status: (*part.status.lock().unwrap()).to_owned(),
            description: part.holder.lock().unwrap().clone(),
            error_information: Some(ErrorInformation { code, message }),
            ..Info::default()
        },
    })
}

/// A repository with a buildspec, and a data directory; both go with the test.
pub(super) struct World {
    pub dir: tempfile::TempDir,
    pub repository: PathBuf,
}

impl World {
    pub fn new(build_command: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repository = dir.path().join("repository");
        std::fs::create_dir_all(&repository).unwrap();
        let spec = format!(
            "version: 0.2\nenv: {{shell: bash, exported-variables: [TAG]}}\nphases:\n  build:\n    commands:\n      \
             - {build_command}\n      - export TAG=$CODEBUILD_RESOLVED_SOURCE_VERSION-$STAGE-$CODEBUILD_INITIATOR\n      \
             - echo '{{\"ImageURI\":\"host/app@sha256:1\"}}' > imageDetail.json\n\
             artifacts: {{files: [imageDetail.json, taskdef.json, appspec.yaml]}}\n"
        );
        let files = [
            ("buildspec.yml", spec.as_str()),
            ("taskdef.json", TASK_DEFINITION),
            ("appspec.yaml", "version: 0.0\ntask: <TASK_DEFINITION>\n"),
        ];
        for (name, text) in files {
            std::fs::write(repository.join(name), text).unwrap();
        }
        let git = |arguments: &[&str]| {
            seatrial_git::bytes(&repository, arguments).unwrap();
        };
        git(&["init", "--quiet"]);
        git(&["add", "."]);
        git(&["-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "First"]);
        Self { dir, repository }
    }

    /// A local cloud over the same data, as after a restart.
    pub fn cloud(&self) -> Cloud {
        cloud_with(self.dir.path(), &self.repository, 1.0, |served| {
            crate::services::register(served);
            served.stand_in(create_deployment);
            served.stand_in(get_deployment);
        })
    }
}

pub(super) async fn call(cloud: &Cloud, service: &str, operation: &str, input: Value) -> Value {
    try_call(cloud, service, operation, input).await.unwrap()
}

pub(super) async fn try_call(
    cloud: &Cloud,
    service: &str,
    operation: &str,
    input: Value,
) -> Result<Value, ServiceError> {
    crate::tests::call(cloud, &format!("{service}:{operation}"), input).await
}

/// The build project, the application, and an available connection, whose ARN is answered.
pub(super) async fn prepare(cloud: &Cloud) -> String {
    prepare_builds(cloud).await;
    let project = json!({
        "name": "app-build",
        "source": { "type": "CODEPIPELINE" },
        "artifacts": { "type": "CODEPIPELINE" },
        "environment": { "type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL" },
        "serviceRole": "arn:aws:iam::000000000000:role/build",
    });
    call(cloud, "codebuild", "CreateProject", project).await;
    let application = json!({ "applicationName": "app", "computePlatform": "ECS" });
    call(cloud, "codedeploy", "CreateApplication", application).await;
    let input = json!({ "ConnectionName": "app", "ProviderType": "GitHub" });
    let made = call(cloud, "codeconnections", "CreateConnection", input).await;
    let arn = made["ConnectionArn"].as_str().unwrap().to_owned();
    codeconnections::complete(cloud, &arn).unwrap();
    arn
}

fn action(name: &str, category: &str, provider: &str, rest: Value) -> Value {
    let mut action = json!({
        "name": name,
        "actionTypeId": { "category": category, "owner": "AWS", "provider": provider, "version": "1" },
    });
    for (key, value) in rest.as_object().unwrap() {
        action[key] = value.clone();
    }
    action
}

pub(super) fn pipeline(connection: &str, mode: &str) -> Value {
    let source = action(
        "Source",
        "Source",
        "CodeStarSourceConnection",
        json!({
            "configuration": { "ConnectionArn": connection, "FullRepositoryId": "me/app", "BranchName": "master" },
            "outputArtifacts": [{ "name": "SourceOutput" }],
            "namespace": "SourceVariables",
        }),
    );
    let variables = json!([{ "name": "STAGE", "value": "#{variables.Stage}", "type": "PLAINTEXT" }]);
    let build = action(
        "Build",
        "Build",
        "CodeBuild",
        json!({
            "configuration": { "ProjectName": "app-build", "EnvironmentVariables": variables.to_string() },
            "inputArtifacts": [{ "name": "SourceOutput" }],
            "outputArtifacts": [{ "name": "BuildOutput" }],
            "namespace": "BuildVariables",
        }),
    );
    let deploy = action(
        "Deploy",
        "Deploy",
        "CodeDeployToECS",
        json!({
            "configuration": {
                "ApplicationName": "app", "DeploymentGroupName": "app",
                "TaskDefinitionTemplateArtifact": "BuildOutput", "AppSpecTemplateArtifact": "BuildOutput",
                "Image1ArtifactName": "BuildOutput", "Image1ContainerName": "IMAGE1_NAME",
            },
            "inputArtifacts": [{ "name": "BuildOutput" }],
        }),
    );
    json!({ "pipeline": {
        "name": "app-pipeline-with-a-long-name",
        "roleArn": "arn:aws:iam::000000000000:role/pipeline",
        "artifactStore": { "type": "S3", "location": "bucket" },
        "pipelineType": "V2",
        "executionMode": mode,
        "variables": [{ "name": "Stage", "defaultValue": "test" }],
        "stages": [
            { "name": "Source", "actions": [source] },
            { "name": "Build", "actions": [build] },
            { "name": "Deploy", "actions": [deploy] },
        ],
    } })
}

pub(super) const NAME: &str = "app-pipeline-with-a-long-name";
