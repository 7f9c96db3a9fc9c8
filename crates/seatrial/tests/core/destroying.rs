//! What destroys meet: protection, operations in flight, each other, and what others made.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::process::{Child, Stdio};

use aws_sdk_cloudformation::types::StackStatus;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::ended::Ended;
use crate::workbench::{FIRST, PROJECT, Workbench};

const DESTROY: [&str; 6] = ["destroy", "--yes", "--environment", "account", "--output", "json"];
const PROVISION: [&str; 6] = ["provision", "--yes", "--environment", "account", "--output", "json"];

/// A bucket that a destroy empties.
const BUILD: &str = "Resources: {ArtifactBucket: {Type: AWS::S3::Bucket}}";

fn ended(child: Child) -> Ended {
    Ended::of(child.wait_with_output().unwrap())
}

#[test]
fn nothing_is_emptied_or_deleted_where_a_stack_is_protected() {
    let workbench = Workbench::started();
    workbench.write("infra/stacks/build.yml", BUILD);
    // Where the environment asks for no protection, it is somebody's own.
    workbench.write("infra/project.yml", &PROJECT.replace("region: eu", "protected: false, region: eu"));
    assert_eq!(workbench.run(&PROVISION).code, Some(0));
    workbench.fill_bucket("tiny-account-build", "ArtifactBucket");
    workbench.protect("tiny-account-build", true);

    let refused = workbench.run(&DESTROY);

    let object = refused.object();
    assert_eq!((refused.code, &object["changed"]), (Some(3), &false.into()), "{refused:?}");
    assert!(object["failures"][0]["message"].to_string().contains("tiny-account-build"), "{object}");
    assert!(object["hints"][0].to_string().contains("--no-enable-termination-protection"), "{object}");
    assert_eq!(workbench.stacks().len(), 3);
    assert_eq!(workbench.calls("DeleteObjects"), 0);

    workbench.protect("tiny-account-build", false);
    let told = workbench.run(&["destroy", "--dry-run", "--environment", "account"]);
    assert!(told.stdout.contains("with all that is in bucket "), "{told:?}");
    assert_eq!(workbench.run(&DESTROY).code, Some(0));
    assert_eq!(workbench.stacks(), []);
}

#[test]
fn two_destroys_at_once_both_end_and_nothing_is_left() {
    let workbench = Workbench::started();
    for _ in 0..5 {
        assert_eq!(workbench.run(&PROVISION).code, Some(0));

        let both = [workbench.spawn(&DESTROY), workbench.spawn(&DESTROY)].map(ended);

        for one in both {
            assert_eq!(one.code, Some(0), "{one:?}");
        }
        assert_eq!(workbench.stacks(), []);
    }
}

#[test]
fn what_is_under_way_is_waited_for_and_its_protection_lifted() {
    let workbench = Workbench::started();
    let first = FIRST
        .replace("Parameters:\n", "Parameters:\n  DeletionProtection: {Type: String, Default: 'true'}\n");
    let first = first.replace(
        "!Ref Days}\nOutputs",
        "!Ref Days, Tags: [{Key: p, Value: !Ref DeletionProtection}]}\nOutputs",
    );
    workbench.write("infra/stacks/first.yml", &first);
    let slow = r#"{"kind": "slow", "operation": "CreateLogGroup", "delay_ms": 8000, "count": 1}"#;
    workbench.ask("POST", "/_local/faults", slow);
    let provision = workbench.spawn(&PROVISION);
    workbench.until_stack("tiny-account-first", &StackStatus::CreateInProgress);
    kill(Pid::from_raw(i32::try_from(provision.id()).unwrap()), Signal::SIGINT).unwrap();
    let interrupted = ended(provision);
    assert_eq!(interrupted.code, Some(130), "{interrupted:?}");
    let object = interrupted.object();
    assert_eq!(object["resume"], "cargo seatrial provision --yes --environment account");
    assert_eq!(object["failures"].as_array().unwrap().len(), 1, "{object}");

    let destroyed = workbench.run(&DESTROY);

    assert_eq!(destroyed.code, Some(0), "{destroyed:?}");
    assert!(destroyed.stderr.contains("joining the operation in flight"), "{destroyed:?}");
    assert!(destroyed.stderr.contains("lifting the deletion protection"), "{destroyed:?}");
    assert_eq!(workbench.stacks(), []);
}

#[test]
fn the_local_cloud_stays_for_what_others_made_in_it() {
    let workbench = Workbench::provisioned();
    let pid = workbench.connection()["pid"].clone();
    workbench.create_stack("my-own", "Resources: {Mine: {Type: AWS::S3::Bucket}}");
    workbench.until_stack("my-own", &StackStatus::CreateComplete);

    let mut destroy = workbench.command(&["destroy", "--output", "json"]);
    let destroyed = Ended::of(destroy.stdin(Stdio::null()).output().unwrap());

    let object = destroyed.object();
    assert_eq!((destroyed.code, &object["changed"]), (Some(0), &true.into()), "{destroyed:?}");
    assert_eq!(object["deleted"].as_array().unwrap().len(), 2, "{object}");
    assert_eq!(object["others"][0], "stack my-own");
    assert!(object["others"][1].as_str().unwrap().starts_with("bucket my-own-"), "{object}");
    assert_eq!(workbench.connection()["pid"], pid);
    assert_eq!(workbench.stacks(), [("my-own".to_owned(), StackStatus::CreateComplete)]);
}
