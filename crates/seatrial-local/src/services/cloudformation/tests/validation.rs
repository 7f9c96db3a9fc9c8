//! The validation before deployment: change sets, creations and updates.

use serde_json::{Value, json};

use super::Fixture;

const WRONG: &str = "Resources: {A: {Type: 'Test::Local::Thing', Properties: {Colour: 1}}}";
const RIGHT: &str = "Resources: {A: {Type: 'Test::Local::Thing'}}";
const REPOSITORY: &str =
    "Resources: {R: {Type: 'AWS::ECR::Repository', Properties: {RepositoryName: taken}}}";

impl Fixture {
    /// The validation's events of a stack's last operation: name, mode, resource, text.
    async fn found(&self, of: Value) -> Vec<[String; 4]> {
        let events = self.call("DescribeEvents", of).await["OperationEvents"].clone();
        let events = events.as_array().unwrap().iter().filter(|one| one["EventType"] == "VALIDATION_ERROR");
        let names =
            ["ValidationName", "ValidationFailureMode", "LogicalResourceId", "ValidationStatusReason"];
        events.map(|event| names.map(|name| event[name].as_str().unwrap().to_owned())).collect()
    }
}

fn finding(texts: [&str; 4]) -> Vec<[String; 4]> {
    vec![texts.map(str::to_owned)]
}

#[tokio::test]
async fn a_creation_and_an_update_end_before_anything_is_made_and_events_tell_why() {
    let cloud = Fixture::new().await;
    cloud.create(WRONG).await;
    assert_eq!(cloud.settled("s").await, "ROLLBACK_COMPLETE");
    let events = cloud.events("s").await;
    assert!(!events.iter().any(|event| event.starts_with("A ")), "{events:#?}");
    let reason = "s ROLLBACK_IN_PROGRESS Validation failure detected. See the operation's FAILED event for \
                  details. Rollback requested by user.";
    assert!(events.contains(&reason.to_owned()), "{events:#?}");
    let extraneous = "#: extraneous key [Colour] is not permitted";
    let expected = finding(["PROPERTY_VALIDATION", "FAIL", "A", extraneous]);
    assert_eq!(cloud.found(json!({"StackName": "s"})).await, expected);
    let stack = cloud.call("DescribeStacks", json!({"StackName": "s"})).await["Stacks"][0].clone();
    cloud.call("DeleteStack", json!({"StackName": "s"})).await;
    cloud.settled(stack["StackId"].as_str().unwrap()).await;

    cloud.create(RIGHT).await;
    cloud.settled("s").await;
    cloud.update(WRONG).await;

    assert_eq!(cloud.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
    let stack = cloud.call("DescribeStacks", json!({"StackName": "s"})).await["Stacks"][0].clone();
    let operation = stack["LastOperations"][0]["OperationId"].clone();
    assert_eq!(cloud.found(json!({"OperationId": operation})).await, expected);
}

#[tokio::test]
async fn without_the_validation_the_resource_fails_instead() {
    let cloud = Fixture::new().await;
    let input = json!({"StackName": "s", "TemplateBody": WRONG, "DisableValidation": true});
    cloud.call("CreateStack", input).await;
    assert_eq!(cloud.settled("s").await, "ROLLBACK_COMPLETE");
    let events = cloud.events("s").await;
    assert!(events.iter().any(|event| event.starts_with("A CREATE_FAILED ")), "{events:#?}");
    let mut input = json!({"StackName": "t", "ChangeSetName": "c", "ChangeSetType": "CREATE"});
    input["TemplateBody"] = json!(WRONG);
    input["DisableValidation"] = json!(true);
    let id = cloud.call("CreateChangeSet", input).await["Id"].clone();
    let set = cloud.call("DescribeChangeSet", json!({"ChangeSetName": id})).await;
    assert_eq!(set["Status"], "CREATE_COMPLETE");
}

#[tokio::test]
async fn a_name_that_is_taken_fails_before_anything_is_made() {
    let cloud = Fixture::new().await;
    cloud.call("CreateStack", json!({"StackName": "other", "TemplateBody": REPOSITORY})).await;
    assert_eq!(cloud.settled("other").await, "CREATE_COMPLETE");
    let set = cloud.change_set(REPOSITORY, "CREATE").await;
    assert_eq!(set["Status"], "FAILED");
    let reason = set["StatusReason"].as_str().unwrap();
    assert!(reason.contains("[AWS::EarlyValidation::ResourceExistenceCheck]"), "{reason}");
    let text = "Resource of type 'AWS::ECR::Repository' with identifier 'taken' already exists.";
    let expected = finding(["NAME_CONFLICT_VALIDATION", "FAIL", "R", text]);
    assert_eq!(cloud.found(json!({"ChangeSetName": set["ChangeSetId"]})).await, expected);
    cloud.create(REPOSITORY).await;
    assert_eq!(cloud.settled("s").await, "ROLLBACK_COMPLETE");
    assert_eq!(cloud.found(json!({"StackName": "s"})).await[..1], expected[..]);
    let still = cloud.settled("other").await;
    assert_eq!(still, "CREATE_COMPLETE");
}

#[tokio::test]
async fn what_would_be_deleted_while_it_holds_something_is_a_warning_of_the_change_set() {
    let cloud = Fixture::new().await;
    let bucket = "Resources:\n  Keep: {Type: 'Test::Local::Thing'}\n  \
                  B: {Type: 'AWS::S3::Bucket', Properties: {BucketName: holds}}";
    cloud.create(bucket).await;
    assert_eq!(cloud.settled("s").await, "CREATE_COMPLETE");
    let without = "Resources:\n  Keep: {Type: 'Test::Local::Thing'}";
    let empty = cloud.change_set(without, "UPDATE").await;
    assert_eq!(cloud.found(json!({"ChangeSetName": empty["ChangeSetId"]})).await, Vec::<[String; 4]>::new());
    cloud.call("DeleteChangeSet", json!({"ChangeSetName": empty["ChangeSetId"]})).await;
    let principal = crate::principal::Principal::operator("000000000000");
    let place = crate::services::s3::objects::Place::latest("holds", "key");
    crate::services::s3::objects::put(cloud.local.cloud(), &principal, place, b"x").await.unwrap();

    let set = cloud.change_set(without, "UPDATE").await;

    assert_eq!(set["Status"], "CREATE_COMPLETE");
    let expected = finding(["BUCKET_EMPTINESS_VALIDATION", "WARN", "B", "The bucket is not empty."]);
    assert_eq!(cloud.found(json!({"ChangeSetName": set["ChangeSetId"]})).await, expected);
}
