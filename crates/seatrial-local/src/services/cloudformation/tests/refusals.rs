//! What calls answer that cannot be done, word for word as LocalStack recorded it on AWS (commit 8b9a79f0, 23 March 2026,
//! Apache-2.0): the kinds that a client meets with stacks, change sets and resources. Those of templates are in
//! `messages.rs`; what nobody has recorded in public is listed in `docs/aws-checked.md`.

use serde_json::{Value, json};

use super::Fixture;

const TOPIC: &str = "Resources: {A: {Type: 'AWS::SNS::Topic'}}";

/// Recording, operation, input, code, message.
type Row = (&'static str, &'static str, Value, &'static str, String);

const INVALID: &str = "ValidationError";
/// On the wire without its ending, by the model.
const GONE: &str = "ChangeSetNotFoundException";

fn not_found_rows(stack_id: &str) -> Vec<Row> {
    let resource = |id: &str| json!({"StackName": stack_id, "LogicalResourceId": id});
    let set =
        "arn:aws:cloudformation:eu-central-1:000000000000:changeSet/x/00000000-0000-0000-0000-000000000000";
    vec![
        (
            "api/test_stacks.py::test_non_existing_stack_message",
            "DescribeStacks",
            json!({"StackName": "none"}),
            INVALID,
            "Stack with id none does not exist".to_owned(),
        ),
        (
            "api/test_stacks.py::TestStacksApi::test_name_conflicts",
            "DeleteChangeSet",
            json!({"StackName": "none", "ChangeSetName": "c"}),
            INVALID,
            "Stack [none] does not exist".to_owned(),
        ),
        (
            "api/test_stacks.py::test_describe_stack_events_errors",
            "DescribeStackEvents",
            json!({"StackName": "none"}),
            INVALID,
            "Stack [none] does not exist".to_owned(),
        ),
        (
            "api/test_resources.py::test_describe_non_existent_resource",
            "DescribeStackResource",
            resource("none"),
            INVALID,
            format!("Resource none does not exist for stack {stack_id}"),
        ),
        (
            "api/test_resources.py::test_describe_non_existent_stack",
            "DescribeStackResource",
            json!({"StackName": "none", "LogicalResourceId": "A"}),
            INVALID,
            "Stack 'none' does not exist".to_owned(),
        ),
        (
            "api/test_stacks.py::test_stack_resource_not_found",
            "DescribeStackResource",
            json!({"StackName": "s", "LogicalResourceId": "NonExistentResource"}),
            INVALID,
            "Resource NonExistentResource does not exist for stack s".to_owned(),
        ),
        (
            "api/test_changesets.py::test_describe_change_set_nonexisting",
            "DescribeChangeSet",
            json!({"StackName": "none", "ChangeSetName": "c"}),
            INVALID,
            "Stack [none] does not exist".to_owned(),
        ),
        (
            "api/test_changesets.py::test_describe_changeset_after_delete",
            "DescribeChangeSet",
            json!({"StackName": "s", "ChangeSetName": "none"}),
            GONE,
            "ChangeSet [none] does not exist".to_owned(),
        ),
        (
            "api/test_changesets.py::test_deleted_changeset",
            "DescribeChangeSet",
            json!({"ChangeSetName": set}),
            GONE,
            format!("ChangeSet [{set}] does not exist"),
        ),
        (
            "api/test_templates.py::test_get_template_missing_resources_change_set_id",
            "GetTemplate",
            json!({"ChangeSetName": set}),
            GONE,
            format!("ChangeSet [{set}] does not exist"),
        ),
    ]
}

fn argument_rows() -> Vec<Row> {
    let stack = |template: &str| json!({"StackName": "n", "TemplateBody": template});
    vec![
        (
            "api/test_changesets.py::test_delete_change_set_exception",
            "DeleteChangeSet",
            json!({"ChangeSetName": "c"}),
            INVALID,
            "StackName must be specified if ChangeSetName is not specified as an ARN.".to_owned(),
        ),
        (
            "api/test_templates.py::test_get_template_missing_resources_change_set",
            "GetTemplate",
            json!({"ChangeSetName": "c"}),
            INVALID,
            "StackName is a required parameter.".to_owned(),
        ),
        (
            "api/test_stacks.py::test_stack_name_creation",
            "CreateStack",
            json!({"StackName": "*@da591fa3_$", "TemplateBody": TOPIC}),
            INVALID,
            "1 validation error detected: Value '*@da591fa3_$' at 'stackName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"
                .to_owned(),
        ),
        (
            "api/test_stacks.py::TestStacksApi::test_create_stack_url_as_template",
            "CreateStack",
            stack("https://bucket.s3.amazonaws.com/template.yml"),
            INVALID,
            "Template format error: unsupported structure.".to_owned(),
        ),
        (
            "api/test_stacks.py::test_no_parameters_given",
            "CreateChangeSet",
            json!({"StackName": "n", "ChangeSetName": "c", "ChangeSetType": "CREATE",
                "TemplateBody": format!("Parameters: {{Input: {{Type: String}}}}\n{TOPIC}")}),
            INVALID,
            "Parameters: [Input] must have values".to_owned(),
        ),
        (
            "api/test_update_stack.py::test_no_template_error",
            "UpdateStack",
            json!({"StackName": "s"}),
            INVALID,
            "Either Template URL or Template Body must be specified.".to_owned(),
        ),
        (
            "api/test_resources.py::test_invalid_logical_resource_id",
            "CreateChangeSet",
            json!({"StackName": "n", "ChangeSetName": "c", "ChangeSetType": "CREATE",
                "TemplateBody": "Resources: {my-bad-resource-id: {Type: 'AWS::SNS::Topic'}}"}),
            INVALID,
            "Template format error: Resource name my-bad-resource-id is non alphanumeric.".to_owned(),
        ),
        (
            "engine/test_references.py::test_useful_error_when_invalid_ref",
            "CreateStack",
            stack("Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref InvalidRef}}}"),
            INVALID,
            "Template format error: Unresolved resource dependencies [InvalidRef] in the Resources block of the template"
                .to_owned(),
        ),
        (
            "api/test_stack_policies.py::TestStackPolicy::test_invalid_policy",
            "SetStackPolicy",
            json!({"StackName": "s", "StackPolicyBody": "{\"Statement\": \"none\"}"}),
            INVALID,
            "Error validating stack policy: Invalid stack policy".to_owned(),
        ),
    ]
}

fn state_rows(stack_id: &str) -> Vec<Row> {
    let create = |stack: &str| json!({"StackName": stack, "ChangeSetName": "again", "ChangeSetType": "CREATE", "TemplateBody": TOPIC});
    vec![
        (
            "api/test_stacks.py::TestStacksApi::test_name_conflicts",
            "CreateStack",
            json!({"StackName": "s", "TemplateBody": TOPIC}),
            "AlreadyExistsException",
            "Stack [s] already exists".to_owned(),
        ),
        (
            "api/test_changesets.py::test_name_conflicts",
            "CreateChangeSet",
            create("s"),
            INVALID,
            "Stack [s] already exists and cannot be created again with the changeSet [again].".to_owned(),
        ),
        (
            "api/test_changesets.py::test_create_changeset_with_stack_id",
            "CreateChangeSet",
            create(stack_id),
            INVALID,
            format!(
                "Stack [{stack_id}] already exists and cannot be created again with the changeSet [again]."
            ),
        ),
        (
            "api/test_update_stack.py::test_update_stack_with_same_template_withoutchange",
            "UpdateStack",
            json!({"StackName": "s", "TemplateBody": TOPIC}),
            INVALID,
            "No updates are to be performed.".to_owned(),
        ),
    ]
}

#[tokio::test]
async fn calls_that_cannot_be_done_are_answered_with_the_code_and_the_words_of_aws() {
    let fixture = Fixture::new().await;
    let stack_id = fixture.create(TOPIC).await;
    fixture.settled("s").await;
    let rows = [not_found_rows(&stack_id), argument_rows(), state_rows(&stack_id)].concat();
    let mut wrong = Vec::new();
    for (source, operation, input, code, expected) in rows {
        let answer = fixture.try_call(operation, input).await;
        let (told, message) = answer.map_or_else(|error| (error.code, error.message), |_| Default::default());
        if told != code || message != expected {
            wrong.push(format!("{source}: {told}: {message}\n  expected {code}: {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `api/test_changesets.py::test_empty_changeset`.
#[tokio::test]
async fn a_change_set_without_changes_fails_and_is_not_executed() {
    let fixture = Fixture::new().await;
    fixture.create(TOPIC).await;
    fixture.settled("s").await;
    let set = fixture.change_set(TOPIC, "UPDATE").await;
    let reason = "The submitted information didn't contain changes. Submit different information to create a change set.";
    assert_eq!((&set["Status"], &set["StatusReason"]), (&json!("FAILED"), &json!(reason)));
    let refused = fixture.try_call("ExecuteChangeSet", json!({"ChangeSetName": set["ChangeSetId"]})).await;
    let refused = refused.unwrap_err();
    let id = set["ChangeSetId"].as_str().unwrap();
    let expected = format!("ChangeSet [{id}] cannot be executed in its current status of [FAILED]");
    assert_eq!((refused.code.as_ref(), refused.message), ("InvalidChangeSetStatusException", expected));
}

/// `api/test_changesets.py::test_changeset_for_deleted_stack` and `test_create_changeset_for_deleted_stack`.
#[tokio::test]
async fn a_deleted_stack_takes_no_change_set() {
    let fixture = Fixture::new().await;
    let id = fixture.create(TOPIC).await;
    fixture.settled("s").await;
    fixture.call("DeleteStack", json!({"StackName": "s"})).await;
    fixture.settled(&id).await;
    for (kind, expected) in [
        ("UPDATE", format!("Stack:{id} is in DELETE_COMPLETE state and can not be updated.")),
        (
            "CREATE",
            format!("Stack [{id}] already exists and cannot be created again with the changeSet [c]."),
        ),
    ] {
        let input =
            json!({"StackName": id, "ChangeSetName": "c", "ChangeSetType": kind, "TemplateBody": TOPIC});
        assert_eq!(fixture.message("CreateChangeSet", input).await, expected);
    }
}

/// `api/test_stacks.py::test_blocked_stack_deletion`: with its full stop and the space behind it.
#[tokio::test]
async fn what_fails_to_delete_is_named_by_the_stack() {
    let fixture = Fixture::new().await;
    fixture
        .create("Resources: {Broken: {Type: 'Test::Local::Thing', Properties: {FailsDelete: true}}}")
        .await;
    fixture.settled("s").await;
    fixture.call("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(fixture.settled("s").await, "DELETE_FAILED");
    let stack = fixture.call("DescribeStacks", json!({"StackName": "s"})).await["Stacks"][0].take();
    assert_eq!(stack["StackStatusReason"], "The following resource(s) failed to delete: [Broken]. ");
}

/// `api/test_resources.py::test_describe_deleted_resource_on_update`.
#[tokio::test]
async fn a_resource_that_an_update_removed_is_no_more() {
    let fixture = Fixture::new().await;
    fixture.create("Resources: {A: {Type: 'AWS::SNS::Topic'}, Parameter: {Type: 'AWS::SNS::Topic'}}").await;
    fixture.settled("s").await;
    fixture.update(TOPIC).await;
    fixture.settled("s").await;
    let asked = json!({"StackName": "s", "LogicalResourceId": "Parameter"});
    let refused = fixture.message("DescribeStackResource", asked).await;
    assert_eq!(refused, "Resource Parameter does not exist for stack s");
}

/// AWS makes such a change set, says so where values are asked for, and fails its execution
/// (`test_change_set_exports_imports.py::test_describe_change_set_import_non_existent_export`); here it is refused at once.
#[tokio::test]
async fn an_export_that_does_not_exist_is_told_by_its_name() {
    let fixture = Fixture::new().await;
    let template = "Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !ImportValue none}}}";
    let refused = fixture.message("CreateStack", json!({"StackName": "s", "TemplateBody": template})).await;
    assert_eq!(refused, "No export named none found.");
}

/// `test_change_set_fn_get_attr.py::test_immutable_property_update_causes_resource_replacement`.
#[tokio::test]
async fn a_replacement_says_why_there_is_a_new_resource() {
    let fixture = Fixture::new().await;
    let named = "Resources: {P: {Type: 'AWS::SNS::Topic', Properties: {TopicName: one}}}";
    fixture.create(named).await;
    fixture.settled("s").await;
    fixture.update(&named.replace("one", "two")).await;
    assert_eq!(fixture.settled("s").await, "UPDATE_COMPLETE");
    let events = fixture.events("s").await;
    let expected = "P UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence creating one.";
    assert!(events.iter().any(|line| line == expected), "{events:#?}");
}
