//! CodeDeploy: what was deployed earlier, and deploying it again.

use std::cmp::Reverse;

use aws_sdk_codedeploy::types as sdk;
use jiff::Timestamp;
use seatrial_project::app_spec::deployed_definition;

use super::Aws;
use super::error::{Attempt as _, AwsError};
use super::time::timestamp;

const SERVICE: &str = "CodeDeploy";
/// So many deployments are described at once, and so many are looked back at.
const AT_ONCE: usize = 25;

/// A deployment that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EarlierDeployment {
    pub id: String,
    /// When it ended.
    pub time: Option<Timestamp>,
    /// The ARN of its revision of the task definition.
    pub task_definition: String,
    /// The AppSpec, as it was given.
    pub app_spec: String,
}

impl Aws {
    /// The last deployments of a group that succeeded, newest first; those whose AppSpec AWS does not tell any more are
    /// left out.
    pub(crate) async fn earlier_deployments(
        &self,
        application: &str,
        group: &str,
    ) -> Result<Vec<EarlierDeployment>, AwsError> {
        let request = self.codedeploy().list_deployments().application_name(application);
        let request =
            request.deployment_group_name(group).include_only_statuses(sdk::DeploymentStatus::Succeeded);
        let attempt = || format!("list the deployments of `{application}/{group}`");
        let mut ids = request.send().await.attempt(SERVICE, attempt)?.deployments.unwrap_or_default();
        ids.truncate(AT_ONCE);
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.codedeploy().batch_get_deployments().set_deployment_ids(Some(ids)).send().await;
        let found = answer.attempt(SERVICE, attempt)?.deployments_info.unwrap_or_default();
        let mut earlier: Vec<EarlierDeployment> = found.into_iter().filter_map(deployment).collect();
        earlier.sort_by_key(|deployment| Reverse(deployment.time));
        Ok(earlier)
    }

    /// Deploys what an AppSpec names; the deployment's id.
    pub(crate) async fn create_deployment(
        &self,
        (application, group): (&str, &str),
        app_spec: &str,
        description: &str,
    ) -> Result<String, AwsError> {
        let content = sdk::AppSpecContent::builder().content(app_spec).build();
        let revision = sdk::RevisionLocation::builder()
            .revision_type(sdk::RevisionLocationType::AppSpecContent)
            .app_spec_content(content)
            .build();
        let request = self.codedeploy().create_deployment().application_name(application);
        let request = request.deployment_group_name(group).revision(revision).description(description);
        let attempt = || format!("create a deployment of `{application}/{group}`");
        let answer = request.send().await.attempt(SERVICE, attempt)?;
        answer.deployment_id.ok_or_else(|| AwsError::missing(attempt(), SERVICE))
    }
}

fn deployment(info: sdk::DeploymentInfo) -> Option<EarlierDeployment> {
    let app_spec = info.revision?.app_spec_content?.content?;
    Some(EarlierDeployment {
        id: info.deployment_id?,
        time: timestamp(info.complete_time.or(info.create_time)),
        task_definition: deployed_definition(&app_spec)?,
        app_spec,
    })
}
