//! The credentials of a task's own role, as the task and AWS's own client find them.

use serde_json::Value;

use super::*;
use crate::tests::aws::AwsCli;
use crate::tests::{call as ask, has_no_namespaces};

/// The lines of one task.
async fn lines(cloud: &Cloud, task: &Task) -> Vec<String> {
    let log = json!({ "logGroupName": "group", "logStreamName": format!("app/app/{}", task.id()) });
    let log = ask(cloud, "logs:GetLogEvents", log).await.unwrap();
    let events = log["events"].as_array().unwrap().iter();
    events.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

/// The rest of the line that begins so.
pub(super) fn said(lines: &[String], first: &str) -> Option<String> {
    lines.iter().find_map(|line| line.strip_prefix(first)?.strip_prefix(' ')).map(str::to_owned)
}

/// Runs a task that shows what it has, and goes on until it is stopped.
pub(super) async fn show(cloud: &Cloud, role: Option<&str>, environment: Value) -> (Task, Vec<String>) {
    let network = network(cloud).await;
    show_in(cloud, network, role, environment).await
}

/// The same in that network.
pub(super) async fn show_in(
    cloud: &Cloud,
    network: NetworkConfiguration,
    role: Option<&str>,
    environment: Value,
) -> (Task, Vec<String>) {
    let mut variables = json!([{ "name": "SHOW", "value": "1" }, { "name": "PORT", "value": "4321" }]);
    for (name, value) in environment.as_object().into_iter().flatten() {
        variables.as_array_mut().unwrap().push(json!({ "name": name, "value": value }));
    }
    let mut input = json!({ "family": "app", "networkMode": "awsvpc", "executionRoleArn": super::world::execution_role(), "containerDefinitions": [{
        "name": "app", "image": "127.0.0.1:1/app:v1", "environment": variables, "stopTimeout": 2,
        "logConfiguration": { "logDriver": "awslogs", "options": {
            "awslogs-group": "group", "awslogs-stream-prefix": "app" } },
    }]});
    if let Some(role) = role {
        input["taskRoleArn"] = json!(format!("arn:aws:iam::000000000000:role/{role}"));
    }
    let definition = ask(cloud, "ecs:RegisterTaskDefinition", input).await.unwrap();
    let run = json!({
        "cluster": "c", "taskDefinition": definition["taskDefinition"]["taskDefinitionArn"],
        "networkConfiguration": network, "launchType": "FARGATE",
    });
    let run: RunTask = serde_json::from_value(run).unwrap();
    let task = call(cloud, run).await.unwrap().tasks.remove(0);
    let deadline = tokio::time::Instant::now() + LONG;
    loop {
        let has_stream = tasks(cloud).iter().any(|found| {
            found.task_arn == task.task_arn && matches!(found.last_status.as_str(), "RUNNING" | "STOPPED")
        });
        let lines = if has_stream { lines(cloud, &task).await } else { Vec::new() };
        if lines.iter().any(|line| line == "listening") {
            return (task, lines);
        }
        assert!(tokio::time::Instant::now() < deadline, "{lines:?} {:#?}", tasks(cloud));
        cloud.wait_until(Duration::from_millis(50), || None::<()>).await;
    }
}

/// Makes a role that ECS may assume for tasks of this account and Region, as the templates' is.
async fn make_role(cloud: &Cloud, name: &str) {
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "ecs-tasks.amazonaws.com" },
        "Condition": {
            "StringEquals": { "aws:SourceAccount": "000000000000" },
            "ArnLike": { "aws:SourceArn": "arn:aws:ecs:eu-central-1:000000000000:*" },
        },
    }]});
    let role = json!({ "RoleName": name, "AssumeRolePolicyDocument": trust.to_string() });
    ask(cloud, "iam:CreateRole", role).await.unwrap();
}

async fn stop(cloud: &Cloud, task: &Task) {
    let input = StopTask { cluster: Some("c".to_owned()), task: task.task_arn.clone(), reason: None };
    call(cloud, input).await.unwrap();
    let stopped = || {
        let found = tasks(cloud).into_iter().find(|found| found.task_arn == task.task_arn);
        found.filter(|found| found.last_status == "STOPPED")
    };
    cloud.wait_until(LONG, stopped).await.unwrap();
}

