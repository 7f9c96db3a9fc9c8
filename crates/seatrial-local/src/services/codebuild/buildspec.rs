//! The buildspec, version 0.2: what the engine needs of it, read from YAML.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_yaml::Value;

/// The phases a buildspec may hold, in their order, with CodeBuild's names of them.
pub(super) const PHASES: [(&str, &str); 4] =
    [("install", "INSTALL"), ("pre_build", "PRE_BUILD"), ("build", "BUILD"), ("post_build", "POST_BUILD")];

/// A buildspec. Keys it does not act on (`reports`, `proxy`, `batch`) are allowed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Buildspec {
    #[serde(default)]
    pub env: Env,
    #[serde(default)]
    pub phases: Phases,
    pub artifacts: Option<Artifacts>,
    pub cache: Option<Cache>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Env {
    /// `bash` or `/bin/sh`, which is the default.
    pub shell: Option<String>,
    #[serde(deserialize_with = "pairs")]
    pub variables: Vec<(String, String)>,
    #[serde(deserialize_with = "pairs")]
    pub parameter_store: Vec<(String, String)>,
    #[serde(deserialize_with = "pairs")]
    pub secrets_manager: Vec<(String, String)>,
    pub exported_variables: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Phases {
    install: Option<Phase>,
    pre_build: Option<Phase>,
    build: Option<Phase>,
    post_build: Option<Phase>,
}

impl Phases {
    /// The phase of a key of [`PHASES`].
    pub fn get(&self, key: &str) -> Option<&Phase> {
        match key {
            "install" => self.install.as_ref(),
            "pre_build" => self.pre_build.as_ref(),
            "build" => self.build.as_ref(),
            "post_build" => self.post_build.as_ref(),
            _ => None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Phase {
    #[serde(deserialize_with = "lines")]
    pub commands: Vec<String>,
    #[serde(deserialize_with = "lines")]
    pub finally: Vec<String>,
    pub on_failure: OnFailure,
    pub runtime_versions: Option<Value>,
}

/// What follows a failed command.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// AWS's default: a failed `build` is still followed by `post_build`.
    #[default]
    Default,
    Abort,
    Continue,
    /// So many more tries of the phase.
    Retry(u32),
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Artifacts {
    #[serde(deserialize_with = "lines")]
    pub files: Vec<String>,
    pub name: Option<String>,
    pub base_directory: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub discard_paths: bool,
    #[serde(deserialize_with = "lines")]
    pub exclude_paths: Vec<String>,
    /// In the order of the file.
    #[serde(deserialize_with = "secondary")]
    pub secondary_artifacts: Vec<(String, Artifacts)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cache {
    #[serde(deserialize_with = "lines")]
    pub paths: Vec<String>,
}

impl Buildspec {
    /// Reads `text`; the error is CodeBuild's message of a `YAML_FILE_ERROR`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut value: Value = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        // CodeBuild's own reader is Go's, by the words of its errors, and that one merges.
        value.apply_merge().map_err(|error| error.to_string())?;
        let version = match value.get("version") {
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::String(text)) => text.clone(),
            _ => return Err("Missing version in buildspec".to_owned()),
        };
        if version != "0.2" {
            return Err(format!("unknown version: {version}; the local cloud runs version 0.2"));
        }
        if value.get("phases").and_then(Value::as_mapping).is_none_or(|phases| phases.is_empty()) {
            return Err("This build spec requires at least one phase".to_owned());
        }
        check_phase_names(&value)?;
        let spec: Self = serde_yaml::from_value(value).map_err(|error| error.to_string())?;
        let empty = |artifacts: &Artifacts| artifacts.files.is_empty();
        match &spec.artifacts {
            Some(artifacts) if artifacts.secondary_artifacts.is_empty() && empty(artifacts) => {
                Err("No paths are listed in artifacts".to_owned())
            }
            _ => Ok(spec),
        }
    }

    pub fn uses_bash(&self) -> bool {
        self.env.shell.as_deref().is_some_and(|shell| shell == "bash" || shell.ends_with("/bash"))
    }
}

fn check_phase_names(value: &Value) -> Result<(), String> {
    let phases = value.get("phases").and_then(Value::as_mapping);
    for key in phases.into_iter().flat_map(|phases| phases.keys()) {
        let name = key.as_str().unwrap_or("?");
        if !PHASES.iter().any(|(known, _)| *known == name) {
            return Err(format!("Unknown phase: {name}"));
        }
    }
    Ok(())
}

/// A scalar as the text it was most likely written as.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A list of texts; a single text counts as a list of one, no value as none.
fn lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::Sequence(items) => items
            .iter()
            .map(|item| {
                text(item).ok_or_else(|| D::Error::custom("Expected Commands[i] to be of string type"))
            })
            .collect(),
        single => {
            text(&single).map(|line| vec![line]).ok_or_else(|| D::Error::custom("expected a list of texts"))
        }
    }
}

fn pairs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    let mapping = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(Vec::new()),
        Value::Mapping(mapping) => mapping,
        _ => return Err(D::Error::custom("expected names and values")),
    };
    let pair = |(key, value): (Value, Value)| match (text(&key), text(&value)) {
        (Some(key), Some(value)) => Ok((key, value)),
        _ => Err(D::Error::custom("the value of an environment variable must be a text")),
    };
    mapping.into_iter().map(pair).collect()
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(flag) => Ok(flag),
        Value::String(word) => Ok(word == "yes" || word == "true"),
        Value::Null => Ok(false),
        _ => Err(D::Error::custom("expected yes or no")),
    }
}

