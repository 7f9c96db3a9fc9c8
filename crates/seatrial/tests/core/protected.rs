//! A protected environment: termination protection and stack policies, which are opened for what the user allows alone.

use aws_sdk_cloudformation::types::StackStatus;
use serde_json::json;

use crate::workbench::{Ended, FIRST, PROJECT, SECOND, Workbench};

const PROVISION: [&str; 6] = ["provision", "--yes", "--environment", "account", "--output", "json"];
const DIFF: [&str; 4] = ["diff", "--exit-code", "--environment", "account"];
const DESTROY: [&str; 6] = ["destroy", "--yes", "--environment", "account", "--output", "json"];
const STACK: &str = "tiny-account-first";

/// `first` with a log group of that name: another name makes it anew.
fn named(name: &str) -> String {
    FIRST.replace("{RetentionInDays", &format!("{{LogGroupName: {name}, RetentionInDays"))
}

fn provisioned() -> Workbench {
    let workbench = Workbench::started();
    workbench.write("infra/stacks/first.yml", &named("one"));
    let made = workbench.run(&PROVISION);
    assert_eq!(made.code, Some(0), "{made:?}");
    workbench
}

#[test]
fn an_environment_on_aws_is_protected_and_the_local_one_is_not() {
    let workbench = provisioned();

    assert!(workbench.is_protected(STACK));
    let denied = json!({
        "Effect": "Deny", "Action": ["Update:Replace", "Update:Delete"], "Principal": "*",
        "Resource": ["LogicalResourceId/Group"],
    });
    assert_eq!(workbench.policy(STACK)["Statement"][1], denied);
    assert_eq!(workbench.run(&DIFF).code, Some(0));
    let again = workbench.run(&PROVISION);
    assert_eq!((again.code, &again.object()["changed"]), (Some(0), &false.into()), "{again:?}");

    workbench.write("infra/stacks/first.yml", FIRST);
    assert_eq!(workbench.run(&["provision", "--yes"]).code, Some(0));
    assert!(!workbench.is_protected("tiny-local-first"));
    assert!(workbench.policy("tiny-local-first").is_null());
}

#[test]
fn whoever_updates_a_protected_stack_otherwise_replaces_nothing_that_holds_data() {
    let workbench = provisioned();
    let group = workbench.physical_id(STACK, "Group");

    let update = workbench.client().update_stack().stack_name(STACK).template_body(named("two"));
    let days = aws_sdk_cloudformation::types::Parameter::builder().parameter_key("Days").parameter_value("7");
    workbench.answer(update.parameters(days.build()).send()).unwrap();

    workbench.until_stack(STACK, &StackStatus::UpdateRollbackComplete);
    assert_eq!(workbench.physical_id(STACK, "Group"), group);
}

#[test]
fn what_is_allowed_is_replaced_and_the_policy_is_closed_again_also_after_a_failure() {
    let workbench = provisioned();
    let closed = workbench.policy(STACK);
    workbench.write("infra/stacks/first.yml", &named("two"));
    assert_eq!(workbench.run(&PROVISION).code, Some(3));
    let allowed = [&PROVISION[..], &["--allow-replace", "first.Group"]].concat();

    workbench.arm("error", "CreateLogGroup", 100);
    let failed = workbench.run(&allowed);
    assert_eq!(failed.code, Some(4), "{failed:?}");
    assert_eq!(workbench.policy(STACK), closed);
    workbench.ask("DELETE", "/_local/faults", "");

    let replaced = workbench.run(&allowed);
    assert_eq!(replaced.code, Some(0), "{replaced:?}");
    assert_eq!(workbench.physical_id(STACK, "Group"), "two");
    assert_eq!(workbench.policy(STACK), closed);
}

