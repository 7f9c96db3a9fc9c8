//! What a task's namespaces make of its program, and what becomes of it where there are none.

use super::*;
use crate::tests::{has_no_namespaces, outputs};

async fn run_once(cloud: &Cloud, definition: &str) -> Task {
    let run = json!({
        "cluster": "c", "taskDefinition": definition, "networkConfiguration": network(cloud).await,
        "launchType": "FARGATE",
    });
    let run: RunTask = serde_json::from_value(run).unwrap();
    call(cloud, run).await.unwrap().tasks.remove(0)
}

async fn when_stopped(cloud: &Cloud, task: &Task) -> Task {
    let ended = || {
        let found = tasks(cloud).into_iter().find(|found| found.task_arn == task.task_arn);
        found.filter(|found| found.last_status == "STOPPED")
    };
    cloud.wait_until(LONG, ended).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_namespaces_are_forbidden_a_static_program_runs_and_any_other_says_what_to_type() {
    const NAME: &str = "where_namespaces_are_forbidden_a_static_program_runs_and_any_other_says_what_to_type";
    if !has_no_namespaces(&format!("services::ecs::tests::isolation::{NAME}")) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    make_cluster(&cloud).await;

    let variables = json!({ "environment": [{ "name": "CRASH", "value": "9" }] });
    let plain = run_once(&cloud, &define(&cloud, variables).await).await;
    let stopped = when_stopped(&cloud, &plain).await;
    assert_eq!(stopped.containers[0].exit_code, Some(9), "{stopped:#?}");

    let script = run_once(&cloud, &define(&cloud, json!({ "entryPoint": ["/script"] })).await).await;
    let reason = when_stopped(&cloud, &script).await.stopped_reason.unwrap();
    assert!(reason.starts_with("CannotStartContainerError: the local cloud has no namespaces"), "{reason}");
    assert!(reason.ends_with("`sudo sysctl -w user.max_user_namespaces=10000` allows them"), "{reason}");
    close(&cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_does_not_listen_to_sigterm_is_killed_at_its_stop_timeout() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    make_cluster(&cloud).await;
    let deaf =
        json!({ "environment": [{ "name": "DEAF", "value": "1" }], "stopTimeout": 2, "user": "10001:10002" });
    let task = run_once(&cloud, &define(&cloud, deaf).await).await;
    let running = async || written(&cloud, "listening").await;
    while running().await.is_none() {
        cloud.wait_until(Duration::from_millis(50), || None::<()>).await;
    }

    let input = StopTask { cluster: Some("c".to_owned()), task: task.task_arn.clone(), reason: None };
    call(&cloud, input).await.unwrap();

    assert_eq!(when_stopped(&cloud, &task).await.containers[0].exit_code, Some(137));
    assert!(written(&cloud, "bye").await.is_none());
    // What it wrote goes with it.
    assert!(!dir.path().join("tasks").join(task.id()).exists());
    close(&cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_listens_on_loopback_alone_is_unhealthy() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    let loopback = json!({ "environment": [{ "name": "LISTEN", "value": "127.0.0.1" }] });
    let definition = define(&cloud, loopback).await;
    make_service(&cloud, &definition).await;

    let stopped = cloud.wait_until(LONG, || stopped(&cloud)).await.unwrap();

    let group = outputs(&cloud, "load-balancer").await["BlueTargetGroupArn"].take();
    let reason = format!("Task failed ELB health checks in (target-group {})", group.as_str().unwrap());
    assert_eq!(stopped.stopped_reason, Some(reason));
    assert!(written(&cloud, "listening").await.is_some());
    close(&cloud).await;
}

/// A task whose `app` waits for `migrate` to end well with `code`.
async fn define_two(cloud: &Cloud, code: &str) -> String {
    let container = |name: &str, code: &str| {
        json!({
            "name": name, "image": "127.0.0.1:1/app:v1", "essential": name == "app",
            "environment": [{ "name": "CRASH", "value": code }],
            "logConfiguration": { "logDriver": "awslogs", "options": {
                "awslogs-group": "group", "awslogs-stream-prefix": "app" } },
        })
    };
    let mut app = container("app", "5");
    app["dependsOn"] = json!([{ "containerName": "migrate", "condition": "SUCCESS" }]);
    let containers = [app, container("migrate", code)];
    let input = json!({ "family": "two", "networkMode": "awsvpc", "executionRoleArn": world::execution_role(), "containerDefinitions": containers });
    let input: RegisterTaskDefinition = serde_json::from_value(input).unwrap();
    call(cloud, input).await.unwrap().task_definition.task_definition_arn
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_starts_when_the_one_that_it_depends_on_has_ended_well_and_not_else() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    make_cluster(&cloud).await;

    let well = run_once(&cloud, &define_two(&cloud, "0").await).await;
    let stopped = when_stopped(&cloud, &well).await;
    let codes: Vec<_> = stopped.containers.iter().map(|container| container.exit_code).collect();
    assert_eq!(codes, [Some(5), Some(0)], "{stopped:#?}");

    let badly = run_once(&cloud, &define_two(&cloud, "4").await).await;
    let reason = when_stopped(&cloud, &badly).await.stopped_reason.unwrap();
    assert_eq!(reason, "Container app was not started: migrate ended with exit code 4.");
    close(&cloud).await;
}
