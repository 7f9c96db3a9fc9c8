//! The tables of CodeDeploy, and how names find their rows.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::deployment::Row;
use super::shapes::{Application, Canary, Config, Group, Linear, Revision, Routing};
use crate::clock::Epoch;
use crate::cloud::{Cloud, Part, Setup};
use crate::error::ServiceError;
use crate::persist::{PersistError, Table};
use crate::principal::Principal;
use crate::tags::Tag;

pub(crate) const SERVICE: &str = "codedeploy";

/// Each service's traffic in one word, where a group names no configuration.
pub(super) const DEFAULT_CONFIG: &str = "CodeDeployDefault.ECSAllAtOnce";

pub(crate) struct CodeDeploy {
    /// By name.
    pub applications: Table<ApplicationRow>,
    /// By `APPLICATION/GROUP`.
    pub groups: Table<GroupRow>,
    /// Those that are not predefined, by name.
    pub configs: Table<Config>,
    /// By `APPLICATION/` and what tells the revision from others.
    pub revisions: Table<RevisionRow>,
    /// By id.
    pub deployments: Table<Row>,
    /// Held while a deployment is made, so that a group never has two.
    pub making: Mutex<()>,
    sessions: Mutex<HashMap<String, Session>>,
}

/// What is remembered of a running deployment in memory only.
#[derive(Clone)]
pub(super) struct Session {
    pub principal: Principal,
    pub began: Epoch,
    /// When its alarms were read last.
    pub alarms_read: Option<Epoch>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ApplicationRow {
    pub application: Application,
    pub tags: Vec<Tag>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct GroupRow {
    pub group: Group,
    pub tags: Vec<Tag>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RevisionRow {
    pub revision: Revision,
    pub description: Option<String>,
    pub register_time: Epoch,
    pub first_used_time: Option<Epoch>,
    pub last_used_time: Option<Epoch>,
    pub deployment_groups: Vec<String>,
}

impl Part for CodeDeploy {
    fn open(setup: &Setup) -> Self {
        Self {
            applications: setup.database.table("codedeploy-applications"),
            groups: setup.database.table("codedeploy-groups"),
            configs: setup.database.table("codedeploy-configs"),
            revisions: setup.database.table("codedeploy-revisions"),
            deployments: setup.database.table("codedeploy-deployments"),
            making: Mutex::default(),
            sessions: Mutex::default(),
        }
    }
}

impl CodeDeploy {
    pub(super) fn application(&self, name: &str) -> Result<ApplicationRow, ServiceError> {
        let missing = || not_found("ApplicationDoesNotExistException", "application", name);
        self.applications.get(name).ok_or_else(missing)
    }

    pub(super) fn group(&self, application: &str, name: &str) -> Result<GroupRow, ServiceError> {
        self.application(application)?;
        let missing = || not_found("DeploymentGroupDoesNotExistException", "Deployment Group", name);
        self.groups.get(&group_key(application, name)).ok_or_else(missing)
    }

    pub(super) fn deployment(&self, id: &str) -> Result<Row, ServiceError> {
        self.deployments.get(id).ok_or_else(|| {
            let message = format!("The deployment {id} could not be found");
            ServiceError::new("DeploymentDoesNotExistException", message)
        })
    }

    /// A configuration, predefined or not.
    pub(super) fn config(&self, name: &str) -> Result<Config, ServiceError> {
        let found = predefined(name).or_else(|| self.configs.get(name));
        found.ok_or_else(|| {
            not_found("DeploymentConfigDoesNotExistException", "deployment configuration", name)
        })
    }

    /// The group's deployment that has not ended.
    pub(super) fn active(&self, application: &str, group: &str) -> Option<Row> {
        self.deployments.find(|row| {
            !row.info.has_ended()
                && row.info.application_name == application
                && row.info.deployment_group_name == group
        })
    }

    /// Writes what the engine made of a deployment, beside what calls wrote meanwhile. Who was told that the
    /// deployment stops is not deceived: a stop that came first keeps it from the point of no return.
    pub(super) fn save(&self, row: &Row) -> Result<(), PersistError> {
        self.save_with(row, None)
    }

    /// The same for a deployment that has ended and is rolled back: whoever reads which deployment rolls it back
    /// finds that one too, and no other deployment comes between the two.
    pub(super) fn save_with(&self, row: &Row, rollback: Option<Row>) -> Result<(), PersistError> {
        let mut fresh = row.clone();
        self.deployments.update_and_add(&row.info.deployment_id, |stored| {
            fresh.keep_requests_of(stored);
            let goes_on = !matches!(fresh.info.status.as_str(), "Failed" | "Stopped");
            if stored.stop.is_some() && !stored.is_past_return() && fresh.is_past_return() && goes_on {
                return None;
            }
            *stored = fresh;
            rollback.map(|rollback| (rollback.info.deployment_id.clone(), rollback))
        })
    }

    pub(super) fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn group_key(application: &str, group: &str) -> String {
    format!("{application}/{group}")
}

pub(super) fn application_arn(cloud: &Cloud, name: &str) -> String {
    cloud.arn(SERVICE, &format!("application:{name}"))
}

pub(super) fn group_arn(cloud: &Cloud, application: &str, group: &str) -> String {
    cloud.arn(SERVICE, &format!("deploymentgroup:{application}/{group}"))
}

/// The ARN of the group whose deployment `id` is: deployments have none of their own.
pub(super) fn arn_of_deployment(cloud: &Cloud, id: &str) -> String {
    match cloud.part::<CodeDeploy>().deployments.get(id) {
        Some(row) => group_arn(cloud, &row.info.application_name, &row.info.deployment_group_name),
        None => "*".to_owned(),
    }
}

fn not_found(code: &str, what: &str, name: &str) -> ServiceError {
    ServiceError::new(code, format!("No {what} found for name: {name}"))
}

/// The names of the configurations that AWS has for ECS.
pub(super) const PREDEFINED: [&str; 5] = [
    DEFAULT_CONFIG,
    "CodeDeployDefault.ECSCanary10Percent15Minutes",
    "CodeDeployDefault.ECSCanary10Percent5Minutes",
    "CodeDeployDefault.ECSLinear10PercentEvery1Minutes",
    "CodeDeployDefault.ECSLinear10PercentEvery3Minutes",
];

fn predefined(name: &str) -> Option<Config> {
    let canary = |minutes| Routing {
        r#type: "TimeBasedCanary".to_owned(),
        time_based_canary: Some(Canary { canary_percentage: 10, canary_interval: minutes }),
        time_based_linear: None,
    };
    let linear = |minutes| Routing {
        r#type: "TimeBasedLinear".to_owned(),
        time_based_canary: None,
        time_based_linear: Some(Linear { linear_percentage: 10, linear_interval: minutes }),
    };
    let routing = match name.strip_prefix("CodeDeployDefault.ECS")? {
        "AllAtOnce" => Routing { r#type: "AllAtOnce".to_owned(), ..Routing::default() },
        "Canary10Percent15Minutes" => canary(15),
        "Canary10Percent5Minutes" => canary(5),
        "Linear10PercentEvery1Minutes" => linear(1),
        "Linear10PercentEvery3Minutes" => linear(3),
        _ => return None,
    };
    Some(Config {
        deployment_config_id: format!(
            "00000000-0000-0000-0000-{}",
            crate::id::digits_of(name, 12).to_lowercase()
        ),
        deployment_config_name: name.to_owned(),
        create_time: Epoch(0.0),
        compute_platform: "ECS".to_owned(),
        traffic_routing_config: routing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_moves_by_the_steps_of_the_configuration() {
        let steps = |name| predefined(name).unwrap().traffic_routing_config.steps();

        assert_eq!(steps(DEFAULT_CONFIG), [100]);
        assert_eq!(steps("CodeDeployDefault.ECSCanary10Percent5Minutes"), [10, 100]);
        assert_eq!(
            steps("CodeDeployDefault.ECSLinear10PercentEvery3Minutes"),
            [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
        );
        assert!(PREDEFINED.iter().all(|name| predefined(name).is_some()));
    }
}
