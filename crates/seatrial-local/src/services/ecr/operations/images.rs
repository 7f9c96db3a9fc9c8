//! Images read: by tag or digest, one or all.

use serde::{Deserialize, Serialize};

use super::super::store::{Ecr, ImageRow};
use super::{arn, page};
use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// Which image: by digest, by tag, or by both where they must agree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageId {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_tag: Option<String>,
}

impl ImageId {
    /// The id that `reference` (`sha256:…` or a tag) stands for.
    pub(crate) fn of(reference: &str) -> Self {
        match reference.contains(':') {
            true => Self { image_digest: Some(reference.to_owned()), image_tag: None },
            false => Self { image_digest: None, image_tag: Some(reference.to_owned()) },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageFailure {
    pub image_id: ImageId,
    pub failure_code: &'static str,
    pub failure_reason: String,
}

impl ImageFailure {
    pub(super) fn not_found(image_id: ImageId) -> Self {
        let failure_reason = "Requested image not found".to_owned();
        Self { image_id, failure_code: "ImageNotFound", failure_reason }
    }
}

/// The image of that id.
pub(super) fn find(ecr: &Ecr, repository: &str, id: &ImageId) -> Option<ImageRow> {
    let tagged = match &id.image_tag {
        Some(tag) => Some(ecr.tags.get(&format!("{repository}:{tag}"))?.digest),
        None => None,
    };
    let digest = match (tagged, id.image_digest.clone()) {
        (Some(tagged), Some(digest)) if tagged != digest => return None,
        (tagged, digest) => tagged.or(digest)?,
    };
    ecr.images.get(&format!("{repository}@{digest}"))
}

/// All images of a repository.
fn all(ecr: &Ecr, repository: &str) -> Vec<ImageRow> {
    ecr.images.with_prefix(&format!("{repository}@")).into_iter().map(|(_, row)| row).collect()
}

/// An image with its manifest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Image {
    pub registry_id: String,
    pub repository_name: String,
    pub image_id: ImageId,
    pub image_manifest: String,
    pub image_manifest_media_type: String,
}

impl Image {
    pub(super) fn of(cloud: &Cloud, repository: &str, tag: Option<String>, row: ImageRow) -> Self {
        Self {
            registry_id: cloud.account().to_owned(),
            repository_name: repository.to_owned(),
            image_id: ImageId { image_digest: Some(row.digest), image_tag: tag },
            image_manifest: row.manifest,
            image_manifest_media_type: row.media_type,
        }
    }
}

/// `BatchGetImage`: manifests are answered as they were pushed, whatever types are accepted.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchGetImage {
    pub repository_name: String,
    pub image_ids: Vec<ImageId>,
}

#[derive(Serialize)]
pub(crate) struct BatchGetImageOutput {
    pub images: Vec<Image>,
    pub failures: Vec<ImageFailure>,
}

impl Operation for BatchGetImage {
    type Output = BatchGetImageOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "BatchGetImage";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<BatchGetImageOutput, ServiceError> {
        let (cloud, name) = (&call.cloud, &self.repository_name);
        let ecr = cloud.part::<Ecr>();
        ecr.repository(cloud, name)?;
        let (mut images, mut failures) = (Vec::new(), Vec::new());
        for id in self.image_ids {
            match find(&ecr, name, &id) {
                Some(row) => images.push(Image::of(cloud, name, id.image_tag, row)),
                None => failures.push(ImageFailure::not_found(id)),
            }
        }
        Ok(BatchGetImageOutput { images, failures })
    }
}

/// `TAGGED`, `UNTAGGED` or all.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Filter {
    pub tag_status: Option<String>,
}

impl Filter {
    fn takes(&self, tagged: bool) -> bool {
        match self.tag_status.as_deref() {
            Some("TAGGED") => tagged,
            Some("UNTAGGED") => !tagged,
            _ => true,
        }
    }
}

/// `ListImages`: an id for each tag, and one for each image without.
#[derive(Deserialize, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListImages {
    pub repository_name: String,
    #[serde(default)]
    pub filter: Filter,
    pub next_token: Option<String>,
    pub max_results: Option<usize>,
}

impl ListImages {
    /// All tags at once.
    pub(crate) fn tagged(repository_name: String) -> Self {
        let filter = Filter { tag_status: Some("TAGGED".to_owned()) };
        Self { repository_name, filter, next_token: None, max_results: Some(usize::MAX) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListImagesOutput {
    pub image_ids: Vec<ImageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

impl Operation for ListImages {
    type Output = ListImagesOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "ListImages";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<ListImagesOutput, ServiceError> {
        let (cloud, name) = (&call.cloud, &self.repository_name);
        let ecr = cloud.part::<Ecr>();
        ecr.repository(cloud, name)?;
        let mut ids = Vec::new();
        for row in all(&ecr, name) {
            let tags = ecr.tags_of(name, &row.digest);
            if tags.is_empty() && self.filter.takes(false) {
                ids.push(ImageId { image_digest: Some(row.digest.clone()), image_tag: None });
            }
            if self.filter.takes(true) {
                let id = |tag| ImageId { image_digest: Some(row.digest.clone()), image_tag: Some(tag) };
                ids.extend(tags.into_iter().map(id));
            }
        }
        let (image_ids, next_token) = page(ids, self.next_token.as_deref(), self.max_results)?;
        Ok(ListImagesOutput { image_ids, next_token })
    }
}

/// `DescribeImages`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeImages {
    pub repository_name: String,
    #[serde(default)]
    pub image_ids: Vec<ImageId>,
    #[serde(default)]
    pub filter: Filter,
    pub next_token: Option<String>,
    pub max_results: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribeImagesOutput {
    pub image_details: Vec<ImageDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageDetail {
    pub registry_id: String,
    pub repository_name: String,
    pub image_digest: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub image_tags: Vec<String>,
    pub image_size_in_bytes: u64,
    pub image_pushed_at: Epoch,
    pub image_manifest_media_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_media_type: Option<String>,
}

impl Operation for DescribeImages {
    type Output = DescribeImagesOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "DescribeImages";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<DescribeImagesOutput, ServiceError> {
        let (cloud, name) = (&call.cloud, &self.repository_name);
        let ecr = cloud.part::<Ecr>();
        ecr.repository(cloud, name)?;
        let rows = match self.image_ids.as_slice() {
            [] => all(&ecr, name),
            ids => {
                let found = |id| find(&ecr, name, id).ok_or_else(|| not_found(cloud, name, id));
                ids.iter().map(found).collect::<Result<_, _>>()?
            }
        };
        let details = rows.into_iter().map(|row| ImageDetail {
            registry_id: cloud.account().to_owned(),
            repository_name: name.clone(),
            image_tags: ecr.tags_of(name, &row.digest),
            image_digest: row.digest,
            image_size_in_bytes: row.size,
            image_pushed_at: row.pushed_at,
            image_manifest_media_type: row.media_type,
            artifact_media_type: row.artifact_media_type,
        });
        let details = details.filter(|detail| self.filter.takes(!detail.image_tags.is_empty())).collect();
        let (image_details, next_token) = page(details, self.next_token.as_deref(), self.max_results)?;
        Ok(DescribeImagesOutput { image_details, next_token })
    }
}

fn not_found(cloud: &Cloud, repository: &str, id: &ImageId) -> ServiceError {
    let message = format!(
        "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within the repository with name \
         '{repository}' in the registry with id '{}'",
        id.image_digest.as_deref().unwrap_or("null"),
        id.image_tag.as_deref().unwrap_or("null"),
        cloud.account()
    );
    ServiceError::new("ImageNotFoundException", message)
}
