//! One object, always: whatever the command and whatever goes wrong.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::workbench::{Ended, Workbench};

/// Every command that works on a project.
const COMMANDS: [&[&str]; 10] = [
    &["provision", "--yes"],
    &["release"],
    &["status"],
    &["destroy", "--yes"],
    &["build-image"],
    &["generate"],
    &["graph"],
    &["check"],
    &["rehearse"],
    &["local", "status"],
];

fn run(workbench: &Workbench, command: &[&str], more: &[&str]) -> Ended {
    workbench.run(&[command, more, &["--output", "json"]].concat())
}

#[track_caller]
fn assert_refused(command: &[&str], ended: &Ended, message: &str) {
    let object = ended.object();
    assert_eq!(ended.code, Some(3), "{command:?}: {ended:?}");
    assert_eq!(object["failures"][0]["status"], "refused", "{command:?}");
    assert!(object["failures"][0]["message"].to_string().contains(message), "{command:?}: {object}");
    assert_eq!(object["resume"], Value::Null, "{command:?}");
}

#[test]
fn a_project_file_that_is_wrong_is_told_in_the_one_object_of_every_command() {
    let workbench = Workbench::new();
    workbench.write("infra/project.yml", "project: tiny\ncolour: blue\n");
    for command in COMMANDS {
        assert_refused(command, &run(&workbench, command, &[]), "infra/project.yml:2:1: ");
    }
    assert!(!workbench.path("local-cloud").exists());
}

#[test]
fn an_environment_that_is_not_there_is_told_in_the_one_object_of_every_command_that_has_one() {
    let workbench = Workbench::new();
    for command in [COMMANDS[0], COMMANDS[1], COMMANDS[2], COMMANDS[3], COMMANDS[4], COMMANDS[6]] {
        let ended = run(&workbench, command, &["--environment", "nowhere"]);
        assert_refused(command, &ended, "environment `nowhere` is not in `infra/project.yml`");
    }
    assert!(!workbench.path("local-cloud").exists());
}

