//! Connection, build project and pipeline made by a stack, as the official clients see them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's support may panic")]

mod support;

use std::future::Future;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_cloudformation::client::Waiters as _;
use aws_sdk_cloudformation::types::{Capability, Tag};
use aws_sdk_codebuild::types::{ArtifactsType, Build, ProjectArtifacts, SourceType, StatusType};
use aws_sdk_codeconnections::types::ConnectionStatus;
use aws_sdk_codepipeline::types::{
    ActionExecutionFilter, ActionExecutionStatus, PipelineExecutionStatus, StageTransitionType,
};
use seatrial_local::LocalCloud;
use support::Started;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const TEMPLATE: &str = r#"
Resources:
  Connection:
    Type: AWS::CodeConnections::Connection
    Properties: {ConnectionName: app-test, ProviderType: GitHub}
  BuildRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: codebuild.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: build
          PolicyDocument:
            Statement:
              - {Effect: Allow, Action: ["s3:Get*", "s3:PutObject"], Resource: "*"}
              - {Effect: Allow, Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], Resource: "*"}
  PipelineRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: codepipeline.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: pipeline
          PolicyDocument:
            Statement:
              - {Effect: Allow, Action: ["s3:Get*", "s3:PutObject", "s3:PutObjectAcl"], Resource: "*"}
              - {Effect: Allow, Action: ["codebuild:StartBuild", "codebuild:BatchGetBuilds"], Resource: "*"}
              - {Effect: Allow, Action: ["codeconnections:*", "codestar-connections:*"], Resource: "*"}
  Logs:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /aws/codebuild/app-test}
  Project:
    Type: AWS::CodeBuild::Project
    DependsOn: Logs
    Properties:
      Name: app-test
      ServiceRole: !GetAtt BuildRole.Arn
      TimeoutInMinutes: "5"
      Source:
        Type: CODEPIPELINE
        BuildSpec: ci/build.yml
      Artifacts: {Type: CODEPIPELINE}
      Environment:
        Type: LINUX_CONTAINER
        Image: aws/codebuild/standard:7.0
        ComputeType: BUILD_GENERAL1_SMALL
        EnvironmentVariables: [{Name: A, Value: 1}, {Name: B, Value: two}]
  Pipeline:
    Type: AWS::CodePipeline::Pipeline
    Properties:
      Name: app-test
      RoleArn: !GetAtt PipelineRole.Arn
      PipelineType: V2
      ExecutionMode: QUEUED
      ArtifactStore: {Type: S3, Location: artifacts}
      DisableInboundStageTransitions: [{StageName: Build, Reason: first}]
      Stages:
        - Name: Source
          Actions:
            - Name: Source
              ActionTypeId: {Category: Source, Owner: AWS, Provider: CodeStarSourceConnection, Version: 1}
              Configuration:
                {ConnectionArn: !Ref Connection, FullRepositoryId: me/app, BranchName: master, DetectChanges: true}
              OutputArtifacts: [{Name: SourceCode}]
              RunOrder: 1
        - Name: Build
          Actions:
            - Name: Build
              ActionTypeId: {Category: Build, Owner: AWS, Provider: CodeBuild, Version: "1"}
              Configuration: {ProjectName: !Ref Project}
              Namespace: Built
              InputArtifacts: [{Name: SourceCode}]
              OutputArtifacts: [{Name: Result}]
Outputs:
  ConnectionArn: {Value: !Ref Connection, Description: the connection}
  ConnectionStatus: {Value: !GetAtt Connection.ConnectionStatus, Description: its status}
"#;

const BUILDSPEC: &str = "\
version: 0.2
env: {shell: bash, exported-variables: [RESULT]}
phases:
  build: {commands: ['export RESULT=$A-$B-${CODEBUILD_RESOLVED_SOURCE_VERSION:-none}', 'echo $RESULT > result']}
artifacts: {files: [result]}
";

/// A cloud whose checkout has one commit.
async fn start() -> Started {
    let started = support::start().await;
    commit(&started.path("checkout"));
    started
}

/// A repository with one commit.
fn commit(repository: &Path) {
    std::fs::create_dir_all(repository.join("ci")).unwrap();
    std::fs::write(repository.join("ci/build.yml"), BUILDSPEC).unwrap();
    let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"];
    for arguments in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "First"]] {
        seatrial_git::bytes(repository, &[&identity[..], arguments].concat()).unwrap();
    }
}

/// Makes the stack and answers its output of the name.
async fn make_stack(config: &SdkConfig, output: &str) -> String {
    let buckets = s3(config).create_bucket().bucket("artifacts");
    buckets.send().await.unwrap();
    let client = aws_sdk_cloudformation::Client::new(config);
    let tag = Tag::builder().key("project").value("app").build();
    let create = client.create_stack().stack_name("delivery").template_body(TEMPLATE).tags(tag);
    create.capabilities(Capability::CapabilityIam).send().await.unwrap();
    let waited =
        client.wait_until_stack_create_complete().stack_name("delivery").wait(Duration::from_secs(30));
    if waited.await.is_err() {
        let events = client.describe_stack_events().stack_name("delivery").send().await.unwrap();
        panic!("{:#?}", events.stack_events());
    }
    let described = client.describe_stacks().stack_name("delivery").send().await.unwrap();
    let outputs = described.stacks()[0].outputs().iter();
    let found =
        outputs.filter(|found| found.output_key() == Some(output)).find_map(|found| found.output_value());
    found.unwrap().to_owned()
}

fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::new(config)
}

