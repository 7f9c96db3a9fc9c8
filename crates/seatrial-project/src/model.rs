//! What project.yml means: the model that all who read it share.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use seatrial_template::{Diagnostic, Document};
use serde_json::json;

use super::{
    checks::Check,
    choices::{Architecture, ImageBuilder, ImageTarget, NetworkMode},
    database::Database,
    probe::Probe,
    registry_secrets::{Kept, RegistrySecret},
    settings::{Deployment, Tasks},
};

/// The stack of the database, which an environment without one leaves out.
const DATABASE_STACK: &str = "database";

/// Where the file is, from the root of the workspace.
pub const PROJECT_FILE: &str = "infra/project.yml";
/// Where the stacks' templates are, from the project's folder.
pub const STACKS_FOLDER: &str = "infra/stacks";
/// How a template's file is named: CloudFormation's documentation uses all of them.
pub const TEMPLATE_ENDINGS: [&str; 4] = ["yml", "yaml", "json", "template"];
/// The environment that is the embedded local cloud.
pub const LOCAL_ENVIRONMENT: &str = "local";

/// Why there is no project or environment to work on. Exit 3.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The file is not there.
    #[error("failed to read `{path}`")]
    Unreadable {
        /// From the root of the checkout.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A value breaks a rule.
    #[error("{0}")]
    Invalid(Diagnostic),
    /// Nothing of that name is in the file.
    #[error("environment `{name}` is not in `{path}`, expected one of `{}`", .known.join("`, `"))]
    UnknownEnvironment {
        /// From the root of the checkout.
        path: String,
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
}

/// The file, checked as a whole: a fault in one environment is an error for all.
#[derive(Debug)]
pub struct Project {
    /// For commands without `--environment`; always one of `environments`.
    pub default_environment: String,
    /// By name.
    pub environments: BTreeMap<String, Environment>,
    /// The project's own checks: commands that `check` runs besides ours, in this order.
    pub check: Vec<String>,
    pub(super) document: Document,
}

/// Everything that project.yml says about one environment, overrides and defaults applied.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The project's name.
    pub project: String,
    /// The environment's name.
    pub name: String,
    /// Always there, the local cloud's for `local`.
    pub account: String,
    /// AWS's name of the region.
    pub region: String,
    /// Where the source comes from.
    pub source: Source,
    /// How the application runs.
    pub app: App,
    /// How its image is made.
    pub image: Image,
    /// What is run with the new image before a release moves traffic.
    pub migrate: Option<Migrate>,
    /// What the new tasks have to show before any traffic goes to them.
    pub checks: Vec<Check>,
    /// Whether the project's builds hand over the program of the steps around a deployment: one buildspec serves all
    /// environments, so that one of them is enough.
    pub has_release_program: bool,
    /// How many tasks run.
    pub tasks: Tasks,
    /// What the database is, if there is one.
    pub database: Option<Database>,
    /// How a deployment moves traffic.
    pub deployment: Deployment,
    /// Set together with `certificate_arn`: HTTPS under this name.
    pub domain: Option<String>,
    /// An ACM certificate for `domain`.
    pub certificate_arn: Option<String>,
    /// How tasks reach the world.
    pub network_mode: NetworkMode,
    /// The ARN of the customer's key of KMS that all is encrypted with which the environment keeps; else AWS's own keys.
    pub kms_key: Option<String>,
    /// Every stack gets termination protection and a stack policy.
    pub protected: bool,
    /// Stacks that are left out; their outputs come from `parameters`.
    pub skip: BTreeSet<String>,
    /// `Name` or `stack.Name` to value.
    pub parameters: BTreeMap<String, String>,
    /// The user's own tags of every stack, and so of what is in it.
    pub tags: BTreeMap<String, String>,
    /// Where the project lies in its repository, with a slash behind it; empty: at the top. No key of the file: who
    /// reads the checkout sets it.
    pub directory: String,
}

/// Where the source comes from.
#[derive(Debug, Clone)]
pub struct Source {
    /// `owner/name`.
    pub repository: String,
    /// Each push to it is released.
    pub branch: String,
    /// A connection that exists; without it one is made.
    pub connection_arn: Option<String>,
}

