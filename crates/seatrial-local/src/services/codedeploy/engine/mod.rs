//! What moves a deployment: each step reads the record, does one thing as the group's service role, and writes
//! the record, so that a restart goes on where the last process ended.

mod alarms;
mod back;
mod end;
mod forward;
mod judge;
mod prepare;
mod remote;
mod traffic;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use turn::{LOOK, Trouble, Turn};

use super::deployment::{Phase, Row};
use super::store::{CodeDeploy, Session, group_arn};
use crate::cloud::Cloud;
use crate::engine::{Engine, Next};
use crate::principal::Principal;
use crate::services::sts;

/// Then the role is assumed anew; sessions last an hour.
const SESSION: Duration = Duration::from_secs(1800);

pub(crate) struct Deployments;

impl Engine for Deployments {
    const NAME: &'static str = "codedeploy-deployment";
    const ENDS: bool = true;

    fn in_flight(cloud: &Cloud) -> Vec<String> {
        let store = cloud.part::<CodeDeploy>();
        let rows = store.deployments.entries().into_iter();
        let under_way = rows.filter(|(_, row)| !row.info.has_ended() || end::is_unsettled(&store, row));
        under_way.map(|(id, _)| id).collect()
    }

    async fn step(cloud: &Cloud, key: &str) -> Next {
        let store = cloud.part::<CodeDeploy>();
        let next = step(cloud, &store, key).await;
        if let Some(id) = rollback_made(&store, key) {
            cloud.start::<Self>(&id);
        }
        next
    }

    fn fail(cloud: &Cloud, key: &str, why: &str) -> Next {
        let message = format!("There was a problem inside of CodeDeploy: {why}");
        end::troubled(cloud, &cloud.part(), key, Trouble::Fatal { code: "INTERNAL_ERROR", message })
    }
}

async fn step(cloud: &Cloud, store: &Arc<CodeDeploy>, key: &str) -> Next {
    let Some(row) = store.deployments.get(key) else { return Next::Done };
    if row.info.has_ended() {
        return end::settle(cloud, store, &row);
    }
    let tries = row.tries;
    let result = match row.stop.clone() {
        Some(stop) if !row.is_past_return() => end::stopped_by_request(cloud, store, row, stop.rolls_back),
        _ => advance(cloud, store, row).await,
    };
    match result {
        Ok(next) => {
            if tries > 0 {
                forget_tries(store, key, tries);
            }
            next
        }
        Err(trouble) => end::troubled(cloud, store, key, trouble),
    }
}

/// The rollback that the end of a deployment left to be driven.
fn rollback_made(store: &CodeDeploy, key: &str) -> Option<String> {
    let id = store.deployments.get(key)?.info.rollback_info?.rollback_deployment_id?;
    store.deployments.get(&id).filter(|rollback| !rollback.info.has_ended()).map(|_| id)
}

/// A step went well: what failed before it does not count any more.
fn forget_tries(store: &CodeDeploy, key: &str, tries: u32) {
    let forgotten = store.deployments.update(key, |row| {
        if row.tries == tries {
            row.tries = 0;
        }
    });
    if let Err(error) = forgotten {
        tracing::warn!(deployment = key, %error, "the tries of a deployment were not forgotten");
    }
}

async fn advance(cloud: &Cloud, store: &Arc<CodeDeploy>, mut row: Row) -> Result<Next, Trouble> {
    let now = cloud.clock().now();
    if row.phase == Phase::Created {
        row.set_status("Queued");
        row.enter(Phase::Queued, now);
        store.save(&row)?;
        return Ok(Next::After(LOOK));
    }
    let principal = session(cloud, store, &row).await?;
    let turn = Turn { cloud, store: Arc::clone(store), row, principal };
    turn.check_alarms().await?;
    match turn.row.phase {
        Phase::Created | Phase::Queued => turn.begin(),
        Phase::Prepare => turn.prepare().await,
        Phase::Install => turn.install().await,
        Phase::Steady => turn.await_steady().await,
        Phase::Test => turn.test().await,
        Phase::Ready => turn.await_word(),
        Phase::Shift => turn.shift().await,
        Phase::Bake => turn.bake().await,
        Phase::Promote => turn.promote().await,
        Phase::Wait => turn.await_termination().await,
        Phase::Terminate => turn.terminate().await,
        Phase::Back => turn.back().await,
        Phase::Remove => turn.remove().await,
        Phase::Gone => turn.await_gone().await,
        Phase::Ended => Ok(Next::Done),
    }
}

/// The group's service role, assumed in this deployment's name.
async fn session(cloud: &Cloud, store: &CodeDeploy, row: &Row) -> Result<Principal, Trouble> {
    let id = &row.info.deployment_id;
    let now = cloud.clock().now();
    if let Some(session) = store.sessions().get(id).filter(|session| now.since(session.began) < SESSION) {
        return Ok(session.principal.clone());
    }
    let role = &row.group.service_role_arn;
    let group = group_arn(cloud, &row.info.application_name, &row.info.deployment_group_name);
    let assumed = sts::assume_role(cloud, ("codedeploy.amazonaws.com", Some(group)), role, id).await;
    let principal = assumed.map_err(|error| remote::of_role(role, error))?.principal;
    let mut sessions = store.sessions();
    let alarms_read = sessions.get(id).and_then(|session| session.alarms_read);
    sessions.insert(id.clone(), Session { principal: principal.clone(), began: now, alarms_read });
    Ok(principal)
}
