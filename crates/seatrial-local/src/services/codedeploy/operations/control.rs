//! A running deployment stopped, or told to go on.

use serde::{Deserialize, Serialize};

use super::Empty;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codedeploy::deployment::{Phase, Row, Stop};
use crate::services::codedeploy::engine::Deployments;
use crate::services::codedeploy::store::{CodeDeploy, SERVICE, arn_of_deployment};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StopDeployment {
    pub deployment_id: String,
    /// Without it the group's configuration decides.
    #[serde(default)]
    pub auto_rollback_enabled: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StopDeploymentOutput {
    /// `Pending`: the deployment ends as Stopped a moment later.
    pub status: &'static str,
    pub status_message: &'static str,
}

impl Operation for StopDeployment {
    type Output = StopDeploymentOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "StopDeployment";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of_deployment(cloud, &self.deployment_id)
    }

    /// A rollback cannot be stopped, nor a deployment whose original task set is being ended: there is no way
    /// back then.
    async fn handle(self, call: &Call) -> Result<StopDeploymentOutput, ServiceError> {
        let id = &self.deployment_id;
        let store = call.cloud.part::<CodeDeploy>();
        store.deployment(id)?;
        store.deployments.try_update(id, |row| {
            if row.info.has_ended() || row.is_rollback() || row.is_past_return() {
                let message = format!("The deployment {id} is already completed");
                return Err(ServiceError::new("DeploymentAlreadyCompletedException", message));
            }
            let by_group = row.group.settings.rolls_back_on("DEPLOYMENT_STOP_ON_REQUEST");
            row.stop = Some(Stop { rolls_back: self.auto_rollback_enabled.unwrap_or(by_group) });
            Ok::<_, ServiceError>(())
        })?;
        call.cloud.start::<Deployments>(id);
        Ok(StopDeploymentOutput { status: "Pending", status_message: "Deployment is stopping" })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContinueDeployment {
    pub deployment_id: String,
    /// `READY_WAIT`, which is also the default, or `TERMINATION_WAIT`.
    #[serde(default)]
    pub deployment_wait_type: Option<String>,
}

impl Operation for ContinueDeployment {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ContinueDeployment";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of_deployment(cloud, &self.deployment_id)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let id = &self.deployment_id;
        let store = call.cloud.part::<CodeDeploy>();
        store.deployment(id)?;
        let waits = self.deployment_wait_type.as_deref().unwrap_or("READY_WAIT");
        store.deployments.try_update(id, |row: &mut Row| {
            if row.info.has_ended() {
                let message = format!("The deployment {id} is already completed");
                return Err(ServiceError::new("DeploymentAlreadyCompletedException", message));
            }
            match (waits, row.phase) {
                ("READY_WAIT", Phase::Ready) => row.go_on = true,
                ("TERMINATION_WAIT", Phase::Wait) => row.terminate_now = true,
                _ => {
                    let message = format!("The deployment {id} is not in the wait state {waits}");
                    return Err(ServiceError::new("DeploymentIsNotInReadyStateException", message));
                }
            }
            Ok(())
        })?;
        call.cloud.start::<Deployments>(id);
        Ok(Empty {})
    }
}