fn secondary<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Artifacts)>, D::Error> {
    let Value::Mapping(mapping) = Value::deserialize(deserializer)? else {
        return Err(D::Error::custom("expected artifacts by identifier"));
    };
    let read = |(key, value): (Value, Value)| {
        let key = text(&key).ok_or_else(|| D::Error::custom("an artifact identifier must be a text"))?;
        Ok((key, serde_yaml::from_value(value).map_err(D::Error::custom)?))
    };
    mapping.into_iter().map(read).collect()
}

impl<'de> Deserialize<'de> for OnFailure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        match word.split('-').collect::<Vec<_>>()[..] {
            ["ABORT"] => Ok(Self::Abort),
            ["CONTINUE"] => Ok(Self::Continue),
            ["RETRY"] => Ok(Self::Retry(3)),
            // RETRY-<count>, RETRY-<count>-<regex>, RETRY-<regex>: the expression is not looked at.
            ["RETRY", count, ..] => Ok(Self::Retry(count.parse().unwrap_or(3).min(100))),
            _ => Err(D::Error::custom(format!("Invalid on-failure: {word}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buildspec_is_read_as_codebuild_reads_it() {
        let spec = Buildspec::parse(
            "version: 0.2\nenv:\n  shell: bash\n  variables: {COUNT: 1, FLAG: true}\n  exported-variables: [A]\n\
             phases:\n  build:\n    on-failure: RETRY-2-.*\n    commands: [a, b]\n    finally: c\n\
             artifacts:\n  files: ['**/*']\n  discard-paths: yes\n  secondary-artifacts:\n    Other: {files: x}\n",
        )
        .unwrap();

        assert!(spec.uses_bash());
        assert_eq!(spec.env.variables[0], ("COUNT".to_owned(), "1".to_owned()));
        let build = spec.phases.get("build").unwrap();
        assert_eq!((build.commands.len(), build.finally.len()), (2, 1));
        assert_eq!(build.on_failure, OnFailure::Retry(2));
        let artifacts = spec.artifacts.unwrap();
        assert!(artifacts.discard_paths);
        assert_eq!(artifacts.secondary_artifacts[0].0, "Other");
    }

    #[test]
    fn what_is_merged_into_a_phase_is_run_and_its_own_keys_win() {
        let spec = Buildspec::parse(
            "version: 0.2\nenv: {variables: {A: one}}\nphases:\n  install: &all\n    on-failure: ABORT\n    \
             commands: [a]\n  build:\n    <<: *all\n    finally: [b]\n  post_build:\n    <<: [*all]\n    commands: [c]\n",
        )
        .unwrap();

        let phase = |key: &str| {
            let phase = spec.phases.get(key).unwrap();
            (phase.commands.join(" "), phase.finally.join(" "), phase.on_failure)
        };
        assert_eq!(phase("build"), ("a".to_owned(), "b".to_owned(), OnFailure::Abort));
        assert_eq!(phase("post_build"), ("c".to_owned(), String::new(), OnFailure::Abort));
        let not_a_map = Buildspec::parse("version: 0.2\nphases: {build: {<<: text, commands: [a]}}\n");
        assert!(not_a_map.is_err());
    }

    #[test]
    fn faults_of_a_buildspec_are_named() {
        let error = |text: &str| Buildspec::parse(text).unwrap_err();
        assert!(error("phases: {}").contains("version"));
        assert!(error("version: 0.2\nphases: {}\n").contains("at least one phase"));
        assert!(error("version: 0.2\nphases: {test: {commands: [x]}}\n").contains("Unknown phase: test"));
        assert!(error("version: 0.2\nphases: {build: {on-failure: NEVER}}\n").contains("on-failure"));
        assert!(error("version: 0.2\nphases:\n  build:\n - x").contains("line"));
    }
}
