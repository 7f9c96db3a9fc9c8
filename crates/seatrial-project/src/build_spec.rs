//! What a buildspec of ours may hold: the types that write `.aws/buildspec.yml` and read it back.
//!
//! Names are those of CodeBuild's buildspec reference, version 0.2.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildSpec {
    /// 0.2: all commands of a build run in one shell.
    pub version: f64,
    pub env: Env,
    pub phases: Phases,
    pub artifacts: Artifacts,
    pub cache: Cache,
}

/// What all commands see, and what a build gives its caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Env {
    pub shell: String,
    pub variables: BTreeMap<String, String>,
    /// Variables whose values are parameters of SSM, by the parameter's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameter_store: BTreeMap<String, String>,
    /// Variables whose values are in Secrets Manager: `SECRET[:JSON-KEY[:VERSION-STAGE[:VERSION-ID]]]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets_manager: BTreeMap<String, String>,
    pub exported_variables: Vec<String>,
}

/// The phases that are used, in the order in which CodeBuild runs them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phases {
    pub install: Phase,
    pub build: Phase,
}

/// What is run, and what follows when it fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Phase {
    pub on_failure: OnFailure,
    pub commands: Vec<String>,
}

/// By default a failed `build` is still followed by what comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OnFailure {
    Abort,
    Continue,
}

/// What the pipeline takes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Artifacts {
    /// From the source's root.
    pub base_directory: String,
    pub files: Vec<String>,
    /// By the name of the pipeline's output artifact: all of them where there are several, for then the others are not
    /// looked at (CodePipeline, action reference of CodeBuild).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secondary_artifacts: BTreeMap<String, ArtifactFiles>,
}

/// The files of one artifact of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArtifactFiles {
    /// From the source's root.
    pub base_directory: String,
    pub files: Vec<String>,
}

/// What is kept from build to build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    pub paths: Vec<String>,
}
