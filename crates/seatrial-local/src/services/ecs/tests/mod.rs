//! Services and tasks with real processes, behind the load balancer of the stacks.

mod alarms;
mod by_hand;
mod events;
#[cfg(target_os = "linux")]
mod isolation;
#[cfg(target_os = "linux")]
mod limits;
mod one_off;
#[cfg(target_os = "linux")]
mod role;
pub(crate) mod world;

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::operations::{
    CreateTaskSet, DeleteTaskSet, RegisterTaskDefinition, RunTask, StopTask, UpdateServicePrimaryTaskSet,
};
use super::task::Task;
use super::*;
use crate::error::ServiceError;
use crate::fault::{Fault, FaultKind};
use crate::operation::Operation;
use crate::runtime::interfaces::Interfaces;
use crate::tests::{cloud_in, operator};
use crate::{Cloud, services};
use world::{network, target_group, targets, written};

const PORT: u16 = 4321;
const LONG: Duration = Duration::from_secs(60);

/// Serves the cloud whose data is in `dir`.
pub(crate) async fn open(dir: &Path) -> Cloud {
    let cloud = cloud_in(dir);
    serve(&cloud).await;
    cloud
}

async fn serve(cloud: &Cloud) {
    crate::tests::aws::serve(cloud).await;
    services::resume(cloud).await;
}

/// The same with what tasks need.
async fn make(dir: &Path) -> Cloud {
    let cloud = open(dir).await;
    world::make(&cloud, PORT).await;
    cloud
}

/// Ends all that runs in it.
pub(crate) async fn close(cloud: &Cloud) {
    cloud.drivers().shutdown(Duration::from_secs(5)).await;
    services::stop(cloud).await;
    // Not all of it can be removed by whoever runs the test.
    crate::sweep_tasks(cloud.data_dir(), &cloud.settings().task_agent);
}

async fn call<O: Operation>(cloud: &Cloud, input: O) -> Result<O::Output, ServiceError> {
    cloud.call(&operator(), input).await
}

/// Registers a revision whose container is changed by `change`.
async fn define(cloud: &Cloud, change: serde_json::Value) -> String {
    let mut container = json!({
        "name": "app", "image": "127.0.0.1:1/app:v1", "stopTimeout": 5,
        "portMappings": [{ "containerPort": PORT }],
        "logConfiguration": { "logDriver": "awslogs", "options": {
            "awslogs-group": "group", "awslogs-stream-prefix": "app" } },
        "secrets": [{ "name": "SECRET",
            "valueFrom": "arn:aws:secretsmanager:eu-central-1:000000000000:secret:db:password::" }],
    });
    for (key, value) in change.as_object().into_iter().flatten() {
        container[key] = value.clone();
    }
    let input = json!({ "family": "app", "networkMode": "awsvpc", "executionRoleArn": world::execution_role(), "containerDefinitions": [container] });
    let input: RegisterTaskDefinition = serde_json::from_value(input).unwrap();
    call(cloud, input).await.unwrap().task_definition.task_definition_arn
}

async fn balancers(cloud: &Cloud, colour: &str) -> Vec<LoadBalancer> {
    vec![LoadBalancer {
        target_group_arn: Some(target_group(cloud, colour).await),
        container_name: Some("app".to_owned()),
        container_port: Some(i64::from(PORT)),
    }]
}

/// Makes the cluster in an account that has had none.
async fn make_cluster(cloud: &Cloud) {
    let input = || CreateCluster { cluster_name: Some("c".to_owned()), ..CreateCluster::default() };
    let first = call(cloud, input()).await.err().unwrap();
    assert!(first.message.starts_with("Unable to assume the service linked role."), "{first:?}");
    call(cloud, input()).await.unwrap();
}

