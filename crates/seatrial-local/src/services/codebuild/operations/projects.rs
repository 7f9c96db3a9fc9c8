//! Projects: make, change, delete, describe, list.

use serde::{Deserialize, Serialize};

use super::super::store::{Artifacts, Cache, CodeBuild, Environment, LogsConfig, Project, Source, Tag};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// Defaults of AWS's model: a build may take an hour, and may wait eight hours for its start.
const TIMEOUT_MINUTES: u64 = 60;
const QUEUED_TIMEOUT_MINUTES: u64 = 480;

/// `CreateProject`.
#[derive(Deserialize, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateProject {
    pub name: String,
    pub description: Option<String>,
    pub source: Source,
    #[serde(default)]
    pub secondary_sources: Vec<Source>,
    pub source_version: Option<String>,
    pub artifacts: Artifacts,
    #[serde(default)]
    pub secondary_artifacts: Vec<Artifacts>,
    pub cache: Option<Cache>,
    pub environment: Environment,
    pub service_role: String,
    pub timeout_in_minutes: Option<u64>,
    pub queued_timeout_in_minutes: Option<u64>,
    pub encryption_key: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
    pub logs_config: Option<LogsConfig>,
    pub concurrent_build_limit: Option<u64>,
}

#[derive(Serialize)]
pub(crate) struct ProjectOutput {
    pub project: Project,
}

impl Operation for CreateProject {
    type Output = ProjectOutput;
    const SERVICE: &'static str = "codebuild";
    const NAME: &'static str = "CreateProject";

    fn resource(&self, cloud: &Cloud) -> String {
        project_arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<ProjectOutput, ServiceError> {
        check_name(&self.name)?;
        check_role(&self.service_role)?;
        let now = call.cloud.clock().now();
        let project = Project {
            arn: project_arn(&call.cloud, &self.name),
            name: self.name,
            description: self.description,
            source: self.source,
            source_version: self.source_version,
            secondary_sources: self.secondary_sources,
            artifacts: self.artifacts,
            secondary_artifacts: self.secondary_artifacts,
            cache: self.cache,
            environment: self.environment,
            service_role: self.service_role,
            timeout_in_minutes: self.timeout_in_minutes.unwrap_or(TIMEOUT_MINUTES),
            queued_timeout_in_minutes: self.queued_timeout_in_minutes.unwrap_or(QUEUED_TIMEOUT_MINUTES),
            encryption_key: self.encryption_key,
            tags: self.tags,
            created: now,
            last_modified: now,
            logs_config: self.logs_config,
            concurrent_build_limit: self.concurrent_build_limit,
        };
        if !call.cloud.part::<CodeBuild>().projects.insert_new(&project.name, &project)? {
            let message = format!("Project already exists: {}", project.arn);
            return Err(ServiceError::new("ResourceAlreadyExistsException", message));
        }
        Ok(ProjectOutput { project })
    }
}

/// `UpdateProject`: members that are absent stay as they are.
#[derive(Deserialize, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateProject {
    pub name: String,
    pub description: Option<String>,
    pub source: Option<Source>,
    pub secondary_sources: Option<Vec<Source>>,
    pub source_version: Option<String>,
    pub artifacts: Option<Artifacts>,
    pub secondary_artifacts: Option<Vec<Artifacts>>,
    pub cache: Option<Cache>,
    pub environment: Option<Environment>,
    pub service_role: Option<String>,
    pub timeout_in_minutes: Option<u64>,
    pub queued_timeout_in_minutes: Option<u64>,
    pub encryption_key: Option<String>,
    pub tags: Option<Vec<Tag>>,
    pub logs_config: Option<LogsConfig>,
    /// -1 takes the limit away.
    pub concurrent_build_limit: Option<i64>,
}

impl UpdateProject {
    fn apply(self, project: &mut Project) {
        fn set<T>(member: &mut T, new: Option<T>) {
            if let Some(new) = new {
                *member = new;
            }
        }
        set(&mut project.source, self.source);
        set(&mut project.secondary_sources, self.secondary_sources);
        set(&mut project.artifacts, self.artifacts);
        set(&mut project.secondary_artifacts, self.secondary_artifacts);
        set(&mut project.environment, self.environment);
        set(&mut project.service_role, self.service_role);
        set(&mut project.timeout_in_minutes, self.timeout_in_minutes);
        set(&mut project.queued_timeout_in_minutes, self.queued_timeout_in_minutes);
        set(&mut project.tags, self.tags);
        set(&mut project.description, self.description.map(Some));
        set(&mut project.source_version, self.source_version.map(Some));
        set(&mut project.cache, self.cache.map(Some));
        set(&mut project.encryption_key, self.encryption_key.map(Some));
        set(&mut project.logs_config, self.logs_config.map(Some));
        set(
            &mut project.concurrent_build_limit,
            self.concurrent_build_limit.map(|limit| u64::try_from(limit).ok()),
        );
    }
}

