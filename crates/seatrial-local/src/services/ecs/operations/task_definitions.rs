//! Operations on task definitions: revisions are never changed, only made inactive.

use serde::{Deserialize, Serialize};

use super::validate_definition::validate;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::ecs::definition::{Content, Tag, TaskDefinition};
use crate::services::ecs::shapes::Failure;
use crate::services::ecs::store::{DefinitionRow, EcsStore, client, definition_key, invalid, last};

/// Elastic Container Service endpoints and quotas: "Task definition size".
const LARGEST: usize = 64 << 10;

/// The input is what `taskdef.json` holds: `serde_json::from_value` makes one of it.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct RegisterTaskDefinition {
    pub family: String,
    #[serde(flatten)]
    pub content: Content,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskDefinitionOutput {
    pub task_definition: TaskDefinition,
    pub tags: Vec<Tag>,
}

impl Operation for RegisterTaskDefinition {
    type Output = TaskDefinitionOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "RegisterTaskDefinition";

    async fn handle(self, call: &Call) -> Result<TaskDefinitionOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        validate(&self.family, &self.content)?;
        let size = serde_json::to_vec(&self.content).map_or(0, |text| text.len());
        if size > LARGEST {
            // aws/amazon-ecs-agent#2136 shows the words.
            return Err(client(format!("Actual length: '{size}'. Max allowed length is '{LARGEST}' bytes.")));
        }
        store.revisions.insert_new(&self.family, &0)?;
        let revision = store.revisions.update(&self.family, |last| {
            *last += 1;
            *last
        })?;
        let revision =
            revision.ok_or_else(|| ServiceError::internal("the family's last revision is gone"))?;
        let mut compatibilities = vec!["EC2".to_owned()];
        if self.content.requires_compatibilities.iter().any(|kind| kind == "FARGATE") {
            compatibilities.push("FARGATE".to_owned());
        }
        let definition = TaskDefinition {
            task_definition_arn: call
                .cloud
                .arn("ecs", &format!("task-definition/{}:{revision}", self.family)),
            family: self.family,
            revision,
            status: "ACTIVE".to_owned(),
            content: self.content,
            registered_at: Some(call.cloud.clock().now()),
            registered_by: Some(call.principal.arn.clone()),
            compatibilities,
            ..TaskDefinition::default()
        };
        let row = DefinitionRow { definition, tags: self.tags };
        store.definitions.put(&definition_key(&row.definition.family, revision), &row)?;
        Ok(TaskDefinitionOutput { task_definition: row.definition, tags: row.tags })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeTaskDefinition {
    /// An ARN, `FAMILY:REVISION`, or `FAMILY` for the latest active revision.
    pub task_definition: String,
    #[serde(default)]
    pub include: Vec<String>,
}

impl Operation for DescribeTaskDefinition {
    type Output = TaskDefinitionOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "DescribeTaskDefinition";

