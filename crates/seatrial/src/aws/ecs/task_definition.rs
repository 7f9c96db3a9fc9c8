//! A rendered task definition registered, and what a revision of a family holds.

use std::collections::BTreeMap;

use aws_sdk_ecs::types as sdk;
use seatrial_image::registration;
use seatrial_project::task_definition::TaskDefinition;

use super::SERVICE;
use crate::aws::Aws;
use crate::aws::error::{Attempt as _, AwsError};

impl Aws {
    /// Registers `definition`, which is rendered; answers the revision's ARN.
    pub(crate) async fn register_task_definition(
        &self,
        definition: TaskDefinition,
    ) -> anyhow::Result<String> {
        let attempt = format!("register a task definition of family `{}`", definition.family);
        let answer = registration(definition)?.send_with(self.ecs()).await;
        let answer = answer.attempt(SERVICE, || attempt)?;
        let arn = answer.task_definition.and_then(|definition| definition.task_definition_arn);
        Ok(arn.unwrap_or_default())
    }
}

/// What a revision starts: as far as it must fit the stacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Revision {
    pub image: String,
    pub cpu: String,
    pub memory: String,
    /// Execution role and task role.
    pub roles: [String; 2],
    pub environment: BTreeMap<String, String>,
    /// Variable to where its value comes from.
    pub secrets: BTreeMap<String, String>,
}

impl Revision {
    /// What `definition` would start.
    pub(crate) fn of(definition: &TaskDefinition) -> Self {
        let containers = &definition.container_definitions;
        let variables = containers.iter().flat_map(|container| &container.environment);
        let secrets = containers.iter().flat_map(|container| &container.secrets);
        Self {
            image: containers.first().map(|container| container.image.clone()).unwrap_or_default(),
            cpu: definition.cpu.clone(),
            memory: definition.memory.clone(),
            roles: [definition.execution_role_arn.clone(), definition.task_role_arn.clone()],
            environment: variables.map(|v| (v.name.clone(), v.value.clone())).collect(),
            secrets: secrets.map(|s| (s.name.clone(), s.value_from.clone())).collect(),
        }
    }
}

impl Aws {
    /// What a revision starts.
    pub(crate) async fn revision(&self, arn: &str) -> Result<Revision, AwsError> {
        let definition = self.definition(arn).await?;
        let containers = definition.container_definitions.unwrap_or_default();
        let variables = containers.iter().flat_map(|container| container.environment());
        let secrets = containers.iter().flat_map(|container| container.secrets());
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(Revision {
            image: containers.first().and_then(|container| container.image.clone()).unwrap_or_default(),
            cpu: definition.cpu.unwrap_or_default(),
            memory: definition.memory.unwrap_or_default(),
            roles: [definition.execution_role_arn, definition.task_role_arn].map(Option::unwrap_or_default),
            environment: variables.map(|v| (text(v.name()), text(v.value()))).collect(),
            secrets: secrets.map(|s| (s.name().to_owned(), s.value_from().to_owned())).collect(),
        })
    }

    /// Registers what a revision is once more, as the newest of its family; answers the new one's ARN.
    pub(crate) async fn register_again(&self, arn: &str) -> Result<String, AwsError> {
        let old = self.definition(arn).await?;
        let answer = self
            .ecs()
            .register_task_definition()
            .set_family(old.family)
            .set_network_mode(old.network_mode)
            .set_requires_compatibilities(old.requires_compatibilities)
            .set_cpu(old.cpu)
            .set_memory(old.memory)
            .set_execution_role_arn(old.execution_role_arn)
            .set_task_role_arn(old.task_role_arn)
            .set_runtime_platform(old.runtime_platform)
            .set_volumes(old.volumes)
            .set_container_definitions(old.container_definitions)
            .send()
            .await;
        let answer = answer.attempt(SERVICE, || format!("register `{arn}` once more"))?;
        Ok(answer.task_definition.and_then(|definition| definition.task_definition_arn).unwrap_or_default())
    }

    async fn definition(&self, arn: &str) -> Result<sdk::TaskDefinition, AwsError> {
        let attempt = || format!("describe task definition `{arn}`");
        let answer = self.ecs().describe_task_definition().task_definition(arn).send().await;
        let found = answer.attempt(SERVICE, attempt)?.task_definition;
        found.ok_or_else(|| AwsError::missing(attempt(), SERVICE))
    }
}
