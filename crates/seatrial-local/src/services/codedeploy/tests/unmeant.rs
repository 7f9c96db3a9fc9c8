//! What is not meant is refused, in the errors of AWS's model.

use super::*;

/// What a group is refused for, where one key of it is another.
async fn refused_group(key: &str, value: Value) -> String {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path());
    make_group(&cloud, "CodeDeployDefault.ECSAllAtOnce", 0).await;
    let mut input = json!({ "applicationName": "app", "currentDeploymentGroupName": "group" });
    input[key] = value;
    ask(&cloud, "UpdateDeploymentGroup", input).await.unwrap_err().code
}

#[tokio::test]
async fn a_group_that_aws_would_not_take_is_refused() {
    let blue_green = |ready: Value| {
        let end = json!({ "action": "TERMINATE", "terminationWaitTimeInMinutes": 5 });
        json!({ "deploymentReadyOption": ready, "terminateBlueInstancesOnDeploymentSuccess": end })
    };
    let alarms = |names: &[&str]| {
        let names: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        json!({ "enabled": true, "alarms": names })
    };
    let eleven: Vec<String> = (0..11).map(|number| format!("alarm-{number}")).collect();
    let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
    let waits = json!({ "actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 30 });
    let rows = [
        (
            "blueGreenDeploymentConfiguration",
            blue_green(waits),
            "InvalidBlueGreenDeploymentConfigurationException",
        ),
        ("alarmConfiguration", alarms(&[]), "InvalidAlarmConfigException"),
        ("alarmConfiguration", alarms(&["errors", "slow", "errors"]), "InvalidAlarmConfigException"),
        ("alarmConfiguration", alarms(&eleven), "AlarmsLimitExceededException"),
        (
            "autoRollbackConfiguration",
            json!({ "enabled": true, "events": [] }),
            "InvalidAutoRollbackConfigException",
        ),
    ];
    for (key, value, code) in rows {
        assert_eq!(refused_group(key, value.clone()).await, code, "{value}");
    }
}

#[tokio::test]
async fn what_belongs_to_another_compute_platform_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path());
    make_group(&cloud, "CodeDeployDefault.ECSAllAtOnce", 0).await;
    let revision = json!({ "revisionType": "AppSpecContent", "appSpecContent": { "content": SPEC } });
    let deployment = |key: &str, value: Value| {
        let mut input =
            json!({ "applicationName": "app", "deploymentGroupName": "group", "revision": revision });
        input[key] = value;
        ("CreateDeployment", input)
    };
    let config = |key: &str| {
        let mut input = json!({
            "deploymentConfigName": "own", "computePlatform": "ECS",
            "trafficRoutingConfig": { "type": "AllAtOnce" },
        });
        input[key] = json!({ "type": "HOST_COUNT", "value": 1 });
        ("CreateDeploymentConfig", input)
    };
    let rows = [
        (
            deployment("targetInstances", json!({ "autoScalingGroups": ["a"] })),
            "InvalidTargetInstancesException",
        ),
        (
            deployment("overrideAlarmConfiguration", json!({ "enabled": true, "alarms": [] })),
            "InvalidAlarmConfigException",
        ),
        (config("minimumHealthyHosts"), "InvalidMinimumHealthyHostValueException"),
        (config("zonalConfig"), "InvalidZonalDeploymentConfigurationException"),
        (("ListDeployments", json!({ "applicationName": "app" })), "DeploymentGroupNameRequiredException"),
        (("ListDeployments", json!({ "externalId": "stack" })), "InvalidExternalIdException"),
    ];
    for ((operation, input), code) in rows {
        assert_eq!(ask(&cloud, operation, input).await.unwrap_err().code, code, "{operation}");
    }
}

#[tokio::test]
async fn deployments_are_listed_by_when_they_were_made() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path());
    make_group(&cloud, "CodeDeployDefault.ECSAllAtOnce", 0).await;
    let id = deploy(&cloud).await.unwrap();
    let made = info(&cloud, &id).await["createTime"].as_f64().unwrap();
    let listed = async |range: Value| {
        let answer = ask(&cloud, "ListDeployments", json!({ "createTimeRange": range })).await.unwrap();
        answer["deployments"].as_array().unwrap().len()
    };

    assert_eq!(listed(json!({ "start": made - 1.0, "end": made + 1.0 })).await, 1);
    assert_eq!(listed(json!({ "start": made + 1.0 })).await, 0);
    assert_eq!(listed(json!({ "end": made - 1.0 })).await, 0);
}
