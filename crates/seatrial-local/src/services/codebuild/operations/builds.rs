//! Builds: start, stop, describe, list.

use serde::{Deserialize, Serialize};

use super::super::engine::Builds;
use super::super::store::{
    Artifacts, Build, BuildRecord, Cache, CloudWatchLogs, CodeBuild, LogsConfig, LogsLocation, PipelineJob,
    Project, Source, Variable,
};
use super::projects::{name_of, no_project, project_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// `StartBuild`.
#[derive(Deserialize, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct StartBuild {
    pub project_name: String,
    pub source_version: Option<String>,
    pub source_type_override: Option<String>,
    pub source_location_override: Option<String>,
    pub buildspec_override: Option<String>,
    pub artifacts_override: Option<Artifacts>,
    pub secondary_artifacts_override: Option<Vec<Artifacts>>,
    pub environment_variables_override: Vec<Variable>,
    pub environment_type_override: Option<String>,
    pub image_override: Option<String>,
    pub compute_type_override: Option<String>,
    pub privileged_mode_override: Option<bool>,
    pub service_role_override: Option<String>,
    pub cache_override: Option<Cache>,
    pub logs_config_override: Option<LogsConfig>,
    pub timeout_in_minutes_override: Option<u64>,
    pub queued_timeout_in_minutes_override: Option<u64>,
    /// The same token within five minutes answers the same build.
    pub idempotency_token: Option<String>,
    /// Set by CodePipeline only.
    #[serde(skip)]
    pub job: Option<PipelineJob>,
}

#[derive(Serialize)]
pub(crate) struct BuildOutput {
    pub build: Build,
}

impl Operation for StartBuild {
    type Output = BuildOutput;
    const SERVICE: &'static str = "codebuild";
    const NAME: &'static str = "StartBuild";

    fn resource(&self, cloud: &Cloud) -> String {
        project_arn(cloud, name_of(&self.project_name))
    }

    async fn handle(self, call: &Call) -> Result<BuildOutput, ServiceError> {
        let part = call.cloud.part::<CodeBuild>();
        let name = name_of(&self.project_name);
        let project = part.projects.get(name).ok_or_else(|| no_project(&call.cloud, name))?;
        if let Some(token) = &self.idempotency_token {
            let same = |record: &BuildRecord| record.idempotency_token.as_ref() == Some(token);
            if let Some(found) = part.builds.find(same) {
                return Ok(BuildOutput { build: found.build });
            }
        }
        let record = self.record(call, project)?;
        part.builds.put(&record.build.id, &record)?;
        call.cloud.start::<Builds>(&record.build.id);
        Ok(BuildOutput { build: record.build })
    }
}

impl StartBuild {
    fn record(self, call: &Call, project: Project) -> Result<BuildRecord, ServiceError> {
        let source = self.source(&project);
        if source.kind == "CODEPIPELINE" && self.job.is_none() {
            let message = "Build cannot be started: a source of type CODEPIPELINE is given by a pipeline only; \
                           override the source";
            return Err(ServiceError::new("InvalidInputException", message));
        }
        let cloud = &call.cloud;
        let uuid = crate::id::uuid();
        let id = format!("{}:{uuid}", project.name);
        let mut environment = project.environment;
        environment.kind = self.environment_type_override.unwrap_or(environment.kind);
        environment.image = self.image_override.unwrap_or(environment.image);
        environment.compute_type = self.compute_type_override.unwrap_or(environment.compute_type);
        environment.privileged_mode = self.privileged_mode_override.unwrap_or(environment.privileged_mode);
        for variable in &self.environment_variables_override {
            environment.environment_variables.retain(|existing| existing.name != variable.name);
            environment.environment_variables.push(variable.clone());
        }
        let logs = self.logs_config_override.or(project.logs_config);
        let initiator = match &self.job {
            Some(job) => format!("codepipeline/{}", job.pipeline),
            None => initiator(&call.principal.arn),
        };
        let number = cloud.part::<CodeBuild>().builds.with_prefix(&format!("{}:", project.name)).len();
        let build = Build {
            arn: cloud.arn("codebuild", &format!("build/{id}")),
            build_number: number as u64 + 1,
            logs: logs_location(cloud, &project.name, &uuid, logs.as_ref()),
            id,
            project_name: project.name,
            start_time: cloud.clock().now(),
            end_time: None,
            current_phase: "SUBMITTED".to_owned(),
            build_status: "IN_PROGRESS".to_owned(),
            build_complete: false,
            source_version: self.source_version.or(project.source_version),
            resolved_source_version: None,
            phases: Vec::new(),
            source,
            artifacts: None,
            secondary_artifacts: Vec::new(),
            cache: self.cache_override.or(project.cache),
            environment,
            service_role: self.service_role_override.unwrap_or(project.service_role),
            timeout_in_minutes: self.timeout_in_minutes_override.unwrap_or(project.timeout_in_minutes),
            queued_timeout_in_minutes: self
                .queued_timeout_in_minutes_override
                .unwrap_or(project.queued_timeout_in_minutes),
            initiator,
            exported_environment_variables: Vec::new(),
        };
        Ok(BuildRecord {
            build,
            artifacts: self.artifacts_override.unwrap_or(project.artifacts),
            secondary_artifacts: self.secondary_artifacts_override.unwrap_or(project.secondary_artifacts),
            overrides: self.environment_variables_override,
            job: self.job,
            idempotency_token: self.idempotency_token,
            taken_up: false,
        })
    }

