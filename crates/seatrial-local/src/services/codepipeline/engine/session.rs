//! As whom actions call: the roles assumed.

use std::time::Duration;

use super::super::store::CodePipeline;
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::principal::Principal;
use crate::services::sts;

/// A session is not used when it ends sooner than this.
const MARGIN: Duration = Duration::from_secs(300);

/// The role's session, assumed anew when the last one is about to expire.
pub(super) async fn principal(cloud: &Cloud, role: &str, execution: &str) -> Result<Principal, ServiceError> {
    let part = cloud.part::<CodePipeline>();
    let until = cloud.clock().now().plus(MARGIN);
    if let Some(session) = part.session(role, until) {
        return Ok(session.principal);
    }
    // Its guide shows a trust policy without conditions, and names no resource for which it would act (AWS CodePipeline:
    // Create the CodePipeline service role): one that wants to know may be one that it cannot meet.
    let service = ("codepipeline.amazonaws.com", None);
    let session = sts::assume_role(cloud, service, role, execution).await?;
    part.keep_session(role, session.clone());
    Ok(session.principal)
}
