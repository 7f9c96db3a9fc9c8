//! `provision --import`: what exists is taken in as it is, and nothing is left where it cannot be.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use aws_sdk_cloudformation::types::StackStatus;

use crate::workbench::{FIRST, SECOND, Workbench};

const PROVISION: [&str; 4] = ["provision", "--yes", "--output", "json"];
const STACK: &str = "tiny-local-first";

/// `first` with a log group of that name, which outlives it.
fn retained() -> String {
    FIRST.replace("    Properties: {", "    DeletionPolicy: Retain\n    Properties: {LogGroupName: kept, ")
}

/// A project whose log group is there already, with a life of its own.
fn with_a_group() -> Workbench {
    let workbench = Workbench::started();
    let text = "Resources: {G: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain, Properties: {LogGroupName: kept, RetentionInDays: 30}}, \
                S: {Type: AWS::Logs::LogStream, DeletionPolicy: Retain, DependsOn: G, Properties: {LogGroupName: kept, LogStreamName: old}}}";
    workbench.create_stack("theirs", text);
    workbench.until_stack("theirs", &StackStatus::CreateComplete);
    workbench.answer(workbench.client().delete_stack().stack_name("theirs").send()).unwrap();
    workbench.until_there_is_no_stack();
    workbench.write("infra/stacks/first.yml", &retained());
    workbench
}

fn with(import: &str) -> Vec<&str> {
    [&PROVISION[..], &["--import", import]].concat()
}

#[test]
fn what_outlived_its_stack_is_taken_in_again_with_all_that_is_in_it() {
    let workbench = with_a_group();

    let refused = workbench.run(&PROVISION);
    assert!(
        refused.object()["hints"].to_string().contains("provision --import STACK.LOGICAL_ID=NAME"),
        "{refused:?}"
    );

    let imported = workbench.run(&with("first.Group=kept"));

    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert!(imported.stderr.contains("import Group (AWS::Logs::LogGroup): kept"), "{imported:?}");
    assert_eq!(workbench.physical_id(STACK, "Group"), "kept");
    assert_eq!(workbench.streams("kept"), ["old"]);
    assert_eq!(workbench.tags(STACK)["seatrial:stack"], "first");
    workbench.assert_nothing_is_left_behind();
    // Once it is there, the same command has nothing to do.
    let again = workbench.run(&with("first.Group=kept"));
    assert_eq!((again.code, &again.object()["changed"]), (Some(0), &false.into()), "{again:?}");
}

#[test]
fn what_exists_is_taken_into_a_stack_that_is_there() {
    let workbench = with_a_group();
    workbench.write("infra/stacks/first.yml", FIRST);
    assert_eq!(workbench.run(&PROVISION).code, Some(0));
    let more = "  Kept: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain, Properties: {LogGroupName: kept, RetentionInDays: !Ref Retention}}\n";
    workbench.write("infra/stacks/second.yml", &format!("{SECOND}{more}"));

    let imported = workbench.run(&with("second.Kept=kept"));

    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert_eq!(workbench.physical_id("tiny-local-second", "Kept"), "kept");
    assert_eq!(workbench.streams("kept"), ["old"]);
    workbench.assert_nothing_is_left_behind();
}

#[test]
fn what_cannot_be_imported_is_refused_and_nothing_is_left_of_it() {
    let workbench = with_a_group();
    let second =
        SECOND.to_owned() + "  Alias: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Ref Group}}\n";
    workbench.write("infra/stacks/second.yml", &second);
    let refusals = [
        ("third.Group=kept", 3, "must name a stack: first, second"),
        ("Group=kept", 3, "must name the stack, too"),
        ("first.Groups=kept", 3, "has no resource `Groups`"),
        ("first.Group=other", 3, "`Group` is called `kept` by the template, not `other`"),
        ("second.Alias=kept", 3, "`Alias` refers to `Group`, which is not there"),
        ("second.Group=kept", 3, "needs `Retention` of stack `first`, which is not there yet"),
        ("first.Group", 2, "expected STACK.LOGICAL_ID=NAME"),
    ];
    for (import, code, words) in refusals {
        let refused = workbench.run(&with(import));
        assert_eq!(refused.code, Some(code), "{import}: {refused:?}");
        assert!(format!("{refused:?}").contains(words), "{import}: {refused:?}");
        assert_eq!(workbench.stacks(), []);
    }
    let several = [&with("first.Group=kept")[..], &["--import", "second.Group=kept"]].concat();
    let refused = workbench.run(&several);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("resources of one stack at a time"), "{refused:?}");
}

