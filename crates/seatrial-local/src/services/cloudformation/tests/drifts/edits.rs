//! Edits and deletions by hand, each of a resource of the stacks that stand.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A call by hand. `@STACK.LOGICAL_ID` in its input is that resource's physical ID.
pub(super) type ByHand = (&'static str, Value);

/// What is edited, by which calls, and the property that is told then.
#[derive(Clone)]
pub(super) struct Edit {
    pub stack: &'static str,
    pub id: &'static str,
    pub calls: Vec<ByHand>,
    pub property: &'static str,
}

pub(super) fn edit(
    name: &'static str,
    operation: &'static str,
    input: Value,
    property: &'static str,
) -> Edit {
    let (stack, id) = name.split_once('.').unwrap();
    Edit { stack, id, calls: vec![(operation, input)], property }
}

/// Another value for a tag that the template names.
fn retag(name: &'static str, id: &str) -> Edit {
    let key = if name.starts_with("others") { "of" } else { "Name" };
    edit(name, "ec2:CreateTags", json!({"Resources": [id], "Tags": {key: "them"}}), "/Tags")
}

/// All but the pipeline's, whose whole declaration is sent.
pub(super) fn edits(known: &BTreeMap<String, Value>) -> Vec<Edit> {
    [of_access(known), of_the_network(known), of_the_traffic(), of_the_database(), of_the_release(known)]
        .concat()
}

/// Of who may do what.
fn of_access(known: &BTreeMap<String, Value>) -> Vec<Edit> {
    let statement = json!({"Version": "2012-10-17", "Statement":
        [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::some/*"}]});
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    let rule = |group: &str, egress: bool, port: u16| {
        json!({"GroupId": group, "IsEgress": egress, "Rules": [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port,
            "Peer": {"Cidr": "10.0.0.0/8"}}]})
    };
    let bucket_policy = json!({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{}/*", known["ArtifactBucketName"].as_str().unwrap())}]});
    let (balancer, database) =
        ("@security-groups.LoadBalancerSecurityGroup", "@security-groups.DatabaseSecurityGroup");
    vec![
        edit(
            "security-groups.LoadBalancerSecurityGroup",
            "ec2:AuthorizeSecurityGroupRules",
            rule(balancer, false, 22),
            "/SecurityGroupIngress",
        ),
        edit(
            "security-groups.DatabaseSecurityGroup",
            "ec2:AuthorizeSecurityGroupRules",
            rule(database, true, 25),
            "/SecurityGroupEgress",
        ),
        edit(
            "cluster.TaskRole",
            "iam:UpdateAssumeRolePolicy",
            json!({"RoleName": "@cluster.TaskRole", "PolicyDocument": trust.to_string()}),
            "/AssumeRolePolicyDocument",
        ),
        edit(
            "build.BuildRole",
            "iam:PutRolePolicy",
            json!({"RoleName": "@build.BuildRole", "PolicyName": "push-image", "PolicyDocument": statement.to_string()}),
            "/Policies",
        ),
        edit(
            "build.ArtifactBucketPolicy",
            "s3:PutBucketPolicy",
            json!({"Bucket": "@build.ArtifactBucketPolicy", "Policy": bucket_policy.to_string()}),
            "/PolicyDocument",
        ),
    ]
}

/// Of the ways in and out.
fn of_the_network(known: &BTreeMap<String, Value>) -> Vec<Edit> {
    let route = json!({"RouteTableId": "@network.PrivateRouteTable", "DestinationCidrBlock": "0.0.0.0/0",
        "Target": "@network.InternetGateway"});
    let endpoint = json!({"VpcEndpointId": "@network.S3Endpoint", "RouteTableIds": ["@network.PublicRouteTable"],
        "SubnetIds": [], "SecurityGroupIds": []});
    let attach = |gateway: &str| json!({"VpcId": "@others.Vpc", "InternetGatewayId": gateway});
    let moved = vec![
        ("ec2:DetachInternetGateway", attach("@others.Gateway")),
        ("ec2:AttachInternetGateway", attach("@others.Another")),
    ];
    vec![
        retag("network.Vpc", "@network.Vpc"),
        retag("network.PublicSubnet1", "@network.PublicSubnet1"),
        retag("network.PublicRouteTable", "@network.PublicRouteTable"),
        retag("network.InternetGateway", "@network.InternetGateway"),
        retag("network.NatGateway", "@network.NatGateway"),
        retag("others.Address", known["AllocationId"].as_str().unwrap()),
        edit("network.PrivateDefaultRoute", "ec2:ReplaceRoute", route, "/NatGatewayId"),
        edit("network.S3Endpoint", "ec2:ModifyVpcEndpoint", endpoint, "/RouteTableIds"),
        Edit { stack: "others", id: "Attachment", calls: moved, property: "/InternetGatewayId" },
    ]
}

/// Of what leads to the application.
fn of_the_traffic() -> Vec<Edit> {
    let default = json!([{"Type": "forward", "TargetGroupArn": "@load-balancer.BlueTargetGroup"}]);
    let groups = json!([{"TargetGroupArn": "@load-balancer.BlueTargetGroup", "Weight": 0},
        {"TargetGroupArn": "@load-balancer.GreenTargetGroup", "Weight": 100}]);
    let actions = json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]);
    vec![
        edit(
            "load-balancer.LoadBalancer",
            "elasticloadbalancing:ModifyLoadBalancerAttributes",
            json!({"LoadBalancerArn": "@load-balancer.LoadBalancer",
                "Attributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "61"}]}),
            "/LoadBalancerAttributes",
        ),
        edit(
            "load-balancer.BlueTargetGroup",
            "elasticloadbalancing:ModifyTargetGroup",
            json!({"TargetGroupArn": "@load-balancer.BlueTargetGroup", "HealthCheckPath": "/other"}),
            "/HealthCheckPath",
        ),
        edit(
            "load-balancer.HttpListener",
            "elasticloadbalancing:ModifyListener",
            json!({"ListenerArn": "@load-balancer.HttpListener", "DefaultActions": default}),
            "/DefaultActions",
        ),
        edit(
            "load-balancer.HttpTrafficRule",
            "elasticloadbalancing:ModifyRule",
            json!({"RuleArn": "@load-balancer.HttpTrafficRule", "Actions": actions}),
            "/Actions",
        ),
    ]
}

/// Of what needs no database server.
fn of_the_database() -> Vec<Edit> {
    let subnets = json!({"DBSubnetGroupName": "@others.Subnets", "DBSubnetGroupDescription": "three",
        "SubnetIds": ["@others.One", "@others.Two"]});
    let parameters = json!({"DBParameterGroupName": "@others.Parameters",
        "Parameters": [{"ParameterName": "work_mem", "ParameterValue": "8192", "ApplyMethod": "immediate"}]});
    vec![
        edit("others.Subnets", "rds:ModifyDBSubnetGroup", subnets, "/DBSubnetGroupDescription"),
        edit("others.Parameters", "rds:ModifyDBParameterGroup", parameters, "/Parameters/work_mem"),
        edit(
            "others.Secret",
            "secretsmanager:UpdateSecret",
            json!({"SecretId": "@others.Secret", "Description": "of others"}),
            "/Description",
        ),
    ]
}

/// Of building and releasing.
fn of_the_release(known: &BTreeMap<String, Value>) -> Vec<Edit> {
    vec![
        edit(
            "cluster.ApplicationLogGroup",
            "logs:PutRetentionPolicy",
            json!({"logGroupName": "@cluster.ApplicationLogGroup", "retentionInDays": 1}),
            "/RetentionInDays",
        ),
        edit(
            "cluster.Cluster",
            "ecs:UpdateCluster",
            json!({"cluster": "@cluster.Cluster", "settings": [{"name": "containerInsights", "value": "enhanced"}]}),
            "/ClusterSettings",
        ),
        edit(
            "build.ArtifactBucket",
            "s3:DeletePublicAccessBlock",
            json!({"Bucket": "@build.ArtifactBucket"}),
            "/PublicAccessBlockConfiguration",
        ),
        edit(
            "registry.Repository",
            "ecr:PutImageScanningConfiguration",
            json!({"repositoryName": "@registry.Repository", "imageScanningConfiguration": {"scanOnPush": false}}),
            "/ImageScanningConfiguration",
        ),
        edit(
            "deployment.DeploymentGroup",
            "codedeploy:UpdateDeploymentGroup",
            json!({"applicationName": known["CodeDeployApplicationName"],
                "currentDeploymentGroupName": "@deployment.DeploymentGroup",
                "autoRollbackConfiguration": {"enabled": false, "events": []}}),
            "/AutoRollbackConfiguration",
        ),
        edit(
            "others.Connection",
            "codeconnections:TagResource",
            json!({"ResourceArn": "@others.Connection", "Tags": [{"Key": "of", "Value": "them"}]}),
            "/Tags",
        ),
        edit(
            "others.Alarm",
            "monitoring:PutMetricAlarm",
            json!({"AlarmName": "@others.Alarm", "MetricName": "m", "Namespace": "n", "Statistic": "Sum", "Period": 60,
                "EvaluationPeriods": 3, "Threshold": 9.0, "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching"}),
            "/Threshold",
        ),
    ]
}

/// What is deleted, in an order in which nothing is in use any more.
pub(super) fn deletions(known: &BTreeMap<String, Value>) -> Vec<(&'static str, &'static str, ByHand)> {
    let application = &known["CodeDeployApplicationName"];
    let group = json!({"applicationName": application, "deploymentGroupName": "@deployment.DeploymentGroup"});
    let rule = json!({"GroupId": "@security-groups.ApplicationSecurityGroup", "IsEgress": false, "Rules": [],
        "SecurityGroupRuleIds": ["@security-groups.ApplicationFromLoadBalancer"]});
    let repository = json!({"repositoryName": "@registry.Repository", "force": true});
    let route = json!({"RouteTableId": "@network.PrivateRouteTable", "DestinationCidrBlock": "0.0.0.0/0"});
    let attachment = json!({"VpcId": "@others.Vpc", "InternetGatewayId": "@others.Gateway"});
    let rows = [
        ("pipeline.Pipeline", "codepipeline:DeletePipeline", json!({"name": "@pipeline.Pipeline"})),
        ("deployment.DeploymentGroup", "codedeploy:DeleteDeploymentGroup", group),
        ("deployment.Application", "codedeploy:DeleteApplication", json!({"applicationName": application})),
        ("others.Alarm", "monitoring:DeleteAlarms", json!({"AlarmNames": ["@others.Alarm"]})),
        ("others.Secret", "secretsmanager:DeleteSecret", json!({"SecretId": "@others.Secret"})),
        (
            "build.ArtifactBucketPolicy",
            "s3:DeleteBucketPolicy",
            json!({"Bucket": "@build.ArtifactBucketPolicy"}),
        ),
        ("build.ArtifactBucket", "s3:DeleteBucket", json!({"Bucket": "@build.ArtifactBucket"})),
        (
            "cluster.ApplicationLogGroup",
            "logs:DeleteLogGroup",
            json!({"logGroupName": "@cluster.ApplicationLogGroup"}),
        ),
        ("registry.Repository", "ecr:DeleteRepository", repository),
        ("security-groups.ApplicationFromLoadBalancer", "ec2:RevokeSecurityGroupRules", rule),
        (
            "others.Connection",
            "codeconnections:DeleteConnection",
            json!({"ConnectionArn": "@others.Connection"}),
        ),
        ("network.S3Endpoint", "ec2:DeleteVpcEndpoint", json!({"VpcEndpointId": "@network.S3Endpoint"})),
        ("network.PrivateDefaultRoute", "ec2:DeleteRoute", route),
        ("network.NatGateway", "ec2:DeleteNatGateway", json!({"NatGatewayId": "@network.NatGateway"})),
        ("network.NatAddress", "ec2:ReleaseAddress", json!({"PublicIp": "@network.NatAddress"})),
        (
            "network.PrivateSubnet1Routes",
            "ec2:DisassociateRouteTable",
            json!({"AssociationId": "@network.PrivateSubnet1Routes"}),
        ),
        ("others.Table", "ec2:DeleteRouteTable", json!({"RouteTableId": "@others.Table"})),
        ("others.Attachment", "ec2:DetachInternetGateway", attachment),
        ("others.Gateway", "ec2:DeleteInternetGateway", json!({"InternetGatewayId": "@others.Gateway"})),
        ("others.Subnets", "rds:DeleteDBSubnetGroup", json!({"DBSubnetGroupName": "@others.Subnets"})),
        (
            "others.Parameters",
            "rds:DeleteDBParameterGroup",
            json!({"DBParameterGroupName": "@others.Parameters"}),
        ),
    ];
    let named = rows.into_iter().map(|(name, operation, input)| {
        let (stack, id) = name.split_once('.').unwrap();
        (stack, id, (operation, input))
    });
    named.collect()
}
