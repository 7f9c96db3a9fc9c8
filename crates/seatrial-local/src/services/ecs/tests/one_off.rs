//! Tasks that no service started: RunTask in the service's network, to their end.

use serde_json::Value;

use super::*;
use crate::tests::call as ask;

/// Registers a revision of family `migrate` whose task ends at once with `code`.
async fn define_migration(cloud: &Cloud, code: &str) -> String {
    let input = json!({ "family": "migrate", "networkMode": "awsvpc", "executionRoleArn": world::execution_role(), "containerDefinitions": [{
        "name": "app", "image": "127.0.0.1:1/app:v1", "command": ["migrate"],
        "environment": [{ "name": "CRASH", "value": code }, { "name": "SECRET", "value": "changed" }],
        "logConfiguration": { "logDriver": "awslogs", "options": {
            "awslogs-group": "group", "awslogs-stream-prefix": "migrate" } },
    }]});
    let input: RegisterTaskDefinition = serde_json::from_value(input).unwrap();
    call(cloud, input).await.unwrap().task_definition.task_definition_arn
}

async fn input(cloud: &Cloud, definition: &str) -> Value {
    let network = serde_json::to_value(network(cloud).await).unwrap();
    json!({ "cluster": "c", "taskDefinition": definition, "launchType": "FARGATE", "networkConfiguration": network })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_run_once_tells_its_exit_code_and_its_lines_and_one_token_starts_one() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    make_cluster(&cloud).await;
    let definition = define_migration(&cloud, "3").await;
    let mut input = input(&cloud, &definition).await;
    input["clientToken"] = json!("one-build");

    let run = ask(&cloud, "ecs:RunTask", input.clone()).await.unwrap();
    let again = ask(&cloud, "ecs:RunTask", input.clone()).await.unwrap();

    let arn = &run["tasks"][0]["taskArn"];
    assert_eq!((&again["tasks"][0]["taskArn"], again["tasks"].as_array().unwrap().len()), (arn, 1));
    let stopped = cloud.wait_until(LONG, || stopped(&cloud)).await.unwrap();
    assert_eq!((json!(stopped.task_arn), stopped.containers[0].exit_code), (arn.clone(), Some(3)));
    assert_eq!(stopped.stopped_reason.as_deref(), Some("Essential container in task exited"));
    let log = json!({ "logGroupName": "group", "logStreamName": format!("migrate/app/{}", stopped.id()) });
    let log = ask(&cloud, "logs:GetLogEvents", log).await.unwrap();
    assert_eq!(log["events"][0]["message"], "secret changed");

    input["taskDefinition"] = json!(define_migration(&cloud, "0").await);
    let refused = ask(&cloud, "ecs:RunTask", input).await.unwrap_err();
    assert_eq!(refused.code, "ConflictException");
    close(&cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_without_a_launch_type_looks_for_instances_that_nobody_has() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    make_cluster(&cloud).await;
    let definition = define_migration(&cloud, "0").await;
    for launch_type in [Value::Null, json!("EC2")] {
        let mut input = input(&cloud, &definition).await;
        input["launchType"] = launch_type;
        let refused = ask(&cloud, "ecs:RunTask", input).await.unwrap_err();
        assert_eq!(refused.message, "No Container Instances were found in your cluster.");
    }
    close(&cloud).await;
}
