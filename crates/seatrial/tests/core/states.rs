//! Every state in which an operation may leave a stack, and how `provision` and `destroy` lead out of it. The states are
//! those of CloudFormation's user guide, "Understand stack status codes".

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use aws_sdk_cloudformation::types::{ChangeSetType, StackStatus, Tag};
use serde_json::Value;

use crate::workbench::{Ended, SECOND, Workbench};

const STACK: &str = "tiny-local-second";
const PROVISION: [&str; 4] = ["provision", "--yes", "--output", "json"];
const DESTROY: [&str; 6] = ["destroy", "--yes", "--environment", "local", "--output", "json"];
/// Made after the other group.
const FAILING: &str = "  Another: {Type: AWS::Logs::LogGroup, DependsOn: Group}\n";

fn own_tags(stack: &str) -> Vec<Tag> {
    let tags = [("seatrial:project", "tiny"), ("seatrial:environment", "local"), ("seatrial:stack", stack)];
    tags.map(|(key, value)| Tag::builder().key(key).value(value).build()).to_vec()
}

impl Workbench {
    fn provision(&self, more: &[&str]) -> Ended {
        self.run(&[&PROVISION, more].concat())
    }

    fn status_of_second(&self) -> Option<StackStatus> {
        self.stacks().into_iter().find(|(name, _)| name == STACK).map(|(_, status)| status)
    }

    fn mend(&self) {
        self.ask("DELETE", "/_local/faults", "");
    }

    /// As somebody does who wants to see what went wrong: rollback disabled.
    fn create_keeping(&self, template: &str) {
        let client = self.client();
        let create = client.create_stack().stack_name(STACK).template_body(template).disable_rollback(true);
        let create = create.set_tags(Some(own_tags("second"))).parameters(retention("7"));
        self.answer(create.send()).unwrap();
    }

    fn update_keeping(&self, template: &str) {
        let client = self.client();
        let update = client.update_stack().stack_name(STACK).template_body(template).disable_rollback(true);
        let update = update.set_tags(Some(own_tags("second"))).parameters(retention("7"));
        self.answer(update.send()).unwrap();
    }

    /// The log groups that are there, whoever made them.
    fn log_groups(&self) -> usize {
        let client = self.client();
        let held = ["tiny-local-first", STACK].map(|stack| {
            let listed = self.answer(client.list_stack_resources().stack_name(stack).send());
            listed.map_or(0, |listed| listed.stack_resource_summaries().len())
        });
        held.iter().sum()
    }
}

fn retention(days: &str) -> aws_sdk_cloudformation::types::Parameter {
    let parameter = aws_sdk_cloudformation::types::Parameter::builder();
    parameter.parameter_key("Retention").parameter_value(days).build()
}

/// Leaves `second` in that state, with nothing armed any more.
fn bring(state: &StackStatus) -> Workbench {
    let workbench = Workbench::started();
    let failing = format!("{SECOND}{FAILING}");
    let second = |text: &str| workbench.write("infra/stacks/second.yml", text);
    match state {
        StackStatus::RollbackComplete => {
            second(&failing);
            // `first` has a group, too.
            workbench.arm_after("deny", "CreateLogGroup", 2);
            assert_eq!(workbench.provision(&[]).code, Some(4));
        }
        StackStatus::RollbackFailed => {
            second(&failing);
            workbench.arm_after("deny", "CreateLogGroup", 2);
            workbench.arm("deny", "DeleteLogGroup", 100);
            assert_eq!(workbench.provision(&[]).code, Some(4));
        }
        StackStatus::CreateFailed => {
            second(&failing);
            workbench.arm_after("deny", "CreateLogGroup", 1);
            workbench.create_keeping(&failing);
            workbench.until_stack(STACK, state);
        }
        StackStatus::UpdateFailed => {
            assert_eq!(workbench.provision(&[]).code, Some(0));
            second(&failing);
            workbench.arm("deny", "CreateLogGroup", 100);
            workbench.update_keeping(&failing);
            workbench.until_stack(STACK, state);
        }
        StackStatus::UpdateRollbackFailed => {
            assert_eq!(workbench.provision(&[]).code, Some(0));
            second(&failing.replace("!Ref Retention", "14"));
            // The update sets the first group's retention and then cannot make the other; no rollback sets it back.
            workbench.arm("deny", "CreateLogGroup", 1);
            workbench.arm_after("deny", "PutRetentionPolicy", 1);
            assert_eq!(workbench.provision(&[]).code, Some(4));
        }
        StackStatus::DeleteFailed => {
            assert_eq!(workbench.provision(&[]).code, Some(0));
            workbench.arm("deny", "DeleteLogGroup", 100);
            assert_eq!(workbench.run(&DESTROY).code, Some(4));
        }
        _ => {
            let client = workbench.client();
            let make = client.create_change_set().stack_name(STACK).change_set_name("seatrial-0");
            let make = make.change_set_type(ChangeSetType::Create).template_body(SECOND);
            let make = make.set_tags(Some(own_tags("second"))).parameters(retention("7"));
            workbench.answer(make.send()).unwrap();
        }
    }
    assert_eq!(workbench.status_of_second().as_ref(), Some(state));
    workbench.mend();
    workbench
}

