//! The record of a task that is about to be started.

use crate::cloud::Cloud;
use crate::services::ecs::definition::{ContainerDefinition, Tag, TaskDefinition};
use crate::services::ecs::task::{Attachment, Container, Task};

/// A task to be made of a task definition.
pub(in crate::services::ecs) struct NewTask<'a> {
    pub cluster: &'a str,
    pub definition: &'a TaskDefinition,
    /// `service:NAME` or `family:NAME`.
    pub group: String,
    pub started_by: Option<String>,
    pub platform_version: String,
    pub tags: Vec<Tag>,
}

impl NewTask<'_> {
    pub(in crate::services::ecs) fn into_task(self, cloud: &Cloud) -> Task {
        let id = crate::id::hex(32);
        let task_arn = cloud.arn("ecs", &format!("task/{}/{id}", self.cluster));
        let container = |definition: &ContainerDefinition| Container {
            container_arn: cloud
                .arn("ecs", &format!("container/{}/{id}/{}", self.cluster, crate::id::uuid())),
            task_arn: task_arn.clone(),
            name: definition.name.clone(),
            image: definition.image.clone(),
            last_status: "PENDING".to_owned(),
            health_status: "UNKNOWN".to_owned(),
            cpu: definition.cpu.to_string(),
            ..Container::default()
        };
        let content = &self.definition.content;
        Task {
            cluster_arn: cloud.arn("ecs", &format!("cluster/{}", self.cluster)),
            task_definition_arn: self.definition.task_definition_arn.clone(),
            group: self.group,
            started_by: self.started_by,
            attachments: vec![Attachment {
                id: crate::id::uuid(),
                r#type: "ElasticNetworkInterface".to_owned(),
                status: "PRECREATED".to_owned(),
                details: Vec::new(),
            }],
            containers: content.container_definitions.iter().map(container).collect(),
            last_status: "PROVISIONING".to_owned(),
            desired_status: "RUNNING".to_owned(),
            health_status: "UNKNOWN".to_owned(),
            connectivity: "CONNECTED".to_owned(),
            cpu: content.cpu.clone().unwrap_or_default(),
            memory: content.memory.clone().unwrap_or_default(),
            launch_type: "FARGATE".to_owned(),
            platform_version: self.platform_version,
            platform_family: "Linux".to_owned(),
            created_at: Some(cloud.clock().now()),
            version: 1,
            tags: self.tags,
            task_arn,
            ..Task::default()
        }
    }
}
