//! The deployment that is checked: found by its image, followed until it is ready, continued or stopped.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::error::ProvideErrorMetadata as _;
use aws_sdk_codedeploy::types::{DeploymentInfo, DeploymentStatus, DeploymentWaitType};
use tokio::time::Instant;

use crate::error::ImageError;
use crate::report::Report;

/// The deploy action starts beside the one that checks; it registers the task definition first. What has not begun by
/// then never will.
const BEGUN: Duration = Duration::from_secs(600);

/// A deployment group.
#[derive(Debug, Clone)]
pub struct Group {
    pub application: String,
    pub name: String,
}

/// Who is called.
pub struct Deployer {
    pub codedeploy: Client,
    pub ecs: aws_sdk_ecs::Client,
}

impl Deployer {
    /// Waits until the group's deployment of `image` is ready to move traffic; its id.
    pub(super) async fn ready(
        &self,
        group: &Group,
        image: &str,
        (patience, every): (Duration, Duration),
        report: Report<'_>,
    ) -> Result<String, ImageError> {
        let action = || format!("find a deployment of {image} in group {}", group.name);
        let began = Instant::now();
        let mut images = HashMap::new();
        let id = loop {
            if let Some(id) = self.find(group, image, &mut images).await? {
                break id;
            }
            if began.elapsed() > BEGUN.min(patience) {
                return Err(ImageError::failed(action(), "none began"));
            }
            tokio::time::sleep(every).await;
        };
        report(&format!("deployment {id}: waiting until its tasks are ready"));
        loop {
            let status = self.get(&id).await?.and_then(|info| info.status);
            match status {
                Some(DeploymentStatus::Ready) => return Ok(id),
                Some(DeploymentStatus::Created | DeploymentStatus::Queued | DeploymentStatus::InProgress) => {
                }
                other => {
                    let status = other.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
                    let why = format!("deployment {id} is {status} before anybody checked it");
                    return Err(ImageError::failed("check the deployment", why));
                }
            }
            if began.elapsed() > patience {
                let why = format!("deployment {id} was not ready within {} minutes", patience.as_secs() / 60);
                return Err(ImageError::failed("check the deployment", why));
            }
            tokio::time::sleep(every).await;
        }
    }

    /// The deployment of the group that is active and whose task definition has the image. `images` keeps what was
    /// looked up: neither deployments nor revisions change.
    async fn find(
        &self,
        group: &Group,
        image: &str,
        images: &mut HashMap<String, Vec<String>>,
    ) -> Result<Option<String>, ImageError> {
        let mut pages = self
            .codedeploy
            .list_deployments()
            .application_name(&group.application)
            .deployment_group_name(&group.name)
            .include_only_statuses(DeploymentStatus::Created)
            .include_only_statuses(DeploymentStatus::Queued)
            .include_only_statuses(DeploymentStatus::InProgress)
            .include_only_statuses(DeploymentStatus::Ready)
            .into_paginator()
            .items()
            .send();
        while let Some(id) = pages.next().await {
            let id = id.map_err(|error| ImageError::of_call("list deployments", error))?;
            if !images.contains_key(&id) {
                let found = self.images(&id).await?;
                images.insert(id.clone(), found);
            }
            if images[&id].iter().any(|found| found == image) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The images of the task definition that a deployment's AppSpec names.
    async fn images(&self, id: &str) -> Result<Vec<String>, ImageError> {
        let revision = self.get(id).await?.and_then(|info| info.revision);
        let content = revision.and_then(|revision| revision.app_spec_content?.content).unwrap_or_default();
        let Some(definition) = seatrial_project::app_spec::deployed_definition(&content) else {
            return Ok(Vec::new());
        };
        let answer = self.ecs.describe_task_definition().task_definition(&definition).send().await;
        let answer = answer
            .map_err(|error| ImageError::of_call(format!("describe task definition {definition}"), error))?;
        let containers = answer.task_definition.and_then(|it| it.container_definitions).unwrap_or_default();
        Ok(containers.into_iter().filter_map(|container| container.image).collect())
    }

    async fn get(&self, id: &str) -> Result<Option<DeploymentInfo>, ImageError> {
        let answer = self.codedeploy.get_deployment().deployment_id(id).send().await;
        Ok(answer
            .map_err(|error| ImageError::of_call(format!("get deployment {id}"), error))?
            .deployment_info)
    }

    /// Lets traffic move.
    pub(super) async fn go_on(&self, id: &str) -> Result<(), ImageError> {
        let request = self.codedeploy.continue_deployment().deployment_id(id);
        let answer = request.deployment_wait_type(DeploymentWaitType::ReadyWait).send().await;
        answer.map(drop).map_err(|error| ImageError::of_call(format!("continue deployment {id}"), error))
    }

    /// Stops it, with its rollback. One that has ended by itself is stopped.
    pub(super) async fn stop(&self, id: &str) -> Result<(), ImageError> {
        let request = self.codedeploy.stop_deployment().deployment_id(id);
        match request.auto_rollback_enabled(true).send().await {
            Err(error) if error.code() == Some("DeploymentAlreadyCompletedException") => Ok(()),
            answer => {
                answer.map(drop).map_err(|error| ImageError::of_call(format!("stop deployment {id}"), error))
            }
        }
    }
}
