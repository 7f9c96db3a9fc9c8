//! `infra/project.yml`: reading it, checking every value, and what it means for one environment.
//!
//! Every error names the file, and where there is a place `path:line:column`, the key, the value found and
//! the rule. Nothing here calls AWS or writes.

mod choices;
mod resolve;
mod rules;
mod settings;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use seatrial_template::{Diagnostic, Document};

pub(crate) use self::{
    choices::{Architecture, ImageBuilder, ImageTarget, NetworkMode},
    rules::is_name,
    settings::{Database, Deployment, Tasks},
};

/// Where the file is, from the root of the workspace.
pub(crate) const PROJECT_FILE: &str = "infra/project.yml";
/// The environment that is the embedded local cloud.
pub(crate) const LOCAL_ENVIRONMENT: &str = "local";

/// Why there is no project or environment to work on. Exit 3.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectError {
    #[error("failed to read `{path}`")]
    Unreadable {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("{0}")]
    Invalid(Diagnostic),
    #[error("environment `{name}` is not in `{path}`, expected one of `{}`", .known.join("`, `"))]
    UnknownEnvironment { path: String, name: String, known: Vec<String> },
}

/// The file, checked as a whole: a fault in one environment is an error for all.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) default_environment: String,
    /// The project's own checks, as they are typed.
    pub(crate) check: Vec<String>,
    pub(crate) environments: BTreeMap<String, Environment>,
    document: Document,
}

/// Everything that project.yml says about one environment, overrides and defaults applied.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    pub(crate) project: String,
    pub(crate) name: String,
    /// Always there, the local cloud's for `local`.
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) source: Source,
    pub(crate) app: App,
    pub(crate) image: Image,
    pub(crate) tasks: Tasks,
    pub(crate) database: Database,
    pub(crate) deployment: Deployment,
    pub(crate) domain: Option<String>,
    pub(crate) certificate_arn: Option<String>,
    pub(crate) network_mode: NetworkMode,
    /// Stacks that are left out; their outputs come from `parameters`.
    pub(crate) skip: BTreeSet<String>,
    /// `Name` or `stack.Name` to value.
    pub(crate) parameters: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// `owner/name`.
    pub(crate) repository: String,
    pub(crate) branch: String,
    pub(crate) connection_arn: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) port: u16,
    pub(crate) health_check_path: String,
    /// CPU units: 1,024 are one processor.
    pub(crate) cpu: u32,
    /// MiB.
    pub(crate) memory: u32,
    pub(crate) architecture: Architecture,
    pub(crate) environment: BTreeMap<String, String>,
    /// Variable to the ARN of the secret, with a JSON key behind it if one was given.
    pub(crate) secrets: BTreeMap<String, String>,
    /// The ARNs of the secrets themselves, each once.
    pub(crate) secret_arns: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) builder: ImageBuilder,
    /// The package of the workspace that the image runs.
    pub(crate) package: String,
    /// Without it the package's only or default binary.
    pub(crate) binary: Option<String>,
    pub(crate) target: ImageTarget,
}

impl Project {
    /// Reads and checks [`PROJECT_FILE`] under `root`, the root of the workspace.
    pub(crate) fn load(root: &Path) -> Result<Self, ProjectError> {
        let text = std::fs::read(root.join(PROJECT_FILE))
            .map_err(|source| ProjectError::Unreadable { path: PROJECT_FILE.to_owned(), source })?;
        Self::parse(&text)
    }

    pub(crate) fn parse(text: &[u8]) -> Result<Self, ProjectError> {
        let document = seatrial_template::parse(PROJECT_FILE, text).map_err(ProjectError::Invalid)?;
        let settings = document.deserialize().map_err(ProjectError::Invalid)?;
        resolve::project(document, settings).map_err(ProjectError::Invalid)
    }

    /// The environment called `name`, or the default one.
    pub(crate) fn environment(&self, name: Option<&str>) -> Result<&Environment, ProjectError> {
        let name = name.unwrap_or(&self.default_environment);
        self.environments.get(name).ok_or_else(|| ProjectError::UnknownEnvironment {
            path: self.document.path.clone(),
            name: name.to_owned(),
            known: self.environments.keys().cloned().collect(),
        })
    }

    /// `message` at the place of a value in the file, or of the innermost key on the way that is there.
    pub(crate) fn diagnostic(&self, keys: &[&str], message: impl Into<String>) -> Diagnostic {
        resolve::at(&self.document, keys, message)
    }
}

impl Environment {
    /// True for the embedded local cloud, by the environment's name.
    pub(crate) fn is_local(&self) -> bool {
        self.name == LOCAL_ENVIRONMENT
    }

    /// The name of a stack in AWS: `<project>-<environment>-<stack>`.
    pub(crate) fn stack_name(&self, stack: &str) -> String {
        format!("{}-{}-{stack}", self.project, self.name)
    }

    /// What stack parameters may be filled from, by the parameter's name; only what is set.
    pub(crate) fn facts(&self) -> BTreeMap<String, String> {
        let secrets: Vec<&str> = self.app.secret_arns.iter().map(String::as_str).collect();
        let facts = [
            ("ProjectName", Some(self.project.clone())),
            ("EnvironmentName", Some(self.name.clone())),
            ("AppPort", Some(self.app.port.to_string())),
            ("HealthCheckPath", Some(self.app.health_check_path.clone())),
            ("Cpu", Some(self.app.cpu.to_string())),
            ("Memory", Some(self.app.memory.to_string())),
            ("Architecture", Some(self.app.architecture.as_str().to_owned())),
            ("ImageBuilder", Some(self.image.builder.as_str().to_owned())),
            ("RepositoryId", Some(self.source.repository.clone())),
            ("BranchName", Some(self.source.branch.clone())),
            ("ExistingConnectionArn", self.source.connection_arn.clone()),
            ("MinimumTasks", Some(self.tasks.min.to_string())),
            ("MaximumTasks", Some(self.tasks.max.to_string())),
            ("CpuTarget", Some(self.tasks.cpu_target.to_string())),
            ("DatabaseInstanceClass", Some(self.database.instance_class.to_string())),
            ("DatabaseStorageGib", Some(self.database.storage_gib.to_string())),
            ("DatabaseMultiAz", Some(self.database.multi_az.to_string())),
            ("TrafficConfiguration", Some(self.deployment.traffic.as_str().to_owned())),
            ("TerminateBlueAfterMinutes", Some(self.deployment.terminate_blue_after.0.to_string())),
            ("DomainName", self.domain.clone()),
            ("CertificateArn", self.certificate_arn.clone()),
            ("NetworkMode", Some(self.network_mode.as_str().to_owned())),
            ("SecretArns", (!secrets.is_empty()).then(|| secrets.join(","))),
        ];
        facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

#[cfg(test)]
mod tests;
