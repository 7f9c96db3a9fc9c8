//! Giving a log group a key, and taking it away.

use serde::{Deserialize, Serialize};

use super::super::encryption;
use super::super::store::LogStore;
use super::groups::Empty;
use super::{group_name, stream_arn};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssociateKmsKey {
    #[serde(default)]
    pub log_group_name: Option<String>,
    #[serde(default)]
    pub resource_identifier: Option<String>,
    /// An ARN.
    pub kms_key_id: String,
}

impl Operation for AssociateKmsKey {
    type Output = Empty;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "AssociateKmsKey";

    fn resource(&self, cloud: &Cloud) -> String {
        named(cloud, self.log_group_name.as_deref(), self.resource_identifier.as_deref())
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let name = group_name(self.log_group_name.as_deref(), self.resource_identifier.as_deref())?;
        let store = call.cloud.part::<LogStore>();
        store.group(&name)?;
        encryption::check(&call.cloud, &name, &self.kms_key_id)?;
        store.groups.update(&name, |group| group.kms_key_id = Some(self.kms_key_id))?;
        Ok(Empty {})
    }
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DisassociateKmsKey {
    #[serde(default)]
    pub log_group_name: Option<String>,
    #[serde(default)]
    pub resource_identifier: Option<String>,
}

impl Operation for DisassociateKmsKey {
    type Output = Empty;
    const SERVICE: &'static str = "logs";
    const NAME: &'static str = "DisassociateKmsKey";

    fn resource(&self, cloud: &Cloud) -> String {
        named(cloud, self.log_group_name.as_deref(), self.resource_identifier.as_deref())
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let name = group_name(self.log_group_name.as_deref(), self.resource_identifier.as_deref())?;
        let store = call.cloud.part::<LogStore>();
        store.group(&name)?;
        store.groups.update(&name, |group| group.kms_key_id = None)?;
        Ok(Empty {})
    }
}

fn named(cloud: &Cloud, name: Option<&str>, identifier: Option<&str>) -> String {
    group_name(name, identifier).map_or_else(|_| "*".to_owned(), |name| stream_arn(cloud, &name, ""))
}
