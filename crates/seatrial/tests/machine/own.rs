//! A command of a project's own: this test's program is a project's `xtask` when it is told so.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use seatrial::{Check, Running, Tool, clap};
use serde_json::Value;

use crate::here::{Here, ended, number_in, runs, send, until};
use crate::{heard, signals};

/// What to run as a project's own command: a shell's words.
const SCRIPT: &str = "SEATRIAL_TEST_OWN";

/// The own command, where the variable says that this process is the project's `xtask`.
#[test]
#[expect(clippy::exit, reason = "the exit code is what is looked at")]
fn xtask() {
    let Ok(script) = std::env::var(SCRIPT) else { return };
    let run = move |running: &Running<'_>, _: &clap::ArgMatches| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]);
        let status = running.run(shell)?;
        if status.success() { Ok(()) } else { Err(format!("it ended with {status}")) }
    };
    let tool = Tool::new().command(clap::Command::new("play"), run);
    let words = ["xtask", "play", "--output", "json"];
    std::process::exit(tool.run(words.map(Into::into)).code().into());
}

/// Which of the tools that have a mistake in them to be.
const MISTAKEN: &str = "SEATRIAL_TEST_MISTAKEN";

#[test]
#[expect(clippy::exit, reason = "the exit code is what is looked at")]
fn mistaken_xtask() {
    let Ok(word) = std::env::var(MISTAKEN) else { return };
    let own = |name: &'static str| Tool::new().command(clap::Command::new(name), |_, _| panic!("boom"));
    let tool = match word.as_str() {
        "check" => {
            let boom = Check::new("boom", |_| panic!("boom"));
            Tool::new().check(boom).check(Check::new("after", |_| Ok(())))
        }
        "buildspec" => own("buildspec"),
        "status" => own("status"),
        _ => own("play"),
    };
    let words = ["xtask", word.as_str(), "--output", "json"];
    std::process::exit(tool.run(words.map(Into::into)).code().into());
}

#[track_caller]
fn mistaken(word: &str) -> (Option<i32>, Value) {
    let here = Here::new();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "own::mistaken_xtask", "--nocapture"]).env(MISTAKEN, word);
    command.current_dir(here.project()).stdin(Stdio::null());
    outcome(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

#[test]
fn a_step_or_a_command_of_the_projects_own_that_panics_has_failed_and_the_outcome_is_told() {
    let (code, object) = mistaken("check");
    assert_eq!(code, Some(1), "{object}");
    let steps = object["steps"].as_array().unwrap();
    let passed =
        |name: &str| steps.iter().find(|step| step["name"] == name).map(|step| step["passed"].clone());
    assert_eq!((passed("boom"), passed("after")), (Some(false.into()), Some(true.into())), "{object}");
    assert!(object["failures"].to_string().contains("it panicked: boom"), "{object}");

    let (code, object) = mistaken("play");
    assert_eq!((code, &object["failures"][0]["message"]), (Some(1), &"it panicked: boom".into()), "{object}");
}

#[test]
fn an_own_command_that_has_the_name_of_another_is_told_by_name() {
    // An alias is a name too.
    for name in ["status", "buildspec"] {
        let (code, object) = mistaken(name);

        let told = object["failures"][0]["message"].to_string();
        assert_eq!(code, Some(1), "{object}");
        assert!(told.contains(&format!("own command `{name}` has the name of one")), "{object}");
    }
}

fn start(script: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "own::xtask", "--nocapture"]).env(SCRIPT, script).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The code and the one object: the harness writes around it.
#[track_caller]
fn outcome(child: Child) -> (Option<i32>, Value) {
    let output = ended(child);
    let text = String::from_utf8_lossy(&output.stdout);
    let object = text.lines().find_map(|line| line.find('{').map(|at| &line[at..]));
    (output.status.code(), serde_json::from_str(object.unwrap_or_default()).unwrap_or_default())
}

fn writes(pid: &Path) -> String {
    format!("echo $$ > '{}'", pid.display())
}

#[test]
fn an_own_command_has_the_outcome_that_every_command_has() {
    let (code, object) = outcome(start("true"));
    assert_eq!(
        (code, &object["failures"], &object["changed"]),
        (Some(0), &Value::Array(Vec::new()), &false.into())
    );

    let (code, object) = outcome(start("exit 7"));
    assert_eq!(code, Some(1));
    let failure = &object["failures"][0];
    assert_eq!(
        (&failure["status"], &failure["message"]),
        (&"unexpected".into(), &"it ended with exit status: 7".into())
    );
}

#[test]
fn each_signal_ends_what_an_own_command_runs_with_its_children() {
    for signal in signals() {
        let here = Here::new();
        let [leader, child] = ["leader", "child"].map(|name| here.path(name));
        let started = start(&format!(
            "sh -c \"{}; sleep 60\" & {}; wait",
            writes(&child).replace('$', "\\$"),
            writes(&leader)
        ));
        let pids = [number_in(&leader), number_in(&child)];

        send(started.id(), signal);

        let (code, object) = outcome(started);
        assert_eq!(code, Some(130), "{signal}");
        assert_eq!(object["failures"][0]["status"], "interrupted", "{signal}: {object}");
        assert!(!pids.into_iter().any(runs), "{signal}");
    }
}

#[test]
fn a_second_signal_ends_an_own_command_and_what_it_runs_at_once() {
    for signal in signals() {
        let here = Here::new();
        let pid = here.path("stubborn");
        let mut started = start(&format!("trap '' INT TERM HUP; {}; sleep 60", writes(&pid)));
        let stubborn = number_in(&pid);

        send(started.id(), signal);
        heard(&mut started);
        send(started.id(), signal);

        let (code, object) = outcome(started);
        assert_eq!(code, Some(130), "{signal}");
        assert_eq!(object["failures"][0]["status"], "interrupted", "{signal}: {object}");
        until("the end of what was left", || !runs(stubborn));
    }
}
