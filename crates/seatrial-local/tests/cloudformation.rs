//! CloudFormation as its official client sees it.

mod support;

use std::time::{Duration, Instant};

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::client::Waiters as _;
use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use aws_sdk_cloudformation::types::{
    ChangeAction, ChangeSetStatus, ChangeSetType, Parameter, StackStatus, Tag,
};
use support::start;

const TEMPLATE: &str = "\
Description: Handles, to see a stack without other services.
Parameters:
  Names: {Type: CommaDelimitedList, Default: 'a,b'}
  Second: {Type: String, AllowedValues: ['yes', 'no'], Default: 'no'}
Conditions:
  HasSecond: !Equals [!Ref Second, 'yes']
Resources:
  First: {Type: 'AWS::CloudFormation::WaitConditionHandle'}
  Other: {Type: 'AWS::CloudFormation::WaitConditionHandle', Condition: HasSecond, DependsOn: First}
Outputs:
  Joined: {Value: !Join ['-', [!Select [1, !Ref Names], !Sub '${AWS::StackName}']], Description: joined}
  Count: {Value: !If [HasSecond, two, one]}
";

#[tokio::test]
async fn a_stack_is_deployed_by_change_sets_and_deleted() {
    let started = start().await;
    let client = Client::new(&started.config());
    let tag = Tag::builder().key("project").value("p").build();
    let create = client.create_change_set().stack_name("s").change_set_name("one").template_body(TEMPLATE);
    create.change_set_type(ChangeSetType::Create).tags(tag).send().await.unwrap();
    client.execute_change_set().stack_name("s").change_set_name("one").send().await.unwrap();
    let deadline = Duration::from_secs(30);
    client.wait_until_stack_create_complete().stack_name("s").wait(deadline).await.unwrap();

    let second = Parameter::builder().parameter_key("Second").parameter_value("yes").build();
    let names = Parameter::builder().parameter_key("Names").use_previous_value(true).build();
    let create = client.create_change_set().stack_name("s").change_set_name("two");
    create.use_previous_template(true).parameters(second).parameters(names).send().await.unwrap();
    let set = client.describe_change_set().stack_name("s").change_set_name("two").send().await.unwrap();
    assert_eq!(set.status(), Some(&ChangeSetStatus::CreateComplete));
    let change = set.changes()[0].resource_change().unwrap();
    assert_eq!((change.action(), change.logical_resource_id()), (Some(&ChangeAction::Add), Some("Other")));
    client.execute_change_set().stack_name("s").change_set_name("two").send().await.unwrap();
    client.wait_until_stack_update_complete().stack_name("s").wait(deadline).await.unwrap();

    let described = client.describe_stacks().stack_name("s").send().await.unwrap();
    let stack = &described.stacks()[0];
    assert_eq!(stack.stack_status(), Some(&StackStatus::UpdateComplete));
    assert_eq!(stack.tags()[0].key(), Some("project"));
    let outputs: Vec<_> = stack.outputs().iter().map(|one| one.output_value().unwrap()).collect();
    assert_eq!(outputs, ["b-s", "two"]);
    let template = client.get_template().stack_name("s").send().await.unwrap();
    assert_eq!(template.template_body(), Some(TEMPLATE));
    let resources = client.describe_stack_resources().stack_name("s").send().await.unwrap();
    assert_eq!(resources.stack_resources().len(), 2);

    client.delete_stack().stack_name("s").send().await.unwrap();
    client.wait_until_stack_delete_complete().stack_name("s").wait(deadline).await.unwrap();
    let gone = client.describe_stacks().stack_name(stack.stack_id().unwrap()).send().await.unwrap();
    assert_eq!(gone.stacks()[0].stack_status(), Some(&StackStatus::DeleteComplete));
}

/// What a caller deploys who only wants a bucket and a log group.
const BUCKET_AND_LOGS: &str = "\
Conditions: {IsKept: !Equals [!Ref 'AWS::Region', eu-central-1]}
Resources:
  Bucket: {Type: 'AWS::S3::Bucket'}
  Group:
    Type: AWS::Logs::LogGroup
    Condition: IsKept
    Properties: {LogGroupName: !Join ['/', ['', !Ref 'AWS::StackName', logs]], RetentionInDays: '7'}
Outputs: {Bucket: {Value: !Ref Bucket}, Arn: {Value: !GetAtt Group.Arn}}
";