/// Asks until there is an answer.
async fn until<T, F: Future<Output = Option<T>>>(ask: impl Fn() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited too long");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_project_of_a_stack_builds_a_source_from_s3() {
    let started = start().await;
    let config = started.config();
    make_stack(&config, "ConnectionArn").await;
    let client = aws_sdk_codebuild::Client::new(&config);

    let checkout = started.path("checkout");
    let zip = seatrial_git::bytes(&checkout, &["archive", "--format=zip", "HEAD"]).unwrap();
    let put = s3(&config).put_object().bucket("artifacts").key("first/source.zip").body(zip.into());
    put.send().await.unwrap();
    let none = ProjectArtifacts::builder().r#type(ArtifactsType::NoArtifacts).build().unwrap();
    let start = client.start_build().project_name("app-test").artifacts_override(none);
    let start =
        start.source_type_override(SourceType::S3).source_location_override("artifacts/first/source.zip");
    let build = start.send().await.unwrap();
    let id = build.build_value().unwrap().id().unwrap().to_owned();
    let build: Build = until(|| async {
        let answer = client.batch_get_builds().ids(&id).send().await.unwrap();
        answer.builds().first().filter(|build| build.build_complete()).cloned()
    })
    .await;
    let projects = client.batch_get_projects().names("app-test").send().await.unwrap();

    assert_eq!(build.build_status(), Some(&StatusType::Succeeded), "{:#?}", build.phases());
    assert_eq!(build.exported_environment_variables()[0].value(), Some("1-two-none"));
    assert_eq!(build.phases().last().unwrap().phase_type().unwrap().as_str(), "COMPLETED");
    let project = &projects.projects()[0];
    assert_eq!(project.timeout_in_minutes(), Some(5));
    let logs = aws_sdk_cloudwatchlogs::Client::new(&config);
    let place = build.logs().unwrap();
    let events = logs.get_log_events().log_group_name(place.group_name().unwrap());
    let events =
        events.log_stream_name(place.stream_name().unwrap()).start_from_head(true).send().await.unwrap();
    let complete = |message: &str| message.contains("Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED");
    assert!(events.events().iter().filter_map(|event| event.message()).any(complete), "{events:?}");
    assert!(project.tags().iter().any(|tag| tag.key() == Some("project")));
}

#[tokio::test]
async fn a_pipeline_of_a_stack_runs_once_and_after_the_handshake_from_the_commit_to_the_artifact() {
    let started = start().await;
    let config = started.config();
    let connection = make_stack(&config, "ConnectionArn").await;
    let connections = aws_sdk_codeconnections::Client::new(&config);
    let pipelines = aws_sdk_codepipeline::Client::new(&config);
    let status = || async {
        let found = connections.get_connection().connection_arn(&connection).send().await.unwrap();
        found.connection().unwrap().connection_status().unwrap().clone()
    };

    let failed = until(|| async {
        let answer = pipelines.list_action_executions().pipeline_name("app-test").send().await.unwrap();
        let details = answer.action_execution_details().first().cloned();
        details.filter(|detail| detail.status() == Some(&ActionExecutionStatus::Failed))
    })
    .await;
    let before = status().await;
    complete(&started.cloud, &connection).await;
    let after = status().await;
    let state = pipelines.get_pipeline_state().name("app-test").send().await.unwrap();
    let transition = state.stage_states()[1].inbound_transition_state().unwrap().clone();
    let enable = pipelines.enable_stage_transition().pipeline_name("app-test").stage_name("Build");
    enable.transition_type(StageTransitionType::Inbound).send().await.unwrap();

    let error = failed.output().unwrap().execution_result().unwrap().error_details().unwrap().clone();
    assert!(error.message().unwrap().contains("PENDING"), "{error:?}");
    assert_eq!((before, after), (ConnectionStatus::Pending, ConnectionStatus::Available));
    assert_eq!(transition.disabled_reason(), Some("first"));
    released(&started, &pipelines).await;
}

/// Starts an execution and follows it to its end, and to the object it left.
async fn released(started: &Started, pipelines: &aws_sdk_codepipeline::Client) {
    let execution = pipelines.start_pipeline_execution().name("app-test").send().await.unwrap();
    let id = execution.pipeline_execution_id().unwrap().to_owned();
    let ended = until(|| async {
        let get = pipelines.get_pipeline_execution().pipeline_name("app-test").pipeline_execution_id(&id);
        let execution = get.send().await.unwrap().pipeline_execution().unwrap().clone();
        execution.status().filter(|status| **status != PipelineExecutionStatus::InProgress)?;
        Some(execution)
    })
    .await;
    let filter = ActionExecutionFilter::builder().pipeline_execution_id(&id).build();
    let actions =
        pipelines.list_action_executions().pipeline_name("app-test").filter(filter).send().await.unwrap();
    let built = &actions.action_execution_details()[0];
    assert_eq!(ended.status(), Some(&PipelineExecutionStatus::Succeeded), "{actions:#?}");
    let revision = ended.artifact_revisions()[0].revision_id().unwrap();
    let result = &built.output().unwrap().output_variables().unwrap()["RESULT"];
    assert_eq!(*result, format!("1-two-{revision}"));
    let place = built.output().unwrap().output_artifacts()[0].s3_location().unwrap().clone();
    let get = s3(&started.config()).get_object().bucket(place.bucket().unwrap()).key(place.key().unwrap());
    let zip = get.send().await.unwrap().body.collect().await.unwrap().into_bytes();
    assert!(zip.windows(6).any(|window| window == b"result"));
}

/// The handshake that the operator makes.
async fn complete(cloud: &LocalCloud, connection: &str) {
    let address = cloud.endpoint().trim_start_matches("http://");
    let (_, id) = connection.rsplit_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let token = cloud.token();
    let request = format!(
        "POST /_local/connections/{id}/complete HTTP/1.1\r\nhost: {address}\r\nx-seatrial-token: {token}\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
}
