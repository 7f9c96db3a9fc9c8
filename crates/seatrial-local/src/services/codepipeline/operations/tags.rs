//! The tags of a pipeline.

use serde::{Deserialize, Serialize};

use super::Nothing;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};
use crate::services::codepipeline::store::{CodePipeline, Tag};
use crate::tags;

/// `ListTagsForResource`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListTagsForResource {
    pub resource_arn: String,
}

#[derive(Serialize)]
pub(crate) struct TagsOutput {
    pub tags: Vec<Tag>,
}

impl Operation for ListTagsForResource {
    type Output = TagsOutput;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "ListTagsForResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<TagsOutput, ServiceError> {
        let row = call.cloud.part::<CodePipeline>().pipelines.get(name_of(&self.resource_arn));
        Ok(TagsOutput { tags: row.ok_or_else(|| gone(&self.resource_arn))?.tags })
    }
}

/// `TagResource`: adds tags, or replaces those of the same key.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagResource {
    pub resource_arn: String,
    pub tags: Vec<Tag>,
}

impl Operation for TagResource {
    type Output = Nothing;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "TagResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        change(call, &self.resource_arn, |tags| tags::put(tags, self.tags))
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
    type Output = Nothing;
    const SERVICE: &'static str = "codepipeline";
    const NAME: &'static str = "UntagResource";

    fn resource(&self, _cloud: &Cloud) -> String {
        self.resource_arn.clone()
    }

    async fn handle(self, call: &Call) -> Result<Nothing, ServiceError> {
        change(call, &self.resource_arn, |tags| tags::remove(tags, &self.tag_keys))
    }
}

fn change(call: &Call, arn: &str, change: impl FnOnce(&mut Vec<Tag>)) -> Result<Nothing, ServiceError> {
    let pipelines = &call.cloud.part::<CodePipeline>().pipelines;
    let changed = pipelines.update(name_of(arn), |row| change(&mut row.tags))?;
    changed.map(|()| Nothing {}).ok_or_else(|| gone(arn))
}

/// `arn:aws:codepipeline:REGION:ACCOUNT:NAME`.
fn name_of(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

fn gone(arn: &str) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", format!("no pipeline has the ARN {arn}"))
}
