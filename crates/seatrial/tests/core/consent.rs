//! What turns out otherwise than planned is planned, guarded and asked again; and a change set that is not executed is
//! not left behind.

use crate::workbench::{ANOTHER_GROUP, FIRST, SECOND, Workbench};

/// `second` with names that depend on what it takes: another value replaces the group.
const NAMED: &str = "Parameters:
  Retention: {Type: String}
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: !Sub 'tiny-${Retention}'}
";

/// Changes what `first` offers and, in the same step, `second` otherwise: its change set is made for the old value.
fn change_both(workbench: &Workbench, second: &str) {
    workbench.set_days("14");
    workbench.write("infra/stacks/second.yml", &format!("{second}{ANOTHER_GROUP}"));
}

#[test]
fn a_change_set_made_for_values_that_have_changed_since_is_not_executed() {
    let workbench = Workbench::provisioned();
    change_both(&workbench, SECOND);

    let ended = workbench.run(&["provision", "--yes", "--output", "json"]);

    let object = ended.object();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(object["changed"], true);
    assert_eq!(workbench.parameters("tiny-local-second")["Retention"], "14");
    workbench.assert_nothing_is_left_behind();
    assert_eq!(workbench.run(&["provision", "--yes"]).stdout, "nothing to change: 2 stacks are up to date\n");
}

#[test]
fn a_yes_that_was_typed_does_not_cover_a_replacement_that_was_not_shown() {
    let workbench = Workbench::started();
    workbench.write("infra/stacks/second.yml", NAMED);
    assert_eq!(workbench.run(&["provision", "--yes"]).code, Some(0));
    change_both(&workbench, NAMED);

    let provision = ["provision", "--yes", "--allow-replace", "second.Group", "--output", "json"];
    let ended = workbench.run(&provision);

    let object = ended.object();
    // `first` was changed before.
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert_eq!(object["changed"], true);
    assert_eq!(object["stacks"][0]["name"], "tiny-local-first");
    let message = object["failures"][0]["message"].as_str().unwrap();
    assert!(message.contains("would change otherwise than shown: Modify Group"), "{message}");
    assert_eq!(object["resume"], "cargo seatrial provision --allow-replace second.Group");
    assert_eq!(workbench.parameters("tiny-local-second")["Retention"], "7");
    workbench.assert_nothing_is_left_behind();

    // Now it is shown, and covered.
    assert_eq!(workbench.run(&provision).code, Some(0));
    assert_eq!(workbench.parameters("tiny-local-second")["Retention"], "14");
}

#[test]
fn what_turns_out_otherwise_is_guarded_again() {
    let workbench = Workbench::started();
    workbench.write("infra/stacks/second.yml", NAMED);
    assert_eq!(workbench.run(&["provision", "--yes"]).code, Some(0));
    // What was shown adds a group; with the new value of `first` it replaces the other, too.
    change_both(&workbench, NAMED);

    let ended = workbench.at_terminal(&["provision"], "yes\nyes\n");

    let object = ended.object();
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let message = object["failures"][0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("refused for stack `tiny-local-second`: AWS::Logs::LogGroup `Group`"),
        "{message}"
    );
    assert_eq!(workbench.parameters("tiny-local-second")["Retention"], "7");
    workbench.assert_nothing_is_left_behind();
}

#[test]
fn whoever_agreed_at_a_terminal_is_asked_again_for_what_was_not_shown() {
    let workbench = Workbench::provisioned();
    change_both(&workbench, SECOND);

    let ended = workbench.at_terminal(&["provision"], "yes\nno\n");

    let object = ended.object();
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("changes otherwise than shown; go ahead?"), "{}", ended.stderr);
    assert_eq!(object["resume"], "cargo seatrial provision");
    assert_eq!(workbench.parameters("tiny-local-second")["Retention"], "7");
    workbench.assert_nothing_is_left_behind();

    let ended = workbench.at_terminal(&["provision"], "yes\nyes\n");

    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(workbench.parameters("tiny-local-second")["Retention"], "14");
}

#[test]
fn whoever_agreed_to_a_value_is_asked_again_for_another() {
    let workbench = Workbench::provisioned();
    // Left half-way: what `first` offers has not reached `second`, and is to change once more.
    workbench.set_parameter("tiny-local-first", "Days", "60");
    workbench.set_days("90");

    let ended = workbench.at_terminal(&["provision"], "yes\nno\n");

    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("parameter `Retention`: `7` -> `60`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("parameter `Retention`: `7` -> `90`"), "{}", ended.stderr);
    assert_eq!(workbench.parameters("tiny-local-second")["Retention"], "7");
    workbench.assert_nothing_is_left_behind();
}

#[test]
fn neither_a_no_nor_a_refusal_leaves_a_change_set_of_any_stack() {
    let workbench = Workbench::provisioned();
    workbench
        .write("infra/stacks/first.yml", &FIRST.replace("Outputs:", &format!("{ANOTHER_GROUP}Outputs:")));
    workbench.write("infra/stacks/second.yml", &format!("{SECOND}{ANOTHER_GROUP}"));

    // What is no text is no yes.
    for typed in [&b"no\n"[..], b"\xff\xfe\n"] {
        let declined = workbench.at_terminal(&["provision"], typed);
        assert_eq!((declined.code, &declined.object()["changed"]), (Some(3), &false.into()), "{declined:?}");
        workbench.assert_nothing_is_left_behind();
    }

    let unasked = workbench.run(&["provision", "--output", "json"]);
    assert_eq!((unasked.code, &unasked.object()["changed"]), (Some(3), &false.into()), "{unasked:?}");
    workbench.assert_nothing_is_left_behind();

    // The guard: a group is removed.
    workbench.write("infra/stacks/second.yml", &SECOND.replace("  Group:", "  Renamed:"));
    let guarded = workbench.run(&["provision", "--yes", "--output", "json"]);
    assert_eq!((guarded.code, &guarded.object()["changed"]), (Some(3), &false.into()), "{guarded:?}");
    workbench.assert_nothing_is_left_behind();

    assert_eq!(workbench.run(&["provision", "--dry-run"]).code, Some(3));
    workbench.assert_nothing_is_left_behind();
    assert_eq!(workbench.calls("ExecuteChangeSet"), 2);
}

#[test]
fn a_creation_that_aws_does_not_take_leaves_no_empty_stack() {
    let workbench = Workbench::started();
    workbench.arm("deny", "ExecuteChangeSet", 2);

    let ended = workbench.run(&["provision", "--yes", "--output", "json"]);

    assert_eq!(ended.object()["changed"], false, "{ended:?}");
    assert_eq!(workbench.stacks(), []);
}
