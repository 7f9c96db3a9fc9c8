//! Stacks that others made or tagged.

use aws_sdk_cloudformation::types::StackStatus;

use crate::workbench::{SECOND, Workbench};

const THEIRS: &str = "Resources: {Theirs: {Type: AWS::Logs::LogGroup}}";

#[test]
fn stacks_of_our_names_that_somebody_else_made_are_all_named_and_stay_as_they_are() {
    let workbench = Workbench::started();
    for stack in ["tiny-local-first", "tiny-local-second"] {
        workbench.create_stack(stack, THEIRS);
    }

    for _ in 0..2 {
        let ended = workbench.run(&["provision", "--yes", "--output", "json"]);

        let object = ended.object();
        assert_eq!(ended.code, Some(3), "{ended:?}");
        for (failure, stack) in object["failures"].as_array().unwrap().iter().zip(["first", "second"]) {
            let told = failure["message"].as_str().unwrap();
            assert!(
                told.starts_with(&format!("stack `tiny-local-{stack}` is there, and not Seatrial's")),
                "{told}"
            );
        }
        assert_eq!(object["failures"].as_array().unwrap().len(), 2, "{object}");
        assert_eq!(object["stacks"], serde_json::json!([]));
    }
    let kept = ["first", "second"].map(|name| (format!("tiny-local-{name}"), StackStatus::CreateComplete));
    assert_eq!(workbench.stacks(), kept);
    assert_eq!(workbench.calls("CreateChangeSet"), 0);

    assert_eq!(workbench.run(&["destroy", "--environment", "local", "--yes"]).code, Some(0));
}

#[test]
fn a_tag_that_somebody_adds_to_our_stack_is_no_change_and_stays() {
    let workbench = Workbench::provisioned();
    workbench.add_tag("tiny-local-second", "team", "platform");
    let provision = ["provision", "--yes", "--output", "json"];

    let ended = workbench.run(&provision);
    let object = ended.object();
    assert_eq!((ended.code, &object["changed"]), (Some(0), &false.into()), "{ended:?}");

    workbench.write("infra/stacks/second.yml", &SECOND.replace("!Ref Retention", "14"));
    let ended = workbench.run(&provision);
    assert_eq!((ended.code, &ended.object()["changed"]), (Some(0), &true.into()), "{ended:?}");
    assert_eq!(workbench.tags("tiny-local-second")["team"], "platform");
}