#[test]
fn a_protection_that_is_missing_or_open_is_shown_and_set_again() {
    let workbench = provisioned();
    let closed = workbench.policy(STACK);
    let open =
        json!({"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]});
    let spoilers: [&dyn Fn(); 2] =
        [&|| workbench.set_policy(STACK, &open), &|| workbench.protect(STACK, false)];
    for spoil in spoilers {
        spoil();

        let diff = workbench.run(&DIFF);
        assert_eq!(diff.code, Some(6), "{diff:?}");
        assert!(diff.stdout.contains("unchanged, to be protected"), "{diff:?}");
        let provisioned = workbench.run(&PROVISION);

        assert_eq!((provisioned.code, &provisioned.object()["changed"]), (Some(0), &true.into()));
        assert!(workbench.is_protected(STACK));
        assert_eq!(workbench.policy(STACK), closed);
        assert_eq!(workbench.run(&DIFF).code, Some(0));
    }
}

#[test]
fn a_destroy_lifts_what_the_environment_asked_for() {
    let workbench = provisioned();

    let destroyed = workbench.run(&DESTROY);

    assert_eq!(destroyed.code, Some(0), "{destroyed:?}");
    assert!(destroyed.stderr.contains("lifting the termination protection"), "{destroyed:?}");
    assert_eq!(workbench.stacks(), []);
}

#[test]
fn a_later_false_takes_no_protection_away() {
    let workbench = provisioned();
    workbench.write("infra/project.yml", &PROJECT.replace("region: eu", "protected: false, region: eu"));

    assert_eq!(workbench.run(&PROVISION).code, Some(0));

    assert!(workbench.is_protected(STACK));
    assert_eq!(workbench.run(&DESTROY).code, Some(3));
}

#[test]
fn a_stack_whose_change_set_is_empty_is_protected_too() {
    let workbench = Workbench::started();
    let secret =
        FIRST.replace("Parameters:\n", "Parameters:\n  Key: {Type: String, NoEcho: true, Default: x}\n");
    workbench.write("infra/stacks/first.yml", &secret);
    workbench.write("infra/project.yml", &PROJECT.replace("region: eu", "protected: false, region: eu"));
    assert_eq!(workbench.run(&PROVISION).code, Some(0));
    workbench.write("infra/project.yml", PROJECT);

    assert_eq!(workbench.run(&PROVISION).code, Some(0));

    assert!(workbench.is_protected(STACK));
    assert_eq!(workbench.run(&DIFF).code, Some(0));
}

#[test]
fn a_removal_that_fails_leaves_what_it_would_have_removed_protected() {
    let workbench = Workbench::started();
    let bucket = "  Bucket: {Type: AWS::S3::Bucket}\n";
    workbench.write("infra/stacks/first.yml", &FIRST.replace("Outputs:", &format!("{bucket}Outputs:")));
    assert_eq!(workbench.run(&PROVISION).code, Some(0));
    let closed = workbench.policy(STACK);
    let more = "  New: {Type: AWS::Logs::LogGroup}\n";
    workbench.write("infra/stacks/first.yml", &FIRST.replace("Outputs:", &format!("{more}Outputs:")));
    workbench.arm("error", "CreateLogGroup", 100);

    let failed = workbench.run(&[&PROVISION[..], &["--allow-replace", "first.Bucket"]].concat());

    assert_eq!(failed.code, Some(4), "{failed:?}");
    assert_eq!(workbench.policy(STACK), closed);
}

#[test]
fn what_is_allowed_is_replaced_where_protection_was_given_up_and_the_policy_stays() {
    let workbench = provisioned();
    let closed = workbench.policy(STACK);
    workbench.write("infra/project.yml", &PROJECT.replace("region: eu", "protected: false, region: eu"));
    workbench.write("infra/stacks/first.yml", &named("two"));

    let replaced = workbench.run(&[&PROVISION[..], &["--allow-replace", "first.Group"]].concat());

    assert_eq!(replaced.code, Some(0), "{replaced:?}");
    assert_eq!(workbench.policy(STACK), closed);
}

#[test]
fn a_policy_of_somebody_elses_stays_whatever_it_says() {
    let workbench = provisioned();
    let theirs =
        json!({"Statement": [{"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*"}]});
    workbench.set_policy(STACK, &theirs);

    assert_eq!(workbench.run(&DIFF).code, Some(0));
    workbench.protect(STACK, false);
    assert_eq!(workbench.run(&PROVISION).code, Some(0));

    assert!(workbench.is_protected(STACK));
    assert_eq!(workbench.policy(STACK), theirs);
}

type Run<'a> = &'a dyn Fn(&Workbench) -> Ended;

/// As `--allow-replace first.Group` opens it, in a run that is killed before it is closed again.
fn opened() -> serde_json::Value {
    json!({"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]})
}

#[test]
fn what_a_killed_run_left_open_is_closed_by_the_next_run_however_that_ends() {
    let ends: [(&str, i32, Run<'_>); 3] = [
        // Nothing but the policy was changed; but that was.
        ("declined", 4, &|workbench| {
            workbench.at_terminal(&["provision", "--environment", "account"], "no\n")
        }),
        ("failed", 4, &|workbench| {
            workbench.arm("error", "PutRetentionPolicy", 100);
            workbench.run(&PROVISION)
        }),
        ("done", 0, &|workbench| workbench.run(&PROVISION)),
    ];
    for (end, code, run) in ends {
        let workbench = provisioned();
        let closed = workbench.policy(STACK);
        workbench.set_policy(STACK, &opened());
        workbench.write("infra/stacks/first.yml", &named("one").replace("!Ref Days", "14"));
        let shown = workbench.run(&DIFF);
        assert_eq!((shown.code, workbench.policy(STACK)), (Some(6), opened()), "{shown:?}");

        let ended = run(&workbench);

        assert_eq!(ended.code, Some(code), "{end}: {ended:?}");
        assert_eq!(workbench.policy(STACK), closed, "{end}");
        assert!(ended.stderr.contains("closed the stack policy"), "{end}: {ended:?}");
    }
}

/// A policy in S3 may have no more (API reference, SetStackPolicy, `StackPolicyURL`).
#[test]
fn a_stack_with_more_to_protect_than_a_policy_takes_is_refused_before_anything_is_made() {
    let workbench = Workbench::started();
    let groups: String = (0..80)
        .map(|number| format!("  {}{number}: {{Type: AWS::Logs::LogGroup}}\n", "G".repeat(200)))
        .collect();
    workbench.write("infra/stacks/second.yml", &format!("{}{groups}", SECOND));

    let refused = workbench.run(&PROVISION);

    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("and CloudFormation takes 16384"), "{refused:?}");
    assert_eq!(workbench.stacks(), []);
    workbench.write("infra/project.yml", &PROJECT.replace("region: eu", "protected: false, region: eu"));
    assert_eq!(workbench.run(&PROVISION).code, Some(0));
}
