//! What the page shows of services: task sets, tasks, and what services told.

use std::collections::BTreeMap;

use seatrial_page::{Line, Source, Task, TaskSet};

use super::store::{EcsStore, last};
use super::task::TaskRow;
use crate::cloud::Cloud;

/// So many tasks are shown, the newest.
const MOST: usize = 300;

/// A task set with the target group of its first load balancer.
pub(crate) struct ShownSet {
    pub set: TaskSet,
    pub group: Option<String>,
}

/// A task, with the addresses at which target groups know it.
pub(crate) struct ShownTask {
    pub task: Task,
    pub addresses: Vec<String>,
    pub group: Option<String>,
    /// The id of its task set and its service, also where that is gone.
    pub set: Option<(String, String)>,
}

/// The task sets that are there.
pub(crate) fn task_sets(cloud: &Cloud) -> Vec<ShownSet> {
    let rows = cloud.part::<EcsStore>().task_sets.values().into_iter();
    rows.map(|row| {
        let set = row.set;
        let group = set.load_balancers.first().and_then(|balancer| balancer.target_group_arn.clone());
        let shown = TaskSet {
            id: set.id,
            service: last(&set.service_arn).to_owned(),
            color: String::new(),
            status: set.status,
            weight: None,
            deployment: set.external_id,
            definition: last(&set.task_definition).to_owned(),
            desired: set.computed_desired_count,
            pending: set.pending_count,
            running: set.running_count,
            began: set.created_at.map_or(0.0, |time| time.0),
        };
        ShownSet { set: shown, group }
    })
    .collect()
}

/// The newest tasks.
pub(crate) fn tasks(cloud: &Cloud) -> Vec<ShownTask> {
    let mut rows = cloud.part::<EcsStore>().tasks.values();
    let created = |row: &TaskRow| row.task.created_at.map_or(0.0, |time| time.0);
    rows.sort_by(|one, other| created(other).total_cmp(&created(one)));
    rows.truncate(MOST);
    rows.into_iter().map(shown).collect()
}

fn shown(row: TaskRow) -> ShownTask {
    // `CLUSTER/SERVICE/ecs-svc/DIGITS`.
    let set = row.task_set.as_deref().and_then(|key| {
        let (_, rest) = key.split_once('/')?;
        let (service, id) = rest.split_once('/')?;
        Some((id.to_owned(), service.to_owned()))
    });
    let group = row.load_balancers.first().and_then(|balancer| balancer.target_group_arn.clone());
    let interfaces = row.task.containers.iter().flat_map(|container| &container.network_interfaces);
    let mut addresses: Vec<String> = interfaces.map(|one| one.private_ipv4_address.clone()).collect();
    if let Some(host) = &row.host {
        addresses.insert(
            0,
            match host.port {
                Some(port) => format!("{}:{port}", host.address),
                None => host.address.clone(),
            },
        );
    }
    let task = row.task;
    let of_containers = task.containers.iter().filter_map(|container| container.reason.clone());
    let mut reasons: Vec<String> = task.stopped_reason.clone().into_iter().chain(of_containers).collect();
    reasons.dedup();
    let shown = Task {
        id: task.id().to_owned(),
        set: set.as_ref().map(|(id, _)| id.clone()),
        definition: last(&task.task_definition_arn).to_owned(),
        status: task.last_status.clone(),
        health: None,
        health_reason: None,
        created: task.created_at.map_or(0.0, |time| time.0),
        started: task.started_at.map(|time| time.0),
        stopped: task.stopped_at.map(|time| time.0),
        stop_code: task.stop_code.clone(),
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
        exit_code: task.containers.iter().find_map(|container| container.exit_code),
    };
    ShownTask { task: shown, addresses, group, set }
}

/// What services told, as lines of the deployment's log.
pub(crate) fn lines(cloud: &Cloud) -> Vec<Line> {
    let services = cloud.part::<EcsStore>().services.values().into_iter();
    services
        .flat_map(|service| {
            let stream = service.service_name;
            service.events.into_iter().map(move |event| Line {
                id: event.id,
                time: event.created_at.0,
                source: Source::Deployment,
                stream: stream.clone(),
                text: event.message,
            })
        })
        .collect()
}

/// The task sets that tasks name and that are gone, by id: the service, and one of its tasks.
pub(crate) fn gone<'a>(
    sets: &[ShownSet],
    tasks: &'a [ShownTask],
) -> BTreeMap<&'a str, (&'a str, &'a ShownTask)> {
    let is_there = |id: &str| sets.iter().any(|shown| shown.set.id == id);
    let named = tasks.iter().filter_map(|task| Some((task.set.as_ref()?, task)));
    named
        .filter(|((id, _), _)| !is_there(id))
        .map(|((id, service), task)| (id.as_str(), (service.as_str(), task)))
        .collect()
}
