//! What a task may do before it runs: the role that its agent has, and the way to what it fetches.

use std::time::Duration;

use super::failure::Failure;
use super::scheduler::scheduler;
use crate::cloud::Cloud;
use crate::principal::Principal;
use crate::services::ec2::CheckRoute;
use crate::services::ecs::definition::Content;
use crate::services::ecs::task::TaskRow;
use crate::services::sts::{self, Actor, RoleSession};

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

const AGENT: &str = "ecs-tasks.amazonaws.com";
/// Credentials of task roles last six hours, whatever the role's longest session
/// (awsdocs/amazon-ecs-developer-guide#173).
const LIFETIME: Duration = Duration::from_secs(6 * 3600);

/// The session of the task's own role, if it has one.
pub(super) async fn task_role(
    cloud: &Cloud,
    content: &Content,
    task_id: &str,
) -> Result<Option<RoleSession>, Failure> {
    let Some(role) = content.task_role_arn.as_deref().filter(|role| !role.is_empty()) else {
        return Ok(None);
    };
    let actor = Actor {
        service: AGENT,
        source_arn: source(cloud),
        role_arn: role.to_owned(),
        session: task_id.to_owned(),
        lifetime: LIFETIME,
    };
    RoleSession::open(cloud, actor).await.map(Some).map_err(|_| not_assumed(role))
}

/// Of its tasks ECS names the account and the Region alone (Amazon ECS task IAM role, "confused deputy").
fn source(cloud: &Cloud) -> String {
    cloud.arn("ecs", "*")
}

fn not_assumed(role: &str) -> Failure {
    Failure::of_task(format!(
        "ECS was unable to assume the role '{role}' that was provided for this task. Please verify that \
         the role being passed has the proper trust relationship and permissions and that your IAM user \
         has permissions to pass this role."
    ))
}

/// Who pulls, reads secrets and writes logs.
pub(super) async fn execution_role(
    cloud: &Cloud,
    content: &Content,
    task_id: &str,
) -> Result<Principal, Failure> {
    let Some(role) = content.execution_role_arn.as_deref() else {
        return Ok(Principal::service(AGENT, cloud.account()));
    };
    let session = sts::assume_role(cloud, (AGENT, Some(source(cloud))), role, task_id).await;
    session.map(|session| session.principal).map_err(|_| not_assumed(role))
}
