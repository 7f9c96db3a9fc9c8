//! One-off tasks against an endpoint that answers as ECS and CloudWatch Logs do.

mod endpoint;

use std::sync::{Arc, Mutex};

use seatrial_project::task_definition::LogConfiguration;
use serde_json::{Value, json};

use self::endpoint::Endpoint;
use super::*;

const AT_ONCE: Pace = Pace { every: Duration::ZERO, settle: Duration::ZERO };

/// What a build leaves, in a folder.
fn artifacts() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let log = json!({ "logDriver": "awslogs", "options": {
        "awslogs-group": "/app", "awslogs-region": "r", "awslogs-stream-prefix": "app",
    }});
    let definition = json!({
        "family": "shop-production", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "executionRoleArn": "execution", "taskRoleArn": "task",
        "containerDefinitions": [
            { "name": "app", "image": "<IMAGE1_NAME>", "command": ["serve"], "logConfiguration": log },
            { "name": "sidecar", "image": "other", "command": ["proxy"] },
        ],
    });
    let image = json!({ "ImageURI": "registry/shop@sha256:1" });
    for (name, value) in [("taskdef.json", definition), ("imageDetail.json", image)] {
        std::fs::write(folder.path().join(name), value.to_string()).unwrap();
    }
    folder
}

fn one_off() -> OneOff {
    let names = ("migrate", "shop-production-migrate");
    OneOff {
        what: "migrate",
        definition: definition(artifacts().path(), names, vec!["migrate".to_owned(), "up".to_owned()])
            .unwrap(),
        cluster: "shop".to_owned(),
        network: Network {
            subnets: vec!["subnet-1".to_owned(), "subnet-2".to_owned()],
            security_groups: vec!["sg-1".to_owned()],
            public_address: true,
        },
        token: Some("one-build".to_owned()),
        patience: Duration::from_secs(3600),
        pace: AT_ONCE,
    }
}

/// How a run ended, what it told, and what was called.
struct Ended {
    result: Result<(), String>,
    told: Vec<String>,
    endpoint: Endpoint,
}

async fn run_for(
    one_off: OneOff,
    interrupted: impl Future<Output = ()>,
    answer: impl Fn(&str, usize) -> Value + Send + Sync + 'static,
) -> Ended {
    let endpoint = Endpoint::start(answer).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&told);
    let report = move |line: &str| noted.lock().unwrap().push(line.to_owned());
    let result = one_off.run(&endpoint.clients(), &report, interrupted).await;
    let told = told.lock().unwrap().clone();
    Ended { result: result.map_err(|error| chain(&error)), told, endpoint }
}

async fn run(answer: impl Fn(&str, usize) -> Value + Send + Sync + 'static) -> Ended {
    run_for(one_off(), std::future::pending(), answer).await
}

fn task(status: &str, code: Option<i32>) -> Value {
    let mut container = json!({ "name": "app" });
    if let Some(code) = code {
        container["exitCode"] = json!(code);
    }
    json!({ "tasks": [{
        "taskArn": "arn:aws:ecs:r:1:task/shop/7", "lastStatus": status, "containers": [{ "name": "sidecar", "exitCode": 0 }, container],
        "stoppedReason": if status == "STOPPED" { "Essential container in task exited" } else { "" },
    }]})
}

/// AWS, where the task ends with `code` at the third look, having written two lines.
fn usual(code: Option<i32>) -> impl Fn(&str, usize) -> Value {
    move |operation, before| match operation {
        "ListTasks" => json!({ "taskArns": [] }),
        "RegisterTaskDefinition" => {
            json!({ "taskDefinition": { "taskDefinitionArn": "arn:aws:ecs:r:1:task-definition/shop-production-migrate:4" } })
        }
        "RunTask" => task("PROVISIONING", None),
        // AWS may not show a task at once.
        "DescribeTasks" if before == 0 => json!({ "tasks": [], "failures": [{ "reason": "MISSING" }] }),
        "DescribeTasks" if before == 1 => task("RUNNING", None),
        "DescribeTasks" => task("STOPPED", code),
        "GetLogEvents" => match before {
            0 => {
                json!({ "__type": "ResourceNotFoundException", "message": "The specified log stream does not exist." })
            }
            1 => {
                json!({ "events": [{ "message": "first\n" }, { "message": "second" }], "nextForwardToken": "f/1" })
            }
            _ => json!({ "events": [], "nextForwardToken": "f/1" }),
        },
        _ => json!({}),
    }
}

#[tokio::test]
async fn the_new_image_runs_with_another_command_in_a_family_of_its_own_and_in_the_services_network() {
    let Ended { result, told, endpoint } = run(usual(Some(0))).await;

    assert_eq!(result, Ok(()));
    let registered = endpoint.input("RegisterTaskDefinition");
    assert_eq!(registered["family"], "shop-production-migrate");
    let [app, sidecar] = [0, 1].map(|index| &registered["containerDefinitions"][index]);
    assert_eq!(
        (&app["image"], &app["command"]),
        (&json!("registry/shop@sha256:1"), &json!(["migrate", "up"]))
    );
    assert_eq!(app["logConfiguration"]["options"]["awslogs-stream-prefix"], "migrate");
    assert_eq!(sidecar["command"], json!(["proxy"]));
    let ran = endpoint.input("RunTask");
    assert_eq!(ran["taskDefinition"], "arn:aws:ecs:r:1:task-definition/shop-production-migrate:4");
    assert_eq!((&ran["launchType"], &ran["clientToken"]), (&json!("FARGATE"), &json!("one-build")));
    let network = json!({ "subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED" });
    assert_eq!(ran["networkConfiguration"]["awsvpcConfiguration"], network);
    let log = endpoint.input("GetLogEvents");
    assert_eq!((&log["logGroupName"], &log["logStreamName"]), (&json!("/app"), &json!("migrate/app/7")));
    let lines: Vec<&String> = told.iter().filter(|line| line.starts_with("| ")).collect();
    assert_eq!(lines, ["| first", "| second"]);
}

