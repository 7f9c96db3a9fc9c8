//! Drift of each type in this repository's templates: untouched it has none, edited by hand its property is named,
//! deleted by hand it is gone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::store::Store;
use crate::Cloud;
use crate::tests::{call, cloud_in, outputs};

/// The stacks that are made, each after those that it needs.
const STANDING: [&str; 10] = [
    "network",
    "security-groups",
    "connection",
    "registry",
    "cluster",
    "build",
    "load-balancer",
    "deployment",
    "pipeline",
    "others",
];

/// Types that AWS does not check: their schemas have no read handler (cfn-lint's copy of AWS's schemas, version 1.58;
/// user guide, "Resource type support": drift is detected of provisionable types).
const UNSUPPORTED: [&str; 3] =
    ["AWS::CodeBuild::Project", "AWS::IAM::Policy", "AWS::CloudFormation::WaitConditionHandle"];

/// Types that AWS checks and this cloud does not yet.
const UNREAD: [&str; 12] = [
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::CodeConnections::Connection",
    "AWS::EC2::EIP",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPCEndpoint",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::RDS::DBParameterGroup",
    "AWS::RDS::DBSubnetGroup",
];

/// Types of the two stacks that need a database server and tasks to stand.
const OTHERS: &str = "Resources:
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      {MetricName: m, Namespace: n, Statistic: Sum, Period: 60, EvaluationPeriods: 3, Threshold: 1.5,
       ComparisonOperator: GreaterThanThreshold, TreatMissingData: notBreaching}
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties: {Description: a password, GenerateSecretString: {PasswordLength: 40}}
";

