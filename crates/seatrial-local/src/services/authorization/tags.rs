//! Tags of what is acted on, for conditions on them.

use crate::cloud::Cloud;
use crate::services::{cloudformation, ec2, ecr, ecs, elbv2, iam, kms, logs, rds, secretsmanager};

/// The tags that a resource has now, by its ARN. Of services that judge by tags of resources (IAM user guide, "AWS services
/// that work with IAM", column ABAC) those whose tags are kept here; not S3, which does so for no ordinary bucket.
fn tags(cloud: &Cloud, arn: &str) -> Option<Vec<(String, String)>> {
    match arn.split(':').nth(2)? {
        "cloudformation" => cloudformation::tags_of(cloud, arn),
        "ec2" => ec2::tags_of(cloud, arn),
        "ecr" => ecr::tags_of(cloud, arn),
        "ecs" => ecs::tags_of(cloud, arn),
        "elasticloadbalancing" => elbv2::tags_of(cloud, arn),
        "iam" => iam::tags_of(cloud, arn),
        "kms" => kms::tags_of(cloud, arn),
        "logs" => logs::tags_of(cloud, arn),
        "rds" => rds::tags_of(cloud, arn),
        "secretsmanager" => secretsmanager::tags_of(cloud, arn),
        _ => None,
    }
}

/// Services with a key of their own for the same (their pages of the service authorization reference). RDS has one for each
/// type of resource (`rds:db-tag`), which is not given.
const OWN: [&str; 6] = ["ec2", "ecr", "ecs", "elasticloadbalancing", "iam", "secretsmanager"];

/// The condition keys of the resource's tags, with their values.
pub(super) fn conditions(cloud: &Cloud, action: &str, arn: &str) -> Vec<(String, String)> {
    let service = action.split(':').next().unwrap_or_default();
    let of = |(key, value): (String, String)| {
        let own = OWN.contains(&service).then(|| (format!("{service}:ResourceTag/{key}"), value.clone()));
        own.into_iter().chain([(format!("aws:ResourceTag/{key}"), value)])
    };
    tags(cloud, arn).unwrap_or_default().into_iter().flat_map(of).collect()
}