/// How the application runs.
#[derive(Debug, Clone)]
pub struct App {
    /// Where it listens; never 0.
    pub port: u16,
    /// Answers 200 while a task can serve.
    pub health_check_path: String,
    /// How it is asked while a release shifts its traffic.
    pub probe: Probe,
    /// CPU units: 1,024 are one processor.
    pub cpu: u32,
    /// MiB.
    pub memory: u32,
    /// The program can write no file: ECS's `readonlyRootFilesystem`.
    pub is_read_only: bool,
    /// The processor of the tasks.
    pub architecture: Architecture,
    /// Variable to value, exactly as it was typed. No name is in `secrets` too.
    pub environment: BTreeMap<String, String>,
    /// Variable to the name of an output, of whichever stack has it.
    pub outputs: BTreeMap<String, String>,
    /// Variable to the ARN of the secret, with a JSON key behind it if one was given.
    pub secrets: BTreeMap<String, String>,
    /// The ARNs of the secrets themselves that Secrets Manager keeps, each once.
    pub secret_arns: BTreeSet<String>,
    /// The ARNs of those that are parameters of SSM, each once.
    pub secret_parameter_arns: BTreeSet<String>,
}

/// How the image is made.
#[derive(Debug, Clone)]
pub struct Image {
    /// What makes it.
    pub builder: ImageBuilder,
    /// The package of the workspace that the image runs.
    pub package: String,
    /// Without it the package's only or default binary.
    pub binary: Option<String>,
    /// The C library of a static binary.
    pub target: ImageTarget,
    /// What the project's folder needs before it is compiled, by a shell, in this order.
    pub before: Vec<String>,
    /// Of the builder `docker`, from the project's folder.
    pub dockerfile: String,
    /// Likewise: the folder that the Dockerfile may copy from.
    pub context: String,
    /// Of the Dockerfile, by name, exactly as they were typed. No place for secrets: an image's history shows them.
    pub build_args: BTreeMap<String, String>,
    /// Of a Dockerfile with several stages; the last one where none is named.
    pub target_stage: Option<String>,
    /// What opens private sources to a build; the same in every environment, for one buildspec serves all of them.
    pub registry_secrets: Vec<RegistrySecret>,
}

/// In which checks have to come to a verdict; then CodeDeploy stops the deployment.
const MINUTES_FOR_CHECKS: u32 = 60;

/// What brings the database in step with a new version of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrate {
    /// Takes the place of the image's command; never empty.
    pub command: Vec<String>,
}

impl Project {
    /// The environment called `name`, or the default one.
    ///
    /// # Errors
    /// [`ProjectError::UnknownEnvironment`].
    pub fn environment(&self, name: Option<&str>) -> Result<&Environment, ProjectError> {
        let name = name.unwrap_or(&self.default_environment);
        self.environments.get(name).ok_or_else(|| ProjectError::UnknownEnvironment {
            path: self.document.path.clone(),
            name: name.to_owned(),
            known: self.environments.keys().cloned().collect(),
        })
    }

    /// Whether the file says what a fact of an environment is; else it is a default.
    pub fn says(&self, environment: &str, fact: &str) -> bool {
        let keys: &[&str] = match fact {
            "AppPort" => &["app", "port"],
            "HealthCheckPath" => &["app", "health_check_path"],
            "Cpu" => &["app", "cpu"],
            "Memory" => &["app", "memory"],
            "Architecture" => &["app", "architecture"],
            "ImageBuilder" => &["image", "builder"],
            "BranchName" => &["source", "branch"],
            "MinimumTasks" => &["tasks", "min"],
            "MaximumTasks" => &["tasks", "max"],
            "CpuTarget" => &["tasks", "cpu_target"],
            "DatabaseInstanceClass" => &["database", "instance_class"],
            "DatabaseStorageGib" => &["database", "storage_gib"],
            "DatabaseMultiAz" => &["database", "multi_az"],
            "TrafficConfiguration" => &["deployment", "traffic"],
            "ReadyWaitMinutes" => &["deployment", "ready_wait"],
            "TerminateBlueAfterMinutes" => &["deployment", "terminate_blue_after"],
            "NetworkMode" => &["network_mode"],
            // The others have no default.
            _ => return true,
        };
        let own = [&["environments", environment], keys].concat();
        [&own, keys].iter().any(|keys| self.document.root.find(keys).is_some())
    }

    /// `message` at the place of a value in the file, or of the innermost key on the way that is there.
    pub fn diagnostic(&self, keys: &[&str], message: impl Into<String>) -> Diagnostic {
        at(&self.document, keys, message)
    }
}

impl Environment {
    /// True for the embedded local cloud, by the environment's name.
    pub fn is_local(&self) -> bool {
        self.name == LOCAL_ENVIRONMENT
    }

    /// The name of what an environment has one of, as the family of its task definitions:
    /// `<project>-<environment>`.
    pub fn full_name(&self) -> String {
        format!("{}-{}", self.project, self.name)
    }

    /// Whether a stack is left out: by name, or for there is nothing in it to be made.
    pub fn leaves_out(&self, stack: &str) -> bool {
        self.skip.contains(stack) || (stack == DATABASE_STACK && self.database.is_none())
    }

