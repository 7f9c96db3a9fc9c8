//! From the settings as written to environments: overrides, defaults, and the rules that join several keys.

use std::collections::BTreeMap;

use seatrial_template::{Diagnostic, Document};

use super::{
    choices::{Architecture, ImageBuilder},
    database::Database,
    model::{App, Environment, Image, LOCAL_ENVIRONMENT, Migrate, Project, Source, at},
    registry_secrets::RegistrySecret,
    rules::{FolderPath, KmsKeyArn, Name, SecretArn, VariableName},
    settings::{AppSettings, EnvironmentSettings, ImageSettings, Settings, SourceSettings, Tasks},
    variable::VariableValue,
};

/// Project and environment together: what AWS's 32 characters for the name of a load balancer or target
/// group leave.
const MAXIMUM_NAME: usize = 30;
/// CloudFormation takes 50 (API reference, CreateStack); three are Seatrial's.
const MOST_TAGS: usize = 47;
/// The local cloud's account and region: it has no account to differ from.
const LOCAL_ACCOUNT: &str = "000000000000";
const LOCAL_REGION: &str = "eu-central-1";
/// What becomes the image where `image.package` says nothing.
const DEFAULT_PACKAGE: &str = "app";
/// Where the Dockerfile is and what it may copy from, where `image` says nothing.
const DEFAULT_DOCKERFILE: &str = "Dockerfile";
const DEFAULT_CONTEXT: &str = ".";
/// The variable that tells the application `app.port`.
const PORT: &str = "PORT";

pub(super) fn project(document: Document, settings: Settings) -> Result<Project, Diagnostic> {
    let default = settings.default_environment.as_ref().map_or(LOCAL_ENVIRONMENT, AsRef::as_ref).to_owned();
    if settings.source.repository.is_none() {
        return Err(at(&document, &["source"], "key `source.repository` is missing"));
    }
    if settings.environments.is_empty() {
        return Err(at(&document, &["environments"], "`environments` must name at least one"));
    }
    let mut environments = BTreeMap::new();
    for (name, own) in &settings.environments {
        let scope = Scope { document: &document, settings: &settings, name };
        environments.insert(name.to_string(), scope.environment(own.clone().unwrap_or_default())?);
    }
    if !environments.contains_key(&default) {
        let known: Vec<&str> = environments.keys().map(String::as_str).collect();
        let message = format!(
            "`default_environment` must be one of the `environments`, `{}`, found `{default}`",
            known.join("`, `")
        );
        return Err(at(&document, &["default_environment"], message));
    }
    let check = settings.check.iter().map(ToString::to_string).collect();
    Ok(Project { default_environment: default, environments, check, document })
}

/// One environment being resolved, and what its errors need.
struct Scope<'a> {
    document: &'a Document,
    settings: &'a Settings,
    name: &'a Name,
}

