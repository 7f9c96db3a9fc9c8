//! Why something failed, in the words of whoever knows; and what AWS would refuse is refused before it is asked.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use crate::workbench::{ANOTHER_GROUP, SECOND, Workbench};

const PROVISION: [&str; 4] = ["provision", "--yes", "--output", "json"];
/// The bucket through which large templates are sent.
const BUILD: &str = "Resources: {ArtifactBucket: {Type: AWS::S3::Bucket}}
Outputs: {ArtifactBucketName: {Value: !Ref ArtifactBucket}}
";

/// More than a request may carry, in comments.
fn large(template: &str) -> String {
    format!("{template}{}", format!("# {}\n", "x".repeat(77)).repeat(700))
}

#[track_caller]
fn message(workbench: &Workbench, code: i32) -> String {
    let ended = workbench.run(&PROVISION);
    assert_eq!(ended.code, Some(code), "{ended:?}");
    ended.object()["failures"][0]["message"].as_str().unwrap().to_owned()
}

#[test]
fn what_early_validation_finds_is_told_with_its_place_for_new_stacks_and_for_those_that_are_there() {
    let workbench = Workbench::started();
    let wrong = format!("{SECOND}  Wrong: {{Type: AWS::Logs::LogGroup, Properties: {{Colour: blue}}}}\n");
    for provisioned in [false, true] {
        workbench.write("infra/stacks/second.yml", &wrong);

        let told = message(&workbench, 4);

        assert!(told.contains("the change set on stack `tiny-local-second` is FAILED: "), "{told}");
        assert!(told.contains("\n  Wrong (AWS::Logs::LogGroup) at /Resources/Wrong/Properties"), "{told}");
        assert!(told.contains("Colour"), "{told}");
        workbench.assert_nothing_is_left_behind();
        if !provisioned {
            workbench.write("infra/stacks/second.yml", SECOND);
            assert_eq!(workbench.run(&PROVISION).code, Some(0));
        }
    }
}

#[test]
fn details_that_may_not_be_read_hide_not_what_failed() {
    let workbench = Workbench::started();
    let wrong = format!("{SECOND}  Wrong: {{Type: AWS::Logs::LogGroup, Properties: {{Colour: blue}}}}\n");
    workbench.write("infra/stacks/second.yml", &wrong);
    workbench.arm("deny", "DescribeEvents", 100);

    let told = message(&workbench, 4);

    assert!(told.contains("is FAILED: "), "{told}");
    assert!(told.contains("its details cannot be read: ") && told.contains("AccessDenied"), "{told}");
}

#[test]
fn a_rollback_that_fails_tells_why_it_began_and_why_it_failed() {
    let workbench = Workbench::provisioned();
    workbench.fail_the_next_rollback();

    let told = message(&workbench, 4);

    let (began, failed) = told.split_once("; its rollback failed: ").unwrap();
    assert!(began.starts_with("stack `tiny-local-second` is UPDATE_ROLLBACK_FAILED: Another ("), "{told}");
    assert!(began.contains("logs:CreateLogGroup"), "{told}");
    assert!(failed.starts_with("Group (") && failed.contains("logs:PutRetentionPolicy"), "{told}");
}

#[test]
fn a_template_too_large_for_a_request_is_sent_through_the_artifact_bucket_and_does_not_stay_there() {
    let workbench = Workbench::started();
    workbench.write("infra/stacks/build.yml", BUILD);
    // Its name comes before `build`'s in the alphabet.
    workbench.write("infra/stacks/a-large.yml", &large("Resources: {Group: {Type: AWS::Logs::LogGroup}}\n"));

    let made = workbench.run(&PROVISION);

    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(workbench.stacks().len(), 4);
    let again = workbench.run(&PROVISION);
    assert_eq!((again.code, &again.object()["changed"]), (Some(0), &false.into()), "{again:?}");
    workbench.write(
        "infra/stacks/a-large.yml",
        &large(&format!("Resources:\n  Group: {{Type: AWS::Logs::LogGroup}}\n{ANOTHER_GROUP}")),
    );
    let updated = workbench.run(&PROVISION);
    assert_eq!((updated.code, &updated.object()["changed"]), (Some(0), &true.into()), "{updated:?}");
    assert_eq!(workbench.objects("tiny-local-build", "ArtifactBucket"), 0);
}

#[test]
fn what_aws_would_refuse_by_its_size_is_refused_before_any_call() {
    let workbench = Workbench::started();
    let calls = workbench.calls("DescribeStacks");
    let name = "a".repeat(120);
    let long = format!("infra/stacks/{name}.yml");
    for (file, text, told) in [
        (
            long.as_str(),
            SECOND.to_owned(),
            "a stack's name must have at most 128 characters, found 131: `tiny-local-",
        ),
        (
            "infra/stacks/large.yml",
            large(SECOND),
            "and no stack has an output `ArtifactBucketName`; found 56",
        ),
        ("infra/stacks/build.yml", large(BUILD), "which this stack makes: move other resources to another"),
    ] {
        workbench.write(file, &text);
        let refused = message(&workbench, 3);
        assert!(refused.starts_with(&format!("{file}:1:1: ")) && refused.contains(told), "{refused}");
        std::fs::remove_file(workbench.path(file)).unwrap();
    }
    assert_eq!(workbench.calls("DescribeStacks"), calls);
}
