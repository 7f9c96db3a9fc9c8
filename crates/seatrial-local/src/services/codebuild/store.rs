//! CodeBuild's records: projects and builds, as AWS's model spells their members.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::clock::Epoch;
use crate::cloud::{Part, Setup};
use crate::persist::Table;
pub(super) use crate::tags::LowercaseTag as Tag;

/// CodeBuild's state.
pub(crate) struct CodeBuild {
    pub projects: Table<Project>,
    /// By build id, `PROJECT:UUID`.
    pub builds: Table<BuildRecord>,
    /// Work folders, caches: `DATA_DIR/codebuild`.
    pub dir: PathBuf,
    /// The builds whose commands run in this process: cancelled to stop one.
    running: Mutex<HashMap<String, CancellationToken>>,
    /// Work folders in use, see [`CodeBuild::take_slot`].
    slots: Mutex<BTreeMap<String, Vec<bool>>>,
}

impl Part for CodeBuild {
    fn open(setup: &Setup) -> Self {
        Self {
            projects: setup.database.table("codebuild-projects"),
            builds: setup.database.table("codebuild-builds"),
            dir: setup.data_dir.join("codebuild"),
            running: Mutex::default(),
            slots: Mutex::default(),
        }
    }
}

impl CodeBuild {
    /// The token that stops the build `id`.
    pub fn stopper(&self, id: &str) -> CancellationToken {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.entry(id.to_owned()).or_default().clone()
    }

    pub fn forget_stopper(&self, id: &str) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// The lowest number no running build of the project uses. A build's folder is named by it, so that the
    /// same paths come back and compilers can use what they cached.
    pub fn take_slot(&self, project: &str) -> usize {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        take(slots.entry(project.to_owned()).or_default())
    }

    /// The same while fewer than `limit` are in use.
    pub fn take_slot_of(&self, project: &str, limit: usize) -> Option<usize> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = slots.entry(project.to_owned()).or_default();
        let has_room = taken.iter().filter(|used| **used).count() < limit;
        has_room.then(|| take(taken))
    }

    pub fn give_back_slot(&self, project: &str, slot: usize) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = slots.get_mut(project).and_then(|taken| taken.get_mut(slot)) {
            *used = false;
        }
    }
}

fn take(taken: &mut Vec<bool>) -> usize {
    let slot = taken.iter().position(|used| !used).unwrap_or(taken.len());
    taken.resize(taken.len().max(slot + 1), false);
    taken[slot] = true;
    slot
}

/// Where a build's source comes from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Source {
    /// `CODEPIPELINE`, `S3`, `NO_SOURCE`; other kinds fail in DOWNLOAD_SOURCE.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// A path in the source, or the buildspec itself (a text of more than one line).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buildspec: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_identifier: Option<String>,
}

/// Where a project's artifacts go.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Artifacts {
    /// `CODEPIPELINE`, `S3`, `NO_ARTIFACTS`.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packaging: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_identifier: Option<String>,
}

/// An environment variable; `kind` is `PLAINTEXT`, `SECRETS_MANAGER` or `PARAMETER_STORE`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Variable {
    pub name: String,
    pub value: String,
    #[serde(rename = "type", default = "plaintext")]
    pub kind: String,
}

fn plaintext() -> String {
    "PLAINTEXT".to_owned()
}

/// The build environment. `image`, `computeType` and `privilegedMode` are kept and answered, not acted on:
/// the build runs on this machine.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Environment {
    #[serde(rename = "type")]
    pub kind: String,
    pub image: String,
    pub compute_type: String,
    #[serde(default)]
    pub environment_variables: Vec<Variable>,
    #[serde(default)]
    pub privileged_mode: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_credentials_type: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cache {
    /// `NO_CACHE`, `S3`, `LOCAL`: the last two are one folder on this machine.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modes: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogsConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_watch_logs: Option<CloudWatchLogs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_logs: Option<Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CloudWatchLogs {
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_name: Option<String>,
}

/// A project, as BatchGetProjects answers it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Project {
    pub name: String,
    pub arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub source: Source,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
    #[serde(default)]
    pub secondary_sources: Vec<Source>,
    pub artifacts: Artifacts,
    #[serde(default)]
    pub secondary_artifacts: Vec<Artifacts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    pub environment: Environment,
    pub service_role: String,
    pub timeout_in_minutes: u64,
    pub queued_timeout_in_minutes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_key: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
    pub created: Epoch,
    pub last_modified: Epoch,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs_config: Option<LogsConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_build_limit: Option<u64>,
}

/// Why a phase ended as it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PhaseContext {
    /// `COMMAND_EXECUTION_ERROR`, `YAML_FILE_ERROR`, `CLIENT_ERROR`, `BUILD_TIMED_OUT`, …
    pub status_code: String,
    pub message: String,
}

/// One phase of a build.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Phase {
    pub phase_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase_status: Option<String>,
    pub start_time: Epoch,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Epoch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_in_seconds: Option<u64>,
    #[serde(default)]
    pub contexts: Vec<PhaseContext>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BuildArtifacts {
    pub location: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256sum: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_identifier: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogsLocation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deep_link: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_watch_logs_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_watch_logs: Option<CloudWatchLogs>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExportedVariable {
    pub name: String,
    pub value: String,
}

/// A build, as BatchGetBuilds answers it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Build {
    /// `PROJECT:UUID`.
    pub id: String,
    pub arn: String,
    pub build_number: u64,
    pub project_name: String,
    pub start_time: Epoch,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Epoch>,
    pub current_phase: String,
    /// `SUCCEEDED`, `FAILED`, `FAULT`, `TIMED_OUT`, `IN_PROGRESS`, `STOPPED`.
    pub build_status: String,
    pub build_complete: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_source_version: Option<String>,
    pub phases: Vec<Phase>,
    pub source: Source,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<BuildArtifacts>,
    #[serde(default)]
    pub secondary_artifacts: Vec<BuildArtifacts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    pub environment: Environment,
    pub service_role: String,
    pub logs: LogsLocation,
    pub timeout_in_minutes: u64,
    pub queued_timeout_in_minutes: u64,
    pub initiator: String,
    #[serde(default)]
    pub exported_environment_variables: Vec<ExportedVariable>,
}

impl Build {
    pub fn ended(&self) -> bool {
        self.build_status != "IN_PROGRESS"
    }
}

/// An object of the artifact bucket and the artifact's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PipelineArtifact {
    pub name: String,
    pub bucket: String,
    pub key: String,
}

/// What CodePipeline hands over with a build; over HTTP nobody can.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PipelineJob {
    pub pipeline: String,
    /// The primary source first; the others are unpacked beside it.
    pub inputs: Vec<PipelineArtifact>,
    pub outputs: Vec<PipelineArtifact>,
    /// The source revision (commit) behind the primary input.
    pub revision: Option<String>,
}

/// A build and what only the engine knows of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BuildRecord {
    pub build: Build,
    /// The artifacts asked for: the project's, or the override.
    pub artifacts: Artifacts,
    pub secondary_artifacts: Vec<Artifacts>,
    /// Variables of the start-build override, which win over the project's.
    pub overrides: Vec<Variable>,
    pub job: Option<PipelineJob>,
    pub idempotency_token: Option<String>,
    /// Set when a process took the build up. One found so at a restart has lost its host.
    pub taken_up: bool,
}
