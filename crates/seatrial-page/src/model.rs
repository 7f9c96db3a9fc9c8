//! What the page shows: items, each of a kind and with a key. An item takes the place of the one with its kind and key.
//!
//! Times are seconds since 1970 with fractions. Statuses are spelled as AWS spells them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One thing that the page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "kebab-case")]
pub enum Item {
    About(About),
    /// The object that `rehearse --output json` prints; of a single release the same, with that release alone.
    Verdict(Value),
    Release(Box<Release>),
    Second(Second),
    TaskSet(TaskSet),
    Task(Task),
    Line(Line),
    Operation(Operation),
    Role(Role),
}

/// Whose page this is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// A pipeline's or a project's name.
    pub name: String,
    /// `local cloud` or `AWS`.
    pub place: String,
    pub account: String,
    pub region: String,
    /// The application's address.
    pub url: Option<String>,
    /// When a report was written; `None` on the live page.
    pub written: Option<f64>,
    /// How many seconds of AWS's waits pass in one.
    pub time_scale: Option<f64>,
    /// How this project spells the tool: `cargo xtask`.
    pub program: String,
    /// What the two are called between which traffic moves: `blue` and `green`; in an account, where it is not known which is
    /// which, `original` and `replacement`.
    pub colors: [String; 2],
}

impl Default for About {
    fn default() -> Self {
        Self {
            name: String::new(),
            place: String::new(),
            account: String::new(),
            region: String::new(),
            url: None,
            written: None,
            time_scale: None,
            program: "cargo xtask".to_owned(),
            colors: ["blue", "green"].map(str::to_owned),
        }
    }
}

/// An execution of the pipeline, with the deployment it made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Release {
    /// The pipeline execution's id.
    pub id: String,
    pub pipeline: String,
    /// The commit; empty where its source action found none.
    pub revision: String,
    pub summary: String,
    pub status: String,
    pub began: f64,
    pub ended: Option<f64>,
    pub actions: Vec<Action>,
    pub deployment: Option<Deployment>,
    pub why: Option<Why>,
}

/// An action of a pipeline execution, the latest attempt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Action {
    pub stage: String,
    pub name: String,
    pub status: String,
    pub began: Option<f64>,
    pub ended: Option<f64>,
    /// Why it failed, else what it says.
    pub detail: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deployment {
    pub id: String,
    pub status: String,
    pub began: f64,
    pub ended: Option<f64>,
    /// The deployment that took the traffic back.
    pub rolled_back_by: Option<String>,
    pub events: Vec<LifecycleEvent>,
    /// Why it did not succeed.
    pub error: Option<String>,
}

/// A lifecycle event of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LifecycleEvent {
    pub name: String,
    pub status: String,
    pub began: Option<f64>,
    pub ended: Option<f64>,
    pub detail: Option<String>,
}

/// Why a release went wrong.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Why {
    pub stage: Option<String>,
    pub event: Option<String>,
    pub task: Option<String>,
    /// What happened, in a sentence.
    pub what: String,
    /// Reasons and lines of logs, the oldest first.
    pub evidence: Vec<String>,
    /// What users met of it.
    pub users: Option<String>,
    /// What to do, or to type.
    pub next: Vec<String>,
}

/// A second in which requests were answered, or weights changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Second {
    /// Whole seconds since 1970.
    pub time: i64,
    /// Requests that each target group was sent.
    pub blue: u64,
    pub green: u64,
    /// Requests of which nobody knows who answered them: those of a probe.
    pub unknown: u64,
    /// Of all, those that were answered with 5xx or not at all.
    pub failed: u64,
    /// Percent of production's traffic.
    pub blue_weight: f64,
    pub green_weight: f64,
    /// Milliseconds; `None`: nothing was answered.
    pub p50: Option<f64>,
    pub p99: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskSet {
    pub id: String,
    pub service: String,
    /// `blue` or `green`: by its target group.
    pub color: String,
    /// `PRIMARY`, `ACTIVE` or `DRAINING`; `gone` where it was deleted.
    pub status: String,
    /// Percent of production's traffic.
    pub weight: Option<f64>,
    /// The deployment that made it.
    pub deployment: Option<String>,
    /// `FAMILY:REVISION`.
    pub definition: String,
    pub desired: i64,
    pub pending: i64,
    pub running: i64,
    pub began: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Task {
    pub id: String,
    /// Its task set's id; `None` for a task that was started by itself.
    pub set: Option<String>,
    pub definition: String,
    pub status: String,
    /// Of its target: `healthy`, `initial`, `unhealthy`, `draining`.
    pub health: Option<String>,
    /// Why it is not healthy.
    pub health_reason: Option<String>,
    pub created: f64,
    pub started: Option<f64>,
    pub stopped: Option<f64>,
    pub stop_code: Option<String>,
    /// The task's reason, and its containers'.
    pub reason: Option<String>,
    pub exit_code: Option<i32>,
}

/// Whose log a line is from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    #[default]
    Build,
    Application,
    Deployment,
}

/// A line of a log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// No other line's.
    pub id: String,
    pub time: f64,
    pub source: Source,
    /// The build's, task's or deployment's id, or a log stream's name.
    pub stream: String,
    pub text: String,
}

