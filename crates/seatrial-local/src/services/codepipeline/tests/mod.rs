//! Pipelines that really run: a git repository, real builds, a deployment that the test ends.

mod members;
mod permissions;
mod steps;
mod world;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::store::{CodePipeline, ExecutionRow, Status, execution_key};
use super::*;
use crate::tests::aws::{AwsCli, serve};
use world::{Deployments, NAME, World, call, pipeline, prepare, try_call};

async fn wait(cloud: &Cloud, reached: impl Fn(&[ExecutionRow]) -> bool) -> Vec<ExecutionRow> {
    let part = cloud.part::<CodePipeline>();
    let find = || Some(part.executions_of(NAME)).filter(|rows| reached(rows));
    match cloud.wait_until(Duration::from_secs(20), find).await {
        Some(rows) => rows,
        None => panic!("{:#?}", part.executions_of(NAME)),
    }
}

fn deploys(row: &ExecutionRow) -> bool {
    row.action("Deploy", "Deploy").is_some_and(|run| run.external_id.is_some())
}

async fn transition(cloud: &Cloud, operation: &str) {
    let mut input = json!({ "pipelineName": NAME, "stageName": "Deploy", "transitionType": "Inbound" });
    if operation == "DisableStageTransition" {
        input["reason"] = json!("provision");
    }
    call(cloud, "codepipeline", operation, input).await;
}

