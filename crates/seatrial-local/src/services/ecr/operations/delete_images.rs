//! Images deleted. Their layers stay until their repository is deleted.

use serde::{Deserialize, Serialize};

use super::super::store::Ecr;
use super::arn;
use super::images::{ImageFailure, ImageId, find};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// `BatchDeleteImage`: a tag is taken away, and with its last tag the image goes; a digest deletes the image
/// with all its tags.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchDeleteImage {
    pub repository_name: String,
    pub image_ids: Vec<ImageId>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchDeleteImageOutput {
    pub image_ids: Vec<ImageId>,
    pub failures: Vec<ImageFailure>,
}

impl Operation for BatchDeleteImage {
    type Output = BatchDeleteImageOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "BatchDeleteImage";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<BatchDeleteImageOutput, ServiceError> {
        let name = &self.repository_name;
        let ecr = call.cloud.part::<Ecr>();
        let _changing = ecr.changing.lock().await;
        ecr.repository(&call.cloud, name)?;
        let mut output = BatchDeleteImageOutput { image_ids: Vec::new(), failures: Vec::new() };
        for id in self.image_ids {
            match delete(&ecr, name, &id)? {
                Ok(deleted) => output.image_ids.extend(deleted),
                Err(failure) => output.failures.push(failure),
            }
        }
        Ok(output)
    }
}

fn delete(
    ecr: &Ecr,
    repository: &str,
    id: &ImageId,
) -> Result<Result<Vec<ImageId>, ImageFailure>, ServiceError> {
    let Some(row) = find(ecr, repository, id) else { return Ok(Err(ImageFailure::not_found(id.clone()))) };
    let tags = ecr.tags_of(repository, &row.digest);
    let is_last = tags.len() <= 1;
    let removed = match &id.image_tag {
        Some(tag) => vec![tag.clone()],
        None => tags,
    };
    if id.image_tag.is_none() || is_last {
        let images = ecr.images.with_prefix(&format!("{repository}@"));
        let index = images.into_iter().find(|(_, other)| other.children.contains(&row.digest));
        if let Some((_, index)) = index {
            let failure_reason = format!(
                "Requested image referenced by manifest list: [{}]. Delete the manifest list first.",
                index.digest
            );
            let failure_code = "ImageReferencedByManifestList";
            return Ok(Err(ImageFailure { image_id: id.clone(), failure_code, failure_reason }));
        }
    }
    for tag in &removed {
        ecr.tags.remove(&format!("{repository}:{tag}"))?;
    }
    if id.image_tag.is_none() || is_last {
        ecr.images.remove(&format!("{repository}@{}", row.digest))?;
    }
    let named = |tag: Option<String>| ImageId { image_digest: Some(row.digest.clone()), image_tag: tag };
    Ok(Ok(match removed.is_empty() {
        true => vec![named(None)],
        false => removed.into_iter().map(|tag| named(Some(tag))).collect(),
    }))
}
