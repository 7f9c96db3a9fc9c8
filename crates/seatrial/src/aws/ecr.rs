//! ECR: which image a tag or digest names.

use aws_sdk_ecr::types::ImageIdentifier;

use super::Aws;
use super::error::{Attempt as _, AwsError};

const SERVICE: &str = "ECR";

/// An image in a repository.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub tags: Vec<String>,
    pub size_bytes: i64,
}

impl Aws {
    /// The image of that tag or digest (`sha256:…`); `None` if there is none.
    pub(crate) async fn image(&self, repository: &str, reference: &str) -> Result<Option<Image>, AwsError> {
        let id = if reference.starts_with("sha256:") {
            ImageIdentifier::builder().image_digest(reference).build()
        } else {
            ImageIdentifier::builder().image_tag(reference).build()
        };
        let answer = self.ecr().describe_images().repository_name(repository).image_ids(id).send().await;
        match answer.attempt(SERVICE, || format!("describe image `{reference}` of repository `{repository}`"))
        {
            Ok(answer) => {
                Ok(answer.image_details.unwrap_or_default().into_iter().next().map(|detail| Image {
                    tags: detail.image_tags.unwrap_or_default(),
                    size_bytes: detail.image_size_in_bytes.unwrap_or_default(),
                }))
            }
            Err(error) if error.is("ImageNotFoundException") || error.is("RepositoryNotFoundException") => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
