//! Whole stack operations on a local cloud, with a resource type that does what its properties say.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::resources::{Attributes, Change, Created, Resource, ResourceContext, ResourceTypes};
use crate::{LocalCloud, Options, Principal, ServiceError, Settings};

struct Thing;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    name: Option<String>,
    #[serde(default)]
    fails: bool,
    #[serde(default)]
    fails_update: bool,
    #[serde(default)]
    fails_delete: bool,
    #[serde(default)]
    hangs: bool,
}

fn refused(text: &str) -> ServiceError {
    ServiceError::new("InvalidRequest", text)
}

impl Resource for Thing {
    const TYPE: &'static str = "Test::Local::Thing";
    type Properties = Properties;

    async fn create(ctx: &ResourceContext, properties: Properties) -> Result<Created, ServiceError> {
        let physical_id = properties.name.unwrap_or_else(|| ctx.generated_name(60));
        if properties.hangs {
            ctx.initiated(&physical_id);
            std::future::pending::<()>().await;
        }
        if properties.fails {
            return Err(refused("it does not want to be made"));
        }
        Ok(Created { attributes: attributes(&physical_id), physical_id })
    }

    async fn update(
        _: &ResourceContext,
        physical_id: &str,
        change: Change<Properties>,
    ) -> Result<Attributes, ServiceError> {
        if change.new.fails_update {
            return Err(refused("it does not want to change"));
        }
        Ok(attributes(physical_id))
    }

    async fn delete(_: &ResourceContext, _: &str, properties: Properties) -> Result<(), ServiceError> {
        if properties.fails_delete { Err(refused("it does not want to go")) } else { Ok(()) }
    }
}

fn attributes(physical_id: &str) -> Attributes {
    Attributes::from_iter([("Arn".to_owned(), json!(format!("arn:{physical_id}")))])
}

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Thing>();
}

struct Fixture {
    local: LocalCloud,
    dir: tempfile::TempDir,
}

async fn start(dir: &Path) -> LocalCloud {
    let settings = Settings {
        account: "000000000000".to_owned(),
        region: "eu-central-1".to_owned(),
        source: dir.to_owned(),
    };
    let options = Options { data_dir: dir.to_owned(), port: Some(0), settings, time_scale: 60.0 };
    LocalCloud::start(options).await.unwrap()
}

impl Fixture {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { local: start(dir.path()).await, dir }
    }

    async fn restarted(self) -> Self {
        let Self { local, dir } = self;
        local.stop().await;
        Self { local: start(dir.path()).await, dir }
    }

    async fn try_call(&self, operation: &str, input: Value) -> Result<Value, ServiceError> {
        let principal = Principal::operator("000000000000");
        self.local.cloud().dispatch(&principal, ("cloudformation", operation), input).await
    }

    async fn call(&self, operation: &str, input: Value) -> Value {
        self.try_call(operation, input).await.unwrap()
    }

    async fn message(&self, operation: &str, input: Value) -> String {
        self.try_call(operation, input).await.unwrap_err().message
    }

    /// Creates the stack `s` by `CreateStack` and answers its ID.
    async fn create(&self, template: &str) -> String {
        let answer = self.call("CreateStack", json!({"StackName": "s", "TemplateBody": template})).await;
        answer["StackId"].as_str().unwrap().to_owned()
    }

    async fn update(&self, template: &str) {
        self.call("UpdateStack", json!({"StackName": "s", "TemplateBody": template})).await;
    }

    /// Waits until the stack is at rest, and answers its status.
    async fn settled(&self, stack: &str) -> String {
        let store = self.local.cloud().part::<super::store::Store>();
        let at_rest = || store.stack(stack).map(|one| one.status).filter(|status| !status.is_in_flight());
        let status = self.local.cloud().wait_until(Duration::from_secs(20), at_rest).await;
        status.expect("the stack comes to rest").name().to_owned()
    }

    /// The stack's events, oldest first: `LOGICAL STATUS [REASON]`.
    async fn events(&self, stack: &str) -> Vec<String> {
        let answer = self.call("DescribeStackEvents", json!({"StackName": stack})).await;
        let events = answer["StackEvents"].as_array().unwrap().iter().rev();
        let line = |event: &Value| {
            let field = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            let reason = field("ResourceStatusReason");
            let token = reason.find(" (RequestToken").unwrap_or(reason.len());
            format!("{} {} {}", field("LogicalResourceId"), field("ResourceStatus"), &reason[..token])
        };
        events.map(line).map(|line| line.trim().to_owned()).collect()
    }

    async fn physical_id(&self, logical_id: &str) -> String {
        let input = json!({"StackName": "s", "LogicalResourceId": logical_id});
        let answer = self.call("DescribeStackResource", input).await;
        answer["StackResourceDetail"]["PhysicalResourceId"].as_str().unwrap().to_owned()
    }

    async fn change_set(&self, template: &str, kind: &str) -> Value {
        let mut input = json!({"StackName": "s", "ChangeSetName": "c", "ChangeSetType": kind});
        input["TemplateBody"] = json!(template);
        let id = self.call("CreateChangeSet", input).await["Id"].clone();
        self.call("DescribeChangeSet", json!({"ChangeSetName": id})).await
    }
}