async fn start(cloud: &Cloud) -> String {
    let answer = call(cloud, "codepipeline", "StartPipelineExecution", json!({ "name": NAME })).await;
    answer["pipelineExecutionId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_pipeline_runs_once_from_the_commit_to_the_deployment_and_outlives_a_restart() {
    let world = World::new("test -f taskdef.json");
    let first = world.cloud();
    let connection = prepare(&first).await;
    call(&first, "codepipeline", "CreatePipeline", pipeline(&connection, "QUEUED")).await;
    wait(&first, |rows| rows.iter().any(deploys)).await;
    let deployments = first.part::<Deployments>();
    let definition = json!({ "taskDefinition": "app" });
    let definition = call(&first, "ecs", "DescribeTaskDefinition", definition).await;
    let revision = deployments.revisions.lock().unwrap()[0].clone();
    first.drivers().shutdown(Duration::from_secs(5)).await;

    let second = world.cloud();
    resume(&second).await;
    *second.part::<Deployments>().status.lock().unwrap() = "Succeeded";
    let rows = wait(&second, |rows| rows[0].status == Status::Succeeded).await;

    let definition = &definition["taskDefinition"];
    assert_eq!(definition["containerDefinitions"][0]["image"], "host/app@sha256:1");
    let arn = definition["taskDefinitionArn"].as_str().unwrap();
    assert!(
        arn.ends_with("task-definition/app:1") && revision.contains(&format!("task: {arn}")),
        "{revision}"
    );
    assert!(
        second.part::<Deployments>().revisions.lock().unwrap().is_empty(),
        "deployed again after the restart"
    );
    let commit = &rows[0].revisions[0].id;
    let tag = &rows[0].action("Build", "Build").unwrap().variables["TAG"];
    assert_eq!(*tag, format!("{commit}-test-codepipeline/{NAME}"));
    assert_eq!(rows[0].trigger.trigger_type, "CreatePipeline");
    let details =
        call(&second, "codepipeline", "ListActionExecutions", json!({ "pipelineName": NAME })).await;
    let names =
        details["actionExecutionDetails"].as_array().unwrap().iter().map(|detail| &detail["actionName"]);
    assert_eq!(names.collect::<Vec<_>>(), ["Deploy", "Build", "Source"]);
    let state = call(&second, "codepipeline", "GetPipelineState", json!({ "name": NAME })).await;
    let deploy = &state["stageStates"][2]["actionStates"][0]["latestExecution"];
    assert_eq!(
        (&deploy["status"], &deploy["externalExecutionId"]),
        (&json!("Succeeded"), &json!("d-TEST12345"))
    );
    let key =
        details["actionExecutionDetails"][2]["output"]["outputArtifacts"][0]["s3location"]["key"].clone();
    assert!(key.as_str().unwrap().starts_with("app-pipeline-with-a-/SourceOutp/"), "{key}");
    let by_pipeline = |entry: &crate::journal::Entry| entry.principal.contains(":assumed-role/pipeline/");
    let calls = second.journal().entries();
    assert!(calls.iter().filter(|entry| entry.operation == "GetDeployment").all(by_pipeline));
}

#[tokio::test]
async fn a_pending_connection_fails_the_source_and_a_failed_deployment_fails_its_stage() {
    let world = World::new("true");
    let cloud = world.cloud();
    let connection = prepare(&cloud).await;
    let pending = json!({ "ConnectionName": "other", "ProviderType": "GitHub" });
    let pending = call(&cloud, "codeconnections", "CreateConnection", pending).await;
    let pending = pending["ConnectionArn"].as_str().unwrap().to_owned();

    call(&cloud, "codepipeline", "CreatePipeline", pipeline(&pending, "QUEUED")).await;
    let rows = wait(&cloud, |rows| rows[0].status == Status::Failed).await;
    let message = rows[0].action("Source", "Source").unwrap().error.clone().unwrap().message;
    assert!(message.contains("PENDING"), "{message}");

    call(&cloud, "codepipeline", "UpdatePipeline", pipeline(&connection, "QUEUED")).await;
    *cloud.part::<Deployments>().status.lock().unwrap() = "Failed";
    start(&cloud).await;
    let rows = wait(&cloud, |rows| rows.get(1).is_some_and(|row| row.status == Status::Failed)).await;
    let message = rows[1].action("Deploy", "Deploy").unwrap().error.clone().unwrap().message;
    assert!(message.contains("d-TEST12345 failed") && message.contains("HEALTH_CONSTRAINTS"), "{message}");
}

#[tokio::test]
async fn a_failed_build_tells_why_and_the_stage_is_retried_with_the_same_source() {
    let world = World::new("test -f ../../../../go || exit 9");
    let cloud = world.cloud();
    let connection = prepare(&cloud).await;
    call(&cloud, "codepipeline", "CreatePipeline", pipeline(&connection, "QUEUED")).await;
    let rows = wait(&cloud, |rows| rows[0].status == Status::Failed).await;
    let error = rows[0].action("Build", "Build").unwrap().error.clone().unwrap();
    assert_eq!(error.code, "JobFailed");
    assert!(error.message.contains("Phase: BUILD, Code: COMMAND_EXECUTION_ERROR"), "{}", error.message);

    std::fs::write(world.dir.path().join("go"), "").unwrap();
    let input = json!({
        "pipelineName": NAME, "stageName": "Build", "pipelineExecutionId": rows[0].id, "retryMode": "FAILED_ACTIONS",
    });
    call(&cloud, "codepipeline", "RetryStageExecution", input).await;
    let rows = wait(&cloud, |rows| deploys(&rows[0])).await;

    assert_eq!(rows[0].actions.iter().filter(|run| run.name == "Build").count(), 2);
    assert_eq!(rows[0].actions.iter().filter(|run| run.name == "Source").count(), 1);
}

#[tokio::test]
async fn a_disabled_transition_holds_executions_and_each_mode_orders_them_its_way() {
    for (mode, ends) in [("QUEUED", Status::InProgress), ("SUPERSEDED", Status::Superseded)] {
        let world = World::new("true");
        let cloud = world.cloud();
        let connection = prepare(&cloud).await;
        let input = pipeline(&connection, mode);
        call(&cloud, "codepipeline", "CreatePipeline", input).await;
        transition(&cloud, "DisableStageTransition").await;
        let waits = |row: &ExecutionRow| row.position() == Some(2) && row.stages[2].status.is_none();
        wait(&cloud, |rows| waits(&rows[0])).await;
        let second = start(&cloud).await;
        let rows = wait(&cloud, |rows| rows.get(1).is_some_and(waits) && rows[0].status == ends).await;

        let state = call(&cloud, "codepipeline", "GetPipelineState", json!({ "name": NAME })).await;
        let deploy = &state["stageStates"][2];
        assert_eq!(deploy["inboundTransitionState"]["disabledReason"], "provision");
        assert_eq!(deploy["inboundExecution"]["pipelineExecutionId"], json!(second));

        transition(&cloud, "EnableStageTransition").await;
        let expected = if mode == "QUEUED" { rows[0].id.clone() } else { second };
        let entered = wait(&cloud, |rows| rows.iter().any(deploys)).await;
        let deploying: Vec<_> = entered.iter().filter(|row| deploys(row)).map(|row| row.id.clone()).collect();
        assert_eq!(deploying, [expected]);
    }
}

#[tokio::test]
async fn an_update_in_queued_mode_cancels_what_waits_and_what_runs_after_its_action() {
    let world = World::new("true");
    let cloud = world.cloud();
    let connection = prepare(&cloud).await;
    call(&cloud, "codepipeline", "CreatePipeline", pipeline(&connection, "QUEUED")).await;
    wait(&cloud, |rows| deploys(&rows[0])).await;
    start(&cloud).await;
    let waits = |row: &ExecutionRow| row.position() == Some(2) && row.stages[2].status.is_none();
    wait(&cloud, |rows| rows.get(1).is_some_and(waits)).await;

    call(&cloud, "codepipeline", "UpdatePipeline", pipeline(&connection, "QUEUED")).await;
    let rows = wait(&cloud, |rows| rows[1].status == Status::Cancelled).await;
    // Its action goes on.
    assert_eq!(rows[0].status, Status::InProgress);
    *cloud.part::<Deployments>().status.lock().unwrap() = "Succeeded";
    let rows = wait(&cloud, |rows| rows[0].status == Status::Cancelled).await;

    assert_eq!(rows[0].action("Deploy", "Deploy").unwrap().status, store::ActionStatus::Succeeded);
}

#[tokio::test]
async fn an_execution_is_stopped_after_its_action_or_at_once() {
    let world = World::new("true");
    let cloud = world.cloud();
    let connection = prepare(&cloud).await;
    call(&cloud, "codepipeline", "CreatePipeline", pipeline(&connection, "QUEUED")).await;
    let rows = wait(&cloud, |rows| deploys(&rows[0])).await;
    let stop = |abandon: bool| json!({ "pipelineName": NAME, "pipelineExecutionId": rows[0].id, "abandon": abandon, "reason": "test" });

    call(&cloud, "codepipeline", "StopPipelineExecution", stop(false)).await;
    let key = execution_key(NAME, &rows[0].id);
    let waiting = cloud.part::<CodePipeline>().executions.get(&key).unwrap().status;
    call(&cloud, "codepipeline", "StopPipelineExecution", stop(true)).await;
    let rows = wait(&cloud, |rows| rows[0].status == Status::Stopped).await;

    assert_eq!(waiting, Status::Stopping);
    assert_eq!(rows[0].action("Deploy", "Deploy").unwrap().status, store::ActionStatus::Abandoned);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_is_rolled_back_stopped_and_retried_by_hand_with_what_an_earlier_execution_had() {
    let world = World::new("true");
    let cloud = world.cloud();
    serve(&cloud).await;
    let aws = AwsCli::new(&cloud);
    let connection = prepare(&cloud).await;
    *cloud.part::<Deployments>().status.lock().unwrap() = "Succeeded";
    call(&cloud, "codepipeline", "CreatePipeline", pipeline(&connection, "QUEUED")).await;
    let rows = wait(&cloud, |rows| rows[0].status == Status::Succeeded).await;
    write_and_commit(&world.repository);
    *cloud.part::<Deployments>().status.lock().unwrap() = "Failed";
    let second = aws.json(&format!("codepipeline start-pipeline-execution --name {NAME}")).await;
    let second = second["pipelineExecutionId"].as_str().unwrap().to_owned();
    wait(&cloud, |rows| rows.get(1).is_some_and(|row| row.status == Status::Failed)).await;
    let roll_back = |stage: &str, target: &str| {
        format!(
            "codepipeline rollback-stage --pipeline-name {NAME} --stage-name {stage} \
             --target-pipeline-execution-id {target}"
        )
    };

    for (stage, target) in [("Source", &rows[0].id), ("Deploy", &second)] {
        let refused = aws.refusal(&roll_back(stage, target)).await;
        assert!(refused.contains("UnableToRollbackStageException"), "{refused}");
    }
    let unknown = aws.refusal(&roll_back("Deploy", "11111111-1111-1111-1111-111111111111")).await;
    assert!(unknown.contains("PipelineExecutionNotFoundException"), "{unknown}");
    *cloud.part::<Deployments>().status.lock().unwrap() = "Succeeded";
    let third = aws.json(&roll_back("Deploy", &rows[0].id)).await;
    let rows = wait(&cloud, |rows| rows.get(2).is_some_and(|row| row.status == Status::Succeeded)).await;

    assert_eq!(third["pipelineExecutionId"], json!(rows[2].id));
    assert_eq!(rows[2].actions.iter().map(|run| run.name.as_str()).collect::<Vec<_>>(), ["Deploy"]);
    assert_eq!(rows[2].actions[0].inputs, rows[0].action("Deploy", "Deploy").unwrap().inputs);
    assert_eq!(rows[2].revisions[0].id, rows[0].revisions[0].id);
    assert_ne!(rows[2].revisions[0].id, rows[1].revisions[0].id);
    let show = format!(
        "codepipeline get-pipeline-execution --pipeline-name {NAME} --pipeline-execution-id {}",
        rows[2].id
    );
    let shown = aws.json(&show).await["pipelineExecution"].take();
    assert_eq!(
        (&shown["executionType"], &shown["rollbackMetadata"]["rollbackTargetPipelineExecutionId"]),
        (&json!("ROLLBACK"), &json!(rows[0].id))
    );
    let again = aws.refusal(&roll_back("Deploy", &rows[2].id)).await;
    assert!(again.contains("is a rollback"), "{again}");

    let transition = format!("--pipeline-name {NAME} --stage-name Deploy --transition-type Inbound");
    aws.json(&format!("codepipeline disable-stage-transition {transition} --reason test")).await;
    let fourth = aws.json(&format!("codepipeline start-pipeline-execution --name {NAME}")).await;
    let waits = |row: &ExecutionRow| row.position() == Some(2) && row.stages[2].status.is_none();
    wait(&cloud, |rows| rows.get(3).is_some_and(waits)).await;
    let id = fourth["pipelineExecutionId"].as_str().unwrap();
    let stop = format!("stop-pipeline-execution --pipeline-name {NAME} --pipeline-execution-id {id}");
    aws.json(&format!("codepipeline {stop} --reason test")).await;
    wait(&cloud, |rows| rows[3].status == Status::Stopped).await;
    aws.json(&format!("codepipeline enable-stage-transition {transition}")).await;
    let retry = |id: &str| {
        format!(
            "codepipeline retry-stage-execution --pipeline-name {NAME} --stage-name Deploy \
             --pipeline-execution-id {id} --retry-mode FAILED_ACTIONS"
        )
    };
    let latest = aws.refusal(&retry(&second)).await;
    assert!(latest.contains("NotLatestPipelineExecutionException"), "{latest}");
    let succeeded = aws.refusal(&retry(&rows[2].id)).await;
    assert!(succeeded.contains("StageNotRetryableException"), "{succeeded}");
}

#[tokio::test]
async fn a_deployment_that_was_created_but_not_recorded_is_taken_over() {
    let world = World::new("true");
    let cloud = world.cloud();
    let connection = prepare(&cloud).await;
    call(&cloud, "codepipeline", "CreatePipeline", pipeline(&connection, "QUEUED")).await;
    let rows = wait(&cloud, |rows| deploys(&rows[0])).await;
    let forget = |row: &mut ExecutionRow| row.actions.iter_mut().for_each(|run| run.external_id = None);

    cloud.part::<CodePipeline>().executions.update(&rows[0].key(), forget).unwrap();
    let rows = wait(&cloud, |rows| deploys(&rows[0])).await;

    let run = rows[0].action("Deploy", "Deploy").unwrap();
    assert_eq!(run.external_id.as_deref(), Some("d-TEST12345"));
    assert_eq!(cloud.part::<Deployments>().revisions.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn structures_that_aws_refuses_are_refused() {
    let world = World::new("true");
    let cloud = world.cloud();
    let refused = async |change: fn(&mut Value)| {
        let mut input = pipeline("arn", "QUEUED");
        change(&mut input["pipeline"]);
        try_call(&cloud, "codepipeline", "CreatePipeline", input).await.unwrap_err()
    };

    let long = refused(|it| it["stages"][1]["actions"][0]["configuration"]["X"] = json!("x".repeat(1001)));
    assert!(long.await.message.contains("less than or equal to 1000"));
    let unknown = refused(|it| it["stages"][1]["actions"][0]["inputArtifacts"][0]["name"] = json!("Nothing"));
    assert_eq!(unknown.await.code, "InvalidStructureException");
    let provider = refused(|it| it["stages"][1]["actions"][0]["actionTypeId"]["provider"] = json!("Jenkins"));
    assert_eq!(provider.await.code, "InvalidActionDeclarationException");
    let approval = refused(|it| {
        let kind = json!({ "category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1" });
        it["stages"][1]["actions"][0]["actionTypeId"] = kind;
    });
    let told = approval.await;
    assert!(told.message.contains("Category: 'Approval', Provider: 'Manual'"), "{}", told.message);
    let parallel = refused(|it| it["executionMode"] = json!("PARALLEL")).await;
    assert!(parallel.message.contains("Execution mode PARALLEL is not available"), "{}", parallel.message);
    let first_type = refused(|it| it["pipelineType"] = json!("V1"));
    assert!(first_type.await.message.contains("V2"));
    let owner = refused(|it| it["stages"][1]["actions"][0]["actionTypeId"]["owner"] = json!("ThirdParty"));
    assert!(owner.await.message.contains("Provider: 'CodeBuild', Owner: 'ThirdParty'"));
    let version = refused(|it| it["stages"][1]["actions"][0]["actionTypeId"]["version"] = json!("2"));
    assert!(version.await.message.contains("Version: '2'"));
    let output = refused(|it| it["stages"][2]["actions"][0]["outputArtifacts"] = json!([{ "name": "X" }]));
    assert!(output.await.message.contains("1 output artifacts which is more than the maximum count (0)"));
    assert!(cloud.journal().entries().iter().all(|entry| entry.service != "s3"));
}

#[tokio::test]
async fn a_source_revision_and_variables_are_taken_from_the_call_and_a_token_starts_once() {
    let world = World::new("true");
    let cloud = world.cloud();
    let connection = prepare(&cloud).await;
    call(&cloud, "codepipeline", "CreatePipeline", pipeline(&connection, "QUEUED")).await;
    let rows = wait(&cloud, |rows| deploys(&rows[0])).await;
    let commit = rows[0].revisions[0].id.clone();
    write_and_commit(&world.repository);
    let input = json!({
        "name": NAME,
        "clientRequestToken": "once",
        "variables": [{ "name": "Stage", "value": "live" }],
        "sourceRevisions": [{ "actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": commit }],
    });

    call(&cloud, "codepipeline", "StartPipelineExecution", input.clone()).await;
    call(&cloud, "codepipeline", "StartPipelineExecution", input).await;
    let built =
        |row: &ExecutionRow| row.action("Build", "Build").is_some_and(|run| !run.variables.is_empty());
    let rows = wait(&cloud, |rows| rows.get(1).is_some_and(built)).await;

    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1].revisions[0].id, commit);
    assert!(rows[1].action("Build", "Build").unwrap().variables["TAG"].contains("-live-"));
}

fn write_and_commit(repository: &Path) {
    std::fs::write(repository.join("later"), "").unwrap();
    for arguments in [
        &["add", "."][..],
        &["-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "Second"],
    ] {
        seatrial_git::bytes(repository, arguments).unwrap();
    }
}
