//! Stacks with resources of services that are not emulated, and attributes in AWS's form.

use serde_json::json;

use super::*;

const QUEUE: &str = "
Parameters: {Delay: {Type: Number, Default: 5}, Name: {Type: String, Default: jobs}}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Ref Name, DelaySeconds: !Ref Delay, Tags: [{Key: n, Value: 4711}]}
  Topic: {Type: 'AWS::SNS::Topic'}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      BillingMode: PAY_PER_REQUEST
Outputs:
  Url: {Value: !Ref Queue}
  Arn: {Value: !GetAtt Queue.Arn}
  Name: {Value: !GetAtt Queue.QueueName}
  Topic: {Value: !Ref Topic}
  Table: {Value: !GetAtt Table.Arn}
";

#[tokio::test]
async fn a_stack_with_a_queue_is_deployed_updated_and_destroyed() {
    let fixture = Fixture::new().await;
    fixture.create(QUEUE).await;
    assert_eq!(fixture.settled("s").await, "CREATE_COMPLETE");
    let url = "https://sqs.eu-central-1.amazonaws.com/000000000000/jobs";
    assert_eq!(fixture.output("Url").await, url);
    assert_eq!(fixture.output("Arn").await, "arn:aws:sqs:eu-central-1:000000000000:jobs");
    assert_eq!(fixture.output("Name").await, "jobs");
    assert!(fixture.output("Topic").await.starts_with("arn:aws:sns:eu-central-1:000000000000:s-Topic-"));
    let table = fixture.physical_id("Table").await;
    assert_eq!(
        fixture.output("Table").await,
        format!("arn:aws:dynamodb:eu-central-1:000000000000:table/{table}")
    );
    let events = fixture.events("s").await.join("\n");
    assert!(events.contains("AWS::SQS::Queue is not emulated by the local cloud"), "{events}");

    let parameters = |delay: &str, name: &str| json!([{"ParameterKey": "Delay", "ParameterValue": delay}, {"ParameterKey": "Name", "ParameterValue": name}]);
    let update =
        |parameters| json!({"StackName": "s", "UsePreviousTemplate": true, "Parameters": parameters});
    fixture.call("UpdateStack", update(parameters("9", "jobs"))).await;
    assert_eq!(fixture.settled("s").await, "UPDATE_COMPLETE");
    assert_eq!(fixture.output("Url").await, url);

    fixture.call("UpdateStack", update(parameters("9", "other"))).await;
    assert_eq!(fixture.settled("s").await, "UPDATE_COMPLETE");
    assert_eq!(fixture.output("Name").await, "other");

    fixture.call("DeleteStack", json!({"StackName": "s"})).await;
    let store = fixture.local.cloud().part::<super::super::store::Store>();
    let gone = || store.stack("s").is_none().then_some(());
    fixture.local.cloud().wait_until(Duration::from_secs(20), gone).await.expect("the stack is gone");
    fixture.create(QUEUE).await;
    assert_eq!(fixture.settled("s").await, "CREATE_COMPLETE");
}

#[tokio::test]
async fn a_record_of_a_taken_name_is_refused_and_rolled_back() {
    let fixture = Fixture::new().await;
    let two = "
Resources:
  One: {Type: 'AWS::SQS::Queue', Properties: {QueueName: q}}
  Two: {Type: 'AWS::SQS::Queue', DependsOn: One, Properties: {QueueName: q}}
";
    fixture.create(two).await;
    assert_eq!(fixture.settled("s").await, "ROLLBACK_COMPLETE");
    let events = fixture.events("s").await.join("\n");
    let expected = "Resource of type 'AWS::SQS::Queue' with identifier \
                    'https://sqs.eu-central-1.amazonaws.com/000000000000/q' already exists.";
    assert!(events.contains(expected), "{events}");
}

#[tokio::test]
async fn a_record_that_breaks_its_schema_is_refused() {
    let fixture = Fixture::new().await;
    fixture
        .create("Resources: {Q: {Type: 'AWS::SQS::Queue', Properties: {DelaySeconds: 901, Nope: {A: 1}}}}")
        .await;
    assert_eq!(fixture.settled("s").await, "ROLLBACK_COMPLETE");
    // Before anything is made, which only DescribeEvents tells.
    let events = fixture.call("DescribeEvents", json!({"StackName": "s"})).await.to_string();
    assert!(events.contains("#/DelaySeconds: 901 is not less or equal to 900"), "{events}");
    assert!(events.contains("#: extraneous key [Nope] is not permitted"), "{events}");
}

#[tokio::test]
async fn types_without_a_schema_and_types_that_run_something_are_refused() {
    let fixture = Fixture::new().await;
    let message = async |resource_type: &str| {
        let template = format!("Resources: {{A: {{Type: '{resource_type}'}}}}");
        let created =
            fixture.message("CreateStack", json!({"StackName": "s", "TemplateBody": template})).await;
        let validated = fixture.message("ValidateTemplate", json!({"TemplateBody": template})).await;
        assert_eq!(created, validated);
        created
    };
    assert_eq!(
        message("AWS::SQS::Queu").await,
        "Template format error: Unrecognized resource types: [AWS::SQS::Queu]"
    );
    for resource_type in ["AWS::CloudFormation::Stack", "Custom::Thing", "AWS::CloudFormation::WaitCondition"]
    {
        let expected = format!(
            "The local cloud does not serve resources of types [{resource_type}], which run code or other stacks"
        );
        assert_eq!(message(resource_type).await, expected);
    }
}

#[test]
fn every_read_only_attribute_is_answered_or_refused_before_anything_is_made() {
    let served = [
        "AWS::S3::Bucket",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",
        "AWS::RDS::DBInstance",
        "AWS::SQS::Queue",
        "AWS::Lambda::Function",
        "AWS::WAFv2::WebACL",
        "AWS::EFS::FileSystem",
    ];
    for resource_type in served {
        let schema = super::super::schema::of(resource_type).unwrap();
        let properties = json!({});
        let facts = super::super::resources::Facts {
            resource_type,
            region: "eu-central-1",
            account: "000000000000",
            token: "t",
            generated_name: "s-A-1".to_owned(),
            now: "2026-01-01T00:00:00Z".to_owned(),
            properties: &properties,
        };
        let answered = facts.attributes(schema, "p", &serde_json::Map::new());
        for path in schema.read_only().iter().filter(|path| !path.contains('*')) {
            let name = path.replace('/', ".");
            let refused = !super::super::resources::is_answered(resource_type, &name);
            assert_ne!(answered.contains_key(&name), refused, "{resource_type}.{name}");
        }
    }
}
