//! What the page shows of deployments.

use std::collections::BTreeMap;

use seatrial_page::{Deployment, LifecycleEvent};

use super::deployment::{LifecycleEvent as Event, Row};
use super::store::CodeDeploy;
use crate::cloud::Cloud;

/// A deployment, with the target groups of its task sets by their ids.
pub(crate) struct Shown {
    pub deployment: Deployment,
    pub groups: Vec<(String, String)>,
}

/// All deployments by id.
pub(crate) fn deployments(cloud: &Cloud) -> BTreeMap<String, Shown> {
    let rows = cloud.part::<CodeDeploy>().deployments.values().into_iter();
    rows.map(|row| (row.info.deployment_id.clone(), shown(row))).collect()
}

fn shown(row: Row) -> Shown {
    let sets = [&row.blue, &row.green].into_iter().flatten();
    let groups = sets.map(|set| (set.id.clone(), set.target_group.arn.clone())).collect();
    let info = row.info;
    let began = info.start_time.or(info.create_time);
    let deployment = Deployment {
        id: info.deployment_id,
        status: info.status,
        began: began.map_or(0.0, |time| time.0),
        ended: info.complete_time.map(|time| time.0),
        rolled_back_by: info.rollback_info.and_then(|rollback| rollback.rollback_deployment_id),
        events: row.events.iter().map(event).collect(),
        error: info.error_information.map(|error| format!("{}: {}", error.code, error.message)),
    };
    Shown { deployment, groups }
}

fn event(event: &Event) -> LifecycleEvent {
    let detail = event.diagnostics.as_ref().map(|told| told.message.clone());
    LifecycleEvent {
        name: event.lifecycle_event_name.clone(),
        status: event.status.clone(),
        began: event.start_time.map(|time| time.0),
        ended: event.end_time.map(|time| time.0),
        detail: detail.filter(|text| !text.is_empty()),
    }
}
