//! Change sets beside what they tell: which there are, how long, and what is refused.

use serde_json::{Value, json};

use super::Fixture;

const ONE: &str = "Resources: {A: {Type: 'Test::Local::Thing', Properties: {Needs: 1}}}";
const OTHER: &str = "Resources: {A: {Type: 'Test::Local::Thing', Properties: {Needs: 2}}}";

async fn described(cloud: &Fixture, id: &Value) -> Value {
    cloud.call("DescribeChangeSet", json!({"ChangeSetName": id})).await
}

/// LocalStack's recording `test_changesets.py::test_name_conflicts`.
#[tokio::test]
async fn an_executed_change_set_is_described_by_its_arn_after_its_stack_was_deleted() {
    let cloud = Fixture::new().await;
    let set = cloud.change_set(ONE, "CREATE").await;
    let (set, stack) = (set["ChangeSetId"].clone(), set["StackId"].as_str().unwrap().to_owned());
    cloud.call("ExecuteChangeSet", json!({"ChangeSetName": set})).await;
    cloud.settled(&stack).await;
    let second = cloud.change_set(OTHER, "UPDATE").await["ChangeSetId"].clone();
    cloud.call("ExecuteChangeSet", json!({"ChangeSetName": second})).await;
    cloud.settled(&stack).await;
    let next = cloud.change_set(ONE, "UPDATE").await["ChangeSetId"].clone();
    cloud.call("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(cloud.settled(&stack).await, "DELETE_COMPLETE");

    for executed in [set, second] {
        assert_eq!(described(&cloud, &executed).await["ExecutionStatus"], "EXECUTE_COMPLETE");
    }
    let gone = cloud.try_call("DescribeChangeSet", json!({"ChangeSetName": next})).await.unwrap_err();
    assert_eq!(gone.code, "ChangeSetNotFoundException");
}

/// LocalStack's recording `test_changesets.py::test_create_while_in_review`.
#[tokio::test]
async fn a_stack_in_review_may_be_created_without_its_change_set_which_is_obsolete_then() {
    let cloud = Fixture::new().await;
    let set = cloud.change_set(ONE, "CREATE").await;
    let id = cloud.create(OTHER).await;
    assert_eq!(set["StackId"], json!(id));
    assert_eq!(cloud.settled("s").await, "CREATE_COMPLETE");
    assert_eq!(described(&cloud, &set["ChangeSetId"]).await["ExecutionStatus"], "OBSOLETE");
    let refused = cloud.message("ExecuteChangeSet", json!({"ChangeSetName": set["ChangeSetId"]})).await;
    assert!(refused.ends_with("cannot be executed in its current execution status of [OBSOLETE]"));
    assert_eq!(
        cloud.message("CreateStack", json!({"StackName": "s", "TemplateBody": ONE})).await,
        "Stack [s] already exists"
    );
}

/// LocalStack's recordings `test_changesets.py::test_create_changeset_for_deleted_stack`,
/// `::test_changeset_for_deleted_stack` and `test_update_stack.py::test_update_deleted_stack`.
#[tokio::test]
async fn a_deleted_stack_is_named_in_the_refusal_when_it_is_asked_for_by_its_id() {
    let cloud = Fixture::new().await;
    let id = cloud.create(ONE).await;
    cloud.settled(&id).await;
    cloud.call("DeleteStack", json!({"StackName": "s"})).await;
    cloud.settled(&id).await;
    let mut input = json!({"StackName": id, "ChangeSetName": "c", "TemplateBody": ONE});
    let cannot = format!("Stack:{id} is in DELETE_COMPLETE state and can not be updated.");
    assert_eq!(cloud.message("CreateChangeSet", input.clone()).await, cannot);
    input["ChangeSetType"] = json!("CREATE");
    assert_eq!(
        cloud.message("CreateChangeSet", input).await,
        format!("Stack [{id}] already exists and cannot be created again with the changeSet [c].")
    );
    let update = json!({"StackName": id, "TemplateBody": ONE});
    assert_eq!(cloud.message("UpdateStack", update).await, cannot);
}

#[tokio::test]
async fn other_capabilities_alone_are_no_change() {
    let cloud = Fixture::new().await;
    cloud.create(ONE).await;
    cloud.settled("s").await;
    let mut input = json!({"StackName": "s", "ChangeSetName": "c", "TemplateBody": ONE});
    input["Capabilities"] = json!(["CAPABILITY_IAM"]);
    let id = cloud.call("CreateChangeSet", input).await["Id"].clone();
    let reason = described(&cloud, &id).await["StatusReason"].clone();
    assert!(reason.as_str().unwrap().starts_with("The submitted information didn't contain changes."));
}

#[tokio::test]
async fn no_two_events_of_a_stack_share_a_millisecond() {
    let cloud = Fixture::new().await;
    let resource = |number: u32| format!("  R{number}: {{Type: 'Test::Local::Thing'}}\n");
    let resources: String = (0..20).map(resource).collect();
    cloud.create(&format!("Resources:\n{resources}")).await;
    cloud.settled("s").await;
    let events = cloud.call("DescribeStackEvents", json!({"StackName": "s"})).await;
    let events = events["StackEvents"].as_array().unwrap().iter();
    let times: Vec<_> = events.map(|event| (event["Timestamp"].as_f64().unwrap() * 1000.0) as i64).collect();
    assert!(times.len() > 60 && times.windows(2).all(|pair| pair[0] > pair[1]), "{times:?}");
}

#[tokio::test]
async fn an_edit_of_own_tags_is_one_of_a_property_and_metadata_is_evaluated() {
    let cloud = Fixture::new().await;
    let template = "Parameters: {P: {Type: String}}\nResources:\n  \
                    B: {Type: 'AWS::S3::Bucket', Properties: {Tags: [{Key: k, Value: !Ref P}]}, \
                    Metadata: {Of: !Ref P}}";
    let request = |value: &str| {
        let mut request = json!({"StackName": "s", "TemplateBody": template, "ChangeSetName": "c"});
        request["Parameters"] = json!([{"ParameterKey": "P", "ParameterValue": value}]);
        request
    };
    cloud.call("CreateStack", request("one")).await;
    assert_eq!(cloud.settled("s").await, "CREATE_COMPLETE");
    let detail = json!({"StackName": "s", "LogicalResourceId": "B"});
    let detail = cloud.call("DescribeStackResource", detail).await;
    assert_eq!(detail["StackResourceDetail"]["Metadata"], r#"{"Of":"one"}"#);

    let set = cloud.call("CreateChangeSet", request("two")).await;

    let change = described(&cloud, &set["Id"]).await["Changes"][0]["ResourceChange"].clone();
    let details = change["Details"].as_array().unwrap();
    let targets: Vec<_> = details.iter().map(|detail| detail["Target"]["Attribute"].as_str()).collect();
    // LocalStack's recording `test_stacks.py::test_no_echo_parameter`: two of each.
    assert_eq!(targets, [Some("Properties"), Some("Properties"), Some("Metadata"), Some("Metadata")]);
    assert_eq!(details[0]["Target"]["Name"], "Tags");
    assert_eq!(change["Scope"], json!(["Metadata", "Properties"]));
}

#[tokio::test]
async fn a_stack_that_is_in_review_has_no_template_and_its_change_set_has() {
    let fixture = Fixture::new().await;
    let template = "Resources: {A: {Type: 'Test::Local::Thing'}}";
    let set = fixture.change_set(template, "CREATE").await;

    let of_stack = fixture.call("GetTemplate", json!({"StackName": "s"})).await;
    let of_set = fixture.call("GetTemplate", json!({"ChangeSetName": set["ChangeSetId"]})).await;

    assert_eq!(of_stack["TemplateBody"], Value::Null);
    assert_eq!(of_set["TemplateBody"], template);
}
