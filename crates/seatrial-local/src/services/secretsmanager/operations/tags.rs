//! Tags of secrets.

use serde::{Deserialize, Serialize};

use super::super::store::SecretStore;
use super::arn_of;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::tags::{self, Tag};

/// The answer of an operation that answers nothing.
#[derive(Serialize)]
pub(crate) struct Empty {}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TagResource {
    pub secret_id: String,
    pub tags: Vec<Tag>,
}

impl Operation for TagResource {
    type Output = Empty;
    const SERVICE: &'static str = "secretsmanager";
    const NAME: &'static str = "TagResource";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of(cloud, &self.secret_id)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<SecretStore>();
        let secret = store.usable(&self.secret_id)?;
        store.secrets.update(&secret.name, |row| row.tags.extend(tags::map(self.tags)))?;
        Ok(Empty {})
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UntagResource {
    pub secret_id: String,
    pub tag_keys: Vec<String>,
}

impl Operation for UntagResource {
    type Output = Empty;
    const SERVICE: &'static str = "secretsmanager";
    const NAME: &'static str = "UntagResource";

    fn resource(&self, cloud: &Cloud) -> String {
        arn_of(cloud, &self.secret_id)
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let store = call.cloud.part::<SecretStore>();
        let secret = store.usable(&self.secret_id)?;
        let gone = |row: &mut super::super::store::Secret| {
            row.tags.retain(|key, _| !self.tag_keys.contains(key));
        };
        store.secrets.update(&secret.name, gone)?;
        Ok(Empty {})
    }
}
