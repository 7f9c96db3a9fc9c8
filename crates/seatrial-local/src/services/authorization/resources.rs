//! Policies that resources have themselves.

use std::sync::Arc;

use seatrial_policy::{NamedPolicy, PolicyKind};

use super::subject::{Parsed, asks_for_tags};
use crate::cloud::Cloud;
use crate::services::{ecr, iam, kms, s3, secretsmanager};

/// What a resource has: one policy at the most.
#[derive(Default)]
pub(super) struct Own {
    pub policies: Arc<[NamedPolicy]>,
    /// Whether it asks for tags of the resource.
    pub asks_for_tags: bool,
}

/// The policy of what `action` is checked on, if there is one: a bucket's, for its objects too, a secret's, a repository's,
/// a key's, and the trust of a role that shall be assumed. Other resources have none here.
pub(super) fn policy(cloud: &Cloud, action: &str, resource: &str) -> Own {
    let found = match action {
        "sts:AssumeRole" => {
            let policies = iam::policies_of(cloud, resource);
            policies.map(|policies| (PolicyKind::Trust, "trust policy".to_owned(), policies.trust))
        }
        _ if resource.contains(":secretsmanager:") => {
            let text = secretsmanager::policy_of(cloud, resource);
            text.map(|text| (PolicyKind::Resource, "secret's policy".to_owned(), text))
        }
        _ if resource.contains(":kms:") => {
            let text = kms::policy_of(cloud, resource).filter(|_| resource.contains(":key/"));
            text.map(|text| (PolicyKind::Key, "key policy".to_owned(), text))
        }
        _ if resource.contains(":ecr:") => {
            let text = ecr::policy_of(cloud, resource);
            text.map(|text| (PolicyKind::Resource, "repository's policy".to_owned(), text))
        }
        _ => {
            let bucket = resource.strip_prefix("arn:aws:s3:::").and_then(|rest| rest.split('/').next());
            let text = bucket.and_then(|bucket| s3::policy_of(cloud, bucket));
            text.map(|text| (PolicyKind::Resource, "bucket policy".to_owned(), text))
        }
    };
    let Some((kind, name, text)) = found else { return Own::default() };
    let asks_for_tags = asks_for_tags(&text);
    Own { policies: cloud.part::<Parsed>().policies(kind, vec![(name, text)]), asks_for_tags }
}
