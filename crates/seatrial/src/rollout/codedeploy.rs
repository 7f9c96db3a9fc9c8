//! Blue/green by CodeDeploy: it starts a replacement task set, moves the listener's weights, ends the original.

use super::traffic::weights_of;
use super::{Rollout, RolloutId, RolloutStep, Strategy, Weight};
use crate::aws::status::{deployment_begun, deployment_progress, lifecycle_progress};
use crate::aws::{Aws, AwsError, Deployment, LifecycleEvent};

/// The deployment group, and the listener whose weights it moves.
pub(crate) struct CodeDeploy<'a> {
    pub aws: &'a Aws,
    pub application: &'a str,
    pub deployment_group: &'a str,
    pub cluster: &'a str,
    pub service: &'a str,
    /// ARN of the production listener.
    pub listener: &'a str,
    /// ARN of the listener that shows the replacement tasks first, where there is one.
    pub test_listener: Option<&'a str>,
    /// ARNs of the target groups blue and green.
    pub groups: [&'a str; 2],
}

impl Strategy for CodeDeploy<'_> {
    const PROVIDER: &'static str = "CodeDeployToECS";

    async fn look(&self, id: &RolloutId) -> Result<Rollout, AwsError> {
        let mut deployment = self.aws.get_deployment(&id.0).await?;
        if deployment_begun(&deployment.status) {
            // The target's id is the pair of cluster and service (CodeDeploy API, BatchGetDeploymentTargets).
            let target = format!("{}:{}", self.cluster, self.service);
            self.aws.read_target(&mut deployment, &target).await?;
        }
        Ok(rollout(deployment))
    }

    async fn stop(&self, id: &RolloutId) -> Result<bool, AwsError> {
        self.aws.stop_deployment(&id.0).await
    }

    async fn go_on(&self, id: &RolloutId) -> Result<bool, AwsError> {
        self.aws.continue_deployment(&id.0).await
    }

    async fn preview(&self) -> Result<Option<String>, AwsError> {
        match self.test_listener {
            Some(listener) => self.aws.listener_url(listener).await,
            None => Ok(None),
        }
    }

    async fn newest(&self) -> Result<Option<RolloutId>, AwsError> {
        let newest = self.aws.newest_deployment(self.application, self.deployment_group).await?;
        Ok(newest.map(RolloutId))
    }

    async fn weights(&self) -> Result<Vec<Weight>, AwsError> {
        weights_of(self.aws, self.listener, self.groups).await
    }
}

fn rollout(deployment: Deployment) -> Rollout {
    Rollout {
        id: RolloutId(deployment.id),
        progress: deployment_progress(&deployment.status),
        status: deployment.status,
        time: deployment.time,
        error: deployment.error,
        rolled_back_by: deployment.rollback_id.map(RolloutId),
        steps: deployment.events.into_iter().map(step).collect(),
        traffic: deployment.traffic,
    }
}

fn step(event: LifecycleEvent) -> RolloutStep {
    let LifecycleEvent { name, status, time, diagnostics } = event;
    RolloutStep { progress: lifecycle_progress(&status), name, status, time, diagnostics }
}
