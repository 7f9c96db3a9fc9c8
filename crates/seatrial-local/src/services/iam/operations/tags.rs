//! Tags of roles.

use serde::{Deserialize, Serialize};

use super::super::store::RoleStore;
use super::{Empty, role_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::tags::{self, Tag};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagRole {
    pub role_name: String,
    pub tags: Vec<Tag>,
}

impl Operation for TagRole {
    type Output = Empty;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "TagRole";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        call.cloud.part::<RoleStore>().change(&self.role_name, |role| {
            role.tags.extend(tags::map(self.tags));
            Ok(Empty {})
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UntagRole {
    pub role_name: String,
    pub tag_keys: Vec<String>,
}

impl Operation for UntagRole {
    type Output = Empty;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "UntagRole";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        call.cloud.part::<RoleStore>().change(&self.role_name, |role| {
            role.tags.retain(|key, _| !self.tag_keys.contains(key));
            Ok(Empty {})
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListRoleTags {
    pub role_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListRoleTagsOutput {
    pub tags: Vec<Tag>,
    pub is_truncated: bool,
}

impl Operation for ListRoleTags {
    type Output = ListRoleTagsOutput;
    const SERVICE: &'static str = "iam";
    const NAME: &'static str = "ListRoleTags";

    fn resource(&self, cloud: &Cloud) -> String {
        role_arn(cloud, &self.role_name)
    }

    async fn handle(self, call: &Call) -> Result<ListRoleTagsOutput, ServiceError> {
        let role = call.cloud.part::<RoleStore>().role(&self.role_name)?;
        Ok(ListRoleTagsOutput { tags: tags::list(role.tags), is_truncated: false })
    }
}
