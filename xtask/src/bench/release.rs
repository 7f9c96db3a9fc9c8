//! `cargo xtask bench release`: a one-line change of the sample application, from its commit until all traffic goes to the
//! new version, phase by phase; what the tool asks AWS for meanwhile, and how much later than AWS it ends.
//!
//! The moments are those that the local cloud has in its records and in the build's log, not the tool's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use seatrial::Running;
use serde_json::Value;

use super::waits::{PHASES, Phase};
use crate::load::now;
use crate::soak::{LOCAL, Records, Scratch, Stage, last_lines, object};

/// Between these the results stand in `docs/benchmarks.md`.
pub(super) const BEGIN: &str = "<!-- written by `cargo xtask bench release --write` -->\n";
pub(super) const END: &str = "<!-- end of the release -->\n";

/// Seconds from the commit until all traffic goes to the new version.
const GOAL: f64 = 30.0;
/// Seconds that the tool may end after the pipeline's execution.
const GOAL_OF_FOLLOWER: f64 = 1.0;
/// Calls in a release of 8 s, which had nothing to compile, before each poll asked only what can still change; a third of
/// them is asked for.
const CALLS_ONCE: usize = 385;

/// One release; times in seconds.
struct Measured {
    phases: BTreeMap<Phase, f64>,
    /// From the commit to all traffic.
    total: f64,
    /// From then to the execution's end, and from that to the tool's.
    rest: f64,
    follower: f64,
    /// The tool's calls, by operation.
    calls: BTreeMap<String, usize>,
}

impl Measured {
    fn number_of_calls(&self) -> usize {
        self.calls.values().sum()
    }
}

/// Measures so many releases; answers the one in the middle as Markdown.
pub(super) fn measure(running: &Running<'_>, rounds: u64) -> Result<String, String> {
    let scratch = Scratch::make(running)?;
    let measured = Stage::begin(&scratch, LOCAL, None).and_then(|stage| {
        stage.provision()?;
        // The first one compiles what the others find compiled.
        let mut all = Vec::new();
        for number in 0..=rounds {
            stage.scratch.change_a_line(number)?;
            let one = release(&stage)?;
            running.say(format_args!(
                "release {number}: {:.1} s until all traffic, {} calls, the tool ended {:.2} s after the execution",
                one.total,
                one.number_of_calls(),
                one.follower
            ));
            all.push(one);
        }
        Ok((all, calls_again(&stage)?))
    });
    // Whatever came of it.
    scratch.reset(running);
    let (mut measured, again) = measured?;
    if measured.len() > 1 {
        measured.remove(0);
    }
    measured.sort_by(|one, other| one.total.total_cmp(&other.total));
    let middle = measured.len().saturating_sub(1) / 2;
    let text = report(measured.get(middle).ok_or("nothing was measured")?, measured.len(), again);
    text.lines().for_each(|line| running.say(line));
    Ok(text)
}

/// How many calls the tool makes, and how long it takes, where there is nothing to compile.
fn calls_again(stage: &Stage<'_>) -> Result<(usize, f64), String> {
    let began = now();
    let output = stage.run(&["release", "--again"])?;
    let ended = now();
    match output.status.success() {
        true => Ok((calls(&stage.get("/_local/journal")?, (began, ended)).values().sum(), ended - began)),
        false => Err(format!("a release failed: {}", last_lines(&output))),
    }
}

fn release(stage: &Stage<'_>) -> Result<Measured, String> {
    let committed = now();
    let output = stage.run(&["release"])?;
    let ended = now();
    if !output.status.success() {
        return Err(format!("a release failed: {}", last_lines(&output)));
    }
    let told = object(&output);
    let records = stage.records();
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    let execution =
        records.rows("codepipeline-executions").find(|(_, row)| row["id"] == told["pipeline_execution_id"]);
    let (_, execution) = execution.ok_or("the release has no execution")?;
    let deployment = records.row("codedeploy-deployments", &text("deployment_id"));
    let log = log_of(&stage.scratch.data_dir(), committed);
    let moments = Moments { execution, deployment, records: &records, log: &log };
    let (phases, shifted) = moments.phases(committed)?;
    let over = execution["updated"].as_f64().unwrap_or(ended);
    Ok(Measured {
        phases,
        total: shifted - committed,
        rest: over - shifted,
        follower: ended - over,
        calls: calls(&stage.get("/_local/journal")?, (committed, ended)),
    })
}

