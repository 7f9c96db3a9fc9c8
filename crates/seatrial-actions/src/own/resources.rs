//! Operations that AWS checks on another resource than the one that the local cloud enters in its journal, or on
//! several (service authorization reference, the resource types of each action).

use crate::on::On;
use crate::row::{Row, When, row};

const SOURCE: &str = "service authorization reference: resource types of the action";
/// `task-set/CLUSTER/SERVICE/ID`, where the id is `ecs-svc/NUMBER`.
const fn task_set_at(path: &'static str) -> On {
    On::Each { service: "ecs", below: "task-set/{cluster/|default}/{service/}/", path }
}

const fn on(operations: &'static [&'static str], action: &'static str, on: On) -> Row {
    row(0, operations, action, on, SOURCE)
}

const fn task_set(operations: &'static [&'static str], action: &'static str, on: On) -> Row {
    row(33, operations, action, on, SOURCE)
}

/// RDS checks one action on everything that an instance is made with: a policy that names the instance alone denies.
const fn instance(action: &'static str, operations: &'static [&'static str], template: &'static str) -> Row {
    row(69, operations, action, On::Made("rds", template), SOURCE)
}

/// AWS names scalable targets itself, after nothing in the input.
const SCALABLE_TARGET: &str = "scalable-target/*";
const CREATE: &[&str] = &["rds:CreateDBInstance"];
const MODIFY: &[&str] = &["rds:ModifyDBInstance"];
const RESTORE: &[&str] = &["rds:RestoreDBInstanceFromDBSnapshot"];
const RESTORING: &str = "rds:RestoreDBInstanceFromDBSnapshot";

pub(super) const ROWS: &[Row] = &[
    on(&["ecs:CreateCluster"], "ecs:CreateCluster", On::Made("ecs", "cluster/{clusterName|default}")),
    on(&["ecs:DescribeClusters"], "ecs:DescribeClusters", On::Made("ecs", "cluster/{clusters[]/|default}")),
    on(&["ecs:DescribeServices"], "ecs:DescribeServices", SERVICES),
    on(&["ecs:DescribeTasks"], "ecs:DescribeTasks", On::Made("ecs", "task/{cluster/|default}/{tasks[]/}")),
    row(38, &["ecs:RegisterTaskDefinition"], "ecs:RegisterTaskDefinition", FAMILY, SOURCE),
    row(39, &["ecs:RunTask"], "ecs:RunTask", On::TaskDefinition("taskDefinition"), SOURCE),
    on(&["ecs:DeleteTaskDefinitions"], "ecs:DeleteTaskDefinitions", REVISIONS),
    task_set(
        &["ecs:CreateTaskSet"],
        "ecs:CreateTaskSet",
        On::Made("ecs", "task-set/{cluster/|default}/{service/}/*"),
    ),
    task_set(&["ecs:DeleteTaskSet"], "ecs:DeleteTaskSet", task_set_at("taskSet")),
    task_set(&["ecs:UpdateTaskSet"], "ecs:UpdateTaskSet", task_set_at("taskSet")),
    task_set(&["ecs:DescribeTaskSets"], "ecs:DescribeTaskSets", task_set_at("taskSets[]")),
    // The reference has a container instance as required; a list of a cluster's tasks names none.
    on(&["ecs:ListTasks"], "ecs:ListTasks", On::Made("ecs", "container-instance/{cluster/|default}/*")),
    on(&["elasticloadbalancing:AddTags"], "elasticloadbalancing:AddTags", On::Arns(&["ResourceArns[]"])),
    on(
        &["elasticloadbalancing:RemoveTags"],
        "elasticloadbalancing:RemoveTags",
        On::Arns(&["ResourceArns[]"]),
    ),
    on(
        &["codedeploy:ListDeploymentGroups"],
        "codedeploy:ListDeploymentGroups",
        On::Made("codedeploy", "application:{applicationName}"),
    ),
    on(
        &["codedeploy:BatchGetDeployments"],
        "codedeploy:BatchGetDeployments",
        On::DeploymentGroups("deploymentIds[]"),
    ),
    on(&["codeconnections:ListConnections"], "codeconnections:ListConnections", CONNECTIONS),
    on(
        &["application-autoscaling:PutScalingPolicy"],
        "application-autoscaling:PutScalingPolicy",
        On::Made("application-autoscaling", SCALABLE_TARGET),
    ),
    on(
        &["application-autoscaling:DeleteScalingPolicy"],
        "application-autoscaling:DeleteScalingPolicy",
        On::Made("application-autoscaling", SCALABLE_TARGET),
    ),
    on(&["monitoring:DeleteAlarms"], "cloudwatch:DeleteAlarms", ALARMS),
    on(&["monitoring:DisableAlarmActions"], "cloudwatch:DisableAlarmActions", ALARMS),
    on(&["monitoring:EnableAlarmActions"], "cloudwatch:EnableAlarmActions", ALARMS),
    on(
        &["monitoring:DescribeAlarms"],
        "cloudwatch:DescribeAlarms",
        On::Made("cloudwatch", "alarm:{AlarmNames[]|*}"),
    ),
    // Data sets are of another API of CloudWatch; metrics of these operations are no resources.
    on(&["monitoring:GetMetricData"], "cloudwatch:GetMetricData", On::Any),
    on(&["monitoring:ListMetrics"], "cloudwatch:ListMetrics", On::Any),
    on(&["monitoring:PutMetricData"], "cloudwatch:PutMetricData", On::Any),
    on(&["iam:GetUser"], "iam:GetUser", On::Made("iam", "user/{UserName}")),
    // The caller.
    on(&["iam:GetUser"], "iam:GetUser", On::Own).when(When::Absent(&["UserName"])),
    on(&["rds:AddTagsToResource"], "rds:AddTagsToResource", On::Arns(&["ResourceName"])),
    on(&["rds:RemoveTagsFromResource"], "rds:RemoveTagsFromResource", On::Arns(&["ResourceName"])),
    on(&["rds:ListTagsForResource"], "rds:ListTagsForResource", On::Arns(&["ResourceName"])),
    on(
        &["rds:DescribeDBInstances"],
        "rds:DescribeDBInstances",
        On::Made("rds", "db:{DBInstanceIdentifier|*}"),
    ),
    on(
        &["rds:DescribeDBParameterGroups"],
        "rds:DescribeDBParameterGroups",
        On::Made("rds", "pg:{DBParameterGroupName|*}"),
    ),
    on(
        &["rds:DescribeDBSubnetGroups"],
        "rds:DescribeDBSubnetGroups",
        On::Made("rds", "subgrp:{DBSubnetGroupName|*}"),
    ),
    on(
        &["rds:DescribeDBSnapshots"],
        "rds:DescribeDBSnapshots",
        On::Made("rds", "snapshot:{DBSnapshotIdentifier|*}"),
    ),
    on(&["ssm:GetParameters"], "ssm:GetParameters", On::Parameters("Names[]")),
    on(&["kms:CreateAlias"], "kms:CreateAlias", On::Own),
    on(&["kms:CreateAlias"], "kms:CreateAlias", TARGET),
    on(&["kms:UpdateAlias"], "kms:UpdateAlias", On::Own),
    on(&["kms:UpdateAlias"], "kms:UpdateAlias", TARGET),
    // The key that it had.
    on(&["kms:UpdateAlias"], "kms:UpdateAlias", On::KeyOfOwn),
    on(&["kms:DeleteAlias"], "kms:DeleteAlias", On::Own),
    on(&["kms:DeleteAlias"], "kms:DeleteAlias", On::KeyOfOwn),
    on(&["kms:ReEncrypt"], "kms:ReEncryptFrom", On::Own),
    on(&["kms:ReEncrypt"], "kms:ReEncryptTo", On::Keys(&["DestinationKeyId"])),
    on(&["codebuild:BatchGetBuilds"], "codebuild:BatchGetBuilds", On::ProjectsOfBuilds("ids[]")),
    on(
        &["codebuild:BatchGetProjects"],
        "codebuild:BatchGetProjects",
        On::Made("codebuild", "project/{names[]/}"),
    ),
    on(
        &["elasticloadbalancing:SetRulePriorities"],
        "elasticloadbalancing:SetRulePriorities",
        On::Arns(&["RulePriorities[].RuleArn"]),
    ),
    instance("rds:CreateDBInstance", CREATE, "db:{DBInstanceIdentifier}"),
    instance("rds:CreateDBInstance", CREATE, "pg:{DBParameterGroupName}"),
    instance("rds:CreateDBInstance", CREATE, "og:{OptionGroupName}"),
    instance("rds:CreateDBInstance", CREATE, "subgrp:{DBSubnetGroupName}"),
    instance("rds:CreateDBInstance", CREATE, "secgrp:{DBSecurityGroups[]}"),
    instance("rds:ModifyDBInstance", MODIFY, "db:{DBInstanceIdentifier}"),
    instance("rds:ModifyDBInstance", MODIFY, "pg:{DBParameterGroupName}"),
    instance("rds:ModifyDBInstance", MODIFY, "og:{OptionGroupName}"),
    instance("rds:ModifyDBInstance", MODIFY, "secgrp:{DBSecurityGroups[]}"),
    instance(RESTORING, RESTORE, "db:{DBInstanceIdentifier}"),
    instance(RESTORING, RESTORE, "snapshot:{DBSnapshotIdentifier}"),
    instance(RESTORING, RESTORE, "subgrp:{DBSubnetGroupName}"),
    instance(RESTORING, RESTORE, "pg:{DBParameterGroupName}"),
    instance(RESTORING, RESTORE, "og:{OptionGroupName}"),
];

const TARGET: On = On::Keys(&["TargetKeyId"]);
const SERVICES: On = On::Made("ecs", "service/{cluster/|default}/{services[]/}");
const REVISIONS: On = On::Made("ecs", "task-definition/{taskDefinitions[]/}");
/// A new revision's number is not known before.
const FAMILY: On = On::Made("ecs", "task-definition/{family}:*");
const CONNECTIONS: On = On::Made("codeconnections", "connection/*");
const ALARMS: On = On::Made("cloudwatch", "alarm:{AlarmNames[]}");
