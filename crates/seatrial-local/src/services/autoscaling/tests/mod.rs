//! Scalable targets, of a service that is stood in for.

use serde_json::{Value, json};

use crate::Cloud;
use crate::error::ServiceError;
use crate::operation::Operations;
use crate::services::ecs::{DescribeServices, DescribeServicesOutput, Service};
use crate::tests::{call, cloud_with};

fn open(dir: &std::path::Path) -> Cloud {
    cloud_with(dir, dir, 60.0, |operations: &mut Operations| {
        crate::services::register(operations);
        operations.stand_in(|_: DescribeServices, _| {
            let service = Service { status: "ACTIVE".to_owned(), desired_count: 2, ..Service::default() };
            Ok(DescribeServicesOutput { services: vec![service], failures: Vec::new() })
        });
    })
}

fn target(more: Value) -> Value {
    let mut input = json!({ "ServiceNamespace": "ecs", "ResourceId": "service/c/s",
        "ScalableDimension": "ecs:service:DesiredCount" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

async fn registered(cloud: &Cloud, more: Value) -> Result<Value, ServiceError> {
    call(cloud, "application-autoscaling:RegisterScalableTarget", target(more)).await
}

async fn described(cloud: &Cloud, input: Value) -> Result<Value, ServiceError> {
    call(cloud, "application-autoscaling:DescribeScalableTargets", input).await
}

/// In, out, scheduled.
async fn suspended(cloud: &Cloud) -> [bool; 3] {
    let found = described(cloud, json!({ "ServiceNamespace": "ecs" })).await.unwrap();
    let state = &found["ScalableTargets"][0]["SuspendedState"];
    let names = ["DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"];
    names.map(|name| state[name].as_bool().unwrap())
}

#[tokio::test]
async fn a_target_keeps_what_it_suspends_until_it_is_told_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path());
    registered(&cloud, json!({ "MinCapacity": 1, "MaxCapacity": 4 })).await.unwrap();
    assert_eq!(suspended(&cloud).await, [false; 3]);

    let state = |members: Value| json!({ "SuspendedState": members });
    let cases = [
        (state(json!({ "DynamicScalingInSuspended": true })), [true, false, false]),
        // Nothing is said of it.
        (json!({ "MaxCapacity": 5 }), [true, false, false]),
        (state(json!({ "ScheduledScalingSuspended": true })), [false, false, true]),
        (
            state(json!({ "DynamicScalingInSuspended": true, "DynamicScalingOutSuspended": true })),
            [true, true, false],
        ),
        (state(json!({ "DynamicScalingOutSuspended": false })), [false; 3]),
    ];
    for (input, expected) in cases {
        registered(&cloud, input.clone()).await.unwrap();
        assert_eq!(suspended(&cloud).await, expected, "{input}");
    }
    registered(&cloud, state(json!({ "DynamicScalingOutSuspended": true }))).await.unwrap();
    drop(cloud);
    assert_eq!(suspended(&open(dir.path())).await, [false, true, false]);
}

#[tokio::test]
async fn a_target_is_found_by_its_dimension_only_with_its_resource() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path());
    registered(&cloud, json!({ "MinCapacity": 1, "MaxCapacity": 4 })).await.unwrap();
    let of = |dimension: &str| json!({ "ServiceNamespace": "ecs", "ResourceIds": ["service/c/s"], "ScalableDimension": dimension });

    let found = described(&cloud, of("ecs:service:DesiredCount")).await.unwrap();
    assert_eq!(found["ScalableTargets"].as_array().unwrap().len(), 1);
    let found = described(&cloud, of("dynamodb:table:ReadCapacityUnits")).await.unwrap();
    assert!(found["ScalableTargets"].as_array().unwrap().is_empty(), "{found}");
    let alone = json!({ "ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount" });
    assert_eq!(described(&cloud, alone).await.unwrap_err().code, "ValidationException");
}

/// What a stack's target says of its suspension, in a template; `Null` for nothing.
fn template(state: Value) -> String {
    let mut properties = target(json!({ "MinCapacity": 1, "MaxCapacity": 4 }));
    if !state.is_null() {
        properties["SuspendedState"] = state;
    }
    let target = json!({ "Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": properties });
    json!({ "Resources": { "Target": target } }).to_string()
}

/// Makes or updates the stack; its status once it rests.
async fn deployed(cloud: &Cloud, operation: &str, state: Value) -> String {
    let input = json!({ "StackName": "s", "TemplateBody": template(state) });
    call(cloud, &format!("cloudformation:{operation}"), input).await.unwrap();
    let rests = async {
        loop {
            let found =
                call(cloud, "cloudformation:DescribeStacks", json!({ "StackName": "s" })).await.unwrap();
            let status = found["Stacks"][0]["StackStatus"].as_str().unwrap().to_owned();
            if !status.ends_with("_IN_PROGRESS") {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), rests).await.unwrap()
}

/// The status of the target's drift, and the paths that differ.
async fn drift(cloud: &Cloud) -> (String, Vec<String>) {
    let input = json!({ "StackName": "s", "LogicalResourceId": "Target" });
    let found = call(cloud, "cloudformation:DetectStackResourceDrift", input).await.unwrap();
    let drift = &found["StackResourceDrift"];
    let paths = drift["PropertyDifferences"].as_array().into_iter().flatten();
    let paths = paths.map(|one| one["PropertyPath"].as_str().unwrap().to_owned());
    (drift["StackResourceDriftStatus"].as_str().unwrap().to_owned(), paths.collect())
}

#[tokio::test]
async fn a_stack_suspends_what_its_template_says_and_drift_of_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path());
    let state = json!({ "DynamicScalingOutSuspended": true });
    assert_eq!(deployed(&cloud, "CreateStack", state.clone()).await, "CREATE_COMPLETE");
    assert_eq!(suspended(&cloud).await, [false, true, false]);
    assert_eq!(drift(&cloud).await.0, "IN_SYNC");

    registered(&cloud, json!({ "SuspendedState": {} })).await.unwrap();
    let expected = vec!["/SuspendedState/DynamicScalingOutSuspended".to_owned()];
    assert_eq!(drift(&cloud).await, ("MODIFIED".to_owned(), expected));

    let both = json!({ "DynamicScalingInSuspended": true, "DynamicScalingOutSuspended": "true" });
    assert_eq!(deployed(&cloud, "UpdateStack", both).await, "UPDATE_COMPLETE");
    assert_eq!(suspended(&cloud).await, [true, true, false]);
    // A template that says nothing of it leaves what is there.
    assert_eq!(deployed(&cloud, "UpdateStack", Value::Null).await, "UPDATE_COMPLETE");
    assert_eq!(suspended(&cloud).await, [true, true, false]);
    assert_eq!(drift(&cloud).await.0, "IN_SYNC");
}
