//! A step before the deployment, in its stage: a build hands over a program beside the deployment's files, and a second
//! project runs it.

use super::*;
use crate::services::codepipeline::store::ActionStatus;

/// Two artifacts; the program exits with `code`.
fn buildspec(code: u8) -> String {
    let step = format!(
        "grep -q sha256 \"$CODEBUILD_SRC_DIR_BuildOutput/imageDetail.json\" && echo \"$STEP\" && exit {code}"
    );
    let files = "[imageDetail.json, taskdef.json, appspec.yaml]";
    format!(
        "version: 0.2\nphases:\n  build:\n    commands:\n      - echo '{{\"ImageURI\":\"host/app@sha256:1\"}}' > imageDetail.json\n      \
         - mkdir out && echo '{step}' > out/step && chmod +x out/step\n\
         artifacts:\n  files: {files}\n  secondary-artifacts:\n    BuildOutput: {{files: {files}}}\n    \
         Program: {{base-directory: out, files: [step]}}\n"
    )
}

/// The usual pipeline with the step `Migrate` before `Deploy`.
fn with_a_step(connection: &str) -> Value {
    let mut input = pipeline(connection, "QUEUED");
    let stages = &mut input["pipeline"]["stages"];
    stages[1]["actions"][0]["outputArtifacts"] = json!([{ "name": "BuildOutput" }, { "name": "Program" }]);
    let deploy = &mut stages[2]["actions"];
    deploy[0]["runOrder"] = json!(2);
    let variables = json!([{ "name": "STEP", "value": "migrate" }]);
    let migrate = json!({
        "name": "Migrate", "runOrder": 1,
        "actionTypeId": { "category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1" },
        "configuration": {
            "ProjectName": "app-release", "PrimarySource": "Program", "EnvironmentVariables": variables.to_string(),
        },
        "inputArtifacts": [{ "name": "BuildOutput" }, { "name": "Program" }],
    });
    deploy.as_array_mut().unwrap().push(migrate);
    input
}

async fn prepare_step(cloud: &Cloud) -> String {
    let connection = prepare(cloud).await;
    let buildspec =
        "version: 0.2\nphases: {build: {on-failure: ABORT, commands: ['bash \"$CODEBUILD_SRC_DIR/step\"']}}";
    let project = json!({
        "name": "app-release",
        "source": { "type": "CODEPIPELINE", "buildspec": buildspec },
        "artifacts": { "type": "CODEPIPELINE" },
        "environment": { "type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL" },
        "serviceRole": "arn:aws:iam::000000000000:role/build",
    });
    call(cloud, "codebuild", "CreateProject", project).await;
    connection
}

#[tokio::test]
async fn a_step_of_a_lower_run_order_runs_what_the_build_handed_over_before_the_deployment_begins() {
    let world = World::new("true");
    std::fs::write(world.repository.join("buildspec.yml"), buildspec(0)).unwrap();
    write_and_commit(&world.repository);
    let cloud = world.cloud();
    let connection = prepare_step(&cloud).await;
    call(&cloud, "codepipeline", "CreatePipeline", with_a_step(&connection)).await;

    let rows = wait(&cloud, |rows| rows.iter().any(deploys)).await;

    let step = rows[0].action("Deploy", "Migrate").unwrap();
    assert_eq!(step.status, ActionStatus::Succeeded, "{step:#?}");
    let deployed = rows[0].action("Deploy", "Deploy").unwrap();
    assert!(step.updated.0 <= deployed.start.0);
    assert_eq!(cloud.part::<Deployments>().revisions.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_step_that_fails_ends_the_stage_and_no_deployment_begins() {
    let world = World::new("true");
    std::fs::write(world.repository.join("buildspec.yml"), buildspec(7)).unwrap();
    write_and_commit(&world.repository);
    let cloud = world.cloud();
    let connection = prepare_step(&cloud).await;
    call(&cloud, "codepipeline", "CreatePipeline", with_a_step(&connection)).await;

    let rows = wait(&cloud, |rows| rows.iter().any(|row| row.status == Status::Failed)).await;

    let step = rows[0].action("Deploy", "Migrate").unwrap();
    assert!(step.error.as_ref().unwrap().message.contains("exit status 7"), "{step:#?}");
    assert!(rows[0].action("Deploy", "Deploy").is_none());
    assert!(cloud.part::<Deployments>().revisions.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_action_of_several_sources_must_say_which_holds_its_buildspec() {
    let world = World::new("true");
    let cloud = world.cloud();
    let refused = async |change: fn(&mut Value)| {
        let mut input = with_a_step("arn");
        change(&mut input["pipeline"]["stages"][2]["actions"][1]);
        try_call(&cloud, "codepipeline", "CreatePipeline", input).await.unwrap_err().message
    };
    let unnamed = refused(|it| drop(it["configuration"].as_object_mut().unwrap().remove("PrimarySource")));
    assert!(unnamed.await.contains("missing required configuration 'PrimarySource'"));
    let foreign = refused(|it| it["configuration"]["PrimarySource"] = json!("SourceOutput"));
    assert!(foreign.await.contains("names 'SourceOutput', which is no input artifact"));
    let none = refused(|it| it["inputArtifacts"] = json!([]));
    assert!(none.await.contains("at least 1 and at most 5"));
}
