//! `cargo xtask soak persons --renew`: what the calls of each command needed; `permissions --policy` prints it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use seatrial::Running;
use seatrial_permissions::{Need, Permits, Record, Use, documents, statements};
use serde_json::Value;

use super::typed::{COMMANDS, NEEDS, begin, change};
use crate::soak::scratch::Scratch;
use crate::soak::traffic::last_lines;

/// Project and environment.
const NAME: &str = "myapp-soak";
/// What the tool puts before a command's name in its calls.
const PROGRAM: &str = "seatrial-";

pub(super) fn play(running: &Running<'_>, scratch: &Scratch) -> Result<usize, String> {
    let played = record(running, scratch);
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
    let (stage, settings) = begin(running, scratch)?;
    for (number, typed) in COMMANDS.iter().enumerate() {
        change(&stage, number, &settings)?;
        let output = stage.run(typed.words)?;
        running.say(format_args!("{}: {}", typed.words.join(" "), output.status));
        if typed.must_go_well && !output.status.success() {
            return Err(format!("`{}` failed: {}", typed.words.join(" "), last_lines(&output)));
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
        let policies = |needs: &BTreeSet<Need>| -> Vec<Value> { documents(statements(needs, None)) };
        let denied = |needs: &BTreeSet<Need>| {
            let permits = Permits::of(&policies(needs));
            typed(record).any(|(typed, used)| typed == command && !permits.allow(record, used))
        };
        let actions: BTreeSet<&str> = needs.iter().map(|need| need.action.as_str()).collect();
        let needless = actions.iter().filter(|action| {
            let less = needs.iter().filter(|need| need.action != **action).cloned().collect();
            !denied(&less)
        });
        let needless: Vec<_> = needless.collect();
        let (whole, count) = (denied(&needs), policies(&needs).len());
        running.say(format_args!(
            "{command}: {} actions in policies: {count}, {} of them needless{}",
            actions.len(),
            needless.len(),
            if whole { "; FINDING: not enough" } else { "" }
        ));
        findings += needless.len() + usize::from(whole);
    }
    findings
}
