//! Policies that resources have themselves.

use std::sync::Arc;

use seatrial_policy::{NamedPolicy, PolicyKind};

use super::subject::Parsed;
use crate::cloud::Cloud;
use crate::services::{iam, s3};

/// The policy of what `action` is checked on, if there is one: a bucket's, for its objects too, and the trust of a role
/// that shall be assumed. Other resources have none here.
pub(super) fn policy(cloud: &Cloud, action: &str, resource: &str) -> Arc<[NamedPolicy]> {
    let found = match action {
        "sts:AssumeRole" => {
            let policies = iam::policies_of(cloud, resource);
            policies.map(|policies| (PolicyKind::Trust, "trust policy".to_owned(), policies.trust))
        }
        _ => {
            let bucket = resource.strip_prefix("arn:aws:s3:::").and_then(|rest| rest.split('/').next());
            let text = bucket.and_then(|bucket| s3::policy_of(cloud, bucket));
            text.map(|text| (PolicyKind::Resource, "bucket policy".to_owned(), text))
        }
    };
    let Some((kind, name, text)) = found else { return Arc::new([]) };
    cloud.part::<Parsed>().policies(kind, vec![(name, text)])
}