    async fn handle(self, call: &Call) -> Result<TaskDefinitionOutput, ServiceError> {
        let row = call.cloud.part::<EcsStore>().definition(&self.task_definition);
        let row = row.ok_or_else(|| client("Unable to describe task definition."))?;
        let tags = if self.include.iter().any(|what| what == "TAGS") { row.tags } else { Vec::new() };
        Ok(TaskDefinitionOutput { task_definition: row.definition, tags })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListTaskDefinitions {
    /// The whole name of one family.
    pub family_prefix: Option<String>,
    pub status: Option<String>,
    /// `ASC` or `DESC`.
    pub sort: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListTaskDefinitionsOutput {
    pub task_definition_arns: Vec<String>,
}

impl Operation for ListTaskDefinitions {
    type Output = ListTaskDefinitionsOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "ListTaskDefinitions";

    async fn handle(self, call: &Call) -> Result<ListTaskDefinitionsOutput, ServiceError> {
        let status = self.status.as_deref().unwrap_or("ACTIVE");
        let rows = call.cloud.part::<EcsStore>().definitions.values();
        let fits = |row: &DefinitionRow| {
            row.definition.status == status
                && self.family_prefix.as_ref().is_none_or(|family| *family == row.definition.family)
        };
        let arns = rows.into_iter().filter(fits).map(|row| row.definition.task_definition_arn);
        let mut task_definition_arns: Vec<_> = arns.collect();
        if self.sort.as_deref() == Some("DESC") {
            task_definition_arns.reverse();
        }
        Ok(ListTaskDefinitionsOutput { task_definition_arns })
    }
}

#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListTaskDefinitionFamilies {
    pub family_prefix: Option<String>,
    /// `ACTIVE`, `INACTIVE` or `ALL`.
    pub status: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct ListTaskDefinitionFamiliesOutput {
    pub families: Vec<String>,
}

impl Operation for ListTaskDefinitionFamilies {
    type Output = ListTaskDefinitionFamiliesOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "ListTaskDefinitionFamilies";

    async fn handle(self, call: &Call) -> Result<ListTaskDefinitionFamiliesOutput, ServiceError> {
        let rows = call.cloud.part::<EcsStore>().definitions.values();
        let prefix = self.family_prefix.unwrap_or_default();
        // A family is active as long as one revision is.
        let mut families = std::collections::BTreeMap::<String, bool>::new();
        for row in rows.into_iter().filter(|row| row.definition.family.starts_with(&prefix)) {
            *families.entry(row.definition.family).or_default() |= row.definition.status == "ACTIVE";
        }
        let fits = |active: bool| match self.status.as_deref() {
            Some("ACTIVE") => active,
            Some("INACTIVE") => !active,
            _ => true,
        };
        let families = families.into_iter().filter(|(_, active)| fits(*active));
        Ok(ListTaskDefinitionFamiliesOutput { families: families.map(|(family, _)| family).collect() })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeregisterTaskDefinition {
    /// An ARN or `FAMILY:REVISION`.
    pub task_definition: String,
}

impl Operation for DeregisterTaskDefinition {
    type Output = TaskDefinitionOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "DeregisterTaskDefinition";

    fn resource(&self, cloud: &Cloud) -> String {
        cloud.arn("ecs", &format!("task-definition/{}", last(&self.task_definition)))
    }

    /// What runs goes on, and still scales; nothing new may use the revision.
    async fn handle(self, call: &Call) -> Result<TaskDefinitionOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        if !last(&self.task_definition).contains(':') {
            return Err(client("Revision is missing."));
        }
        let found = store.definition(&self.task_definition);
        let mut row = found.ok_or_else(|| client("The specified task definition does not exist."))?;
        if row.definition.status == "ACTIVE" {
            row.definition.status = "INACTIVE".to_owned();
            row.definition.deregistered_at = Some(call.cloud.clock().now());
            store.definitions.put(&definition_key(&row.definition.family, row.definition.revision), &row)?;
        }
        Ok(TaskDefinitionOutput { task_definition: row.definition, tags: Vec::new() })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteTaskDefinitions {
    pub task_definitions: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteTaskDefinitionsOutput {
    pub task_definitions: Vec<TaskDefinition>,
    pub failures: Vec<Failure>,
}

impl Operation for DeleteTaskDefinitions {
    type Output = DeleteTaskDefinitionsOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "DeleteTaskDefinitions";

    /// Removes inactive revisions at once; AWS keeps them as DELETE_IN_PROGRESS while something uses them.
    async fn handle(self, call: &Call) -> Result<DeleteTaskDefinitionsOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        if self.task_definitions.is_empty() || self.task_definitions.len() > 10 {
            return Err(invalid("Between 1 and 10 task definitions can be deleted at a time."));
        }
        let mut output = DeleteTaskDefinitionsOutput { task_definitions: Vec::new(), failures: Vec::new() };
        for given in self.task_definitions {
            match store.definition(&given) {
                Some(mut row) if row.definition.status == "INACTIVE" => {
                    let key = definition_key(&row.definition.family, row.definition.revision);
                    store.definitions.remove(&key)?;
                    row.definition.status = "DELETE_IN_PROGRESS".to_owned();
                    output.task_definitions.push(row.definition);
                }
                Some(row) => {
                    let arn = row.definition.task_definition_arn;
                    let reason = "The specified task definition is still in ACTIVE status. Please deregister \
                                  the target and try again.";
                    output.failures.push(Failure { arn, reason });
                }
                None => output.failures.push(Failure::missing(given)),
            }
        }
        Ok(output)
    }
}
