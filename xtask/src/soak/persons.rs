//! `cargo xtask soak persons`: every command that a person types against an account, and what the calls of each needed:
//! `permissions --policy` prints it. The local cloud is AWS to an environment with an account.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use seatrial::Running;
use seatrial_permissions::{Need, Permits, Record, Use, statements};
use serde_json::{Value, json};

use super::scratch::Scratch;
use super::stage::{SOAK, Stage};
use super::traffic::last_lines;

/// What is written, for the tool to print.
const NEEDS: &str = "crates/seatrial/src/commands/permissions/needs.json";
/// Project and environment.
const NAME: &str = "myapp-soak";
/// What the tool puts before a command's name in its calls.
const PROGRAM: &str = "seatrial-";

/// In their order; and whether they must go well.
const COMMANDS: [(&[&str], bool); 15] = [
    (&["doctor"], false),
    (&["provision", "--yes"], true),
    (&["status"], true),
    (&["status", "--drift"], true),
    (&["diff"], true),
    (&["logs", "--since", "1h"], true),
    (&["logs", "--source", "build", "--since", "1h"], true),
    (&["logs", "--source", "deployment", "--since", "1h"], true),
    (&["release"], true),
    (&["run", "--", "migrate"], false),
    (&["rollback", "--yes"], true),
    (&["explain"], false),
    (&["provision", "--yes"], true),
    (&["status"], true),
    (&["destroy", "--yes"], true),
];

pub(super) fn play(running: &Running<'_>) -> Result<usize, String> {
    let scratch = Scratch::make(running)?;
    let played = record(running, &scratch);
    // Whatever came of it.
    scratch.reset(running);
    let record = played?;
    let of: BTreeMap<String, BTreeSet<Need>> = by_command(&record);
    let text = serde_json::to_string_pretty(&of).map_err(|error| error.to_string())? + "\n";
    fs::write(NEEDS, text).map_err(|error| format!("failed to write `{NEEDS}`: {error}"))?;
    running.changes();
    Ok(proven(running, &record, &of))
}

fn record(running: &Running<'_>, scratch: &Scratch) -> Result<Record, String> {
    let stage = Stage::begin(scratch, SOAK, None)?;
    stage.set("")?;
    scratch.commit("Add an environment")?;
    for (number, (command, must_go_well)) in COMMANDS.iter().enumerate() {
        match command {
            ["release"] => scratch.change_a_line(1)?,
            ["provision", ..] if number > 1 => {
                stage.set("tasks: {min: 1, max: 3, cpu_target: 50}")?;
                scratch.commit("Change the environment")?;
            }
            _ => {}
        }
        let output = stage.run(command)?;
        running.say(format_args!("{}: {}", command.join(" "), output.status));
        if *must_go_well && !output.status.success() {
            return Err(format!("`{}` failed: {}", command.join(" "), last_lines(&output)));
        }
    }
    let path = scratch.path().join("record.json");
    let saved = stage.run(&["permissions", "--running", "--save", &path.display().to_string()])?;
    let text = fs::read(&path).map_err(|error| format!("no record: {error}: {}", last_lines(&saved)))?;
    serde_json::from_slice(&text).map_err(|error| format!("the record cannot be read: {error}"))
}

/// The operator's uses, each with the command that it typed.
fn typed(record: &Record) -> impl Iterator<Item = (&str, &Use)> {
    record.uses.iter().filter_map(|used| {
        let command = used.program.as_deref()?.strip_prefix(PROGRAM)?;
        // Of the local cloud there is nothing on AWS.
        (used.principal.contains(":user/") && command != "local").then_some((command, used))
    })
}

fn by_command(record: &Record) -> BTreeMap<String, BTreeSet<Need>> {
    let mut of: BTreeMap<String, BTreeSet<Need>> = BTreeMap::new();
    for (command, used) in typed(record) {
        of.entry(command.to_owned()).or_default().insert(Need::of(used, record, NAME));
    }
    of
}

/// For each command: its needs allow everything that it did, and without any one action something is denied.
fn proven(running: &Running<'_>, record: &Record, of: &BTreeMap<String, BTreeSet<Need>>) -> usize {
    let mut findings = 0;
    for (command, needs) in of {
        let place = (record.account.as_str(), record.region.as_str(), NAME);
        let needs: BTreeSet<Need> = needs.iter().map(|need| need.in_place(place)).collect();
        let document = |needs: &BTreeSet<Need>| -> Value {
            json!({ "Version": "2012-10-17", "Statement": statements(needs) })
        };
        let denied = |needs: &BTreeSet<Need>| {
            let permits = Permits::of(&document(needs));
            typed(record).any(|(typed, used)| typed == command && !permits.allow(record, used))
        };
        let actions: BTreeSet<&str> = needs.iter().map(|need| need.action.as_str()).collect();
        let needless = actions.iter().filter(|action| {
            let less = needs.iter().filter(|need| need.action != **action).cloned().collect();
            !denied(&less)
        });
        let needless: Vec<_> = needless.collect();
        let (whole, length) = (denied(&needs), document(&needs).to_string().len());
        running.say(format_args!(
            "{command}: {} actions in {length} characters, {} of them needless{}",
            actions.len(),
            needless.len(),
            if whole { "; FINDING: not enough" } else { "" }
        ));
        findings += needless.len() + usize::from(whole);
    }
    findings
}