/// What the local cloud answers to whoever asks at its own port.
async fn get_own(cloud: &Cloud, path: &str, token: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(cloud.registry()).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n",
        cloud.registry()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_a_session_of_its_role_by_aws_s_own_client_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    make_cluster(&cloud).await;
    make_role(&cloud, "task").await;

    let (task, lines) = show(&cloud, Some("task"), json!({})).await;

    let fetched: Value = serde_json::from_str(&said(&lines, "own").unwrap()).unwrap();
    assert_eq!(fetched["RoleArn"], "arn:aws:iam::000000000000:role/task");
    let key = [
        ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
        ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
        ("AWS_SESSION_TOKEN", "Token"),
    ];
    let key = key.map(|(variable, member)| (variable, fetched[member].as_str().unwrap().to_owned()));
    let aws = AwsCli::with(&cloud, key);
    let caller = aws.json("sts get-caller-identity").await;
    let session = format!("arn:aws:sts::000000000000:assumed-role/task/{}", task.id());
    assert_eq!(caller["Arn"], session);
    // Nothing but what it is given: neither keys nor anything of the operator's.
    let own = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_DEFAULT_REGION AWS_ENDPOINT_URL AWS_EXECUTION_ENV \
               AWS_REGION ECS_TASK_ARN FROM_IMAGE HOME HOSTNAME PATH PORT SHOW TASK_ID";
    assert_eq!(said(&lines, "variables").unwrap(), own);

    // Who has a task's id but not its network gets nothing, neither another task nor a neighbour on this machine.
    let path = said(&lines, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").unwrap();
    let (other, others) = show(&cloud, Some("task"), json!({ "OTHER": path })).await;
    let refused: Value = serde_json::from_str(&said(&others, "other").unwrap()).unwrap();
    assert_eq!(refused["code"], "InvalidIdInRequest", "{refused}");
    let id = path.rsplit('/').next().unwrap();
    let refused = get_own(&cloud, &format!("/_local/credentials/{id}"), "").await;
    assert!(refused.starts_with("HTTP/1.1 400 ") && !refused.contains("AccessKeyId"), "{refused}");

    stop(&cloud, &task).await;
    let refused = aws.refusal("sts get-caller-identity").await;
    assert!(refused.contains("(InvalidClientTokenId)"), "{refused}");
    let refused = aws.refusal("ecs list-clusters").await;
    assert!(refused.contains("(UnrecognizedClientException)"), "{refused}");
    stop(&cloud, &other).await;
    close(&cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_without_a_role_has_no_credentials_and_one_whose_role_does_not_trust_ecs_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    make_cluster(&cloud).await;

    let (_, lines) = show(&cloud, None, json!({ "TRY": "169.254.170.2:80" })).await;

    assert!(!said(&lines, "variables").unwrap().contains("CREDENTIALS"), "{lines:?}");
    assert_eq!(said(&lines, "169.254.170.2:80").unwrap(), "ConnectionRefused");

    let trust = json!({ "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "Service": "ec2.amazonaws.com" } } });
    let role = json!({ "RoleName": "other", "AssumeRolePolicyDocument": trust.to_string() });
    ask(&cloud, "iam:CreateRole", role).await.unwrap();
    let input = json!({ "family": "app", "networkMode": "awsvpc", "executionRoleArn": super::world::execution_role(),
        "taskRoleArn": "arn:aws:iam::000000000000:role/other",
        "containerDefinitions": [{ "name": "app", "image": "127.0.0.1:1/app:v1" }] });
    ask(&cloud, "ecs:RegisterTaskDefinition", input).await.unwrap();
    let run = json!({ "cluster": "c", "taskDefinition": "app", "networkConfiguration": network(&cloud).await,
        "launchType": "FARGATE" });
    call(&cloud, serde_json::from_value::<RunTask>(run).unwrap()).await.unwrap();
    let stopped = cloud.wait_until(LONG, || stopped(&cloud)).await.unwrap();
    let reason = stopped.stopped_reason.unwrap();
    let words = "ECS was unable to assume the role 'arn:aws:iam::000000000000:role/other'";
    assert!(reason.starts_with(words), "{reason}");
    close(&cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_task_has_this_machines_network_its_credentials_need_a_token() {
    const NAME: &str = "where_a_task_has_this_machines_network_its_credentials_need_a_token";
    if !has_no_namespaces(&format!("services::ecs::tests::role::{NAME}")) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    make_cluster(&cloud).await;
    make_role(&cloud, "task").await;

    let (task, lines) = show(&cloud, Some("task"), json!({})).await;

    let uri = said(&lines, "AWS_CONTAINER_CREDENTIALS_FULL_URI").unwrap();
    let token = said(&lines, "token").unwrap();
    let path = uri.strip_prefix(cloud.endpoint()).unwrap();
    for wrong in ["", "another"] {
        let refused = get_own(&cloud, path, wrong).await;
        assert!(refused.contains("InvalidIdInRequest") && !refused.contains("AccessKeyId"), "{refused}");
    }
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.clone()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", token.clone()),
    ];
    let caller = AwsCli::with(&cloud, variables).json("sts get-caller-identity").await;
    let session = format!("arn:aws:sts::000000000000:assumed-role/task/{}", task.id());
    assert_eq!(caller["Arn"], session);
    stop(&cloud, &task).await;
    assert!(get_own(&cloud, path, &token).await.contains("InvalidIdInRequest"));
    close(&cloud).await;
}
