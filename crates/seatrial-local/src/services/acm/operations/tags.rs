//! Tags of certificates.

use serde::{Deserialize, Serialize};

use super::super::store::{Certificates, not_found};
use super::{Empty, SERVICE};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::tags::{self, Tag};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AddTagsToCertificate {
    pub certificate_arn: String,
    pub tags: Vec<Tag>,
}

impl Operation for AddTagsToCertificate {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "AddTagsToCertificate";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.certificate_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let rows = &call.cloud.part::<Certificates>().rows;
        let added = rows.update(&self.certificate_arn, |row| row.tags.extend(tags::map(self.tags)))?;
        added.map(|()| Empty {}).ok_or_else(|| not_found(&self.certificate_arn))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RemoveTagsFromCertificate {
    pub certificate_arn: String,
    pub tags: Vec<KeyAndValue>,
}

/// A tag to remove: whatever its value is where none is given, else only if that is it.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeyAndValue {
    key: String,
    #[serde(default)]
    value: Option<String>,
}

impl Operation for RemoveTagsFromCertificate {
    type Output = Empty;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "RemoveTagsFromCertificate";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.certificate_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Empty, ServiceError> {
        let is_meant = |key: &String, value: &String| {
            let mut meant = self.tags.iter().filter(|tag| tag.key == *key);
            meant.any(|tag| tag.value.as_ref().is_none_or(|given| given == value))
        };
        let rows = &call.cloud.part::<Certificates>().rows;
        let removed = rows.update(&self.certificate_arn, |row| {
            row.tags.retain(|key, value| !is_meant(key, value));
        })?;
        removed.map(|()| Empty {}).ok_or_else(|| not_found(&self.certificate_arn))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListTagsForCertificate {
    pub certificate_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListTagsOutput {
    pub tags: Vec<Tag>,
}

impl Operation for ListTagsForCertificate {
    type Output = ListTagsOutput;
    const SERVICE: &'static str = SERVICE;
    const NAME: &'static str = "ListTagsForCertificate";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.certificate_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<ListTagsOutput, ServiceError> {
        let row = call.cloud.part::<Certificates>().find(&self.certificate_arn)?;
        Ok(ListTagsOutput { tags: tags::list(row.tags) })
    }
}
