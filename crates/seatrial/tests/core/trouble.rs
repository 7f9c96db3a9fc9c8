//! What AWS refuses while something is followed.

use aws_sdk_cloudformation::types::StackStatus;

use crate::workbench::{SECOND, Workbench};

#[test]
fn an_access_denied_while_a_stack_is_followed_ends_it_at_once_with_awss_words() {
    let workbench = Workbench::provisioned();
    let before = workbench.calls("DescribeStackEvents");
    workbench.write("infra/stacks/second.yml", &SECOND.replace("!Ref Retention", "14"));
    // Asked first of all is the newest event, which says where those of the operation begin.
    workbench.arm_after("deny", "DescribeStackEvents", 1);

    let ended = workbench.run(&["provision", "--yes", "--output", "json"]);

    let object = ended.object();
    assert_eq!((ended.code, &object["changed"]), (Some(4), &true.into()), "{ended:?}");
    let told = object["failures"][0]["message"].as_str().unwrap();
    assert!(told.contains("AccessDenied: User: "), "{told}");
    assert!(told.contains("is not authorized to perform: cloudformation:DescribeStackEvents"), "{told}");
    assert_eq!(object["resume"], "cargo seatrial provision");
    assert_eq!(workbench.calls("DescribeStackEvents") - before, 2);
}

#[test]
fn a_rollback_that_fails_again_is_continued_once_and_then_explained() {
    let workbench = Workbench::provisioned();
    workbench.fail_the_next_rollback();
    let status = || workbench.stacks().into_iter().find(|(name, _)| name.ends_with("second")).unwrap().1;
    let provision = ["provision", "--yes", "--output", "json"];
    assert_eq!(workbench.run(&provision).code, Some(4));
    assert_eq!(status(), StackStatus::UpdateRollbackFailed);

    let ended = workbench.run(&provision);

    let object = ended.object();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert_eq!(workbench.calls("ContinueUpdateRollback"), 1);
    let told = object["failures"][0]["message"].as_str().unwrap();
    assert!(told.starts_with("stack `tiny-local-second` is UPDATE_ROLLBACK_FAILED: Group ("), "{told}");
    assert!(told.contains("is not authorized to perform: logs:PutRetentionPolicy"), "{told}");

    workbench.ask("DELETE", "/_local/faults", "");
    assert_eq!(workbench.run(&provision).code, Some(0));
    assert_eq!(status(), StackStatus::UpdateComplete);
    workbench.assert_nothing_is_left_behind();
}
