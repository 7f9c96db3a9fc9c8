//! ECS, ECR, load balancers and scaling.

use crate::on::On;
use crate::row::{Row, When, row};

const ECS: &str = "service authorization reference ecs: API operations";
const ELB: &str = "service authorization reference elasticloadbalancing: API operations";
const SCALING: &str = "service authorization reference application-autoscaling: RegisterScalableTarget";
const ECS_LINKED: &str = "ECS developer guide, using-service-linked-roles-for-ecs";
const ELB_LINKED: &str = "Elastic Load Balancing user guide, elb-service-linked-roles";
const SCALING_LINKED: &str =
    "Application Auto Scaling user guide, application-auto-scaling-service-linked-roles";
const ELB_READS: &str = "AWS managed policy ElasticLoadBalancingFullAccess";
const SCALING_READS: &str = "ECS developer guide, service auto scaling: required permissions";
const ECR: &str = "service authorization reference ecr: CreateRepository; schema of AWS::ECR::Repository";

const TASKS: &[(&str, &str)] = &[("iam:PassedToService", "ecs-tasks.amazonaws.com")];
const INFRASTRUCTURE: &[(&str, &str)] = &[("iam:PassedToService", "ecs.amazonaws.com")];
const TAGGED: When = When::Given(&["tags"]);

const DEFINITION_ROLES: On = On::Roles(&["taskRoleArn", "executionRoleArn"]);
const OVERRIDING_ROLES: On = On::Roles(&["overrides.taskRoleArn", "overrides.executionRoleArn"]);
/// What ECS itself acts with for a service: volumes, certificates, target groups, and load balancers of native
/// deployments.
const SERVICE_ROLES: On = On::Roles(&[
    "role",
    "volumeConfigurations[].managedEBSVolume.roleArn",
    "vpcLatticeConfigurations[].roleArn",
    "serviceConnectConfiguration.services[].tls.roleArn",
    "loadBalancers[].advancedConfiguration.roleArn",
]);
const VOLUME_ROLES: On = On::Roles(&["volumeConfigurations[].managedEBSVolume.roleArn"]);
const NEW_TASK: On = On::Made("ecs", "task/{cluster/|default}/*");
const NEW_TASK_SET: On = On::Made("ecs", "task-set/{cluster/|default}/{service/}/*");
const SCALED_SERVICE: On = On::Made("ecs", "{ResourceId}");
const OF_ECS: When = When::Is("ServiceNamespace", "ecs");

const SERVICE: &[&str] = &["ecs:CreateService", "ecs:UpdateService"];
const DEFINITION: &[&str] = &["ecs:RegisterTaskDefinition"];
const RUN: &[&str] = &["ecs:RunTask"];
const BALANCER: &[&str] = &["elasticloadbalancing:CreateLoadBalancer"];
const TARGET: &[&str] = &["application-autoscaling:RegisterScalableTarget"];
const POLICY: &[&str] = &["application-autoscaling:PutScalingPolicy"];
const REPOSITORY: &[&str] = &["ecr:CreateRepository"];
const REPOSITORY_KEY: On = On::Keys(&["encryptionConfiguration.kmsKey"]);

/// Reads of EC2 that the managed policy grants beside `elasticloadbalancing:*`.
const fn network(action: &'static str) -> Row {
    row(45, BALANCER, action, On::Any, ELB_READS)
}

const fn added_tags(operations: &'static [&'static str], on: On) -> Row {
    row(44, operations, "elasticloadbalancing:AddTags", on, ELB).when(When::Given(&["Tags"]))
}

