//! A pipeline's structure as its model has it; `structure.rs` checks it.
//!
//! A member of the model that nothing here acts on is caught by its structure's `unmeant` and refused by its name, those
//! that AWS adds later too: on AWS it would change what the pipeline does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Members that this local cloud does not act on, by name.
pub(super) type Unmeant = BTreeMap<String, Value>;

/// What GetPipeline answers and CreatePipeline takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Declaration {
    pub name: String,
    pub role_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_store: Option<ArtifactStore>,
    pub stages: Vec<Stage>,
    #[serde(default)]
    pub version: u64,
    /// `SUPERSEDED` (AWS's default) or `QUEUED`; `PARALLEL` is refused.
    #[serde(default = "superseded")]
    pub execution_mode: String,
    /// `V1` is AWS's default: it has neither queued executions nor variables.
    #[serde(default = "first_type")]
    pub pipeline_type: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<VariableDeclaration>,
    /// Stored: no push starts anything here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triggers: Option<Value>,
    #[serde(flatten)]
    pub unmeant: Unmeant,
}

fn superseded() -> String {
    "SUPERSEDED".to_owned()
}

fn first_type() -> String {
    "V1".to_owned()
}

/// The key of KMS that artifacts are encrypted with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EncryptionKey {
    /// Id, ARN or an alias's ARN.
    pub id: String,
    /// `KMS`.
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ArtifactStore {
    #[serde(rename = "type")]
    pub kind: String,
    /// The bucket.
    pub location: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_key: Option<EncryptionKey>,
    #[serde(flatten)]
    pub unmeant: Unmeant,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VariableDeclaration {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(flatten)]
    pub unmeant: Unmeant,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stage {
    pub name: String,
    pub actions: Vec<Action>,
    #[serde(flatten)]
    pub unmeant: Unmeant,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Action {
    pub name: String,
    pub action_type_id: ActionType,
    #[serde(default = "first")]
    pub run_order: u64,
    #[serde(default)]
    pub configuration: BTreeMap<String, String>,
    #[serde(default)]
    pub input_artifacts: Vec<ArtifactName>,
    #[serde(default)]
    pub output_artifacts: Vec<ArtifactName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The local cloud's own, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    #[serde(flatten)]
    pub unmeant: Unmeant,
}

fn first() -> u64 {
    1
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ActionType {
    pub category: String,
    pub owner: String,
    pub provider: String,
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ArtifactName {
    pub name: String,
    #[serde(flatten)]
    pub unmeant: Unmeant,
}

/// The actions this local cloud runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    Source,
    Build,
    Deploy,
}

impl ActionType {
    pub fn provider(&self) -> Option<Provider> {
        if (self.owner.as_str(), self.version.as_str()) != ("AWS", "1") {
            return None;
        }
        match (self.category.as_str(), self.provider.as_str()) {
            ("Source", "CodeStarSourceConnection") => Some(Provider::Source),
            ("Build" | "Test", "CodeBuild") => Some(Provider::Build),
            ("Deploy", "CodeDeployToECS") => Some(Provider::Deploy),
            _ => None,
        }
    }
}

impl Declaration {
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == name)
    }
}
