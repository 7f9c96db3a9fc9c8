//! The values of `${NAME}` in the templates: from the environment of the build, else from `infra/project.yml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::architecture::{Architecture, CLibrary};
use crate::error::ImageError;
use crate::request::ImageOptions;

/// Values by name. An empty value is a value.
pub type Variables = BTreeMap<String, String>;

/// The part of `infra/project.yml` that an image and its task definition need, for one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFacts {
    pub project: String,
    pub environment: String,
    pub port: u16,
    pub cpu: u32,
    pub memory: u32,
    pub architecture: Architecture,
    pub library: CLibrary,
    pub image: ImageOptions,
    /// `app.environment` and `app.secrets`: every name that any environment has; empty where this one has none.
    pub app_environment: Variables,
    pub app_secrets: Variables,
}

/// Only what is read here; the tool checks the whole file.
#[derive(Deserialize)]
struct File {
    project: String,
    #[serde(default)]
    app: App,
    #[serde(default)]
    image: Image,
    default_environment: Option<String>,
    #[serde(default)]
    environments: BTreeMap<String, Option<Environment>>,
}

#[derive(Default, Deserialize)]
struct Image {
    package: Option<String>,
    binary: Option<String>,
    #[serde(default)]
    target: CLibrary,
}

#[derive(Default, Deserialize)]
struct Environment {
    #[serde(default)]
    app: App,
}

#[derive(Clone, Default, Deserialize)]
struct App {
    port: Option<u16>,
    cpu: Option<u32>,
    memory: Option<u32>,
    architecture: Option<Architecture>,
    #[serde(default)]
    environment: BTreeMap<String, serde_yaml::Value>,
    #[serde(default)]
    secrets: BTreeMap<String, serde_yaml::Value>,
}

impl ProjectFacts {
    /// Reads `infra/project.yml` below `workspace`; without `environment` its default environment counts.
    pub fn read(workspace: &Path, environment: Option<&str>) -> Result<Self, ImageError> {
        let path = workspace.join("infra/project.yml");
        let text = fs::read_to_string(&path)
            .map_err(|error| ImageError::refused(format!("`{}` cannot be read: {error}", path.display())))?;
        Self::parse(&text, environment)
    }

    fn parse(text: &str, environment: Option<&str>) -> Result<Self, ImageError> {
        let file: File = serde_yaml::from_str(text)
            .map_err(|error| ImageError::refused(format!("infra/project.yml: {error}")))?;
        let name = environment.or(file.default_environment.as_deref()).unwrap_or("local").to_owned();
        let Some(own) = file.environments.get(&name) else {
            let known: Vec<&str> = file.environments.keys().map(String::as_str).collect();
            let message = format!("environment `{name}` is not in `infra/project.yml`");
            return Err(ImageError::refused(message).with_hint(format!("it has {}", known.join(", "))));
        };
        let own = own.as_ref().map(|environment| environment.app.clone()).unwrap_or_default();
        let all = || file.environments.values().flatten().map(|environment| &environment.app);
        let base = &file.app;
        let port = own.port.or(base.port).unwrap_or(4000);
        Ok(Self {
            project: file.project,
            image: ImageOptions {
                package: file.image.package.unwrap_or_else(|| "app".to_owned()),
                binary: file.image.binary,
                port,
            },
            port,
            cpu: own.cpu.or(base.cpu).unwrap_or(256),
            memory: own.memory.or(base.memory).unwrap_or(512),
            architecture: own.architecture.or(base.architecture).unwrap_or(Architecture::X86_64),
            library: file.image.target,
            app_environment: merge(all().map(|app| &app.environment), [&base.environment, &own.environment])?,
            app_secrets: merge(all().map(|app| &app.secrets), [&base.secrets, &own.secrets])?,
            environment: name,
        })
    }

    /// The variables of this file alone.
    pub fn variables(&self) -> Variables {
        let mut variables: Variables = [
            ("PROJECT_NAME", self.project.clone()),
            ("ENVIRONMENT_NAME", self.environment.clone()),
            ("APP_PORT", self.port.to_string()),
            ("APP_CPU", self.cpu.to_string()),
            ("APP_MEMORY", self.memory.to_string()),
            ("APP_CPU_ARCHITECTURE", self.architecture.ecs().to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        for (prefix, values) in
            [("APP_ENVIRONMENT", &self.app_environment), ("APP_SECRET", &self.app_secrets)]
        {
            variables.extend(values.iter().map(|(name, value)| (format!("{prefix}_{name}"), value.clone())));
        }
        variables
    }
}

/// Every name of `all`, empty; then the values of each layer, the last one winning.
fn merge<'a>(
    all: impl Iterator<Item = &'a BTreeMap<String, serde_yaml::Value>>,
    layers: [&'a BTreeMap<String, serde_yaml::Value>; 2],
) -> Result<Variables, ImageError> {
    let mut merged: Variables =
        all.flat_map(BTreeMap::keys).map(|name| (name.clone(), String::new())).collect();
    for (name, value) in layers.into_iter().flatten() {
        let text = match value {
            serde_yaml::Value::String(text) => text.clone(),
            serde_yaml::Value::Number(number) => number.to_string(),
            serde_yaml::Value::Bool(flag) => flag.to_string(),
            serde_yaml::Value::Null => String::new(),
            _ => {
                let message = format!("`{name}` in `infra/project.yml` must be a text, a number or a flag");
                return Err(ImageError::refused(message));
            }
        };
        merged.insert(name.clone(), text);
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: &str = r#"
project: myapp
app: {port: 4000, cpu: 256, memory: 512, architecture: x86_64, environment: {LOG: info, LIMIT: 3}, secrets: {}}
default_environment: local
environments:
  local:
  production:
    region: eu-central-1
    app: {cpu: 512, memory: 1024, architecture: arm64, environment: {LOG: warn, ONLY_HERE: "1"}}
"#;

    #[test]
    fn an_environment_overrides_single_keys_of_the_application() {
        let facts = ProjectFacts::parse(PROJECT, Some("production")).unwrap();
        assert_eq!((facts.port, facts.cpu, facts.architecture), (4000, 512, Architecture::Arm64));
        let variables = facts.variables();
        assert_eq!(variables["APP_CPU_ARCHITECTURE"], "ARM64");
        assert_eq!(variables["APP_ENVIRONMENT_LOG"], "warn");
        assert_eq!(variables["APP_ENVIRONMENT_LIMIT"], "3");
    }

    #[test]
    fn a_name_that_only_another_environment_has_is_empty() {
        let variables = ProjectFacts::parse(PROJECT, None).unwrap().variables();
        assert_eq!(variables["ENVIRONMENT_NAME"], "local");
        assert_eq!(variables["APP_ENVIRONMENT_ONLY_HERE"], "");
    }

    #[test]
    fn the_package_is_app_unless_another_is_named() {
        let image = |text: &str| ProjectFacts::parse(text, None).unwrap().image;
        let default = ImageOptions { package: "app".to_owned(), binary: None, port: 4000 };
        assert_eq!(image(PROJECT), default);
        let named = image(&format!("{PROJECT}image: {{package: shop, binary: server}}\n"));
        assert_eq!((named.package.as_str(), named.binary.as_deref()), ("shop", Some("server")));
    }

    #[test]
    fn an_unknown_environment_and_a_broken_file_are_refused() {
        assert!(ProjectFacts::parse(PROJECT, Some("staging")).unwrap_err().is_refusal());
        assert!(ProjectFacts::parse("project: [", None).unwrap_err().is_refusal());
    }
}