async fn make_service(cloud: &Cloud, definition: &str) {
    make_cluster(cloud).await;
    let input = CreateService {
        cluster: Some("c".to_owned()),
        service_name: "s".to_owned(),
        task_definition: Some(definition.to_owned()),
        load_balancers: balancers(cloud, "Blue").await,
        desired_count: Some(2),
        network_configuration: Some(network(cloud).await),
        health_check_grace_period_seconds: Some(1),
        deployment_controller: Some(DeploymentController { r#type: "CODE_DEPLOY".to_owned() }),
        ..CreateService::default()
    };
    call(cloud, input).await.unwrap();
}

async fn make_green(cloud: &Cloud, definition: &str) -> TaskSet {
    let input = CreateTaskSet {
        cluster: "c".to_owned(),
        service: "s".to_owned(),
        external_id: Some("d-1".to_owned()),
        task_definition: definition.to_owned(),
        load_balancers: balancers(cloud, "Green").await,
        ..CreateTaskSet::default()
    };
    call(cloud, input).await.unwrap().task_set
}

/// The service once `fits` says so.
async fn when(cloud: &Cloud, fits: impl Fn(&Service) -> bool) -> Service {
    let deadline = tokio::time::Instant::now() + LONG;
    loop {
        let input = DescribeServices {
            cluster: Some("c".to_owned()),
            services: vec!["s".to_owned()],
            ..DescribeServices::default()
        };
        let service = call(cloud, input).await.unwrap().services.remove(0);
        if fits(&service) {
            return service;
        }
        assert!(tokio::time::Instant::now() < deadline, "it stays {service:#?} {:?}", tasks(cloud));
        cloud.wait_until(Duration::from_millis(50), || None::<()>).await;
    }
}

fn is_steady(service: &Service) -> bool {
    service.task_sets.iter().all(|set| set.stability_status == "STEADY_STATE" && set.running_count == 2)
}

fn tasks(cloud: &Cloud) -> Vec<Task> {
    cloud.part::<store::EcsStore>().tasks.values().into_iter().map(|row| row.task).collect()
}

fn stopped(cloud: &Cloud) -> Option<Task> {
    tasks(cloud).into_iter().find(|task| task.last_status == "STOPPED")
}

/// What a task answers to whoever reaches it as the load balancer does.
async fn get(cloud: &Cloud, (address, port): &(String, u16)) -> String {
    let interfaces = cloud.part::<Interfaces>();
    let mut stream = interfaces.connect((address.parse::<IpAddr>().unwrap(), *port).into()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_replaces_a_stopped_task_and_drains_it_before_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    let definition = define(&cloud, json!({})).await;
    make_service(&cloud, &definition).await;

    let service = when(&cloud, is_steady).await;
    let group = &network(&cloud).await.awsvpc_configuration.security_groups[0];
    assert!(cloud.operations().is_group_in_use(&cloud, group));
    assert!(service.events[0].message.ends_with("has reached a steady state."));
    let serving = targets(&cloud, "Blue").await;
    assert_eq!(serving.len(), 2);
    for target in &serving {
        assert!(get(&cloud, target).await.ends_with("ok"));
    }
    assert!(written(&cloud, "secret hidden").await.is_some());

    let task = tasks(&cloud).remove(0);
    let input = StopTask { cluster: Some("c".to_owned()), task: task.task_arn, reason: None };
    call(&cloud, input).await.unwrap();
    let stopped = cloud.wait_until(LONG, || stopped(&cloud)).await.unwrap();

    assert_eq!(stopped.stopped_reason.as_deref(), Some("Task stopped by user"));
    assert_eq!(stopped.containers[0].exit_code, Some(0));
    let entries = cloud.journal().entries();
    let deregistered = entries.iter().find(|entry| entry.operation == "DeregisterTargets").unwrap();
    assert!((deregistered.time.0 * 1000.0) as i64 <= written(&cloud, "bye").await.unwrap());
    when(&cloud, |service| is_steady(service) && service.running_count == 2).await;
    close(&cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task_sets_stand_side_by_side_until_the_old_one_is_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    let definition = define(&cloud, json!({})).await;
    make_service(&cloud, &definition).await;
    let blue = when(&cloud, is_steady).await.task_sets.remove(0);

    let second = define(&cloud, json!({})).await;
    let green = make_green(&cloud, &second).await;
    let service = when(&cloud, |service| service.task_sets.len() == 2 && is_steady(service)).await;
    assert_eq!(service.running_count, 4);
    let names = || ("c".to_owned(), "s".to_owned());
    let (cluster, name) = names();
    let input =
        UpdateServicePrimaryTaskSet { cluster, service: name, primary_task_set: green.task_set_arn.clone() };
    call(&cloud, input).await.unwrap();
    let (cluster, service) = names();
    let input = DeleteTaskSet { cluster, service, task_set: blue.task_set_arn, force: true };
    call(&cloud, input).await.unwrap();

    let service = when(&cloud, |service| service.task_sets.len() == 1).await;
    assert_eq!((&service.task_sets[0].id, &service.task_definition), (&green.id, &second));
    assert_eq!(service.task_sets[0].status, "PRIMARY");
    let reason = stopped(&cloud).unwrap().stopped_reason.unwrap();
    assert_eq!(reason, format!("Scaling activity initiated by (deployment {})", blue.id));
    assert_eq!((targets(&cloud, "Blue").await.len(), targets(&cloud, "Green").await.len()), (0, 2));
    events::tell_of_both(&cloud, &service, &blue.id).await;
    close(&cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_answer_no_health_check_are_stopped_with_awss_reason() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    let definition = define(&cloud, json!({})).await;
    make_service(&cloud, &definition).await;
    when(&cloud, is_steady).await;

    cloud.faults().arm(Fault::new(FaultKind::Unhealthy));
    let green = make_green(&cloud, &definition).await;
    let stopped = cloud.wait_until(LONG, || stopped(&cloud)).await.unwrap();

    assert_eq!(stopped.started_by.as_deref(), Some(green.id.as_str()));
    let reason = stopped.stopped_reason.unwrap();
    let green = target_group(&cloud, "Green").await;
    assert_eq!(reason, format!("Task failed ELB health checks in (target-group {green})"));
    let id = stopped.task_arn.rsplit('/').next().unwrap();
    let events = when(&cloud, |_| true).await.events;
    let told = format!("has stopped 1 running tasks: (task {id}).");
    assert!(events.iter().any(|event| event.message.ends_with(&told)), "{events:#?}");
    assert_eq!(targets(&cloud, "Blue").await.len(), 2);
    close(&cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_starts_late_is_waited_for_as_long_as_its_health_checks_allow() {
    for fault in [FaultKind::SlowStart, FaultKind::LateStart] {
        let dir = tempfile::tempdir().unwrap();
        let cloud = make(dir.path()).await;
        let definition = define(&cloud, json!({})).await;
        make_service(&cloud, &definition).await;
        when(&cloud, is_steady).await;

        cloud.faults().arm(Fault::new(fault));
        let green = make_green(&cloud, &definition).await;
        if fault == FaultKind::SlowStart {
            when(&cloud, |service| service.task_sets.len() == 2 && is_steady(service)).await;
            assert!(stopped(&cloud).is_none());
        } else {
            let late = cloud.wait_until(LONG, || stopped(&cloud)).await.unwrap();
            assert_eq!(late.started_by.as_deref(), Some(green.id.as_str()));
            assert!(late.stopped_reason.unwrap().starts_with("Task failed ELB health checks"));
        }
        close(&cloud).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_for_which_there_is_no_capacity_are_told_of_by_the_service_alone() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    let definition = define(&cloud, json!({})).await;
    make_service(&cloud, &definition).await;
    when(&cloud, is_steady).await;
    let before = tasks(&cloud).len();
    cloud.faults().arm(Fault::new(FaultKind::NoCapacity));

    let green = make_green(&cloud, &definition).await;

    let words = format!(
        "(service s, taskSet {}) was unable to place a task. Reason: Capacity is unavailable at this time. Please try \
         again later or in a different availability zone.",
        green.id
    );
    let told = |service: &Service| service.events.iter().filter(|event| event.message == words).count();
    let service = when(&cloud, |service| told(service) >= 2).await;
    let unplaced = service.task_sets.iter().find(|set| set.id == green.id).unwrap();
    assert_eq!((unplaced.running_count, unplaced.pending_count), (0, 0));
    assert_eq!(unplaced.stability_status, "STABILIZING");
    assert_eq!(tasks(&cloud).len(), before);
    close(&cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_cannot_start_says_why() {
    let secret = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:db:user::";
    let cases = [
        (json!({ "image": "127.0.0.1:1/app:missing" }), "CannotPullContainerError: pull image manifest has"),
        (
            json!({ "secrets": [{ "name": "A", "valueFrom": secret }] }),
            "ResourceInitializationError: unable to pull",
        ),
        (
            json!({ "secrets": [{ "name": "A", "valueFrom": "arn:aws:ssm:eu-central-1:000000000000:parameter/none" }] }),
            "ResourceInitializationError: unable to pull",
        ),
        (
            json!({ "entryPoint": ["/absent"] }),
            "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: \
             failed to create shim task: OCI runtime create failed: runc create failed: unable to start container \
             process: exec: \"/absent\": stat /absent: no such file or directory: unknown",
        ),
        (json!({ "environment": [{ "name": "CRASH", "value": "3" }] }), "Essential container in task exited"),
    ];
    for (change, reason) in cases {
        let dir = tempfile::tempdir().unwrap();
        let cloud = make(dir.path()).await;
        let definition = define(&cloud, change).await;
        make_service(&cloud, &definition).await;

        let stopped = cloud.wait_until(LONG, || stopped(&cloud)).await.unwrap();

        let found = stopped.stopped_reason.unwrap();
        assert!(found.starts_with(reason), "{found}");
        let exited = stopped.stop_code.as_deref() == Some("EssentialContainerExited");
        assert_eq!(stopped.containers[0].exit_code, exited.then_some(3));
        close(&cloud).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_run_once_has_the_command_that_it_was_given_and_is_none_of_the_services() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    make_cluster(&cloud).await;
    let definition = define(&cloud, json!({ "command": ["serve"] })).await;
    let run = json!({
        "cluster": "c", "taskDefinition": definition, "networkConfiguration": network(&cloud).await,
        "launchType": "FARGATE", "startedBy": "somebody",
        "overrides": { "containerOverrides": [
            { "name": "app", "command": ["once"], "environment": [{ "name": "CRASH", "value": "7" }] },
        ] },
    });
    let run: RunTask = serde_json::from_value(run).unwrap();

    let task = call(&cloud, run).await.unwrap().tasks.remove(0);
    let stopped = cloud.wait_until(LONG, || stopped(&cloud)).await.unwrap();

    assert_eq!((&stopped.group[..], stopped.started_by.as_deref()), ("family:app", Some("somebody")));
    assert_eq!(stopped.task_arn, task.task_arn);
    assert_eq!(stopped.containers[0].exit_code, Some(7));
    assert_eq!(stopped.overrides.container_overrides[0].command, Some(vec!["once".to_owned()]));
    close(&cloud).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_come_back_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    let definition = define(&cloud, json!({})).await;
    make_service(&cloud, &definition).await;
    when(&cloud, is_steady).await;
    let before: Vec<String> = tasks(&cloud).into_iter().map(|task| task.task_arn).collect();
    close(&cloud).await;
    drop(cloud);

    let cloud = open(dir.path()).await;
    let anew = |service: &Service| {
        let running = tasks(&cloud).into_iter().filter(|task| task.last_status == "RUNNING");
        is_steady(service) && running.filter(|task| !before.contains(&task.task_arn)).count() == 2
    };
    when(&cloud, anew).await;

    let serving = targets(&cloud, "Blue").await;
    assert_eq!(serving.len(), 2);
    for target in &serving {
        assert!(get(&cloud, target).await.ends_with("ok"));
    }
    close(&cloud).await;
}

#[tokio::test]
async fn a_codedeploy_service_refuses_what_only_codedeploy_may_change() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    let definition = define(&cloud, json!({})).await;
    make_service(&cloud, &definition).await;

    let update = UpdateService {
        cluster: Some("c".to_owned()),
        service: "s".to_owned(),
        task_definition: Some("app".to_owned()),
        ..UpdateService::default()
    };
    let error = call(&cloud, update).await.err().unwrap();

    assert_eq!(
        error.message,
        "Unable to update task definition on services with a CODE_DEPLOY deployment controller. Use AWS \
         CodeDeploy to trigger a new deployment."
    );
    close(&cloud).await;
}
