//! `cargo xtask soak permissions`: a permission is taken from a template, and the whole rehearsal must fail for it, with
//! the role, the action and the role's line told. The replay of a rehearsal's record decides for all of them; this is its
//! control, for as many as one likes, drawn by seed.

use std::fs;
use std::path::Path;

use fastrand::Rng;
use seatrial::Running;
use serde_json::Value;

use super::scratch::Scratch;
use super::traffic::{last_lines, object};

/// What stands in place of a permission: nothing here needs it, and a statement must allow something.
const NOTHING: &str = "sts:GetSessionToken";

/// A permission that a rehearsal needs.
struct Needed {
    role: String,
    action: String,
    /// `infra/stacks/build.yml:243`.
    file: String,
    line: usize,
}

/// Plays the rounds, each one permission; answers how many findings there were.
pub(super) fn play(running: &Running<'_>, rounds: u64, seed: u64) -> Result<usize, String> {
    let scratch = Scratch::make(running)?;
    running.say(format_args!("seed {seed}, {rounds} rounds, in {}", scratch.path().display()));
    let whole = rehearse(&scratch)?;
    if whole["verdict"] != "pass" {
        return Err(format!("the rehearsal with all permissions did not pass: {whole}"));
    }
    let mut needed = needed(&scratch)?;
    running.say(format_args!("{} permissions of actions are needed, as their replay has it", needed.len()));
    let mut random = Rng::with_seed(seed);
    random.shuffle(&mut needed);
    let mut findings = 0;
    for (number, one) in (1..=rounds).zip(needed.iter().cycle()) {
        let found = without(&scratch, one)?;
        running.say(format_args!(
            "round {number}: {} without `{}` ({}:{}): {}",
            one.role,
            one.action,
            one.file,
            one.line,
            found.as_deref().unwrap_or("fails for it")
        ));
        findings += usize::from(found.is_some());
        if running.is_interrupted() {
            return Err("interrupted".to_owned());
        }
    }
    Ok(findings)
}

fn rehearse(scratch: &Scratch) -> Result<Value, String> {
    let arguments = ["rehearse", "--scenario", "deploy", "--output", "json"];
    let output = scratch.tool(&scratch.checkout(), &arguments).output();
    let output = output.map_err(|error| format!("failed to rehearse: {error}"))?;
    let mut verdict = object(&output);
    if verdict.is_null() {
        return Err(format!("a rehearsal told nothing: {}", last_lines(&output)));
    }
    // What is told on the way counts, too.
    verdict["told"] = Value::from(String::from_utf8_lossy(&output.stderr).into_owned());
    Ok(verdict)
}

/// The actions that the rehearsal just played needs, each with its line.
fn needed(scratch: &Scratch) -> Result<Vec<Needed>, String> {
    let arguments = ["permissions", "--output", "json", "--environment", "local"];
    let output = scratch.tool(&scratch.checkout(), &arguments).output();
    let judged = object(&output.map_err(|error| format!("failed to judge: {error}"))?);
    let all = judged["permissions"].as_array().cloned().unwrap_or_default();
    let needed = all.iter().filter_map(|found| {
        let text = |name: &str| found[name].as_str().map(str::to_owned);
        let (file, line) =
            text("place")?.rsplit_once(':').map(|(file, line)| (file.to_owned(), line.to_owned()))?;
        let action = text("permission").filter(|action| is_action(action))?;
        let is_used = !found["used"].is_null() && text("policy").as_deref() != Some("trust");
        is_used.then_some(Needed { role: text("role")?, action, file, line: line.parse().ok()? })
    });
    Ok(needed.collect())
}

fn is_action(text: &str) -> bool {
    text.matches(':').count() == 1 && !text.contains('*')
}

/// Rehearses without one; what is wrong with how that ended.
fn without(scratch: &Scratch, one: &Needed) -> Result<Option<String>, String> {
    let path = scratch.checkout().join(&one.file);
    let before = read(&path)?;
    let lines = before.lines().enumerate().map(|(index, line)| match index + 1 == one.line {
        true => line.replace(&one.action, NOTHING),
        false => line.to_owned(),
    });
    let changed = lines.collect::<Vec<_>>().join("\n") + "\n";
    if changed == before {
        return Err(format!("{}:{} has no `{}`", one.file, one.line, one.action));
    }
    write(&path, &changed)?;
    scratch.commit(&format!("Without {}", one.action))?;
    let verdict = rehearse(scratch);
    write(&path, &before)?;
    scratch.commit(&format!("With {} again", one.action))?;
    Ok(wrong(&verdict?, one))
}

/// A rehearsal that lacks a permission fails, and tells which, of whom, and where it belongs.
fn wrong(verdict: &Value, one: &Needed) -> Option<String> {
    if verdict["verdict"] == "pass" {
        return Some("FINDING: it passes".to_owned());
    }
    // The role's name is another one in each rehearsal.
    let role = one.role.rsplit_once('-').map_or(one.role.as_str(), |(name, _)| name);
    let told = verdict.to_string();
    let missing =
        [role, one.action.as_str(), one.file.as_str()].into_iter().find(|word| !told.contains(word));
    missing.map(|word| format!("FINDING: it fails and does not tell `{word}`"))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("failed to read `{}`: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("failed to write `{}`: {error}", path.display()))
}