    fn source(&self, project: &Project) -> Source {
        Source {
            kind: self.source_type_override.clone().unwrap_or_else(|| project.source.kind.clone()),
            location: self.source_location_override.clone().or_else(|| project.source.location.clone()),
            buildspec: self.buildspec_override.clone().or_else(|| project.source.buildspec.clone()),
            source_identifier: None,
        }
    }
}

/// `ROLE/SESSION` of a role's session, the user's name otherwise.
fn initiator(arn: &str) -> String {
    arn.split_once(":assumed-role/")
        .or_else(|| arn.rsplit_once('/'))
        .map_or_else(|| arn.to_owned(), |(_, name)| name.to_owned())
}

fn logs_location(cloud: &Cloud, project: &str, uuid: &str, config: Option<&LogsConfig>) -> LogsLocation {
    let config = config.and_then(|config| config.cloud_watch_logs.clone());
    let config =
        config.unwrap_or_else(|| CloudWatchLogs { status: "ENABLED".to_owned(), ..Default::default() });
    if config.status != "ENABLED" {
        return LogsLocation { cloud_watch_logs: Some(config), ..Default::default() };
    }
    let group = config.group_name.clone().unwrap_or_else(|| format!("/aws/codebuild/{project}"));
    let stream = match &config.stream_name {
        Some(prefix) => format!("{prefix}/{uuid}"),
        None => uuid.to_owned(),
    };
    let region = cloud.region();
    LogsLocation {
        deep_link: Some(format!(
            "https://console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{}/log-events/{}",
            console_encoded(&group),
            console_encoded(&stream),
        )),
        cloud_watch_logs_arn: Some(cloud.arn("logs", &format!("log-group:{group}:log-stream:{stream}"))),
        group_name: Some(group),
        stream_name: Some(stream),
        cloud_watch_logs: Some(config),
    }
}

/// The console's links carry names percent-encoded twice, with `$` for the second `%`.
fn console_encoded(name: &str) -> String {
    name.replace('/', "$252F")
}

/// `StopBuild`: the build's processes are ended; one that has ended already stays as it is.
#[derive(Deserialize, Serialize)]
pub(crate) struct StopBuild {
    pub id: String,
}

impl Operation for StopBuild {
    type Output = BuildOutput;
    const SERVICE: &'static str = "codebuild";
    const NAME: &'static str = "StopBuild";

    fn resource(&self, cloud: &Cloud) -> String {
        project_of_build(cloud, &self.id)
    }

    async fn handle(self, call: &Call) -> Result<BuildOutput, ServiceError> {
        let part = call.cloud.part::<CodeBuild>();
        let id = id_of(&self.id);
        let Some(record) = part.builds.get(id) else {
            return Err(ServiceError::new(
                "ResourceNotFoundException",
                format!("Build cannot be found: {id}"),
            ));
        };
        if !record.build.ended() {
            part.stopper(id).cancel();
            call.cloud.start::<Builds>(id);
        }
        Ok(BuildOutput { build: record.build })
    }
}

/// `BatchGetBuilds`, by ids or ARNs.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct BatchGetBuilds {
    pub ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchGetBuildsOutput {
    pub builds: Vec<Build>,
    pub builds_not_found: Vec<String>,
}

impl Operation for BatchGetBuilds {
    type Output = BatchGetBuildsOutput;
    const SERVICE: &'static str = "codebuild";
    const NAME: &'static str = "BatchGetBuilds";

    fn resource(&self, cloud: &Cloud) -> String {
        self.ids.first().map_or_else(|| "*".to_owned(), |id| project_of_build(cloud, id))
    }

    async fn handle(self, call: &Call) -> Result<BatchGetBuildsOutput, ServiceError> {
        let part = call.cloud.part::<CodeBuild>();
        let (mut builds, mut builds_not_found) = (Vec::new(), Vec::new());
        for id in self.ids {
            match part.builds.get(id_of(&id)) {
                Some(record) => builds.push(record.build),
                None => builds_not_found.push(id),
            }
        }
        Ok(BatchGetBuildsOutput { builds, builds_not_found })
    }
}

/// `ListBuildsForProject`: newest first unless `sortOrder` is ASCENDING.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListBuildsForProject {
    pub project_name: String,
    pub sort_order: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct ListBuildsOutput {
    pub ids: Vec<String>,
}

impl Operation for ListBuildsForProject {
    type Output = ListBuildsOutput;
    const SERVICE: &'static str = "codebuild";
    const NAME: &'static str = "ListBuildsForProject";

    fn resource(&self, cloud: &Cloud) -> String {
        project_arn(cloud, &self.project_name)
    }

    async fn handle(self, call: &Call) -> Result<ListBuildsOutput, ServiceError> {
        let part = call.cloud.part::<CodeBuild>();
        if !part.projects.contains(&self.project_name) {
            return Err(no_project(&call.cloud, &self.project_name));
        }
        let mut builds = part.builds.with_prefix(&format!("{}:", self.project_name));
        builds.sort_by_key(|(_, record)| record.build.build_number);
        let mut ids: Vec<_> = builds.into_iter().map(|(id, _)| id).collect();
        if self.sort_order.as_deref() != Some("ASCENDING") {
            ids.reverse();
        }
        Ok(ListBuildsOutput { ids })
    }
}

/// The id in a build's id or ARN.
fn id_of(id_or_arn: &str) -> &str {
    id_or_arn.rsplit_once(":build/").map_or(id_or_arn, |(_, id)| id)
}

fn project_of_build(cloud: &Cloud, id: &str) -> String {
    let id = id_of(id);
    project_arn(cloud, id.split_once(':').map_or(id, |(project, _)| project))
}
