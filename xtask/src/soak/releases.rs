//! `cargo xtask soak releases`: a release in each scenario and by each strategy, while five hundred users a second ask
//! and ten forms are on their way over slow lines. Production can stay up in all of them, so no request may fail.

use std::collections::BTreeSet;
use std::process::Output;
use std::time::Duration;

use fastrand::Rng;
use seatrial::Running;
use serde_json::Value;

use super::cases::{Case, Scenario, cases};
use super::meanwhile::{Somebody, event_began, spoil};
use super::scratch::Scratch;
use super::stage::{LOCAL, Stage, pause};
use super::traffic::{last_lines, object};
use crate::load::{Figures, Load, now};

const DOMAIN: &str = "www.example.com";
/// So long nothing happens but requests before a release begins; a little longer by the seed.
const STEADY: Duration = Duration::from_secs(10);
const LATEST: u64 = 1_000;
/// What ends with a release may meet a request a moment later.
const AFTER: Duration = Duration::from_secs(2);
/// The slowest of a hundred requests may take so much longer while traffic shifts.
const GOAL: f64 = 1.5;
/// Less than so much of the rate is not the load that was asked for.
const REACHED: f64 = 0.98;

/// What is played.
pub(super) struct Wanted {
    pub rounds: u64,
    pub seed: u64,
    /// Requests a second.
    pub rate: u32,
    /// Names of cases; all where there are none.
    pub only: Vec<String>,
}

/// What a case showed.
struct Played {
    name: &'static str,
    /// From the first request to the last.
    all: Figures,
    steady: Figures,
    /// From the moment at which traffic goes to the new revision, or its tasks start, until the other's are gone.
    during: Figures,
    seconds: f64,
    skipped: u64,
    findings: Vec<String>,
}

/// Plays all cases in an order of the seed's; answers how many findings there were.
pub(super) fn play(running: &Running<'_>, wanted: &Wanted) -> Result<usize, String> {
    let scratch = Scratch::make(running)?;
    running.say(format_args!("seed {}, in {}", wanted.seed, scratch.path().display()));
    let mut random = Rng::with_seed(wanted.seed);
    let mut played = Vec::new();
    for https in [false, true] {
        let is_wanted =
            |case: &Case| wanted.only.is_empty() || wanted.only.iter().any(|name| name == case.name);
        let mut all: Vec<Case> =
            cases().into_iter().filter(|case| case.https == https && is_wanted(case)).collect();
        if all.is_empty() {
            continue;
        }
        let mut soak = || {
            let stage = Stage::begin(&scratch, LOCAL, None)?;
            let mut soak = Soak { running, stage, rate: wanted.rate, settled: None, certificate: None };
            if https {
                soak.certificate = Some(soak.stage.certificate(running, DOMAIN)?);
            }
            for _ in 0..wanted.rounds {
                random.shuffle(&mut all);
                // What migrations need stays once it is there: its log is not removed without a word.
                all.sort_by_key(|case| case.scenario == Scenario::Migration);
                for case in &all {
                    let one = soak.play(case, Duration::from_millis(random.u64(..LATEST)));
                    if running.is_interrupted() {
                        return Err("interrupted".to_owned());
                    }
                    played.push(one.unwrap_or_else(|why| Played::not(running, case.name, why)));
                }
            }
            Ok::<(), String>(())
        };
        let done = soak();
        // Whatever came of it.
        scratch.reset(running);
        done?;
    }
    tell(running, &played);
    Ok(played.iter().map(|played| played.findings.len()).sum())
}

/// A provisioned environment.
struct Soak<'a> {
    running: &'a Running<'a>,
    stage: Stage<'a>,
    rate: u32,
    /// How traffic moves there now, and whether releases migrate.
    settled: Option<(&'static str, bool)>,
    /// Of users who speak TLS.
    certificate: Option<String>,
}

