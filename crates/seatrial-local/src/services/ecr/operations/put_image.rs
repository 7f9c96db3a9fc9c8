//! Images pushed.

use serde::{Deserialize, Serialize};

use super::super::error::{invalid, no_layers};
use super::super::manifest::{LONGEST_MANIFEST, Manifest};
use super::super::store::{Ecr, ImageRow, TagRow, digest};
use super::arn;
use super::images::Image;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::operation::{Call, Operation};

/// `PutImage`: a manifest, and the tag that names it from then on.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutImage {
    pub repository_name: String,
    pub image_manifest: String,
    pub image_manifest_media_type: Option<String>,
    pub image_tag: Option<String>,
    /// Refused if the manifest has another.
    pub image_digest: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct PutImageOutput {
    pub image: Image,
}

impl Operation for PutImage {
    type Output = PutImageOutput;
    const SERVICE: &'static str = "ecr";
    const NAME: &'static str = "PutImage";

    fn resource(&self, cloud: &Cloud) -> String {
        arn(cloud, &self.repository_name)
    }

    async fn handle(self, call: &Call) -> Result<PutImageOutput, ServiceError> {
        let (cloud, name) = (&call.cloud, &self.repository_name);
        if self.image_manifest.len() > LONGEST_MANIFEST {
            return Err(invalid("Invalid parameter at 'ImageManifest': it is longer than 4 MiB"));
        }
        let manifest = Manifest::parse(&self.image_manifest, self.image_manifest_media_type.as_deref())?;
        let digest = self.verified_digest()?;
        let ecr = cloud.part::<Ecr>();
        let _changing = ecr.changing.lock().await;
        let repository = ecr.repository(cloud, name)?;
        let missing = |digest: &&String| !ecr.layers.contains(&format!("{name}@{digest}"));
        let missing: Vec<_> = manifest.layers.iter().filter(missing).cloned().collect();
        if !missing.is_empty() {
            return Err(no_layers(name, &missing));
        }
        let size = manifest.size + size_of_children(&ecr, name, &manifest.children)?;
        let tag_key = self.image_tag.as_ref().map(|tag| format!("{name}:{tag}"));
        let tagged = tag_key.as_ref().and_then(|key| ecr.tags.get(key));
        if let (Some(tag), Some(tagged)) = (&self.image_tag, &tagged)
            && tagged.digest != digest
            && !repository.is_mutable(tag)
        {
            let message = format!(
                "The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten \
                 because the tag is immutable."
            );
            return Err(ServiceError::new("ImageTagAlreadyExistsException", message));
        }
        let key = format!("{name}@{digest}");
        let known = ecr.images.get(&key);
        if known.is_some() && (tag_key.is_none() || tagged.is_some_and(|row| row.digest == digest)) {
            return Err(already_pushed(name, &digest, self.image_tag.as_deref()));
        }
        let row = ImageRow {
            digest: digest.clone(),
            media_type: manifest.media_type,
            artifact_media_type: manifest.artifact_media_type,
            manifest: self.image_manifest,
            size,
            children: manifest.children,
            pushed_at: cloud.clock().now(),
        };
        // The tag last: what it names is there.
        ecr.images.put(&key, &row)?;
        if let Some(key) = tag_key {
            ecr.tags.put(&key, &TagRow { digest })?;
        }
        Ok(PutImageOutput { image: Image::of(cloud, name, self.image_tag, row) })
    }
}

impl PutImage {
    fn verified_digest(&self) -> Result<String, ServiceError> {
        let digest = digest(self.image_manifest.as_bytes());
        match &self.image_digest {
            Some(expected) if *expected != digest => Err(ServiceError::new(
                "ImageDigestDoesNotMatchException",
                format!("The provided digest '{expected}' does not match the manifest's digest '{digest}'"),
            )),
            _ => Ok(digest),
        }
    }
}

/// The size of the largest of the images of an index, all of which must be there.
fn size_of_children(ecr: &Ecr, repository: &str, children: &[String]) -> Result<u64, ServiceError> {
    let mut largest = 0;
    for digest in children {
        let Some(child) = ecr.images.get(&format!("{repository}@{digest}")) else {
            let message = format!(
                "Images with digests '[{digest}]' required for pushing image into repository with name \
                 '{repository}' do not exist"
            );
            return Err(ServiceError::new("ReferencedImagesNotFoundException", message));
        };
        largest = largest.max(child.size);
    }
    Ok(largest)
}

fn already_pushed(repository: &str, digest: &str, tag: Option<&str>) -> ServiceError {
    let message = format!(
        "Image with digest '{digest}' and tag '{}' already exists in the repository with name '{repository}'",
        tag.unwrap_or("null")
    );
    ServiceError::new("ImageAlreadyExistsException", message)
}
