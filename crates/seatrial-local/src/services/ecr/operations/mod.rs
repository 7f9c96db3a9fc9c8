//! The operations of ECR.

mod authorization;
mod delete_images;
mod images;
mod layers;
mod lifecycle;
mod policies;
mod put_image;
mod repositories;
mod settings;
mod tags;

pub(crate) use authorization::GetAuthorizationToken;
pub(super) use delete_images::BatchDeleteImage;
pub(super) use images::DescribeImages;
pub(crate) use images::{BatchGetImage, ImageId, ListImages};
pub(crate) use layers::{
    BatchCheckLayerAvailability, CompleteLayerUpload, GetDownloadUrlForLayer, InitiateLayerUpload,
    UploadLayerPart,
};
pub(super) use lifecycle::GetLifecyclePolicy;
pub(crate) use lifecycle::{DeleteLifecyclePolicy, PutLifecyclePolicy};
pub(super) use policies::GetRepositoryPolicy;
pub(crate) use policies::{DeleteRepositoryPolicy, SetRepositoryPolicy};
pub(crate) use put_image::PutImage;
pub(crate) use repositories::{CreateRepository, DeleteRepository, DescribeRepositories};
pub(crate) use settings::{PutImageScanningConfiguration, PutImageTagMutability};
pub(super) use tags::ListTagsForResource;
pub(crate) use tags::{TagResource, UntagResource};

use super::error::invalid;
use crate::cloud::Cloud;
use crate::error::ServiceError;

/// The ARN of a repository.
fn arn(cloud: &Cloud, name: &str) -> String {
    cloud.arn("ecr", &format!("repository/{name}"))
}

/// One page of `items` and the token of the next.
fn page<T>(
    items: Vec<T>,
    token: Option<&str>,
    limit: Option<usize>,
) -> Result<(Vec<T>, Option<String>), ServiceError> {
    crate::page::page(items, token, limit.unwrap_or(100)).map_err(|_| {
        invalid("Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")
    })
}