impl Scope<'_> {
    fn environment(&self, own: EnvironmentSettings) -> Result<Environment, Diagnostic> {
        self.check_name()?;
        let (account, region) = self.account_and_region(&own)?;
        self.check_tasks(&own.tasks)?;
        if self.settings.tags.len() > MOST_TAGS {
            let message = format!("`tags` must be at most {MOST_TAGS}, found {}", self.settings.tags.len());
            return Err(at(self.document, &["tags"], message));
        }
        if let Some(Database { storage_gib: found, .. }) = own.database.0
            && !(20..=65_536).contains(&found)
        {
            let rule = format!("must be from 20 to 65536, found `{found}`");
            return Err(self.fault(&["database", "storage_gib"], rule));
        }
        if own.deployment.ready_wait.is_some_and(|wait| wait.0 == 0) {
            let rule = "must be at least `1m`; without the key nobody is waited for".to_owned();
            return Err(self.fault(&["deployment", "ready_wait"], rule));
        }
        let checks = own.checks.as_ref().or(self.settings.checks.as_ref());
        if own.deployment.ready_wait.is_some() && checks.is_some_and(|checks| !checks.is_empty()) {
            let rule =
                "must not stand beside `checks`: those let traffic move, and nobody is waited for".to_owned();
            return Err(self.fault(&["deployment", "ready_wait"], rule));
        }
        // What is encrypted is of the environment's region, and so are keys.
        let foreign = |key: &KmsKeyArn| key.as_ref().split(':').nth(3) != Some(region.as_str());
        if let Some(key) = own.kms_key.as_ref().filter(|key| foreign(key)) {
            let message = format!("must be a key of region `{region}`, found `{key}`");
            return Err(self.fault(&["kms_key"], message));
        }
        if own.domain.is_some() != own.certificate_arn.is_some() {
            let (key, other) = if own.domain.is_some() {
                ("domain", "certificate_arn")
            } else {
                ("certificate_arn", "domain")
            };
            return Err(self.fault(&[key], format!("must stand together with `{other}`, which is missing")));
        }
        Ok(Environment {
            project: self.settings.project.to_string(),
            name: self.name.to_string(),
            account,
            region,
            source: source(own.source.or(&self.settings.source)),
            app: self.app(own.app.or(&self.settings.app))?,
            image: self.image(own.image)?,
            migrate: own
                .migrate
                .or_else(|| self.settings.migrate.clone())
                .map(|migrate| Migrate { command: migrate.command.into() }),
            checks: own.checks.or_else(|| self.settings.checks.clone()).unwrap_or_default(),
            has_release_program: self.has_release_program(),
            tasks: own.tasks,
            database: own.database.0,
            deployment: own.deployment,
            domain: own.domain.map(|domain| domain.to_string()),
            certificate_arn: own.certificate_arn.map(|arn| arn.to_string()),
            network_mode: own.network_mode,
            kms_key: own.kms_key.map(|arn| arn.to_string()),
            protected: own.protected.unwrap_or(self.name.as_ref() != LOCAL_ENVIRONMENT),
            skip: own.skip.iter().map(ToString::to_string).collect(),
            parameters: own.parameters.into_iter().map(|(name, value)| (name, value.0)).collect(),
            tags: self
                .settings
                .tags
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .collect(),
            directory: String::new(),
        })
    }

    fn has_release_program(&self) -> bool {
        let has_checks = |checks: &Option<Vec<_>>| checks.as_ref().is_some_and(|checks| !checks.is_empty());
        let mut own = self.settings.environments.values().flatten();
        self.settings.migrate.is_some()
            || has_checks(&self.settings.checks)
            || own.any(|environment| environment.migrate.is_some() || has_checks(&environment.checks))
    }

    /// An error about a key of this environment: its place, its full name, the rule and the value found.
    fn fault(&self, keys: &[&str], rule: String) -> Diagnostic {
        let path = [&["environments", self.name.as_ref()], keys].concat();
        at(self.document, &path, format!("`{}` {rule}", path.join(".")))
    }

    fn check_name(&self) -> Result<(), Diagnostic> {
        let project = &self.settings.project;
        let length = project.as_ref().len() + self.name.as_ref().len();
        if length <= MAXIMUM_NAME {
            return Ok(());
        }
        let message = format!(
            "`project` and the name of an environment must have at most {MAXIMUM_NAME} characters together, \
             found `{project}` and `{}`, {length} characters",
            self.name
        );
        let environments =
            self.document.root.get("environments").and_then(seatrial_template::Node::as_mapping);
        let span = environments.and_then(|all| all.entry(self.name.as_ref())).map(|entry| entry.key_span);
        Err(self.document.diagnostic(span.unwrap_or(self.document.root.span), message))
    }

    fn account_and_region(&self, own: &EnvironmentSettings) -> Result<(String, String), Diagnostic> {
        if self.name.as_ref() == LOCAL_ENVIRONMENT {
            if let Some(account) = &own.account {
                let rule = format!("must not be set: `local` is the local cloud, found `{account}`");
                return Err(self.fault(&["account"], rule));
            }
            let region = own.region.as_ref().map_or(LOCAL_REGION, AsRef::as_ref);
            return Ok((LOCAL_ACCOUNT.to_owned(), region.to_owned()));
        }
        match (&own.account, &own.region) {
            (Some(account), Some(region)) => Ok((account.to_string(), region.to_string())),
            (None, _) => Err(self.missing("account")),
            (_, None) => Err(self.missing("region")),
        }
    }

    fn missing(&self, key: &str) -> Diagnostic {
        let path = ["environments", self.name.as_ref()];
        at(self.document, &path, format!("key `{}.{key}` is missing", path.join(".")))
    }

    fn check_tasks(&self, tasks: &Tasks) -> Result<(), Diagnostic> {
        if tasks.min == 0 {
            return Err(self.fault(&["tasks", "min"], "must be at least 1, found `0`".to_owned()));
        }
        if tasks.max < tasks.min {
            let rule = format!("must be at least `min`, {}, found `{}`", tasks.min, tasks.max);
            return Err(self.fault(&["tasks", "max"], rule));
        }
        if !(1..=100).contains(&tasks.cpu_target) {
            let rule = format!("must be from 1 to 100, found `{}`", tasks.cpu_target);
            return Err(self.fault(&["tasks", "cpu_target"], rule));
        }
        Ok(())
    }

    fn app(&self, app: AppSettings) -> Result<App, Diagnostic> {
        let is_port = |name: &VariableName| name.as_ref() == PORT;
        // The load balancer asks at `app.port`: the application must listen there.
        for (key, is_set) in [
            ("environment", app.environment.keys().any(is_port)),
            ("secrets", app.secrets.keys().any(is_port)),
        ] {
            if is_set {
                return Err(self.app_fault(&[key, PORT], "must not be set: set `app.port`"));
            }
        }
        let (cpu, memory) = (app.cpu.unwrap_or(256), app.memory.unwrap_or(512));
        self.check_size(cpu, memory)?;
        let path = app.health_check_path.as_ref().map_or("/healthz", AsRef::as_ref).to_owned();
        if let Some(name) = app.environment.keys().find(|name| app.secrets.contains_key(*name)) {
            let rule = format!("must not name a variable that `environment` has too, found `{name}`");
            return Err(self.app_fault(&["secrets"], &rule));
        }
        let text = |name: VariableName| name.to_string();
        let (mut environment, mut outputs) = (BTreeMap::new(), BTreeMap::new());
        for (name, value) in app.environment {
            match value {
                VariableValue::Text(value) => drop(environment.insert(name.to_string(), value)),
                VariableValue::Output(output) => drop(outputs.insert(name.to_string(), output.to_string())),
            }
        }
        Ok(App {
            port: app.port.map_or(4000, |port| port.0),
            probe: app.probe.resolved(&path),
            health_check_path: path,
            cpu,
            memory,
            is_read_only: app.read_only.unwrap_or(true),
            architecture: app.architecture.unwrap_or(Architecture::X86_64),
            environment,
            outputs,
            secret_arns: app
                .secrets
                .values()
                .filter(|it| !it.is_parameter())
                .map(SecretArn::secret)
                .collect(),
            secret_parameter_arns: app
                .secrets
                .values()
                .filter(|it| it.is_parameter())
                .map(SecretArn::secret)
                .collect(),
            secrets: app.secrets.into_iter().map(|(name, arn)| (text(name), arn.to_string())).collect(),
        })
    }

    fn image(&self, own: ImageSettings) -> Result<Image, Diagnostic> {
        if !own.registry_secrets.is_empty() {
            let rule = "must stand in `image` at the top: one buildspec serves all environments, and a secret's name is \
                        looked for in each one's own account";
            return Err(self.fault(&["image", "registry_secrets"], rule.to_owned()));
        }
        let image = own.or(&self.settings.image);
        let builder = image.builder.unwrap_or_default();
        let of_cargo = [
            ("package", image.package.is_some()),
            ("binary", image.binary.is_some()),
            ("before", image.before.as_ref().is_some_and(|before| !before.is_empty())),
        ];
        let of_docker = [
            ("dockerfile", image.dockerfile.is_some()),
            ("context", image.context.is_some()),
            ("build_args", !image.build_args.is_empty()),
            ("target_stage", image.target_stage.is_some()),
        ];
        let (others, of) = match builder {
            ImageBuilder::Cargo => (&of_docker[..], "docker"),
            ImageBuilder::Docker => (&of_cargo[..], "cargo"),
        };
        if let Some((key, _)) = others.iter().find(|(_, is_set)| *is_set) {
            let rule = format!("is for `builder: {of}`, and `builder` is `{}`", builder.as_str());
            return Err(self.part_fault("image", &[key], &rule));
        }
        let text = |path: Option<FolderPath>, default: &str| {
            path.map_or(default.to_owned(), |path| path.to_string())
        };
        Ok(Image {
            builder,
            package: image.package.as_ref().map_or(DEFAULT_PACKAGE, AsRef::as_ref).to_owned(),
            binary: image.binary.map(|binary| binary.to_string()),
            target: image.target.unwrap_or_default(),
            before: image.before.unwrap_or_default().iter().map(ToString::to_string).collect(),
            dockerfile: text(image.dockerfile, DEFAULT_DOCKERFILE),
            context: text(image.context, DEFAULT_CONTEXT),
            build_args: image.build_args.into_iter().map(|(name, value)| (name.to_string(), value)).collect(),
            target_stage: image.target_stage.map(|stage| stage.to_string()),
            registry_secrets: self.registry_secrets()?,
        })
    }

    fn registry_secrets(&self) -> Result<Vec<RegistrySecret>, Diagnostic> {
        let mut secrets: Vec<RegistrySecret> = Vec::new();
        for (opens, kept) in &self.settings.image.registry_secrets {
            let secret = RegistrySecret { opens: opens.clone(), kept: kept.clone() };
            let key = ["registry_secrets", &opens.to_string()];
            if kept.looks_like_a_token() {
                // A terminal and a log may show what is found.
                return Err(self.part_fault("image", &key, "must name a secret, and looks like one itself"));
            }
            let variable = secret.variable();
            if let Some(same) = secrets.iter().find(|other| other.variable() == variable) {
                let rule =
                    format!("must not stand beside `{}`: a build knows both by `{variable}`", same.opens);
                return Err(self.part_fault("image", &key, &rule));
            }
            secrets.push(secret);
        }
        Ok(secrets)
    }

    fn check_size(&self, cpu: u32, memory: u32) -> Result<(), Diagnostic> {
        let list = |values: &[u32]| values.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        let Some(memories) = fargate_memories(cpu) else {
            let rule = format!("must be one of Fargate's sizes {}, found `{cpu}`", list(&FARGATE_CPU));
            return Err(self.app_fault(&["cpu"], &rule));
        };
        if memories.contains(&memory) {
            return Ok(());
        }
        let rule = format!("must, with cpu {cpu}, be one of {}, found `{memory}`", list(&memories));
        Err(self.app_fault(&["memory"], &rule))
    }

    /// An error about a key of `app`, at the override if there is one, else in the common part.
    fn app_fault(&self, keys: &[&str], rule: &str) -> Diagnostic {
        self.part_fault("app", keys, rule)
    }

    /// The same about a key of a part that an environment may override.
    fn part_fault(&self, part: &str, keys: &[&str], rule: &str) -> Diagnostic {
        let own = [&["environments", self.name.as_ref(), part], keys].concat();
        let common = [&[part], keys].concat();
        let path: &[&str] = if self.document.root.find(&own).is_some() { &own } else { &common };
        at(self.document, path, format!("`{}` {rule}", path.join(".")))
    }
}

fn source(source: SourceSettings) -> Source {
    let text = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());
    Source {
        repository: text(source.repository.map(|id| id.to_string()), ""),
        branch: text(source.branch.map(|branch| branch.to_string()), "main"),
        connection_arn: source.connection_arn.map(|arn| arn.to_string()),
    }
}

/// The CPU sizes of Fargate tasks, in CPU units.
const FARGATE_CPU: [u32; 7] = [256, 512, 1024, 2048, 4096, 8192, 16_384];

/// The memory sizes that Fargate offers with a CPU size, in MiB (AWS: task definition parameters, task size).
fn fargate_memories(cpu: u32) -> Option<Vec<u32>> {
    let (gibibytes, step) = match cpu {
        256 => return Some(vec![512, 1024, 2048]),
        512 => (1..=4, 1),
        1024 => (2..=8, 1),
        2048 => (4..=16, 1),
        4096 => (8..=30, 1),
        8192 => (16..=60, 4),
        16_384 => (32..=120, 8),
        _ => return None,
    };
    Some(gibibytes.step_by(step).map(|gibibyte: u32| gibibyte * 1024).collect())
}
