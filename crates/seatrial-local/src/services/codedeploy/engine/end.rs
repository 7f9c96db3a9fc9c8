//! How deployments end, and the rollback that follows.

use std::time::Duration;

use super::turn::{Trouble, Turn};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::engine::Next;
use crate::error::ServiceError;
use crate::services::codedeploy::deployment::{ErrorInformation, Phase, RollbackInfo, Row, new_row};
use crate::services::codedeploy::shapes::LastDeployment;
use crate::services::codedeploy::store::{CodeDeploy, group_key};

/// Failed tries of one phase for passing reasons before the deployment fails: with ever longer pauses, some
/// twenty seconds.
const TRIES: u32 = 15;

/// How a deployment ends that does not succeed.
struct Ending {
    /// `Failed` or `Stopped`.
    status: &'static str,
    code: &'static str,
    message: String,
    rolls_back: bool,
}

impl Turn<'_> {
    pub(super) fn succeed(mut self) -> Result<Next, Trouble> {
        let now = self.cloud.clock().now();
        self.row.set_status("Succeeded");
        self.row.info.complete_time = Some(now);
        self.row.enter(Phase::Ended, now);
        self.store.save(&self.row)?;
        match self.store.deployments.get(&self.row.info.deployment_id) {
            Some(stored) if stored.info.has_ended() => Ok(settle(self.cloud, &self.store, &stored)),
            _ => Ok(Next::After(Duration::ZERO)),
        }
    }
}

/// What follows from a step that was not done.
pub(super) fn troubled(cloud: &Cloud, store: &CodeDeploy, key: &str, trouble: Trouble) -> Next {
    let Some(row) = store.deployments.get(key) else { return Next::Done };
    let ending = match trouble {
        Trouble::Passing(error) if row.tries < TRIES => return try_again(store, &row, &error),
        Trouble::Passing(error) => {
            let code = if error.code.starts_with("Throttling") { "THROTTLED" } else { "INTERNAL_ERROR" };
            failed(&row, code, error.to_string())
        }
        Trouble::Fatal { code, message } => failed(&row, code, message),
        Trouble::Stop { code, message, event } => {
            let rolls_back = row.group.settings.rolls_back_on(event);
            Ending { status: "Stopped", code, message, rolls_back }
        }
    };
    match finish(cloud, store, row, ending) {
        Ok(next) => next,
        Err(Trouble::Passing(error)) => {
            tracing::warn!(deployment = key, %error, "the end of a deployment was not written");
            Next::After(Duration::from_secs(1))
        }
        Err(_) => Next::After(Duration::from_secs(1)),
    }
}

fn failed(row: &Row, code: &'static str, message: String) -> Ending {
    // Past the point of no return the original is going: there is nothing to go back to.
    let rolls_back = row.group.settings.rolls_back_on("DEPLOYMENT_FAILURE") && !row.is_past_return();
    Ending { status: "Failed", code, message, rolls_back }
}

fn try_again(store: &CodeDeploy, row: &Row, error: &ServiceError) -> Next {
    let key = &row.info.deployment_id;
    tracing::debug!(deployment = key, %error, "a step of a deployment is tried again");
    if let Err(error) = store.deployments.update(key, |row| row.tries += 1) {
        tracing::warn!(deployment = key, %error, "a try of a deployment was not counted");
    }
    Next::After(Duration::from_millis(100 << row.tries.min(4)))
}

pub(super) fn stopped_by_request(
    cloud: &Cloud,
    store: &CodeDeploy,
    row: Row,
    rolls_back: bool,
) -> Result<Next, Trouble> {
    let message = "The deployment was stopped by a user.".to_owned();
    finish(cloud, store, row, Ending { status: "Stopped", code: "MANUAL_STOP", message, rolls_back })
}

