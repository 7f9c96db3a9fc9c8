//! CodePipeline's records: pipelines, and their executions with every action that ran.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::declaration::{ActionType, Declaration};
use crate::clock::Epoch;
use crate::cloud::{Part, Setup};
use crate::credentials::Credentials;
use crate::persist::Table;
use crate::services::s3::objects::Place;
pub(super) use crate::tags::LowercaseTag as Tag;

/// CodePipeline's state.
pub(crate) struct CodePipeline {
    pub pipelines: Table<PipelineRow>,
    /// By `PIPELINE/EXECUTION-ID`.
    pub executions: Table<ExecutionRow>,
    /// Roles assumed and not expired yet, by role.
    sessions: Mutex<HashMap<String, Credentials>>,
}

impl Part for CodePipeline {
    fn open(setup: &Setup) -> Self {
        Self {
            pipelines: setup.database.table("codepipeline-pipelines"),
            executions: setup.database.table("codepipeline-executions"),
            sessions: Mutex::default(),
        }
    }
}

impl CodePipeline {
    /// A session of the role that lasts beyond `until`.
    pub fn session(&self, role: &str, until: Epoch) -> Option<Credentials> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let lasting = |session: &&Credentials| session.expiration.is_some_and(|end| end > until);
        sessions.get(role).filter(lasting).cloned()
    }

    pub fn keep_session(&self, role: &str, credentials: Credentials) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(role.to_owned(), credentials);
    }

    /// The pipeline's executions in the order of their start.
    pub fn executions_of(&self, pipeline: &str) -> Vec<ExecutionRow> {
        let rows = self.executions.with_prefix(&format!("{pipeline}/"));
        let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
        rows.sort_by_key(|row| row.sequence);
        rows
    }
}

pub(crate) fn execution_key(pipeline: &str, id: &str) -> String {
    format!("{pipeline}/{id}")
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PipelineRow {
    pub declaration: Declaration,
    pub created: Epoch,
    pub updated: Epoch,
    pub tags: Vec<Tag>,
    /// Inbound transitions that were ever changed, by stage.
    pub transitions: BTreeMap<String, Transition>,
    /// How many executions were started.
    pub started: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Transition {
    pub enabled: bool,
    pub reason: Option<String>,
    pub by: String,
    pub at: Epoch,
}

impl PipelineRow {
    pub fn is_disabled(&self, stage: &str) -> bool {
        self.transitions.get(stage).is_some_and(|transition| !transition.enabled)
    }
}

/// The states of an execution and of a stage in it; a stage that was not entered has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    InProgress,
    Stopping,
    Stopped,
    Succeeded,
    Superseded,
    /// By an update of its pipeline.
    Cancelled,
    Failed,
}

impl Status {
    pub fn is_running(self) -> bool {
        matches!(self, Self::InProgress | Self::Stopping)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ActionStatus {
    InProgress,
    Abandoned,
    Succeeded,
    Failed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trigger {
    pub trigger_type: String,
    pub trigger_detail: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResolvedVariable {
    pub name: String,
    pub resolved_value: String,
}

/// A source revision that replaces the current one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevisionOverride {
    pub action_name: String,
    pub revision_type: String,
    pub revision_value: String,
}

/// What a source action took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Revision {
    pub action: String,
    /// The output artifact.
    pub artifact: String,
    pub id: String,
    pub summary: String,
    pub url: String,
    pub created: Epoch,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StageRun {
    pub name: String,
    pub status: Option<Status>,
    /// When it was entered last.
    pub entered: Option<Epoch>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Artifact {
    pub name: String,
    pub bucket: String,
    pub key: String,
}

impl Artifact {
    pub fn place(&self) -> Place<'_> {
        Place::latest(&self.bucket, &self.key)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ErrorDetails {
    pub code: String,
    pub message: String,
}

/// One action that ran in an execution; a retry adds another.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ActionRun {
    pub id: String,
    pub stage: String,
    pub name: String,
    pub action_type: ActionType,
    pub status: ActionStatus,
    /// False once a retry has taken its place.
    pub current: bool,
    pub start: Epoch,
    pub updated: Epoch,
    pub configuration: BTreeMap<String, String>,
    pub resolved: BTreeMap<String, String>,
    pub inputs: Vec<Artifact>,
    pub outputs: Vec<Artifact>,
    pub variables: BTreeMap<String, String>,
    pub namespace: Option<String>,
    pub role: String,
    /// The build's or the deployment's id.
    pub external_id: Option<String>,
    pub external_url: Option<String>,
    pub summary: Option<String>,
    pub error: Option<ErrorDetails>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ExecutionRow {
    pub id: String,
    pub pipeline: String,
    /// Its place among the pipeline's executions, from 1.
    pub sequence: u64,
    /// The pipeline as it was when the execution started.
    pub declaration: Declaration,
    pub status: Status,
    pub summary: Option<String>,
    pub trigger: Trigger,
    pub variables: Vec<ResolvedVariable>,
    pub overrides: Vec<RevisionOverride>,
    pub client_token: Option<String>,
    pub start: Epoch,
    pub updated: Epoch,
    pub stages: Vec<StageRun>,
    pub actions: Vec<ActionRun>,
    pub revisions: Vec<Revision>,
    pub stop_reason: Option<String>,
    /// The pipeline was updated: it ends after the actions that run.
    #[serde(default)]
    pub cancelled: bool,
    /// The execution to which this one, a rollback, takes its stage back.
    #[serde(default)]
    pub rollback_of: Option<String>,
    /// What ran in that execution before the stage, whose artifacts and variables a rollback uses.
    #[serde(default)]
    pub inherited: Vec<ActionRun>,
}

impl ExecutionRow {
    pub fn key(&self) -> String {
        execution_key(&self.pipeline, &self.id)
    }

    /// The run of an action that counts.
    pub fn action(&self, stage: &str, name: &str) -> Option<&ActionRun> {
        self.actions.iter().rev().find(|run| run.current && run.stage == stage && run.name == name)
    }

    /// The runs that count and succeeded, the last first.
    pub fn done(&self) -> impl Iterator<Item = &ActionRun> {
        let runs = self.actions.iter().rev().chain(self.inherited.iter().rev());
        runs.filter(|run| run.current && run.status == ActionStatus::Succeeded)
    }

    /// `STANDARD`, or `ROLLBACK` with what it goes back to.
    pub fn kind(&self) -> (&'static str, Option<Value>) {
        let Some(target) = &self.rollback_of else { return ("STANDARD", None) };
        ("ROLLBACK", Some(json!({ "rollbackTargetPipelineExecutionId": target })))
    }

    /// The first stage that has not succeeded.
    pub fn position(&self) -> Option<usize> {
        self.stages.iter().position(|stage| stage.status != Some(Status::Succeeded))
    }

    pub fn artifact(&self, name: &str) -> Option<&Artifact> {
        self.done().flat_map(|run| &run.outputs).find(|artifact| artifact.name == name)
    }
}