const TWO: &str = "Resources:\n  A: {Type: 'Test::Local::Thing'}\n  \
                   B: {Type: 'Test::Local::Thing', Properties: {Needs: !GetAtt A.Arn}}\n\
                   Outputs: {Arn: {Value: !GetAtt B.Arn, Description: d}}";

#[tokio::test]
async fn a_stack_is_created_in_order_described_and_deleted() {
    let cloud = Fixture::new().await;
    let id = cloud.create(TWO).await;
    assert_eq!(cloud.settled("s").await, "CREATE_COMPLETE");
    assert_eq!(
        cloud.events("s").await,
        [
            "s CREATE_IN_PROGRESS User Initiated",
            "A CREATE_IN_PROGRESS",
            "A CREATE_IN_PROGRESS Resource creation Initiated",
            "A CREATE_COMPLETE",
            "B CREATE_IN_PROGRESS",
            "B CREATE_IN_PROGRESS Resource creation Initiated",
            "B CREATE_COMPLETE",
            "s CREATE_COMPLETE",
        ]
    );
    let stacks = cloud.call("DescribeStacks", json!({"StackName": "s"})).await;
    let output = &stacks["Stacks"][0]["Outputs"][0];
    assert_eq!(output["OutputValue"], format!("arn:{}", cloud.physical_id("B").await));
    let template = cloud.call("GetTemplate", json!({"StackName": "s"})).await;
    assert_eq!(template["TemplateBody"], TWO);

    cloud.call("DeleteStack", json!({"StackName": "s"})).await;

    assert_eq!(cloud.settled(&id).await, "DELETE_COMPLETE");
    let events = cloud.events(&id).await;
    let gone = |id: &str| events.iter().position(|event| *event == format!("{id} DELETE_COMPLETE")).unwrap();
    assert!(gone("B") < gone("A"));
    assert_eq!(
        cloud.message("DescribeStacks", json!({"StackName": "s"})).await,
        "Stack with id s does not exist"
    );
}

#[tokio::test]
async fn a_failed_creation_rolls_back_and_tells_the_reason() {
    let cloud = Fixture::new().await;
    cloud
        .create(
            "Resources:\n  A: {Type: 'Test::Local::Thing', Properties: {Fails: true}}\n  \
             H: {Type: 'Test::Local::Thing', Properties: {Hangs: true}}",
        )
        .await;
    assert_eq!(cloud.settled("s").await, "ROLLBACK_COMPLETE");
    let events = cloud.events("s").await;
    for expected in [
        "A CREATE_FAILED Resource handler returned message: \"it does not want to be made\"",
        "H CREATE_FAILED Resource creation cancelled",
        "s ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [A, H]. Rollback requested by user.",
        "H DELETE_COMPLETE",
        "s ROLLBACK_COMPLETE",
    ] {
        assert!(events.contains(&expected.to_owned()), "{expected} in {events:#?}");
    }
    let refused = cloud.message("UpdateStack", json!({"StackName": "s", "TemplateBody": TWO})).await;
    assert!(refused.ends_with("is in ROLLBACK_COMPLETE state and can not be updated."), "{refused}");
}

