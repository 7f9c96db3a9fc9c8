//! The shape of project.yml: every key, its type and its default.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    checks::Check,
    choices::{Architecture, ImageBuilder, ImageTarget, NetworkMode},
    database::DatabaseSettings,
    port::AppPort,
    probe::ProbeSettings,
    registry_secrets::{Kept, Opens},
    rules::{
        AccountId, BranchName, CargoName, CertificateArn, CommandWords, ConnectionArn, DomainName,
        FolderPath, HealthCheckPath, KmsKeyArn, Minutes, Name, ParameterValue, Region, RepositoryId,
        SecretArn, ShellCommand, StackShortName, StageName, TagKey, TagValue, VariableName,
    },
    traffic::Traffic,
    variable::VariableValue,
};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) project: Name,
    pub(super) source: SourceSettings,
    #[serde(default)]
    pub(super) app: AppSettings,
    #[serde(default)]
    pub(super) image: ImageSettings,
    #[serde(default)]
    pub(super) tags: BTreeMap<TagKey, TagValue>,
    #[serde(default)]
    pub(super) check: Vec<ShellCommand>,
    pub(super) migrate: Option<MigrateSettings>,
    pub(super) checks: Option<Vec<Check>>,
    pub(super) default_environment: Option<Name>,
    /// `name:` alone is an environment in which everything is as by default.
    pub(super) environments: BTreeMap<Name, Option<EnvironmentSettings>>,
}

/// Where the source comes from. In an environment: what differs there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SourceSettings {
    pub(super) repository: Option<RepositoryId>,
    pub(super) branch: Option<BranchName>,
    pub(super) connection_arn: Option<ConnectionArn>,
}

impl SourceSettings {
    pub(super) fn or(self, base: &Self) -> Self {
        Self {
            repository: self.repository.or_else(|| base.repository.clone()),
            branch: self.branch.or_else(|| base.branch.clone()),
            connection_arn: self.connection_arn.or_else(|| base.connection_arn.clone()),
        }
    }
}

/// How the application runs. In an environment: what differs there; its variables and secrets are added to
/// the common ones, by name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AppSettings {
    pub(super) port: Option<AppPort>,
    pub(super) health_check_path: Option<HealthCheckPath>,
    pub(super) probe: ProbeSettings,
    pub(super) cpu: Option<u32>,
    pub(super) memory: Option<u32>,
    pub(super) read_only: Option<bool>,
    pub(super) architecture: Option<Architecture>,
    pub(super) environment: BTreeMap<VariableName, VariableValue>,
    pub(super) secrets: BTreeMap<VariableName, SecretArn>,
}

impl AppSettings {
    pub(super) fn or(self, base: &Self) -> Self {
        // A name is a variable or a secret, and the environment decides which it is there.
        let mut environment = base.environment.clone();
        environment.retain(|name, _| !self.secrets.contains_key(name));
        let mut secrets = base.secrets.clone();
        secrets.retain(|name, _| !self.environment.contains_key(name));
        environment.extend(self.environment);
        secrets.extend(self.secrets);
        Self {
            port: self.port.or(base.port),
            health_check_path: self.health_check_path.or_else(|| base.health_check_path.clone()),
            probe: self.probe.or(&base.probe),
            cpu: self.cpu.or(base.cpu),
            memory: self.memory.or(base.memory),
            read_only: self.read_only.or(base.read_only),
            architecture: self.architecture.or(base.architecture),
            environment,
            secrets,
        }
    }
}

/// How the image is made. In an environment: what differs there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ImageSettings {
    pub(super) builder: Option<ImageBuilder>,
    pub(super) package: Option<CargoName>,
    pub(super) binary: Option<CargoName>,
    pub(super) target: Option<ImageTarget>,
    pub(super) before: Option<Vec<ShellCommand>>,
    pub(super) dockerfile: Option<FolderPath>,
    pub(super) context: Option<FolderPath>,
    pub(super) build_args: BTreeMap<VariableName, String>,
    pub(super) target_stage: Option<StageName>,
    pub(super) registry_secrets: BTreeMap<Opens, Kept>,
}

impl ImageSettings {
    pub(super) fn or(self, base: &Self) -> Self {
        Self {
            builder: self.builder.or(base.builder),
            package: self.package.or_else(|| base.package.clone()),
            binary: self.binary.or_else(|| base.binary.clone()),
            target: self.target.or(base.target),
            before: self.before.or_else(|| base.before.clone()),
            dockerfile: self.dockerfile.or_else(|| base.dockerfile.clone()),
            context: self.context.or_else(|| base.context.clone()),
            build_args: base.build_args.clone().into_iter().chain(self.build_args).collect(),
            target_stage: self.target_stage.or_else(|| base.target_stage.clone()),
            // What an environment says of its own is refused.
            registry_secrets: base.registry_secrets.clone(),
        }
    }
}

/// What is run before traffic moves. In an environment: instead of the common one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MigrateSettings {
    pub(super) command: CommandWords,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EnvironmentSettings {
    pub(super) account: Option<AccountId>,
    pub(super) region: Option<Region>,
    pub(super) source: SourceSettings,
    pub(super) app: AppSettings,
    pub(super) image: ImageSettings,
    pub(super) migrate: Option<MigrateSettings>,
    /// Instead of the common ones; none with `[]`.
    pub(super) checks: Option<Vec<Check>>,
    pub(super) tasks: Tasks,
    pub(super) database: DatabaseSettings,
    pub(super) deployment: Deployment,
    pub(super) domain: Option<DomainName>,
    pub(super) certificate_arn: Option<CertificateArn>,
    pub(super) network_mode: NetworkMode,
    pub(super) kms_key: Option<KmsKeyArn>,
    pub(super) protected: Option<bool>,
    pub(super) skip: Vec<StackShortName>,
    pub(super) parameters: BTreeMap<String, ParameterValue>,
}

/// How many tasks run. `min` are started at creation; then scaling decides.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tasks {
    /// At least 1.
    pub min: u32,
    /// At least `min`.
    pub max: u32,
    /// The average CPU utilisation that scaling aims at, in percent.
    pub cpu_target: u32,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { min: 2, max: 6, cpu_target: 60 }
    }
}

/// How a deployment moves traffic.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deployment {
    /// At once, or in which steps.
    pub traffic: Traffic,
    /// How long a deployment waits, its new tasks on the test listener, for somebody to let it move traffic; then it is
    /// stopped (AWS: DeploymentReadyOption, STOP_DEPLOYMENT). At least a minute; without it nobody is waited for.
    pub ready_wait: Option<Minutes>,
    /// How long the original tasks stay after traffic has moved: the time in which a rollback is instant.
    pub terminate_blue_after: Minutes,
}

impl Default for Deployment {
    fn default() -> Self {
        Self { traffic: Traffic::default(), ready_wait: None, terminate_blue_after: Minutes(5) }
    }
}
