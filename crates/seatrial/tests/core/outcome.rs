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
        assert_eq!(ended.object()["failures"][0]["status"], "usage");
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
    assert_eq!(resume, "cargo seatrial provision --environment account");
    workbench.assert_nothing_is_left_behind();
    let words: Vec<&str> = resume.split(' ').skip(2).collect();
    assert_eq!(workbench.run(&[&words[..], &["--yes"]].concat()).code, Some(0));
    assert_eq!(workbench.calls("ExecuteChangeSet"), 2);
}
