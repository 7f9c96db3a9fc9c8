//! Tags of log groups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::store::LogStore;
use super::group_name;
use super::groups::Empty;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListTagsForResource {
    pub resource_arn: String,
}

#[derive(Serialize)]
pub(crate) struct ListTagsForResourceOutput {
    pub tags: BTreeMap<String, String>,
}

impl Operation for ListTagsForResource {
    type Output = ListTagsForResourceOutput;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "ListTagsForResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<ListTagsForResourceOutput, ServiceError> {
        let name = group_name(Some(&self.resource_arn), None)?;
        Ok(ListTagsForResourceOutput { tags: call.cloud.part::<LogStore>().group(&name)?.tags })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagResource {
    pub resource_arn: String,
    pub tags: BTreeMap<String, String>,
}

impl Operation for TagResource {
    type Output = Empty;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "TagResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        change(call, &self.resource_arn, |tags| tags.extend(self.tags))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UntagResource {
    pub resource_arn: String,
    pub tag_keys: Vec<String>,
}

impl Operation for UntagResource {
    type Output = Empty;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "UntagResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        change(call, &self.resource_arn, |tags| tags.retain(|key, _| !self.tag_keys.contains(key)))
    }
}

fn change(
    call: &Call,
    arn: &str,
    change: impl FnOnce(&mut BTreeMap<String, String>),
) -> Result<Empty, ServiceError> {
    let name = group_name(Some(arn), None)?;
    let store = call.cloud.part::<LogStore>();
    store.group(&name)?;
    store.groups.update(&name, |group| change(&mut group.tags))?;
    Ok(Empty {})
}