/// The tool is the one user; everybody else who calls is a role.
fn calls(journal: &Value, (from, to): (f64, f64)) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for entry in journal.as_array().into_iter().flatten() {
        let at = entry["time"].as_f64().unwrap_or_default();
        let is_user = entry["principal"].as_str().is_some_and(|principal| principal.contains(":user/"));
        if is_user && (from..=to).contains(&at) {
            *calls.entry(entry["operation"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    calls
}

/// Lines of all logs since then, with their times.
fn log_of(data_dir: &Path, since: f64) -> Vec<(f64, String)> {
    let logs = fs::read_dir(data_dir.join("logs")).into_iter().flatten().flatten();
    let texts = logs.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    let mut lines = Vec::new();
    for line in texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()) {
        let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
        let at = line["t"].as_f64().unwrap_or_default() / 1_000.0;
        if at >= since {
            lines.push((at, line["m"].as_str().unwrap_or_default().trim().to_owned()));
        }
    }
    lines.sort_by(|one, other| one.0.total_cmp(&other.0));
    lines
}

/// Where the moments of one release are found.
struct Moments<'a> {
    execution: &'a Value,
    deployment: &'a Value,
    records: &'a Records,
    log: &'a [(f64, String)],
}

impl Moments<'_> {
    /// How long each phase took, and when all traffic went to the new version.
    fn phases(&self, committed: f64) -> Result<(BTreeMap<Phase, f64>, f64), String> {
        let build = self.build();
        let said = |words: &str| self.log.iter().find(|(_, line)| line.contains(words)).map(|(at, _)| *at);
        let ends = [
            (Phase::Seen, self.execution["start"].as_f64()),
            (Phase::Source, self.action("Source", "updated")),
            (Phase::Environment, build),
            (Phase::Prepare, said("compiling package ")),
            (Phase::Compile, said("Finished `")),
            (Phase::Pack, said("pushed sha256:").or_else(|| said(" sha256:"))),
            (Phase::Push, said("wrote imageDetail.json")),
            (Phase::Artifacts, self.action("Build", "updated")),
            (Phase::Begin, self.event("Install", "startTime")),
            (Phase::Tasks, self.tasks_started()),
            (Phase::Health, self.event("Install", "endTime")),
            (Phase::Shift, self.event("AllowTraffic", "endTime")),
        ];
        let (mut phases, mut before) = (BTreeMap::new(), committed);
        for (phase, end) in ends {
            let end = end.ok_or_else(|| format!("the end of `{phase:?}` is not in the records"))?;
            phases.insert(phase, (end - before).max(0.0));
            before = before.max(end);
        }
        Ok((phases, before))
    }

    fn action(&self, name: &str, moment: &str) -> Option<f64> {
        let actions = self.execution["actions"].as_array().into_iter().flatten();
        actions.filter(|action| action["name"] == name).filter_map(|action| action[moment].as_f64()).next()
    }

    /// When the commands of the build begin.
    fn build(&self) -> Option<f64> {
        let actions = self.execution["actions"].as_array().into_iter().flatten();
        let id = actions
            .filter(|action| action["name"] == "Build")
            .find_map(|action| action["external_id"].as_str())?;
        let phases = self.records.row("codebuild-builds", id)["build"]["phases"].as_array()?;
        phases.iter().find(|phase| phase["phaseType"] == "BUILD")?["startTime"].as_f64()
    }

    fn event(&self, name: &str, moment: &str) -> Option<f64> {
        let mut events = self.deployment["events"].as_array().into_iter().flatten();
        events.find(|event| event["lifecycleEventName"] == name)?[moment].as_f64()
    }

    /// When the last of the new tasks ran.
    fn tasks_started(&self) -> Option<f64> {
        let set = &self.deployment["green"]["id"];
        let tasks = self.records.rows("ecs-tasks").map(|(_, row)| &row["task"]);
        let started =
            tasks.filter(|task| task["startedBy"] == *set).filter_map(|task| task["startedAt"].as_f64());
        started.max_by(f64::total_cmp)
    }
}

fn verdict(holds: bool) -> &'static str {
    if holds { "met" } else { "**missed**" }
}

fn report(measured: &Measured, of: usize, (calls_again, took): (usize, f64)) -> String {
    let processors = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let build = if cfg!(debug_assertions) { "dev" } else { "release" };
    let mut text = format!(
        "The one in the middle of {of} releases, by total; {processors} processors; ours in profile `{build}`. Times in \
         seconds.\n\n| phase | here | AWS adds | why |\n|---|--:|--:|---|\n"
    );
    let (mut least, mut most) = (0.0, 0.0);
    for wait in &PHASES {
        let took = measured.phases.get(&wait.phase).copied().unwrap_or_default();
        let adds =
            if wait.most > 0.0 { format!("{:.0} to {:.0}", wait.least, wait.most) } else { String::new() };
        let _ = writeln!(text, "| {} | {took:.2} | {adds} | {} |", wait.shown, wait.why);
        (least, most) = (least + wait.least, most + wait.most);
    }
    let _ = writeln!(
        text,
        "| **commit to all traffic** | **{:.2}** | {least:.0} to {most:.0} | |\n",
        measured.total
    );
    let _ = writeln!(
        text,
        "- From the commit to all traffic: {:.1} s (asked: at most {GOAL:.0}): {}. On AWS {:.0} to {:.0} s of waits come \
         to it.",
        measured.total,
        verdict(measured.total <= GOAL),
        least,
        most
    );
    let _ = writeln!(
        text,
        "- Then {:.1} s until the original tasks are gone and the execution has ended (of AWS's 5 minutes and more, which \
         pass sixty times as fast here); the tool ended {:.2} s after it (asked: at most {GOAL_OF_FOLLOWER:.0}): {}.",
        measured.rest,
        measured.follower,
        verdict(measured.follower <= GOAL_OF_FOLLOWER)
    );
    let number = measured.number_of_calls();
    let mut calls: Vec<(&String, &usize)> = measured.calls.iter().collect();
    calls.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let calls: Vec<String> = calls.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
    let _ = writeln!(
        text,
        "- The tool made {number} calls to AWS in {:.0} s: {}.\n- In a release with nothing to compile, of {took:.0} s, \
         it made {calls_again} (once {CALLS_ONCE} in 8 s; asked: at most a third of that, {}): {}.",
        measured.total + measured.rest,
        calls.join(", "),
        CALLS_ONCE / 3,
        verdict(calls_again <= CALLS_ONCE / 3)
    );
    text
}