/// Each with the words of a refusal, where something that holds data would be deleted.
const STATES: [(StackStatus, Option<&str>); 7] = [
    (StackStatus::RollbackComplete, None),
    (StackStatus::RollbackFailed, Some("--allow-replace second.Group")),
    (StackStatus::CreateFailed, Some("--allow-replace second.Group")),
    (StackStatus::UpdateFailed, None),
    (StackStatus::UpdateRollbackFailed, None),
    (StackStatus::DeleteFailed, Some("--allow-replace second.Group")),
    (StackStatus::ReviewInProgress, None),
];

#[test]
fn provision_leads_out_of_every_state_and_deletes_what_holds_data_only_if_told_to() {
    for (state, refusal) in STATES {
        let workbench = bring(&state);
        if let Some(allows) = refusal {
            let refused = workbench.provision(&[]);
            let object = refused.object();
            assert_eq!((refused.code, &object["changed"]), (Some(3), &false.into()), "{state}: {refused:?}");
            let told = object["failures"].to_string();
            assert!(told.contains(&format!("stack `{STACK}` is {state} and must be deleted")), "{told}");
            let hints = object["hints"].to_string();
            assert!(hints.contains(allows), "{hints}");
            assert_eq!(workbench.status_of_second().as_ref(), Some(&state));
        }
        let allowed = ["--allow-replace", "second.Group", "--allow-replace", "first.Group"];

        let ended = workbench.provision(if refusal.is_some() { &allowed } else { &[] });

        assert_eq!(ended.code, Some(0), "{state}: {ended:?}");
        let status = workbench.status_of_second().unwrap();
        assert!(
            matches!(status, StackStatus::CreateComplete | StackStatus::UpdateComplete),
            "{state}: {status}"
        );
        let again = workbench.provision(&[]);
        assert_eq!((again.code, &again.object()["changed"]), (Some(0), &false.into()), "{state}: {again:?}");
        workbench.assert_nothing_is_left_behind();
    }
}

#[test]
fn destroy_leads_out_of_every_state() {
    for (state, _) in STATES {
        let workbench = bring(&state);
        // The local cloud is to stay, so that it can be looked at.
        workbench.create_stack("my-own", "Resources: {Mine: {Type: AWS::S3::Bucket}}");

        let ended = workbench.run(&DESTROY);

        assert_eq!(ended.code, Some(0), "{state}: {ended:?}");
        let left: Vec<String> = workbench.stacks().into_iter().map(|(name, _)| name).collect();
        assert_eq!(left, ["my-own"], "{state}: {ended:?}");
    }
}

#[test]
fn a_stack_that_cannot_be_made_tells_its_own_reason_at_once_and_again_when_it_is_cleared() {
    let workbench = Workbench::started();
    workbench.write("infra/stacks/second.yml", &format!("{SECOND}{FAILING}"));
    workbench.arm_after("deny", "CreateLogGroup", 2);

    let failed = workbench.provision(&[]);

    let object = failed.object();
    let told = object["failures"][0]["message"].as_str().unwrap();
    assert!(told.starts_with(&format!("stack `{STACK}` is ROLLBACK_COMPLETE: Another (")), "{told}");
    assert!(told.contains("is not authorized to perform: logs:CreateLogGroup"), "{told}");
    workbench.mend();
    let made = workbench.provision(&[]);
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(made.stderr.contains("ROLLBACK_COMPLETE: Another ("), "{made:?}");
}