impl Soak<'_> {
    fn settle(&mut self, case: &Case) -> Result<(), String> {
        let migrates = case.scenario == Scenario::Migration;
        let wanted = (case.traffic, migrates);
        if self.settled == Some(wanted) {
            return Ok(());
        }
        let mut settings = format!("deployment: {{traffic: {}}}", case.traffic);
        if migrates {
            settings += ", migrate: {command: [migrate]}";
        }
        if let Some(certificate) = &self.certificate {
            settings += &format!(", domain: {DOMAIN}, certificate_arn: '{certificate}'");
        }
        self.stage.set(&settings)?;
        // Builds read what was committed, and follow a file that is made of the settings.
        self.stage.generate()?;
        self.stage.scratch.commit("Settle")?;
        self.stage.provision()?;
        self.settled = Some(wanted);
        Ok(())
    }

    fn play(&mut self, case: &Case, later: Duration) -> Result<Played, String> {
        self.settle(case)?;
        let target = self.stage.target(self.rate, case.https.then_some(DOMAIN))?;
        let load = Load::start(target)?;
        let first = now();
        pause(self.running, STEADY + later)?;
        let began = now();
        let output = self.release(case.scenario)?;
        pause(self.running, AFTER)?;
        let seconds = now() - first;
        let record = load.finish();
        let told = object(&output);
        let (all, shift) = (Figures::of(&record), self.shift(&told, began));
        // The first requests open connections.
        let steady = Figures::within(&record, (first + 1.0, began));
        let during = Figures::within(&record, shift);
        let name = case.name;
        let mut played =
            Played { name, all, steady, during, seconds, skipped: record.skipped, findings: Vec::new() };
        played.findings = played.judge(case.scenario, &output);
        if !played.findings.is_empty() {
            played.findings.extend(self.ended(first).map(|why| format!("tasks ended meanwhile: {why}")));
        }
        played.findings.extend(self.stage.disorder()?);
        self.running.say(played.line(self.rate));
        played.findings.iter().for_each(|one| self.running.say(format_args!("FINDING in {name}: {one}")));
        Ok(played)
    }

    fn release(&self, scenario: Scenario) -> Result<Output, String> {
        if let Some(fault) = scenario.fault() {
            self.stage.arm(fault)?;
        }
        let is_spoiled = scenario == Scenario::Migration;
        if is_spoiled {
            spoil(&self.stage, true)?;
        }
        let somebody = Somebody::new(self.running, &self.stage);
        let released = std::thread::scope(|scope| {
            let released = scope.spawn(|| self.stage.run(&["release", "--again"]));
            somebody.meddles(scenario)?;
            released.join().unwrap_or_else(|_| Err("it panicked".to_owned()))
        });
        if is_spoiled {
            spoil(&self.stage, false)?;
        }
        released
    }

    /// Why tasks ended since then, each reason once: what other findings come from may be among them.
    fn ended(&self, since: f64) -> Option<String> {
        let records = self.stage.records();
        let tasks = records.rows("ecs-tasks").map(|(_, row)| &row["task"]);
        let ended = tasks.filter(|task| task["stoppingAt"].as_f64() > Some(since));
        let why: BTreeSet<&str> = ended.filter_map(|task| task["stoppedReason"].as_str()).collect();
        (!why.is_empty()).then(|| why.into_iter().collect::<Vec<_>>().join("; "))
    }

    /// When traffic moved, or what was to move it stood, until it was over; of a release that has no deployment all.
    fn shift(&self, told: &Value, began: f64) -> (f64, f64) {
        let records = self.stage.records();
        let deployment = |id: &Value| records.row("codedeploy-deployments", id.as_str().unwrap_or_default());
        let row = deployment(&told["deployment_id"]);
        let shifted = event_began(row, "AllowTraffic", "Succeeded");
        let from = shifted.or(row["info"]["createTime"].as_f64()).unwrap_or(began);
        let rollback = deployment(&row["info"]["rollbackInfo"]["rollbackDeploymentId"]);
        let ended = |row: &Value| row["info"]["completeTime"].as_f64();
        (from, ended(rollback).or_else(|| ended(row)).unwrap_or(f64::MAX))
    }
}

impl Played {
    /// One that could not be played to its end.
    fn not(running: &Running<'_>, name: &'static str, why: String) -> Self {
        running.say(format_args!("FINDING in {name}: {why}"));
        let (all, steady, during) = (Figures::default(), Figures::default(), Figures::default());
        Self { name, all, steady, during, seconds: 0.0, skipped: 0, findings: vec![why] }
    }

    fn judge(&self, scenario: Scenario, output: &Output) -> Vec<String> {
        let mut findings = Vec::new();
        let (expected, cause) = scenario.expected();
        let told = object(output);
        let code = output.status.code();
        if code != Some(expected) {
            findings
                .push(format!("release ended with {code:?}, expected {expected}: {}", last_lines(output)));
        }
        if cause.is_some_and(|cause| told["explanation"]["cause"] != cause) {
            let wanted = cause.unwrap_or_default();
            findings.push(format!("its cause is told as {}, not as {wanted}", told["explanation"]["cause"]));
        }
        // Before a deployment there is nothing to roll back.
        let is_back = told["rolled_back"] == true || scenario == Scenario::Migration;
        if cause.is_some() && !is_back {
            findings.push("it was not rolled back".to_owned());
        }
        let Figures { sent, failed, slow, slow_failed, failures, .. } = &self.all;
        if *failed > 0 || *slow_failed > 0 || *sent == 0 || *slow == 0 {
            let met = failures.join("; ");
            findings.push(format!(
                "{failed} of {sent} requests and {slow_failed} of {slow} slow ones failed: {met}"
            ));
        }
        findings
    }

    fn ratio(&self) -> f64 {
        self.during.p99_ms / self.steady.p99_ms.max(0.001)
    }

    fn line(&self, rate: u32) -> String {
        let Self { name, all, steady, during, seconds, skipped, .. } = self;
        let reached = all.sent as f64 / seconds.max(0.001);
        let short = if reached < f64::from(rate) * REACHED {
            format!(" of {rate}, {skipped} skipped")
        } else {
            String::new()
        };
        format!(
            "{name}: {} sent, {} failed, {reached:.0} a second{short}; p50 {:.1}, p99 {:.1} ms before and {:.1} ms \
             during the shift, {:.1} times as much (goal {GOAL}); {} slow, {} failed",
            all.sent,
            all.failed,
            all.p50_ms,
            steady.p99_ms,
            during.p99_ms,
            self.ratio(),
            all.slow,
            all.slow_failed
        )
    }
}

/// The figures as docs/soak.md has them.
fn tell(running: &Running<'_>, played: &[Played]) {
    running.say("| case | sent | failed | a second | p50 ms | p99 ms before | p99 ms during | times | slow | failed |");
    running.say("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for one in played {
        let Played { name, all, steady, during, seconds, .. } = one;
        running.say(format_args!(
            "| {name} | {} | {} | {:.0} | {:.1} | {:.1} | {:.1} | {:.2} | {} | {} |",
            all.sent,
            all.failed,
            all.sent as f64 / seconds.max(0.001),
            all.p50_ms,
            steady.p99_ms,
            during.p99_ms,
            one.ratio(),
            all.slow,
            all.slow_failed
        ));
    }
}
