//! The operations of ECR.

mod authorization;
mod delete_images;
mod images;
mod layers;
mod lifecycle;
mod put_image;
mod repositories;
mod settings;
mod tags;

pub(super) use authorization::GetAuthorizationToken;
pub(super) use delete_images::BatchDeleteImage;
pub(super) use images::DescribeImages;
pub(crate) use images::{BatchGetImage, ImageId, ListImages};
pub(crate) use layers::{
    BatchCheckLayerAvailability, CompleteLayerUpload, GetDownloadUrlForLayer, InitiateLayerUpload,
    UploadLayerPart,
};
pub(super) use lifecycle::GetLifecyclePolicy;
pub(crate) use lifecycle::{DeleteLifecyclePolicy, PutLifecyclePolicy};
pub(crate) use put_image::PutImage;
pub(crate) use repositories::{CreateRepository, DeleteRepository, DescribeRepositories};
pub(crate) use settings::{PutImageScanningConfiguration, PutImageTagMutability};
pub(super) use tags::ListTagsForResource;
pub(crate) use tags::{TagResource, UntagResource};

use crate::cloud::Cloud;

/// The ARN of a repository.
fn arn(cloud: &Cloud, name: &str) -> String {
    cloud.arn("ecr", &format!("repository/{name}"))
}

/// One page of `items` from `token` on (an offset), and the token of the next.
fn page<T>(items: Vec<T>, token: Option<&str>, limit: Option<usize>) -> (Vec<T>, Option<String>) {
    let from = token.and_then(|token| token.parse().ok()).unwrap_or(0_usize);
    let limit = limit.unwrap_or(100);
    let next = from.saturating_add(limit);
    let token = (next < items.len()).then(|| next.to_string());
    (items.into_iter().skip(from).take(limit).collect(), token)
}
