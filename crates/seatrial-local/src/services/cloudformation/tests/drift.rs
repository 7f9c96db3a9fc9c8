//! Drift detection, on things and on the stacks' own load balancer.

use serde_json::{Value, json};

use super::Fixture;
use crate::Cloud;
use crate::tests::{call, cloud_in, make_balancer, outputs};

const TWO: &str = "Resources:\n  A: {Type: 'Test::Local::Thing', Properties: {Needs: {Port: 80}, Other: o}}\n  \
                   B: {Type: 'Test::Local::Thing'}\n  W: {Type: 'AWS::CloudFormation::WaitConditionHandle'}";

impl Fixture {
    async fn detect(&self) -> Value {
        let id = self.call("DetectStackDrift", json!({"StackName": "s"})).await;
        self.call("DescribeStackDriftDetectionStatus", id).await
    }

    async fn drifts(&self) -> Value {
        let answer = self.call("DescribeStackResourceDrifts", json!({"StackName": "s"})).await;
        answer["StackResourceDrifts"].clone()
    }
}

#[tokio::test]
async fn what_is_as_deployed_is_in_sync_and_what_cannot_be_read_is_not_checked() {
    let cloud = Fixture::new().await;
    cloud.create(TWO).await;
    cloud.settled("s").await;
    let detected = cloud.detect().await;
    assert_eq!(
        (&detected["DetectionStatus"], &detected["StackDriftStatus"], &detected["DriftedStackResourceCount"]),
        (&json!("DETECTION_COMPLETE"), &json!("IN_SYNC"), &json!(0))
    );
    let ids: Vec<_> =
        cloud.drifts().await.as_array().unwrap().iter().map(|one| one["LogicalResourceId"].clone()).collect();
    assert_eq!(ids, ["A", "B"]);
    let stack = cloud.call("DescribeStacks", json!({"StackName": "s"})).await;
    assert_eq!(stack["Stacks"][0]["DriftInformation"]["StackDriftStatus"], "IN_SYNC");
    let resources = cloud.call("DescribeStackResources", json!({"StackName": "s"})).await;
    let status = |index: usize| {
        resources["StackResources"][index]["DriftInformation"]["StackResourceDriftStatus"].clone()
    };
    assert_eq!([status(0), status(2)], ["IN_SYNC", "NOT_CHECKED"]);
    let refused = json!({"StackName": "s", "LogicalResourceId": "W"});
    assert!(cloud.message("DetectStackResourceDrift", refused).await.contains("not supported"));
}

/// Fields as in LocalStack's recording `test_drift_detection.py::test_drift_detection_on_lambda`.
#[tokio::test]
async fn each_difference_is_told_and_a_deleted_resource_and_an_update_resets_what_it_touches() {
    let cloud = Fixture::new().await;
    cloud.create(TWO).await;
    cloud.settled("s").await;
    cloud.drift("A", Some(json!({"Needs": {"Port": 81, "Path": "/"}, "Other": null}))).await;
    cloud.drift("B", None).await;

    let one =
        cloud.call("DetectStackResourceDrift", json!({"StackName": "s", "LogicalResourceId": "A"})).await;

    let drift = &one["StackResourceDrift"];
    assert_eq!(
        (&drift["StackResourceDriftStatus"], &drift["ExpectedProperties"], &drift["ActualProperties"]),
        (
            &json!("MODIFIED"),
            &json!(r#"{"Needs":{"Port":80},"Other":"o"}"#),
            &json!(r#"{"Needs":{"Port":81}}"#)
        )
    );
    assert_eq!(
        drift["PropertyDifferences"],
        json!([
            {"PropertyPath": "/Needs/Port", "ExpectedValue": "80", "ActualValue": "81", "DifferenceType": "NOT_EQUAL"},
            {"PropertyPath": "/Other", "ExpectedValue": "o", "ActualValue": "null", "DifferenceType": "REMOVE"},
        ])
    );
    let detected = cloud.detect().await;
    assert_eq!(
        (&detected["StackDriftStatus"], &detected["DriftedStackResourceCount"]),
        (&json!("DRIFTED"), &json!(2))
    );
    let deleted = json!({"StackName": "s", "StackResourceDriftStatusFilters": ["DELETED"]});
    let deleted = cloud.call("DescribeStackResourceDrifts", deleted).await;
    assert_eq!(deleted["StackResourceDrifts"][0]["LogicalResourceId"], "B");

    cloud.update(&TWO.replace("80", "90")).await;

    assert_eq!(cloud.settled("s").await, "UPDATE_COMPLETE");
    let detail =
        cloud.call("DescribeStackResource", json!({"StackName": "s", "LogicalResourceId": "A"})).await;
    let status = &detail["StackResourceDetail"]["DriftInformation"]["StackResourceDriftStatus"];
    assert_eq!(status, "NOT_CHECKED");
}

#[tokio::test]
async fn drift_is_detected_in_a_stack_at_rest_only() {
    let cloud = Fixture::new().await;
    cloud.create("Resources: {A: {Type: 'Test::Local::Thing', Properties: {Fails: true}}}").await;
    assert_eq!(cloud.settled("s").await, "ROLLBACK_COMPLETE");
    let refused = cloud.message("DetectStackDrift", json!({"StackName": "s"})).await;
    assert!(refused.ends_with("while in status ROLLBACK_COMPLETE"), "{refused}");
}

async fn detected(cloud: &Cloud, stack: &str) -> Value {
    call(cloud, "cloudformation:DetectStackDrift", json!({"StackName": stack})).await.unwrap();
    let drifts = call(cloud, "cloudformation:DescribeStackResourceDrifts", json!({"StackName": stack})).await;
    let mut drifts = drifts.unwrap()["StackResourceDrifts"].clone();
    drifts.as_array_mut().unwrap().retain(|one| one["StackResourceDriftStatus"] != "IN_SYNC");
    drifts
}

#[tokio::test]
async fn stacks_just_made_have_no_drift_and_traffic_that_was_moved_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    make_balancer(&cloud, 4000).await;
    for stack in ["network", "security-groups", "load-balancer"] {
        assert_eq!(detected(&cloud, stack).await, json!([]), "{stack}");
    }
    let outputs = outputs(&cloud, "load-balancer").await;
    let listener = &outputs["ProductionListenerArn"];
    let actions = json!([{"Type": "forward", "TargetGroupArn": outputs["GreenTargetGroupArn"]}]);
    let input = json!({"ListenerArn": listener, "DefaultActions": actions});
    call(&cloud, "elasticloadbalancing:ModifyListener", input).await.unwrap();

    let drifts = detected(&cloud, "load-balancer").await;

    assert_eq!(drifts.as_array().unwrap().len(), 1, "{drifts}");
    assert_eq!(drifts[0]["PhysicalResourceId"], *listener);
    let paths =
        drifts[0]["PropertyDifferences"].as_array().unwrap().iter().map(|one| one["PropertyPath"].as_str());
    assert!(paths.flatten().all(|path| path.starts_with("/DefaultActions/0/")), "{drifts}");
}

/// As CodeDeploy leaves the traffic rules after its first deployment.
async fn shift_to_green(cloud: &Cloud, outputs: &Value) {
    for listener in ["ProductionListenerArn", "TestListenerArn"] {
        let input = json!({"ListenerArn": outputs[listener]});
        let rules = call(cloud, "elasticloadbalancing:DescribeRules", input).await.unwrap();
        let rule = rules["Rules"].as_array().unwrap().iter().find(|rule| rule["IsDefault"] == false).unwrap();
        let groups = json!([
            {"TargetGroupArn": outputs["BlueTargetGroupArn"], "Weight": 0},
            {"TargetGroupArn": outputs["GreenTargetGroupArn"], "Weight": 100},
        ]);
        let actions = json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]);
        let input = json!({"RuleArn": rule["RuleArn"], "Actions": actions});
        call(cloud, "elasticloadbalancing:ModifyRule", input).await.unwrap();
    }
}

