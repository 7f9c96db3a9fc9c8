//! `diff`, and the plan that `provision` shows: each property from what to what, new stacks too, and nothing left of it.

use crate::workbench::{FIRST, Workbench};

#[test]
fn what_a_new_stack_would_hold_is_shown_and_no_empty_stack_is_left() {
    let workbench = Workbench::started();

    let diff = workbench.run(&["diff", "--exit-code"]);
    assert_eq!(diff.code, Some(6), "{}", diff.stderr);
    assert!(diff.stdout.contains("Add Group (AWS::Logs::LogGroup)"), "{}", diff.stdout);
    let unknown = "create, once there is what it takes of `first`";
    assert!(diff.stdout.contains(unknown), "{}", diff.stdout);
    workbench.until_there_is_no_stack();

    let declined = workbench.at_terminal(&["provision"], "no\n");
    assert_eq!((declined.code, &declined.object()["changed"]), (Some(3), &false.into()), "{declined:?}");
    workbench.until_there_is_no_stack();

    // What was shown is what is executed.
    let before = workbench.calls("CreateChangeSet");
    assert_eq!(workbench.run(&["provision", "--yes"]).code, Some(0));
    assert_eq!(workbench.calls("CreateChangeSet") - before, 2);
    workbench.assert_nothing_is_left_behind();
}

#[test]
fn each_property_is_shown_from_what_to_what_and_changes_have_an_exit_code() {
    let workbench = Workbench::provisioned();
    assert_eq!(workbench.run(&["diff", "--exit-code"]).code, Some(0));
    workbench.set_days("14");
    let asked = workbench.calls("GetTemplate");

    let diff = workbench.run(&["diff", "--exit-code"]);
    assert_eq!(diff.code, Some(6), "{}", diff.stderr);
    assert_eq!(workbench.calls("GetTemplate") - asked, 2, "once a stack");
    assert!(diff.stdout.contains("RetentionInDays: 7 -> 14"), "{}", diff.stdout);
    assert!(diff.stdout.contains("unchanged, unless what it takes of `first` changes"), "{}", diff.stdout);
    assert_eq!(workbench.run(&["diff"]).code, Some(0));
    workbench.assert_nothing_is_left_behind();

    let object = workbench.run(&["diff", "--output", "json"]).object();
    let first = &object["plan"]["stacks"][0];
    assert_eq!(first["step"], "update");
    let detail = &first["changes"][0]["details"][0];
    assert_eq!((&detail["before"], &detail["after"]), (&"7".into(), &"14".into()), "{detail}");
    assert_eq!(workbench.parameters("tiny-local-first")["Days"], "7");
}

#[test]
fn what_is_fixed_at_creation_is_refused_by_its_key() {
    let workbench = Workbench::started();
    let port = "  AppPort: {Type: Number}\n";
    workbench.write(
        "infra/stacks/first.yml",
        &FIRST.replacen("Parameters:\n", &format!("Parameters:\n{port}"), 1),
    );
    assert_eq!(workbench.run(&["provision", "--yes"]).code, Some(0));
    let project = std::fs::read_to_string(workbench.path("infra/project.yml")).unwrap();

    workbench.write("infra/project.yml", &format!("{project}tags: {{team: platform}}\n"));
    let refused = workbench.run(&["provision", "--yes"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("`tags` are fixed at creation: found `team: platform`"),
        "{}",
        refused.stderr
    );

    workbench.write("infra/project.yml", &format!("{project}app: {{port: 4001}}\n"));
    let refused = workbench.run(&["provision", "--yes"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("`app.port` is fixed at creation: found `4001`"), "{}", refused.stderr);
    workbench.assert_nothing_is_left_behind();
}