#[tokio::test]
async fn an_update_changes_replaces_adds_and_removes() {
    let cloud = Fixture::new().await;
    cloud
        .create(
            "Resources:\n  Same: {Type: 'Test::Local::Thing'}\n  Gone: {Type: 'Test::Local::Thing'}\n  \
             Changed: {Type: 'Test::Local::Thing', Properties: {Needs: 1}}\n  \
             Renewed: {Type: 'Test::Local::Thing', Properties: {Name: one}}",
        )
        .await;
    cloud.settled("s").await;
    let before = cloud.events("s").await.len();
    let next = "Resources:\n  Same: {Type: 'Test::Local::Thing'}\n  New: {Type: 'Test::Local::Thing'}\n  \
                Changed: {Type: 'Test::Local::Thing', Properties: {Needs: 2}}\n  \
                Renewed: {Type: 'Test::Local::Thing', Properties: {Name: two}}\n  \
                After: {Type: 'Test::Local::Thing', Properties: {Needs: !Ref Renewed}}";
    let set = cloud.change_set(next, "UPDATE").await;
    let change = |id: &str| {
        let changes = set["Changes"].as_array().unwrap().iter().map(|change| &change["ResourceChange"]);
        changes.clone().find(|change| change["LogicalResourceId"] == id).cloned().unwrap_or_default()
    };
    assert_eq!(change("Same"), Value::Null);
    assert_eq!(change("New")["Action"], "Add");
    assert_eq!(change("Gone")["Action"], "Remove");
    assert_eq!(
        (&change("Changed")["Action"], &change("Changed")["Replacement"]),
        (&json!("Modify"), &json!("False"))
    );
    assert_eq!(change("Renewed")["Replacement"], "True");
    let target = json!({"Attribute": "Properties", "Name": "Name", "RequiresRecreation": "Always"});
    assert_eq!(change("Renewed")["Details"][0]["Target"], target);

    cloud.call("ExecuteChangeSet", json!({"ChangeSetName": "c", "StackName": "s"})).await;

    assert_eq!(cloud.settled("s").await, "UPDATE_COMPLETE");
    assert_eq!(cloud.physical_id("Renewed").await, "two");
    let events = cloud.events("s").await.split_off(before);
    assert!(!events.iter().any(|event| event.starts_with("Same ")));
    let cleanup = events.iter().position(|event| event == "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS").unwrap();
    for expected in ["Gone DELETE_COMPLETE", "Renewed DELETE_COMPLETE"] {
        assert!(events.iter().position(|event| event == expected).unwrap() > cleanup, "{events:#?}");
    }
    let nothing = cloud.message("UpdateStack", json!({"StackName": "s", "TemplateBody": next})).await;
    assert_eq!(nothing, "No updates are to be performed.");
}

