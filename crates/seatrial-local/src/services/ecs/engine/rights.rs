//! What a task may do before it runs: the role that its agent has, and the way to what it fetches.

use super::failure::Failure;
use super::scheduler::scheduler;
use crate::cloud::Cloud;
use crate::principal::Principal;
use crate::services::ec2::CheckRoute;
use crate::services::ecs::definition::Content;
use crate::services::ecs::task::TaskRow;
use crate::services::sts;

/// A task reaches registry and secrets only if its subnet has a way there.
pub(super) async fn check_route(cloud: &Cloud, row: &TaskRow) -> Result<(), Failure> {
    let network = row.network.as_ref().map(|network| &network.awsvpc_configuration);
    let Some((network, subnet)) = network.and_then(|network| Some((network, network.subnets.first()?)))
    else {
        return Ok(());
    };
    let input = CheckRoute {
        subnet_id: subnet.clone(),
        has_public_ip: network.assign_public_ip.as_deref() == Some("ENABLED"),
        security_groups: network.security_groups.clone(),
    };
    let asked = cloud.call(&scheduler(cloud), input).await;
    let verdict = asked.map_err(|error| Failure::initialization(&error.message))?;
    if verdict.allowed {
        return Ok(());
    }
    Err(Failure::initialization(&format!(
        "unable to pull secrets or registry auth: The task cannot pull registry auth from Amazon ECR: There is \
         a connection issue between the task and Amazon ECR. Check your task network configuration: {}",
        verdict.reason
    )))
}

/// Who pulls, reads secrets and writes logs.
pub(super) async fn execution_role(
    cloud: &Cloud,
    content: &Content,
    task_id: &str,
) -> Result<Principal, Failure> {
    const AGENT: &str = "ecs-tasks.amazonaws.com";
    let Some(role) = content.execution_role_arn.as_deref() else {
        return Ok(Principal::service(AGENT, cloud.account()));
    };
    // Of its tasks ECS names the account and the Region alone (Amazon ECS task IAM role, "confused deputy").
    match sts::assume_role(cloud, (AGENT, Some(cloud.arn("ecs", "*"))), role, task_id).await {
        Ok(session) => Ok(session.principal),
        Err(_) => Err(Failure::of_task(format!(
            "ECS was unable to assume the role '{role}' that was provided for this task. Please verify that \
             the role being passed has the proper trust relationship and permissions and that your IAM user \
             has permissions to pass this role."
        ))),
    }
}
