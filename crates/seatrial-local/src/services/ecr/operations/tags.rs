//! Tags of repositories.

use serde::{Deserialize, Serialize};

use super::super::error::{invalid, no_repository};
use super::super::store::Ecr;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::tags::{self, Tag};

#[derive(Serialize)]
pub(crate) struct Done {}

/// `TagResource`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagResource {
    pub resource_arn: String,
    pub tags: Vec<Tag>,
}

impl Operation for TagResource {
    type Output = Done;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "TagResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Done, ServiceError> {
        change(&call.cloud, &self.resource_arn, |tags| tags::put(tags, self.tags))
    }
}

/// `UntagResource`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UntagResource {
    pub resource_arn: String,
    pub tag_keys: Vec<String>,
}

impl Operation for UntagResource {
    type Output = Done;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "UntagResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Done, ServiceError> {
        change(&call.cloud, &self.resource_arn, |tags| tags::remove(tags, &self.tag_keys))
    }
}

/// `ListTagsForResource`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListTagsForResource {
    pub resource_arn: String,
}

#[derive(Serialize)]
pub(crate) struct Tags {
    pub tags: Vec<Tag>,
}

impl Operation for ListTagsForResource {
    type Output = Tags;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "ListTagsForResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Tags, ServiceError> {
        let name = name(&self.resource_arn)?;
        Ok(Tags { tags: call.cloud.part::<Ecr>().repository(&call.cloud, name)?.tags })
    }
}

fn name(arn: &str) -> Result<&str, ServiceError> {
    let name = arn.split_once(":repository/").map(|(_, name)| name);
    name.ok_or_else(|| {
        invalid(format!(
            "Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN' {arn}"
        ))
    })
}

fn change(cloud: &Cloud, arn: &str, change: impl FnOnce(&mut Vec<Tag>)) -> Result<Done, ServiceError> {
    let name = name(arn)?;
    let changed = cloud.part::<Ecr>().repositories.update(name, |row| change(&mut row.tags))?;
    changed.map(|()| Done {}).ok_or_else(|| no_repository(cloud, name))
}
