//! What a stack is protected by: stack policies, exports in use, names, termination protection.

use serde_json::{Value, json};

use super::Fixture;
use crate::principal::Principal;
use crate::services::s3::objects::{self, Place};

fn template(name: &str, needs: u32, more: &str) -> String {
    format!(
        "Resources:\n  A: {{Type: 'Test::Local::Thing', Properties: {{Name: {name}, Needs: {needs}}}}}\n{more}"
    )
}

const B: &str = "  B: {Type: 'Test::Local::Thing'}\n";

async fn with_policy(actions: &str) -> Fixture {
    let cloud = Fixture::new().await;
    cloud.create(&template("one", 1, B)).await;
    cloud.settled("s").await;
    let allow = json!({"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"});
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": "*"});
    let policy = json!({"Statement": [allow, deny]}).to_string();
    cloud.call("SetStackPolicy", json!({"StackName": "s", "StackPolicyBody": policy})).await;
    let answer = cloud.call("GetStackPolicy", json!({"StackName": "s"})).await;
    assert_eq!(answer["StackPolicyBody"], policy);
    cloud
}

#[tokio::test]
async fn a_stack_policy_denies_what_an_update_does_and_the_rest_goes_on() {
    let cases = [
        ("Update:Modify", template("one", 2, B), "A", template("two", 1, B)),
        ("Update:Replace", template("two", 1, B), "A", template("one", 2, B)),
        ("Update:Delete", template("one", 1, ""), "B", template("one", 2, B)),
    ];
    for (action, denied, id, allowed) in cases {
        let cloud = with_policy(action).await;
        cloud.update(&denied).await;
        assert_eq!(cloud.settled("s").await, "UPDATE_ROLLBACK_COMPLETE", "{action}");
        let reason = format!(
            "{id} UPDATE_FAILED Action denied by stack policy: Statement [#2] does not allow [{action}] for \
             resource [LogicalResourceId/{id}];"
        );
        let events = cloud.events("s").await;
        assert!(events.contains(&reason), "{events:#?}");
        assert_eq!(cloud.physical_id("A").await, "one");
        cloud.update(&allowed).await;
        assert_eq!(cloud.settled("s").await, "UPDATE_COMPLETE", "{action}");
        let lifted =
            json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]});
        let mut input = json!({"StackName": "s", "TemplateBody": denied.replace("Needs: 1", "Needs: 9")});
        input["StackPolicyDuringUpdateBody"] = json!(lifted.to_string());
        cloud.call("UpdateStack", input).await;
        assert_eq!(cloud.settled("s").await, "UPDATE_COMPLETE", "{action}: lifted for one update");
    }
}

/// LocalStack's recordings `test_stack_policies.py`.
#[tokio::test]
async fn a_policy_that_is_none_and_one_given_twice_are_refused() {
    let cloud = Fixture::new().await;
    let mut input =
        json!({"StackName": "s", "TemplateBody": template("one", 1, ""), "StackPolicyBody": "{]"});
    assert_eq!(
        cloud.message("CreateStack", input.clone()).await,
        "Error validating stack policy: Invalid stack policy"
    );
    input["StackPolicyURL"] = json!("http://localhost/bucket/key");
    assert_eq!(
        cloud.message("CreateStack", input).await,
        "You cannot specify both StackPolicyURL and StackPolicyBody"
    );
    cloud.create(&template("one", 1, "")).await;
    assert_eq!(cloud.call("GetStackPolicy", json!({"StackName": "s"})).await, json!({}));
}

