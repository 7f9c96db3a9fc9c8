//! Deployments from end to end; ECS and the load balancer are stood in for.

mod neighbours;
mod strategies;
mod unmeant;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::deployment::Phase;
use super::engine::Deployments;
use super::store::CodeDeploy;
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::engine::Engine as _;
use crate::error::ServiceError;
use crate::journal::Entry;
use crate::tests::{self, cloud_with};
use neighbours::Neighbours;

const LONG: Duration = Duration::from_secs(30);
const SPEC: &str = "
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: app:2
        LoadBalancerInfo: {ContainerName: app, ContainerPort: 8080}
";

fn open(dir: &Path) -> Cloud {
    // A minute passes in less than a second.
    cloud_with(dir, dir, 600.0, |operations| {
        crate::services::register(operations);
        neighbours::register(operations);
    })
}

async fn ask(cloud: &Cloud, operation: &str, input: Value) -> Result<Value, ServiceError> {
    tests::call(cloud, &format!("codedeploy:{operation}"), input).await
}

async fn make_group(cloud: &Cloud, config: &str, wait_minutes: i64) {
    crate::services::iam::add_trusting_role(cloud, "deploy");
    ask(cloud, "CreateApplication", json!({ "applicationName": "app", "computePlatform": "ECS" }))
        .await
        .unwrap();
    let group = json!({
        "applicationName": "app",
        "deploymentGroupName": "group",
        "deploymentConfigName": config,
        "serviceRoleArn": "arn:aws:iam::000000000000:role/deploy",
        "deploymentStyle": { "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" },
        "blueGreenDeploymentConfiguration": { "terminateBlueInstancesOnDeploymentSuccess": {
            "action": "TERMINATE", "terminationWaitTimeInMinutes": wait_minutes,
        } },
        "autoRollbackConfiguration": { "enabled": true, "events": [
            "DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST",
        ] },
        "alarmConfiguration": { "enabled": true, "alarms": [{ "name": "errors" }] },
        "ecsServices": [{ "clusterName": "c", "serviceName": "s" }],
        "loadBalancerInfo": { "targetGroupPairInfoList": [{
            "targetGroups": [{ "name": "blue" }, { "name": "green" }],
            "prodTrafficRoute": { "listenerArns": ["production"] },
            "testTrafficRoute": { "listenerArns": ["test"] },
        }] },
    });
    ask(cloud, "CreateDeploymentGroup", group).await.unwrap();
}

async fn deploy(cloud: &Cloud) -> Result<String, ServiceError> {
    let input = json!({
        "applicationName": "app",
        "deploymentGroupName": "group",
        "revision": { "revisionType": "AppSpecContent", "appSpecContent": { "content": SPEC } },
    });
    let answer = ask(cloud, "CreateDeployment", input).await?;
    Ok(answer["deploymentId"].as_str().unwrap().to_owned())
}

async fn info(cloud: &Cloud, id: &str) -> Value {
    ask(cloud, "GetDeployment", json!({ "deploymentId": id })).await.unwrap()["deploymentInfo"].take()
}

async fn target(cloud: &Cloud, id: &str) -> Value {
    let input = json!({ "deploymentId": id, "targetIds": ["c:s"] });
    ask(cloud, "BatchGetDeploymentTargets", input).await.unwrap()["deploymentTargets"][0]["ecsTarget"].take()
}

/// The deployment once it has ended.
async fn ended(cloud: &Cloud, id: &str) -> Value {
    let store = cloud.part::<CodeDeploy>();
    let has_ended = || store.deployments.get(id).filter(|row| row.info.has_ended()).map(|_| ());
    assert!(cloud.wait_until(LONG, has_ended).await.is_some(), "{:#?}", store.deployments.get(id));
    info(cloud, id).await
}

async fn wait_for_replacement(cloud: &Cloud, id: &str) {
    let store = cloud.part::<CodeDeploy>();
    let waits = || store.deployments.get(id).filter(|row| row.phase == Phase::Steady).map(|_| ());
    assert!(cloud.wait_until(LONG, waits).await.is_some());
}

/// How often ECS was asked how the service is.
fn describes(cloud: &Cloud) -> usize {
    cloud.journal().entries().iter().filter(|entry| entry.operation == "DescribeServices").count()
}

