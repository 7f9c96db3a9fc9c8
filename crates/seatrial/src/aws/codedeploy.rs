//! CodeDeploy: a deployment, its lifecycle events and its traffic.

use aws_sdk_codedeploy::types as sdk;

use jiff::Timestamp;
use seatrial_project::app_spec::deployed_definition;

use super::Aws;
use super::error::{Attempt as _, AwsError};
use super::time::timestamp;

const SERVICE: &str = "CodeDeploy";

/// A deployment as GetDeployment answers it.
#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    pub id: String,
    pub status: String,
    /// `CODE: message` where it failed.
    pub error: Option<String>,
    /// The deployment that rolls this one back.
    pub rollback_id: Option<String>,
    /// When it ended, else when it began, else when it was created.
    pub time: Option<Timestamp>,
    pub events: Vec<LifecycleEvent>,
    pub traffic: Vec<TrafficShare>,
}

/// One lifecycle event of the deployment's target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LifecycleEvent {
    pub name: String,
    pub status: String,
    /// When it ended, else when it began.
    pub time: Option<Timestamp>,
    pub diagnostics: Option<String>,
}

/// A revision's share of the production traffic, here that of its task set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrafficShare {
    /// Of the task set, as `ecs-svc/ID`: its tasks say that it started them.
    pub id: String,
    /// Blue or Green.
    pub label: String,
    /// Percent.
    pub weight: f64,
    /// Running tasks.
    pub running: i64,
    /// Tasks that are being started.
    pub pending: i64,
    /// How many are to run.
    pub desired: i64,
}

impl Aws {
    /// A deployment, without what its target tells.
    pub(crate) async fn get_deployment(&self, id: &str) -> Result<Deployment, AwsError> {
        let answer = self.codedeploy().get_deployment().deployment_id(id).send().await;
        let attempt = || format!("get deployment `{id}`");
        let found = answer.attempt(SERVICE, attempt)?.deployment_info;
        let info = found.ok_or_else(|| AwsError::missing(attempt(), SERVICE))?;
        let error = info.error_information.map(|error| {
            let code = error.code.map(|code| code.as_str().to_owned()).unwrap_or_default();
            format!("{code}: {}", error.message.unwrap_or_default())
        });
        Ok(Deployment {
            id: id.to_owned(),
            status: info.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            error,
            rollback_id: info.rollback_info.and_then(|rollback| rollback.rollback_deployment_id),
            time: timestamp(info.complete_time.or(info.start_time).or(info.create_time)),
            events: Vec::new(),
            traffic: Vec::new(),
        })
    }

    /// Adds to a deployment what its target tells: lifecycle events and task sets.
    pub(crate) async fn read_target(
        &self,
        deployment: &mut Deployment,
        target: &str,
    ) -> Result<(), AwsError> {
        let id = &deployment.id;
        let request = self.codedeploy().batch_get_deployment_targets().deployment_id(id).target_ids(target);
        let answer = request.send().await;
        let answer = match answer.attempt(SERVICE, || format!("get the target of deployment `{id}`")) {
            Ok(answer) => answer,
            // It waits for its turn: it has no target yet.
            Err(error) if error.is("DeploymentNotStartedException") => return Ok(()),
            Err(error) => return Err(error),
        };
        let targets = answer.deployment_targets.unwrap_or_default();
        if let Some(target) = targets.into_iter().find_map(|target| target.ecs_target) {
            deployment.events = target.lifecycle_events.unwrap_or_default().into_iter().map(event).collect();
            deployment.traffic = target.task_sets_info.unwrap_or_default().into_iter().map(traffic).collect();
        }
        Ok(())
    }