impl Operation for UpdateProject {
    type Output = ProjectOutput;
    const SERVICE: &'static str = "codebuild";
    const NAME: &'static str = "UpdateProject";

    fn resource(&self, cloud: &Cloud) -> String {
        project_arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<ProjectOutput, ServiceError> {
        if let Some(role) = &self.service_role {
            check_role(role)?;
        }
        let (name, now) = (self.name.clone(), call.cloud.clock().now());
        let updated = call.cloud.part::<CodeBuild>().projects.update(&name, |project| {
            self.apply(project);
            project.last_modified = now;
            project.clone()
        })?;
        Ok(ProjectOutput { project: updated.ok_or_else(|| no_project(&call.cloud, &name))? })
    }
}

/// `DeleteProject`: its builds go too; one that is not there counts as deleted.
#[derive(Deserialize, Serialize)]
pub(crate) struct DeleteProject {
    pub name: String,
}

#[derive(Serialize)]
pub(crate) struct DeleteProjectOutput {}

impl Operation for DeleteProject {
    type Output = DeleteProjectOutput;
    const SERVICE: &'static str = "codebuild";
    const NAME: &'static str = "DeleteProject";

    fn resource(&self, cloud: &Cloud) -> String {
        project_arn(cloud, &self.name)
    }

    async fn handle(self, call: &Call) -> Result<DeleteProjectOutput, ServiceError> {
        let part = call.cloud.part::<CodeBuild>();
        part.projects.remove(&self.name)?;
        for (id, record) in part.builds.with_prefix(&format!("{}:", self.name)) {
            if record.build.ended() {
                part.builds.remove(&id)?;
            }
        }
        Ok(DeleteProjectOutput {})
    }
}

/// `BatchGetProjects`, by names or ARNs.
#[derive(Deserialize, Serialize)]
pub(crate) struct BatchGetProjects {
    pub names: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchGetProjectsOutput {
    pub projects: Vec<Project>,
    pub projects_not_found: Vec<String>,
}

impl Operation for BatchGetProjects {
    type Output = BatchGetProjectsOutput;
    const SERVICE: &'static str = "codebuild";
    const NAME: &'static str = "BatchGetProjects";

    fn resource(&self, cloud: &Cloud) -> String {
        self.names.first().map_or_else(|| "*".to_owned(), |name| project_arn(cloud, name_of(name)))
    }

    async fn handle(self, call: &Call) -> Result<BatchGetProjectsOutput, ServiceError> {
        let part = call.cloud.part::<CodeBuild>();
        let (mut projects, mut projects_not_found) = (Vec::new(), Vec::new());
        for name in self.names {
            match part.projects.get(name_of(&name)) {
                Some(project) => projects.push(project),
                None => projects_not_found.push(name),
            }
        }
        Ok(BatchGetProjectsOutput { projects, projects_not_found })
    }
}

/// `ListProjects`, by name.
#[derive(Deserialize, Serialize)]
pub(crate) struct ListProjects {}

#[derive(Serialize)]
pub(crate) struct ListProjectsOutput {
    pub projects: Vec<String>,
}

impl Operation for ListProjects {
    type Output = ListProjectsOutput;
    const SERVICE: &'static str = "codebuild";
    const NAME: &'static str = "ListProjects";

    async fn handle(self, call: &Call) -> Result<ListProjectsOutput, ServiceError> {
        let projects = call.cloud.part::<CodeBuild>().projects.values();
        Ok(ListProjectsOutput { projects: projects.into_iter().map(|project| project.name).collect() })
    }
}

/// The name in a project's name or ARN.
pub(super) fn name_of(name_or_arn: &str) -> &str {
    name_or_arn.rsplit_once(":project/").map_or(name_or_arn, |(_, name)| name)
}

pub(super) fn project_arn(cloud: &Cloud, name: &str) -> String {
    cloud.arn("codebuild", &format!("project/{name}"))
}

pub(super) fn no_project(cloud: &Cloud, name: &str) -> ServiceError {
    let message = format!("Project cannot be found: {}", project_arn(cloud, name));
    ServiceError::new("ResourceNotFoundException", message)
}

/// The model's pattern `[A-Za-z0-9][A-Za-z0-9\-_]{1,254}`.
fn check_name(name: &str) -> Result<(), ServiceError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (2..=255).contains(&name.len())
        && name.chars().all(fits)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
    {
        return Ok(());
    }
    Err(ServiceError::new("InvalidInputException", format!("Invalid project name: {name}")))
}

/// CodeBuild wants the ARN: the name that `!Ref` of a role answers is refused.
fn check_role(role: &str) -> Result<(), ServiceError> {
    if role.starts_with("arn:") && role.contains(":role/") {
        return Ok(());
    }
    let message = "Invalid service role: Service role account ID does not match caller's account";
    Err(ServiceError::new("InvalidInputException", message))
}
