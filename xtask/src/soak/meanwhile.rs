//! What somebody does while a release of a soak runs, and the commit that cannot be released.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use seatrial::Running;
use serde_json::Value;

use super::cases::Scenario;
use super::stage::{Stage, pause};
use super::traffic::last_lines;

/// Between two looks at what the release has come to.
const GLANCE: Duration = Duration::from_millis(200);
/// A release builds before it comes so far.
const PATIENCE: Duration = Duration::from_secs(600);
/// After the sample's own, and what no database can do.
const MIGRATION: (&str, &str) =
    ("app/migrations/9999_soak.sql", "SELECT fails FROM a_table_that_nobody_made;\n");
const DEPLOYMENTS: &str = "codedeploy-deployments";

/// Somebody who looks at a release that is not among those of before.
pub(super) struct Somebody<'a> {
    running: &'a Running<'a>,
    stage: &'a Stage<'a>,
    known: BTreeSet<String>,
}

impl<'a> Somebody<'a> {
    pub(super) fn new(running: &'a Running<'a>, stage: &'a Stage<'a>) -> Self {
        let records = stage.records();
        let known = records.rows(DEPLOYMENTS).map(|(id, _)| id.clone()).collect();
        Self { running, stage, known }
    }

    /// Does what the scenario has somebody do; returns when it is done, or nothing is to be done.
    pub(super) fn meddles(&self, scenario: Scenario) -> Result<(), String> {
        match scenario {
            Scenario::Stop => {
                self.until(|row| row["green"]["desired"].as_i64() > Some(0))?;
                let stopped = self.stage.run(&["rollback", "--yes"])?;
                match stopped.status.success() {
                    true => Ok(()),
                    false => Err(format!("the release cannot be stopped: {}", last_lines(&stopped))),
                }
            }
            Scenario::Alarm => {
                self.until(|row| event_began(row, "AllowTraffic", "Succeeded").is_some())?;
                let records = self.stage.records();
                let alarm = records
                    .rows("cloudwatch-alarms")
                    .map(|(name, _)| name)
                    .find(|name| name.contains("errors") || name.contains("Errors"));
                let alarm = alarm.ok_or("there is no alarm")?;
                let reason = ["--state-value", "ALARM", "--state-reason", "Somebody raised it"];
                let set = ["cloudwatch", "set-alarm-state", "--alarm-name", alarm];
                self.stage.aws(self.running, &[&set[..], &reason].concat()).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Waits for a deployment that was not known to come so far.
    fn until(&self, is_due: impl Fn(&Value) -> bool) -> Result<(), String> {
        let latest = Instant::now() + PATIENCE;
        let is_there = || {
            let records = self.stage.records();
            let mut new = records.rows(DEPLOYMENTS).filter(|(id, _)| !self.known.contains(*id));
            new.any(|(_, row)| is_due(row))
        };
        while !is_there() {
            if Instant::now() > latest {
                return Err(format!("nothing to meddle with within {PATIENCE:?}"));
            }
            pause(self.running, GLANCE)?;
        }
        Ok(())
    }
}

/// When a lifecycle event of a deployment began that came to this status.
pub(super) fn event_began(deployment: &Value, event: &str, status: &str) -> Option<f64> {
    let events = deployment["events"].as_array().into_iter().flatten();
    let mut found = events.filter(|one| one["lifecycleEventName"] == event);
    found.next().filter(|one| one["status"] == status)?["startTime"].as_f64()
}

/// Commits a migration that fails; the other way round, takes it out again.
pub(super) fn spoil(stage: &Stage<'_>, is_spoiled: bool) -> Result<(), String> {
    let (file, text) = MIGRATION;
    let path = stage.scratch.checkout().join(file);
    let written = if is_spoiled { fs::write(&path, text) } else { fs::remove_file(&path) };
    written.map_err(|error| format!("failed to change `{file}`: {error}"))?;
    stage.scratch.commit(if is_spoiled { "A migration that fails" } else { "Without it" })
}