#[test]
fn a_creation_that_fails_again_is_cleared_once_and_ends() {
    let workbench = bring(&StackStatus::RollbackComplete);
    workbench.arm("deny", "CreateLogGroup", 100);
    let deletions = workbench.calls("DeleteStack");

    let ended = workbench.provision(&[]);

    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert_eq!(workbench.calls("DeleteStack") - deletions, 1);
    assert_eq!(workbench.status_of_second(), Some(StackStatus::RollbackComplete));
}

#[test]
fn a_rollback_that_no_try_ends_is_ended_without_the_resource_that_is_named() {
    let workbench = bring(&StackStatus::UpdateRollbackFailed);
    workbench.arm("deny", "PutRetentionPolicy", 100);

    let stuck = workbench.provision(&[]);
    let object = stuck.object();
    assert_eq!(stuck.code, Some(4), "{stuck:?}");
    assert!(object["hints"].to_string().contains("provision --skip-resource second.Group"), "{object}");

    for (name, told) in [
        ("Group", "`--skip-resource Group` must name the stack, too: `--skip-resource first.Group` or"),
        ("third.Group", "`--skip-resource third.Group` must name a stack: first, second"),
        ("second.Nothing", "the rollback of stack `tiny-local-second` did not fail on a resource `Nothing`"),
        ("first.Group", "`--skip-resource first.Group` does nothing here"),
    ] {
        let refused = workbench.provision(&["--skip-resource", name]);
        let object = refused.object();
        assert_eq!((refused.code, &object["changed"]), (Some(3), &false.into()), "{refused:?}");
        assert!(object["failures"].to_string().contains(told), "{object}");
    }
    // What keeps the rollback from ending keeps the update from succeeding, too: that is undone first.
    workbench.write("infra/stacks/second.yml", SECOND);

    let skipped = workbench.provision(&["--skip-resource", "second.Group"]);

    assert_eq!(skipped.code, Some(0), "{skipped:?}");
    assert!(skipped.stderr.contains("continuing the rollback without Group"), "{skipped:?}");
    assert_eq!(workbench.status_of_second(), Some(StackStatus::UpdateRollbackComplete));
}

#[test]
fn what_cannot_be_deleted_is_left_by_name_and_everything_else_deleted() {
    let workbench = bring(&StackStatus::DeleteFailed);
    workbench.arm("deny", "DeleteLogGroup", 1);
    let stuck = workbench.run(&DESTROY);
    let object = stuck.object();
    assert_eq!(stuck.code, Some(4), "{stuck:?}");
    let told = object["failures"][0]["message"].as_str().unwrap();
    assert!(told.starts_with(&format!("stack `{STACK}` is DELETE_FAILED: Group (")), "{told}");
    assert!(object["hints"].to_string().contains("destroy --retain-resource second.Group"), "{object}");
    for (name, told) in [
        ("Group", "`--retain-resource Group` must name the stack, too"),
        ("second.Nothing", "stack `tiny-local-second` holds no resource `Nothing`"),
        ("first.Group", "is for a stack that is DELETE_FAILED, and `tiny-local-first` is CREATE_COMPLETE"),
    ] {
        let refused = workbench.run(&[&DESTROY[..], &["--retain-resource", name]].concat());
        let object = refused.object();
        assert_eq!((refused.code, &object["changed"]), (Some(3), &false.into()), "{refused:?}");
        assert!(object["failures"].to_string().contains(told), "{object}");
    }
    workbench.create_stack("my-own", "Resources: {Mine: {Type: AWS::S3::Bucket}}");

    let ended = workbench.run(&[&DESTROY[..], &["--retain-resource", "second.Group"]].concat());

    let object = ended.object();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(object["kept"][0].as_str().unwrap().starts_with("AWS::Logs::LogGroup "), "{object}");
    assert_eq!(workbench.stacks().len(), 1);
}

#[test]
fn a_stack_whose_deletion_failed_is_made_anew_beside_what_is_left_by_name() {
    let workbench = bring(&StackStatus::DeleteFailed);
    workbench.arm("deny", "DeleteLogGroup", 100);
    let allowed = workbench.provision(&["--allow-replace", "second.Group"]);
    assert_eq!(allowed.code, Some(4), "{allowed:?}");
    let hints = allowed.object()["hints"].to_string();
    assert!(hints.contains("provision --retain-resource second.Group"), "{hints}");

    let ended = workbench.provision(&["--retain-resource", "second.Group"]);

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(workbench.status_of_second(), Some(StackStatus::CreateComplete));
    assert_eq!(workbench.log_groups(), 2);
}

