//! The scheduler of one service: each of its task sets (or deployments) gets the tasks that are wanted of it,
//! tasks that end or fail their health checks are replaced, ever more slowly while none gets healthy.

use std::time::Duration;

use super::NewTask;
use super::health::{Condition, Groups};
use super::scheduler::SERVICES;
use super::task::{TaskEngine, ask_to_stop};
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::engine::{Engine, Next};
use crate::error::ServiceError;
use crate::fault::FaultKind;
use crate::services::ecs::definition::Tag;
use crate::services::ecs::shapes::{Service, TaskSet};
use crate::services::ecs::store::{EcsStore, TaskSetRow};
use crate::services::ecs::task::TaskRow;

/// While something changes, targets' health among it.
const BUSY: Duration = Duration::from_millis(100);
/// While all is well.
const CALM: Duration = Duration::from_secs(2);
/// AWS's words, as users of Fargate show them.
const NO_CAPACITY: &str = "was unable to place a task. Reason: Capacity is unavailable at this time. Please try again \
                           later or in a different availability zone.";
/// Failures that are followed by a new task at once.
const FREE_TRIES: u32 = 2;

pub(in crate::services::ecs) struct ServiceEngine;

impl Engine for ServiceEngine {
    const NAME: &'static str = SERVICES;
    const ENDS: bool = false;

    fn in_flight(cloud: &Cloud) -> Vec<String> {
        let services = cloud.part::<EcsStore>().services.entries();
        let live = services.into_iter().filter(|(_, service)| service.status != "INACTIVE");
        live.map(|(key, _)| key).collect()
    }

    async fn step(cloud: &Cloud, key: &str) -> Next {
        match schedule(cloud, key).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(service = key, %error, "a step of a service failed");
                Next::After(CALM)
            }
        }
    }
}

impl TaskSetRow {
    /// A task ended that should not have. AWS waits ever longer; so do we, on the local cloud's time.
    pub(super) fn note_failure(&mut self, clock: Clock) {
        self.failed_tasks += 1;
        self.hold_off(clock);
    }

    /// The next try waits ever longer.
    fn hold_off(&mut self, clock: Clock) {
        self.failures += 1;
        let doublings = self.failures.saturating_sub(FREE_TRIES).min(8);
        if doublings > 0 {
            let pause = clock.scaled(Duration::from_secs(10 << doublings)).min(Duration::from_secs(60));
            self.retry_at = Some(clock.now().plus(pause));
        }
    }
}

async fn schedule(cloud: &Cloud, key: &str) -> Result<Next, ServiceError> {
    let store = cloud.part::<EcsStore>();
    let Some(service) = store.services.get(key) else { return Ok(Next::Done) };
    let mut groups = Groups::default();
    let mut all_steady = true;
    for (set_key, row) in store.task_sets_of(key) {
        let mut turn = Turn { cloud, store: &store, service_key: key, service: &service, key: &set_key, row };
        all_steady &= turn.take(&mut groups).await?;
    }
    if service.status == "DRAINING" && store.task_sets_of(key).is_empty() {
        store.services.update(key, |service| service.status = "INACTIVE".to_owned())?;
        return Ok(Next::Done);
    }
    if service.status == "INACTIVE" {
        return Ok(Next::Done);
    }
    Ok(Next::After(if all_steady { CALM } else { BUSY }))
}

/// One look at one task set.
struct Turn<'a> {
    cloud: &'a Cloud,
    store: &'a EcsStore,
    service_key: &'a str,
    service: &'a Service,
    key: &'a str,
    row: TaskSetRow,
}

