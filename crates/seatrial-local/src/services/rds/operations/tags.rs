//! Tags of instances, groups and snapshots.

use serde::{Deserialize, Serialize};

use super::Nothing;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::rds::store::RdsStore;
use crate::tags::{self, Tag};

fn change(store: &RdsStore, arn: &str, change: impl FnOnce(&mut Vec<Tag>)) -> Result<Vec<Tag>, ServiceError> {
    let mut parts = arn.splitn(7, ':').skip(5);
    let (kind, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let edit = |tags: &mut Vec<Tag>| {
        change(tags);
        tags.clone()
    };
    let changed = match kind {
        "db" => store.instances.update(name, |row| edit(&mut row.instance.tag_list))?,
        "subgrp" => store.subnet_groups.update(name, |row| edit(&mut row.tags))?,
        "pg" => store.parameter_groups.update(name, |row| edit(&mut row.tags))?,
        "snapshot" => store.snapshots.update(name, |row| edit(&mut row.snapshot.tag_list))?,
        _ => None,
    };
    changed.ok_or_else(|| {
        ServiceError::new("InvalidParameterValue", format!("Invalid resource name: {arn}")).with_status(404)
    })
}

/// The tags of the resource `arn`; `None`: it is not there.
pub(crate) fn tags_of(cloud: &Cloud, arn: &str) -> Option<Vec<(String, String)>> {
    let store = cloud.part::<RdsStore>();
    let mut parts = arn.splitn(7, ':').skip(5);
    let (kind, name) = (parts.next()?, parts.next()?);
    let tags = match kind {
        "db" => store.instances.get(name)?.instance.tag_list,
        "subgrp" => store.subnet_groups.get(name)?.tags,
        "pg" => store.parameter_groups.get(name)?.tags,
        "snapshot" => store.snapshots.get(name)?.snapshot.tag_list,
        _ => return None,
    };
    Some(tags::pairs(&tags))
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AddTagsToResource {
    pub resource_name: String,
    pub tags: Vec<Tag>,
}

impl Operation for AddTagsToResource {
    type Output = Nothing;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "AddTagsToResource";

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        change(&store, &self.resource_name, |tags| tags::put(tags, self.tags))?;
        Ok(Nothing {})
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RemoveTagsFromResource {
    pub resource_name: String,
    pub tag_keys: Vec<String>,
}

impl Operation for RemoveTagsFromResource {
    type Output = Nothing;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "RemoveTagsFromResource";

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        let store = call.cloud.part::<RdsStore>();
        change(&store, &self.resource_name, |tags| tags::remove(tags, &self.tag_keys))?;
        Ok(Nothing {})
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListTagsForResource {
    pub resource_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListTagsForResourceOutput {
    pub tag_list: Vec<Tag>,
}

impl Operation for ListTagsForResource {
    type Output = ListTagsForResourceOutput;
    const SERVICE: &'static str = "rds";
    const NAME: &'static str = "ListTagsForResource";

    async fn handle(self, call: &Call) -> Result<ListTagsForResourceOutput, ServiceError> {
        let tag_list = change(&call.cloud.part::<RdsStore>(), &self.resource_name, |_| {})?;
        Ok(ListTagsForResourceOutput { tag_list })
    }
}