#[tokio::test]
async fn a_task_that_fails_fails_the_step_with_its_exit_code_and_its_last_lines() {
    let Ended { result, told, .. } = run(usual(Some(3))).await;

    let error = result.unwrap_err();
    assert_eq!(error, "failed to migrate: task 7 ended with exit code 3: Essential container in task exited");
    assert!(told.contains(&"| second".to_owned()), "{told:?}");
}

#[tokio::test]
async fn a_task_that_never_ran_is_no_success() {
    let error = run(usual(None)).await.result.unwrap_err();

    assert_eq!(error, "failed to migrate: task 7 did not run: Essential container in task exited");
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_told_and_changes_nothing() {
    for (code, fails) in [(0, false), (1, true)] {
        let usual = usual(Some(code));
        let denied = json!({ "__type": "AccessDeniedException", "message": "not authorized to perform: logs:GetLogEvents" });
        let ended = run(move |operation, before| match operation {
            "GetLogEvents" => denied.clone(),
            _ => usual(operation, before),
        });
        let Ended { result, told, .. } = ended.await;

        assert_eq!(result.is_err(), fails);
        let said: Vec<_> = told.iter().filter(|line| line.contains("not authorized")).collect();
        assert_eq!(said.len(), 1, "{told:?}");
    }
}

#[tokio::test]
async fn a_task_that_takes_too_long_or_whose_build_is_ended_is_stopped() {
    let runs = || {
        let usual = usual(Some(0));
        move |operation: &str, before: usize| match operation {
            "DescribeTasks" => task("RUNNING", None),
            _ => usual(operation, before),
        }
    };
    let late = OneOff { patience: Duration::ZERO, ..one_off() };
    let late = run_for(late, std::future::pending(), runs()).await;
    let ended = run_for(one_off(), std::future::ready(()), runs()).await;

    for (ended, why) in [(late, "it ran for more than 0 minutes"), (ended, "the build was ended")] {
        assert_eq!(ended.result.unwrap_err(), format!("failed to migrate: task 7 was stopped: {why}"));
        let stopped = ended.endpoint.input("StopTask");
        assert_eq!(
            (&stopped["task"], &stopped["reason"]),
            (&json!("arn:aws:ecs:r:1:task/shop/7"), &json!(why))
        );
    }
}

#[tokio::test]
async fn what_an_ended_build_left_is_stopped_before_another_task_runs() {
    let usual = usual(Some(0));
    let Ended { result, endpoint, .. } = run(move |operation, before| match operation {
        "ListTasks" => json!({ "taskArns": ["arn:aws:ecs:r:1:task/shop/6"] }),
        "DescribeTasks" if before < 2 => task("DEACTIVATING", None),
        "DescribeTasks" => task("STOPPED", Some(0)),
        _ => usual(operation, before),
    })
    .await;

    assert_eq!(result, Ok(()));
    let calls = endpoint.calls();
    let until = calls.iter().position(|name| name == "RegisterTaskDefinition").unwrap();
    assert_eq!(calls[..until], ["ListTasks", "StopTask", "DescribeTasks", "DescribeTasks", "DescribeTasks"]);
    assert_eq!(endpoint.input("ListTasks")["family"], "shop-production-migrate");
}

#[tokio::test]
async fn why_no_task_came_about_is_told_in_awss_words() {
    let usual_one = usual(Some(0));
    let failures = run(move |operation, before| match operation {
        "RunTask" => {
            json!({ "tasks": [], "failures": [{ "reason": "Capacity is unavailable at this time." }] })
        }
        _ => usual_one(operation, before),
    })
    .await;
    assert_eq!(failures.result.unwrap_err(), "failed to run the task: Capacity is unavailable at this time.");

    let usual = usual(Some(0));
    let denied = run(move |operation, before| match operation {
        "RunTask" => json!({ "__type": "AccessDeniedException", "message": "User: x is not authorized to perform: iam:PassRole" }),
        _ => usual(operation, before),
    })
    .await;
    assert_eq!(
        denied.result.unwrap_err(),
        "failed to run the task: AccessDeniedException: User: x is not authorized to perform: iam:PassRole"
    );
}

#[test]
fn an_artifact_that_is_not_the_builds_is_refused_by_its_file() {
    let folder = artifacts();
    let read = || {
        definition(folder.path(), ("migrate", "family"), Vec::new()).map(drop).map_err(|error| chain(&error))
    };
    assert_eq!(read(), Ok(()));
    std::fs::write(folder.path().join("imageDetail.json"), "{}").unwrap();
    assert!(read().unwrap_err().contains("imageDetail.json"));
    std::fs::remove_file(folder.path().join("taskdef.json")).unwrap();
    std::fs::write(folder.path().join("imageDetail.json"), "{\"ImageURI\": \"x\"}").unwrap();
    assert!(read().unwrap_err().contains("taskdef.json"));
}

#[test]
fn a_container_without_a_log_is_run_too() {
    let mut definition = one_off().definition;
    for container in &mut definition.container_definitions {
        container.log_configuration =
            Some(LogConfiguration { log_driver: "splunk".to_owned(), options: None });
    }
    assert!(!TaskLog::of(&definition).has_told());
}
