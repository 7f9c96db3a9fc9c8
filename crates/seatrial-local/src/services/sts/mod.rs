//! Security Token Service: who am I, and roles assumed by engines and builds.

mod operations;

pub(crate) use operations::AssumeRole;

use crate::cloud::Cloud;
use crate::credentials::{CredentialStore, Credentials};
use crate::error::ServiceError;
use crate::operation::Operations;
use crate::principal::Principal;

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<AssumeRole>();
    operations.add::<operations::GetCallerIdentity>();
}

/// Has an AWS service (`codebuild.amazonaws.com`) assume a role, as services do before they act for a user, on the
/// resource `source`, if it says so. The credentials' principal is the one to make calls with.
pub(crate) async fn assume_role(
    cloud: &Cloud,
    (service, source): (&str, Option<String>),
    role_arn: &str,
    session: &str,
) -> Result<Credentials, ServiceError> {
    let principal = Principal::service(service, cloud.account());
    let input = AssumeRole {
        role_arn: role_arn.to_owned(),
        role_session_name: session.to_owned(),
        source_arn: source,
        policy: None,
    };
    let assumed = cloud.call(&principal, input).await?;
    let found = cloud.part::<CredentialStore>().lookup(&assumed.credentials.access_key_id);
    found.ok_or_else(|| ServiceError::internal("the session's credentials are gone"))
}
