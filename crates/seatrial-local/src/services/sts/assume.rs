//! Roles that services assume.

use std::time::Duration;

use super::operations::AssumeRole;
use crate::cloud::Cloud;
use crate::credentials::{CredentialStore, Credentials};
use crate::error::ServiceError;
use crate::principal::Principal;

/// Has an AWS service (`codebuild.amazonaws.com`) assume a role, as services do before they act for a user, on the
/// resource `source`, if it says so. The credentials' principal is the one to make calls with.
pub(crate) async fn assume_role(
    cloud: &Cloud,
    (service, source): (&str, Option<String>),
    role_arn: &str,
    session: &str,
) -> Result<Credentials, ServiceError> {
    assumed(cloud, (service, source), (role_arn, session), None).await
}

/// The same for so long a session.
pub(super) async fn assume_role_for(
    cloud: &Cloud,
    (service, source): (&str, Option<String>),
    (role_arn, session): (&str, &str),
    lifetime: Duration,
) -> Result<Credentials, ServiceError> {
    assumed(cloud, (service, source), (role_arn, session), Some(lifetime)).await
}

async fn assumed(
    cloud: &Cloud,
    (service, source): (&str, Option<String>),
    (role_arn, session): (&str, &str),
    lifetime: Option<Duration>,
) -> Result<Credentials, ServiceError> {
    let principal = Principal::service(service, cloud.account());
    let input = AssumeRole {
        role_arn: role_arn.to_owned(),
        role_session_name: session.to_owned(),
        source_arn: source,
        policy: None,
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        lifetime,
    };
    let assumed = cloud.call(&principal, input).await?;
    let found = cloud.part::<CredentialStore>().lookup(&assumed.credentials.access_key_id);
    found.ok_or_else(|| ServiceError::internal("the session's credentials are gone"))
}
