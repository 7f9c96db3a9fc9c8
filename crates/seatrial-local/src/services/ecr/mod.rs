//! Elastic Container Registry: repositories, images by digest and tag, and their layers.
//!
//! The registry protocol (`crate::registry`) is a second way to the same operations: a push or a pull over it
//! makes the calls that AWS's registry is authorized by, so policies, faults and the journal see it.
//!
//! Differs from AWS: layers stay until their repository is deleted; lifecycle policies are kept, not applied;
//! images are not scanned. An artifact stays where its subject is deleted, as on AWS, where the lifecycle policies
//! remove it within 24 hours (ECR's user guide, "Lifecycle policy evaluation rules").

mod collect;
mod download;
mod error;
mod manifest;
mod operations;
mod referrers;
mod store;

pub(crate) use manifest::LONGEST_MANIFEST;
pub(crate) use operations::{
    BatchCheckLayerAvailability, BatchGetImage, CompleteLayerUpload, CreateRepository, DeleteLifecyclePolicy,
    DeleteRepository, DeleteRepositoryPolicy, DescribeRepositories, GetAuthorizationToken,
    GetDownloadUrlForLayer, ImageId, InitiateLayerUpload, ListImages, PutImage,
    PutImageScanningConfiguration, PutImageTagMutability, PutLifecyclePolicy, SetRepositoryPolicy,
    TagResource, UntagResource, UploadLayerPart,
};
pub(crate) use referrers::{Referrer, subject_of};
pub(crate) use store::{Ecr, Encryption, ExclusionFilter, Mutability, Scanning, digest, is_digest};

use crate::cloud::Cloud;
use crate::operation::Operations;

/// The policy that a repository has itself, by its ARN.
pub(crate) fn policy_of(cloud: &Cloud, arn: &str) -> Option<String> {
    let (_, name) = arn.split_once(":repository/")?;
    cloud.part::<Ecr>().repositories.get(name)?.policy
}

/// The tags of a repository, by its ARN.
pub(crate) fn tags_of(cloud: &Cloud, arn: &str) -> Option<Vec<(String, String)>> {
    let (_, name) = arn.split_once(":repository/")?;
    Some(crate::tags::pairs(&cloud.part::<Ecr>().repositories.get(name)?.tags))
}

pub(crate) fn register(operations: &mut Operations) {
    operations.refuse("ecr", error::other_registry);
    operations.add_collect(collect::collect);
    operations.add::<BatchCheckLayerAvailability>();
    operations.add::<operations::BatchDeleteImage>();
    operations.add::<BatchGetImage>();
    operations.add::<CompleteLayerUpload>();
    operations.add::<CreateRepository>();
    operations.add::<DeleteLifecyclePolicy>();
    operations.add::<DeleteRepository>();
    operations.add::<operations::DescribeImages>();
    operations.add::<DescribeRepositories>();
    operations.add::<GetAuthorizationToken>();
    operations.add::<GetDownloadUrlForLayer>();
    operations.add::<operations::GetLifecyclePolicy>();
    operations.add::<InitiateLayerUpload>();
    operations.add::<ListImages>();
    operations.add::<operations::ListTagsForResource>();
    operations.add::<PutImage>();
    operations.add::<PutImageScanningConfiguration>();
    operations.add::<PutImageTagMutability>();
    operations.add::<PutLifecyclePolicy>();
    operations.add::<TagResource>();
    operations.add::<UntagResource>();
    operations.add::<UploadLayerPart>();
    operations.add::<SetRepositoryPolicy>();
    operations.add::<operations::GetRepositoryPolicy>();
    operations.add::<DeleteRepositoryPolicy>();
}
