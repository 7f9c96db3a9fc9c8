//! Drift-aware change sets: `DeploymentMode: REVERT_DRIFT`.

use serde_json::{Value, json};

use super::super::store::Store;
use super::Fixture;

impl Fixture {
    /// Changes a thing of the stack `s` behind CloudFormation's back; `None`: it is gone.
    pub(super) async fn drift(&self, logical_id: &str, thing: Option<Value>) {
        let physical_id = self.physical_id(logical_id).await;
        let store = self.local.cloud().part::<Store>();
        let stack = store.stack("s").unwrap().id;
        store.things.set(&stack, &physical_id, thing);
    }

    pub(super) async fn thing(&self, logical_id: &str) -> Value {
        let physical_id = self.physical_id(logical_id).await;
        let store = self.local.cloud().part::<Store>();
        let stack = store.stack("s").unwrap().id;
        store.things.get(&stack, &physical_id).unwrap_or_default()
    }

    /// A drift-aware change set with its values.
    async fn drift_aware(&self, template: &str) -> Value {
        let mut input = json!({"StackName": "s", "ChangeSetName": "c", "DeploymentMode": "REVERT_DRIFT"});
        input["TemplateBody"] = json!(template);
        let id = self.call("CreateChangeSet", input).await["Id"].clone();
        let describe = json!({"ChangeSetName": id, "IncludePropertyValues": true});
        self.call("DescribeChangeSet", describe).await
    }

    async fn execute(&self) -> String {
        self.call("ExecuteChangeSet", json!({"ChangeSetName": "c", "StackName": "s"})).await;
        self.settled("s").await
    }
}

fn template(needs: &str, more: &str) -> String {
    format!(
        "Resources:\n  A: {{Type: 'Test::Local::Thing', Properties: {{Needs: {needs}, Other: o}}}}\n{more}"
    )
}

async fn drifted() -> Fixture {
    let cloud = Fixture::new().await;
    cloud.create(&template("one", "")).await;
    assert_eq!(cloud.settled("s").await, "CREATE_COMPLETE");
    cloud.drift("A", Some(json!({"Needs": "moved", "Other": "o", "Weight": 3}))).await;
    cloud
}

#[tokio::test]
async fn a_drift_aware_change_set_shows_what_is_really_there_and_puts_it_back() {
    let cloud = drifted().await;
    let plain = cloud.change_set(&template("one", ""), "UPDATE").await;
    assert_eq!(plain["Status"], "FAILED", "without the mode drift is no change");
    cloud.call("DeleteChangeSet", json!({"ChangeSetName": plain["ChangeSetId"]})).await;

    let set = cloud.drift_aware(&template("one", "")).await;

    assert_eq!(
        (&set["StackDriftStatus"], &set["DeploymentMode"]),
        (&json!("DRIFTED"), &json!("REVERT_DRIFT"))
    );
    let change = &set["Changes"][0]["ResourceChange"];
    assert_eq!(
        (&change["Action"], &change["ResourceDriftStatus"], &change["Replacement"]),
        (&json!("Modify"), &json!("MODIFIED"), &json!("False"))
    );
    let mut detail = change["Details"][0].clone();
    let time = detail["Target"]["Drift"].as_object_mut().unwrap().shift_remove("DriftDetectionTimestamp");
    assert!(time.is_some());
    assert_eq!(
        detail,
        json!({
            "Target": {
                "Attribute": "Properties", "Name": "Needs", "RequiresRecreation": "Never",
                "Path": "/Properties/Needs", "BeforeValue": "moved", "AfterValue": "one",
                "AttributeChangeType": "Modify", "BeforeValueFrom": "ACTUAL_STATE",
                "AfterValueFrom": "TEMPLATE",
                "Drift": {"PreviousValue": "one", "ActualValue": "moved"},
            },
            "Evaluation": "Static", "ChangeSource": "NoModification",
        })
    );
    assert_eq!(cloud.execute().await, "UPDATE_COMPLETE");
    assert_eq!(cloud.thing("A").await["Needs"], "one");
}

#[tokio::test]
async fn a_template_brought_to_what_is_there_touches_nothing() {
    let cloud = drifted().await;
    let set = cloud.drift_aware(&template("moved", "")).await;
    let change = &set["Changes"][0]["ResourceChange"];
    assert_eq!(change["Action"], "SyncWithActual");
    assert_eq!(change["Details"][0]["Target"]["AttributeChangeType"], "SyncWithActual");
    assert_eq!(cloud.execute().await, "UPDATE_COMPLETE");
    assert_eq!(cloud.thing("A").await["Weight"], 3, "an update would have made it anew");
    let again = cloud.change_set(&template("moved", ""), "UPDATE").await;
    assert_eq!(again["Status"], "FAILED", "what was deployed is what is there");
}

#[tokio::test]
async fn its_rollback_restores_what_was_really_there_and_that_of_a_plain_update_what_was_deployed() {
    let fails = "  F: {Type: 'Test::Local::Thing', DependsOn: A, Properties: {Fails: true}}";
    let cloud = drifted().await;
    cloud.drift_aware(&template("two", fails)).await;
    assert_eq!(cloud.execute().await, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(cloud.thing("A").await["Needs"], "moved");
    let set = cloud.drift_aware(&template("one", "")).await;
    assert_eq!(set["StackDriftStatus"], "DRIFTED", "what was deployed is what it was");

    cloud.update(&template("two", fails)).await;

    assert_eq!(cloud.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(cloud.thing("A").await["Needs"], "one");
}

#[tokio::test]
async fn a_resource_deleted_behind_cloudformations_back_is_made_again_with_all_that_refers_to_it() {
    let cloud = Fixture::new().await;
    let two = template("one", "  B: {Type: 'Test::Local::Thing', Properties: {Needs: !Ref A}}");
    cloud.create(&two).await;
    cloud.settled("s").await;
    let before = cloud.physical_id("A").await;
    cloud.drift("A", None).await;
    let set = cloud.drift_aware(&two).await;
    let change = |index: usize| set["Changes"][index]["ResourceChange"].clone();
    assert_eq!(
        (&change(0)["Action"], &change(0)["ResourceDriftStatus"], &change(0)["PhysicalResourceId"]),
        (&json!("Add"), &json!("DELETED"), &json!(before))
    );
    let detail = &change(1)["Details"][0];
    assert_eq!(
        (&detail["ChangeSource"], &detail["CausingEntity"], &change(1)["Details"][1]),
        (&json!("ResourceReference"), &json!("A"), &Value::Null)
    );
    assert_eq!(cloud.execute().await, "UPDATE_COMPLETE");
    let made = cloud.physical_id("A").await;
    assert_ne!(made, before);
    assert_eq!(cloud.thing("B").await["Needs"], made);
}

#[tokio::test]
async fn a_new_stack_has_no_drift_to_revert() {
    let cloud = Fixture::new().await;
    let mut input = json!({"StackName": "s", "ChangeSetName": "c", "DeploymentMode": "REVERT_DRIFT"});
    input["ChangeSetType"] = json!("CREATE");
    input["TemplateBody"] = json!(template("one", ""));
    let refused = cloud.message("CreateChangeSet", input).await;
    assert!(refused.contains("REVERT_DRIFT"), "{refused}");
}