impl Turn<'_> {
    /// Starts and stops what is needed; whether the task set is as it should be.
    async fn take(&mut self, groups: &mut Groups) -> Result<bool, ServiceError> {
        let tasks = self.store.live_tasks_of(self.key);
        let desired = self.desired();
        if self.is_going() && tasks.is_empty() {
            self.store.task_sets.remove(self.key)?;
            return Ok(false);
        }
        let mut wanted = Vec::new();
        let mut healthy = 0;
        for (key, task) in tasks.iter().filter(|(_, task)| task.task.desired_status == "RUNNING") {
            match groups.condition(self.cloud, self.service, task).await? {
                Condition::Unhealthy { target_group, port, reason } => {
                    self.replace(key, &target_group, (port, &reason))?;
                }
                condition => {
                    healthy += i64::from(condition == Condition::Healthy);
                    wanted.push((key.as_str(), task));
                }
            }
        }
        let count = i64::try_from(wanted.len()).unwrap_or(i64::MAX);
        if count < desired {
            self.start(desired - count)?;
        } else if count > desired {
            self.stop(&wanted, count - desired)?;
        }
        let is_steady = healthy == desired && count == desired && tasks.len() == wanted.len();
        self.note(&tasks, desired, (is_steady, healthy > 0))?;
        Ok(is_steady && !self.is_going())
    }

    /// Whether the task set is on its way out.
    fn is_going(&self) -> bool {
        self.service.status != "ACTIVE" || self.row.set.status == "DRAINING"
    }

    fn desired(&self) -> i64 {
        if self.is_going() {
            return 0;
        }
        self.row.set.scale.share(self.service.desired_count)
    }

    /// Who is spoken of: the service's deployment, or its task set.
    fn tell(&self, message: &str) -> Result<(), ServiceError> {
        let set = (!self.row.is_deployment).then_some(self.row.set.id.as_str());
        self.store.tell(self.cloud, self.service_key, set, message)
    }

    /// Stops a task that fails its health checks; the next turn starts another.
    fn replace(&self, key: &str, target_group: &str, check: (i64, &str)) -> Result<(), ServiceError> {
        let name = target_group.rsplit("targetgroup/").next().unwrap_or(target_group);
        let (port, reason) = check;
        self.tell(&format!("(port {port}) is unhealthy in (target-group {name}) due to (reason {reason})"))?;
        let clock = self.cloud.clock();
        self.store.task_sets.update(self.key, |row| row.note_failure(clock))?;
        let reason = format!("Task failed ELB health checks in (target-group {target_group})");
        ask_to_stop(self.cloud, key, "ServiceSchedulerInitiated", &reason)?;
        self.tell(&format!("has stopped 1 running tasks: (task {}).", key.rsplit('/').next().unwrap_or(key)))
    }

    fn start(&self, count: i64) -> Result<(), ServiceError> {
        let now = self.cloud.clock().now();
        let stored = self.store.task_sets.get(self.key);
        if stored.is_some_and(|row| row.retry_at.is_some_and(|retry_at| now < retry_at)) {
            return Ok(());
        }
        if self.row.spoiled == Some(FaultKind::NoCapacity) {
            let clock = self.cloud.clock();
            self.store.task_sets.update(self.key, |row| row.hold_off(clock))?;
            return self.tell(NO_CAPACITY);
        }
        let Some(found) = self.store.definition(&self.row.set.task_definition) else { return Ok(()) };
        let set = &self.row.set;
        let mut ids = Vec::new();
        for _ in 0..count {
            let new = NewTask {
                cluster: self.service_key.split('/').next().unwrap_or_default(),
                definition: &found.definition,
                group: format!("service:{}", self.service.service_name),
                started_by: Some(set.id.clone()),
                platform_version: set.platform_version.clone(),
                tags: self.task_tags(&found.tags),
            };
            let row = TaskRow {
                task: new.into_task(self.cloud),
                task_set: Some(self.key.to_owned()),
                load_balancers: set.load_balancers.clone(),
                network: set.network_configuration.clone(),
                spoiled: self.row.spoiled,
                ..TaskRow::default()
            };
            let cluster = self.service_key.split('/').next().unwrap_or_default();
            let key = format!("{cluster}/{}", row.task.id());
            self.store.tasks.put(&key, &row)?;
            self.cloud.start::<TaskEngine>(&key);
            ids.push(format!("(task {})", row.task.id()));
        }
        self.tell(&format!("has started {count} tasks: {}.", ids.join(" ")))
    }

    /// The tags that ECS puts on a task by itself, and the propagated ones.
    fn task_tags(&self, of_definition: &[Tag]) -> Vec<Tag> {
        let mut tags = match self.service.propagate_tags.as_str() {
            "SERVICE" => self.service.tags.clone(),
            "TASK_DEFINITION" => of_definition.to_vec(),
            _ => Vec::new(),
        };
        if self.service.enable_ecs_managed_tags {
            let cluster = self.service_key.split('/').next().unwrap_or_default();
            let own = [("aws:ecs:clusterName", cluster), ("aws:ecs:serviceName", &self.service.service_name)];
            tags.retain(|tag| !own.iter().any(|(key, _)| tag.key == *key));
            tags.extend(own.map(|(key, value)| Tag { key: key.to_owned(), value: value.to_owned() }));
        }
        tags
    }

    /// Stops the youngest first: they serve least.
    fn stop(&self, wanted: &[(&str, &TaskRow)], count: i64) -> Result<(), ServiceError> {
        let count = usize::try_from(count).unwrap_or_default();
        let reason = format!("Scaling activity initiated by (deployment {})", self.row.set.id);
        let mut ids = Vec::new();
        for (key, task) in wanted.iter().rev().take(count) {
            ask_to_stop(self.cloud, key, "ServiceSchedulerInitiated", &reason)?;
            ids.push(format!("(task {})", task.task.id()));
        }
        self.tell(&format!("has stopped {count} running tasks: {}.", ids.join(" ")))
    }

    /// Records counts and stability, if they changed.
    fn note(
        &mut self,
        tasks: &[(String, TaskRow)],
        desired: i64,
        (is_steady, is_served): (bool, bool),
    ) -> Result<(), ServiceError> {
        let count = |statuses: &[&str]| {
            let found = tasks.iter().filter(|(_, row)| statuses.contains(&row.task.last_status.as_str()));
            i64::try_from(found.count()).unwrap_or(i64::MAX)
        };
        let status = if is_steady { "STEADY_STATE" } else { "STABILIZING" };
        let now = self.cloud.clock().now();
        let fresh = TaskSet {
            computed_desired_count: desired,
            running_count: count(&["RUNNING"]),
            pending_count: count(&["PROVISIONING", "PENDING", "ACTIVATING"]),
            stability_status: status.to_owned(),
            ..self.row.set.clone()
        };
        let changes = |set: &TaskSet| (set.computed_desired_count, set.running_count, set.pending_count);
        let becomes = self.row.set.stability_status != status;
        let forgives = is_served && self.row.failures > 0;
        if changes(&fresh) == changes(&self.row.set) && !becomes && !forgives {
            return Ok(());
        }
        self.store.task_sets.update(self.key, |row| {
            row.set.computed_desired_count = fresh.computed_desired_count;
            row.set.running_count = fresh.running_count;
            row.set.pending_count = fresh.pending_count;
            row.set.updated_at = Some(now);
            if becomes {
                row.set.stability_status = status.to_owned();
                row.set.stability_status_at = Some(now);
            }
            if forgives {
                row.failures = 0;
                row.retry_at = None;
            }
        })?;
        if becomes && is_steady {
            self.tell("has reached a steady state.")?;
            self.retire_older()?;
        }
        Ok(())
    }

    /// Under the ECS controller, a deployment that is steady ends the ones it replaces.
    fn retire_older(&self) -> Result<(), ServiceError> {
        if !self.row.is_deployment || self.row.set.status != "PRIMARY" {
            return Ok(());
        }
        for (key, row) in self.store.task_sets_of(self.service_key) {
            if row.set.status == "ACTIVE" {
                self.store.task_sets.update(&key, |row| row.set.status = "DRAINING".to_owned())?;
            }
        }
        Ok(())
    }
}