fn statuses(target: &Value) -> Vec<String> {
    let events = target["lifecycleEvents"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    events
        .iter()
        .map(|event| format!("{} {}", text(&event["lifecycleEventName"]), text(&event["status"])))
        .collect()
}

#[tokio::test]
async fn a_deployment_moves_all_traffic_and_ends_the_original() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path());
    make_group(&cloud, "CodeDeployDefault.ECSAllAtOnce", 1).await;

    let id = deploy(&cloud).await.unwrap();
    let info = ended(&cloud, &id).await;

    assert_eq!(info["status"], "Succeeded", "{info:#}");
    let target = target(&cloud, &id).await;
    let expected = [
        "BeforeInstall",
        "Install",
        "AfterInstall",
        "AllowTestTraffic",
        "AfterAllowTestTraffic",
        "BeforeAllowTraffic",
        "AllowTraffic",
        "AfterAllowTraffic",
    ];
    assert_eq!(statuses(&target), expected.map(|name| format!("{name} Succeeded")));
    let sets = &target["taskSetsInfo"];
    assert_eq!((&sets[0]["taskSetLabel"], &sets[0]["trafficWeight"]), (&json!("Blue"), &json!(0.0)));
    assert_eq!((&sets[1]["status"], &sets[1]["trafficWeight"]), (&json!("PRIMARY"), &json!(100.0)));
    let neighbours = cloud.part::<Neighbours>();
    assert_eq!(neighbours.weights("production"), [("blue".to_owned(), 0), ("green".to_owned(), 100)]);
    assert_eq!(neighbours.sets(), [("green".to_owned(), "PRIMARY".to_owned())]);
    let group = ask(
        &cloud,
        "GetDeploymentGroup",
        json!({ "applicationName": "app", "deploymentGroupName": "group" }),
    );
    assert_eq!(
        group.await.unwrap()["deploymentGroupInfo"]["lastSuccessfulDeployment"]["deploymentId"],
        json!(id)
    );
}

#[tokio::test]
async fn a_canary_gets_its_share_first() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path());
    make_group(&cloud, "CodeDeployDefault.ECSCanary10Percent5Minutes", 0).await;

    let id = deploy(&cloud).await.unwrap();
    ended(&cloud, &id).await;

    let green = cloud.part::<Neighbours>().history("production", "green");
    assert_eq!(green, [10, 100]);
}

#[tokio::test]
async fn a_task_set_that_never_gets_healthy_has_its_hour_and_is_rolled_back_with_production_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path());
    make_group(&cloud, "CodeDeployDefault.ECSAllAtOnce", 1).await;
    cloud.part::<Neighbours>().spoil();

    let id = deploy(&cloud).await.unwrap();
    wait_for_replacement(&cloud, &id).await;
    // Four of its tasks were replaced already, and a scaled hour is over at once: neither ends the wait.
    let looks = describes(&cloud);
    assert!(cloud.wait_until(LONG, || (describes(&cloud) > looks + 20).then_some(())).await.is_some());
    assert_eq!(info(&cloud, &id).await["status"], "InProgress");
    let store = cloud.part::<CodeDeploy>();
    // The engine writes the same record at each look: the hour is taken back until it has seen it.
    let is_over = || {
        store
            .deployments
            .update(&id, |row| {
                if !row.info.has_ended() {
                    row.since = Epoch(row.since.0 - 3600.0);
                }
            })
            .unwrap();
        store.deployments.get(&id).filter(|row| row.info.has_ended()).map(|_| ())
    };
    assert!(cloud.wait_until(LONG, is_over).await.is_some());
    let failed = ended(&cloud, &id).await;

    assert_eq!(failed["status"], "Failed");
    assert_eq!(failed["errorInformation"]["code"], "HEALTH_CONSTRAINTS");
    let message = failed["errorInformation"]["message"].as_str().unwrap();
    assert!(message.ends_with("This time out period is 60 minutes."), "{message}");
    assert_eq!(statuses(&target(&cloud, &id).await)[1..3], ["Install Failed", "AfterInstall Skipped"]);
    let rollback = ended(&cloud, failed["rollbackInfo"]["rollbackDeploymentId"].as_str().unwrap()).await;
    assert_eq!(
        (&rollback["status"], &rollback["creator"]),
        (&json!("Succeeded"), &json!("codeDeployRollback"))
    );
    assert_eq!(rollback["rollbackInfo"]["rollbackTriggeringDeploymentId"], json!(id));
    let neighbours = cloud.part::<Neighbours>();
    assert_eq!(neighbours.history("production", "green"), Vec::<i64>::new());
    assert_eq!(neighbours.sets(), [("blue".to_owned(), "PRIMARY".to_owned())]);
}

