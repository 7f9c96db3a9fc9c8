//! Whole stack operations on a local cloud.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::store::Store;
use super::Fixture;

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
    let store = cloud.local.cloud().part::<Store>();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn change_sets_made_at_once_for_a_new_stack_are_all_of_one_stack_and_one_of_them_creates_it() {
    let cloud = Arc::new(Fixture::new().await);
    for round in 0..20 {
        let stack = format!("s{round}");
        let made = (0..8).map(|number| {
            let (cloud, stack) = (Arc::clone(&cloud), stack.clone());
            tokio::spawn(async move {
                let mut input = json!({"StackName": stack, "ChangeSetType": "CREATE", "TemplateBody": TWO});
                input["ChangeSetName"] = json!(format!("c{number}"));
                let set = cloud.call("CreateChangeSet", input).await;
                let execute = json!({"ChangeSetName": set["Id"]});
                (set["StackId"].clone(), cloud.try_call("ExecuteChangeSet", execute).await)
            })
        });
        let mut stacks = Vec::new();
        let mut executed = 0;
        for one in made.collect::<Vec<_>>() {
            // A change set that came too late is refused.
            let Ok((id, execution)) = one.await else { continue };
            stacks.push(id);
            executed += usize::from(execution.is_ok());
        }
        stacks.dedup();
        assert_eq!((stacks.len(), executed), (1, 1), "{stacks:?}");
        cloud.settled(&stack).await;
        let left = cloud.call("ListChangeSets", json!({"StackName": stack})).await;
        assert_eq!(left["Summaries"], json!([]));
    }
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

#[tokio::test]
async fn an_update_that_is_cancelled_is_rolled_back() {
    let cloud = Fixture::new().await;
    cloud.create("Resources: {A: {Type: 'Test::Local::Thing', Properties: {Needs: 1}}}").await;
    cloud.settled("s").await;
    cloud
        .update(
            "Resources:\n  A: {Type: 'Test::Local::Thing', Properties: {Needs: 2}}\n  \
             H: {Type: 'Test::Local::Thing', DependsOn: A, Properties: {Hangs: true}}",
        )
        .await;
    let hangs = || {
        let store = cloud.local.cloud().part::<Store>();
        let id = store.stack("s")?.id;
        store.resources_of(&id).get("H").and_then(|one| one.physical_id.clone())
    };
    cloud.local.cloud().wait_until(Duration::from_secs(20), hangs).await.unwrap();

    cloud.call("CancelUpdateStack", json!({"StackName": "s"})).await;

    assert_eq!(cloud.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
    let events = cloud.events("s").await;
    for expected in ["H CREATE_FAILED Resource creation cancelled", "H DELETE_COMPLETE", "A UPDATE_COMPLETE"]
    {
        assert!(events.contains(&expected.to_owned()), "{expected} in {events:#?}");
    }
}

#[tokio::test]
async fn changed_stack_tags_reach_every_resource() {
    let cloud = Fixture::new().await;
    cloud.create(TWO).await;
    cloud.settled("s").await;
    let mut input = json!({"StackName": "s", "UsePreviousTemplate": true});
    input["Tags"] = json!([{"Key": "k", "Value": "v"}]);
    cloud.call("UpdateStack", input).await;
    assert_eq!(cloud.settled("s").await, "UPDATE_COMPLETE");
    let events = cloud.events("s").await;
    assert!(
        events.contains(&"A UPDATE_COMPLETE".to_owned()) && events.contains(&"B UPDATE_COMPLETE".to_owned())
    );
}

#[tokio::test]
async fn an_update_that_failed_and_was_left_so_is_mended_or_rolled_back() {
    let cloud = Fixture::new().await;
    let template = |name: &str, needs: u32, fails: bool| {
        format!(
            "Resources:\n  A: {{Type: 'Test::Local::Thing', Properties: {{Name: {name}, Needs: {needs}}}}}\n  \
             B: {{Type: 'Test::Local::Thing', DependsOn: A, Properties: {{Needs: {needs}, FailsUpdate: {fails}}}}}"
        )
    };
    cloud.create(&template("one", 1, false)).await;
    cloud.settled("s").await;
    let update = |body: String| {
        let cloud = &cloud;
        async move {
            let input = json!({"StackName": "s", "TemplateBody": body, "DisableRollback": true});
            cloud.call("UpdateStack", input).await;
            cloud.settled("s").await
        }
    };
    assert_eq!(update(template("two", 2, true)).await, "UPDATE_FAILED");
    assert_eq!(update(template("three", 3, true)).await, "UPDATE_FAILED");
    assert_eq!(cloud.physical_id("A").await, "three");

    cloud.call("RollbackStack", json!({"StackName": "s"})).await;

    assert_eq!(cloud.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(cloud.physical_id("A").await, "one");
    let events = cloud.events("s").await;
    assert_eq!(events.iter().filter(|event| *event == "A DELETE_COMPLETE").count(), 2, "{events:#?}");
    assert_eq!(update(template("four", 4, false)).await, "UPDATE_COMPLETE");
    assert_eq!(cloud.physical_id("A").await, "four");
}

#[tokio::test]
async fn a_parameter_without_echo_is_shown_nowhere() {
    let cloud = Fixture::new().await;
    cloud
        .create(
            "Parameters: {P: {Type: String, NoEcho: true, Default: hidden}}\n\
             Resources: {A: {Type: 'Test::Local::Thing', Properties: {Needs: !Sub 'x-${P}'}}}",
        )
        .await;
    cloud.settled("s").await;
    for operation in ["DescribeStacks", "DescribeStackEvents", "DescribeStackResources"] {
        let answer = cloud.call(operation, json!({"StackName": "s"})).await.to_string();
        assert!(!answer.contains("hidden"), "{operation}: {answer}");
    }
}
