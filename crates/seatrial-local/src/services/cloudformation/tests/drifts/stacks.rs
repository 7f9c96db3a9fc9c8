//! The stacks of this repository's templates, and one of what they have not, made for tests of drift.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::super::store::Store;
use crate::Cloud;
use crate::tests::{call, outputs};

/// The stacks that stand without a database server or tasks, each after those that it needs.
pub(super) const STANDING: [&str; 10] = [
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

/// Types and properties that the templates have not, or not so that they can be edited or deleted alone.
const OTHERS: &str = "Resources:
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      {MetricName: m, Namespace: n, Statistic: Sum, Period: 60, EvaluationPeriods: 3, Threshold: 1.5,
       ComparisonOperator: GreaterThanThreshold, TreatMissingData: notBreaching}
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties: {Description: a password, GenerateSecretString: {PasswordLength: 40}}
  Connection:
    Type: AWS::CodeConnections::Connection
    Properties: {ConnectionName: other, ProviderType: GitHub, Tags: [{Key: of, Value: us}]}
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.9.0.0/16}}
  Gateway: {Type: 'AWS::EC2::InternetGateway', Properties: {Tags: [{Key: of, Value: us}]}}
  Another: {Type: 'AWS::EC2::InternetGateway'}
  Attachment:
    Type: AWS::EC2::VPCGatewayAttachment
    Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}
  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc, Tags: [{Key: of, Value: us}]}}
  Address: {Type: 'AWS::EC2::EIP', Properties: {Domain: vpc, Tags: [{Key: of, Value: us}]}}
  One: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Vpc, CidrBlock: 10.9.0.0/20, AvailabilityZone: eu-central-1a}}
  Two: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Vpc, CidrBlock: 10.9.16.0/20, AvailabilityZone: eu-central-1b}}
  Subnets:
    Type: AWS::RDS::DBSubnetGroup
    Properties: {DBSubnetGroupDescription: two, SubnetIds: [!Ref One, !Ref Two], Tags: [{Key: of, Value: us}]}
  Parameters:
    Type: AWS::RDS::DBParameterGroup
    Properties: {Description: some, Family: postgres17, Parameters: {work_mem: 4096}, Tags: [{Key: of, Value: us}]}
Outputs:
  AllocationId: {Value: !GetAtt Address.AllocationId}
";

fn template(stack: &str) -> String {
    if stack == "others" {
        return OTHERS.to_owned();
    }
    let path = format!("{}/../../infra/stacks/{stack}.yml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// The parameters of a template that have no default, and how the network leads out.
fn wanted(template: &str) -> Vec<String> {
    let section = template.split("\nParameters:\n").nth(1).unwrap_or_default();
    let section = section.split("\nConditions:\n").next().unwrap().split("\nResources:\n").next().unwrap();
    let mut wanted: Vec<String> = Vec::new();
    for line in section.lines() {
        let is_name = line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':');
        match line.trim() {
            name if is_name => wanted.push(name.trim_end_matches(':').to_owned()),
            line if line.starts_with("Default:") => {
                wanted.pop_if(|name| name != "NetworkMode");
            }
            _ => {}
        }
    }
    wanted
}

/// What the parameters of the templates are filled with, besides outputs.
fn facts() -> BTreeMap<String, Value> {
    let facts = [
        ("ProjectName", "myapp"),
        ("EnvironmentName", "test"),
        ("AppPort", "4000"),
        ("NetworkMode", "nat"),
        ("RepositoryId", "o/n"),
        ("BranchName", "main"),
        ("ServiceName", "myapp-test"),
        ("DatabasePort", "5432"),
        ("DatabaseEndpointAddress", "db"),
        ("DatabaseName", "app"),
        ("DatabaseUser", "app"),
        ("DatabaseSecretArn", "arn:aws:secretsmanager:eu-central-1:000000000000:secret:s-abcdef"),
        ("BlueErrorsAlarmName", "blue"),
        ("GreenErrorsAlarmName", "green"),
    ];
    facts.map(|(name, value)| (name.to_owned(), json!(value))).into()
}

/// All stacks but those of the database and the service, and what they offer.
pub(super) async fn standing(cloud: &Cloud) -> BTreeMap<String, Value> {
    let mut known = facts();
    // As `provision` makes it first in a new account.
    let linked = json!({"AWSServiceName": "ecs.amazonaws.com"});
    call(cloud, "iam:CreateServiceLinkedRole", linked).await.unwrap();
    for stack in STANDING {
        make(cloud, stack, &mut known).await;
    }
    known
}

/// Makes one stack of what is known, and adds what it offers.
pub(super) async fn make(cloud: &Cloud, stack: &str, known: &mut BTreeMap<String, Value>) {
    let text = template(stack);
    let value = |name: &String| known.get(name).unwrap_or_else(|| panic!("{name}"));
    let parameters = wanted(&text);
    let parameters =
        parameters.iter().map(|name| json!({"ParameterKey": name, "ParameterValue": value(name)}));
    let input = json!({
        "StackName": stack, "TemplateBody": text, "Parameters": parameters.collect::<Vec<_>>(),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
    });
    call(cloud, "cloudformation:CreateStack", input).await.unwrap();
    assert_eq!(settled(cloud, stack).await, "CREATE_COMPLETE", "{:#}", events(cloud, stack).await);
    if text.contains("\nOutputs:") {
        known.extend(outputs(cloud, stack).await.as_object().unwrap().clone());
        // A cloud without a server has no registry's address.
        known.insert("RepositoryUri".to_owned(), json!("127.0.0.1:1/myapp-test"));
    }
}

/// The status of a stack once it is at rest.
pub(super) async fn settled(cloud: &Cloud, stack: &str) -> &'static str {
    let store = cloud.part::<Store>();
    let done = || store.stack(stack).filter(|stack| !stack.status.is_in_flight());
    let settled = cloud.wait_until(std::time::Duration::from_secs(60), done).await;
    settled.unwrap_or_else(|| panic!("{stack} does not come to rest")).status.name()
}

pub(super) async fn events(cloud: &Cloud, stack: &str) -> Value {
    call(cloud, "cloudformation:DescribeStackEvents", json!({"StackName": stack})).await.unwrap()
}

/// Type, logical ID, status and the differing paths of all that was checked in a stack.
pub(super) async fn checked(cloud: &Cloud, stack: &str) -> Vec<(String, String, String, Vec<String>)> {
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

pub(super) async fn physical_id(cloud: &Cloud, stack: &str, id: &str) -> String {
    let input = json!({"StackName": stack, "LogicalResourceId": id});
    let found = call(cloud, "cloudformation:DescribeStackResource", input).await.unwrap();
    found["StackResourceDetail"]["PhysicalResourceId"].as_str().unwrap().to_owned()
}

/// The input with physical IDs for every `@STACK.LOGICAL_ID` in it.
pub(super) async fn with_ids(cloud: &Cloud, input: &Value) -> Value {
    let mut text = input.to_string();
    while let Some((before, after)) = text.split_once("\"@") {
        let (name, after) = after.split_once('"').unwrap();
        let (stack, id) = name.split_once('.').unwrap();
        text = format!("{before}{}{after}", json!(physical_id(cloud, stack, id).await));
    }
    serde_json::from_str(&text).unwrap()
}