pub(super) const ROWS: &[Row] = &[
    row(31, &["ecs:CreateTaskSet"], "iam:PassRole", On::RolesOf("taskDefinition"), ECS).with(TASKS),
    // AWSCodeDeployRoleForECS is without this action: CodeDeploy gives its task sets no tags.
    row(32, &["ecs:CreateTaskSet"], "ecs:TagResource", NEW_TASK_SET, ECS).when(TAGGED),
    row(38, DEFINITION, "iam:PassRole", DEFINITION_ROLES, ECS).with(TASKS),
    row(38, DEFINITION, "ecs:TagResource", On::Made("ecs", "task-definition/{family}:*"), ECS).when(TAGGED),
    row(39, RUN, "iam:PassRole", OVERRIDING_ROLES, ECS).with(TASKS),
    row(39, RUN, "iam:PassRole", On::RolesOf("taskDefinition"), ECS).with(TASKS),
    row(39, RUN, "iam:PassRole", VOLUME_ROLES, ECS).with(INFRASTRUCTURE),
    row(39, RUN, "ecs:TagResource", NEW_TASK, ECS).when(When::Given(&["tags", "propagateTags"])),
    row(40, SERVICE, "iam:PassRole", On::RolesOf("taskDefinition"), ECS).with(TASKS),
    row(40, SERVICE, "iam:PassRole", SERVICE_ROLES, ECS).with(INFRASTRUCTURE),
    row(40, &["ecs:CreateService"], "ecs:TagResource", On::Own, ECS).when(TAGGED),
    row(40, &["ecs:CreateCluster"], "ecs:TagResource", On::Made("ecs", "cluster/{clusterName|default}"), ECS)
        .when(TAGGED),
    row(
        42,
        &["ecs:CreateCluster", "ecs:CreateService"],
        "iam:CreateServiceLinkedRole",
        On::ServiceLinked("ecs.amazonaws.com/AWSServiceRoleForECS"),
        ECS_LINKED,
    )
    .with(&[("iam:AWSServiceName", "ecs.amazonaws.com")]),
    row(
        43,
        BALANCER,
        "iam:CreateServiceLinkedRole",
        On::ServiceLinked("elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing"),
        ELB_LINKED,
    )
    .with(&[("iam:AWSServiceName", "elasticloadbalancing.amazonaws.com")]),
    added_tags(BALANCER, On::Own),
    added_tags(&["elasticloadbalancing:CreateTargetGroup"], On::Own),
    added_tags(
        &["elasticloadbalancing:CreateListener"],
        On::Below("LoadBalancerArn", ":loadbalancer/", ":listener/"),
    ),
    added_tags(
        &["elasticloadbalancing:CreateRule"],
        On::Below("ListenerArn", ":listener/", ":listener-rule/"),
    ),
    network("ec2:DescribeAccountAttributes"),
    network("ec2:DescribeInternetGateways"),
    network("ec2:DescribeSecurityGroups"),
    network("ec2:DescribeSubnets"),
    network("ec2:DescribeVpcs"),
    row(47, TARGET, "application-autoscaling:TagResource", NEW_TARGET, SCALING).when(When::Given(&["Tags"])),
    row(47, TARGET, "iam:PassRole", On::Roles(&["RoleARN"]), SCALING)
        .with(&[("iam:PassedToService", "application-autoscaling.amazonaws.com")]),
    row(47, TARGET, "iam:CreateServiceLinkedRole", SCALING_ROLE, SCALING_LINKED)
        .when(OF_ECS)
        .with(&[("iam:AWSServiceName", "ecs.application-autoscaling.amazonaws.com")]),
    // Alarms are put by the service-linked role, so not asked of the caller.
    row(48, POLICY, "cloudwatch:DescribeAlarms", On::Made("cloudwatch", "alarm:*"), SCALING_READS),
    row(48, POLICY, "ecs:DescribeServices", SCALED_SERVICE, SCALING_READS).when(OF_ECS),
    row(48, POLICY, "ecs:UpdateService", SCALED_SERVICE, SCALING_READS).when(OF_ECS),
    row(52, REPOSITORY, "ecr:TagResource", On::Own, ECR).when(TAGGED),
    row(52, REPOSITORY, "kms:DescribeKey", REPOSITORY_KEY, ECR).with(FOR_ECR),
    row(52, REPOSITORY, "kms:CreateGrant", REPOSITORY_KEY, ECR).with(FOR_ECR),
    row(52, REPOSITORY, "kms:RetireGrant", REPOSITORY_KEY, ECR).with(FOR_ECR),
];

const NEW_TARGET: On = On::Made("application-autoscaling", "scalable-target/*");
const SCALING_ROLE: On = On::ServiceLinked(
    "ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService",
);
const FOR_ECR: &[(&str, &str)] = &[("kms:ViaService", "ecr.${Region}.amazonaws.com")];