    /// Ends a deployment and has its traffic put back. Whether there was one to end: it may have ended itself.
    pub(crate) async fn stop_deployment(&self, id: &str) -> Result<bool, AwsError> {
        let answer =
            self.codedeploy().stop_deployment().deployment_id(id).auto_rollback_enabled(true).send().await;
        match answer.attempt(SERVICE, || format!("stop deployment `{id}`")) {
            Ok(_) => Ok(true),
            Err(error) if error.is("DeploymentAlreadyCompletedException") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Has a deployment that is ready move traffic. Whether it still waited for that.
    pub(crate) async fn continue_deployment(&self, id: &str) -> Result<bool, AwsError> {
        let request = self.codedeploy().continue_deployment().deployment_id(id);
        let answer = request.deployment_wait_type(sdk::DeploymentWaitType::ReadyWait).send().await;
        match answer.attempt(SERVICE, || format!("continue deployment `{id}`")) {
            Ok(_) => Ok(true),
            Err(error)
                if error.is("DeploymentIsNotInReadyStateException")
                    || error.is("DeploymentAlreadyCompletedException") =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// What CodeDeploy knows of a deployment group; `None` without it.
    pub(super) async fn deployment_group(
        &self,
        application: &str,
        group: &str,
    ) -> Result<Option<sdk::DeploymentGroupInfo>, AwsError> {
        let request = self.codedeploy().get_deployment_group().application_name(application);
        let answer = request.deployment_group_name(group).send().await;
        match answer.attempt(SERVICE, || format!("get deployment group `{application}/{group}`")) {
            Ok(answer) => Ok(answer.deployment_group_info),
            Err(error)
                if error.is("ApplicationDoesNotExistException")
                    || error.is("DeploymentGroupDoesNotExistException") =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The revision of the task definition that the last successful deployment made live; `None` without one.
    pub(crate) async fn live_task_definition(
        &self,
        application: &str,
        group: &str,
    ) -> Result<Option<String>, AwsError> {
        let found = self.deployment_group(application, group).await?;
        let last = found.and_then(|group| group.last_successful_deployment?.deployment_id);
        let Some(id) = last else { return Ok(None) };
        let answer = self.codedeploy().get_deployment().deployment_id(&id).send().await;
        let info = answer.attempt(SERVICE, || format!("get deployment `{id}`"))?.deployment_info;
        let revision = info.and_then(|info| info.revision);
        let app_spec = revision.and_then(|revision| revision.app_spec_content?.content);
        Ok(app_spec.as_deref().and_then(deployed_definition))
    }

    /// The deployments of a deployment group that have not ended.
    pub(crate) async fn active_deployments(
        &self,
        application: &str,
        group: &str,
    ) -> Result<Vec<String>, AwsError> {
        use sdk::DeploymentStatus::{Baking, Created, InProgress, Queued, Ready};
        let request = self.codedeploy().list_deployments().application_name(application);
        let request = request.deployment_group_name(group);
        let request =
            request.set_include_only_statuses(Some(vec![Created, Queued, InProgress, Baking, Ready]));
        let mut pages = request.into_paginator().send();
        let mut active = Vec::new();
        while let Some(page) = pages.next().await {
            match page.attempt(SERVICE, || format!("list the deployments of `{application}/{group}`")) {
                Ok(page) => active.extend(page.deployments.unwrap_or_default()),
                Err(error)
                    if error.is("ApplicationDoesNotExistException")
                        || error.is("DeploymentGroupDoesNotExistException") =>
                {
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(active)
    }

    /// What whoever made a deployment said of it, and whether CodeDeploy made it, as the rollback of another.
    pub(crate) async fn origin_of(&self, id: &str) -> Result<(String, bool), AwsError> {
        let answer = self.codedeploy().get_deployment().deployment_id(id).send().await;
        let found = answer.attempt(SERVICE, || format!("get deployment `{id}`"))?.deployment_info;
        let info = found.ok_or_else(|| AwsError::missing(format!("get deployment `{id}`"), SERVICE))?;
        let is_rollback = info.creator == Some(sdk::DeploymentCreator::CodeDeployRollback);
        Ok((info.description.unwrap_or_default(), is_rollback))
    }

    /// The newest deployment of a deployment group: the first of the first page.
    pub(crate) async fn newest_deployment(
        &self,
        application: &str,
        group: &str,
    ) -> Result<Option<String>, AwsError> {
        Ok(self.list_deployments(application, group).await?.into_iter().next())
    }

    /// The last deployments of a deployment group, newest first: the first page of them.
    pub(crate) async fn list_deployments(
        &self,
        application: &str,
        group: &str,
    ) -> Result<Vec<String>, AwsError> {
        let answer = self
            .codedeploy()
            .list_deployments()
            .application_name(application)
            .deployment_group_name(group)
            .send()
            .await;
        match answer.attempt(SERVICE, || format!("list the deployments of `{application}/{group}`")) {
            Ok(answer) => Ok(answer.deployments.unwrap_or_default()),
            Err(error)
                if error.is("ApplicationDoesNotExistException")
                    || error.is("DeploymentGroupDoesNotExistException") =>
            {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }
}

fn event(event: sdk::LifecycleEvent) -> LifecycleEvent {
    LifecycleEvent {
        name: event.lifecycle_event_name.unwrap_or_default(),
        status: event.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        time: timestamp(event.end_time.or(event.start_time)),
        diagnostics: event.diagnostics.and_then(|d| d.message).filter(|message| !message.is_empty()),
    }
}

fn traffic(set: sdk::EcsTaskSet) -> TrafficShare {
    TrafficShare {
        id: set.identifer.unwrap_or_default(),
        label: set.task_set_label.map(|label| label.as_str().to_owned()).unwrap_or_default(),
        weight: set.traffic_weight,
        running: set.running_count,
        pending: set.pending_count,
        desired: set.desired_count,
    }
}