#[tokio::test]
async fn a_stop_during_the_termination_wait_takes_the_traffic_back() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path());
    make_group(&cloud, "CodeDeployDefault.ECSAllAtOnce", 2880).await;
    let id = deploy(&cloud).await.unwrap();
    let store = cloud.part::<CodeDeploy>();
    let waits = || store.deployments.get(&id)?.info.instance_termination_wait_time_started.then_some(());
    assert!(cloud.wait_until(LONG, waits).await.is_some());
    let second = deploy(&cloud).await.unwrap_err();
    assert_eq!(second.code, "DeploymentLimitExceededException");

    ask(&cloud, "StopDeployment", json!({ "deploymentId": id })).await.unwrap();
    let stopped = ended(&cloud, &id).await;

    assert_eq!(stopped["errorInformation"]["code"], "MANUAL_STOP");
    let rollback = ended(&cloud, stopped["rollbackInfo"]["rollbackDeploymentId"].as_str().unwrap()).await;
    assert_eq!(rollback["status"], "Succeeded", "{rollback:#}");
    let neighbours = cloud.part::<Neighbours>();
    assert_eq!(neighbours.weights("production"), [("blue".to_owned(), 100), ("green".to_owned(), 0)]);
    assert_eq!(neighbours.sets(), [("blue".to_owned(), "PRIMARY".to_owned())]);
}

#[tokio::test]
async fn an_active_alarm_stops_a_new_deployment() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path());
    make_group(&cloud, "CodeDeployDefault.ECSAllAtOnce", 0).await;
    let alarm = json!({
        "AlarmName": "errors", "EvaluationPeriods": 1, "Threshold": 0.0, "Period": 60, "Statistic": "Sum",
        "Namespace": "app", "MetricName": "errors", "ComparisonOperator": "GreaterThanThreshold",
    });
    tests::call(&cloud, "monitoring:PutMetricAlarm", alarm).await.unwrap();
    let state = json!({ "AlarmName": "errors", "StateValue": "ALARM", "StateReason": "test" });
    tests::call(&cloud, "monitoring:SetAlarmState", state).await.unwrap();

    let id = deploy(&cloud).await.unwrap();
    let stopped = ended(&cloud, &id).await;

    assert_eq!(
        (&stopped["status"], &stopped["errorInformation"]["code"]),
        (&json!("Stopped"), &json!("ALARM_ACTIVE"))
    );
    assert!(stopped["errorInformation"]["message"].as_str().unwrap().ends_with("errors"));
    assert_eq!(cloud.part::<Neighbours>().sets().len(), 1);
    let entries = cloud.journal().entries();
    let by_role = |entry: &Entry| entry.principal.contains(":assumed-role/deploy/");
    assert!(entries.iter().filter(|entry| entry.operation == "DescribeAlarms").all(by_role));
}

#[tokio::test]
async fn a_deployment_goes_on_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path());
    make_group(&cloud, "CodeDeployDefault.ECSAllAtOnce", 1).await;
    let id = deploy(&cloud).await.unwrap();
    let store = cloud.part::<CodeDeploy>();
    let is_made = || store.deployments.get(&id)?.green.map(|_| ());
    assert!(cloud.wait_until(LONG, is_made).await.is_some());
    let neighbours = cloud.part::<Neighbours>();
    cloud.drivers().shutdown(Duration::from_secs(5)).await;

    let cloud = open(dir.path());
    cloud.part::<Neighbours>().be(&neighbours);
    assert_eq!(Deployments::in_flight(&cloud), std::slice::from_ref(&id));
    super::resume(&cloud).await;

    assert_eq!(ended(&cloud, &id).await["status"], "Succeeded");
    assert_eq!(cloud.part::<Neighbours>().sets(), [("green".to_owned(), "PRIMARY".to_owned())]);
}