#[test]
fn a_protected_database_is_told_with_what_lifts_its_protection() {
    let database = "Resources:
  Instance:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Delete
    Properties:
      Engine: postgres
      DBInstanceClass: db.t4g.micro
      AllocatedStorage: '20'
      MasterUsername: owner
      MasterUserPassword: 0123456789abcdef
      DeletionProtection: true
";
    let workbench = Workbench::started();
    workbench.write("infra/stacks/database.yml", database);
    let made = workbench.provision(&[]);
    assert_eq!(made.code, Some(0), "{made:?}");

    let stuck = workbench.run(&DESTROY);

    let object = stuck.object();
    assert_eq!(stuck.code, Some(4), "{stuck:?}");
    let hints: Vec<&str> = object["hints"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(hints[0].contains("aws rds modify-db-instance --no-deletion-protection"), "{hints:?}");
    assert!(hints[1].contains("destroy --retain-resource database.Instance"), "{hints:?}");
}

/// Somebody else's operation, so slow that it is met under way.
#[test]
fn an_operation_in_flight_is_joined_whatever_it_is_and_the_stack_then_brought_to_where_it_belongs() {
    let slow = |workbench: &Workbench, operation: &str| {
        let fault = serde_json::json!(
            { "kind": "slow", "operation": operation, "delay_ms": 4000, "count": 1 });
        workbench.ask("POST", "/_local/faults", &fault.to_string());
    };
    for state in [
        StackStatus::CreateInProgress,
        StackStatus::UpdateInProgress,
        StackStatus::DeleteInProgress,
        StackStatus::RollbackInProgress,
        StackStatus::UpdateRollbackInProgress,
    ] {
        let workbench = Workbench::started();
        let client = workbench.client();
        match state {
            StackStatus::CreateInProgress => {
                slow(&workbench, "CreateLogGroup");
                workbench.create_keeping(SECOND);
            }
            StackStatus::RollbackInProgress => {
                workbench.arm_after("deny", "CreateLogGroup", 1);
                slow(&workbench, "DeleteLogGroup");
                let failing = format!("{SECOND}{FAILING}");
                let create = client.create_stack().stack_name(STACK).template_body(failing);
                let create = create.set_tags(Some(own_tags("second"))).parameters(retention("7"));
                workbench.answer(create.send()).unwrap();
            }
            _ => assert_eq!(workbench.provision(&[]).code, Some(0)),
        }
        match state {
            StackStatus::UpdateInProgress => {
                slow(&workbench, "PutRetentionPolicy");
                workbench.update_keeping(&SECOND.replace("!Ref Retention", "14"));
            }
            StackStatus::UpdateRollbackInProgress => {
                workbench.arm("deny", "CreateLogGroup", 1);
                workbench.arm("slow", "PutRetentionPolicy", 1);
                slow(&workbench, "PutRetentionPolicy");
                let failing = format!("{SECOND}{FAILING}").replace("!Ref Retention", "14");
                let update = client.update_stack().stack_name(STACK).template_body(failing);
                let update = update.set_tags(Some(own_tags("second"))).parameters(retention("7"));
                workbench.answer(update.send()).unwrap();
            }
            StackStatus::DeleteInProgress => {
                slow(&workbench, "DeleteLogGroup");
                workbench.answer(client.delete_stack().stack_name(STACK).send()).unwrap();
            }
            _ => {}
        }
        workbench.until_stack(STACK, &state);
        if state == StackStatus::RollbackInProgress {
            workbench.mend();
        }

        let ended = workbench.provision(&[]);

        assert_eq!(ended.code, Some(0), "{state}: {ended:?}");
        assert!(ended.stderr.contains(&format!("{state}: joining the operation in flight")), "{ended:?}");
        let again = workbench.provision(&[]);
        assert_eq!((again.code, &again.object()["changed"]), (Some(0), &false.into()), "{state}: {again:?}");
        assert_eq!(workbench.log_groups(), 2, "{state}");
    }
}
