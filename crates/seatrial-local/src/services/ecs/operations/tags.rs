//! Tags of clusters, services, tasks and task definitions.

use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::ecs::definition::Tag;
use crate::services::ecs::store::{EcsStore, definition_key, invalid, last};
use crate::tags;

/// Changes the tags of the resource `arn` and answers them.
fn change(store: &EcsStore, arn: &str, change: impl FnOnce(&mut Vec<Tag>)) -> Result<Vec<Tag>, ServiceError> {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let (kind, name) = resource.split_once('/').unwrap_or_default();
    let changed = match kind {
        "cluster" => store.clusters.update(name, |row| edit(&mut row.tags, change))?,
        "service" => store.services.update(name, |row| edit(&mut row.tags, change))?,
        "task-set" => store.task_sets.update(name, |row| edit(&mut row.set.tags, change))?,
        "task" => store.tasks.update(name, |row| edit(&mut row.task.tags, change))?,
        "task-definition" => {
            let found = store.definition(last(arn));
            let key = found.map(|row| definition_key(&row.definition.family, row.definition.revision));
            store.definitions.update(&key.unwrap_or_default(), |row| edit(&mut row.tags, change))?
        }
        _ => None,
    };
    changed.ok_or_else(|| invalid("The specified resource cannot be found."))
}

/// The tags of the resource `arn`; `None`: it is not there.
pub(crate) fn tags_of(cloud: &Cloud, arn: &str) -> Option<Vec<(String, String)>> {
    let store = cloud.part::<EcsStore>();
    let (kind, name) = arn.splitn(6, ':').nth(5)?.split_once('/')?;
    let tags = match kind {
        "cluster" => store.clusters.get(name)?.tags,
        "service" => store.services.get(name)?.tags,
        "task-set" => store.task_sets.get(name)?.set.tags,
        "task" => store.tasks.get(name)?.task.tags,
        "task-definition" => store.definition(last(arn))?.tags,
        _ => return None,
    };
    Some(tags::pairs(&tags))
}

fn edit(tags: &mut Vec<Tag>, change: impl FnOnce(&mut Vec<Tag>)) -> Vec<Tag> {
    change(tags);
    tags.clone()
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListTagsForResource {
    resource_arn: String,
}

#[derive(Serialize)]
pub(super) struct ListTagsOutput {
    tags: Vec<Tag>,
}

impl Operation for ListTagsForResource {
    type Output = ListTagsOutput;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "ListTagsForResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<ListTagsOutput, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        Ok(ListTagsOutput { tags: change(&store, &self.resource_arn, |_| {})? })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagResource {
    pub resource_arn: String,
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
pub(crate) struct Nothing {}

impl Operation for TagResource {
    type Output = Nothing;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "TagResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        change(&store, &self.resource_arn, |tags| tags::put(tags, self.tags))?;
        Ok(Nothing {})
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UntagResource {
    resource_arn: String,
    tag_keys: Vec<String>,
}

impl Operation for UntagResource {
    type Output = Nothing;
    const SERVICE: &'static str = "ecs";
    const NAME: &'static str = "UntagResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let store = call.cloud.part::<EcsStore>();
        change(&store, &self.resource_arn, |tags| tags::remove(tags, &self.tag_keys))?;
        Ok(Nothing {})
    }
}
