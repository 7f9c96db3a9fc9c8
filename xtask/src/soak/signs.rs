//! `cargo xtask soak signs`: how long it takes from the first fatal sign against a release to the request that stops it,
//! with time as long as it is on AWS, and the tool asking no more often than it asks AWS.
//!
//! The moments are the local cloud's own: when a task began to stop, or a user got the first bad answer, against the
//! entry of StopDeployment in its journal.

use std::fs;

use seatrial::Running;
use serde_json::Value;

use super::cases::{FAULTS, Scenario};
use super::scratch::Scratch;
use super::stage::{SOAK, Stage};
use super::traffic::{last_lines, object};
use crate::load::{Load, Record};

/// Seconds from the sign to the request.
const GOAL: f64 = 3.0;
/// Users who ask while answers go bad.
const RATE: u32 = 20;
/// The sample's first page, which its health check does not ask, and what breaks it.
const PAGE: &str = "app/src/routes/entries.rs";
const WELL: &str = "    let before = position.before.and_then(|before| before.parse().ok());\n";
const BAD: &str = "    if position.before.is_none() {\n        return Err(AppError::Internal);\n    }\n";
const BAD_ANSWERS: &str = "bad-answers";

/// When it was seen that a release goes wrong, and when it was stopped; seconds since 1970.
struct Seen {
    sign: f64,
    /// When the task that was the sign had ended, too.
    stopped: Option<f64>,
    request: f64,
}

/// What can be played.
fn scenarios() -> impl Iterator<Item = (&'static str, Scenario)> {
    FAULTS.into_iter().chain([(BAD_ANSWERS, Scenario::Fault("", "requests"))])
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    scenarios().map(|(name, _)| name)
}

/// Plays every scenario; answers how many findings there were.
pub(super) fn play(running: &Running<'_>, only: &[String]) -> Result<usize, String> {
    let scratch = Scratch::make(running)?;
    running.say(format_args!("time as on AWS, in {}", scratch.path().display()));
    let played = prepare(&scratch).and_then(|stage| {
        let wanted = |name: &str| only.is_empty() || only.iter().any(|one| one == name);
        let mut findings = 0;
        for (name, scenario) in scenarios().filter(|(name, _)| wanted(name)) {
            let found = scene(running, &stage, (name, scenario))?;
            found.iter().for_each(|one| running.say(format_args!("FINDING in {name}: {one}")));
            findings += found.len();
        }
        Ok(findings)
    });
    // Whatever came of it.
    scratch.reset(running);
    played
}

/// An environment with an account: there the tool waits as long between two looks as on AWS.
fn prepare(scratch: &Scratch) -> Result<Stage<'_>, String> {
    let stage = Stage::begin(scratch, SOAK, Some(1))?;
    stage.set("deployment: {terminate_blue_after: 0m}")?;
    scratch.commit("Add an environment")?;
    stage.provision()?;
    Ok(stage)
}

fn scene(
    running: &Running<'_>,
    stage: &Stage<'_>,
    (name, scenario): (&str, Scenario),
) -> Result<Vec<String>, String> {
    let mut findings = Vec::new();
    let Scenario::Fault(fault, cause) = scenario else { return Ok(findings) };
    let path = stage.scratch.checkout().join(PAGE);
    if fault.is_empty() {
        break_page(&path)?;
        stage.scratch.commit("Break the first page")?;
    } else {
        stage.arm(fault)?;
    }
    let load = Load::start(stage.target(RATE, None)?)?;
    let output = stage.run(&["release", "--again"])?;
    let record = load.finish();
    let told = object(&output);
    if output.status.code() != Some(4) || told["explanation"]["cause"] != cause {
        let told = &told["explanation"]["cause"];
        findings.push(format!(
            "release ended with {}, told as {told}: {}",
            output.status,
            last_lines(&output)
        ));
    }
    match seen(stage, &told["deployment_id"], &record)? {
        Some(Seen { sign, stopped, request }) => {
            let took = request - sign;
            let after = stopped.map(|stopped| match request - stopped {
                later if later < 0.0 => format!(", {:.2} s before the task's end", -later),
                later => format!(", {later:.2} s after the task's end"),
            });
            let failed = record.fast.iter().filter(|asked| asked.failed.is_some()).count();
            running.say(format_args!(
                "{name}: stopped {took:.2} s after the sign{} (goal {GOAL} s); {failed} of {} requests failed",
                after.unwrap_or_default(),
                record.fast.len()
            ));
            if took > GOAL {
                findings.push(format!("it was stopped {took:.2} s after the sign"));
            }
        }
        None => findings.push("nobody stopped it".to_owned()),
    }
    findings.extend(stage.disorder()?);
    Ok(findings)
}

fn break_page(path: &std::path::Path) -> Result<(), String> {
    let told = |error: std::io::Error| format!("failed to change `{PAGE}`: {error}");
    let text = fs::read_to_string(path).map_err(told)?;
    if !text.contains(WELL) {
        return Err(format!("`{PAGE}` is not what it was: nothing was broken"));
    }
    fs::write(path, text.replacen(WELL, &format!("{BAD}{WELL}"), 1)).map_err(told)
}

/// The first sign against a deployment and the request that stops it; `None` where nobody stopped it.
fn seen(stage: &Stage<'_>, deployment: &Value, record: &Record) -> Result<Option<Seen>, String> {
    let records = stage.records();
    let row = records.row("codedeploy-deployments", deployment.as_str().unwrap_or_default());
    let created = row["info"]["createTime"].as_f64().unwrap_or(f64::MAX);
    let set = &row["green"]["id"];
    let tasks =
        records.rows("ecs-tasks").map(|(_, row)| &row["task"]).filter(|task| task["startedBy"] == *set);
    // One that the rollback ends is stopped on demand, and no sign.
    let fatal = |task: &&Value| {
        let reason = task["stoppedReason"].as_str().unwrap_or_default();
        !reason.is_empty() && !reason.starts_with("Scaling activity")
    };
    let first = tasks
        .filter(fatal)
        .filter_map(|task| Some((task["stoppingAt"].as_f64()?, task["stoppedAt"].as_f64())));
    let first = first.min_by(|one, other| one.0.total_cmp(&other.0));
    let answers = record.fast.iter().filter(|asked| asked.failed.is_some() && asked.due > created);
    // A bad answer is there once it was given.
    let answered = answers.map(|asked| asked.due + asked.took_ms / 1_000.0).min_by(f64::total_cmp);
    let journal = stage.get("/_local/journal")?;
    let mut requests = journal
        .as_array()
        .into_iter()
        .flatten()
        .filter(|entry| entry["operation"] == "StopDeployment" && entry["time"].as_f64() > Some(created));
    let request = requests.next().and_then(|entry| entry["time"].as_f64());
    let (Some(request), Some((sign, stopped))) = (request, first.or(answered.map(|at| (at, None)))) else {
        return Ok(None);
    };
    Ok(Some(Seen { sign, stopped, request }))
}