/// The changes of a drift-aware change set of the load balancer that only names what is live.
async fn changes_with_live(cloud: &Cloud, live: &str) -> Vec<Value> {
    let kept = ["VpcId", "PublicSubnetIds", "LoadBalancerSecurityGroupId", "AppPort"];
    let kept = kept.map(|key| json!({"ParameterKey": key, "UsePreviousValue": true}));
    let mut parameters = kept.to_vec();
    parameters.push(json!({"ParameterKey": "LiveTargetGroup", "ParameterValue": live}));
    let input = json!({
        "StackName": "load-balancer", "ChangeSetName": live, "UsePreviousTemplate": true,
        "Parameters": parameters, "DeploymentMode": "REVERT_DRIFT",
    });
    let id = call(cloud, "cloudformation:CreateChangeSet", input).await.unwrap()["Id"].clone();
    let describe = json!({"ChangeSetName": id, "IncludePropertyValues": true});
    let set = call(cloud, "cloudformation:DescribeChangeSet", describe).await.unwrap();
    let changes = set["Changes"].as_array().unwrap().iter();
    changes.map(|change| change["ResourceChange"].clone()).collect()
}

#[tokio::test]
async fn a_drift_aware_change_set_takes_over_the_weights_that_codedeploy_has_set() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    make_balancer(&cloud, 4000).await;
    let outputs = outputs(&cloud, "load-balancer").await;
    shift_to_green(&cloud, &outputs).await;
    let blue = changes_with_live(&cloud, "blue").await;
    let told = |changes: &[Value]| -> Vec<(String, String)> {
        let field = |change: &Value, name: &str| change[name].as_str().unwrap().to_owned();
        changes.iter().map(|one| (field(one, "LogicalResourceId"), field(one, "Action"))).collect()
    };
    let rules = |action: &str| {
        ["HttpTrafficRule", "TestTrafficRule"].map(|rule| (rule.to_owned(), action.to_owned())).to_vec()
    };
    assert_eq!(told(&blue), rules("Modify"), "what is live would be reverted, and is shown");
    let target = &blue[0]["Details"][0]["Target"];
    assert_eq!(
        (&target["Path"], &target["BeforeValue"], &target["AfterValue"], &target["BeforeValueFrom"]),
        (
            &json!("/Properties/Actions/0/ForwardConfig/TargetGroups/0/Weight"),
            &json!("0"),
            &json!("100"),
            &json!("ACTUAL_STATE")
        )
    );

    let green = changes_with_live(&cloud, "green").await;

    assert_eq!(told(&green), rules("SyncWithActual"), "nothing is touched");
    let execute = json!({"StackName": "load-balancer", "ChangeSetName": "green"});
    call(&cloud, "cloudformation:ExecuteChangeSet", execute).await.unwrap();
    let store = cloud.part::<super::super::store::Store>();
    let done = || store.stack("load-balancer").filter(|stack| !stack.status.is_in_flight());
    let stack = cloud.wait_until(std::time::Duration::from_secs(20), done).await.unwrap();
    assert_eq!(stack.status.name(), "UPDATE_COMPLETE");
    assert_eq!(detected(&cloud, "load-balancer").await, json!([]));
}