fn template(stack: &str) -> String {
    if stack == "others" {
        return OTHERS.to_owned();
    }
    let path = format!("{}/../../infra/stacks/{stack}.yml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// The parameters of a template that have no default.
fn wanted(template: &str) -> Vec<String> {
    let section = template.split("\nParameters:\n").nth(1).unwrap_or_default();
    let section = section.split("\nConditions:\n").next().unwrap().split("\nResources:\n").next().unwrap();
    let mut wanted: Vec<String> = Vec::new();
    for line in section.lines() {
        let is_name = line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':');
        match line.trim() {
            name if is_name => wanted.push(name.trim_end_matches(':').to_owned()),
            line if line.starts_with("Default:") => drop(wanted.pop()),
            _ => {}
        }
    }
    wanted
}

/// All stacks but those of the database and the service, each with what the others offer.
async fn standing(cloud: &Cloud) -> BTreeMap<String, Value> {
    let facts = [("ProjectName", "myapp"), ("EnvironmentName", "test"), ("AppPort", "4000")];
    let more = [
        ("RepositoryId", "o/n"),
        ("BranchName", "main"),
        ("ServiceName", "myapp-test"),
        ("DatabasePort", "5432"),
    ];
    let names = [("DatabaseEndpointAddress", "db"), ("DatabaseName", "app"), ("DatabaseUser", "app")];
    let secret = ("DatabaseSecretArn", "arn:aws:secretsmanager:eu-central-1:000000000000:secret:s-abcdef");
    let mut known: BTreeMap<String, Value> = facts
        .iter()
        .chain(&more)
        .chain(&names)
        .chain([&secret, &("BlueErrorsAlarmName", "blue"), &("GreenErrorsAlarmName", "green")])
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    // As `provision` makes it first in a new account.
    let linked = json!({"AWSServiceName": "ecs.amazonaws.com"});
    call(cloud, "iam:CreateServiceLinkedRole", linked).await.unwrap();
    for stack in STANDING {
        let text = template(stack);
        let parameters: Vec<Value> = wanted(&text)
            .iter()
            .map(|name| json!({"ParameterKey": name, "ParameterValue": known.get(name).unwrap_or_else(|| panic!("{name}"))}))
            .collect();
        let input = json!({
            "StackName": stack, "TemplateBody": text, "Parameters": parameters, "Capabilities": ["CAPABILITY_NAMED_IAM"],
        });
        call(cloud, "cloudformation:CreateStack", input).await.unwrap();
        let store = cloud.part::<Store>();
        let done = || store.stack(stack).filter(|stack| !stack.status.is_in_flight());
        let made = cloud.wait_until(std::time::Duration::from_secs(20), done).await.unwrap();
        let events =
            call(cloud, "cloudformation:DescribeStackEvents", json!({"StackName": stack})).await.unwrap();
        assert_eq!(made.status.name(), "CREATE_COMPLETE", "{events:#}");
        if text.contains("\nOutputs:") {
            let outputs = outputs(cloud, stack).await;
            known.extend(outputs.as_object().unwrap().clone());
            // A cloud without a server has no registry's address.
            known.insert("RepositoryUri".to_owned(), json!("127.0.0.1:1/myapp-test"));
        }
    }
    known
}

/// Type, logical ID, status and the differing paths of all that was checked in a stack.
async fn checked(cloud: &Cloud, stack: &str) -> Vec<(String, String, String, Vec<String>)> {
    call(cloud, "cloudformation:DetectStackDrift", json!({"StackName": stack})).await.unwrap();
    let drifts = call(cloud, "cloudformation:DescribeStackResourceDrifts", json!({"StackName": stack})).await;
    let drifts = drifts.unwrap()["StackResourceDrifts"].take();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let paths = |drift: &Value| {
        let differences = drift["PropertyDifferences"].as_array().into_iter().flatten();
        differences.map(|one| text(&one["PropertyPath"])).collect()
    };
    let drifts = drifts.as_array().unwrap().iter();
    drifts
        .map(|one| {
            let id = text(&one["LogicalResourceId"]);
            (text(&one["ResourceType"]), id, text(&one["StackResourceDriftStatus"]), paths(one))
        })
        .collect()
}

async fn physical_id(cloud: &Cloud, stack: &str, id: &str) -> String {
    let input = json!({"StackName": stack, "LogicalResourceId": id});
    let found = call(cloud, "cloudformation:DescribeStackResource", input).await.unwrap();
    found["StackResourceDetail"]["PhysicalResourceId"].as_str().unwrap().to_owned()
}

/// Stack, logical ID, the call that edits it, and the property that is told then; `ID` is the physical ID.
type Edit = (&'static str, &'static str, &'static str, Value, &'static str);

/// Of who may do what.
fn edits_of_access(known: &BTreeMap<String, Value>) -> Vec<Edit> {
    let statement = json!({"Version": "2012-10-17", "Statement":
        [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::some/*"}]});
    let rule = |egress: bool, port: u16| {
        json!({"GroupId": "ID", "IsEgress": egress, "Rules": [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port,
            "Peer": {"Cidr": "10.0.0.0/8"}}]})
    };
    let bucket_policy = json!({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{}/*", known["ArtifactBucketName"].as_str().unwrap())}]});
    vec![
        (
            "security-groups",
            "LoadBalancerSecurityGroup",
            "ec2:AuthorizeSecurityGroupRules",
            rule(false, 22),
            "/SecurityGroupIngress",
        ),
        (
            "security-groups",
            "DatabaseSecurityGroup",
            "ec2:AuthorizeSecurityGroupRules",
            rule(true, 25),
            "/SecurityGroupEgress",
        ),
        (
            "cluster",
            "TaskRole",
            "iam:UpdateAssumeRolePolicy",
            json!({"RoleName": "ID", "PolicyDocument": json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}).to_string()}),
            "/AssumeRolePolicyDocument",
        ),
        (
            "build",
            "BuildRole",
            "iam:PutRolePolicy",
            json!({"RoleName": "ID", "PolicyName": "push-image", "PolicyDocument": statement.to_string()}),
            "/Policies",
        ),
        (
            "build",
            "ArtifactBucketPolicy",
            "s3:PutBucketPolicy",
            json!({"Bucket": "ID", "Policy": bucket_policy.to_string()}),
            "/PolicyDocument",
        ),
    ]
}

/// Of all else.
fn edits(known: &BTreeMap<String, Value>) -> Vec<Edit> {
    vec![
        (
            "cluster",
            "ApplicationLogGroup",
            "logs:PutRetentionPolicy",
            json!({"logGroupName": "ID", "retentionInDays": 1}),
            "/RetentionInDays",
        ),
        (
            "build",
            "ArtifactBucket",
            "s3:DeletePublicAccessBlock",
            json!({"Bucket": "ID"}),
            "/PublicAccessBlockConfiguration",
        ),
        (
            "registry",
            "Repository",
            "ecr:PutImageScanningConfiguration",
            json!({"repositoryName": "ID", "imageScanningConfiguration": {"scanOnPush": false}}),
            "/ImageScanningConfiguration",
        ),
        (
            "deployment",
            "DeploymentGroup",
            "codedeploy:UpdateDeploymentGroup",
            json!({"applicationName": known["CodeDeployApplicationName"], "currentDeploymentGroupName": "ID",
                "autoRollbackConfiguration": {"enabled": false, "events": []}}),
            "/AutoRollbackConfiguration",
        ),
        (
            "others",
            "Alarm",
            "monitoring:PutMetricAlarm",
            json!({"AlarmName": "ID", "MetricName": "m", "Namespace": "n", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 3,
                "Threshold": 9.0, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching"}),
            "/Threshold",
        ),
        (
            "others",
            "Secret",
            "secretsmanager:UpdateSecret",
            json!({"SecretId": "ID", "Description": "of others"}),
            "/Description",
        ),
    ]
}

fn with_id(input: &Value, id: &str) -> Value {
    serde_json::from_str(&input.to_string().replace("\"ID\"", &json!(id).to_string())).unwrap()
}

#[tokio::test]
async fn what_was_just_made_is_in_sync_and_every_type_is_checked_or_known_not_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    standing(&cloud).await;
    let mut types = BTreeSet::new();
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    let folder = format!("{}/../../infra/stacks", env!("CARGO_MANIFEST_DIR"));
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let resources = text.split("\nResources:\n").nth(1).unwrap();
        types.extend(resources.lines().filter_map(|line| Some(line.strip_prefix("    Type: ")?.to_owned())));
    }
    for stack in STANDING {
        for (kind, id, status, paths) in checked(&cloud, stack).await {
            if status != "IN_SYNC" {
                wrong.push(format!("{stack}.{id}: {status} {paths:?}"));
            }
            seen.insert(kind);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let handled = cloud.part::<Store>();
    for kind in &types {
        let expected = !UNSUPPORTED.contains(&kind.as_str()) && !UNREAD.contains(&kind.as_str());
        let readable = handled.handler(kind).is_some_and(|handler| handler.read.is_some());
        assert_eq!(readable, expected, "{kind}");
        assert!(expected || !seen.contains(kind), "{kind}");
    }
}

#[tokio::test]
async fn an_edit_by_hand_is_told_with_its_property_and_of_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let known = standing(&cloud).await;
    let mut wrong = Vec::new();
    for (stack, id, operation, input, property) in [edits_of_access(&known), edits(&known)].concat() {
        let physical_id = physical_id(&cloud, stack, id).await;
        let before: Vec<String> = drifted(&cloud, stack).await;
        if let Err(error) = call(&cloud, operation, with_id(&input, &physical_id)).await {
            wrong.push(format!("{stack}.{id}: {}", error.message));
            continue;
        }
        let mut found = checked(&cloud, stack).await;
        found.retain(|(_, one, status, _)| status != "IN_SYNC" && !before.contains(one));
        let is_told = matches!(&found[..], [(_, one, status, paths)] if one == id && status == "MODIFIED"
            && !paths.is_empty() && paths.iter().all(|path| path.starts_with(property)));
        if !is_told {
            wrong.push(format!("{stack}.{id}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    edit_the_pipeline(&cloud).await;
}

async fn drifted(cloud: &Cloud, stack: &str) -> Vec<String> {
    let all = checked(cloud, stack).await.into_iter();
    all.filter(|(_, _, status, _)| status != "IN_SYNC").map(|(_, id, _, _)| id).collect()
}

/// Its whole declaration is sent, with one value changed.
async fn edit_the_pipeline(cloud: &Cloud) {
    let name = physical_id(cloud, "pipeline", "Pipeline").await;
    let mut shown = call(cloud, "codepipeline:GetPipeline", json!({"name": name})).await.unwrap();
    shown["pipeline"]["stages"][0]["actions"][0]["configuration"]["BranchName"] = json!("another");
    call(cloud, "codepipeline:UpdatePipeline", json!({"pipeline": shown["pipeline"]})).await.unwrap();
    let mut found = checked(cloud, "pipeline").await;
    found.retain(|(_, _, status, _)| status != "IN_SYNC");
    let paths = ["/Stages/0/Actions/0/Configuration/BranchName".to_owned()];
    assert!(matches!(&found[..], [(_, id, _, told)] if id == "Pipeline" && *told == paths), "{found:?}");
}

#[tokio::test]
async fn what_was_deleted_by_hand_is_told_as_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let known = standing(&cloud).await;
    let group = physical_id(&cloud, "security-groups", "ApplicationSecurityGroup").await;
    let rows = [
        ("pipeline", "Pipeline", "codepipeline:DeletePipeline", json!({"name": "ID"})),
        (
            "deployment",
            "DeploymentGroup",
            "codedeploy:DeleteDeploymentGroup",
            json!({"applicationName": known["CodeDeployApplicationName"], "deploymentGroupName": "ID"}),
        ),
        ("deployment", "Application", "codedeploy:DeleteApplication", json!({"applicationName": "ID"})),
        ("others", "Alarm", "monitoring:DeleteAlarms", json!({"AlarmNames": ["ID"]})),
        ("others", "Secret", "secretsmanager:DeleteSecret", json!({"SecretId": "ID"})),
        ("build", "ArtifactBucketPolicy", "s3:DeleteBucketPolicy", json!({"Bucket": "ID"})),
        ("build", "ArtifactBucket", "s3:DeleteBucket", json!({"Bucket": "ID"})),
        ("cluster", "ApplicationLogGroup", "logs:DeleteLogGroup", json!({"logGroupName": "ID"})),
        ("registry", "Repository", "ecr:DeleteRepository", json!({"repositoryName": "ID", "force": true})),
        (
            "security-groups",
            "ApplicationFromLoadBalancer",
            "ec2:RevokeSecurityGroupRules",
            json!({"GroupId": group, "IsEgress": false, "Rules": [], "SecurityGroupRuleIds": ["ID"]}),
        ),
    ];
    let mut wrong = Vec::new();
    for (stack, id, operation, input) in rows {
        let physical_id = physical_id(&cloud, stack, id).await;
        if let Err(error) = call(&cloud, operation, with_id(&input, &physical_id)).await {
            wrong.push(format!("{stack}.{id}: {}", error.message));
        }
        let found = checked(&cloud, stack).await;
        let status = found.iter().find(|(_, one, _, _)| one == id).map(|(_, _, status, _)| status.as_str());
        if status != Some("DELETED") {
            wrong.push(format!("{stack}.{id}: {status:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