#[tokio::test]
async fn a_failed_update_puts_everything_back() {
    let cloud = Fixture::new().await;
    let old = "Resources:\n  Changed: {Type: 'Test::Local::Thing', Properties: {Needs: 1}}\n  \
               Renewed: {Type: 'Test::Local::Thing', Properties: {Name: one}}";
    cloud.create(old).await;
    cloud.settled("s").await;
    cloud
        .update(
            "Resources:\n  Changed: {Type: 'Test::Local::Thing', Properties: {Needs: 2, FailsUpdate: true}, \
             DependsOn: [Renewed, New]}\n  Renewed: {Type: 'Test::Local::Thing', Properties: {Name: two}}\n  \
             New: {Type: 'Test::Local::Thing'}",
        )
        .await;
    assert_eq!(cloud.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(cloud.physical_id("Renewed").await, "one");
    let events = cloud.events("s").await;
    for expected in [
        "s UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to update: [Changed].",
        "Changed UPDATE_COMPLETE",
        "s UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "New DELETE_COMPLETE",
        "Renewed DELETE_COMPLETE",
    ] {
        assert!(events.contains(&expected.to_owned()), "{expected} in {events:#?}");
    }
    let template = cloud.call("GetTemplate", json!({"StackName": "s"})).await;
    assert_eq!(template["TemplateBody"], old);
    let resources = cloud.call("ListStackResources", json!({"StackName": "s"})).await;
    assert_eq!(resources["StackResourceSummaries"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_deletion_that_fails_may_retain_what_failed() {
    let cloud = Fixture::new().await;
    let id =
        cloud.create("Resources: {A: {Type: 'Test::Local::Thing', Properties: {FailsDelete: true}}}").await;
    cloud.settled("s").await;
    let early = cloud.message("DeleteStack", json!({"StackName": "s", "RetainResources": ["A"]})).await;
    assert!(early.contains("only when the stack is in the DELETE_FAILED state"), "{early}");
    cloud.call("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(cloud.settled("s").await, "DELETE_FAILED");
    let stack = cloud.call("DescribeStacks", json!({"StackName": "s"})).await;
    let reason = &stack["Stacks"][0]["StackStatusReason"];
    assert_eq!(reason, "The following resource(s) failed to delete: [A]. ");

    cloud.call("DeleteStack", json!({"StackName": "s", "RetainResources": ["A"]})).await;

    assert_eq!(cloud.settled(&id).await, "DELETE_COMPLETE");
    assert!(cloud.events(&id).await.contains(&"A DELETE_SKIPPED".to_owned()));
}

#[tokio::test]
async fn an_operation_in_flight_goes_on_after_a_restart() {
    let cloud = Fixture::new().await;
    let id = cloud
        .create(
            "Resources:\n  A: {Type: 'Test::Local::Thing'}\n  \
             H: {Type: 'Test::Local::Thing', DependsOn: A, Properties: {Hangs: true}}",
        )
        .await;
    let store = cloud.local.cloud().part::<super::store::Store>();
    let hangs = || store.resources_of(&id).get("H").and_then(|one| one.physical_id.clone());
    let name = cloud.local.cloud().wait_until(Duration::from_secs(20), hangs).await.unwrap();
    drop(store);

    let cloud = cloud.restarted().await;
    let made_once = cloud.events(&id).await.iter().filter(|event| *event == "A CREATE_COMPLETE").count();
    assert_eq!(made_once, 1);
    assert_eq!(cloud.physical_id("H").await, name);
    cloud.call("DeleteStack", json!({"StackName": "s"})).await;

    assert_eq!(cloud.settled(&id).await, "DELETE_COMPLETE");
}

#[tokio::test]
async fn a_change_set_without_changes_fails_and_one_for_a_new_stack_creates_it() {
    let cloud = Fixture::new().await;
    let set = cloud.change_set(TWO, "CREATE").await;
    assert_eq!((&set["Status"], &set["ExecutionStatus"]), (&json!("CREATE_COMPLETE"), &json!("AVAILABLE")));
    let stacks = cloud.call("DescribeStacks", json!({"StackName": "s"})).await;
    assert_eq!(stacks["Stacks"][0]["StackStatus"], "REVIEW_IN_PROGRESS");
    cloud.call("ExecuteChangeSet", json!({"ChangeSetName": set["ChangeSetId"]})).await;
    assert_eq!(cloud.settled("s").await, "CREATE_COMPLETE");
    cloud.call("DeleteChangeSet", json!({"ChangeSetName": set["ChangeSetId"]})).await;

    let empty = cloud.change_set(TWO, "UPDATE").await;

    assert_eq!(empty["Status"], "FAILED");
    let reason = "The submitted information didn't contain changes. Submit different information to create a \
                  change set.";
    assert_eq!(empty["StatusReason"], reason);
    let execute = cloud.try_call("ExecuteChangeSet", json!({"ChangeSetName": empty["ChangeSetId"]})).await;
    assert_eq!(execute.unwrap_err().code, "InvalidChangeSetStatusException");
}

#[tokio::test]
async fn what_the_schema_does_not_allow_fails_the_change_set_and_is_told_by_its_events() {
    let cloud = Fixture::new().await;
    let set = cloud
        .change_set("Resources: {A: {Type: 'Test::Local::Thing', Properties: {Colour: 1}}}", "CREATE")
        .await;
    assert_eq!(set["Status"], "FAILED");
    assert!(set["StatusReason"].as_str().unwrap().contains("[AWS::EarlyValidation::PropertyValidation]"));
    let events = cloud.call("DescribeEvents", json!({"ChangeSetName": set["ChangeSetId"]})).await;
    let reason = &events["OperationEvents"][0]["ValidationStatusReason"];
    assert_eq!(reason, "#: extraneous key [Colour] is not permitted");
}

#[tokio::test]
async fn templates_that_cannot_work_are_refused_before_anything_is_made() {
    let cloud = Fixture::new().await;
    let refused = |body: &'static str| {
        let input = json!({"StackName": "s", "TemplateBody": body});
        let cloud = &cloud;
        async move { cloud.message("CreateStack", input).await }
    };
    assert_eq!(
        refused("Resources: {A: {Type: 'Nope::Nope::Nope'}}").await,
        "Template format error: Unrecognized resource types: [Nope::Nope::Nope]"
    );
    assert_eq!(
        refused("Resources: {A: {Type: 'AWS::IAM::Role', Properties: {RoleName: r}}}").await,
        "Requires capabilities : [CAPABILITY_NAMED_IAM]"
    );
    assert_eq!(
        refused(
            "Resources:\n  A: {Type: 'Test::Local::Thing', DependsOn: B}\n  \
             B: {Type: 'Test::Local::Thing', DependsOn: A}"
        )
        .await,
        "Circular dependency between resources: [A, B]"
    );
    let all = cloud.call("ListStacks", json!({})).await;
    assert_eq!(all["StackSummaries"], json!([]));
}