#[test]
fn what_another_stack_holds_or_the_logical_id_holds_already_is_refused() {
    let workbench = with_a_group();
    workbench.create_stack(
        "theirs",
        "Resources: {G: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: held}}}",
    );
    workbench.until_stack("theirs", &StackStatus::CreateComplete);
    workbench.write("infra/stacks/first.yml", &retained().replace("kept", "held"));
    let held = workbench.run(&with("first.Group=held"));
    assert_eq!(held.code, Some(3), "{held:?}");
    assert!(held.stderr.contains("`held` belongs to stack `theirs`"), "{held:?}");

    workbench.write("infra/stacks/first.yml", &retained());
    assert_eq!(workbench.run(&with("first.Group=kept")).code, Some(0));
    let other = workbench.run(&with("first.Group=other"));
    assert_eq!(other.code, Some(3), "{other:?}");
    assert!(other.stderr.contains("`first.Group` is `kept` already, not `other`"), "{other:?}");
}

#[test]
fn a_name_that_nothing_has_leaves_a_stack_that_goes_on_to_what_the_template_says() {
    let workbench = with_a_group();
    workbench.write("infra/stacks/first.yml", &retained().replace("kept", "nobody"));

    let failed = workbench.run(&with("first.Group=nobody"));

    assert_eq!(failed.code, Some(4), "{failed:?}");
    assert!(failed.stderr.contains("with identifier 'nobody' was not found"), "{failed:?}");
    assert_eq!(workbench.run(&PROVISION).code, Some(0));
    assert_eq!(workbench.physical_id(STACK, "Group"), "nobody");
}

#[test]
fn an_import_that_is_only_shown_or_not_agreed_to_leaves_nothing() {
    let workbench = with_a_group();

    let shown =
        workbench.run(&["provision", "--dry-run", "--import", "first.Group=kept", "--output", "json"]);
    assert_eq!((shown.code, &shown.object()["changed"]), (Some(0), &false.into()), "{shown:?}");
    assert!(shown.stderr.contains("import Group (AWS::Logs::LogGroup): kept"), "{shown:?}");
    workbench.until_there_is_no_stack();
    let declined = workbench.at_terminal(&["provision", "--import", "first.Group=kept"], "no\n");
    assert_eq!((declined.code, &declined.object()["changed"]), (Some(3), &false.into()), "{declined:?}");
    workbench.until_there_is_no_stack();
}

/// A gateway's attachment is known by two properties, and its physical ID by both.
#[test]
fn what_is_known_by_several_properties_is_imported_by_all_of_them() {
    let workbench = Workbench::started();
    let text = "Resources: {V: {Type: AWS::EC2::VPC, DeletionPolicy: Retain, Properties: {CidrBlock: 10.0.0.0/16}}, \
                G: {Type: AWS::EC2::InternetGateway, DeletionPolicy: Retain}, \
                A: {Type: AWS::EC2::VPCGatewayAttachment, DeletionPolicy: Retain, \
                Properties: {VpcId: !Ref V, InternetGatewayId: !Ref G}}}";
    workbench.create_stack("theirs", text);
    workbench.until_stack("theirs", &StackStatus::CreateComplete);
    let (vpc, gateway) = (workbench.physical_id("theirs", "V"), workbench.physical_id("theirs", "G"));
    workbench.answer(workbench.client().delete_stack().stack_name("theirs").send()).unwrap();
    workbench.until_there_is_no_stack();
    let attachment = format!(
        "  Way: {{Type: AWS::EC2::VPCGatewayAttachment, DeletionPolicy: Retain, \
         Properties: {{VpcId: {vpc}, InternetGatewayId: {gateway}}}}}\n"
    );
    workbench.write("infra/stacks/first.yml", &FIRST.replace("Outputs:", &format!("{attachment}Outputs:")));

    let refused = workbench.run(&with(&format!("first.Way={vpc}")));
    assert_eq!(refused.code, Some(3), "{refused:?}");
    let form = "type `--import first.Way=AttachmentType=...,VpcId=...`";
    assert!(refused.stderr.contains(form), "{refused:?}");
    let typed = format!("first.Way=AttachmentType=IGW,VpcId={vpc}");

    let imported = workbench.run(&with(&typed));

    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert_eq!(workbench.physical_id(STACK, "Way"), format!("IGW|{vpc}"));
    let again = workbench.run(&with(&typed));
    assert_eq!((again.code, &again.object()["changed"]), (Some(0), &false.into()), "{again:?}");
}
