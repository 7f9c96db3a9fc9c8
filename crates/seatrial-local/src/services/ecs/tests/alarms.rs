//! A release that passes its health checks and fails its users, from the requests to the rollback.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::*;
use crate::tests;
use crate::tests::outputs;

/// Calls as the operator.
async fn ask(cloud: &Cloud, operation: &str, input: serde_json::Value) -> serde_json::Value {
    tests::call(cloud, operation, input).await.unwrap()
}

/// An alarm on errors of a target group, as `infra/stacks/service.yml` has it.
pub(super) async fn watch(cloud: &Cloud, colour: &str) {
    let balancer = outputs(cloud, "load-balancer").await;
    let balancer = balancer["LoadBalancerArn"].as_str().unwrap();
    let group = target_group(cloud, colour).await;
    let alarm = json!({
        "AlarmName": format!("{colour}Errors"), "Namespace": "AWS/ApplicationELB",
        "MetricName": "HTTPCode_Target_5XX_Count", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
        "Threshold": 2.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "Dimensions": [
            { "Name": "LoadBalancer", "Value": balancer.split_once(":loadbalancer/").unwrap().1 },
            { "Name": "TargetGroup", "Value": group.rsplit_once(':').unwrap().1 },
        ],
    });
    ask(cloud, "monitoring:PutMetricAlarm", alarm).await;
}

/// A group of the service and the alarms; `ready` says what happens before traffic moves.
pub(super) async fn make_deployment_group(cloud: &Cloud, ready: serde_json::Value) {
    services::iam::add_trusting_role(cloud, "deploy");
    let application = json!({ "applicationName": "app", "computePlatform": "ECS" });
    ask(cloud, "codedeploy:CreateApplication", application).await;
    let balancer = outputs(cloud, "load-balancer").await;
    let blue_green = json!({
        "deploymentReadyOption": ready,
        "terminateBlueInstancesOnDeploymentSuccess": {
            "action": "TERMINATE", "terminationWaitTimeInMinutes": 2880 },
    });
    let group = json!({
        "applicationName": "app", "deploymentGroupName": "group",
        "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
        "serviceRoleArn": "arn:aws:iam::000000000000:role/deploy",
        "deploymentStyle": { "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" },
        "blueGreenDeploymentConfiguration": blue_green,
        "autoRollbackConfiguration": { "enabled": true, "events": ["DEPLOYMENT_STOP_ON_ALARM"] },
        "alarmConfiguration": {
            "enabled": true, "alarms": [{ "name": "BlueErrors" }, { "name": "GreenErrors" }] },
        "ecsServices": [{ "clusterName": "c", "serviceName": "s" }],
        "loadBalancerInfo": { "targetGroupPairInfoList": [{
            "targetGroups": [{ "name": name_of(cloud, "Blue").await }, { "name": name_of(cloud, "Green").await }],
            "prodTrafficRoute": { "listenerArns": [balancer["ProductionListenerArn"]] },
        }] },
    });
    ask(cloud, "codedeploy:CreateDeploymentGroup", group).await;
}

async fn name_of(cloud: &Cloud, colour: &str) -> String {
    target_group(cloud, colour).await.split('/').nth(1).unwrap().to_owned()
}

/// The revision of an AppSpec in JSON.
pub(super) fn revision(definition: &str, hooks: &serde_json::Value) -> serde_json::Value {
    let properties = json!({
        "TaskDefinition": definition, "LoadBalancerInfo": { "ContainerName": "app", "ContainerPort": PORT },
    });
    let service = json!({ "Type": "AWS::ECS::Service", "Properties": properties });
    let content = json!({ "version": 0.0, "Resources": [{ "TargetService": service }], "Hooks": hooks });
    json!({ "revisionType": "AppSpecContent", "appSpecContent": { "content": content.to_string() } })
}

async fn deploy(cloud: &Cloud, definition: &str) -> String {
    let revision = revision(definition, &json!([]));
    let input = json!({ "applicationName": "app", "deploymentGroupName": "group", "revision": revision });
    let made = ask(cloud, "codedeploy:CreateDeployment", input).await;
    made["deploymentId"].as_str().unwrap().to_owned()
}

fn fetch(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_answers_users_with_errors_is_stopped_by_its_alarm_and_rolled_back() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = make(dir.path()).await;
    let good = define(&cloud, json!({})).await;
    make_service(&cloud, &good).await;
    when(&cloud, is_steady).await;
    watch(&cloud, "Blue").await;
    watch(&cloud, "Green").await;
    make_deployment_group(&cloud, json!({ "actionOnTimeout": "CONTINUE_DEPLOYMENT" })).await;
    let bad = define(&cloud, json!({ "environment": [{ "name": "FAIL", "value": "1" }] })).await;
    let url = outputs(&cloud, "load-balancer").await["Url"].take();
    let address = url.as_str().unwrap().trim_start_matches("http://").to_owned();
    assert!(fetch(&address).starts_with("HTTP/1.1 200"));

    let id = deploy(&cloud, &bad).await;
    let deadline = tokio::time::Instant::now() + LONG;
    let mut failed = 0;
    let stopped = loop {
        failed += usize::from(fetch(&address).starts_with("HTTP/1.1 500"));
        let mut answer = ask(&cloud, "codedeploy:GetDeployment", json!({ "deploymentId": id })).await;
        let info = answer["deploymentInfo"].take();
        if !info["completeTime"].is_null() {
            break info;
        }
        assert!(tokio::time::Instant::now() < deadline, "{info:#}");
        cloud.wait_until(Duration::from_millis(20), || None::<()>).await;
    };

    assert!(failed >= 2, "{failed}");
    assert_eq!(
        (&stopped["status"], &stopped["errorInformation"]["code"]),
        (&json!("Stopped"), &json!("ALARM_ACTIVE"))
    );
    let message = stopped["errorInformation"]["message"].as_str().unwrap();
    assert!(message.ends_with("Activated alarms: GreenErrors"), "{message}");
    let alarms = ask(&cloud, "monitoring:DescribeAlarms", json!({ "AlarmNames": ["GreenErrors"] })).await;
    let reason = alarms["MetricAlarms"][0]["StateReason"].as_str().unwrap();
    assert!(reason.contains("greater than or equal to the threshold (2.0)"), "{reason}");
    let back = stopped["rollbackInfo"]["rollbackDeploymentId"].clone();
    loop {
        let answer = ask(&cloud, "codedeploy:GetDeployment", json!({ "deploymentId": back })).await;
        if answer["deploymentInfo"]["status"] == "Succeeded" {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{answer:#}");
        cloud.wait_until(Duration::from_millis(20), || None::<()>).await;
    }
    assert!(fetch(&address).starts_with("HTTP/1.1 200"));
    close(&cloud).await;
}