#[tokio::test]
async fn an_export_that_is_imported_is_neither_removed_nor_changed_and_its_stack_not_deleted() {
    let cloud = Fixture::new().await;
    let exporting = |value: &str| {
        let outputs =
            format!("Outputs: {{X: {{Value: {value}, Export: {{Name: !Sub '${{AWS::StackName}}-x'}}}}}}");
        template("one", 1, &outputs)
    };
    cloud.create(&exporting("v1")).await;
    cloud.settled("s").await;
    let importing = "Parameters: {From: {Type: String, Default: s}}\nResources:\n  \
                     I: {Type: 'Test::Local::Thing', Properties: {Needs: !ImportValue {'Fn::Sub': '${From}-x'}}}";
    cloud.call("CreateStack", json!({"StackName": "i", "TemplateBody": importing})).await;
    assert_eq!(cloud.settled("i").await, "CREATE_COMPLETE");
    let imports = cloud.call("ListImports", json!({"ExportName": "s-x"})).await;
    assert_eq!(imports["Imports"], json!(["i"]));
    let removal = "Delete canceled. Cannot delete export s-x as it is in use by i.";

    cloud.call("DeleteStack", json!({"StackName": "s"})).await;

    let stack = cloud.call("DescribeStacks", json!({"StackName": "s"})).await["Stacks"][0].clone();
    assert_eq!(
        (&stack["StackStatus"], &stack["StackStatusReason"]),
        (&json!("CREATE_COMPLETE"), &json!(removal))
    );
    for (next, reason) in [
        (exporting("v2"), "Export s-x cannot be updated as it is in use by i."),
        (template("one", 1, B), removal),
    ] {
        cloud.update(&next).await;
        assert_eq!(cloud.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
        let expected = format!("s UPDATE_ROLLBACK_IN_PROGRESS {reason}");
        assert!(cloud.events("s").await.contains(&expected), "{expected}");
    }
    let again = exporting("v1").replace("${AWS::StackName}", "s").replace("Name: one", "Name: other");
    cloud.call("CreateStack", json!({"StackName": "t", "TemplateBody": again})).await;
    assert_eq!(cloud.settled("t").await, "ROLLBACK_COMPLETE", "the name is taken");
    cloud.call("DeleteStack", json!({"StackName": "i"})).await;
    let gone = || cloud.local.cloud().part::<super::super::store::Store>().stack("i").is_none().then_some(());
    cloud.local.cloud().wait_until(std::time::Duration::from_secs(20), gone).await.unwrap();
    let id = stack["StackId"].as_str().unwrap();
    cloud.call("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(cloud.settled(id).await, "DELETE_COMPLETE");
}

#[tokio::test]
async fn a_custom_named_resource_that_requires_replacing_is_refused_in_cloudformations_words() {
    let cloud = Fixture::new().await;
    let bucket = |name: &str| {
        format!(
            "Resources: {{R: {{Type: 'AWS::ECR::Repository', Properties: {{RepositoryName: named, {name}}}}}}}"
        )
    };
    cloud.create(&bucket("EncryptionConfiguration: {EncryptionType: AES256}")).await;
    assert_eq!(cloud.settled("s").await, "CREATE_COMPLETE");
    cloud.update(&bucket("EncryptionConfiguration: {EncryptionType: KMS}")).await;
    assert_eq!(cloud.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
    let expected = "R UPDATE_FAILED CloudFormation cannot update a stack when a custom-named resource requires \
                    replacing. Rename named and update the stack again.";
    let events = cloud.events("s").await;
    assert!(events.contains(&expected.to_owned()), "{events:#?}");
}

async fn failed_rollback() -> Fixture {
    let cloud = Fixture::new().await;
    let two = |fails: bool, needs: u32| {
        format!(
            "Resources:\n  A: {{Type: 'Test::Local::Thing', Properties: {{Needs: {needs}, FailsUpdate: {fails}}}}}\n  \
             C: {{Type: 'Test::Local::Thing', DependsOn: A, Properties: {{Needs: {needs}}}}}\n"
        )
    };
    // Updated to be willing, it can no more be put back to unwilling.
    cloud.create(&two(true, 1)).await;
    cloud.settled("s").await;
    let fails = "  F: {Type: 'Test::Local::Thing', DependsOn: C, Properties: {Fails: true}}\n";
    cloud.update(&format!("{}{fails}", two(false, 2))).await;
    assert_eq!(cloud.settled("s").await, "UPDATE_ROLLBACK_FAILED");
    cloud
}

#[tokio::test]
async fn a_failed_rollback_tells_why_and_goes_on_past_what_failed_only() {
    let cloud = failed_rollback().await;
    let stack = cloud.call("DescribeStacks", json!({"StackName": "s"})).await;
    let reason = stack["Stacks"][0]["StackStatusReason"].clone();
    assert_eq!(reason, "The following resource(s) failed to update: [A]. ");
    let go_on =
        |skip: Value, force: bool| json!({"StackName": "s", "ResourcesToSkip": skip, "ForceRollback": force});
    let both = cloud.message("ContinueUpdateRollback", go_on(json!(["A"]), true)).await;
    assert!(both.contains("both ResourcesToSkip and ForceRollback"), "{both}");
    let other = cloud.message("ContinueUpdateRollback", go_on(json!(["C"]), false)).await;
    assert!(other.contains("C cannot be skipped"), "{other}");
    cloud.call("ContinueUpdateRollback", go_on(json!([]), false)).await;
    assert_eq!(cloud.settled("s").await, "UPDATE_ROLLBACK_FAILED");

    cloud.call("ContinueUpdateRollback", go_on(json!(["A"]), false)).await;

    assert_eq!(cloud.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(cloud.thing("C").await["Needs"], 1);
    assert_eq!(cloud.thing("A").await["Needs"], 2, "skipped");
}

#[tokio::test]
async fn a_forced_rollback_skips_all_that_failed() {
    let cloud = failed_rollback().await;
    cloud.call("ContinueUpdateRollback", json!({"StackName": "s", "ForceRollback": true})).await;
    assert_eq!(cloud.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
}

#[tokio::test]
async fn a_stack_that_failed_with_rollback_disabled_is_updated_only_so_again() {
    let cloud = Fixture::new().await;
    let fails = "  F: {Type: 'Test::Local::Thing', Properties: {Fails: true}}\n";
    let mut input = json!({"StackName": "s", "DisableRollback": true});
    input["TemplateBody"] = json!(template("one", 1, fails));
    cloud.call("CreateStack", input).await;
    assert_eq!(cloud.settled("s").await, "CREATE_FAILED");
    let mut update = json!({"StackName": "s", "TemplateBody": template("one", 2, "")});
    let words = "This stack is currently in a non-terminal [CREATE_FAILED] state.";
    assert!(cloud.message("UpdateStack", update.clone()).await.starts_with(words));
    cloud.change_set(&template("one", 2, ""), "UPDATE").await;
    let execute = json!({"StackName": "s", "ChangeSetName": "c"});
    assert!(cloud.message("ExecuteChangeSet", execute).await.starts_with(words));
    update["DisableRollback"] = json!(true);
    cloud.call("UpdateStack", update).await;
    assert_eq!(cloud.settled("s").await, "UPDATE_COMPLETE");
}

#[tokio::test]
async fn a_policy_of_more_bytes_than_aws_takes_is_refused() {
    let cloud = Fixture::new().await;
    cloud.create(&template("one", 1, "")).await;
    cloud.settled("s").await;
    let of = |bytes: usize| {
        let policy = |id: String| {
            json!({"Statement": [{"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": id}]})
                .to_string()
        };
        let id = "LogicalResourceId/".to_owned()
            + &"x".repeat(bytes - policy("LogicalResourceId/".to_owned()).len());
        json!({"StackName": "s", "StackPolicyBody": policy(id)})
    };
    cloud.call("SetStackPolicy", of(16_384)).await;
    let refused = cloud.message("SetStackPolicy", of(16_385)).await;
    assert!(refused.ends_with("Member must have length less than or equal to 16384"), "{refused}");

    let (local, principal) = (cloud.local.cloud(), Principal::operator("000000000000"));
    local.dispatch(&principal, ("s3", "CreateBucket"), json!({"Bucket": "policies"})).await.unwrap();
    let long = of(16_385)["StackPolicyBody"].as_str().unwrap().to_owned();
    objects::put(local, &principal, Place::latest("policies", "long"), long.as_bytes()).await.unwrap();
    let from = json!({"StackName": "s", "StackPolicyURL": "http://localhost/policies/long"});
    let refused = cloud.message("SetStackPolicy", from).await;
    assert!(refused.ends_with("Member must have length less than or equal to 16384"), "{refused}");
}