    /// For so many minutes a deployment that is ready waits for a word: a person's, or that of its checks.
    pub fn ready_wait_minutes(&self) -> u32 {
        let for_checks = if self.checks.is_empty() { 0 } else { MINUTES_FOR_CHECKS };
        self.deployment.ready_wait.map_or(for_checks, |wait| wait.0)
    }

    /// The family of the task definitions that migrate: `<project>-<environment>-migrate`.
    pub fn migrate_family(&self) -> String {
        format!("{}-migrate", self.full_name())
    }

    /// The family of the task definitions that check: `<project>-<environment>-check`.
    pub fn check_family(&self) -> String {
        format!("{}-check", self.full_name())
    }

    /// The name of a stack in AWS: `<project>-<environment>-<stack>`.
    pub fn stack_name(&self, stack: &str) -> String {
        format!("{}-{stack}", self.full_name())
    }

    /// What the build's role has to be allowed to read, each once.
    fn registry_arns(&self, is_wanted: impl Fn(&Kept) -> bool) -> BTreeSet<String> {
        let wanted = self.image.registry_secrets.iter().filter(|secret| is_wanted(&secret.kept));
        wanted.map(|secret| secret.arn(&self.region, &self.account)).collect()
    }

    /// What stack parameters may be filled from, by the parameter's name; only what is set.
    pub fn facts(&self) -> BTreeMap<String, String> {
        let database = self.database.as_ref();
        let list = |arns: &BTreeSet<String>| {
            (!arns.is_empty()).then(|| arns.iter().map(String::as_str).collect::<Vec<_>>().join(","))
        };
        let facts = [
            ("ProjectName", Some(self.project.clone())),
            ("EnvironmentName", Some(self.name.clone())),
            ("AppPort", Some(self.app.port.to_string())),
            ("HealthCheckPath", Some(self.app.health_check_path.clone())),
            ("Cpu", Some(self.app.cpu.to_string())),
            ("Memory", Some(self.app.memory.to_string())),
            ("Architecture", Some(self.app.architecture.as_str().to_owned())),
            ("ImageBuilder", Some(self.image.builder.as_str().to_owned())),
            ("ProjectDirectory", (!self.directory.is_empty()).then(|| self.directory.clone())),
            ("RepositoryId", Some(self.source.repository.clone())),
            ("BranchName", Some(self.source.branch.clone())),
            ("ExistingConnectionArn", self.source.connection_arn.clone()),
            ("MinimumTasks", Some(self.tasks.min.to_string())),
            ("MaximumTasks", Some(self.tasks.max.to_string())),
            ("CpuTarget", Some(self.tasks.cpu_target.to_string())),
            ("DatabaseInstanceClass", database.map(|it| it.instance_class.to_string())),
            ("DatabaseStorageGib", database.map(|it| it.storage_gib.to_string())),
            ("DatabaseMultiAz", database.map(|it| it.multi_az.to_string())),
            ("DatabaseSnapshot", database.and_then(|it| Some(it.snapshot.as_ref()?.to_string()))),
            ("TrafficConfiguration", Some(self.deployment.traffic.as_str().to_owned())),
            ("ReadyWaitMinutes", Some(self.ready_wait_minutes().to_string())),
            ("TerminateBlueAfterMinutes", Some(self.deployment.terminate_blue_after.0.to_string())),
            ("DomainName", self.domain.clone()),
            ("CertificateArn", self.certificate_arn.clone()),
            ("MigrateCommand", self.migrate.as_ref().map(|migrate| json!(migrate.command).to_string())),
            ("ReleaseChecks", (!self.checks.is_empty()).then(|| json!(self.checks).to_string())),
            ("ReleaseProgram", self.has_release_program.then(|| "true".to_owned())),
            ("KmsKeyArn", self.kms_key.clone()),
            ("NetworkMode", Some(self.network_mode.as_str().to_owned())),
            ("ReadsOutputs", (!self.app.outputs.is_empty()).then(|| "true".to_owned())),
            ("RegistrySecretArns", list(&self.registry_arns(|kept| matches!(kept, Kept::Secret(_))))),
            ("RegistryParameterArns", list(&self.registry_arns(|kept| matches!(kept, Kept::Parameter(_))))),
            ("SecretArns", list(&self.app.secret_arns)),
            ("SecretParameterArns", list(&self.app.secret_parameter_arns)),
            // A service that cannot be given a shell later is given the way to one.
            ("ExecuteCommand", Some("true".to_owned())),
        ];
        facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// A diagnostic at the deepest key of the path that is in the document.
pub(super) fn at(document: &Document, keys: &[&str], message: impl Into<String>) -> Diagnostic {
    let mut node = &document.root;
    for key in keys {
        match node.get(key) {
            Some(value) => node = value,
            None => break,
        }
    }
    document.diagnostic(node.span, message)
}
