//! Tasks as AWS's API shapes them, and what is kept of one besides.

use serde::{Deserialize, Serialize};

use super::definition::Tag;
use super::overrides::Overrides;
use super::shapes::{LoadBalancer, NetworkConfiguration};
use crate::clock::Epoch;
use crate::fault::FaultKind;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Task {
    pub task_arn: String,
    pub cluster_arn: String,
    pub task_definition_arn: String,
    /// `service:NAME` or `family:NAME`.
    pub group: String,
    /// The task set's or deployment's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    pub attachments: Vec<Attachment>,
    pub containers: Vec<Container>,
    /// `PROVISIONING`, `PENDING`, `ACTIVATING`, `RUNNING`, `DEACTIVATING`, `STOPPING`, `DEPROVISIONING`, `STOPPED`.
    pub last_status: String,
    /// `RUNNING` or `STOPPED`.
    pub desired_status: String,
    /// Of container health checks, which are not run: `UNKNOWN`.
    pub health_status: String,
    pub connectivity: String,
    pub cpu: String,
    pub memory: String,
    pub launch_type: String,
    pub platform_version: String,
    pub platform_family: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    pub created_at: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_started_at: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_stopped_at: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopping_at: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_stopped_at: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Epoch>,
    /// `TaskFailedToStart`, `EssentialContainerExited`, `UserInitiated`, `ServiceSchedulerInitiated`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_reason: Option<String>,
    /// What the task was given in the place of its definition's.
    pub overrides: Overrides,
    pub version: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

impl Task {
    /// The last part of the ARN.
    pub(crate) fn id(&self) -> &str {
        self.task_arn.rsplit('/').next().unwrap_or_default()
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Container {
    pub container_arn: String,
    pub task_arn: String,
    pub name: String,
    pub image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_id: Option<String>,
    pub last_status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub network_interfaces: Vec<NetworkInterface>,
    pub health_status: String,
    pub cpu: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct NetworkInterface {
    pub attachment_id: String,
    pub private_ipv4_address: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Attachment {
    pub id: String,
    /// `ElasticNetworkInterface`.
    pub r#type: String,
    pub status: String,
    pub details: Vec<Detail>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Detail {
    pub name: String,
    pub value: String,
}

/// A task and what the engines keep of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TaskRow {
    pub task: Task,
    /// The key of its task set; `None` for a task that `RunTask` started.
    pub task_set: Option<String>,
    pub load_balancers: Vec<LoadBalancer>,
    pub network: Option<NetworkConfiguration>,
    /// Of the call that started it, where it was `RunTask`.
    pub client_token: Option<String>,
    /// Its address and, where all tasks share one, its port.
    pub host: Option<Host>,
    /// Target groups that know it, so that it can be taken off them.
    pub registered: bool,
    /// What a fault does to it.
    pub spoiled: Option<FaultKind>,
}

/// Where a task is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Host {
    pub address: String,
    /// `None`: the container port, on an address of its own.
    pub port: Option<u16>,
}