/// In one record: the end, its reason, and which deployment rolls it back.
fn finish(cloud: &Cloud, store: &CodeDeploy, mut row: Row, ending: Ending) -> Result<Next, Trouble> {
    let now = cloud.clock().now();
    row.set_status(ending.status);
    row.info.complete_time = Some(now);
    row.break_off(&ending.message, now);
    row.info.error_information =
        Some(ErrorInformation { code: ending.code.to_owned(), message: ending.message });
    if ending.rolls_back && !row.is_rollback() {
        let id = format!("d-{}", crate::id::upper(9));
        row.info.rollback_info = Some(RollbackInfo {
            rollback_message: Some(format!("The deployment is rolled back by deployment {id}")),
            rollback_deployment_id: Some(id),
            rollback_triggering_deployment_id: None,
        });
    }
    row.enter(Phase::Ended, now);
    let rollback = rollback_to_make(store, &row).map(|id| rollback(cloud, &row, id));
    store.save_with(&row, rollback)?;
    Ok(settle(cloud, store, &row))
}

/// Whether something that follows from the end of `row` was not written yet.
pub(super) fn is_unsettled(store: &CodeDeploy, row: &Row) -> bool {
    let key = group_key(&row.info.application_name, &row.info.deployment_group_name);
    let last = store.groups.get(&key).and_then(|found| found.group.last_attempted_deployment);
    let is_noted = last
        .is_none_or(|last| last.deployment_id != row.info.deployment_id || last.status == row.info.status);
    !is_noted || rollback_to_make(store, row).is_some()
}

fn rollback_to_make(store: &CodeDeploy, row: &Row) -> Option<String> {
    let id = row.info.rollback_info.as_ref()?.rollback_deployment_id.clone()?;
    (!store.deployments.contains(&id)).then_some(id)
}

/// Makes the rollback of an ended deployment, which the engine then drives, and has the group remember how it ended.
pub(super) fn settle(cloud: &Cloud, store: &CodeDeploy, row: &Row) -> Next {
    let settled = make_rollback(cloud, store, row).and_then(|()| note_end(store, row));
    store.sessions().remove(&row.info.deployment_id);
    match settled {
        Ok(()) => Next::Done,
        Err(error) => {
            tracing::warn!(deployment = row.info.deployment_id, %error, "an ended deployment was not settled");
            Next::After(Duration::from_secs(1))
        }
    }
}

/// What a kill lost between the end of `failed` and its rollback.
fn make_rollback(cloud: &Cloud, store: &CodeDeploy, failed: &Row) -> Result<(), ServiceError> {
    if let Some(id) = rollback_to_make(store, failed) {
        store.deployments.insert_new(&id, &rollback(cloud, failed, id.clone()))?;
    }
    Ok(())
}

/// The deployment `id`, which rolls `failed` back.
fn rollback(cloud: &Cloud, failed: &Row, id: String) -> Row {
    let revision = failed.info.previous_revision.clone().unwrap_or_else(|| failed.info.revision.clone());
    let mut row = new_row(cloud, failed.group.clone(), revision, failed.routing.clone());
    row.info.deployment_id = id;
    row.info.creator = "codeDeployRollback".to_owned();
    row.info.rollback_info = Some(RollbackInfo {
        rollback_deployment_id: None,
        rollback_triggering_deployment_id: Some(failed.info.deployment_id.clone()),
        rollback_message: None,
    });
    row.vacant = failed.vacant.clone();
    row.blue = failed.blue.clone();
    row.green = failed.green.clone();
    row
}

fn note_end(store: &CodeDeploy, row: &Row) -> Result<(), ServiceError> {
    let info = &row.info;
    let last = LastDeployment {
        deployment_id: info.deployment_id.clone(),
        status: info.status.clone(),
        end_time: info.complete_time,
        create_time: info.create_time.unwrap_or(Epoch(0.0)),
    };
    let has_succeeded = info.status == "Succeeded";
    let key = group_key(&info.application_name, &info.deployment_group_name);
    store.groups.update(&key, |found| {
        let group = &mut found.group;
        if has_succeeded {
            group.target_revision = Some(info.revision.clone());
            group.last_successful_deployment = Some(last.clone());
        }
        let newer = group
            .last_attempted_deployment
            .as_ref()
            .is_some_and(|known| known.create_time > last.create_time);
        if !newer {
            group.last_attempted_deployment = Some(last);
        }
    })?;
    Ok(())
}
