//! What people type, in its order, and what is there to be done by it.

use seatrial::Running;

use crate::soak::scratch::Scratch;
use crate::soak::stage::{SOAK, Stage};

/// What each command was seen to need, for the tool to print.
pub(super) const NEEDS: &str = "crates/seatrial/src/commands/permissions/needs.json";

/// A command, and who types it that may least.
pub(super) struct Typed {
    pub(super) person: &'static str,
    pub(super) words: &'static [&'static str],
    pub(super) must_go_well: bool,
}

const fn typed(person: &'static str, words: &'static [&'static str]) -> Typed {
    Typed { person, words, must_go_well: true }
}

/// One that may find something amiss.
const fn told(person: &'static str, words: &'static [&'static str]) -> Typed {
    Typed { person, words, must_go_well: false }
}

/// In their order.
pub(super) const COMMANDS: [Typed; 20] = [
    told("operator", &["doctor"]),
    typed("operator", &["provision", "--yes"]),
    typed("reader", &["status"]),
    typed("reader", &["status", "--drift"]),
    typed("reader", &["diff"]),
    typed("reader", &["logs", "--since", "1h"]),
    typed("reader", &["logs", "--source", "build", "--since", "1h"]),
    typed("reader", &["logs", "--source", "deployment", "--since", "1h"]),
    typed("releaser", &["release", "--ignore-alarms", "--wait-until", "traffic-shifted"]),
    // Stops what runs.
    typed("releaser", &["rollback", "--yes"]),
    typed("operator", &["build-image", "--push"]),
    typed("releaser", &["release"]),
    typed("releaser", &["run", "--", "migrate"]),
    typed("releaser", &["rollback", "--yes"]),
    told("reader", &["explain"]),
    typed("operator", &["provision", "--yes"]),
    typed("releaser", &["release", "--wait-until", "after-allow-test-traffic"]),
    typed("releaser", &["release", "--continue"]),
    typed("reader", &["status"]),
    typed("operator", &["destroy", "--yes"]),
];

const DOMAIN: &str = "myapp.test";

/// A cloud with an account, and a project with what takes more permissions than the least.
pub(super) fn begin<'a>(running: &Running<'_>, scratch: &'a Scratch) -> Result<(Stage<'a>, String), String> {
    let stage = Stage::begin(scratch, SOAK, None)?;
    let certificate = stage.certificate(running, DOMAIN)?;
    let settings =
        format!("migrate: {{command: [migrate]}}, domain: {DOMAIN}, certificate_arn: '{certificate}'");
    settle(&stage, &settings)?;
    Ok((stage, settings))
}

fn settle(stage: &Stage<'_>, settings: &str) -> Result<(), String> {
    stage.set(settings)?;
    stage.generate()?;
    stage.scratch.commit("Change the environment")
}

/// Makes something for the command of that number to do.
pub(super) fn change(stage: &Stage<'_>, number: usize, settings: &str) -> Result<(), String> {
    match COMMANDS[number].words {
        ["release", "--continue"] => Ok(()),
        ["release" | "build-image", ..] => stage.scratch.change_a_line(number as u64),
        ["provision", ..] if number > 1 => {
            let more = "tasks: {min: 1, max: 3, cpu_target: 50}, deployment: {ready_wait: 30m}";
            settle(stage, &format!("{settings}, {more}"))
        }
        _ => Ok(()),
    }
}
