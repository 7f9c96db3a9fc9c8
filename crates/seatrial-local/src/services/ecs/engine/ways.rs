//! The ways out of a task's network: the cloud's own endpoint, the credentials of its role, and the databases that
//! security groups let it reach.
//!
//! They are those of the moment in which the task starts.

use std::future::IntoFuture as _;
use std::net::SocketAddrV4;

use tokio_util::task::AbortOnDropHandle;

use super::scheduler::scheduler;
use crate::cloud::Cloud;
use crate::runtime::sandbox::{Range, Relay, Sandbox, Silence, relay};
use crate::services::ec2::{CheckEgress, CheckTraffic, EgressRange, Peer};
use crate::services::ecs::task::TaskRow;
use crate::services::rds::{DbInstance, DescribeDbInstances};
use crate::services::sts::{self, RoleSession};

/// The port that security groups know of a database, which here listens on another one.
const POSTGRES: u16 = 5432;

/// The ways of one task; closed when this is dropped.
pub(super) struct Ways {
    open: Vec<Relay>,
    closed: Vec<Silence>,
    credentials: Option<AbortOnDropHandle<()>>,
}

/// Opens the ways of a task, whose own role has that session. The error says what has failed.
pub(super) async fn open(
    cloud: &Cloud,
    row: &TaskRow,
    (sandbox, role): (&Sandbox, Option<&RoleSession>),
) -> Result<Ways, String> {
    let mut ways = Ways { open: Vec::new(), closed: Vec::new(), credentials: None };
    let failed = |address: SocketAddrV4| move |error| format!("no way to {address}: {error}");
    if let Ok(endpoint) = cloud.registry().parse() {
        ways.open.push(relay(sandbox, endpoint).await.map_err(failed(endpoint))?);
    }
    limit(cloud, row, sandbox).await?;
    if let Some(role) = role {
        let listener = sandbox.listen(sts::CREDENTIALS).await.map_err(failed(sts::CREDENTIALS))?;
        let served = axum::serve(listener, role.router()).into_future();
        ways.credentials = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::error!(%error, "a task's credentials are not served any more");
            }
        })));
    }
    let input = DescribeDbInstances::default();
    let found = cloud.call(&scheduler(cloud), input).await.map_err(|error| error.message)?;
    for instance in &found.instances {
        let Some(address) = address_of(instance) else { continue };
        if reaches(cloud, row, instance).await {
            ways.open.push(relay(sandbox, address).await.map_err(failed(address))?);
        } else {
            // Security groups drop packets: who connects waits until its own patience ends.
            ways.closed.push(sandbox.silence(address).await.map_err(failed(address))?);
        }
    }
    Ok(ways)
}

/// Has the task wait for what its groups do not let out. What they do let out is nowhere here: that it hears at once.
async fn limit(cloud: &Cloud, row: &TaskRow, sandbox: &Sandbox) -> Result<(), String> {
    let Some(network) = row.network.as_ref().map(|network| &network.awsvpc_configuration) else {
        return Ok(());
    };
    let question = CheckEgress {
        subnet_id: network.subnets.first().cloned().unwrap_or_default(),
        security_groups: network.security_groups.clone(),
    };
    let egress = cloud.call(&scheduler(cloud), question).await.map_err(|error| error.message)?;
    let range = |range: EgressRange| Range { address: range.address, bits: range.bits, ports: range.ports };
    let limited = sandbox.limit(egress.ranges.into_iter().map(range).collect()).await;
    limited.map_err(|error| format!("the task's network cannot be limited: {error}"))
}

fn address_of(instance: &DbInstance) -> Option<SocketAddrV4> {
    let endpoint = instance.endpoint.as_ref()?;
    Some(SocketAddrV4::new(endpoint.address.parse().ok()?, u16::try_from(endpoint.port).ok()?))
}

/// Whether both ends' groups let the task's connections through. A task without a network configuration has no groups
/// that could stop it.
async fn reaches(cloud: &Cloud, row: &TaskRow, instance: &DbInstance) -> bool {
    let Some(network) = row.network.as_ref().map(|network| &network.awsvpc_configuration) else {
        return true;
    };
    let subnets = instance.subnet_group.iter().flat_map(|group| &group.subnets);
    let groups = instance.vpc_security_groups.iter();
    let question = CheckTraffic {
        from: Peer::Interface {
            security_groups: network.security_groups.clone(),
            subnets: network.subnets.iter().take(1).cloned().collect(),
        },
        to: Peer::Interface {
            security_groups: groups.map(|group| group.vpc_security_group_id.clone()).collect(),
            subnets: subnets.map(|subnet| subnet.subnet_identifier.clone()).collect(),
        },
        port: POSTGRES,
    };
    match cloud.call(&scheduler(cloud), question).await {
        Ok(verdict) => {
            if !verdict.allowed {
                let task = row.task.id();
                tracing::warn!(
                    task,
                    database = instance.identifier,
                    reason = verdict.reason,
                    "cannot be reached"
                );
            }
            verdict.allowed
        }
        Err(error) => {
            tracing::warn!(database = instance.identifier, %error, "EC2 does not know the way");
            false
        }
    }
}