#[test]
fn a_command_line_that_is_not_understood_is_told_in_the_one_object() {
    let workbench = Workbench::new();
    for command in COMMANDS {
        let ended = run(&workbench, command, &["--colour"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let failure = &ended.object()["failures"][0];
        assert_eq!(failure["status"], "usage");
        assert_eq!(failure["message"], "unexpected argument '--colour' found", "{command:?}");
    }
    assert_eq!(workbench.run(&["--output=json", "provision", "--colour"]).object()["changed"], false);
    assert_eq!(workbench.run(&["--output", "json"]).object()["changed"], false);
}

#[test]
fn what_aws_refuses_and_what_is_not_agreed_to_is_told_in_the_one_object() {
    let workbench = Workbench::started();
    for command in ["provision", "release", "status", "destroy"] {
        workbench.arm("deny", "DescribeStacks", 1);
        let ended = run(&workbench, &[command], &["--environment", "account"]);
        let object = ended.object();
        assert_eq!(ended.code, Some(1), "{command}: {ended:?}");
        assert_eq!(object["changed"], false, "{command}");
        let message = object["failures"][0]["message"].as_str().unwrap();
        assert!(message.contains("AccessDenied: User: "), "{command}: {message}");
    }
    assert_refused(&["release"], &run(&workbench, &["release"], &[]), "is not deployed");
    let declined = workbench.at_terminal(&["provision", "--environment", "account"], "no\n");
    assert_refused(&["provision"], &declined, "not agreed to");
    assert_eq!(workbench.stacks(), []);
}

#[test]
fn what_aws_refuses_after_something_was_changed_is_no_refusal_and_says_how_to_go_on() {
    let workbench = Workbench::started();
    workbench.arm("deny", "DescribeStackEvents", 100);

    let ended = run(&workbench, &["provision", "--yes"], &["--environment", "account"]);

    // The first look at a stack's events comes before its change set is executed.
    assert_eq!((ended.code, &ended.object()["changed"]), (Some(1), &false.into()), "{ended:?}");
    assert_eq!(workbench.stacks(), []);
    workbench.ask("DELETE", "/_local/faults", "");

    assert_eq!(run(&workbench, &["provision", "--yes"], &["--environment", "account"]).code, Some(0));
    workbench.arm("deny", "ListTaskDefinitions", 100);
    let destroyed = run(&workbench, &["destroy", "--yes"], &["--environment", "account"]);

    let object = destroyed.object();
    assert_eq!((destroyed.code, &object["changed"]), (Some(4), &true.into()), "{destroyed:?}");
    assert_eq!(object["deleted"], json!(["tiny-account-second", "tiny-account-first"]));
    assert_eq!(object["resume"], "cargo seatrial destroy --environment account");
}

#[test]
fn whoever_interrupts_is_told_the_command_that_goes_on_and_it_does() {
    let workbench = Workbench::started();
    let provision = ["provision", "--yes", "--environment", "account", "--output", "json"];
    let running = workbench.spawn(&provision);
    while workbench.calls("ExecuteChangeSet") == 0 {
        std::thread::yield_now();
    }

    kill(Pid::from_raw(running.id().try_into().unwrap()), Signal::SIGTERM).unwrap();

    let ended = Ended::of(running.wait_with_output().unwrap());
    let object = ended.object();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert_eq!(object["changed"], true);
    let resume = object["resume"].as_str().unwrap();
    assert_eq!(resume, "cargo seatrial provision --yes --environment account");
    workbench.assert_nothing_is_left_behind();
    let words: Vec<&str> = resume.split(' ').skip(2).collect();
    assert_eq!(workbench.run(&words).code, Some(0));
    assert_eq!(workbench.calls("ExecuteChangeSet"), 2);
}

#[test]
fn a_signal_ends_a_destroy_that_waits_for_an_answer() {
    let bucket = "Resources: {ArtifactBucket: {Type: AWS::S3::Bucket}}\n";
    for (before, slow) in [("ListStackResources", "GetTemplate"), ("GetTemplate", "ListObjectVersions")] {
        let workbench = Workbench::started();
        workbench.write("infra/stacks/build.yml", bucket);
        assert_eq!(workbench.run(&["provision", "--yes", "--environment", "account"]).code, Some(0));
        // Longer than a test may take.
        let fault = json!({ "kind": "slow", "operation": slow, "count": 100, "delay_ms": 600_000 });
        workbench.ask("POST", "/_local/faults", &fault.to_string());
        let calls = workbench.calls(before);
        let running = workbench.spawn(&["destroy", "--yes", "--environment", "account", "--output", "json"]);
        while workbench.calls(before) == calls {
            std::thread::yield_now();
        }

        kill(Pid::from_raw(running.id().try_into().unwrap()), Signal::SIGTERM).unwrap();

        let ended = Ended::of(running.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(130), "{slow}: {ended:?}");
        assert_eq!(ended.object()["resume"], "cargo seatrial destroy --yes --environment account");
    }
}

#[test]
fn the_local_clouds_data_is_in_the_plan_of_a_destroy_and_deleting_it_is_a_change() {
    let workbench = Workbench::started();
    let data = workbench.path("local-cloud");

    let planned = workbench.run(&["destroy", "--dry-run", "--output", "json"]);
    assert_eq!(planned.object()["data_dir"], json!(data));
    assert!(workbench.run(&["destroy", "--dry-run"]).stdout.contains(&format!("`{}`", data.display())));
    let ended = workbench.run(&["destroy", "--output", "json"]);

    assert_eq!((ended.code, &ended.object()["changed"]), (Some(0), &true.into()), "{ended:?}");
    assert_eq!(ended.object()["data_dir"], json!(data));
    assert!(!data.exists());
}

#[test]
fn every_text_names_the_tool_as_it_was_started_and_the_environment_that_was_asked_for() {
    let workbench = Workbench::started();
    let asked = ["--environment", "account"];
    let status = workbench.run(&[&["status"], &asked[..]].concat());
    assert!(status.stdout.contains("run `cargo seatrial provision --environment account`"), "{status:?}");
    for (command, hint) in [
        (&["release"][..], "run `cargo seatrial provision --environment account` first"),
        (&["provision"], "run `cargo seatrial provision --yes --environment account`"),
    ] {
        let ended = workbench.run(&[command, &asked[..]].concat());
        assert!(ended.stderr.contains(hint), "{ended:?}");
    }
    for command in
        [&["status"][..], &["release"], &["provision"], &["destroy", "--dry-run"], &["generate", "--check"]]
    {
        let ended = workbench.run(command);
        assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("cargo xtask"), "{ended:?}");
    }
}

/// Before and behind the owners in the alphabet.
#[test]
fn what_a_users_stack_offers_by_a_name_of_ours_is_taken_for_ours_nowhere() {
    let workbench = Workbench::started();
    let offer = |whose: &str, names: &[&str]| {
        let outputs: String = names.iter().map(|name| format!("  {name}: {{Value: {whose}}}\n")).collect();
        format!("Resources:\n  Group: {{Type: AWS::Logs::LogGroup}}\nOutputs:\n{outputs}")
    };
    let all = ["Url", "ClusterName", "PipelineName"];
    for user in ["another", "zone"] {
        workbench.write(&format!("infra/stacks/{user}.yml"), &offer("theirs", &all));
    }
    for (owner, name) in [("load-balancer", "Url"), ("cluster", "ClusterName"), ("pipeline", "PipelineName")]
    {
        workbench.write(&format!("infra/stacks/{owner}.yml"), &offer("ours", &[name]));
    }

    let provisioned = workbench.run(&["provision", "--yes", "--output", "json"]);

    assert_eq!(provisioned.code, Some(0), "{provisioned:?}");
    for name in all {
        assert_eq!(provisioned.object()["outputs"][name], "ours", "{name}");
    }
    assert_eq!(workbench.run(&["status", "--output", "json"]).object()["url"], "ours");
}