/// One operation of a stack: a creation, an update, a deletion.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Operation {
    pub id: String,
    pub own: Bar,
    pub resources: Vec<Bar>,
}

/// A stack or resource, for as long as it was in work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bar {
    pub name: String,
    /// The resource's type; empty for a stack.
    pub resource_type: String,
    pub status: String,
    pub phase: Phase,
    pub began: f64,
    /// The last that was heard of it.
    pub ended: f64,
    pub reason: Option<String>,
    /// The oldest genuine failure of its operation.
    pub is_root_cause: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    #[default]
    Busy,
    Done,
    Failed,
    /// It was ended because another failed.
    Cancelled,
}

impl Phase {
    /// By a status of CloudFormation, and its reason: what was ended for another's sake says so
    /// (`Resource creation cancelled`).
    pub fn of(status: &str, reason: Option<&str>) -> Self {
        if status.ends_with("_FAILED") {
            let cancelled = reason.is_some_and(|reason| reason.to_lowercase().contains("cancelled"));
            return if cancelled { Self::Cancelled } else { Self::Failed };
        }
        match status {
            "ROLLBACK_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" => Self::Failed,
            _ if status.ends_with("_IN_PROGRESS") => Self::Busy,
            _ => Self::Done,
        }
    }
}

impl Operation {
    /// Marks the oldest failure among the resources, by the time at which it was told.
    pub fn find_root_cause(&mut self) {
        let failed = self.resources.iter_mut().filter(|bar| bar.phase == Phase::Failed);
        if let Some(root) = failed.min_by(|one, other| one.ended.total_cmp(&other.ended)) {
            root.is_root_cause = true;
            self.own.reason = root.reason.clone().or(self.own.reason.take());
        }
    }
}

/// What a role, or whoever else calls, did and was denied.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    /// An ARN.
    pub principal: String,
    pub allowed: u64,
    pub denied: u64,
    /// Denied ones first.
    pub uses: Vec<Use>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Use {
    pub action: String,
    pub resource: String,
    pub allowed: u64,
    pub denied: u64,
}

impl Item {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::About(_) => "about",
            Self::Verdict(_) => "verdict",
            Self::Release(_) => "release",
            Self::Second(_) => "second",
            Self::TaskSet(_) => "task-set",
            Self::Task(_) => "task",
            Self::Line(_) => "line",
            Self::Operation(_) => "operation",
            Self::Role(_) => "role",
        }
    }

    /// What tells it from others of its kind.
    pub fn key(&self) -> String {
        match self {
            Self::About(_) | Self::Verdict(_) => String::new(),
            Self::Release(release) => release.id.clone(),
            Self::Second(second) => second.time.to_string(),
            Self::TaskSet(set) => set.id.clone(),
            Self::Task(task) => task.id.clone(),
            Self::Line(line) => line.id.clone(),
            Self::Operation(operation) => operation.id.clone(),
            Self::Role(role) => role.principal.clone(),
        }
    }

    /// `[kind, key, value]`: how a browser is told of it.
    pub fn told(&self) -> Value {
        let value = match self {
            Self::About(about) => json!(about),
            Self::Verdict(verdict) => verdict.clone(),
            Self::Release(release) => json!(release),
            Self::Second(second) => json!(second),
            Self::TaskSet(set) => json!(set),
            Self::Task(task) => json!(task),
            Self::Line(line) => json!(line),
            Self::Operation(operation) => json!(operation),
            Self::Role(role) => json!(role),
        };
        json!([self.kind(), self.key(), value])
    }
}

/// All of a page: `{"format": 1, "id": …, "items": [[kind, key, value], …]}`. `id`: the event's that tells of what comes next.
pub fn document(id: &str, items: impl IntoIterator<Item = Value>) -> Value {
    json!({ "format": 1, "id": id, "items": items.into_iter().collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_cause_is_the_oldest_failure_that_was_not_for_anothers_sake() {
        let bar = |name: &str, status: &str, ended: f64, reason: &str| Bar {
            name: name.to_owned(),
            phase: Phase::of(status, Some(reason)),
            status: status.to_owned(),
            ended,
            reason: Some(reason.to_owned()),
            ..Bar::default()
        };
        let mut operation = Operation {
            resources: vec![
                bar("Cancelled", "CREATE_FAILED", 1.0, "Resource creation cancelled"),
                bar("Second", "CREATE_FAILED", 3.0, "no room"),
                bar("First", "CREATE_FAILED", 2.0, "no such image"),
                bar("Done", "CREATE_COMPLETE", 1.0, ""),
            ],
            ..Operation::default()
        };

        operation.find_root_cause();

        let roots: Vec<_> = operation.resources.iter().filter(|bar| bar.is_root_cause).collect();
        assert_eq!(roots.len(), 1);
        assert_eq!(
            (roots[0].name.as_str(), operation.own.reason.as_deref()),
            ("First", Some("no such image"))
        );
    }

    #[test]
    fn an_item_is_told_with_its_kind_and_key_and_read_again() {
        let item = Item::Second(Second { time: 7, blue: 3, ..Second::default() });

        let told = item.told();

        assert_eq!((told[0].as_str(), told[1].as_str()), (Some("second"), Some("7")));
        let again = json!({ "kind": told[0], "value": told[2] });
        assert_eq!(serde_json::from_value::<Item>(again).unwrap(), item);
    }
}
