//! The same of the two stacks that need a database server and tasks to stand.

use serde_json::{Value, json};

use super::edits::{ByHand, Edit, edit};
use super::stacks::{checked, make, standing};
use super::{by_hand, put_back, told};
use crate::Cloud;
use crate::services::ecs::tests::{close, open, world};
use crate::tests::call;

/// A service under CodeDeploy may be changed in this alone. CloudFormation cannot put it back: it sends the task
/// definition along, and ECS refuses that.
fn of_the_service() -> Edit {
    let grace =
        json!({"cluster": "myapp-test", "service": "@service.Service", "healthCheckGracePeriodSeconds": 7});
    edit("service.Service", "ecs:UpdateService", grace, "/HealthCheckGracePeriodSeconds")
}

fn target(more: Value) -> Value {
    let mut input = json!({"ServiceNamespace": "ecs", "ResourceId": "service/myapp-test/myapp-test",
        "ScalableDimension": "ecs:service:DesiredCount"});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

fn edits() -> Vec<Edit> {
    let aim = json!({"PolicyName": "cpu", "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 75.0, "ScaleOutCooldown": 60, "ScaleInCooldown": 300,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}});
    let database =
        |member: &str, value: Value| json!({"DBInstanceIdentifier": "@database.Database", member: value});
    let subnets = json!({"DBSubnetGroupName": "@database.DatabaseSubnetGroup", "DBSubnetGroupDescription": "other",
        "SubnetIds": ["@network.IsolatedSubnet1", "@network.IsolatedSubnet2"]});
    vec![
        edit(
            "service.CpuScaling",
            "application-autoscaling:PutScalingPolicy",
            target(aim),
            "/TargetTrackingScalingPolicyConfiguration/TargetValue",
        ),
        edit(
            "database.Database",
            "rds:ModifyDBInstance",
            database("BackupRetentionPeriod", json!(3)),
            "/BackupRetentionPeriod",
        ),
        edit(
            "database.Database",
            "rds:ModifyDBInstance",
            database("PubliclyAccessible", json!(true)),
            "/PubliclyAccessible",
        ),
        edit("database.DatabaseSubnetGroup", "rds:ModifyDBSubnetGroup", subnets, "/DBSubnetGroupDescription"),
    ]
}

fn deletions() -> [(&'static str, &'static str, ByHand); 3] {
    let service = json!({"cluster": "myapp-test", "service": "@service.Service", "force": true});
    [
        (
            "service",
            "CpuScaling",
            ("application-autoscaling:DeleteScalingPolicy", target(json!({"PolicyName": "cpu"}))),
        ),
        (
            "service",
            "ScalableTarget",
            ("application-autoscaling:DeregisterScalableTarget", target(json!({}))),
        ),
        ("service", "Service", ("ecs:DeleteService", service)),
    ]
}

async fn made(cloud: &Cloud) {
    let mut known = standing(cloud).await;
    world::push_image(cloud).await;
    let container = json!({"name": "app", "image": "127.0.0.1:1/app:v1", "stopTimeout": 1,
        "portMappings": [{"containerPort": 4000}]});
    let revision = json!({"family": "myapp-test", "networkMode": "awsvpc", "executionRoleArn": "arn:aws:iam::000000000000:role/execution", "containerDefinitions": [container]});
    crate::services::iam::add_trusting_role(cloud, "execution");
    call(cloud, "ecs:RegisterTaskDefinition", revision).await.unwrap();
    make(cloud, "database", &mut known).await;
    make(cloud, "service", &mut known).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_and_a_service_that_run_drift_like_all_else() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = open(dir.path()).await;
    made(&cloud).await;
    for stack in ["database", "service"] {
        let all = checked(&cloud, stack).await;
        assert!(all.iter().all(|(_, _, status, _)| status == "IN_SYNC"), "{all:?}");
    }
    for edit in edits() {
        assert_eq!(told(&cloud, &edit).await, Ok(()), "{}", edit.id);
        assert_eq!(put_back(&cloud, &edit).await, Ok(()), "{}", edit.id);
    }
    assert_eq!(told(&cloud, &of_the_service()).await, Ok(()));

    for (stack, id, deletion) in deletions() {
        by_hand(&cloud, &deletion).await.unwrap();
        let all = checked(&cloud, stack).await;
        let is_gone = all.iter().any(|(_, one, status, _)| one == id && status == "DELETED");
        assert!(is_gone, "{id}: {all:?}");
    }
    close(&cloud).await;
}