#[tokio::test]
async fn a_bucket_that_is_not_empty_fails_the_deletion_of_its_stack() {
    let started = start().await;
    let (client, s3) = (Client::new(&started.config()), aws_sdk_s3::Client::new(&started.config()));
    client.create_stack().stack_name("kept").template_body(BUCKET_AND_LOGS).send().await.unwrap();
    let deadline = Duration::from_secs(30);
    let made = client.wait_until_stack_create_complete().stack_name("kept").wait(deadline).await.unwrap();
    let made = made.into_result().unwrap();
    let output = |key: &str| {
        let outputs = made.stacks()[0].outputs().iter();
        outputs.clone().find(|one| one.output_key() == Some(key)).unwrap().output_value().unwrap().to_owned()
    };
    assert_eq!(output("Arn"), "arn:aws:logs:eu-central-1:000000000000:log-group:/kept/logs:*");
    let bucket = output("Bucket");
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"kept");
    s3.put_object().bucket(&bucket).key("one").body(body).send().await.unwrap();

    client.delete_stack().stack_name("kept").send().await.unwrap();

    let failed = client.wait_until_stack_delete_complete().stack_name("kept").wait(deadline).await;
    assert!(failed.is_err());
    let described = client.describe_stacks().stack_name("kept").send().await.unwrap();
    let stack = &described.stacks()[0];
    assert_eq!(stack.stack_status(), Some(&StackStatus::DeleteFailed));
    let reason = stack.stack_status_reason();
    assert_eq!(reason, Some("The following resource(s) failed to delete: [Bucket]. "));
    s3.delete_object().bucket(&bucket).key("one").send().await.unwrap();
    client.delete_stack().stack_name("kept").send().await.unwrap();
    client.wait_until_stack_delete_complete().stack_name("kept").wait(deadline).await.unwrap();
}

#[tokio::test]
async fn a_template_may_come_from_s3() {
    let started = start().await;
    let (client, s3) = (Client::new(&started.config()), aws_sdk_s3::Client::new(&started.config()));
    let place = aws_sdk_s3::types::BucketLocationConstraint::EuCentral1;
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(place).build();
    s3.create_bucket().bucket("templates").create_bucket_configuration(place).send().await.unwrap();
    let body = aws_sdk_s3::primitives::ByteStream::from_static(TEMPLATE.as_bytes());
    s3.put_object().bucket("templates").key("a b.yml").body(body).send().await.unwrap();
    for url in [
        "https://templates.s3.eu-central-1.amazonaws.com/a%20b.yml".to_owned(),
        format!("{}/templates/a%20b.yml", started.cloud.endpoint()),
    ] {
        let summary = client.get_template_summary().template_url(url).send().await.unwrap();
        assert_eq!(summary.parameters().len(), 2);
    }
}

#[tokio::test]
async fn errors_carry_awss_codes_and_words() {
    let started = start().await;
    let client = Client::new(&started.config());
    let missing = client.describe_stacks().stack_name("nope").send().await.unwrap_err();
    assert_eq!(missing.code(), Some("ValidationError"));
    assert_eq!(missing.message(), Some("Stack with id nope does not exist"));
    client.create_stack().stack_name("s").template_body(TEMPLATE).send().await.unwrap();
    let twice = client.create_stack().stack_name("s").template_body(TEMPLATE).send().await.unwrap_err();
    assert_eq!(twice.code(), Some("AlreadyExistsException"));
    client.wait_until_stack_create_complete().stack_name("s").wait(Duration::from_secs(30)).await.unwrap();
    let same = client.update_stack().stack_name("s").template_body(TEMPLATE).send().await.unwrap_err();
    assert_eq!(same.message(), Some("No updates are to be performed."));
    let set = client.describe_change_set().stack_name("s").change_set_name("nope").send().await.unwrap_err();
    assert_eq!(set.code(), Some("ChangeSetNotFound"));
    let delete = client.update_termination_protection().stack_name("s").enable_termination_protection(true);
    delete.send().await.unwrap();
    let protected = client.delete_stack().stack_name("s").send().await.unwrap_err();
    assert!(protected.message().unwrap().contains("TerminationProtection"));
}

#[tokio::test]
async fn a_stack_of_instant_resources_takes_no_time() {
    let started = start().await;
    let mut body = "Resources:\n".to_owned();
    for number in 0..30 {
        let after = if number == 0 { String::new() } else { format!(", DependsOn: R{}", number - 1) };
        body += &format!("  R{number}: {{Type: 'AWS::CloudFormation::WaitConditionHandle'{after}}}\n");
    }
    let began = Instant::now();
    let client = Client::new(&started.config());
    client.create_stack().stack_name("s").template_body(body).send().await.unwrap();
    // The SDK's waiter looks every thirty seconds.
    let status = async || {
        let answer = client.describe_stacks().stack_name("s").send().await.unwrap();
        answer.stacks()[0].stack_status().unwrap().clone()
    };
    while status().await == StackStatus::CreateInProgress && began.elapsed() < Duration::from_secs(10) {
        tokio::task::yield_now().await;
    }
    assert_eq!(status().await, StackStatus::CreateComplete);
    // Thirty resources, one after another; far below AWS's pace even on a busy machine.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let events = client.describe_stack_events().stack_name("s").into_paginator().items().send();
    assert_eq!(events.collect::<Result<Vec<_>, _>>().await.unwrap().len(), 2 + 30 * 3);
}
